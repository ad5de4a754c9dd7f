/**
 * Counts of numbers by cell (a series' bucket) in log-linear buckets: 64 to each power of two, the same as
 * histogram.ts, so that the middle of a bucket is within 0.8 % of every number in it. The high bits of a double
 * are its bucket, of either sign. What a cell has stands in parts of 64 buckets, a power of two each:
 * most cells need fewer than ten.
 */
import { NO_CODE, PairCodes } from './group-codes-pairs.ts';

const SUB_BITS = 6;
const PART_BUCKETS = 1 << SUB_BITS;
/** Of the high word of a double: sign, exponent, and six bits of the mantissa are the bucket. */
const BUCKET_SHIFT = 14;
const PART_SHIFT = BUCKET_SHIFT + SUB_BITS;
/** Parts of negative numbers, which come backwards. */
const NEGATIVE = 1 << (31 - PART_SHIFT);

/** Powers of two from 1/256 on, which most numbers are in, are looked up in a table of at most 4 MB. */
const KNOWN_PARTS = 64;
const FIRST_KNOWN = 1023 - 8;
const MAX_KNOWN = 1 << 20;

const double = new Float64Array(1);
const doubleWords = new Uint32Array(double.buffer);

/** Plain data, for another thread: part i is of cell `cells[i]`, with `counts[i * 64 ..]`. */
export interface QuantileParts {
  readonly cells: Uint32Array;
  readonly parts: Uint32Array;
  readonly counts: Uint32Array;
  /** By cell. */
  readonly min: Float64Array;
  readonly max: Float64Array;
}

export class QuantileCells {
  readonly #slots: PairCodes;
  #counts = new Uint32Array(PART_BUCKETS * 64);
  /** By cell. */
  #min = new Float64Array(64).fill(Infinity);
  #max = new Float64Array(64).fill(-Infinity);
  /** By cell and part: slot + 1; 0 where it was not met. */
  #known = new Uint32Array(0);

  /** `maxParts`: 276 bytes each; numbers that would need more are left out, and `full` says so. */
  constructor(readonly maxParts: number) {
    this.#slots = new PairCodes(maxParts);
  }

  get full(): boolean {
    return this.#slots.count >= this.maxParts;
  }

  /** Counts the numbers of the selected rows in their cells. */
  add(selected: Uint8Array, from: number, to: number, cells: Uint32Array, numbers: Float64Array): void {
    let known: Uint32Array = this.#known;
    let counts = this.#counts;
    let min = this.#min;
    let max = this.#max;
    const words = new Uint32Array(numbers.buffer, numbers.byteOffset, numbers.length * 2);
    for (let row = from; row < to; row++) {
      if (selected[row] === 0 || cells[row] === NO_CODE) continue;
      const cell = cells[row];
      const number = numbers[row];
      if (cell >= min.length) {
        this.#widen(cell);
        min = this.#min;
        max = this.#max;
      }
      if (number < min[cell]) min[cell] = number;
      if (number > max[cell]) max[cell] = number;
      // Zero has one sign.
      const high = number === 0 ? 0 : words[row * 2 + 1];
      const part = high >>> PART_SHIFT;
      const sub = (high >>> BUCKET_SHIFT) & (PART_BUCKETS - 1);
      const isKnown = part >= FIRST_KNOWN && part < FIRST_KNOWN + KNOWN_PARTS;
      const place = isKnown ? cell * KNOWN_PARTS + part - FIRST_KNOWN : MAX_KNOWN;
      let slot = place < known.length ? known[place] : 0;
      if (slot === 0) {
        slot = this.#slot(cell, part) + 1;
        known = this.#learn(place, slot);
        counts = this.#counts;
        if (slot > this.maxParts) continue;
      }
      counts[(slot - 1) * PART_BUCKETS + sub]++;
    }
  }

  /** Room for its counts is there, unless there are too many. */
  #slot(cell: number, part: number): number {
    const slot = this.#slots.code(cell, part);
    if (slot >= this.maxParts) return this.maxParts;
    if ((slot + 1) * PART_BUCKETS > this.#counts.length) {
      const counts = new Uint32Array(this.#counts.length * 2);
      counts.set(this.#counts);
      this.#counts = counts;
    }
    return slot;
  }

  #learn(place: number, slot: number): Uint32Array {
    if (place >= MAX_KNOWN || slot > this.maxParts) return this.#known;
    if (place >= this.#known.length) {
      const known = new Uint32Array(Math.min(MAX_KNOWN, Math.max(place + 1, this.#known.length * 2, 4096)));
      known.set(this.#known);
      this.#known = known;
    }
    this.#known[place] = slot;
    return this.#known;
  }

  parts(): QuantileParts {
    const { count, first, second } = this.#slots;
    return {
      cells: first.slice(0, count),
      parts: second.slice(0, count),
      counts: this.#counts.slice(0, count * PART_BUCKETS),
      min: this.#min.slice(),
      max: this.#max.slice(),
    };
  }

  /** `cellOf`: by the cells of the parts, those here. */
  merge({ cells, parts, counts, min, max }: QuantileParts, cellOf: Uint32Array): void {
    for (let i = 0; i < min.length; i++) {
      const cell = cellOf[i];
      if (!(min[i] <= max[i]) || cell === NO_CODE) continue;
      this.#widen(cell);
      if (min[i] < this.#min[cell]) this.#min[cell] = min[i];
      if (max[i] > this.#max[cell]) this.#max[cell] = max[i];
    }
    for (let i = 0; i < cells.length; i++) {
      if (cellOf[cells[i]] === NO_CODE) continue;
      const slot = this.#slot(cellOf[cells[i]], parts[i]);
      if (slot === this.maxParts) continue;
      const [to, from] = [slot * PART_BUCKETS, i * PART_BUCKETS];
      for (let sub = 0; sub < PART_BUCKETS; sub++) this.#counts[to + sub] += counts[from + sub];
    }
  }

  /**
   * For each cell that has numbers, `use(cell, values)`: the numbers that the shares `quantiles` (0 to 1) of them
   * do not exceed (nearest rank). `integers`: all of them are, and so are the answers. Yields now and then.
   */
  *each(
    quantiles: readonly number[],
    integers: boolean,
    use: (cell: number, values: readonly number[]) => void,
  ): Generator<void> {
    const { second } = this.#slots;
    const { offsets, slots } = this.#byCell();
    for (let cell = 0; cell + 1 < offsets.length; cell++) {
      if (cell % CELLS_A_STEP === CELLS_A_STEP - 1) yield;
      const own = slots.subarray(offsets[cell], offsets[cell + 1]);
      if (own.length === 0) continue;
      own.sort((a, b) => place(second[a]) - place(second[b]));
      const found = this.#values(own, quantiles, integers);
      use(
        cell,
        found.map((value) => Math.min(this.#max[cell], Math.max(this.#min[cell], value))),
      );
    }
  }

  /** The slots of each cell side by side: those of cell c from `offsets[c]` to `offsets[c + 1]`. */
  #byCell(): { readonly offsets: Uint32Array; readonly slots: Uint32Array } {
    const { count, first } = this.#slots;
    const offsets = new Uint32Array(this.#min.length + 2);
    for (let slot = 0; slot < count; slot++) offsets[first[slot] + 2]++;
    for (let cell = 2; cell < offsets.length; cell++) offsets[cell] += offsets[cell - 1];
    const slots = new Uint32Array(count);
    for (let slot = 0; slot < count; slot++) slots[offsets[first[slot] + 1]++] = slot;
    return { offsets: offsets.subarray(0, -1), slots };
  }

  #values(slots: Uint32Array, quantiles: readonly number[], integers: boolean): number[] {
    const counts = this.#counts;
    let total = 0;
    for (const slot of slots) {
      for (let sub = 0; sub < PART_BUCKETS; sub++) total += counts[slot * PART_BUCKETS + sub];
    }
    return quantiles.map((q) => {
      let left = Math.max(1, Math.ceil(q * total));
      for (const slot of slots) {
        const part = this.#slots.second[slot];
        const backwards = part >= NEGATIVE;
        for (let i = 0; i < PART_BUCKETS; i++) {
          const sub = backwards ? PART_BUCKETS - 1 - i : i;
          left -= counts[slot * PART_BUCKETS + sub];
          if (left <= 0) return middle(part * PART_BUCKETS + sub, integers);
        }
      }
      return NaN;
    });
  }

  #widen(cell: number): void {
    if (cell >= this.#min.length) {
      const size = Math.max(cell + 1, this.#min.length * 2);
      const mins = new Float64Array(size).fill(Infinity);
      const maxs = new Float64Array(size).fill(-Infinity);
      mins.set(this.#min);
      maxs.set(this.#max);
      this.#min = mins;
      this.#max = maxs;
    }
  }
}

/** Their quantiles take about a millisecond. */
const CELLS_A_STEP = 512;

const PLACES = NEGATIVE * 2;

function place(part: number): number {
  return part >= NEGATIVE ? PLACES - 1 - part : NEGATIVE + part;
}

/** The middle of a bucket; of integers the one that it holds, if it holds but one. */
function middle(bucket: number, integers: boolean): number {
  // The least of a double's fractions stand beside zero.
  if (bucket === 0) return 0;
  const from = edge(bucket);
  const width = edge(bucket + 1) - from;
  if (!integers) return Number.isFinite(width) ? from + width / 2 : from;
  if (Math.abs(width) <= 1) return width > 0 ? Math.ceil(from) : Math.floor(from);
  return Math.round(from + width / 2);
}

function edge(bucket: number): number {
  doubleWords[0] = 0;
  doubleWords[1] = (bucket << BUCKET_SHIFT) >>> 0;
  return double[0];
}
