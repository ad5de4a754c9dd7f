import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { naturalSort } from './natural-sort.ts';

test('sorts as a stable sort does', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 60 }), (keys) => {
      const compare = (a: number, b: number) => keys[a] - keys[b];
      const items = Uint32Array.from(keys.keys());
      expect([...naturalSort(items, compare)]).toEqual([...keys.keys()].sort(compare));
    }),
  );
});
