import { describe, expect, test } from 'bun:test';
import { durationBuckets } from './facets-duration.ts';

describe('durations by order of magnitude', () => {
  test('powers of two fall into the buckets that hold them whole', () => {
    const values = [
      { value: '0', count: 1 },
      { value: '512', count: 2 },
      { value: '1024', count: 4 },
      { value: '524288', count: 8 },
      { value: '1048576', count: 16 },
      { value: String(1n << 62n), count: 32 },
    ];
    expect(durationBuckets(values)).toEqual([
      { leastNano: undefined, belowNano: 1024n, count: 3 },
      { leastNano: 1024n, belowNano: 8192n, count: 4 },
      { leastNano: 131072n, belowNano: 1048576n, count: 8 },
      { leastNano: 1048576n, belowNano: 8388608n, count: 16 },
      { leastNano: 1n << 40n, belowNano: undefined, count: 32 },
    ]);
  });

  test('no spans, no buckets', () => expect(durationBuckets([])).toEqual([]));
});
