/** What the addresses of the errors' pages hold, and what the pages are told. */
import type { ComparisonPage, MetricsPage, TimeRange } from '../../src/store/span-store.ts';
import type { Buckets, ErrorGroup } from '../../src/trace/error-groups.ts';
import { rangeParams, readRange } from '../shared/range-fields.ts';
import type { RangeFields } from '../shared/range-fields.ts';

export const ERROR_SORTS = ['count', 'last', 'first'] as const;
export type ErrorSort = (typeof ERROR_SORTS)[number];

export interface ErrorsState {
  readonly range: RangeFields;
  readonly sort: ErrorSort;
  /** '' is every service. */
  readonly service: string;
  /** Looked for in type, message, place and operation; '' takes all. */
  readonly text: string;
}

/** Groups of one look at the errors of a project. */
export interface ErrorScan {
  readonly groups: readonly ErrorGroup[];
  readonly buckets: Buckets;
  /** Failed ones and those with an exception that was handled. */
  readonly spans: number;
  readonly failedRead: number;
  /** All there are in the range. */
  readonly failedTotal: number;
  readonly isCut: boolean;
  readonly handledRead: number;
  readonly handledCut: boolean;
  /** Of what was read; 0 when there is none. */
  readonly oldestUnixNano: bigint;
  /** Whole traces that were read for what failed below what. */
  readonly tracesRead: number;
  readonly asOfUnixNano: bigint;
  /** Why the store could not tell all; '' when it could. */
  readonly incomplete: string;
  readonly tookMs: number;
}

/** Of a group, what takes a scan of its own. */
export interface LaterParts {
  /** All spans with this type and message, by service over time. */
  readonly chart: MetricsPage;
  readonly asked: TimeRange;
  /** With the other spans of the same operations. */
  readonly comparison: ComparisonPage;
}

const MAX_TEXT = 200;

export function readErrorsState(params: URLSearchParams): ErrorsState {
  return {
    range: readRange(params),
    sort: ERROR_SORTS.find((known) => known === params.get('sort')) ?? 'count',
    service: params.get('service') ?? '',
    text: (params.get('text') ?? '').trim().slice(0, MAX_TEXT),
  };
}

export function errorsHref(state: ErrorsState, change: Partial<ErrorsState> = {}): string {
  return withParams('/errors', { ...state, ...change });
}

/** The list's state goes along, so that the way back leads to the same list. */
export function errorHref(id: string, state: ErrorsState, change: Partial<ErrorsState> = {}): string {
  return withParams(`/errors/${id}`, { ...state, ...change });
}

function withParams(path: string, { range, sort, service, text }: ErrorsState): string {
  const params = new URLSearchParams(rangeParams(range));
  if (sort !== 'count') params.set('sort', sort);
  if (service !== '') params.set('service', service);
  if (text !== '') params.set('text', text);
  const query = params.toString();
  return query === '' ? path : `${path}?${query}`;
}

/** The groups that a list shows, in its order. */
export function chosenGroups(scan: ErrorScan, { sort, service, text }: ErrorsState): ErrorGroup[] {
  const wanted = text.toLowerCase();
  const kept = scan.groups.filter((group) => isOfService(group, service) && hasText(group, wanted));
  switch (sort) {
    case 'count':
      return kept;
    case 'last':
      return kept.toSorted((a, b) => (a.lastUnixNano > b.lastUnixNano ? -1 : 1));
    case 'first':
      return kept.toSorted((a, b) => (a.firstUnixNano > b.firstUnixNano ? -1 : 1));
  }
}

/** Where it began or where it was seen. */
function isOfService({ services, passedOn }: ErrorGroup, service: string): boolean {
  if (service === '') return true;
  return services.some(({ name }) => name === service) || passedOn.some((one) => one.serviceName === service);
}

function hasText(group: ErrorGroup, wanted: string): boolean {
  if (wanted === '') return true;
  const texts = [group.type, group.pattern, group.frame, ...group.operations.map(({ name }) => name)];
  return [...texts, group.samples[0]?.message ?? ''].some((text) => text.toLowerCase().includes(wanted));
}

/** First seen in the last quarter of a range that was read as a whole, while others were seen before. */
export function isNew({ firstUnixNano }: ErrorGroup, { isCut, buckets, oldestUnixNano }: ErrorScan): boolean {
  if (isCut) return false;
  const quarter = (buckets.stepNano * BigInt(buckets.count)) / 4n;
  const late = buckets.startUnixNano + 3n * quarter;
  return firstUnixNano >= late && oldestUnixNano < late;
}
