/** Metrics functions and what may stand behind them: `rate() by (name) | topk(5) > 10`. */
import { MAX_COMPARE_VALUES, MAX_GROUP_FIELDS, MAX_QUANTILES } from '../limits.ts';
import type { GroupField, Literal, MetricsAggregate, MetricsStage } from './ast.ts';
import { checkNumeric } from './check.ts';
import { isNumeric } from './compare.ts';
import { orderingOf } from './expression.ts';
import { parseField, parseSelector } from './parse-field.ts';
import type { TokenStream } from './token-stream.ts';

type MetricsName = MetricsAggregate['kind'];

const NAMES: ReadonlyMap<string, MetricsName> = new Map(
  (
    [
      'rate',
      'count_over_time',
      'sum_over_time',
      'avg_over_time',
      'min_over_time',
      'max_over_time',
      'quantile_over_time',
      'histogram_over_time',
      'compare',
    ] as const
  ).map((name) => [name, name]),
);

/** The metrics function that the next word names. */
export function metricsName(tokens: TokenStream): MetricsName | undefined {
  return tokens.token.kind === 'word' ? NAMES.get(tokens.token.text) : undefined;
}

/** From the function's name, `name`, to behind its `by (...)`. */
export function parseMetricsAggregate(tokens: TokenStream, name: MetricsName): MetricsAggregate {
  const { position } = tokens.token;
  tokens.skip();
  tokens.expectSymbol('(', `"(" after "${name}"`);
  switch (name) {
    case 'rate':
    case 'count_over_time':
      tokens.expectSymbol(')', `")": ${name}() counts spans and takes no field`);
      return { kind: name, by: parseBy(tokens), position };
    case 'sum_over_time':
    case 'avg_over_time':
    case 'min_over_time':
    case 'max_over_time':
    case 'histogram_over_time': {
      const operand = numericField(tokens, name);
      tokens.expectSymbol(')', `")": ${name}() takes one field`);
      return { kind: name, operand, by: parseBy(tokens), position };
    }
    case 'quantile_over_time': {
      const operand = numericField(tokens, name);
      const quantiles: number[] = [];
      if (!tokens.isSymbol(',')) throw tokens.unexpected('"," and quantiles from 0 to 1, such as .5, .99');
      while (tokens.takeSymbol(',')) {
        tokens.count(quantiles.length + 1, MAX_QUANTILES, 'quantiles');
        quantiles.push(quantile(tokens));
      }
      tokens.expectSymbol(')', '"," or ")"');
      return { kind: name, operand, quantiles, by: parseBy(tokens), position };
    }
    case 'compare':
      return parseCompare(tokens, position);
  }
}

function numericField(tokens: TokenStream, name: string): GroupField {
  const { token } = tokens;
  const field = parseField(tokens);
  checkNumeric(field, token.position, `${name}()`);
  return field;
}

function quantile(tokens: TokenStream): number {
  const { token } = tokens;
  const value = token.kind === 'literal' && token.value.type !== 'duration' ? numberOf(token.value) : null;
  if (value === null || value > 1) throw tokens.unexpected('a quantile from 0 to 1, such as .99');
  tokens.skip();
  return value;
}

function numberOf(value: Literal['value']): number | null {
  return isNumeric(value) ? Number(value.value) : null;
}

function parseBy(tokens: TokenStream): readonly GroupField[] {
  if (!tokens.takeWord('by')) return [];
  tokens.expectSymbol('(', '"(" after "by"');
  const fields: GroupField[] = [];
  do {
    tokens.count(fields.length + 1, MAX_GROUP_FIELDS, 'fields in by (...)');
    fields.push(parseField(tokens));
  } while (tokens.takeSymbol(','));
  tokens.expectSymbol(')', '"," or ")"');
  return fields;
}

/** `compare({selection}, topN, start, end)`: all but the selector may be missing, start and end together. */
function parseCompare(tokens: TokenStream, position: number): MetricsAggregate {
  if (!tokens.isSymbol('{')) throw tokens.unexpected('the selection {...} to compare with the other spans');
  const selection = parseSelector(tokens);
  let topN = 10;
  let [startUnixNano, endUnixNano]: [bigint | undefined, bigint | undefined] = [undefined, undefined];
  if (tokens.takeSymbol(',')) {
    topN = wholeNumber(tokens, MAX_COMPARE_VALUES);
    if (tokens.takeSymbol(',')) {
      startUnixNano = timestamp(tokens);
      tokens.expectSymbol(',', '"," and the end of the selection in Unix nanoseconds');
      const { token } = tokens;
      endUnixNano = timestamp(tokens);
      if (startUnixNano === 0n && endUnixNano === 0n) [startUnixNano, endUnixNano] = [undefined, undefined];
      else if (startUnixNano === 0n || endUnixNano <= startUnixNano) {
        throw tokens.unexpectedAt(token, 'an end behind a start above 0, in Unix nanoseconds');
      }
    }
  }
  tokens.expectSymbol(')', '"," or ")"');
  return { kind: 'compare', selection, topN, startUnixNano, endUnixNano, position };
}

function timestamp(tokens: TokenStream): bigint {
  const { token } = tokens;
  if (token.kind !== 'literal' || token.value.type !== 'int')
    throw tokens.unexpected('a time in Unix nanoseconds');
  tokens.skip();
  return token.value.value;
}

/** From 1. */
function wholeNumber(tokens: TokenStream, most: number): number {
  const { token } = tokens;
  const value = token.kind === 'literal' && token.value.type === 'int' ? token.value.value : 0n;
  if (value < 1n || value > most) {
    throw tokens.unexpected(most > 1e9 ? 'a whole number above 0' : `a whole number from 1 to ${most}`);
  }
  tokens.skip();
  return Number(value);
}

/** `| topk(5)`, `> 10`, ... as far as they go. `number` reads one, calculations with numbers included. */
export function parseMetricsStages(
  tokens: TokenStream,
  number: (tokens: TokenStream) => Literal,
): readonly MetricsStage[] {
  const stages: MetricsStage[] = [];
  for (;;) {
    const { token } = tokens;
    const operator = token.kind === 'symbol' ? orderingOf(token.text) : undefined;
    if (operator !== undefined) {
      tokens.countStage();
      tokens.skip();
      const { value } = number(tokens);
      stages.push({ kind: 'filter', operator, value: inSeconds(value), position: token.position });
    } else if (tokens.isSymbol('|')) {
      tokens.countStage();
      tokens.skip();
      stages.push(parseTop(tokens));
    } else {
      return stages;
    }
  }
}

/** Metrics of durations are in seconds. */
function inSeconds(value: Literal['value']): number {
  const number = numberOf(value) ?? Number.NaN;
  return value.type === 'duration' ? number / 1e9 : number;
}

function parseTop(tokens: TokenStream): MetricsStage {
  const { token } = tokens;
  const kind =
    token.kind === 'word' && (token.text === 'topk' || token.text === 'bottomk') ? token.text : null;
  if (kind === null) throw tokens.unexpected('topk(n) or bottomk(n), the stages behind a metrics function');
  tokens.skip();
  tokens.expectSymbol('(', `"(" after "${kind}"`);
  const count = wholeNumber(tokens, Number.MAX_SAFE_INTEGER);
  tokens.expectSymbol(')');
  return { kind, count, position: token.position };
}
