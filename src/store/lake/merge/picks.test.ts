import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { Lists, Picks, Presence, copyBytes, copyWords } from './picks.ts';

/** Positions of rows of two blocks, each position once: row r of block b goes to `places[b][r]`. */
const places = fc
  .array(fc.tuple(fc.nat(1), fc.integer({ min: 1, max: 60 })), { minLength: 1, maxLength: 12 })
  .map((stretches) => {
    const found: number[][] = [[], []];
    let position = 0;
    for (const [block, count] of stretches) {
      for (let i = 0; i < count; i++) found[block].push(position++);
    }
    return { places: found, rows: position };
  });

function picksOf(positions: readonly number[]): Picks {
  const picks = new Picks();
  for (const [row, position] of positions.entries()) picks.add(row, position, 1);
  return picks;
}

test('every row goes to its place, whatever the stretches', () => {
  fc.assert(
    fc.property(places, ({ places: [a, b], rows }) => {
      const words = new Uint32Array(rows * 2);
      const bytes = new Uint8Array(rows);
      const present = new Presence(rows);
      for (const [block, positions] of [a, b].entries()) {
        const picks = picksOf(positions);
        expect(picks.total).toBe(positions.length);
        copyWords(
          words,
          Uint32Array.from({ length: positions.length * 2 }, (_, i) => i + 1),
          picks,
          2,
        );
        copyBytes(
          bytes,
          Uint8Array.from({ length: positions.length }, (_, i) => i + 1),
          picks,
        );
        // Of the second block every third row has no value.
        const valid = new Uint8Array((positions.length + 7) >>> 3);
        for (const row of positions.keys()) if (row % 3 !== 0) valid[row >>> 3] |= 1 << (row & 7);
        present.add(block === 0 ? undefined : valid, picks);
      }
      const { valid } = present.finish(rows);
      for (const [block, positions] of [a, b].entries()) {
        for (const [row, position] of positions.entries()) {
          expect([words[position * 2], words[position * 2 + 1]]).toEqual([row * 2 + 1, row * 2 + 2]);
          expect(bytes[position]).toBe((row + 1) & 255);
          const isPresent = valid === undefined || ((valid[position >>> 3] >>> (position & 7)) & 1) === 1;
          expect(isPresent).toBe(block === 0 || row % 3 !== 0);
        }
      }
    }),
  );
});

test('lists stand in the order of arrival, and each row knows its own', () => {
  fc.assert(
    fc.property(places, ({ places: [a, b], rows }) => {
      const lists = new Lists(rows);
      let elements = 0;
      // Row r of the first block has r elements, those of the second have none.
      for (const position of a) {
        lists.begin(position, 1);
        lists.end((elements += a.indexOf(position)));
      }
      if (b.length > 0) lists.addEmpty(picksOf(b));
      const { offsets, rowIndex } = lists.finish(rows);
      const lengthAt = (position: number) => {
        const list = rowIndex === undefined ? position : rowIndex[position];
        return offsets[list + 1] - offsets[list];
      };
      expect(a.map(lengthAt)).toEqual([...a.keys()]);
      expect(b.map(lengthAt)).toEqual(b.map(() => 0));
    }),
  );
});
