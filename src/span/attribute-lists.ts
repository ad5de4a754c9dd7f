/**
 * Attributes in memory. Each distinct key=value is a *pair* with a code; a list of attributes is a
 * run of pair codes. Senders repeat themselves: in the reference traffic nine of ten pairs are known.
 */
import { MAX_KEY_BYTES } from '../limits.ts';
import { grownShared as grown } from './grow.ts';
import { Interner } from './interner.ts';
import { JsonShapes } from './json-shapes.ts';
import { Loss, Losses } from './losses.ts';
import type { PairLists } from './row-batch.ts';
import { RawPairs } from './raw-pairs.ts';
import { DEFAULT_SPAN_LIMITS } from './span-limits.ts';
import type { SpanLimits } from './span-limits.ts';
import type { AttributeValue } from './span.ts';
import { fittingText } from './value-cut.ts';
import type { AttributesVector } from './vector.ts';

const FIRST_PAIRS = 64;

/** In the place of a key's code, or a pair's: the attribute is not kept, and counts as dropped. */
export const DROPPED = -1;

export class PairTable {
  readonly keys = new Interner();
  readonly values: Interner;
  rawProtobuf = new RawPairs();
  rawJson = new RawPairs();
  jsonShapes = new JsonShapes();
  /** Memory of look-ups that others keep for this table. */
  lookUpBytes = 0;
  count = 0;
  /** Times that keys were taken back: what others learned of raw bytes before no longer holds. */
  epoch = 0;
  /** By key code: 1 where the key was admitted. */
  #isAdmitted = new Uint8Array(FIRST_PAIRS);
  /** Key codes in the order in which they were admitted, as many as are. */
  readonly #admitted: number[] = [];
  /** By pair code: code in `keys`, tag of TYPE_TAGS, code in `values`. */
  pairKeys: Uint32Array = new Uint32Array(FIRST_PAIRS);
  pairTypes: Uint8Array = new Uint8Array(FIRST_PAIRS);
  pairValues: Uint32Array = new Uint32Array(FIRST_PAIRS);
  #slots = new Uint32Array(FIRST_PAIRS * 2);

  constructor(
    readonly limits: SpanLimits = DEFAULT_SPAN_LIMITS,
    readonly losses: Losses = new Losses(),
  ) {
    this.values = new Interner(limits.valueBytes);
  }

  get byteLength(): number {
    const raw = this.rawProtobuf.byteLength + this.rawJson.byteLength + this.jsonShapes.byteLength;
    return this.keys.byteLength + this.values.byteLength + raw + this.lookUpBytes + this.count * 21;
  }

  /**
   * The code of the key in `source[start .. end)`, or DROPPED: it is too long, or one too many. A key that
   * stands in `keys` already goes on.
   */
  keyUtf8(source: Uint8Array, start: number, end: number): number {
    if (end - start > MAX_KEY_BYTES) return DROPPED;
    if (this.#admitted.length < this.limits.keys)
      return this.#admit(this.keys.internUtf8(source, start, end));
    const known = this.keys.find(source, start, end);
    return known >= 0 && this.#isAdmitted[known] === 1 ? known : DROPPED;
  }

  /** The same for a key in a text of its own. */
  keyText(text: string): number {
    if (text.length > MAX_KEY_BYTES) return DROPPED;
    const bytes = encoder.encode(text);
    return this.keyUtf8(bytes, 0, bytes.length);
  }

  #admit(key: number): number {
    if (this.#isAdmitted[key] === 1) return key;
    if (key >= this.#isAdmitted.length) this.#isAdmitted = grown(this.#isAdmitted, key + 1);
    this.#isAdmitted[key] = 1;
    this.#admitted.push(key);
    return key;
  }

  /** Keys that count against the limit. */
  get admittedKeys(): number {
    return this.#admitted.length;
  }

  /**
   * Keeps the first `count` keys that were admitted; true when others were. Those must come anew, as they
   * will when the log is replayed, so raw bytes are forgotten: some of them mean a key taken back.
   */
  takeBackKeys(count: number): boolean {
    if (this.#admitted.length === count) return false;
    for (const key of this.#admitted.splice(count)) this.#isAdmitted[key] = 0;
    this.forgetRaw();
    this.epoch++;
    return true;
  }

  /** Raw bytes are parsed anew when they come again. */
  forgetRaw(): void {
    this.rawProtobuf = new RawPairs();
    this.rawJson = new RawPairs();
    this.jsonShapes = new JsonShapes();
  }

  /** The code in `values` of the value's text, cut where it is too long; `isCut`: it was cut before. */
  valueCode(value: AttributeValue, isCut: boolean): number {
    const { text, fits } = fittingText(value, this.limits.valueBytes, isCut);
    if (isCut || !fits) this.losses.add(Loss.text);
    return this.values.internText(text);
  }

  /** The same for a string in `source[start .. end)`. */
  stringCode(source: Uint8Array, start: number, end: number, isAscii = false): number {
    if (end - start > this.limits.valueBytes) this.losses.add(Loss.text);
    return this.values.internUtf8(source, start, end, isAscii);
  }

  /** The pair of a key, a type and a value; the same for the same three, whoever wrote them. */
  pair(key: number, type: number, value: number): number {
    const mask = this.#slots.length - 1;
    let slot = hashPair(key, type, value) & mask;
    for (let entry = this.#slots[slot]; entry !== 0; entry = this.#slots[slot]) {
      const pair = entry - 1;
      const same = this.pairKeys[pair] === key && this.pairValues[pair] === value;
      if (same && this.pairTypes[pair] === type) return pair;
      slot = (slot + 1) & mask;
    }
    return this.#add(slot, key, type, value);
  }

  #add(slot: number, key: number, type: number, value: number): number {
    const pair = this.count++;
    const full = pair === this.pairKeys.length;
    if (full) {
      this.pairKeys = grown(this.pairKeys, this.count);
      this.pairTypes = grown(this.pairTypes, this.count);
      this.pairValues = grown(this.pairValues, this.count);
    }
    this.pairKeys[pair] = key;
    this.pairTypes[pair] = type;
    this.pairValues[pair] = value;
    if (full) this.#rehash();
    else this.#slots[slot] = pair + 1;
    return pair;
  }

  #rehash(): void {
    this.#slots = new Uint32Array(this.#slots.length * 2);
    for (let pair = 0; pair < this.count; pair++) this.#place(pair);
  }

  #place(pair: number): void {
    const mask = this.#slots.length - 1;
    let slot = hashPair(this.pairKeys[pair], this.pairTypes[pair], this.pairValues[pair]) & mask;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
    this.#slots[slot] = pair + 1;
  }
}

const encoder = new TextEncoder();

/** Odd, and of this process alone, so that nobody can send attributes that all fall into one slot. */
const [VALUE_FACTOR, KEY_FACTOR] = crypto
  .getRandomValues(new Int32Array(2))
  .map((random) => random | 0x10000001);

function hashPair(key: number, type: number, value: number): number {
  const hash = Math.imul(value, VALUE_FACTOR) ^ Math.imul(key * 8 + type, KEY_FACTOR);
  return (hash ^ (hash >>> 15)) >>> 0;
}

/** Lists to come may be somewhat longer than those so far. */
const RESERVED_SHARE = 1.05;

/** Entries of a list for which room is made before they come: of longer ones those to come are not known. */
const MOST_RESERVED = 32;

/** Many lists of attributes, one behind the other: closed ones, and an open one at the end. */
export class AttributeLists {
  /** Closed lists. */
  count = 0;
  /** Entries, those of the open list included. */
  entries = 0;
  /** List l has the entries `offsets[l] .. offsets[l + 1]`. */
  offsets: Uint32Array = new Uint32Array(FIRST_PAIRS + 1);
  pairs: Uint32Array = new Uint32Array(FIRST_PAIRS);
  /** By key: the entry that held it last, in whichever list. */
  #entryOfKey = new Uint32Array(FIRST_PAIRS);
  /** Attributes of the open list that are not kept. */
  dropped = 0;
  /** `entries` at which the open list has all that it may have. */
  #fullAt: number;

  constructor(readonly table: PairTable) {
    this.#fullAt = table.limits.attributes;
  }

  get byteLength(): number {
    return (this.count + this.entries) * 4;
  }

  /** Whether the open list takes another attribute; if not, that one is counted, and need not be read. */
  takes(): boolean {
    if (this.entries < this.#fullAt) return true;
    this.#drop(Loss.attribute);
    return false;
  }

  #drop(cause: Loss): void {
    this.dropped++;
    this.table.losses.add(cause);
  }

  /**
   * Adds to the open list, or counts what is DROPPED. Of attributes with the same key the last one stays,
   * at the first one's place.
   */
  push(pair: number): void {
    if (pair === DROPPED) return this.#drop(Loss.key);
    const key = this.table.pairKeys[pair];
    if (key >= this.#entryOfKey.length) this.#entryOfKey = grown(this.#entryOfKey, key + 1);
    const before = this.#entryOfKey[key];
    // The entry is checked rather than trusted, so that nobody has to clear it for a new list.
    if (before >= this.offsets[this.count] && before < this.entries) {
      if (this.table.pairKeys[this.pairs[before]] === key) {
        this.pairs[before] = pair;
        return;
      }
    }
    if (this.entries >= this.#fullAt) return this.#drop(Loss.attribute);
    if (this.entries === this.pairs.length) this.pairs = grown(this.pairs, this.entries + 1);
    this.#entryOfKey[key] = this.entries;
    this.pairs[this.entries++] = pair;
  }

  /** Makes room for so many lists that are like those so far. */
  reserve(lists: number): void {
    const ofList = Math.min(MOST_RESERVED, (this.entries / Math.max(1, this.count)) * RESERVED_SHARE);
    const entries = Math.ceil(lists * ofList);
    if (lists >= this.offsets.length) this.offsets = grown(this.offsets, lists + 1);
    if (entries > this.pairs.length) this.pairs = grown(this.pairs, entries);
  }

  /** Adds `count` closed lists; none may be open. */
  append({ ends, pairs }: PairLists, count: number): void {
    if (count === 0) return;
    const added = ends[count - 1];
    const first = this.offsets[this.count];
    if (first + added > this.pairs.length) this.pairs = grown(this.pairs, first + added);
    if (this.count + count >= this.offsets.length) this.offsets = grown(this.offsets, this.count + count + 1);
    this.pairs.set(pairs.subarray(0, added), first);
    for (let list = 0, at = this.count + 1; list < count; list++, at++) this.offsets[at] = first + ends[list];
    this.count += count;
    this.#begin(first + added);
  }

  /** The open list is a new one. */
  #begin(entry: number): void {
    this.entries = entry;
    this.#fullAt = entry + this.table.limits.attributes;
    this.dropped = 0;
  }

  close(): void {
    if (this.count + 1 === this.offsets.length) this.offsets = grown(this.offsets, this.count + 2);
    this.offsets[++this.count] = this.entries;
    this.#begin(this.entries);
  }

  /** Drops the open list and all closed ones but the first `count`. */
  truncate(count: number): void {
    this.count = count;
    this.#begin(this.offsets[count]);
  }

  /** The first `lists` lists, or with `rowIndex` as many rows that share them. */
  vector(lists: number, rowIndex?: Uint32Array): AttributesVector {
    const { keys, values, pairKeys, pairTypes, pairValues, count } = this.table;
    return {
      kind: 'attributes',
      offsets: this.offsets.subarray(0, lists + 1),
      ...(rowIndex ? { rowIndex } : {}),
      pairs: this.pairs.subarray(0, this.offsets[lists]),
      keys: pairKeys.subarray(0, count),
      keyDictionary: keys.dictionary(),
      types: pairTypes.subarray(0, count),
      values: pairValues.subarray(0, count),
      valueDictionary: values.dictionary(),
    };
  }
}
