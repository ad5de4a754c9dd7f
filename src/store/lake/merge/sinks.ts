/**
 * Columns of an output row group under construction: rows of many blocks are put at their positions, block
 * by block, in any order. What a sink keeps it copies: a reader's block lives for one call only. Sinks are
 * cleared and filled again: 131,072 spans take 50 MB, and garbage of that size piles up.
 */
import { grown } from '../../../span/grow.ts';
import { Interner } from '../../../span/interner.ts';
import { NULL_CODE } from '../../../span/vector.ts';
import type {
  BoolVector,
  FixedVector,
  Float64Vector,
  Int64Vector,
  TextDictionary,
  TextVector,
  Uint32Vector,
  Uint8Vector,
  Validity,
} from '../../../span/vector.ts';

/** Row `rows[i]` of a block goes to row `positions[i]` of the output. */
export class Picks {
  /** Both run without a gap: whole stretches are copied at once. */
  readonly straight: boolean;

  constructor(
    readonly rows: Uint32Array,
    readonly positions: Uint32Array,
  ) {
    this.straight = isStraight(rows) && isStraight(positions);
  }
}

function isStraight(numbers: Uint32Array): boolean {
  for (let i = 1; i < numbers.length; i++) if (numbers[i] !== numbers[i - 1] + 1) return false;
  return true;
}

/** The codes that a dictionary's texts have in another one, which gets each text when it is first used. */
export class CodeMap {
  readonly #codes: Int32Array;

  constructor(
    readonly to: Interner,
    readonly from: TextDictionary,
  ) {
    this.#codes = new Int32Array(from.count).fill(-1);
  }

  of(code: number): number {
    const known = this.#codes[code];
    if (known >= 0) return known;
    const { bytes, offsets } = this.from;
    return (this.#codes[code] = this.to.intern(bytes, offsets[code], offsets[code + 1]));
  }
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

  add(valid: Validity, { rows, positions }: Picks): void {
    for (let i = 0; i < rows.length; i++) {
      if (valid === undefined || (valid[rows[i] >>> 3] >>> (rows[i] & 7)) & 1) this.set(positions[i]);
    }
  }

  finish(rows: number): { valid?: Validity } {
    return this.#count === rows ? {} : { valid: this.#bits.subarray(0, (rows + 7) >>> 3) };
  }
}

export class Int64Sink {
  words: Uint32Array;
  readonly present: Presence;

  constructor(rows: number) {
    this.words = new Uint32Array(rows * 2);
    this.present = new Presence(rows);
  }

  reserve(rows: number): void {
    if (rows * 2 > this.words.length) this.words = grown(this.words, rows * 2);
    this.present.reserve(rows);
  }

  clear(): void {
    this.words.fill(0);
    this.present.clear();
  }

  add(vector: Int64Vector, picks: Picks): void {
    const { rows, positions } = picks;
    const from = vector.words;
    const to = this.words;
    if (picks.straight) to.set(from.subarray(rows[0] * 2, (rows[0] + rows.length) * 2), positions[0] * 2);
    else {
      for (let i = 0; i < rows.length; i++) {
        to[positions[i] * 2] = from[rows[i] * 2];
        to[positions[i] * 2 + 1] = from[rows[i] * 2 + 1];
      }
    }
    this.present.add(vector.valid, picks);
  }

  finish(rows: number): Int64Vector {
    return { kind: 'int64', words: this.words.subarray(0, rows * 2), ...this.present.finish(rows) };
  }
}

export class Float64Sink {
  readonly values: Float64Array;
  readonly present: Presence;

  constructor(rows: number) {
    this.values = new Float64Array(rows);
    this.present = new Presence(rows);
  }

  clear(): void {
    this.values.fill(0);
    this.present.clear();
  }

  add(vector: Float64Vector, picks: Picks): void {
    const { rows, positions } = picks;
    for (let i = 0; i < rows.length; i++) this.values[positions[i]] = vector.values[rows[i]];
    this.present.add(vector.valid, picks);
  }

  finish(rows: number): Float64Vector {
    return { kind: 'float64', values: this.values.subarray(0, rows), ...this.present.finish(rows) };
  }
}

export class BoolSink {
  readonly values: Uint8Array;
  readonly present: Presence;

  constructor(rows: number) {
    this.values = new Uint8Array(rows);
    this.present = new Presence(rows);
  }

  clear(): void {
    this.values.fill(0);
    this.present.clear();
  }

  add(vector: BoolVector, picks: Picks): void {
    putBytes(this.values, vector.values, picks);
    this.present.add(vector.valid, picks);
  }

  finish(rows: number): BoolVector {
    return { kind: 'bool', values: this.values.subarray(0, rows), ...this.present.finish(rows) };
  }
}

export class Uint32Sink {
  #values: Uint32Array;

  constructor(rows: number) {
    this.#values = new Uint32Array(rows);
  }

  reserve(rows: number): void {
    if (rows > this.#values.length) this.#values = grown(this.#values, rows);
  }

  /** Every row is put again. */
  clear(): void {}

  add(vector: Uint32Vector, picks: Picks): void {
    putWords(this.#values, vector.values, picks);
  }

  finish(rows: number): Uint32Vector {
    return { kind: 'uint32', values: this.#values.subarray(0, rows) };
  }
}

export class Uint8Sink {
  #values: Uint8Array;

  constructor(rows: number) {
    this.#values = new Uint8Array(rows);
  }

  reserve(rows: number): void {
    if (rows > this.#values.length) this.#values = grown(this.#values, rows);
  }

  /** Every row is put again. */
  clear(): void {}

  add(vector: Uint8Vector, picks: Picks): void {
    putBytes(this.#values, vector.values, picks);
  }

  finish(rows: number): Uint8Vector {
    return { kind: 'uint8', values: this.#values.subarray(0, rows) };
  }
}

export class FixedSink {
  #bytes: Uint8Array;

  constructor(
    readonly width: 8 | 16,
    rows: number,
  ) {
    this.#bytes = new Uint8Array(rows * width);
  }

  reserve(rows: number): void {
    if (rows * this.width > this.#bytes.length) this.#bytes = grown(this.#bytes, rows * this.width);
  }

  /** Every row is put again. */
  clear(): void {}

  add(vector: FixedVector, picks: Picks): void {
    const { rows, positions } = picks;
    const { width } = this;
    if (picks.straight) {
      const from = rows[0] * width;
      this.#bytes.set(vector.bytes.subarray(from, from + rows.length * width), positions[0] * width);
      return;
    }
    const from = wordsOf(vector.bytes);
    const to = wordsOf(this.#bytes);
    const words = width / 4;
    for (let i = 0; i < rows.length; i++) {
      const at = rows[i] * words;
      for (let word = 0; word < words; word++) to[positions[i] * words + word] = from[at + word];
    }
  }

  finish(rows: number): FixedVector {
    return { kind: 'fixed', width: this.width, bytes: this.#bytes.subarray(0, rows * this.width) };
  }
}

/** A row without a text has NULL_CODE. */
export class TextSink {
  codes: Uint32Array;
  texts = new Interner();

  constructor(rows: number) {
    this.codes = new Uint32Array(rows).fill(NULL_CODE);
  }

  reserve(rows: number): void {
    const before = this.codes.length;
    if (rows <= before) return;
    this.codes = grown(this.codes, rows);
    this.codes.fill(NULL_CODE, before);
  }

  clear(): void {
    this.codes.fill(NULL_CODE);
    this.texts = new Interner();
  }

  add(vector: TextVector, { rows, positions }: Picks): void {
    const map = new CodeMap(this.texts, vector.dictionary);
    const from = vector.codes;
    const to = this.codes;
    for (let i = 0; i < rows.length; i++) {
      const code = from[rows[i]];
      if (code !== NULL_CODE) to[positions[i]] = map.of(code);
    }
  }

  finish(rows: number): TextVector {
    return { kind: 'text', codes: this.codes.subarray(0, rows), dictionary: this.texts.dictionary() };
  }
}

/** A view where the bytes lie on a word's boundary, as Arrow's do; a copy otherwise. */
export function wordsOf(bytes: Uint8Array): Uint32Array {
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  return new Uint32Array(aligned.buffer, aligned.byteOffset, aligned.length >>> 2);
}

function putWords(to: Uint32Array, from: Uint32Array, { rows, positions, straight }: Picks): void {
  if (straight) to.set(from.subarray(rows[0], rows[0] + rows.length), positions[0]);
  else for (let i = 0; i < rows.length; i++) to[positions[i]] = from[rows[i]];
}

function putBytes(to: Uint8Array, from: Uint8Array, { rows, positions, straight }: Picks): void {
  if (straight) to.set(from.subarray(rows[0], rows[0] + rows.length), positions[0]);
  else for (let i = 0; i < rows.length; i++) to[positions[i]] = from[rows[i]];
}
