/** Counts by start and duration: the same for a file, in a reader worker, and a buffer. */
import { STATUS_ERROR } from '../../../../span/span.ts';
import type { Block } from '../../../../span/vector.ts';
import { columnOf } from '../scan/cells.ts';
import type { JobRun } from '../workers/job-run.ts';
import type { JobBase } from '../workers/jobs.ts';
import type { Filter } from '../scan/scan.ts';
import { BucketScan } from './series-time.ts';
import type { Buckets } from './series-time.ts';

export const HEATMAP_COLUMNS: readonly string[] = ['start_time_unix_nano', 'duration_nano', 'status_code'];

export interface HeatmapJob extends JobBase {
  readonly kind: 'heatmap';
  readonly rowGroups: readonly number[];
  readonly filter: Filter;
  readonly buckets: Buckets;
}

/** Rows from `firstRow` on, `buckets.count` counts each. Plain data, for another thread. */
export interface HeatmapPart {
  readonly firstRow: number;
  readonly counts: Float64Array;
  readonly errors: Float64Array;
}

/** Rows to a power of two. */
const SUB_BITS = 2;
/** Below 4 ns a quarter of a power of two is no whole number: the first row begins there. */
const FIRST_POWER = 2;
const FIRST_ROW = (1023 + FIRST_POWER) << SUB_BITS;
export const HEATMAP_ROWS = (63 - FIRST_POWER) << SUB_BITS;

const TWO_32 = 4294967296;
const double = new Float64Array(1);
const doubleWords = new Uint32Array(double.buffer);

/** The row of a duration by its words. */
function rowOf(high: number, low: number): number {
  double[0] = (high | 0) * TWO_32 + low;
  if (!(double[0] > 0)) return 0;
  return Math.min(HEATMAP_ROWS - 1, Math.max(0, (doubleWords[1] >>> (20 - SUB_BITS)) - FIRST_ROW));
}

/** Where a row begins, in nanoseconds. */
export function lowerEnd(row: number): bigint {
  const power = BigInt(FIRST_POWER + (row >> SUB_BITS));
  const sub = BigInt(row & ((1 << SUB_BITS) - 1));
  return (1n << power) + ((sub << power) >> BigInt(SUB_BITS));
}

export class HeatmapScan {
  readonly #counts: Float64Array;
  readonly #errors: Float64Array;
  readonly #time: BucketScan;

  constructor(readonly buckets: Buckets) {
    this.#counts = new Float64Array(HEATMAP_ROWS * buckets.count);
    this.#errors = new Float64Array(HEATMAP_ROWS * buckets.count);
    this.#time = new BucketScan(buckets);
  }

  begin(block: Block): (selected: Uint8Array, from: number, to: number) => void {
    return (selected, from, to) => {
      const { words: starts } = columnOf(block, 'start_time_unix_nano', 'int64');
      const { words: durations } = columnOf(block, 'duration_nano', 'int64');
      const { values: statuses } = columnOf(block, 'status_code', 'uint8');
      for (let row = from; row < to; row++) {
        if (selected[row] === 0) continue;
        const at = rowOf(durations[row * 2 + 1], durations[row * 2]) * this.buckets.count;
        const place = at + this.#time.at(starts, row);
        this.#counts[place]++;
        if (statuses[row] === STATUS_ERROR) this.#errors[place]++;
      }
    };
  }

  merge({ firstRow, counts, errors }: HeatmapPart): void {
    const first = firstRow * this.buckets.count;
    for (let i = 0; i < counts.length; i++) {
      this.#counts[first + i] += counts[i];
      this.#errors[first + i] += errors[i];
    }
  }

  /** The rows from the first to the last that has spans. */
  part(): HeatmapPart {
    const { count } = this.buckets;
    const isUsed = (row: number) =>
      this.#counts.subarray(row * count, (row + 1) * count).some((each) => each > 0);
    let [first, end] = [0, HEATMAP_ROWS];
    while (first < end && !isUsed(first)) first++;
    while (end > first && !isUsed(end - 1)) end--;
    return {
      firstRow: first,
      counts: this.#counts.slice(first * count, end * count),
      errors: this.#errors.slice(first * count, end * count),
    };
  }
}

export async function run(job: HeatmapJob, jobRun: JobRun): Promise<HeatmapPart> {
  const scan = new HeatmapScan(job.buckets);
  for (const rowGroup of job.rowGroups) {
    await jobRun.scan(rowGroup, job.filter, HEATMAP_COLUMNS, (block) => scan.begin(block));
  }
  return scan.part();
}
