/** Counts of one field of a comparison, by value, side and bucket. */
import type { Field } from '../../../../traceql/analyse.ts';
import type { Static } from '../../../../traceql/ast.ts';
import type { ListedRows } from './comparison-kept.ts';
import { FieldCodes } from './group-codes.ts';
import { NO_CODE, PairCodes } from './group-codes-pairs.ts';

/** Of the selection the odd sides, of the baseline the even. */
export interface FieldFigures {
  readonly field: Field;
  /** `code * 2 + side`, side by side with bucket and count. */
  readonly keys: Uint32Array;
  readonly buckets: Uint32Array;
  readonly counts: Float64Array;
  /** Spans with values beyond those kept, of the baseline and the selection. */
  readonly others: readonly [number, number];
}

export interface ComparedField extends FieldFigures {
  /** By code; 0 is the missing one and never counted. */
  readonly values: readonly Static[];
}

/**
 * Values told apart of each field, in each answer of a worker and in all: ids fill this, and nobody reads 5,000 of
 * them. Others count together (of a row group with more, all but the most frequent): of a field with more the
 * difference is a lower bound, and so are its counts.
 */
export const MAX_VALUES = 5_000;
/** Of value, side and bucket, in all fields together: 40 bytes each. Spans of those beyond count with the others. */
export const MAX_COMPARED_CELLS = 2_000_000;

/** What all fields together have taken. */
export interface Room {
  cells: number;
}

/** Counts of one field. */
export class FieldCounts {
  readonly codes: FieldCodes;
  /** By `code * 2 + side` and bucket; undefined where there is one bucket: then a cell is a key. */
  readonly #cells: PairCodes | undefined;
  counts = new Float64Array(64);
  readonly others: [number, number] = [0, 0];

  constructor(
    readonly field: Field,
    buckets: number,
    readonly room: Room,
  ) {
    this.codes = new FieldCodes(field, MAX_VALUES, 'opaque');
    this.#cells = buckets === 1 ? undefined : new PairCodes(NO_CODE - 1, buckets);
  }

  add(code: number, side: number, bucket: number, count: number): void {
    if (code === NO_CODE) {
      this.others[side] += count;
      return;
    }
    const key = code * 2 + side;
    const cell = this.#cells ? this.#cell(this.#cells, key, bucket) : key;
    if (cell === NO_CODE) {
      this.others[side] += count;
      return;
    }
    if (cell >= this.counts.length) this.#widen(cell);
    this.counts[cell] += count;
  }

  #cell(cells: PairCodes, key: number, bucket: number): number {
    if (this.room.cells >= MAX_COMPARED_CELLS) return cells.known(key, bucket);
    const before = cells.count;
    const cell = cells.code(key, bucket);
    this.room.cells += cells.count - before;
    return cell;
  }

  /** Counts each listed row that has a code above 0. */
  addRows({ list, count, sides, buckets }: ListedRows, codes: Uint32Array): void {
    if (this.#cells) {
      for (let i = 0; i < count; i++) {
        const code = codes[list[i]];
        if (code !== 0) this.add(code, sides[i], buckets[i], 1);
      }
      return;
    }
    this.#widen(this.codes.values.length * 2);
    const { counts, others } = this;
    for (let i = 0; i < count; i++) {
      const code = codes[list[i]];
      if (code === 0) continue;
      if (code === NO_CODE) others[sides[i]]++;
      else counts[code * 2 + sides[i]]++;
    }
  }

  #widen(cell: number): void {
    if (cell < this.counts.length) return;
    const counts = new Float64Array(Math.max(cell + 1, this.counts.length * 2));
    counts.set(this.counts);
    this.counts = counts;
  }

  compared(): ComparedField {
    const base = { field: this.field, values: this.codes.values, others: this.others };
    if (this.#cells) {
      const { count, first, second } = this.#cells;
      return {
        ...base,
        keys: first.slice(0, count),
        buckets: second.slice(0, count),
        counts: this.counts.slice(0, count),
      };
    }
    const all = Math.min(this.counts.length, this.codes.values.length * 2);
    const keys = new Uint32Array(all);
    let count = 0;
    for (let key = 0; key < all; key++) if (this.counts[key] > 0) keys[count++] = key;
    const kept = keys.slice(0, count);
    return {
      ...base,
      keys: kept,
      buckets: new Uint32Array(count),
      counts: new Float64Array(count).map((_, i) => this.counts[kept[i]]),
    };
  }
}
