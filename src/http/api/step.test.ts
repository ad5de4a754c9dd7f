import { expect, test } from 'bun:test';
import { END_OF_TIME } from '../../span/time.ts';
import { closedRange, roundStep } from './step.ts';

const SECOND = 1_000_000_000n;

function stepOf(length: bigint): bigint {
  return roundStep({ startUnixNano: 7n, endUnixNano: 7n + length });
}

test('a round step that gives at most about 100 buckets', () => {
  const cases: [bigint, bigint][] = [
    [0n, 1_000_000n],
    [SECOND, 10_000_000n],
    [100n * SECOND, SECOND],
    [100n * SECOND + 1n, 2n * SECOND],
    [900n * SECOND, 10n * SECOND],
    [3600n * SECOND, 60n * SECOND],
    [86_400n * SECOND, 900n * SECOND],
    [7n * 86_400n * SECOND, 7200n * SECOND],
    [END_OF_TIME, 6n * 365n * 86_400n * SECOND],
  ];
  for (const [length, step] of cases) {
    expect([length, stepOf(length)]).toEqual([length, step]);
    expect(length / step).toBeLessThanOrEqual(100n);
  }
});

test('open ends are closed by the first and last span, and by now', async () => {
  const starts = { oldest: 5n * SECOND, newest: 9n * SECOND, slowest: 0n };
  const now = { unixNano: 20n * SECOND, signal: new AbortController().signal };
  const ask = (startUnixNano: bigint, endUnixNano: bigint, empty = false) =>
    closedRange(
      {
        searchSpans: (_project, { order }) =>
          Promise.resolve({
            spans: empty ? [] : [{ startTimeUnixNano: starts[order] } as never],
            complete: true,
            scanned: {} as never,
            tookMs: 0,
          }),
      },
      'default',
      { startUnixNano, endUnixNano },
      now,
    );
  expect(await ask(3n, 4n)).toEqual({ startUnixNano: 3n, endUnixNano: 4n });
  expect(await ask(3n, END_OF_TIME)).toEqual({ startUnixNano: 3n, endUnixNano: now.unixNano });
  expect(await ask(30n * SECOND, END_OF_TIME)).toEqual({
    startUnixNano: 30n * SECOND,
    endUnixNano: 30n * SECOND,
  });
  expect(await ask(0n, END_OF_TIME)).toEqual({ startUnixNano: 5n * SECOND, endUnixNano: 9n * SECOND + 1n });
  expect(await ask(0n, 8n * SECOND)).toEqual({ startUnixNano: 5n * SECOND, endUnixNano: 8n * SECOND });
  expect(await ask(0n, END_OF_TIME, true)).toEqual({
    startUnixNano: now.unixNano,
    endUnixNano: now.unixNano,
  });
});
