/**
 * Rows counted by series and step, and their durations by bucket, without an object a cell: 200 operations in
 * a hundred steps of a file are 20,000 cells with some 200 buckets each. All tables are open addressing, at
 * most half full. When there are too many cells the steps become longer, whatever the order of the rows.
 */
import { grown } from '../../../span/grow.ts';
import { BUCKETS, bucketOf } from '../read/statistics/histogram.ts';

/** Each divides the next one. */
export const STEP_MINUTES: readonly number[] = [1, 5, 15, 60, 1440];

/** Of one step's length at a time; 2^20 would no longer leave room for the bucket in a key of 32 bits. */
const MAX_CELLS = 1 << 17;
/** Cells times buckets: the tables then take 16 MB, and a reader decodes them in 8 ms. */
const MAX_ENTRIES = 1 << 20;

const FIRST = 256;

export class RollupCells {
  /** Longer by and by, an index of STEP_MINUTES. */
  stepIndex = 0;
  count = 0;
  series = new Uint32Array(FIRST);
  /** Numbered from the epoch. */
  steps = new Uint32Array(FIRST);
  rows = new Uint32Array(FIRST);
  errors = new Uint32Array(FIRST);
  zeros = new Uint32Array(FIRST);
  maxHigh = new Int32Array(FIRST);
  maxLow = new Uint32Array(FIRST);
  readonly buckets = new BucketCounts();
  private slots = new Uint32Array(FIRST * 4);
  /** By series, the cell of the row before: neighbours mostly share it. */
  private lastCell = new Int32Array(FIRST).fill(-1);

  /** False when even steps of a day are too many cells: there is no rollup then. */
  add(series: number, minute: number, isError: boolean, high: number, low: number): boolean {
    const stepMinutes = STEP_MINUTES[this.stepIndex];
    const step = stepMinutes === 1 ? minute : Math.floor(minute / stepMinutes);
    if (series >= this.lastCell.length) this.growSeries(series);
    let cell = this.lastCell[series];
    if (cell < 0 || this.steps[cell] !== step) this.lastCell[series] = cell = this.cellOf(series, step);
    this.rows[cell]++;
    if (isError) this.errors[cell]++;
    const signed = high | 0;
    if (signed > this.maxHigh[cell] || (signed === this.maxHigh[cell] && low > this.maxLow[cell])) {
      this.maxHigh[cell] = signed;
      this.maxLow[cell] = low;
    }
    if (signed < 0 || (signed === 0 && low === 0)) this.zeros[cell]++;
    else this.buckets.add(cell * BUCKETS + bucketOf(signed, low), 1);
    if (this.count <= MAX_CELLS && this.buckets.count <= MAX_ENTRIES) return true;
    return this.coarsen();
  }

  /** Cells that there would be with the next longer step; undefined behind the longest. */
  coarsened(): RollupCells | undefined {
    if (this.stepIndex + 1 >= STEP_MINUTES.length) return undefined;
    const coarse = new RollupCells();
    coarse.stepIndex = this.stepIndex + 1;
    const ratio = STEP_MINUTES[coarse.stepIndex] / STEP_MINUTES[this.stepIndex];
    const toCell = new Uint32Array(this.count);
    for (let cell = 0; cell < this.count; cell++) {
      const into = coarse.cellOf(this.series[cell], Math.floor(this.steps[cell] / ratio));
      toCell[cell] = into;
      coarse.rows[into] += this.rows[cell];
      coarse.errors[into] += this.errors[cell];
      coarse.zeros[into] += this.zeros[cell];
      const isLonger =
        this.maxHigh[cell] > coarse.maxHigh[into] ||
        (this.maxHigh[cell] === coarse.maxHigh[into] && this.maxLow[cell] > coarse.maxLow[into]);
      if (!isLonger) continue;
      coarse.maxHigh[into] = this.maxHigh[cell];
      coarse.maxLow[into] = this.maxLow[cell];
    }
    this.buckets.each((key, count) => {
      const bucket = key % BUCKETS;
      coarse.buckets.add(toCell[(key - bucket) / BUCKETS] * BUCKETS + bucket, count);
    });
    return coarse;
  }

  private coarsen(): boolean {
    const coarse = this.coarsened();
    if (coarse === undefined) return false;
    this.stepIndex = coarse.stepIndex;
    this.count = coarse.count;
    this.series = coarse.series;
    this.steps = coarse.steps;
    this.rows = coarse.rows;
    this.errors = coarse.errors;
    this.zeros = coarse.zeros;
    this.maxHigh = coarse.maxHigh;
    this.maxLow = coarse.maxLow;
    this.slots = coarse.slots;
    this.buckets.become(coarse.buckets);
    this.lastCell.fill(-1);
    if (this.count <= MAX_CELLS && this.buckets.count <= MAX_ENTRIES) return true;
    return this.coarsen();
  }

  private cellOf(series: number, step: number): number {
    const { slots } = this;
    const mask = slots.length - 1;
    let slot = hash(series, step) & mask;
    for (let entry = slots[slot]; entry !== 0; entry = slots[slot]) {
      if (this.steps[entry - 1] === step && this.series[entry - 1] === series) return entry - 1;
      slot = (slot + 1) & mask;
    }
    const cell = this.count++;
    slots[slot] = this.count;
    this.series[cell] = series;
    this.steps[cell] = step;
    this.maxHigh[cell] = -0x80000000;
    if (this.count === this.series.length) this.growCells();
    return cell;
  }

  private growCells(): void {
    const room = this.count * 2;
    this.series = grown(this.series, room);
    this.steps = grown(this.steps, room);
    this.rows = grown(this.rows, room);
    this.errors = grown(this.errors, room);
    this.zeros = grown(this.zeros, room);
    this.maxHigh = grown(this.maxHigh, room);
    this.maxLow = grown(this.maxLow, room);
    this.slots = new Uint32Array(this.series.length * 4);
    const mask = this.slots.length - 1;
    for (let cell = 0; cell < this.count; cell++) {
      let slot = hash(this.series[cell], this.steps[cell]) & mask;
      while (this.slots[slot] !== 0) slot = (slot + 1) & mask;
      this.slots[slot] = cell + 1;
    }
  }

  private growSeries(series: number): void {
    const before = this.lastCell.length;
    this.lastCell = grown(this.lastCell, series + 1);
    this.lastCell.fill(-1, before);
  }
}

/** Counts by `cell x BUCKETS + bucket`. */
class BucketCounts {
  count = 0;
  /** Key + 1, and how many. */
  private keys = new Uint32Array(FIRST * 4);
  private counts = new Uint32Array(FIRST * 4);

  add(key: number, count: number): void {
    const { keys, counts } = this;
    const mask = keys.length - 1;
    let slot = Math.imul(key, 0x9e3779b1);
    slot = (slot ^ (slot >>> 15)) & mask;
    while (keys[slot] !== 0) {
      if (keys[slot] === key + 1) {
        counts[slot] += count;
        return;
      }
      slot = (slot + 1) & mask;
    }
    keys[slot] = key + 1;
    counts[slot] = count;
    if (++this.count * 2 > keys.length) this.grow();
  }

  each(use: (key: number, count: number) => void): void {
    for (let slot = 0; slot < this.keys.length; slot++) {
      if (this.keys[slot] !== 0) use(this.keys[slot] - 1, this.counts[slot]);
    }
  }

  become(other: BucketCounts): void {
    this.count = other.count;
    this.keys = other.keys;
    this.counts = other.counts;
  }

  private grow(): void {
    const { keys, counts } = this;
    this.count = 0;
    this.keys = new Uint32Array(keys.length * 2);
    this.counts = new Uint32Array(keys.length * 2);
    for (let slot = 0; slot < keys.length; slot++) {
      if (keys[slot] !== 0) this.add(keys[slot] - 1, counts[slot]);
    }
  }
}

function hash(series: number, step: number): number {
  const mixed = Math.imul(series, 0x9e3779b1) ^ Math.imul(step, 0x85ebca6b);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}
