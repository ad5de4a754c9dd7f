/** Test support: random TraceQL over `arbitrary-spans.ts`, whole queries of every kind, as text. */
import fc from 'fast-check';
import type { Query } from '../../../../traceql/ast.ts';
import { parseQuery } from '../../../../traceql/parse.ts';
import { spanQuery } from './arbitrary-spans.ts';

/** Conditions that hit a good part of the spans, so that what is built of them isn't empty. */
const FREQUENT = [
  '{}',
  '{ kind = server }',
  '{ kind != client }',
  '{ status = error }',
  '{ status != error }',
  '{ name = "a" }',
  '{ name != "a" }',
  '{ resource.service.name = "shop" }',
  '{ duration > 10ns }',
  '{ duration <= 10ns }',
  '{ span.i >= 1 }',
  '{ .s != nil }',
  '{ parent = nil }',
  '{ parent != nil }',
];
const OPERATORS = ['&&', '||', '>', '>>', '<', '<<', '~', '!>', '!>>', '!<', '!<<', '!~'];
const UNIONS = ['&>', '&>>', '&<', '&<<', '&~'];

export const selector: fc.Arbitrary<string> = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(...FREQUENT) },
  { weight: 1, arbitrary: spanQuery.map(({ text }) => text) },
);

const { operation } = fc.letrec<{ operation: string }>((tie) => ({
  operation: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    selector,
    fc
      .tuple(tie('operation'), fc.constantFrom(...OPERATORS, ...UNIONS), tie('operation'))
      .map(([left, operator, right]) => `(${left} ${operator} ${right})`),
  ),
}));

const GROUPS = ['name', 'kind', 'resource.service.name', 'span.i', 'span.b', '.m', 'duration'];

const stage: fc.Arbitrary<string> = fc.oneof(
  { weight: 2, arbitrary: selector },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      'count() > 1',
      'count() = 2',
      'count() <= 3',
      'avg(duration) > 8ns',
      'max(duration) >= 20ns',
      'min(duration) < 5ns',
      'sum(span.d) > 0',
      'max(span.i) = 500',
      'min(.i) != 0',
      'count() * 2 + 1 < 9',
      'max(duration) > 2 * avg(duration)',
    ),
  },
  { weight: 1, arbitrary: fc.constantFrom(...GROUPS).map((field) => `by(${field})`) },
  { weight: 1, arbitrary: fc.constantFrom('coalesce()', 'select(name, span.i)') },
);

/** Structural and logical operations of selectors, and pipelines behind them. */
export const spansetText: fc.Arbitrary<string> = fc.oneof(
  { weight: 3, arbitrary: operation },
  {
    weight: 2,
    arbitrary: fc
      .tuple(operation, fc.array(stage, { minLength: 1, maxLength: 3 }))
      .map((parts) => parts.flat().join(' | ')),
  },
);

export const spansetQuery: fc.Arbitrary<Query> = spansetText.filter(parses).map(parseQuery);

const OVER_TIME = ['sum_over_time', 'avg_over_time', 'min_over_time', 'max_over_time'];
const NUMBERS = ['duration', 'span.i', 'span.d', '.i', 'resource.d', 'span.m'];

const aggregate: fc.Arbitrary<string> = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom('rate()', 'count_over_time()') },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom(...OVER_TIME), fc.constantFrom(...NUMBERS))
      .map(([name, field]) => `${name}(${field})`),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      'quantile_over_time(duration, .5, .9)',
      'quantile_over_time(duration, 0, .99, 1)',
      'quantile_over_time(span.i, .5)',
      'histogram_over_time(duration)',
      'histogram_over_time(.i)',
    ),
  },
);

const by: fc.Arbitrary<string> = fc
  .uniqueArray(
    fc.constantFrom(
      ...GROUPS.filter((group) => group !== 'duration'),
      'status',
      'span.s',
      'resource.s',
      'span.nowhere',
    ),
    { maxLength: 3 },
  )
  .map((fields) => (fields.length === 0 ? '' : ` by(${fields.join(', ')})`));

const source = fc.oneof({ weight: 4, arbitrary: selector }, { weight: 1, arbitrary: operation });

/** A metrics query of one aggregate, of selectors for the most part. */
export const metricsQuery: fc.Arbitrary<Query> = fc
  .tuple(source, aggregate, by)
  .map(([from, of, groups]) => `${from} | ${of}${groups}`)
  .filter(parses)
  .map(parseQuery);

/** The type check refuses some: those are others' tests. */
function parses(text: string): boolean {
  try {
    parseQuery(text);
    return true;
  } catch {
    return false;
  }
}
