import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { codedWords } from './dictionary.ts';

test('codes stand for the values, numbered by first use, whatever the width and however many', () => {
  const drawn = fc.record({
    width: fc.constantFrom(1, 2, 4),
    distinct: fc.integer({ min: 1, max: 3000 }),
    repeats: fc.integer({ min: 2, max: 4 }),
  });
  fc.assert(
    fc.property(drawn, ({ width, distinct, repeats }) => {
      // Words that differ in one place only, so that slots are shared.
      const words = new Uint32Array(distinct * repeats * width);
      for (let i = 0; i < distinct * repeats; i++) words[i * width + width - 1] = (i % distinct) * 65_536;
      const coded = codedWords(words, width);
      // More than three quarters of the first values are new: that is given up.
      if (coded === undefined) {
        expect(distinct).toBeGreaterThan(1500);
        return;
      }
      expect([...coded.distinct]).toEqual(Array.from({ length: distinct }, (_, i) => i));
      expect(coded.codes.every((code, i) => code === i % distinct)).toBe(true);
    }),
    { numRuns: 60 },
  );
});
