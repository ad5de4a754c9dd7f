import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import type { SpansetExpression } from './ast.ts';
import { matches } from './evaluate.ts';
import { parseQuery } from './parse.ts';
import { printExpression } from './print.ts';
import { isMetrics } from './query.ts';
import { BOUND, analyseSpansets, clausesOf, needTest, probeOfClause } from './spansets-analysis.ts';
import type { Need } from './spansets-analysis.ts';
import { spansOf } from './spanset.ts';
import { spansetsOf } from './spansets.ts';
import { SketchedTrace } from './trace-sketch.ts';

function expressionOf(query: string): SpansetExpression {
  const { expression } = parseQuery(query);
  if (isMetrics(expression)) throw new Error(`${query} is a metrics query`);
  return expression;
}

/** The need with conditions for probes; `*` is any span, `^` a span in or outside of the range. */
function needText(query: string): string {
  const { probes, need } = analyseSpansets(expressionOf(query));
  const text = (part: Need): string => {
    if (typeof part === 'boolean') return String(part);
    if (part.kind !== 'probe') return `${part.kind}(${part.parts.map(text).join('; ')})`;
    const { condition, inRange } = probes[part.probe];
    return `${inRange ? '' : '^'}${condition ? printExpression(condition) : '*'}`;
  };
  return text(need);
}

function boundText(query: string): string {
  const { condition } = analyseSpansets(expressionOf(query)).probes[BOUND];
  return condition ? printExpression(condition) : '*';
}

const NEEDS: readonly (readonly [query: string, need: string, bound: string])[] = [
  ['{ .a = 1 }', '.a = 1', '.a = 1'],
  ['{}', 'true', '*'],
  ['{ .a = 1 } >> { .b = 2 }', 'all(.a = 1; .b = 2)', '.b = 2'],
  ['{ .a = 1 } !>> { .b = 2 }', '.b = 2', '.b = 2'],
  ['{ .a = 1 } &>> { .b = 2 }', 'all(.a = 1; .b = 2)', '.a = 1 || .b = 2'],
  ['{ .a = 1 } && { .b = 2 }', 'all(.a = 1; .b = 2)', '.a = 1 || .b = 2'],
  ['{ .a = 1 } || { .b = 2 }', 'any(.a = 1; .b = 2)', '.a = 1 || .b = 2'],
  ['{ .a = 1 } || {}', 'true', '*'],
  ['{ .a = 1 } | { .b = 2 } | count() > 2', 'all(.a = 1; .b = 2)', '.a = 1 && .b = 2'],
  ['{ false } || { .a = 1 }', '.a = 1', 'false || .a = 1'],
  ['{ false } > { .a = 1 }', 'false', '.a = 1'],
  ['{ rootName = "x" }', '^span:name = "x" && parent = nil', '*'],
  [
    '{ rootServiceName = "x" && .a = 1 }',
    'all(.a = 1; ^resource.service.name = "x" && parent = nil)',
    '.a = 1',
  ],
  // The root's service may be missing for this to hold.
  ['{ rootServiceName != "x" }', 'true', '*'],
  ['{ parent.name = "x" }', '^span:name = "x"', '*'],
  ['{ parent.name = "x" || .a = 1 }', 'true', '*'],
  ['{ !(rootName = "x") }', 'true', '*'],
  ['({ .a = 1 } | count()) > ({ .b = 2 } | count())', 'any(.a = 1; .b = 2)', '.a = 1 || .b = 2'],
  [
    '({ .a = 1 } | max(duration)) > ({ .b = 2 } | count())',
    'all(.a = 1; any(.a = 1; .b = 2))',
    '.a = 1 || .b = 2',
  ],
];

describe('what a trace needs, and what bounds the result', () => {
  for (const [query, need, bound] of NEEDS) {
    test(query, () => expect([needText(query), boundText(query)]).toEqual([need, bound]));
  }
});

test('selectors beyond 32 probes are evaluated span by span', () => {
  const query = Array.from({ length: 40 }, (_, i) => `{ .a = ${i} }`).join(' && ');
  const { probes, selectors, fields } = analyseSpansets(expressionOf(query));
  expect(probes).toHaveLength(32);
  expect([...selectors.values()].filter(({ exact }) => !exact)).toHaveLength(9);
  expect(fields.map(printExpression)).toEqual(['.a']);
});

const selector = fc.constantFrom(
  '{}',
  '{ .a = 1 }',
  '{ .a = 2 }',
  '{ .a != 1 && .b = 1 }',
  '{ name = "n" }',
  '{ false }',
);
const { query: queries } = fc.letrec<{ query: string }>((tie) => ({
  query: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    selector,
    fc
      .tuple(
        tie('query'),
        fc.constantFrom('&&', '||', '>', '>>', '<', '~', '!>', '!>>', '!~', '&>', '&<<', '&~'),
        tie('query'),
      )
      .map(([left, operator, right]) => `(${left}) ${operator} (${right})`),
    fc
      .tuple(
        tie('query'),
        fc.constantFrom(
          'count() > 1',
          'by(.a)',
          'by(.b) | count() = 1',
          'sum(.a) > 1',
          '{ .b = 1 }',
          'coalesce()',
        ),
      )
      .map(([source, stage]) => `(${source}) | ${stage}`),
    fc
      .tuple(
        tie('query'),
        fc.constantFrom('count()', 'sum(.a)'),
        fc.constantFrom('>', '=', '!='),
        tie('query'),
      )
      .map(([a, figure, operator, b]) => `((${a}) | ${figure}) ${operator} ((${b}) | count())`),
  ),
}));
const traces = fc.array(
  fc.record({
    name: fc.constantFrom('n', 'm'),
    pick: fc.nat(),
    a: fc.integer({ min: 0, max: 2 }),
    b: fc.integer({ min: 0, max: 1 }),
    isOutside: fc.boolean(),
  }),
  { minLength: 1, maxLength: 8 },
);

test('no trace and no span is ruled out that the expression gives', () => {
  fc.assert(
    fc.property(queries, traces, (query, spans) => {
      const expression = expressionOf(query);
      const { probes, need, minimum } = analyseSpansets(expression);
      const trace = new SketchedTrace(
        spans.map(({ name, pick, a, b }, i) => ({
          name,
          parent: (pick % (i + 1)) - 1,
          attributes: new Map(
            Object.entries({ a, b }).map(([key, n]) => [key, { type: 'int', value: BigInt(n) }]),
          ),
        })),
        new Set(spans.flatMap(({ isOutside }, i) => (isOutside ? [i] : []))),
      );
      const satisfies = (probe: number, span: number) =>
        (!probes[probe].inRange || trace.inRange(span)) &&
        matches(probes[probe].condition, trace.fields(span));
      let bits = 0;
      for (const probe of probes.keys()) {
        if (spans.some((_, span) => satisfies(probe, span))) bits |= 1 << probe;
      }
      const given = spansOf(spansetsOf(expression, trace));
      if (given.length === 0) return;
      expect(needTest(need)(bits)).toBe(true);
      expect(given.filter((span) => !satisfies(BOUND, span))).toEqual([]);
      expect(spans.filter((_, span) => satisfies(BOUND, span)).length).toBeGreaterThanOrEqual(minimum);
      for (const clause of clausesOf(need)) {
        const { condition } = probeOfClause(probes, clause);
        expect(spans.some((_, span) => matches(condition, trace.fields(span)))).toBe(true);
      }
    }),
    { numRuns: 1500 },
  );
});
