import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { MAX_QUERY_CHARS, MAX_QUERY_DEPTH, MAX_QUERY_OPERATORS } from '../limits.ts';
import { analyse } from './analyse.ts';
import { condition } from './arbitrary.ts';
import type { FieldExpression } from './ast.ts';
import { TraceqlError } from './error.ts';
import { matches } from './evaluate.ts';
import { INVALID, UNSUPPORTED } from './parse-invalid.cases.ts';
import { VALID } from './parse-valid.cases.ts';
import { parseQuery } from './parse.ts';
import { printExpression, printQuery } from './print.ts';

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
  return parseQuery(text).spanset.condition;
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

describe('texts that parse', () => {
  test.each(VALID.map(([text, canonical = text]) => [text, canonical]))('%s', (text, canonical) => {
    expect(printQuery(parseQuery(text))).toBe(canonical);
    expect(withoutPositions(parseQuery(canonical).spanset)).toEqual(
      withoutPositions(parseQuery(text).spanset),
    );
  });
});

describe('texts that do not', () => {
  const cases = [
    ...INVALID.map((each) => [...each, 'invalid_query'] as const),
    ...UNSUPPORTED.map((each) => [...each, 'unsupported_query'] as const),
  ];
  test.each(cases)('%s', (text, expected, found, position, code) => {
    const error = errorOf(text);
    expect(error.message).toBe(`expected ${expected}, found ${found} at position ${position}`);
    expect(error).toMatchObject({ expected, found, position, code });
  });
});

test('whole trees, with the positions of fields, values and operators', () => {
  expect(parseQuery('{ span.a + 1 >= -2 && !(name = `x`) }')).toEqual({
    text: '{ span.a + 1 >= -2 && !(name = `x`) }',
    spanset: {
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

test('every sound tree is printed so that it parses to itself', () => {
  fc.assert(
    fc.property(condition, (tree) => {
      const text = `{ ${printExpression(tree)} }`;
      expect(withoutPositions(conditionOf(text))).toEqual(withoutPositions(tree));
    }),
    { numRuns: 2_000 },
  );
});

test('any text parses or is refused by a TraceqlError inside of it', () => {
  const words =
    '{ } ( ) .a span.b " ` \\ /* // . : = ! ~ & | < > - + ^ 1 1.5 9s nil name parent. trace: ok true';
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

test('no text overflows the stack', () => {
  for (const opening of ['(', '!', '-', '{(', '{ !', '{ -', '{ !(', '{ 2 ^ (']) {
    expect(() => parseQuery(opening + opening.slice(-1).repeat(60_000))).toThrow(TraceqlError);
  }
  const nested = `{ ${'!('.repeat(MAX_QUERY_DEPTH / 2)}.a${')'.repeat(MAX_QUERY_DEPTH / 2)} }`;
  expect(parseQuery(nested).text).toBe(nested);
  expect(errorOf(`{ ${'('.repeat(MAX_QUERY_DEPTH + 1)}`).expected).toBe('at most 200 levels of nesting');
  for (const operator of ['&&', '||', '^', '=', '-']) {
    const tail = operator === '^' || operator === '-' ? ' = 1' : '';
    const count = MAX_QUERY_OPERATORS - (tail === '' ? 0 : 1);
    const chain = (links: number): string => `{ .a${` ${operator} .a`.repeat(links)}${tail} }`;
    const query = parseQuery(chain(count));
    expect(parseQuery(printQuery(query)).spanset.kind).toBe('filter');
    expect(analyse(query.spanset.condition).fields).toHaveLength(1);
    expect(
      matches(structuredClone(query.spanset.condition), { attribute: () => [], intrinsic: () => [] }),
    ).toBe(false);
    expect(errorOf(chain(count + 1)).expected).toBe('at most 2000 operators');
  }
});

test('a text is parsed in time linear to its length, up to its bound', () => {
  const texts = ['/', '/*/', '"', '\\', ' ', '1.', 'a ', '.', '`', '&', 'span:', '-'].map((filler) => {
    return (length: number): string => '{'.padEnd(length, filler);
  });
  texts.push((length) => `{ .a =~ "${'a|'.repeat(length / 2 - 10)}(" }`);
  for (const textOf of texts) {
    // Eight times the length: eightfold, or with a look back from everywhere 64-fold.
    const [short, long] = [fastest(textOf(MAX_QUERY_CHARS / 8)), fastest(textOf(MAX_QUERY_CHARS))];
    expect(long).toBeLessThan(30 * short + 100);
  }
  expect(errorOf(' '.repeat(MAX_QUERY_CHARS + 1)).message).toBe(
    'expected a query of at most 65536 characters, found 65537 at position 65536',
  );
});

/** Milliseconds; of three runs, so that a busy machine does not count. */
function fastest(text: string): number {
  const runs = [0, 1, 2].map(() => {
    const start = performance.now();
    errorOf(text);
    return performance.now() - start;
  });
  return Math.min(...runs);
}

test('the examples of the documentation parse', async () => {
  const text = await Bun.file(new URL('../../docs/traceql.md', import.meta.url)).text();
  const examples = /```traceql\n([^]*?)```/.exec(text)?.[1].trim().split('\n') ?? [];
  expect(examples.length).toBeGreaterThan(5);
  for (const example of examples) expect(parseQuery(example).text).toBe(example);
});
