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
} from '../../../span/vector.ts';
import type { CodeArray } from '../files/parquet/page-codes.ts';
import { Presence, copyBytes, copyWords, fillAll } from './picks.ts';
import type { Picks } from './picks.ts';

/** No code yet. */
const UNKNOWN = 0xfffffffe;

/** The codes that a dictionary's texts have in another one, which gets each text when it is first used. */
export class CodeMap {
  /** By code; behind the last text stands what a null becomes. */
  readonly table: Uint32Array;

  constructor(
    readonly to: Interner,
    readonly from: TextDictionary,
  ) {
    this.table = new Uint32Array(from.count + 1).fill(UNKNOWN);
    this.table[from.count] = NULL_CODE;
  }

  of(code: number): number {
    const known = this.table[code];
    return known === UNKNOWN ? this.learn(code) : known;
  }

  learn(code: number): number {
    const { bytes, offsets } = this.from;
    return (this.table[code] = this.to.intern(bytes, offsets[code], offsets[code + 1]));
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
    copyWords(this.words, vector.words, picks, 2);
    this.present.add(vector.valid, picks);
  }

  finish(rows: number): Int64Vector {
    return { kind: 'int64', words: this.words.subarray(0, rows * 2), ...this.present.finish(rows) };
  }
}

export class Float64Sink {
  readonly values: Float64Array;
  readonly present: Presence;
  readonly #words: Uint32Array;

  constructor(rows: number) {
    this.values = new Float64Array(rows);
    this.#words = new Uint32Array(this.values.buffer);
    this.present = new Presence(rows);
  }

  clear(): void {
    this.values.fill(0);
    this.present.clear();
  }

  add({ values, valid }: Float64Vector, picks: Picks): void {
    copyWords(this.#words, new Uint32Array(values.buffer, values.byteOffset, values.length * 2), picks, 2);
    this.present.add(valid, picks);
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
    copyBytes(this.values, vector.values, picks);
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
    copyWords(this.#values, vector.values, picks, 1);
  }

  addConstant(value: number, picks: Picks): void {
    fillAll(this.#values, value, picks);
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
    copyBytes(this.#values, vector.values, picks);
  }

  addConstant(value: number, picks: Picks): void {
    fillAll(this.#values, value, picks);
  }

  finish(rows: number): Uint8Vector {
    return { kind: 'uint8', values: this.#values.subarray(0, rows) };
  }
}

export class FixedSink {
  #words: Uint32Array;

  constructor(
    readonly width: 8 | 16,
    rows: number,
  ) {
    this.#words = new Uint32Array((rows * width) / 4);
  }

  reserve(rows: number): void {
    const words = (rows * this.width) / 4;
    if (words > this.#words.length) this.#words = grown(this.#words, words);
  }

  /** Every row is put again. */
  clear(): void {}

  add(vector: FixedVector, picks: Picks): void {
    copyWords(this.#words, wordsOf(vector.bytes), picks, this.width / 4);
  }

  finish(rows: number): FixedVector {
    const bytes = new Uint8Array(this.#words.buffer, 0, rows * this.width);
    return { kind: 'fixed', width: this.width, bytes };
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

  add({ codes, dictionary }: TextVector, picks: Picks): void {
    putVector(this.codes, codes, picks, new CodeMap(this.texts, dictionary));
  }

  /** Codes as a file has them: a null's is that behind the last text. */
  addCoded(codes: CodeArray, dictionary: TextDictionary, picks: Picks): void {
    const map = new CodeMap(this.texts, dictionary);
    if (codes instanceof Uint8Array) put8(this.codes, codes, picks, map);
    else if (codes instanceof Uint16Array) put16(this.codes, codes, picks, map);
    else put32(this.codes, codes, picks, map);
  }

  /** `code`: of all rows. */
  addConstant(code: number, dictionary: TextDictionary, picks: Picks): void {
    fillAll(this.codes, new CodeMap(this.texts, dictionary).of(code), picks);
  }

  finish(rows: number): TextVector {
    return { kind: 'text', codes: this.codes.subarray(0, rows), dictionary: this.texts.dictionary() };
  }
}

function putVector(to: Uint32Array, from: Uint32Array, picks: Picks, map: CodeMap): void {
  const { stretches, rows, positions, counts } = picks;
  for (let s = 0; s < stretches; s++) {
    let position = positions[s];
    for (let row = rows[s], end = row + counts[s]; row < end; row++) {
      to[position++] = from[row] === NULL_CODE ? NULL_CODE : map.of(from[row]);
    }
  }
}

// The same loop once for each kind of array: shared, it would be compiled for none of them.

function put8(to: Uint32Array, from: Uint8Array, picks: Picks, map: CodeMap): void {
  const { stretches, rows, positions, counts } = picks;
  const { table } = map;
  for (let s = 0; s < stretches; s++) {
    let position = positions[s];
    for (let row = rows[s], end = row + counts[s]; row < end; row++) {
      const code = table[from[row]];
      to[position++] = code === UNKNOWN ? map.learn(from[row]) : code;
    }
  }
}

function put16(to: Uint32Array, from: Uint16Array, picks: Picks, map: CodeMap): void {
  const { stretches, rows, positions, counts } = picks;
  const { table } = map;
  for (let s = 0; s < stretches; s++) {
    let position = positions[s];
    for (let row = rows[s], end = row + counts[s]; row < end; row++) {
      const code = table[from[row]];
      to[position++] = code === UNKNOWN ? map.learn(from[row]) : code;
    }
  }
}

function put32(to: Uint32Array, from: Uint32Array, picks: Picks, map: CodeMap): void {
  const { stretches, rows, positions, counts } = picks;
  const { table } = map;
  for (let s = 0; s < stretches; s++) {
    let position = positions[s];
    for (let row = rows[s], end = row + counts[s]; row < end; row++) {
      const code = table[from[row]];
      to[position++] = code === UNKNOWN ? map.learn(from[row]) : code;
    }
  }
}

/** A view where the bytes lie on a word's boundary, as Arrow's do; a copy otherwise. */
export function wordsOf(bytes: Uint8Array): Uint32Array {
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  return new Uint32Array(aligned.buffer, aligned.byteOffset, aligned.length >>> 2);
}
