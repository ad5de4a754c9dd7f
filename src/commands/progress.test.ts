import { expect, test } from 'bun:test';
import { Progress } from './progress.ts';

function told(
  quiet: boolean,
  ...calls: readonly (readonly [atMs: number, done: number, total?: number])[]
): string[] {
  const lines: string[] = [];
  let nowMs = 0;
  const output = { out: () => {}, err: (line: string) => void lines.push(line) };
  const progress = new Progress('reading', { quiet, unit: 'MB', terminal: false, now: () => nowMs }, output);
  for (const [atMs, done, total] of calls) {
    nowMs = atMs;
    progress.show(done, total);
  }
  progress.clear();
  return lines;
}

test('a line every 10 s with share and rate, when it is no terminal', () => {
  const calls = [
    [5_000, 10, 100],
    [10_000, 25, 100],
    [15_000, 30, 100],
    [20_000, 50.25, 100],
  ] as const;
  expect(told(false, ...calls)).toEqual([
    'reading: 25 %, 25 of 100 MB, 2.5 MB/s',
    'reading: 50 %, 50.3 of 100 MB, 2.5 MB/s',
  ]);
  expect(told(true, ...calls)).toEqual([]);
});

test('no share without a total', () => {
  expect(told(false, [10_000, 20_000])).toEqual(['reading: 20,000 MB, 2,000 MB/s']);
});
