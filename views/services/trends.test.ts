import { expect, test } from 'bun:test';
import { gridOf, onGrid, wholeSteps } from './trends.ts';

test('a grid covers its range with whole steps', () => {
  const grid = gridOf({ startUnixNano: 25n, endUnixNano: 61n }, 10n);
  expect([grid.startUnixNano, grid.buckets]).toEqual([20n, 5]);
  expect(gridOf({ startUnixNano: 20n, endUnixNano: 20n }, 10n).buckets).toBe(1);
  expect(gridOf({ startUnixNano: 20n, endUnixNano: 40n }, 10n).buckets).toBe(2);
});

test('an answer that is cut to where there are spans is laid where it belongs', () => {
  const grid = gridOf({ startUnixNano: 20n, endUnixNano: 70n }, 10n);
  const samples = Float64Array.of(1, Number.NaN, 3);
  expect([...onGrid(grid, { startUnixNano: 40n }, { samples }, 0)]).toEqual([0, 0, 1, 0, 3]);
  expect([...onGrid(grid, { startUnixNano: 0n }, { samples }, 0)]).toEqual([3, 0, 0, 0, 0]);
  expect([...onGrid(grid, { startUnixNano: 60n }, { samples }, 0)]).toEqual([0, 0, 0, 0, 1]);
});

test('a course leaves out the ends that its range cuts', () => {
  const cut = gridOf({ startUnixNano: 25n, endUnixNano: 61n }, 10n);
  expect([...wholeSteps(cut, Float64Array.of(1, 2, 3, 4, 5))]).toEqual([Number.NaN, 2, 3, 4, Number.NaN]);
  const whole = gridOf({ startUnixNano: 20n, endUnixNano: 60n }, 10n);
  expect([...wholeSteps(whole, Float64Array.of(1, 2, 3, 4))]).toEqual([1, 2, 3, 4]);
  const short = gridOf({ startUnixNano: 25n, endUnixNano: 41n }, 10n);
  expect([...wholeSteps(short, Float64Array.of(1, 2, 3))]).toEqual([1, 2, 3]);
});
