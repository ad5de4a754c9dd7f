import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { query } from './arbitrary-query.ts';
import { condition } from './arbitrary.ts';
import type { FieldExpression } from './ast.ts';
import { TraceqlError } from './error.ts';
import { INVALID_METRICS } from './parse-invalid-metrics.cases.ts';
import { INVALID_PIPELINES } from './parse-invalid-pipelines.cases.ts';
import { INVALID_SELECTORS } from './parse-invalid.cases.ts';
import { VALID_METRICS } from './parse-valid-metrics.cases.ts';
import { VALID_PIPELINES } from './parse-valid-pipelines.cases.ts';
import { VALID_SELECTORS } from './parse-valid.cases.ts';
import { parseQuery } from './parse.ts';
import { printExpression, printQuery } from './print.ts';
import { expectCondition } from './query.ts';
import { sketch } from './sketch.ts';

/** The tree with every position 0. */
function withoutPositions(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (name, each: unknown) => {
      if (typeof each === 'bigint') return `${each}n`;
      if (typeof each === 'number' && Object.is(each, -0)) return '-0';
      return name === 'position' ? 0 : each;
    }),
  );
}

function conditionOf(text: string): FieldExpression | null {
  return expectCondition(parseQuery(text));
}

function errorOf(text: string): TraceqlError {
  try {
    parseQuery(text);
  } catch (error) {
    if (error instanceof TraceqlError) return error;
    throw error;
  }
  throw new Error(`parsed: ${text.slice(0, 100)}`);
}

function expectCanonical(text: string, canonical: string): void {
  const query = parseQuery(text);
  expect(printQuery(query)).toBe(canonical);
  const { expression, hints } = parseQuery(canonical);
  expect(withoutPositions({ expression, hints })).toEqual(
    withoutPositions({ expression: query.expression, hints: query.hints }),
  );
}

describe('selectors that parse', () => {
  test.each(VALID_SELECTORS.map(([text, canonical = text]) => [text, canonical]))('%s', expectCanonical);
});

describe('queries that parse, and how they group', () => {
  const cases = [...VALID_PIPELINES, ...VALID_METRICS];
  test.each(cases.map(([text, tree, canonical = text]) => [text, tree, canonical]))(
    '%s',
    (text, tree, canonical) => {
      expect(sketch(parseQuery(text))).toBe(tree);
      expectCanonical(text, canonical);
    },
  );
});

describe('texts that do not', () => {
  const cases = [...INVALID_SELECTORS, ...INVALID_PIPELINES, ...INVALID_METRICS];
  test.each(cases.map((each) => [...each]))('%s', (text, expected, found, position) => {
    const error = errorOf(text);
    expect(error.message).toBe(`expected ${expected}, found ${found} at position ${position}`);
    expect(error).toMatchObject({ expected, found, position, code: 'invalid_query' });
  });
});

test('whole trees, with the positions of fields, values and operators', () => {
  expect(parseQuery('{ span.a + 1 >= -2 && !(name = `x`) }')).toEqual({
    text: '{ span.a + 1 >= -2 && !(name = `x`) }',
    hints: [],
    expression: {
      kind: 'filter',
      position: 0,
      condition: {
        kind: 'binary',
        operator: '&&',
        position: 19,
        left: {
          kind: 'binary',
          operator: '>=',
          position: 13,
          left: {
            kind: 'binary',
            operator: '+',
            position: 9,
            left: { kind: 'attribute', scope: 'span', parent: false, key: 'a', position: 2 },
            right: { kind: 'literal', value: { type: 'int', value: 1n }, position: 11 },
          },
          right: { kind: 'literal', value: { type: 'int', value: -2n }, position: 16 },
        },
        right: {
          kind: 'unary',
          operator: '!',
          position: 22,
          operand: {
            kind: 'binary',
            operator: '=',
            position: 29,
            left: { kind: 'intrinsic', name: 'span:name', parent: false, position: 24 },
            right: { kind: 'literal', value: { type: 'string', value: 'x' }, position: 31 },
          },
        },
      },
    },
  });
  expect(conditionOf('{ parent.resource."x y" != 1h30m }')).toEqual({
    kind: 'binary',
    operator: '!=',
    position: 24,
    left: { kind: 'attribute', scope: 'resource', parent: true, key: 'x y', position: 2 },
    right: { kind: 'literal', value: { type: 'duration', value: 5_400_000_000_000n }, position: 27 },
  });
  expect(conditionOf('{ .a ^ .b ^ 2.5 = nil }')).toMatchObject({
    operator: '=',
    left: {
      operator: '^',
      left: { key: 'a' },
      right: { operator: '^', right: { value: { type: 'float', value: 2.5 } } },
    },
    right: { value: { type: 'nil' } },
  });
});

test('whole trees of pipelines and metrics, with their positions', () => {
  expect(
    parseQuery('({ .a } >> {} | by(.b) | max(.c) > 1s | rate() by (name) > 2) / 5 | topk(3) with (x=1)'),
  ).toEqual({
    text: '({ .a } >> {} | by(.b) | max(.c) > 1s | rate() by (name) > 2) / 5 | topk(3) with (x=1)',
    hints: [{ key: 'x', value: { type: 'int', value: 1n }, position: 82 }],
    expression: {
      kind: 'metrics calculation',
      operator: '/',
      position: 62,
      left: {
        kind: 'metrics',
        position: 1,
        source: {
          kind: 'pipeline',
          position: 1,
          stages: [
            {
              kind: 'operation',
              operator: '>>',
              position: 8,
              left: {
                kind: 'filter',
                position: 1,
                condition: { kind: 'attribute', scope: 'any', parent: false, key: 'a', position: 3 },
              },
              right: { kind: 'filter', condition: null, position: 11 },
            },
            {
              kind: 'by',
              position: 16,
              expression: { kind: 'attribute', scope: 'any', parent: false, key: 'b', position: 19 },
            },
            {
              kind: 'scalar filter',
              operator: '>',
              position: 33,
              left: {
                kind: 'aggregate',
                name: 'max',
                position: 25,
                operand: { kind: 'attribute', scope: 'any', parent: false, key: 'c', position: 29 },
              },
              right: { kind: 'literal', value: { type: 'duration', value: 1_000_000_000n }, position: 35 },
            },
          ],
        },
        aggregate: {
          kind: 'rate',
          by: [{ kind: 'intrinsic', name: 'span:name', parent: false, position: 51 }],
          position: 40,
        },
        stages: [{ kind: 'filter', operator: '>', value: 2, position: 57 }],
      },
      right: { kind: 'literal', value: { type: 'int', value: 5n }, position: 64 },
      stages: [{ kind: 'topk', count: 3, position: 68 }],
    },
  });
});

test('every sound tree is printed so that it parses to itself', () => {
  fc.assert(
    fc.property(condition, (tree) => {
      const text = `{ ${printExpression(tree)} }`;
      expect(withoutPositions(conditionOf(text))).toEqual(withoutPositions(tree));
    }),
    { numRuns: 2_000 },
  );
});

test('every whole query is printed so that it parses to itself', () => {
  const kinds = new Set<string>();
  fc.assert(
    fc.property(query, (tree) => {
      const { expression, hints } = parseQuery(printQuery(tree));
      expect(withoutPositions({ expression, hints })).toEqual(
        withoutPositions({ expression: tree.expression, hints: tree.hints }),
      );
      kinds.add(expression.kind);
    }),
    { numRuns: 600 },
  );
  // filter, operation, pipeline, scalar filter, metrics, metrics calculation
  expect(kinds.size).toBe(6);
});

test('any text parses or is refused by a TraceqlError inside of it', () => {
  const words =
    '{ } {} ( ) .a span.b " ` \\ /* // . : = ! ~ & && | < >> - + ^ , 1 1.5 9s nil name parent. trace: ok true ' +
    'count() max( by( select( coalesce() rate() quantile_over_time( compare( topk( with';
  const pieces = fc.constantFrom(...words.split(' '), '\u{1f600}', '\ud800', '\0', '\n', ' ');
  fc.assert(
    fc.property(
      fc.oneof(
        fc.array(pieces, { maxLength: 30 }).map((each) => each.join('')),
        fc.string(),
      ),
      (text) => {
        try {
          parseQuery(text);
        } catch (error) {
          if (!(error instanceof TraceqlError)) throw error;
          expect(error.position).toBeGreaterThanOrEqual(0);
          expect(error.position).toBeLessThanOrEqual(text.length);
        }
      },
    ),
    { numRuns: 3_000 },
  );
});

test('the examples of the documentation parse', async () => {
  const text = await Bun.file(new URL('../../docs/traceql.md', import.meta.url)).text();
  const blocks = [...text.matchAll(/```traceql\n([^]*?)```/g)];
  const examples = blocks.flatMap((block) => block[1].trim().split('\n'));
  expect(examples.length).toBeGreaterThan(40);
  for (const example of examples) expect(parseQuery(example).text).toBe(example);
});
