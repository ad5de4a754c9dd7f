import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { atOnce, inSteps, sortedPlaces } from './steps.ts';

function expected(values: readonly number[]): number[] {
  return values.map((_, i) => i).sort((a, b) => values[a] - values[b] || a - b);
}

test('places come in order, equal ones as they stood', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 200 }), (values) => {
      const places = atOnce(sortedPlaces(values.length, (a, b) => values[a] - values[b]));
      expect([...places]).toEqual(expected(values));
    }),
  );
});

test('many are sorted in runs and merged, with pauses, as they would be at once', async () => {
  // Neither a multiple of a run nor a power of two of them.
  const values = Array.from({ length: 50_123 }, (_, i) => (i * 7919) % 1_009);
  let pauses = 0;
  const pause = (): Promise<void> => {
    pauses++;
    return Promise.resolve();
  };
  const places = await inSteps(
    sortedPlaces(values.length, (a, b) => values[a] - values[b]),
    pause,
  );
  expect([...places]).toEqual(expected(values));
  expect(pauses).toBeGreaterThan(6);
});
