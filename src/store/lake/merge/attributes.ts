/**
 * Attribute lists of an output row group. Inputs differ in which keys have columns of their own: a value
 * moves from the list to a column, or back, and keeps its type and exact text.
 */
import { grown } from '../../../span/grow.ts';
import { Interner } from '../../../span/interner.ts';
import { TYPES_BY_TAG, TYPE_TAGS, doubleText } from '../../../span/value.ts';
import { NULL_CODE } from '../../../span/vector.ts';
import type { AttributesVector, TextDictionary, Validity, Vector } from '../../../span/vector.ts';
import type { PromotedColumn } from '../files/file-entry.ts';
import { decodeText, int64At, writeInt64 } from '../write/text.ts';
import type { ColumnSource } from '../read/scan/column-source.ts';
import { addText, loaded } from './load.ts';
import { Lists } from './picks.ts';
import type { Picks } from './picks.ts';
import { BoolSink, CodeMap, Float64Sink, Int64Sink, TextSink } from './sinks.ts';

/** Puts the value with this code at a position. */
type Put = (position: number, code: number) => void;

/** A column of its own that a key has in the output. */
export class PromotedSink {
  readonly #sink: TextSink | Int64Sink | Float64Sink | BoolSink;
  readonly #tag: number;

  constructor(
    readonly column: PromotedColumn,
    rows: number,
  ) {
    this.#tag = TYPE_TAGS[column.type];
    this.#sink = sinkOf(column.type, rows);
  }

  /** From the same column of an input. */
  add(source: ColumnSource, picks: Picks): void {
    const sink = this.#sink;
    const { name } = this.column;
    if (sink instanceof TextSink && addText(sink, source, name, picks)) return;
    const vector = loaded(source, name, picks);
    if (vector?.kind === 'text' && sink instanceof TextSink) sink.add(vector, picks);
    else if (vector?.kind === 'int64' && sink instanceof Int64Sink) sink.add(vector, picks);
    else if (vector?.kind === 'float64' && sink instanceof Float64Sink) sink.add(vector, picks);
    else if (vector?.kind === 'bool' && sink instanceof BoolSink) sink.add(vector, picks);
    else throw new Error(`${name}: a ${vector?.kind} column where ${this.column.type} was known`);
  }

  clear(): void {
    this.#sink.clear();
  }

  checkTag(tag: number): void {
    if (tag === this.#tag) return;
    throw new Error(`${this.column.name}: a ${TYPES_BY_TAG[tag]} where only ${this.column.type} was known`);
  }

  /** From lists whose values stand in this dictionary. Each distinct text is parsed once. */
  putter(values: TextDictionary): Put {
    const sink = this.#sink;
    if (sink instanceof TextSink) {
      const map = new CodeMap(sink.texts, values);
      return (position, code) => (sink.codes[position] = map.of(code));
    }
    const first = new Map<number, number>();
    return (position, code) => {
      const known = first.get(code);
      if (known === undefined) {
        first.set(code, position);
        putText(sink, position, decodeText(values, code));
      } else putAgain(sink, position, known);
      sink.present.set(position);
    };
  }

  finish(rows: number): Vector {
    return this.#sink.finish(rows);
  }
}

function sinkOf(type: PromotedColumn['type'], rows: number): TextSink | Int64Sink | Float64Sink | BoolSink {
  switch (type) {
    case 'string':
      return new TextSink(rows);
    case 'int':
      return new Int64Sink(rows);
    case 'double':
      return new Float64Sink(rows);
    case 'bool':
      return new BoolSink(rows);
  }
}

function putText(sink: Int64Sink | Float64Sink | BoolSink, position: number, text: string): void {
  if (sink instanceof Int64Sink) writeInt64(text, sink.words, position);
  else if (sink instanceof Float64Sink) sink.values[position] = Number(text);
  else sink.values[position] = text === 'true' ? 1 : 0;
}

function putAgain(sink: Int64Sink | Float64Sink | BoolSink, position: number, known: number): void {
  if (sink instanceof Int64Sink) sink.words.copyWithin(position * 2, known * 2, known * 2 + 2);
  else sink.values[position] = sink.values[known];
}

/** A key that an input keeps in a column and the output in its lists. */
interface Demoted {
  readonly keyCode: number;
  readonly tag: number;
  /** The value's code in the output, or -1 for a row without one. */
  readonly codeAt: (row: number) => number;
}

const UNKNOWN = -1;

export class AttributesSink {
  readonly #lists: Lists;
  #keys = new Uint32Array(1024);
  #types = new Uint8Array(1024);
  #values = new Uint32Array(1024);
  #entries = 0;
  #keyTexts = new Interner();
  #valueTexts = new Interner();

  /** `promoted`: by key. */
  constructor(
    rows: number,
    readonly promoted: ReadonlyMap<string, PromotedSink> = new Map(),
  ) {
    this.#lists = new Lists(rows);
  }

  reserve(rows: number): void {
    this.#lists.reserve(rows);
  }

  clear(): void {
    this.#lists.clear();
    this.#entries = 0;
    this.#keyTexts = new Interner();
    this.#valueTexts = new Interner();
  }

  /** `own`: the columns of `source` in which the input keeps keys of these lists, by key. */
  addFrom(
    source: ColumnSource,
    vector: AttributesVector,
    picks: Picks,
    own: ReadonlyMap<string, string>,
  ): void {
    const demoted: Demoted[] = [];
    for (const [key, name] of own) {
      const sink = this.promoted.get(key);
      if (sink !== undefined) {
        sink.add(source, picks);
        continue;
      }
      const column = loaded(source, name, picks);
      if (column === undefined) throw new Error(`a block without the promoted column ${name}`);
      demoted.push(this.#demoted(key, column));
    }
    this.add(vector, picks, demoted);
  }

  add(vector: AttributesVector, picks: Picks, demoted: readonly Demoted[] = []): void {
    const lists = this.#lists;
    if (demoted.length === 0 && vector.offsets[vector.offsets.length - 1] === 0) {
      lists.addEmpty(picks);
      return;
    }
    const copy = this.#copier(vector);
    const { stretches, rows, positions, counts } = picks;
    for (let s = 0; s < stretches; s++) {
      lists.begin(positions[s], counts[s]);
      for (let i = 0; i < counts[s]; i++) {
        const row = rows[s] + i;
        copy(row, positions[s] + i);
        for (const { keyCode, tag, codeAt } of demoted) {
          const code = codeAt(row);
          if (code >= 0) this.#append(keyCode, tag, code);
        }
        lists.end(this.#entries);
      }
    }
  }

  finish(rows: number): AttributesVector {
    const entries = this.#entries;
    return {
      kind: 'attributes',
      ...this.#lists.finish(rows),
      keys: this.#keys.subarray(0, entries),
      keyDictionary: this.#keyTexts.dictionary(),
      types: this.#types.subarray(0, entries),
      values: this.#values.subarray(0, entries),
      valueDictionary: this.#valueTexts.dictionary(),
    };
  }

  /** Appends a row's entries that stay, and puts the others into their columns. */
  #copier(vector: AttributesVector): (row: number, position: number) => void {
    const { offsets, rowIndex, pairs, keys, types, values, keyDictionary } = vector;
    const map = new CodeMap(this.#valueTexts, vector.valueDictionary);
    /** By key: its code in the output, or -2 minus the column's number. */
    const actions = new Int32Array(keyDictionary.count).fill(UNKNOWN);
    const columns: { readonly sink: PromotedSink; readonly put: Put }[] = [];
    const actionOf = (key: number): number => {
      const sink = this.promoted.get(decodeText(keyDictionary, key));
      if (sink) return -1 - columns.push({ sink, put: sink.putter(vector.valueDictionary) });
      return this.#keyTexts.intern(
        keyDictionary.bytes,
        keyDictionary.offsets[key],
        keyDictionary.offsets[key + 1],
      );
    };
    return (row, position) => {
      const list = rowIndex === undefined ? row : rowIndex[row];
      const end = offsets[list + 1];
      for (let entry = offsets[list]; entry < end; entry++) {
        const pair = pairs === undefined ? entry : pairs[entry];
        let action = actions[keys[pair]];
        if (action === UNKNOWN) action = actions[keys[pair]] = actionOf(keys[pair]);
        if (action >= 0) this.#append(action, types[pair], map.of(values[pair]));
        else {
          const { sink, put } = columns[-2 - action];
          sink.checkTag(types[pair]);
          put(position, values[pair]);
        }
      }
    };
  }

  #append(key: number, tag: number, value: number): void {
    const at = this.#entries++;
    if (at === this.#keys.length) {
      this.#keys = grown(this.#keys, at * 2);
      this.#types = grown(this.#types, at * 2);
      this.#values = grown(this.#values, at * 2);
    }
    this.#keys[at] = key;
    this.#types[at] = tag;
    this.#values[at] = value;
  }

  #demoted(key: string, column: Vector): Demoted {
    const keyCode = this.#keyTexts.internText(key);
    switch (column.kind) {
      case 'text': {
        const map = new CodeMap(this.#valueTexts, column.dictionary);
        const { codes } = column;
        const codeAt = (row: number) => (codes[row] === NULL_CODE ? -1 : map.of(codes[row]));
        return { keyCode, tag: TYPE_TAGS.string, codeAt };
      }
      case 'int64':
        return this.#printed(keyCode, TYPE_TAGS.int, column.valid, (row) =>
          int64At(column.words, row).toString(),
        );
      case 'float64':
        return this.#printed(keyCode, TYPE_TAGS.double, column.valid, (row) =>
          doubleText(column.values[row]),
        );
      case 'bool':
        return this.#printed(keyCode, TYPE_TAGS.bool, column.valid, (row) =>
          column.values[row] === 1 ? 'true' : 'false',
        );
      case 'attributes':
      case 'fixed':
      case 'list':
      case 'uint32':
      case 'uint8':
        throw new Error(`${key}: a promoted column of kind ${column.kind}`);
    }
  }

  /** A key without a column in the output is a rare one: a string for each of its values is affordable. */
  #printed(keyCode: number, tag: number, valid: Validity, textAt: (row: number) => string): Demoted {
    const codeAt = (row: number) => {
      if (valid !== undefined && ((valid[row >>> 3] >>> (row & 7)) & 1) === 0) return -1;
      return this.#valueTexts.internText(textAt(row));
    };
    return { keyCode, tag, codeAt };
  }
}
