/** Which bucket of time a span falls into, by the words of its start: exact, and without a BigInt a row. */
import type { TimeRange } from '../../../span-store.ts';
import { uint64At } from '../scan/cells.ts';

/** Buckets from `originUnixNano`, each of `stepNano`. */
export interface Buckets {
  readonly originUnixNano: bigint;
  readonly stepNano: bigint;
  readonly count: number;
}

/** Below, distances in nanoseconds divide to the right bucket as doubles (52 days). */
const EXACT = 2 ** 52;
const TWO_32 = 4294967296;

export class BucketScan {
  readonly #stepNano: number;
  /** A bucket that was met, and its start: distances are counted from there. */
  #base = -1;
  #baseHigh = 0;
  #baseLow = 0;

  constructor(readonly buckets: Buckets) {
    this.#stepNano = Number(buckets.stepNano);
  }

  /** Of the start in `words`, two a row, which lies in one of the buckets. */
  at(words: Uint32Array, row: number): number {
    if (this.buckets.count === 1) return 0;
    const distance = (words[row * 2 + 1] - this.#baseHigh) * TWO_32 + (words[row * 2] - this.#baseLow);
    if (this.#base < 0 || distance >= EXACT || distance < -EXACT || this.#stepNano >= EXACT) {
      return this.#rebase(words, row);
    }
    return this.#base + Math.floor(distance / this.#stepNano);
  }

  /** Sets `buckets[row]` of the selected rows. */
  fill(words: Uint32Array, selected: Uint8Array, from: number, to: number, buckets: Uint32Array): void {
    if (this.buckets.count === 1) {
      buckets.fill(0, from, to);
      return;
    }
    const first = selected.indexOf(1, from);
    if (first < 0 || first >= to) return;
    const near = this.at(words, first);
    const step = this.#stepNano;
    const high = this.#baseHigh;
    const low = this.#baseLow;
    const base = this.#base;
    // Rows come roughly in time's order: the bucket of the row before is likely to be this one's.
    let bucket = near;
    let begin = (near - base) * step;
    for (let row = from; row < to; row++) {
      if (selected[row] === 0) continue;
      const distance = (words[row * 2 + 1] - high) * TWO_32 + (words[row * 2] - low);
      const within = distance - begin;
      if (!(within >= 0 && within < step)) {
        if (distance >= EXACT || distance < -EXACT || step >= EXACT || base < 0) {
          buckets[row] = this.#exact(words, row);
          continue;
        }
        bucket = base + Math.floor(distance / step);
        begin = (bucket - base) * step;
      }
      buckets[row] = bucket;
    }
  }

  #exact(words: Uint32Array, row: number): number {
    const { originUnixNano, stepNano } = this.buckets;
    return Number((uint64At(words, row) - originUnixNano) / stepNano);
  }

  #rebase(words: Uint32Array, row: number): number {
    const { originUnixNano, stepNano } = this.buckets;
    const bucket = this.#exact(words, row);
    const start = originUnixNano + BigInt(bucket) * stepNano;
    this.#base = bucket;
    this.#baseHigh = Number(start >> 32n);
    this.#baseLow = Number(start & 0xffffffffn);
    return bucket;
  }
}

const SECOND = 1_000_000_000n;
const MINUTE = 60n * SECOND;
const HOUR = 60n * MINUTE;
const DAY = 24n * HOUR;
const ROUND_STEPS: readonly bigint[] = [
  ...[1n, 10n, 100n, 1_000n, 10_000n, 100_000n, 1_000_000n, 10_000_000n, 100_000_000n].flatMap((ten) => [
    ten,
    2n * ten,
    5n * ten,
  ]),
  ...[1n, 2n, 5n, 10n, 15n, 30n].map((count) => count * SECOND),
  ...[1n, 2n, 5n, 10n, 15n, 30n].map((count) => count * MINUTE),
  ...[1n, 2n, 3n, 6n, 12n].map((count) => count * HOUR),
  ...[1n, 2n, 7n, 14n, 28n, 56n, 140n, 350n, 700n].map((count) => count * DAY),
];

/** Buckets of the least round step of which `most` cover the range, at whole multiples since the epoch. */
export function roundBuckets(range: TimeRange, most: number): Buckets {
  const { startUnixNano, endUnixNano } = range;
  const of = (stepNano: bigint): Buckets => {
    const originUnixNano = startUnixNano - (startUnixNano % stepNano);
    return {
      originUnixNano,
      stepNano,
      count: Number((endUnixNano - originUnixNano + stepNano - 1n) / stepNano),
    };
  };
  for (const step of ROUND_STEPS) {
    const buckets = of(step);
    if (buckets.count <= most) return buckets;
  }
  // Ranges of centuries come from clocks gone wrong.
  let step = ROUND_STEPS[ROUND_STEPS.length - 1];
  while (of(step).count > most) step *= 2n;
  return of(step);
}
