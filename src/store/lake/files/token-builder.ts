/**
 * Makes the `.tokens` file of a Parquet file from its row groups as they are written. Each distinct pair of
 * a row group is hashed once, not each row; a pair table that comes again is hashed once in all.
 */
import { TYPE_TAGS, parseValueText } from '../../../span/value.ts';
import { SPANS } from '../../../span/schema.ts';
import type { PromotedFrom } from '../../../span/schema.ts';
import { NULL_CODE } from '../../../span/vector.ts';
import type {
  AttributesVector,
  Block,
  BoolVector,
  Float64Vector,
  Int64Vector,
  TextDictionary,
  TextVector,
  Vector,
} from '../../../span/vector.ts';
import type { PromotedColumn } from './file-entry.ts';
import { RecentNumbers } from './recent-numbers.ts';
import { encodeTokenIndex } from './token-index.ts';
import type { EncodedRowGroup } from './token-index.ts';
import { NO_KEY, TokenSet } from './token-set.ts';
import { ValueHash, keyHash } from './tokens.ts';
import type { KeyHash, TokenScope } from './tokens.ts';
import { listsBetween, pairsBetween } from './used-pairs.ts';

/** The reference traffic needs half of it. Values of the keys that have most are left out beyond. */
const MAX_BYTES_A_SPAN = 2;
/** A row group of few spans may have more a span: 4,096 of the reference traffic have 10,000 tokens. */
const MIN_BUDGET_BYTES = 16_384;

/** A map of attributes -> its scope. Lists of events and links have theirs as `attributes`. */
const MAPS: readonly (readonly [column: string, scope: TokenScope])[] = [
  ['span_attributes', 'span'],
  ['resource_attributes', 'resource'],
  ['scope_attributes', 'instrumentation'],
];
const LISTS: readonly (readonly [column: string, scope: TokenScope])[] = [
  ['events', 'event'],
  ['links', 'link'],
];

/** What rows have of a column of attributes: each pair of the vector's table that some row has, once. */
export interface UsedPairs {
  readonly vector: AttributesVector;
  readonly pairs: Uint32Array;
}

const NONE_USED: ReadonlyMap<string, UsedPairs> = new Map();

/** Tokens of a table of pairs that several row groups share, by pair. */
interface PairTokens {
  readonly a: Int32Array;
  readonly b: Int32Array;
  /** Number of the pair's key; 0 while the pair is not hashed, or has no token or several. */
  readonly keys: Uint32Array;
}

/** Halves of tokens of a dictionary's texts, as strings; `known` where they are there. */
interface TextHashes {
  readonly a: Int32Array;
  readonly b: Int32Array;
  readonly known: Uint8Array;
}

const encoder = new TextEncoder();

export class TokenIndexBuilder {
  readonly #set = new TokenSet();
  readonly #value = new ValueHash();
  /** By scope and key; numbers begin with 1. */
  readonly #numbers = new Map<string, number>();
  readonly #keys: KeyHash[] = [{ a: 0, b: 0 }];
  /** By key: the row group to which its presence was added last. */
  readonly #presentIn: number[] = [];
  readonly #pairTokens = new Map<TokenScope, WeakMap<Uint32Array, PairTokens>>();
  readonly #textHashes = new WeakMap<TextDictionary, TextHashes>();
  readonly #rowGroups: EncodedRowGroup[] = [];
  readonly #recent = new RecentNumbers();

  /**
   * Rows `from .. to` are the next row group. Attributes stand in lists, or in the promoted columns; or `used` has
   * them by the column of their lists, and neither is read.
   */
  rowGroup(
    block: Block,
    promoted: readonly PromotedColumn[],
    from = 0,
    to = block.rows,
    used: ReadonlyMap<string, UsedPairs> = NONE_USED,
  ): void {
    this.#set.clear();
    for (const [column, scope] of MAPS) {
      const known = used.get(column);
      if (known === undefined) this.#attributes(attributesOf(block, column), scope, from, to);
      else this.#pairs(known.vector, scope, known.pairs);
    }
    for (const [column, scope] of LISTS) {
      const list = block.columns.get(column);
      const attributes = list?.kind === 'list' ? list.children.attributes : undefined;
      if (list?.kind !== 'list' || attributes?.kind !== 'attributes') throw new Error(`no list in ${column}`);
      this.#attributes(attributes, scope, list.offsets[from], list.offsets[to]);
    }
    for (const { name } of promoted) {
      const vector = block.columns.get(name);
      const source = sourceOf(name);
      if (vector !== undefined && !used.has(source.column)) this.#promoted(name, source, vector, from, to);
    }
    const rows = to - from;
    const budget = Math.max(MIN_BUDGET_BYTES, rows * MAX_BYTES_A_SPAN);
    const { salt, words, dropped } = this.#set.filter(budget, this.#keys.length);
    this.#rowGroups.push({ rows, salt, words, dropped: dropped.map((key) => this.#keys[key]) });
  }

  /** The bytes of the `.tokens` file. */
  finish(): Uint8Array {
    return encodeTokenIndex(this.#rowGroups);
  }

  #attributes(vector: AttributesVector, scope: TokenScope, from: number, to: number): void {
    this.#pairs(vector, scope, pairsBetween(vector, listsBetween(vector, from, to)));
  }

  /** `pairs`: those that some row has, each once. */
  #pairs(vector: AttributesVector, scope: TokenScope, pairs: ArrayLike<number>): void {
    if (pairs.length === 0) return;
    const known = vector.pairs === undefined ? undefined : this.#known(vector, scope);
    const numbers = new Map<number, number>();
    for (let i = 0; i < pairs.length; i++) {
      const pair = pairs[i];
      if (known !== undefined && known.keys[pair] !== 0) {
        this.#set.add(known.a[pair], known.b[pair], known.keys[pair]);
        this.#presence(known.keys[pair]);
        continue;
      }
      const code = vector.keys[pair];
      let key = numbers.get(code);
      if (key === undefined) numbers.set(code, (key = this.#keyOf(scope, vector.keyDictionary, code)));
      this.#presence(key);
      this.#pair(vector, pair, key, known);
    }
  }

  #known(vector: AttributesVector, scope: TokenScope): PairTokens {
    let ofScope = this.#pairTokens.get(scope);
    if (ofScope === undefined) this.#pairTokens.set(scope, (ofScope = new WeakMap()));
    let known = ofScope.get(vector.keys);
    if (known === undefined) {
      const count = vector.keys.length;
      known = { a: new Int32Array(count), b: new Int32Array(count), keys: new Uint32Array(count) };
      ofScope.set(vector.keys, known);
    }
    return known;
  }

  #pair(vector: AttributesVector, pair: number, key: number, known: PairTokens | undefined): void {
    const { types, values, valueDictionary } = vector;
    const { bytes, offsets } = valueDictionary;
    const code = values[pair];
    const value = this.#value;
    switch (types[pair]) {
      case TYPE_TAGS.string:
        value.setString(bytes, offsets[code], offsets[code + 1]);
        break;
      case TYPE_TAGS.bool:
        value.setBool(offsets[code + 1] - offsets[code] === 'true'.length);
        break;
      case TYPE_TAGS.int:
        setIntText(value, bytes, offsets[code], offsets[code + 1]);
        break;
      case TYPE_TAGS.double:
        if (!value.setDouble(Number(textOf(valueDictionary, code)))) return;
        break;
      case TYPE_TAGS.array:
        this.#elements(textOf(valueDictionary, code), key);
        return;
      default:
        // bytes, kvlist, empty: no comparison finds them.
        return;
    }
    const a = value.tokenA(this.#keys[key].a);
    const b = value.tokenB(this.#keys[key].b);
    this.#set.add(a, b, key);
    if (known === undefined) return;
    known.a[pair] = a;
    known.b[pair] = b;
    known.keys[pair] = key;
  }

  /** As `staticsOf` of traceql/compare.ts: the plain elements of an array, none of the arrays in it. */
  #elements(text: string, key: number): void {
    const array = parseValueText('array', text);
    if (array.type !== 'array') return;
    const value = this.#value;
    for (const element of array.value) {
      switch (element.type) {
        case 'string': {
          const bytes = encoder.encode(element.value);
          value.setString(bytes, 0, bytes.length);
          break;
        }
        case 'bool':
          value.setBool(element.value);
          break;
        case 'int':
          value.setBigInt(element.value);
          break;
        case 'double':
          if (!value.setDouble(element.value)) continue;
          break;
        case 'array':
        case 'bytes':
        case 'kvlist':
        case 'empty':
          continue;
      }
      this.#add(key);
    }
  }

  #add(key: number): void {
    this.#set.add(this.#value.tokenA(this.#keys[key].a), this.#value.tokenB(this.#keys[key].b), key);
  }

  #presence(key: number): void {
    if (this.#presentIn[key] === this.#rowGroups.length) return;
    this.#presentIn[key] = this.#rowGroups.length;
    const value = this.#value;
    value.setPresence();
    this.#set.add(value.tokenA(this.#keys[key].a), value.tokenB(this.#keys[key].b), NO_KEY);
  }

  #keyOf(scope: TokenScope, dictionary: TextDictionary, code: number): number {
    return this.#number(
      keyHash(scope, dictionary.bytes, dictionary.offsets[code], dictionary.offsets[code + 1]),
    );
  }

  #number(hash: KeyHash): number {
    const id = `${hash.a} ${hash.b}`;
    let number = this.#numbers.get(id);
    if (number === undefined) {
      this.#numbers.set(id, (number = this.#keys.length));
      this.#keys.push(hash);
    }
    return number;
  }

  #promoted(name: string, { column, prefix }: PromotedFrom, vector: Vector, from: number, to: number): void {
    const scope = MAPS.find(([map]) => map === column)?.[1];
    if (scope === undefined) throw new Error(`${name} is no promoted column`);
    const key = this.#number(keyHash(scope, encoder.encode(name.slice(prefix.length))));
    if (this.#column(vector, key, from, to)) this.#presence(key);
  }

  /** False when no row has a value. */
  #column(vector: Vector, key: number, from: number, to: number): boolean {
    switch (vector.kind) {
      case 'text':
        return this.#texts(vector, key, from, to);
      case 'int64':
        return this.#ints(vector, key, from, to);
      case 'float64':
        return this.#doubles(vector, key, from, to);
      case 'bool':
        return this.#bools(vector, key, from, to);
      case 'attributes':
      case 'fixed':
      case 'list':
      case 'uint32':
      case 'uint8':
        throw new Error(`a promoted column of kind ${vector.kind}`);
    }
  }

  #bools({ values, valid }: BoolVector, key: number, from: number, to: number): boolean {
    const seen = [false, false];
    for (let row = from; row < to; row++) if (isValid(valid, row)) seen[values[row]] = true;
    for (const bit of [0, 1]) {
      if (!seen[bit]) continue;
      this.#value.setBool(bit === 1);
      this.#add(key);
    }
    return seen[0] || seen[1];
  }

  #ints({ words, valid }: Int64Vector, key: number, from: number, to: number): boolean {
    this.#recent.begin();
    let any = false;
    for (let row = from; row < to; row++) {
      if (!isValid(valid, row) || this.#recent.has(words[row * 2], words[row * 2 + 1])) continue;
      any = true;
      this.#value.setInt(words[row * 2], words[row * 2 + 1]);
      this.#add(key);
    }
    return any;
  }

  #doubles({ values, valid }: Float64Vector, key: number, from: number, to: number): boolean {
    this.#recent.begin();
    const copy = values.slice(from, to);
    const words = new Uint32Array(copy.buffer);
    let any = false;
    for (let row = from; row < to; row++) {
      const at = row - from;
      if (!isValid(valid, row) || this.#recent.has(words[at * 2], words[at * 2 + 1])) continue;
      // A NaN has no token, and its key is there all the same.
      any = true;
      if (this.#value.setDouble(copy[at])) this.#add(key);
    }
    return any;
  }

  #texts({ codes, dictionary }: TextVector, key: number, from: number, to: number): boolean {
    const { bytes, offsets } = dictionary;
    const hashes = this.#hashesOf(dictionary);
    const seen = new Uint8Array(dictionary.count);
    const value = this.#value;
    // A merge's dictionary has no text that no row has: then the rows behind the last new one need no look.
    let left = dictionary.count;
    for (let row = from; row < to && left > 0; row++) {
      const code = codes[row];
      if (code === NULL_CODE || seen[code] !== 0) continue;
      seen[code] = 1;
      left--;
      if (hashes.known[code] === 0) {
        value.setString(bytes, offsets[code], offsets[code + 1]);
        hashes.a[code] = value.a;
        hashes.b[code] = value.b;
        hashes.known[code] = 1;
      }
      value.a = hashes.a[code];
      value.b = hashes.b[code];
      this.#add(key);
    }
    return left < dictionary.count;
  }

  /** Many columns and row groups may share one dictionary. */
  #hashesOf(dictionary: TextDictionary): TextHashes {
    let hashes = this.#textHashes.get(dictionary);
    if (hashes === undefined) {
      const { count } = dictionary;
      hashes = { a: new Int32Array(count), b: new Int32Array(count), known: new Uint8Array(count) };
      this.#textHashes.set(dictionary, hashes);
    }
    return hashes;
  }
}

function sourceOf(name: string): PromotedFrom {
  const source = SPANS.promoted.find(({ prefix }) => name.startsWith(prefix));
  if (source === undefined) throw new Error(`${name} is no promoted column`);
  return source;
}

function attributesOf(block: Block, column: string): AttributesVector {
  const vector = block.columns.get(column);
  if (vector?.kind !== 'attributes') throw new Error(`no attributes in ${column}`);
  return vector;
}

function isValid(valid: Uint8Array | undefined, row: number): boolean {
  return valid === undefined || ((valid[row >>> 3] >>> (row & 7)) & 1) === 1;
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

function textOf({ bytes, offsets }: TextDictionary, code: number): string {
  return decoder.decode(bytes.subarray(offsets[code], offsets[code + 1]));
}

/** 15 digits are exact in a double. */
const SAFE_DIGITS = 15;

function setIntText(value: ValueHash, bytes: Uint8Array, from: number, to: number): void {
  const negative = bytes[from] === 0x2d;
  const first = negative ? from + 1 : from;
  if (to - first > SAFE_DIGITS) {
    value.setBigInt(BigInt(decoder.decode(bytes.subarray(from, to))));
    return;
  }
  let number = 0;
  for (let at = first; at < to; at++) number = number * 10 + (bytes[at] - 0x30);
  value.setDouble(negative ? -number : number);
}
