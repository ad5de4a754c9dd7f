import { expect, test } from 'bun:test';
import { Refusals } from './refusals.ts';

const SECOND = 1_000_000_000n;

test('keeps the last few of each project, newest first, each reason once', () => {
  const refusals = new Refusals();
  for (const n of [1n, 2n, 3n, 4n, 5n, 6n, 2n]) refusals.add('a', { timeUnixNano: n, reason: `reason ${n}` });
  refusals.add('b', { timeUnixNano: 9n, reason: 'other' });
  expect(refusals.of('a').map(({ reason }) => reason)).toEqual([
    'reason 2',
    'reason 6',
    'reason 5',
    'reason 4',
    'reason 3',
  ]);
  expect(refusals.of('b')).toEqual([{ timeUnixNano: 9n, reason: 'other' }]);
  expect(refusals.of('c')).toEqual([]);
});

test('a sender that comes back every second is news once a minute', () => {
  const refusals = new Refusals();
  const news: number[] = [];
  for (let second = 0; second < 150; second++) {
    if (refusals.add('a', { timeUnixNano: BigInt(second) * SECOND, reason: 'unknown token' }))
      news.push(second);
  }
  expect(news).toEqual([0, 60, 120]);
});

test('a sender whose reasons all differ is some lines of the log a minute', () => {
  const refusals = new Refusals();
  const news = (minute: bigint) =>
    Array.from({ length: 100 }, (_, n) => `byte ${n}`).filter((reason) =>
      refusals.add('a', { timeUnixNano: minute * 60n * SECOND, reason }),
    ).length;
  expect([news(0n), news(1n)]).toEqual([10, 10]);
  expect(refusals.add('b', { timeUnixNano: 60n * SECOND, reason: 'byte 1' })).toBe(true);
});
