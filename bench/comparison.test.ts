import { expect, test } from 'bun:test';
import { compared, isBeyondNoise } from './comparison.ts';
import type { Measure } from './measure.ts';

test.each([
  ['medians further apart than either side is wide', [100, 102, 101], [110, 111, 112], true],
  ['as far apart as one side is wide', [100, 105, 110], [110, 110, 110], false],
  ['the wider side decides', [100, 100, 100], [90, 104, 120], false],
  ['one value a side has no spread', [100], [200], false],
])('%s', (_name, here, there, beyond) => {
  expect(isBeyondNoise(here, there)).toBe(beyond);
});

test('measures are matched by id and name, in the order of this side, with medians and all values', () => {
  const measure = (name: string, value: number): Measure => ({ id: 'P1', name, value, unit: 'spans/s' });
  const here = [[measure('a', 30), measure('new', 1)], [measure('a', 10)], [measure('a', 20)]];
  const there = [[measure('gone', 1)], [measure('a', 10)], [measure('a', 10)]];
  expect(compared(here, there)).toEqual([
    {
      id: 'P1',
      name: 'a',
      unit: 'spans/s',
      here: [30, 10, 20],
      there: [10, 10],
      ratio: 2,
      beyondNoise: false,
    },
  ]);
});
