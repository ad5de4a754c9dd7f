/** Durations by order of magnitude, from counts by powers of two: every figure is exact. */
import type { ValueCount } from '../../src/store/span-store.ts';

/** Spans with `least <= duration < below`. */
export interface DurationBucket {
  /** Undefined: no lower end. */
  readonly leastNano: bigint | undefined;
  /** Undefined: no upper end. */
  readonly belowNano: bigint | undefined;
  readonly count: number;
}

/** Powers of two near 1, 10 and 100 of each unit: 1.02 µs, 8.19 µs, 131 µs, 1.05 ms, ... 137 s, 1,100 s. */
const EDGES: readonly bigint[] = [10, 13, 17, 20, 23, 27, 30, 33, 37, 40].map((power) => 1n << BigInt(power));

/** Ascending; only those that have spans. `values`: what a facet of durations answers, all of it. */
export function durationBuckets(values: readonly Pick<ValueCount, 'value' | 'count'>[]): DurationBucket[] {
  const counts = new Float64Array(EDGES.length + 1);
  for (const { value, count } of values) {
    const nano = BigInt(value);
    const above = EDGES.findIndex((edge) => nano < edge);
    counts[above === -1 ? EDGES.length : above] += count;
  }
  return [...counts].flatMap((count, i) =>
    count === 0 ? [] : [{ leastNano: i === 0 ? undefined : EDGES[i - 1], belowNano: EDGES.at(i), count }],
  );
}
