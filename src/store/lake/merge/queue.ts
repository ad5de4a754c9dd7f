/** Rows in the order of the output that wait to fill a row group. Knows where one may end. */
import { grown } from '../../../span/grow.ts';
import type { RowSink } from './once.ts';
import type { Unit } from './sources.ts';

export class RowQueue implements RowSink {
  length = 0;
  units: Uint32Array = new Uint32Array(1024);
  rows: Uint32Array = new Uint32Array(1024);
  /** Lengths at which a trace was whole. */
  #ends: number[] = [];

  constructor(
    readonly sources: readonly Unit[],
    readonly maxRows: number,
    readonly maxBytes: number,
  ) {}

  push(unit: number, row: number): void {
    this.#reserve(1);
    this.units[this.length] = unit;
    this.rows[this.length++] = row;
  }

  pushRange(unit: number, firstRow: number, count: number): void {
    this.#reserve(count);
    const { units, rows, length } = this;
    for (let i = 0; i < count; i++) {
      units[length + i] = unit;
      rows[length + i] = firstRow + i;
    }
    this.length += count;
  }

  endTrace(): void {
    this.#ends.push(this.length);
  }

  /**
   * How many rows to take as a row group: as many as fit, up to the end of a trace, unless that is larger
   * than a row group. 0: wait for more. With `all`, what is there is taken.
   */
  cut(all: boolean): number {
    let bytes = 0;
    let count = 0;
    while (count < this.length && count < this.maxRows && bytes < this.maxBytes) {
      bytes += this.sources[this.units[count++]].bytesPerRow;
    }
    if (count === this.length && count < this.maxRows && bytes < this.maxBytes) return all ? count : 0;
    let end = 0;
    for (const candidate of this.#ends) {
      if (candidate > count) break;
      end = candidate;
    }
    return end > 0 ? end : count;
  }

  remove(count: number): void {
    this.units.copyWithin(0, count, this.length);
    this.rows.copyWithin(0, count, this.length);
    this.length -= count;
    this.#ends = this.#ends.filter((end) => end > count).map((end) => end - count);
  }

  #reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.units.length) return;
    this.units = grown(this.units, needed);
    this.rows = grown(this.rows, needed);
  }
}
