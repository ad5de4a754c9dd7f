/** PLAIN texts of a whole column chunk as codes: row by row another one, in one dictionary without their lengths. */
import type { ColumnValues } from '../column-flat.ts';
import { definitionOf } from './page-levels.ts';
import { allTexts } from './page-values.ts';

export class TextPages {
  readonly #codes: Uint32Array;
  readonly #offsets: Uint32Array;
  readonly #parts: Uint8Array[] = [];
  #count = 0;
  #bytes = 0;
  #missing = 0;

  constructor(
    readonly rows: number,
    readonly isOptional: boolean,
  ) {
    this.#codes = new Uint32Array(rows);
    this.#offsets = new Uint32Array(rows + 1);
  }

  /** The next page: its rows begin at `firstRow`. */
  add(body: Uint8Array, firstRow: number, rows: number): void {
    const levels = this.isOptional ? definitionOf(body, rows) : undefined;
    const from = levels?.end ?? 0;
    const present = levels?.present;
    const count = present ? levels.count : rows;
    const texts = allTexts(body.subarray(from), count);
    for (let i = 0; i < count; i++) this.#offsets[this.#count + i + 1] = this.#bytes + texts.offsets[i + 1];
    let next = this.#count;
    for (let row = 0; row < rows; row++) {
      const isThere = present === undefined || present[row] === 1;
      this.#codes[firstRow + row] = isThere ? next++ : ABSENT;
    }
    this.#missing += rows - count;
    this.#count += count;
    this.#bytes += texts.bytes.length;
    this.#parts.push(texts.bytes);
  }

  values(): ColumnValues {
    const bytes = new Uint8Array(this.#bytes);
    let at = 0;
    for (const part of this.#parts) {
      bytes.set(part, at);
      at += part.length;
    }
    const count = this.#count;
    const codes = this.#codes;
    if (this.#missing > 0) {
      for (let row = 0; row < codes.length; row++) if (codes[row] === ABSENT) codes[row] = count;
    }
    const texts = { count, offsets: this.#offsets.slice(0, count + 1), bytes };
    return {
      kind: 'coded',
      codes,
      dictionary: { kind: 'text', count, texts },
      missing: count,
      hasMissing: this.#missing > 0,
    };
  }
}

const ABSENT = 0xffffffff;
