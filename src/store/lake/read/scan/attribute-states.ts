/**
 * What a leaf says of an attribute in each row of a block: missing, there without a hit, or a hit. Each
 * distinct value is tested once. Writes only rows that are selected and still MISSING, so that the places
 * where an attribute may stand (own column, map; span, then resource) are asked one after the other.
 */
import { TYPES_BY_TAG, TYPE_TAGS, parseValueText } from '../../../../span/value.ts';
import { NULL_CODE } from '../../../../span/vector.ts';
import type {
  AttributesVector,
  BoolVector,
  Float64Vector,
  Int64Vector,
  TextVector,
  Vector,
} from '../../../../span/vector.ts';
import type { Static } from '../../../../traceql/ast.ts';
import { staticsOf } from '../../../../traceql/compare.ts';
import { matchPace } from '../../../../traceql/regex-pace.ts';
import { int64At, isValid } from './cells.ts';
import type { Leaf } from './leaf.ts';
import { Texts, codesOfText, equalsBytes } from './texts.ts';

/** A list of 100,000 elements, 1 to 2 MB, takes 25 to 40 ms to parse: longer ones than this get a turn of their own. */
const LONG_LIST_BYTES = 128 * 1024;

export const MISSING = 0;
export const NO_HIT = 1;
export const HIT = 2;

/** Asked of each distinct value; the comparison, where it is one, allows short cuts. */
export type ValueTest = Pick<Leaf, 'test' | 'comparison'>;

/** Fills `states` where `selection` is 1 and the state MISSING. */
export type StateFiller = (states: Uint8Array, selection: Uint8Array, from: number, to: number) => void;

/** For a promoted column, which holds one type. */
export function columnStates(vector: Vector, leaf: ValueTest): StateFiller {
  switch (vector.kind) {
    case 'text':
      return textStates(vector, leaf);
    case 'int64':
      return int64States(vector, leaf);
    case 'float64':
      return float64States(vector, leaf);
    case 'bool':
      return boolStates(vector, leaf);
    case 'attributes':
    case 'fixed':
    case 'list':
    case 'uint32':
    case 'uint8':
      throw new Error(`a promoted column of kind ${vector.kind}`);
  }
}

/** NO_HIT or HIT of each text, computed when first met. */
class TextTests {
  readonly #memo: Uint8Array;
  readonly #texts: Texts;
  /** `= "text"` compares bytes: no text is decoded. */
  readonly #wanted: Uint8Array | undefined;
  /** The last long list. */
  #list: { readonly code: number; readonly statics: readonly Static[] } | undefined;

  constructor(
    readonly vector: Pick<TextVector, 'dictionary'>,
    readonly leaf: ValueTest,
    readonly tag: number,
  ) {
    this.#memo = new Uint8Array(vector.dictionary.count);
    this.#texts = new Texts(vector.dictionary);
    const { comparison } = leaf;
    if (tag === TYPE_TAGS.string && comparison?.operator === '=' && comparison.literal.type === 'string') {
      this.#wanted = new TextEncoder().encode(comparison.literal.value);
    }
  }

  state(code: number): number {
    const known = this.#memo[code];
    if (known !== 0) return known;
    return (this.#memo[code] = this.#test(code) ? HIT : NO_HIT);
  }

  #test(code: number): boolean {
    if (this.#wanted) return equalsBytes(this.vector.dictionary, code, this.#wanted);
    const { offsets } = this.vector.dictionary;
    const isLong = this.tag === TYPE_TAGS.array && offsets[code + 1] - offsets[code] > LONG_LIST_BYTES;
    if (!isLong) return this.leaf.test(this.#statics(code));
    if (this.#list?.code !== code) {
      const parse = () => (this.#list = { code, statics: this.#statics(code) });
      matchPace()?.apart(this, parse);
      return this.leaf.test(parse().statics);
    }
    return this.leaf.test(this.#list.statics);
  }

  #statics(code: number): readonly Static[] {
    return staticsOf(parseValueText(TYPES_BY_TAG[this.tag], this.#texts.get(code)));
  }
}

/** NO_HIT or HIT of a code of a column of texts, where a null is the empty text. */
export function textTests(vector: TextVector, leaf: ValueTest): (code: number) => number {
  const tests = new TextTests(vector, leaf, TYPE_TAGS.string);
  const ofNull = leaf.test([{ type: 'string', value: '' }]) ? HIT : NO_HIT;
  return (code) => (code === NULL_CODE ? ofNull : tests.state(code));
}

function textStates(vector: TextVector, leaf: ValueTest): StateFiller {
  const { codes } = vector;
  const tests = new TextTests(vector, leaf, TYPE_TAGS.string);
  return (states, selection, from, to) => {
    for (let row = from; row < to; row++) {
      if (selection[row] === 0 || states[row] !== MISSING || codes[row] === NULL_CODE) continue;
      states[row] = tests.state(codes[row]);
    }
  };
}

/** Comparisons with a number go by bounds (bounds.ts); what comes here is rarer, so values are memoised. */
function int64States(vector: Int64Vector, leaf: ValueTest): StateFiller {
  const { words, valid } = vector;
  const memo = new Map<bigint, number>();
  return (states, selection, from, to) => {
    for (let row = from; row < to; row++) {
      if (selection[row] === 0 || states[row] !== MISSING || !isValid(valid, row)) continue;
      const value = int64At(words, row);
      let state = memo.get(value);
      if (state === undefined) memo.set(value, (state = leaf.test([{ type: 'int', value }]) ? HIT : NO_HIT));
      states[row] = state;
    }
  };
}

function float64States(vector: Float64Vector, leaf: ValueTest): StateFiller {
  const { values, valid } = vector;
  const test = numberTest(leaf);
  return (states, selection, from, to) => {
    for (let row = from; row < to; row++) {
      if (selection[row] === 0 || states[row] !== MISSING || !isValid(valid, row)) continue;
      states[row] = test(values[row]) ? HIT : NO_HIT;
    }
  };
}

/** A comparison with a number that a double holds exactly needs no TraceQL value per row. */
function numberTest(leaf: ValueTest): (value: number) => boolean {
  const general = (value: number) => leaf.test([{ type: 'float', value }]);
  const { comparison } = leaf;
  if (!comparison) return general;
  const { operator, literal } = comparison;
  if (literal.type !== 'float' && literal.type !== 'int' && literal.type !== 'duration') return general;
  const wanted = Number(literal.value);
  if (literal.type !== 'float' && !Number.isSafeInteger(wanted)) return general;
  switch (operator) {
    case '=':
      return (value) => value === wanted;
    case '!=':
      return (value) => value !== wanted;
    case '>':
      return (value) => value > wanted;
    case '>=':
      return (value) => value >= wanted;
    case '<':
      return (value) => value < wanted;
    case '<=':
      return (value) => value <= wanted;
    case '=~':
    case '!~':
      return general;
  }
}

function boolStates(vector: BoolVector, leaf: ValueTest): StateFiller {
  const { values, valid } = vector;
  const byValue = [false, true].map((value) => (leaf.test([{ type: 'bool', value }]) ? HIT : NO_HIT));
  return (states, selection, from, to) => {
    for (let row = from; row < to; row++) {
      if (selection[row] === 0 || states[row] !== MISSING || !isValid(valid, row)) continue;
      states[row] = byValue[values[row]];
    }
  };
}

export function attributeStates(vector: AttributesVector, key: string, leaf: ValueTest): StateFiller {
  const keyHits = codesOfText(vector.keyDictionary, key);
  if (!keyHits.includes(1)) return () => {};
  const stateOf = entryStates(vector, keyHits, leaf);
  return vector.rowIndex ? sharedStates(vector, vector.rowIndex, stateOf) : ownStates(vector, stateOf);
}

/** The state that entry e gives its row; MISSING when it is another key's. */
function entryStates(
  vector: AttributesVector,
  keyHits: Uint8Array,
  leaf: ValueTest,
): (entry: number) => number {
  const { pairs, keys, types, values } = vector;
  const tests: (TextTests | undefined)[] = [];
  const byIndex = (index: number): number => {
    if (keyHits[keys[index]] === 0) return MISSING;
    const tag = types[index];
    // An empty value is no value to TraceQL: `.x` then asks the resource.
    if (tag === TYPE_TAGS.empty) return MISSING;
    const texts = (tests[tag] ??= new TextTests({ dictionary: vector.valueDictionary }, leaf, tag));
    return texts.state(values[index]);
  };
  return pairs ? (entry) => byIndex(pairs[entry]) : byIndex;
}

function ownStates(vector: AttributesVector, stateOf: (entry: number) => number): StateFiller {
  const { offsets } = vector;
  return (states, selection, from, to) => {
    for (let row = from; row < to; row++) {
      if (selection[row] === 0 || states[row] !== MISSING) continue;
      const end = offsets[row + 1];
      for (let entry = offsets[row]; entry < end; entry++) {
        const state = stateOf(entry);
        if (state === MISSING) continue;
        states[row] = state;
        break;
      }
    }
  };
}

/** Few lists for many rows: each list is looked at once. */
function sharedStates(
  vector: AttributesVector,
  rowIndex: Uint32Array,
  stateOf: (entry: number) => number,
): StateFiller {
  const { offsets } = vector;
  /** State + 1 by list; 0 is unknown. */
  const known = new Uint8Array(offsets.length - 1);
  const listState = (list: number): number => {
    let state = MISSING;
    for (let entry = offsets[list]; entry < offsets[list + 1] && state === MISSING; entry++) {
      state = stateOf(entry);
    }
    known[list] = state + 1;
    return state;
  };
  return (states, selection, from, to) => {
    for (let row = from; row < to; row++) {
      if (selection[row] === 0 || states[row] !== MISSING) continue;
      const list = rowIndex[row];
      states[row] = known[list] === 0 ? listState(list) : known[list] - 1;
    }
  };
}
