import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { Windows } from './windows.ts';
import type { Window } from './windows.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const START = 1_800_000_000_000;

/** The least and the most age that a window holds for sure: the newest slot is not full yet. */
const AGES: readonly (readonly [Window, least: number, most: number])[] = [
  ['fiveMinutes', 5 * MINUTE, 6 * MINUTE],
  ['hour', HOUR, HOUR + 5 * MINUTE],
  ['day', 24 * HOUR, 25 * HOUR],
];

test('each window holds what is young enough, whatever the order of quiet and busy times', () => {
  const steps = fc.array(fc.tuple(fc.integer({ min: 0, max: 4 * HOUR }), fc.nat(1000)), { maxLength: 60 });
  fc.assert(
    fc.property(steps, (some) => {
      const windows = new Windows();
      const events: { readonly atMs: number; readonly amount: number }[] = [];
      let nowMs = START;
      for (const [wait, amount] of some) {
        nowMs += wait;
        windows.advance(nowMs);
        windows.add('acceptedSpans', amount);
        events.push({ atMs: nowMs, amount });
      }
      const sum = (age: number) =>
        events.filter(({ atMs }) => nowMs - atMs < age).reduce((all, { amount }) => all + amount, 0);
      expect(windows.total().acceptedSpans).toBe(sum(Infinity));
      for (const [window, least, most] of AGES) {
        const { acceptedSpans } = windows.last(window, nowMs);
        expect(acceptedSpans).toBeGreaterThanOrEqual(sum(least));
        expect(acceptedSpans).toBeLessThanOrEqual(sum(most));
      }
    }),
    { numRuns: 200 },
  );
});

test('what is stored comes back, as far as it is young enough then', () => {
  const windows = new Windows();
  windows.advance(START);
  windows.add('requests', 3);
  windows.add('bytes', 2 ** 40);
  const stored = JSON.parse(JSON.stringify(windows.store(START))) as ReturnType<Windows['store']>;
  const after = (ms: number): Windows => {
    const restored = new Windows();
    restored.restore(stored, START + ms);
    return restored;
  };
  expect(after(10 * MINUTE).last('hour', START + 10 * MINUTE)).toMatchObject({ requests: 3, bytes: 2 ** 40 });
  expect(after(3 * HOUR).last('hour', START + 3 * HOUR).requests).toBe(0);
  expect(after(3 * HOUR).last('day', START + 3 * HOUR).requests).toBe(3);
  expect(after(30 * HOUR).last('day', START + 30 * HOUR).requests).toBe(0);
  expect(after(30 * HOUR).total().requests).toBe(3);
});

test('a clock that was a year ahead does not keep counts young for a year', () => {
  const windows = new Windows();
  const ahead = START + 365 * 24 * HOUR;
  windows.advance(ahead);
  windows.add('requests', 1);
  windows.advance(START);
  windows.add('requests', 1);
  expect(windows.last('day', START).requests).toBe(1);
  // Back by less than a window: nothing is lost.
  windows.advance(START - 2 * MINUTE);
  windows.add('requests', 1);
  expect(windows.last('fiveMinutes', START - 2 * MINUTE).requests).toBe(2);
});
