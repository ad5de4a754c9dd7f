/**
 * Counts of numbers by cell (a series' bucket) in log-linear buckets: 64 to each power of two, the same as
 * histogram.ts, so that the middle of a bucket is within 0.8 % of every number in it. The high bits of a double
 * are its bucket, of either sign. What a cell has stands in parts of 64 buckets, a power of two each:
 * most cells need fewer than ten.
 */
import { NO_CODE, PairCodes } from './group-codes-pairs.ts';
import { PART_BUCKETS, SUB_BITS, WordCells } from './series-words.ts';

/** Of the high word of a double: sign, exponent, and six bits of the mantissa are the bucket. */
const BUCKET_SHIFT = 14;
const PART_SHIFT = BUCKET_SHIFT + SUB_BITS;
/** Parts of negative numbers, which come backwards. */
const NEGATIVE = 1 << (31 - PART_SHIFT);

/** Powers of two from 1/256 on, which most numbers are in, are looked up in a table of at most 4 MB. */
const KNOWN_PARTS = 64;
const FIRST_KNOWN = 1023 - 8;
const MAX_KNOWN = 1 << 20;

/** Of a double of one bit, which is 1, less its bits. */
const EXPONENT_OF_HALF = 1022;

const double = new Float64Array(1);
const doubleWords = new Uint32Array(double.buffer);

/** Plain data, for another thread: part i is of cell `cells[i]`. Most of its 64 buckets are empty. */
export interface QuantileParts {
  readonly cells: Uint32Array;
  readonly parts: Uint32Array;
  /** Those that are not: `i * 64 + bucket`, and how many. */
  readonly places: Uint32Array;
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

  #words = new WordCells();

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

  /** Counts `count` whole numbers below 2^32, each in its cell; all cells are below `kept`. */
  addWords(cells: Uint32Array, words: Uint32Array, count: number, kept: number): void {
    if (kept > this.#words.cells) this.#words.widen(kept);
    this.#words.add(cells, words, count, (cell, bits, sub) => this.#count(cell, bits, sub, 1));
  }

  /** What was counted as words goes where all else is. */
  #settle(): void {
    const words = this.#words;
    if (words.cells === 0) return;
    this.#words = new WordCells();
    words.each(
      (cell, bits, sub, count) => this.#count(cell, bits, sub, count),
      (cell, min, max) => {
        this.#widen(cell);
        this.#min[cell] = Math.min(this.#min[cell], min);
        this.#max[cell] = Math.max(this.#max[cell], max);
      },
    );
  }

  /** `bits`: how many the whole number has, which is its power of two. */
  #count(cell: number, bits: number, sub: number, count: number): void {
    const slot = this.#slot(cell, bits === 0 ? 0 : EXPONENT_OF_HALF + bits);
    if (slot < this.maxParts) this.#counts[slot * PART_BUCKETS + sub] += count;
  }

  /** Room for its counts is there, unless there are too many. */
  #slot(cell: number, part: number): number {
    const slot = this.#slots.code(cell, part);
    if (slot >= this.maxParts) return this.maxParts;
    const end = (slot + 1) * PART_BUCKETS;
    if (end > this.#counts.length) {
      const most = this.maxParts * PART_BUCKETS;
      const counts = new Uint32Array(Math.max(end, Math.min(this.#counts.length * 2, most)));
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
    this.#settle();
    const { count, first, second } = this.#slots;
    const end = count * PART_BUCKETS;
    let filled = 0;
    for (let place = 0; place < end; place++) if (this.#counts[place] !== 0) filled++;
    const places = new Uint32Array(filled);
    const counts = new Uint32Array(filled);
    for (let place = 0, at = 0; at < filled; place++) {
      if (this.#counts[place] === 0) continue;
      places[at] = place;
      counts[at++] = this.#counts[place];
    }
    return {
      cells: first.slice(0, count),
      parts: second.slice(0, count),
      places,
      counts,
      min: this.#min.slice(),
      max: this.#max.slice(),
    };
  }

  /** `cellOf`: by the cells of the parts, those here. Yields about every millisecond. */
  *merge({ cells, parts, places, counts, min, max }: QuantileParts, cellOf: Uint32Array): Generator<void> {
    for (let i = 0; i < min.length; i++) {
      if (i % ENTRIES_A_STEP === ENTRIES_A_STEP - 1) yield;
      const cell = cellOf[i];
      if (!(min[i] <= max[i]) || cell === NO_CODE) continue;
      this.#widen(cell);
      if (min[i] < this.#min[cell]) this.#min[cell] = min[i];
      if (max[i] > this.#max[cell]) this.#max[cell] = max[i];
    }
    const slots = new Uint32Array(cells.length);
    for (let i = 0; i < cells.length; i++) {
      if (i % ENTRIES_A_STEP === ENTRIES_A_STEP - 1) yield;
      const cell = cellOf[cells[i]];
      slots[i] = cell === NO_CODE ? this.maxParts : this.#slot(cell, parts[i]);
    }
    for (let i = 0; i < places.length; i++) {
      if (i % ENTRIES_A_STEP === ENTRIES_A_STEP - 1) yield;
      const slot = slots[places[i] >>> SUB_BITS];
      if (slot === this.maxParts) continue;
      this.#counts[slot * PART_BUCKETS + (places[i] & (PART_BUCKETS - 1))] += counts[i];
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
    this.#settle();
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

/** Merged in about a millisecond. */
const ENTRIES_A_STEP = 8192;

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
