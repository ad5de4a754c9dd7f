import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { narrowWords } from './int64-kernel.ts';
import { countOnes, fewScratch, isEmpty, listFew } from './kernel.ts';

/** Selections of few and of many rows, seen through ranges that begin and end anywhere. */
const ranges = fc
  .tuple(
    fc.array(fc.constantFrom<0 | 1>(0, 0, 0, 1), { maxLength: 80, size: 'max' }),
    fc.nat(80),
    fc.nat(80),
    fc.boolean(),
  )
  .map(([rows, a, b, inverted]) => {
    const bytes = Uint8Array.from(rows, (row) => (inverted ? 1 - row : row));
    const [from, to] = [Math.min(a, b, rows.length), Math.min(Math.max(a, b), rows.length)];
    const selected = [...bytes.keys()].filter((row) => row >= from && row < to && bytes[row] === 1);
    return { bytes, from, to, selected };
  });

test('rows are found, counted and listed wherever a range begins and ends', () => {
  fc.assert(
    fc.property(ranges, ({ bytes, from, to, selected }) => {
      const list = fewScratch(to - from);
      const count = listFew(bytes, from, to, list);
      expect({
        isEmpty: isEmpty(bytes, from, to),
        count: countOnes(bytes, from, to),
        list: [...list.subarray(0, count)],
      }).toEqual({ isEmpty: selected.length === 0, count: selected.length, list: selected });
    }),
    { numRuns: 500 },
  );
});

test('a sum of words is carried over before a byte of it is full', () => {
  const all = new Uint8Array(5000).fill(1);
  expect(countOnes(all, 3, 4999)).toBe(4996);
});

test('unsigned words are kept by their range, of few rows and of many', () => {
  const word = fc.oneof(
    fc.nat(9),
    fc.nat(9).map((below) => 0xffffffff - below),
    fc.nat(0xffffffff),
  );
  fc.assert(
    fc.property(
      ranges,
      fc.array(word, { minLength: 80, maxLength: 80 }),
      fc.nat(10),
      fc.oneof(fc.nat(10).map(BigInt), fc.constantFrom(0xfffffffan, 1n << 40n)),
      ({ bytes, from, to, selected }, words, min, span) => {
        const kept = bytes.slice();
        const range = { min: BigInt(min), max: BigInt(min) + span };
        narrowWords(Uint32Array.from(words), [range])(kept, from, to);
        const wanted = bytes.slice();
        wanted.fill(0, from, to);
        for (const row of selected) {
          wanted[row] = words[row] >= range.min && words[row] <= range.max ? 1 : 0;
        }
        expect([...kept]).toEqual([...wanted]);
      },
    ),
    { numRuns: 500 },
  );
});
