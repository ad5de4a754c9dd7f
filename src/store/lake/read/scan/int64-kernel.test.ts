import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { narrowToRanges, narrowToTimes, narrowWords } from './int64-kernel.ts';

const edges = [-(2n ** 63n), -(2n ** 32n), -1n, 0n, 1n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 63n - 1n];
const signed = fc.oneof(
  fc.constantFrom(...edges),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.bigInt({ min: -20n, max: 20n }),
);
const rows = fc.array(fc.tuple(signed, fc.boolean()), { minLength: 1, maxLength: 200 });

function wordsOf(values: readonly bigint[]): Uint32Array {
  return new Uint32Array(BigInt64Array.from(values).buffer);
}

/** Dense selections and sparse ones go different ways. */
const density = fc.constantFrom(1, 2, 40);

test('rows within a range stay, whichever way it is looked for', () => {
  fc.assert(
    fc.property(rows, signed, signed, density, (drawn, a, b, every) => {
      const [min, max] = a < b ? [a, b] : [b, a];
      const values = drawn.map(([value]) => value);
      const before = drawn.map(([, isSelected], row) => (isSelected && row % every === 0 ? 1 : 0));
      const selection = Uint8Array.from(before);
      narrowToRanges(wordsOf(values), undefined, [{ min, max }])(selection, 0, values.length);
      expect([...selection]).toEqual(
        values.map((v, row) => (before[row] === 1 && v >= min && v <= max ? 1 : 0)),
      );
    }),
    { numRuns: 500 },
  );
});

test('unsigned words in one range or two stay', () => {
  const word = fc.oneof(
    fc.constantFrom(0, 1, 2 ** 31, 2 ** 32 - 1),
    fc.nat(20),
    fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  );
  fc.assert(
    fc.property(
      fc.array(word, { minLength: 1, maxLength: 200 }),
      fc.uniqueArray(fc.oneof(signed, word.map(BigInt)), { minLength: 4, maxLength: 4 }),
      fc.boolean(),
      (values, bounds, areTwo) => {
        const [a, b, c, d] = bounds.sort((x, y) => (x < y ? -1 : 1));
        const ranges = areTwo
          ? [
              { min: a, max: b },
              { min: c, max: d },
            ]
          : [{ min: a, max: d }];
        const selection = new Uint8Array(values.length).fill(1);
        narrowWords(Uint32Array.from(values), ranges)(selection, 0, values.length);
        const isIn = (value: bigint) => ranges.some(({ min, max }) => value >= min && value <= max);
        expect([...selection]).toEqual(values.map((value) => (isIn(BigInt(value)) ? 1 : 0)));
      },
    ),
    { numRuns: 500 },
  );
});

test('rows within a time range stay, starts being unsigned', () => {
  const bound = fc.oneof(signed, fc.constantFrom(0n, 2n ** 63n, 2n ** 64n - 1n, 2n ** 64n, 2n ** 65n));
  fc.assert(
    fc.property(rows, bound, bound, density, (drawn, start, end, every) => {
      const values = drawn.map(([value]) => BigInt.asUintN(64, value));
      const before = drawn.map(([, isSelected], row) => (isSelected && row % every === 0 ? 1 : 0));
      const selection = Uint8Array.from(before);
      narrowToTimes(wordsOf(drawn.map(([value]) => value)), start, end, selection, 0, values.length);
      expect([...selection]).toEqual(
        values.map((v, row) => (before[row] === 1 && v >= start && v < end ? 1 : 0)),
      );
    }),
    { numRuns: 500 },
  );
});
