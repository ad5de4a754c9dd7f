import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { literalValue } from './arbitrary.ts';
import type { ComparisonOperator, Static } from './ast.ts';
import { int64Bounds } from './bounds.ts';
import { compareStatics, compareText, compileComparison, flip } from './compare.ts';
import { MAX_INT, MIN_INT } from './keywords.ts';
import { RegexError, regexMatcher } from './regex.ts';

const OPERATORS: readonly ComparisonOperator[] = ['=', '!=', '>', '>=', '<', '<='];
const operator = fc.constantFrom(...OPERATORS);

function int(value: bigint): Static {
  return { type: 'int', value };
}

describe('int64Bounds', () => {
  const cases: readonly (readonly [ComparisonOperator, Static, readonly (readonly [bigint, bigint])[]])[] = [
    ['=', int(5n), [[5n, 5n]]],
    [
      '!=',
      int(5n),
      [
        [MIN_INT, 4n],
        [6n, MAX_INT],
      ],
    ],
    ['>', int(5n), [[6n, MAX_INT]]],
    ['>=', int(5n), [[5n, MAX_INT]]],
    ['<', { type: 'duration', value: 5n }, [[MIN_INT, 4n]]],
    ['<=', int(5n), [[MIN_INT, 5n]]],
    ['>', int(MAX_INT), []],
    ['<', int(MIN_INT), []],
    ['!=', int(MIN_INT), [[MIN_INT + 1n, MAX_INT]]],
    ['!=', int(MAX_INT), [[MIN_INT, MAX_INT - 1n]]],
    ['=', { type: 'float', value: 5.5 }, []],
    ['!=', { type: 'float', value: 5.5 }, [[MIN_INT, MAX_INT]]],
    ['>', { type: 'float', value: 5.5 }, [[6n, MAX_INT]]],
    ['>=', { type: 'float', value: -5.5 }, [[-5n, MAX_INT]]],
    ['<=', { type: 'float', value: 5.5 }, [[MIN_INT, 5n]]],
    ['<', { type: 'float', value: 1e300 }, [[MIN_INT, MAX_INT]]],
    ['>=', { type: 'float', value: 2 ** 63 }, []],
    ['<', { type: 'float', value: 2 ** 63 }, [[MIN_INT, MAX_INT]]],
    ['>=', { type: 'float', value: -(2 ** 63) }, [[MIN_INT, MAX_INT]]],
    ['<=', { type: 'float', value: -1e300 }, []],
    ['!=', { type: 'float', value: NaN }, [[MIN_INT, MAX_INT]]],
    ['=', { type: 'float', value: NaN }, []],
    ['=', { type: 'float', value: Infinity }, []],
    ['<', { type: 'float', value: Infinity }, [[MIN_INT, MAX_INT]]],
    ['!=', { type: 'string', value: '5' }, []],
    ['=', { type: 'nil' }, []],
    ['=~', { type: 'string', value: '5' }, []],
  ];
  test.each(cases)('%s %p', (op, literal, ranges) => {
    expect(int64Bounds(op, literal)).toEqual(ranges.map(([min, max]) => ({ min, max })));
  });

  test('holds exactly where the comparison does', () => {
    const near = fc.bigInt({ min: -4n, max: 4n });
    const value = fc.oneof(
      near,
      fc.constantFrom(MIN_INT, MIN_INT + 1n, MAX_INT, MAX_INT - 1n),
      fc.bigInt({ min: MIN_INT, max: MAX_INT }),
    );
    const literal = fc.oneof(
      literalValue,
      near.map(int),
      fc.integer({ min: -8, max: 8 }).map((half): Static => ({ type: 'float', value: half / 2 })),
      fc
        .tuple(value, fc.integer({ min: -1, max: 1 }))
        .map(([base, step]): Static => ({ type: 'float', value: Number(base) + step })),
    );
    fc.assert(
      fc.property(operator, literal, value, (op, right, left) => {
        const inside = int64Bounds(op, right).some(({ min, max }) => min <= left && left <= max);
        expect(inside).toBe(compareStatics(op, int(left), right));
      }),
      { numRuns: 3_000 },
    );
  });
});

test('compileComparison and flip agree with compareStatics', () => {
  fc.assert(
    fc.property(operator, literalValue, literalValue, (op, left, right) => {
      const expected = compareStatics(op, left, right);
      expect(compileComparison(op, right)(left)).toBe(expected);
      expect(compareStatics(flip(op), right, left)).toBe(expected);
    }),
    { numRuns: 2_000 },
  );
});

test('texts are ordered like their bytes', () => {
  expect(compareText('\u{10000}', '\uffff')).toBeGreaterThan(0);
  expect(compareText('a', 'ab')).toBeLessThan(0);
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'binary' }), (left, right) => {
      expect(Math.sign(compareText(left, right))).toBe(Buffer.compare(Buffer.from(left), Buffer.from(right)));
    }),
  );
});

describe('regexMatcher', () => {
  test('plain patterns mean what the automaton says', () => {
    const atom = fc.constantFrom('a', 'b', 'ab', '|', '.*', '\\.', '\\|', '.', '', '\\*', '\n');
    const pattern = fc.array(atom, { maxLength: 6 }).map((each) => each.join(''));
    const subject = fc
      .array(fc.constantFrom('a', 'b', '.', '|', '*', '\n'), { maxLength: 6 })
      .map((each) => each.join(''));
    fc.assert(
      fc.property(pattern, subject, (source, text) => {
        // Inside a group, no pattern is plain.
        expect(regexMatcher(source)(text)).toBe(regexMatcher(`(${source})`)(text));
      }),
      { numRuns: 3_000 },
    );
  });

  test('refuses what RE2 does not know', () => {
    for (const pattern of ['(', 'a**', '\\C', '(?=a)', 'a{1001}'])
      expect(() => regexMatcher(pattern)).toThrow(RegexError);
  });

  test('keeps its answers when more patterns than fit the cache are in use', () => {
    for (let round = 0; round < 2; round++) {
      for (let each = 0; each < 600; each++) {
        expect(regexMatcher(`x${each}[0-9]`)(`x${each}7`)).toBe(true);
        expect(regexMatcher(`x${each}[0-9]`)(`x${each}`)).toBe(false);
      }
    }
  });
});
