/**
 * Counts of whole numbers below 2^32 by cell, in the buckets of series-quantiles.ts: straight to their place in a
 * table, 4 ns a number, where the way of any double takes 30.
 */

/** Six bits behind the first are the bucket: 64 to each power of two. */
export const SUB_BITS = 6;
export const PART_BUCKETS = 1 << SUB_BITS;

/** Such numbers have 0 to 32 bits. */
const POWERS = 33;
const CELL_PLACES = POWERS * PART_BUCKETS;
/** Of more cells (4 MB) the further ones are counted one by one. */
const MAX_CELLS = 512;

/** Unsigned words keep their order as signed ones with the first bit turned, and those the JIT calculates with. */
const TURN = 0x80000000 | 0;

export class WordCells {
  /** That there is room for. */
  cells = 0;
  #counts = new Int32Array(0);
  /** By cell, turned. */
  #min = new Int32Array(0);
  #max = new Int32Array(0);

  widen(cells: number): void {
    const size = Math.max(cells, this.cells * 2, 16);
    this.#counts = widened(this.#counts, Math.min(size, MAX_CELLS) * CELL_PLACES, 0);
    this.#min = widened(this.#min, size, ~TURN);
    this.#max = widened(this.#max, size, TURN);
    this.cells = size;
  }

  /** All cells are below `this.cells`. `further`: counts one number of a cell that the table has no place for. */
  add(
    cells: Uint32Array,
    words: Uint32Array,
    count: number,
    further: (cell: number, bits: number, sub: number) => void,
  ): void {
    const signedCells = signed(cells);
    const signedWords = signed(words);
    extremes(signedCells, signedWords, count, this.#min, this.#max);
    if (this.cells <= MAX_CELLS) {
      tally(signedCells, signedWords, count, this.#counts);
      return;
    }
    for (let i = 0; i < count; i++) {
      const place = placeOf(signedWords[i]);
      if (signedCells[i] < MAX_CELLS) this.#counts[signedCells[i] * CELL_PLACES + place]++;
      else further(signedCells[i], place >>> SUB_BITS, place & (PART_BUCKETS - 1));
    }
  }

  each(
    use: (cell: number, bits: number, sub: number, count: number) => void,
    useExtremes: (cell: number, min: number, max: number) => void,
  ): void {
    for (let cell = 0; cell < this.cells; cell++) {
      const min = (this.#min[cell] ^ TURN) >>> 0;
      const max = (this.#max[cell] ^ TURN) >>> 0;
      if (min > max) continue;
      useExtremes(cell, min, max);
      if (cell >= MAX_CELLS) continue;
      for (let place = placeOf(min); place <= placeOf(max); place++) {
        const count = this.#counts[cell * CELL_PLACES + place];
        if (count > 0) use(cell, place >>> SUB_BITS, place & (PART_BUCKETS - 1), count);
      }
    }
  }
}

// counts[cell][place of the word]++
function tally(cells: Int32Array, words: Int32Array, count: number, counts: Int32Array): void {
  for (let i = 0; i < count; i++) counts[Math.imul(cells[i], CELL_PLACES) + placeOf(words[i])]++;
}

function extremes(
  cells: Int32Array,
  words: Int32Array,
  count: number,
  min: Int32Array,
  max: Int32Array,
): void {
  for (let i = 0; i < count; i++) {
    const cell = cells[i];
    const word = words[i] ^ TURN;
    if (word < min[cell]) min[cell] = word;
    if (word > max[cell]) max[cell] = word;
  }
}

/** Its bits, and the six behind the first. */
function placeOf(word: number): number {
  const bits = 32 - Math.clz32(word);
  const sub = bits > SUB_BITS ? word >>> (bits - SUB_BITS - 1) : word << (SUB_BITS + 1 - bits);
  return (bits << SUB_BITS) + (sub & (PART_BUCKETS - 1));
}

function signed(words: Uint32Array): Int32Array {
  return new Int32Array(words.buffer, words.byteOffset, words.length);
}

function widened(array: Int32Array<ArrayBuffer>, size: number, rest: number): Int32Array<ArrayBuffer> {
  if (size <= array.length) return array;
  const wide = new Int32Array(size).fill(rest, array.length);
  wide.set(array);
  return wide;
}
