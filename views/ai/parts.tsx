/** Small parts of the gen-AI page, and the searches behind its figures. */
import { Html } from '@elysiajs/html';
import type { Children } from '@kitajs/html';
import type { PriceTable } from '../../src/trace/gen-ai-prices.ts';
import { NO_MODEL_CALLS } from '../../src/trace/gen-ai.ts';
import type { FieldExpression } from '../../src/traceql/ast.ts';
import { and, comparison, field, intrinsic } from '../../src/traceql/build.ts';
import { printExpression } from '../../src/traceql/print.ts';
import { formatDuration } from '../format.ts';
import { missing } from '../shared/query-links.ts';
import { rangeParams } from '../shared/range-fields.ts';
import { formatCost } from './ai-state.ts';
import type { AiFigures, AiState } from './ai-state.ts';

/** Values of attributes that a search asks for; '' is none. */
export type Asked = readonly (readonly [key: string, value: string])[];

const NAME_CHARS = 120;

/** The one that was asked for, and the one that answered where that says more. */
export function Model(props: { request: string; response: string; children?: Children }): JSX.Element {
  const { request, response, children } = props;
  const name = request || response;
  return (
    <span class="ai-model">
      <span>
        <bdi class="data" safe>
          {name.slice(0, NAME_CHARS)}
        </bdi>
        {children}
      </span>
      {response !== '' && response !== name ? (
        <bdi class="data note" safe>
          {response.slice(0, NAME_CHARS)}
        </bdi>
      ) : (
        ''
      )}
    </span>
  );
}

export function Cost(props: {
  cost: number | undefined;
  prices: PriceTable | undefined;
  /** Some of it has no price. */
  partly?: boolean;
}): JSX.Element {
  const { cost, prices, partly } = props;
  if (prices === undefined || cost === undefined) {
    return (
      <span
        class="none"
        title={prices === undefined ? 'The server has no price table' : 'No price for this model'}
      >
        {prices === undefined ? '–' : 'no price'}
      </span>
    );
  }
  return (
    <span title={partly ? 'At least: some of the models have no price' : undefined} safe>
      {`${partly ? '≥ ' : ''}${formatCost(cost, prices.currency)}`}
    </span>
  );
}

export function seconds(value: number): string {
  return formatDuration(BigInt(Math.round(value * 1e9)));
}

/** Of the time in calls, the wait for the first token included. */
export function tokensPerSecond({ outputTokens, seconds: spent }: AiFigures): string {
  return outputTokens === 0 || spent <= 0 ? '–' : String(Number((outputTokens / spent).toPrecision(3)));
}

/** Calls to models, as spans. */
export function callsHref(state: AiState, asked: Asked, errorsOnly = false): string {
  return href(state, and(conditionOf(state, asked), errorsOnly ? failed() : null, notAgents()), 'newest');
}

export function slowestHref(state: AiState, asked: Asked, atLeastSeconds: number): string {
  const value = BigInt(Math.floor(atLeastSeconds * 1e9));
  const slow = comparison(intrinsic('span:duration'), '>=', { type: 'duration', value });
  return href(state, and(conditionOf(state, asked), slow, notAgents()), 'slowest');
}

/** Spans with an attribute, whatever their operation. */
export function spansHref(state: AiState, asked: Asked, errorsOnly = false): string {
  return href(state, and(conditionOf(state, asked), errorsOnly ? failed() : null), 'newest');
}

function failed(): FieldExpression {
  return comparison(intrinsic('span:status'), '=', { type: 'status', value: 'error' });
}

function conditionOf({ service }: AiState, asked: Asked): FieldExpression | null {
  return and(
    ...asked.map(([key, value]) =>
      value === '' ? missing(field('span', key)) : comparison(field('span', key), '=', value),
    ),
    asked.length === 0 ? comparison(field('span', 'gen_ai.request.model'), '!=', { type: 'nil' }) : null,
    service === '' ? null : comparison(field('resource', 'service.name'), '=', service),
  );
}

/** As on the page: agents hold the calls that are counted. */
function notAgents(): FieldExpression {
  const operation = field('span', 'gen_ai.operation.name');
  const operand = comparison(operation, '=~', NO_MODEL_CALLS.join('|'));
  return { kind: 'unary', operator: '!', operand, position: 0 };
}

function href({ range }: AiState, condition: FieldExpression | null, order: 'newest' | 'slowest'): string {
  const q = condition === null ? '' : `{ ${printExpression(condition)} }`;
  const params = new URLSearchParams({ q, view: 'spans', ...rangeParams(range) });
  if (order === 'slowest') params.set('order', order);
  return `/search?${params}`;
}
