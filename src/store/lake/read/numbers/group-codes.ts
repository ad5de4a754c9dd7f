/**
 * The values of a field as small numbers: 0 where it is missing, else a code in order of arrival, over all
 * blocks of a job. Each distinct value of a dictionary is looked up once for each block; rows are numbers only.
 */
import { TYPES_BY_TAG, doubleText, parseValueText } from '../../../../span/value.ts';
import { NULL_CODE } from '../../../../span/vector.ts';
import type { Block, TextVector, Vector } from '../../../../span/vector.ts';
import type { Field } from '../../../../traceql/analyse.ts';
import type { Intrinsic, Static } from '../../../../traceql/ast.ts';
import { staticsOf } from '../../../../traceql/compare.ts';
import type { FieldSource } from '../../../../traceql/evaluate.ts';
import { evaluate } from '../../../../traceql/evaluate.ts';
import { BlockRow } from '../scan/block-row.ts';
import { columnOf, int64At, isValid } from '../scan/cells.ts';
import { DictionaryCodes, MapCodes, codeOfEntry, entryOf } from './group-codes-map.ts';
import { NO_CODE } from './group-codes-pairs.ts';
import { kindStatics, statusStatics } from '../../../../traceql/keywords.ts';

const NIL: Static = { type: 'nil' };
const OPAQUE: Static = { type: 'opaque' };
const EMPTY_TEXT: Static = { type: 'string', value: '' };

/** Sets `codes[row]` of the selected rows; NO_CODE where there are more values than have codes. */
export type CodeFiller = (selected: Uint8Array, from: number, to: number, codes: Uint32Array) => void;

function staticText(value: Static): string {
  switch (value.type) {
    case 'string':
      return value.value;
    case 'float':
      return doubleText(value.value);
    case 'nil':
    case 'opaque':
      return '';
    case 'bool':
    case 'duration':
    case 'int':
    case 'kind':
    case 'status':
      return String(value.value);
  }
}

/** Values of different types are different: 1 and "1" are two. */
export function staticKey(value: Static): string {
  return `${value.type} ${staticText(value)}`;
}

/** Values by code, side by side: cheap to send to another thread, which objects are not. */
export interface CodedValues {
  /** Of the values that are no strings, by code. */
  readonly others: ReadonlyMap<number, Static>;
  /** '' where it is no string. */
  readonly strings: readonly string[];
}

export function codedValues(values: readonly Static[]): CodedValues {
  const others = new Map<number, Static>();
  const strings = values.map((value, code) => {
    if (value.type === 'string') return value.value;
    others.set(code, value);
    return '';
  });
  return { others, strings };
}

export function valueAt({ others, strings }: CodedValues, code: number): Static {
  return others.get(code) ?? { type: 'string', value: strings[code] };
}

export class FieldCodes {
  /** By code. */
  readonly values: Static[] = [NIL];
  full = false;
  /** By type; texts by themselves, others as they are printed. */
  readonly #codes = new Map<Static['type'], Map<string, number>>();

  /**
   * `max`: values beyond get no code. `arrays`: an array is its first element, as in TraceQL's `by`, or a value
   * that nobody asks for.
   */
  constructor(
    readonly field: Field,
    readonly max: number,
    readonly arrays: 'first' | 'opaque' = 'first',
  ) {}

  code(value: Static): number {
    if (value.type === 'nil') return 0;
    let codes = this.#codes.get(value.type);
    if (!codes) this.#codes.set(value.type, (codes = new Map()));
    const text = staticText(value);
    const known = codes.get(text);
    if (known !== undefined) return known;
    if (this.values.length > this.max) {
      this.full = true;
      return NO_CODE;
    }
    codes.set(text, this.values.length);
    return this.values.push(value) - 1;
  }

  /** Of an attribute's values, or an intrinsic's. */
  codeOf(values: readonly Static[]): number {
    if (values.length === 0) return 0;
    return this.code(this.arrays === 'first' || values.length === 1 ? values[0] : OPAQUE);
  }

  /** For a field that a span alone can tell. Call it in the block's turn: what it gives reads its columns. */
  filler(block: Block): CodeFiller {
    const { field } = this;
    if (field.kind === 'intrinsic') return this.#intrinsic(block, field.name);
    switch (field.scope) {
      case 'span':
      case 'resource':
        return this.#attribute(block, field.scope, field.key);
      case 'instrumentation':
        return this.#inMap(block, 'scope_attributes', field.key);
      case 'any':
        return both(this.#attribute(block, 'span', field.key), this.#attribute(block, 'resource', field.key));
      case 'event':
        return this.#ofChildren(block, 'events');
      case 'link':
        return this.#ofChildren(block, 'links');
    }
  }

  /** For any field, of rows that answer for themselves. */
  ofSource(row: FieldSource): number {
    if (this.arrays === 'first') return this.code(evaluate(this.field, row));
    const { field } = this;
    if (field.kind === 'intrinsic') return this.codeOf(row.intrinsic(field.name, field.parent));
    if (field.scope !== 'any') return this.codeOf(row.attribute(field.scope, field.key, field.parent));
    const own = row.attribute('span', field.key, field.parent);
    return this.codeOf(own.length > 0 ? own : row.attribute('resource', field.key, field.parent));
  }

  #intrinsic(block: Block, name: Intrinsic): CodeFiller {
    switch (name) {
      case 'span:name':
        return this.#texts(() => columnOf(block, 'name', 'text'), EMPTY_TEXT);
      case 'span:statusMessage':
        return this.#texts(() => columnOf(block, 'status_message', 'text'), EMPTY_TEXT);
      case 'instrumentation:name':
        return this.#texts(() => columnOf(block, 'scope_name', 'text'), EMPTY_TEXT);
      case 'instrumentation:version':
        return this.#texts(() => columnOf(block, 'scope_version', 'text'), EMPTY_TEXT);
      case 'span:kind':
        return this.#bytes(() => columnOf(block, 'kind', 'uint8').values, kindStatics);
      case 'span:status':
        return this.#bytes(() => columnOf(block, 'status_code', 'uint8').values, statusStatics);
      case 'span:duration':
        return this.#int64s(() => columnOf(block, 'duration_nano', 'int64'), 'duration');
      case 'event:name':
      case 'event:timeSinceStart':
        return this.#ofChildren(block, 'events');
      case 'link:traceID':
      case 'link:spanID':
        return this.#ofChildren(block, 'links');
      default:
        return this.#rowByRow(block);
    }
  }

  #attribute(block: Block, scope: 'span' | 'resource', key: string): CodeFiller {
    const name = `${scope}.${key}`;
    const own = block.columns.get(name);
    if (!own) return this.#inMap(block, `${scope}_attributes`, key);
    return this.#promoted(own, () => block.columns.get(name) ?? own);
  }

  #promoted(sample: Vector, now: () => Vector): CodeFiller {
    switch (sample.kind) {
      case 'text':
        return this.#texts(() => ofKind(now(), 'text'), NIL);
      case 'int64':
        return this.#int64s(() => ofKind(now(), 'int64'), 'int');
      case 'float64':
        return (selected, from, to, codes) => {
          const { values, valid } = ofKind(now(), 'float64');
          for (let row = from; row < to; row++) {
            if (selected[row] !== 0) codes[row] = isValid(valid, row) ? this.#float(values[row]) : 0;
          }
        };
      case 'bool':
        return (selected, from, to, codes) => {
          const { values, valid } = ofKind(now(), 'bool');
          for (let row = from; row < to; row++) {
            if (selected[row] === 0) continue;
            codes[row] = isValid(valid, row) ? this.#bool(values[row] === 1) : 0;
          }
        };
      case 'attributes':
      case 'fixed':
      case 'list':
      case 'uint32':
      case 'uint8':
        throw new Error(`a promoted column of kind ${sample.kind}`);
    }
  }

  #texts(now: () => TextVector, ofNull: Static): CodeFiller {
    const known = new DictionaryCodes((texts, code) => this.code({ type: 'string', value: texts.get(code) }));
    let nullCode: number | undefined;
    return (selected, from, to, codes) => {
      const { codes: texts, dictionary } = now();
      const table = known.table(dictionary);
      for (let row = from; row < to; row++) {
        if (selected[row] === 0) continue;
        const text = texts[row];
        if (text === NULL_CODE) codes[row] = nullCode ??= this.code(ofNull);
        else codes[row] = table[text] === 0 ? known.add(text) : codeOfEntry(table[text]);
      }
    };
  }

  #bytes(now: () => Uint8Array, staticsOfByte: (value: number) => readonly Static[]): CodeFiller {
    const known = new Uint32Array(256);
    return (selected, from, to, codes) => {
      const values = now();
      for (let row = from; row < to; row++) {
        if (selected[row] === 0) continue;
        const value = values[row];
        if (known[value] === 0) known[value] = entryOf(this.codeOf(staticsOfByte(value)));
        codes[row] = codeOfEntry(known[value]);
      }
    };
  }

  /** By high word, then low word. */
  readonly #integers = new Map<number, Map<number, number>>();

  /** Small integers by a table, others by maps of their words. */
  #int64s(now: () => Extract<Vector, { kind: 'int64' }>, type: 'int' | 'duration'): CodeFiller {
    const small = new Uint32Array(SMALL_INTEGERS);
    const large = this.#integers;
    const add = (words: Uint32Array, row: number): number => this.code({ type, value: int64At(words, row) });
    return (selected, from, to, codes) => {
      const { words, valid } = now();
      for (let row = from; row < to; row++) {
        if (selected[row] === 0) continue;
        if (!isValid(valid, row)) {
          codes[row] = 0;
          continue;
        }
        const low = words[row * 2];
        const high = words[row * 2 + 1];
        if (high === 0 && low < SMALL_INTEGERS) {
          if (small[low] === 0) small[low] = entryOf(add(words, row));
          codes[row] = codeOfEntry(small[low]);
          continue;
        }
        let byLow = large.get(high);
        if (!byLow) large.set(high, (byLow = new Map()));
        let code = byLow.get(low);
        if (code === undefined) {
          code = this.full ? NO_CODE : add(words, row);
          if (code !== NO_CODE) byLow.set(low, code);
        }
        codes[row] = code;
      }
    };
  }

  readonly #floats = new Map<number, number>();

  #float(value: number): number {
    // A map takes -0 for 0.
    if (value === 0) return this.code({ type: 'float', value });
    const known = this.#floats.get(value);
    if (known !== undefined) return known;
    if (this.full) return NO_CODE;
    const code = this.code({ type: 'float', value });
    if (code !== NO_CODE) this.#floats.set(value, code);
    return code;
  }

  /** Codes of false and true. */
  readonly #bools: [number | undefined, number | undefined] = [undefined, undefined];

  #bool(value: boolean): number {
    return (this.#bools[value ? 1 : 0] ??= this.code({ type: 'bool', value }));
  }

  #inMap(block: Block, column: string, key: string): CodeFiller {
    const lists = new MapCodes(key, (tag, text) =>
      this.codeOf(staticsOf(parseValueText(TYPES_BY_TAG[tag], text))),
    );
    return (selected, from, to, codes) => {
      const vector = block.columns.get(column);
      if (vector?.kind === 'attributes') lists.fill(vector, selected, from, to, codes);
      else for (let row = from; row < to; row++) if (selected[row] !== 0) codes[row] = 0;
    };
  }

  /** Few spans have events or links: those are evaluated one by one. */
  #ofChildren(block: Block, column: 'events' | 'links'): CodeFiller {
    const span = new BlockRow(block);
    return (selected, from, to, codes) => {
      const { offsets } = columnOf(block, column, 'list');
      for (let row = from; row < to; row++) {
        if (selected[row] === 0) continue;
        span.row = row;
        codes[row] = offsets[row] === offsets[row + 1] ? 0 : this.ofSource(span);
      }
    };
  }

  #rowByRow(block: Block): CodeFiller {
    const span = new BlockRow(block);
    return (selected, from, to, codes) => {
      for (let row = from; row < to; row++) {
        if (selected[row] === 0) continue;
        span.row = row;
        codes[row] = this.ofSource(span);
      }
    };
  }
}

/** Status codes, ports, sizes of pages: most integers that people group by are below. */
const SMALL_INTEGERS = 65_536;

function ofKind<K extends Vector['kind']>(vector: Vector, kind: K): Extract<Vector, { kind: K }> {
  if (vector.kind !== kind) throw new Error(`a column was ${kind} and is ${vector.kind}`);
  return vector as Extract<Vector, { kind: K }>;
}

/** `second` answers where the first has no value. */
function both(first: CodeFiller, second: CodeFiller): CodeFiller {
  let rest = new Uint8Array(0);
  return (selected, from, to, codes) => {
    first(selected, from, to, codes);
    if (rest.length < to) rest = new Uint8Array(selected.length);
    for (let row = from; row < to; row++) rest[row] = selected[row] !== 0 && codes[row] === 0 ? 1 : 0;
    second(rest, from, to, codes);
  };
}
