/**
 * Which rows of a block go where in an output row group, in stretches: rows of a trace stand together in every file,
 * and traces of files that don't overlap do too, so that a stretch is some rows up to a whole row group.
 */
import { grown } from '../../../span/grow.ts';
import type { Validity } from '../../../span/vector.ts';

/** A call of `set` or `fill` costs as much as about so many elements one by one. */
const COPIED_BY_HAND = 24;

/** Stretch s: the `counts[s]` rows from `rows[s]` on go to the positions from `positions[s]` on. */
export class Picks {
  stretches = 0;
  /** Rows in all stretches. */
  total = 0;
  rows: Uint32Array = new Uint32Array(16);
  positions: Uint32Array = new Uint32Array(16);
  counts: Uint32Array = new Uint32Array(16);

  add(row: number, position: number, count: number): void {
    const last = this.stretches - 1;
    this.total += count;
    if (
      last >= 0 &&
      this.rows[last] + this.counts[last] === row &&
      this.positions[last] + this.counts[last] === position
    ) {
      this.counts[last] += count;
      return;
    }
    const at = this.stretches++;
    if (at === this.rows.length) {
      this.rows = grown(this.rows, at * 2);
      this.positions = grown(this.positions, at * 2);
      this.counts = grown(this.counts, at * 2);
    }
    this.rows[at] = row;
    this.positions[at] = position;
    this.counts[at] = count;
  }

  /** All rows lie in `from .. to`. */
  bounds(): { from: number; to: number } {
    let from = this.rows[0];
    let to = 0;
    for (let s = 0; s < this.stretches; s++) {
      if (this.rows[s] < from) from = this.rows[s];
      if (this.rows[s] + this.counts[s] > to) to = this.rows[s] + this.counts[s];
    }
    return { from, to };
  }

  /** The same rows counted from another one. */
  from(firstRow: number): this {
    for (let s = 0; s < this.stretches; s++) this.rows[s] -= firstRow;
    return this;
  }
}

/** `width` words a row. */
export function copyWords(
  to: Uint32Array,
  from: Uint32Array,
  { stretches, rows, positions, counts }: Picks,
  width: number,
): void {
  for (let s = 0; s < stretches; s++) {
    let row = rows[s] * width;
    let position = positions[s] * width;
    const end = row + counts[s] * width;
    if (end - row > COPIED_BY_HAND) to.set(from.subarray(row, end), position);
    else while (row < end) to[position++] = from[row++];
  }
}

export function copyBytes(
  to: Uint8Array,
  from: Uint8Array,
  { stretches, rows, positions, counts }: Picks,
): void {
  for (let s = 0; s < stretches; s++) {
    let row = rows[s];
    let position = positions[s];
    const end = row + counts[s];
    if (end - row > COPIED_BY_HAND) to.set(from.subarray(row, end), position);
    else while (row < end) to[position++] = from[row++];
  }
}

/** The same value to all positions. */
export function fillAll(
  to: Uint32Array | Uint8Array,
  value: number,
  { stretches, positions, counts }: Picks,
): void {
  for (let s = 0; s < stretches; s++) to.fill(value, positions[s], positions[s] + counts[s]);
}

/** Which positions have a value. */
export class Presence {
  #bits: Uint8Array;
  #count = 0;

  constructor(rows: number) {
    this.#bits = new Uint8Array((rows + 7) >>> 3);
  }

  reserve(rows: number): void {
    if (rows > this.#bits.length * 8) this.#bits = grown(this.#bits, (rows + 7) >>> 3);
  }

  clear(): void {
    this.#bits.fill(0);
    this.#count = 0;
  }

  set(position: number): void {
    this.#bits[position >>> 3] |= 1 << (position & 7);
    this.#count++;
  }

  add(valid: Validity, { stretches, rows, positions, counts }: Picks): void {
    for (let s = 0; s < stretches; s++) {
      if (valid === undefined) this.#setAll(positions[s], positions[s] + counts[s]);
      else {
        const shift = rows[s] - positions[s];
        for (let at = positions[s]; at < positions[s] + counts[s]; at++) {
          const row = at + shift;
          if ((valid[row >>> 3] >>> (row & 7)) & 1) this.set(at);
        }
      }
    }
  }

  finish(rows: number): { valid?: Validity } {
    return this.#count === rows ? {} : { valid: this.#bits.subarray(0, (rows + 7) >>> 3) };
  }

  #setAll(from: number, to: number): void {
    let at = from;
    while (at < to && (at & 7) !== 0) this.set(at++);
    const bytes = (to - at) >>> 3;
    this.#bits.fill(0xff, at >>> 3, (at >>> 3) + bytes);
    this.#count += bytes * 8;
    for (at += bytes * 8; at < to; at++) this.set(at);
  }
}

/** Lists in the order of arrival, and which of them each row has. */
export class Lists {
  /** Of the lists so far. */
  count = 0;
  /** List l has the elements `offsets[l] .. offsets[l + 1]`. */
  offsets: Uint32Array;
  #ofRow: Uint32Array;
  /** So far list r is that of row r, and `#ofRow` is not filled. */
  #inOrder = true;

  constructor(rows: number) {
    this.offsets = new Uint32Array(rows + 1);
    this.#ofRow = new Uint32Array(rows);
  }

  reserve(rows: number): void {
    if (rows <= this.#ofRow.length) return;
    this.#ofRow = grown(this.#ofRow, rows);
    this.offsets = grown(this.offsets, rows + 1);
  }

  clear(): void {
    this.count = 0;
    this.#inOrder = true;
  }

  /** Of all lists so far. */
  get elements(): number {
    return this.offsets[this.count];
  }

  /** The next lists are those of `count` rows from `position` on; then `end` is called for each. */
  begin(position: number, count: number): void {
    if (this.#inOrder && position !== this.count) {
      for (let list = 0; list < this.count; list++) this.#ofRow[list] = list;
      this.#inOrder = false;
    }
    if (this.#inOrder) return;
    for (let i = 0; i < count; i++) this.#ofRow[position + i] = this.count + i;
  }

  /** `elements`: of all lists, this one included. */
  end(elements: number): void {
    this.offsets[++this.count] = elements;
  }

  /** All the rows have lists of nothing. */
  addEmpty({ stretches, positions, counts }: Picks): void {
    for (let s = 0; s < stretches; s++) {
      this.begin(positions[s], counts[s]);
      this.offsets.fill(this.offsets[this.count], this.count + 1, this.count + 1 + counts[s]);
      this.count += counts[s];
    }
  }

  /** `rowIndex`: absent when row r has list r. Throws unless each of the rows was begun once. */
  finish(rows: number): { offsets: Uint32Array; rowIndex?: Uint32Array } {
    if (this.count !== rows) throw new Error(`${this.count} lists for ${rows} rows`);
    const offsets = this.offsets.subarray(0, rows + 1);
    return this.#inOrder ? { offsets } : { offsets, rowIndex: this.#ofRow.subarray(0, rows) };
  }
}
