/** Test support: random TraceQL over `arbitrary-spans.ts`, whole queries of every kind, as text. */
import fc from 'fast-check';
import type { Query } from '../../../../traceql/ast.ts';
import { parseQuery } from '../../../../traceql/parse.ts';
import { spanQuery } from './random-conditions.ts';

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

const { spansets, operation } = fc.letrec<{ spansets: string; operation: string }>((tie) => ({
  spansets: fc.oneof(
    { maxDepth: 2, depthSize: 'small' },
    { weight: 2, arbitrary: selector },
    { weight: 1, arbitrary: tie('operation') },
  ),
  operation: fc
    .tuple(tie('spansets'), fc.constantFrom(...OPERATORS, ...UNIONS), tie('spansets'))
    .map(([left, operator, right]) => `(${left} ${operator} ${right})`),
}));

const GROUPS = ['name', 'kind', 'resource.service.name', 'span.i', 'span.b', '.m', 'duration'];

/** Each with numbers that it is on either side of. */
const AGGREGATES = [
  ['count()', '1', '2', '3'],
  ['avg(duration)', '8ns', '15ns', '2 * min(duration)'],
  ['max(duration)', '20ns', '28ns', '2 * avg(duration)'],
  ['min(duration)', '1ns', '5ns', 'avg(duration) - 4ns'],
  ['sum(span.d)', '0', '1'],
  ['max(span.i)', '0', '500', 'min(span.i)'],
  ['min(.i)', '0', '1', '-5'],
  ['count() * 2 + 1', '5', '9'],
  ['count() % 2', '0', '1'],
  ['max(duration) - min(duration)', '0ns', '9ns'],
] as const;

const scalarFilter = fc.oneof(
  ...AGGREGATES.map(([left, ...numbers]) =>
    fc
      .tuple(fc.constantFrom('=', '!=', '>', '>=', '<', '<='), fc.constantFrom(...numbers))
      .map(([operator, right]) => `${left} ${operator} ${right}`),
  ),
);

const stage: fc.Arbitrary<string> = fc.oneof(
  { weight: 2, arbitrary: selector },
  { weight: 5, arbitrary: scalarFilter },
  { weight: 2, arbitrary: fc.constantFrom(...GROUPS).map((field) => `by(${field})`) },
  { weight: 2, arbitrary: fc.constantFrom('coalesce()', 'select(name, span.i)') },
);

/** Structural and logical operations of selectors, and pipelines behind them. */
const spansetText: fc.Arbitrary<string> = fc.oneof(
  { weight: 1, arbitrary: operation },
  {
    weight: 1,
    arbitrary: fc
      .tuple(spansets, fc.array(stage, { minLength: 1, maxLength: 3, size: 'max' }))
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
