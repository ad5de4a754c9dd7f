/** What the address of the gen-AI page holds, and what the page is told. */
import type { Span } from '../../src/span/span.ts';
import type { Coverage, TimeRange } from '../../src/store/span-store.ts';
import { rangeParams, readRange } from '../shared/range-fields.ts';
import type { RangeFields } from '../shared/range-fields.ts';

export interface AiState {
  readonly range: RangeFields;
  /** '' is every service. */
  readonly service: string;
}

/** Summed up from spans. */
export interface AiFigures {
  readonly calls: number;
  readonly errors: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** In the currency of the price table; undefined when no model of it has a price. */
  readonly cost: number | undefined;
  /** Calls of models without a price. */
  readonly unpriced: number;
  /** Of all calls, added up. */
  readonly seconds: number;
}

export interface ModelRow extends AiFigures {
  readonly provider: string;
  readonly requestModel: string;
  readonly responseModel: string;
  /** By which of the two names the provider came; for the search behind the row. */
  readonly providerKey: 'gen_ai.provider.name' | 'gen_ai.system' | '';
  /** Seconds; undefined where the store told none. */
  readonly p50: number | undefined;
  readonly p95: number | undefined;
}

export interface ServiceRow extends AiFigures {
  readonly service: string;
}

/** Of one model over time. */
export interface ModelSeries {
  readonly model: string;
  readonly calls: Float64Array;
  readonly inputTokens: Float64Array;
  readonly outputTokens: Float64Array;
  /** Undefined without a price. */
  readonly cost: Float64Array | undefined;
}

export interface AiTotals {
  readonly all: AiFigures;
  readonly models: readonly ModelRow[];
  readonly services: readonly ServiceRow[];
  readonly series: readonly ModelSeries[];
  readonly startUnixNano: bigint;
  readonly stepNano: bigint;
  readonly buckets: number;
  readonly asked: TimeRange;
  readonly coverage: Coverage;
}

export interface LatestCalls {
  readonly spans: readonly Span[];
  readonly more: boolean;
}

/** Of an agent or a tool. */
export interface NamedRow {
  readonly name: string;
  readonly count: number;
  readonly errors: number;
  readonly p50: number | undefined;
  readonly p95: number | undefined;
}

export interface ConversationRow {
  readonly id: string;
  readonly calls: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cost: number | undefined;
}

export interface AiLaterParts {
  readonly agents: readonly NamedRow[];
  readonly tools: readonly NamedRow[];
  readonly conversations: readonly ConversationRow[];
  /** How many conversations there are; those shown have the most calls. */
  readonly distinct: number;
  readonly coverage: Coverage;
}

export function readAiState(params: URLSearchParams): AiState {
  return { range: readRange(params), service: params.get('service') ?? '' };
}

export function aiHref(state: AiState, change: Partial<AiState> = {}): string {
  const { range, service } = { ...state, ...change };
  const params = new URLSearchParams(rangeParams(range));
  if (service !== '') params.set('service', service);
  const query = params.toString();
  return query === '' ? '/ai' : `/ai?${query}`;
}

const CURRENCY_SIGNS = new Map([
  ['USD', '$'],
  ['EUR', '€'],
  ['GBP', '£'],
]);

/** `$12.30`, `$0.0042`, `12.30 CHF`: cents, and of less as many digits as tell something. */
export function formatCost(cost: number, currency: string): string {
  const digits = cost === 0 || cost >= 1 ? 2 : Math.min(8, Math.max(2, 1 - Math.floor(Math.log10(cost))));
  const amount = cost.toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: digits });
  const sign = CURRENCY_SIGNS.get(currency);
  return sign === undefined ? `${amount} ${currency}` : `${sign}${amount}`;
}
