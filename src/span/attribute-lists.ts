/**
 * Attributes in memory. Each distinct key=value is a *pair* with a code; a list of attributes is a
 * run of pair codes. Senders repeat themselves: in the reference traffic nine of ten pairs are known.
 */
import { grown } from './grow.ts';
import { Interner } from './interner.ts';
import { RawPairs } from './raw-pairs.ts';
import type { AttributesVector } from './vector.ts';

const FIRST_PAIRS = 64;

export class PairTable {
  readonly keys = new Interner();
  readonly values = new Interner();
  readonly rawProtobuf = new RawPairs();
  readonly rawJson = new RawPairs();
  count = 0;
  /** By pair code: code in `keys`, tag of TYPE_TAGS, code in `values`. */
  pairKeys: Uint32Array = new Uint32Array(FIRST_PAIRS);
  pairTypes: Uint8Array = new Uint8Array(FIRST_PAIRS);
  pairValues: Uint32Array = new Uint32Array(FIRST_PAIRS);
  #slots = new Uint32Array(FIRST_PAIRS * 2);

  get byteLength(): number {
    const raw = this.rawProtobuf.byteLength + this.rawJson.byteLength;
    return this.keys.byteLength + this.values.byteLength + raw + this.count * 21;
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

/** Odd, and of this process alone, so that nobody can send attributes that all fall into one slot. */
const [VALUE_FACTOR, KEY_FACTOR] = crypto
  .getRandomValues(new Int32Array(2))
  .map((random) => random | 0x10000001);

function hashPair(key: number, type: number, value: number): number {
  const hash = Math.imul(value, VALUE_FACTOR) ^ Math.imul(key * 8 + type, KEY_FACTOR);
  return (hash ^ (hash >>> 15)) >>> 0;
}

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

  constructor(readonly table: PairTable) {}

  get byteLength(): number {
    return (this.count + this.entries) * 4;
  }

  /** Adds to the open list. Of attributes with the same key the last one stays, at the first one's place. */
  push(pair: number): void {
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
    if (this.entries === this.pairs.length) this.pairs = grown(this.pairs, this.entries + 1);
    this.#entryOfKey[key] = this.entries;
    this.pairs[this.entries++] = pair;
  }

  close(): void {
    if (this.count + 1 === this.offsets.length) this.offsets = grown(this.offsets, this.count + 2);
    this.offsets[++this.count] = this.entries;
  }

  /** Drops the open list and all closed ones but the first `count`. */
  truncate(count: number): void {
    this.count = count;
    this.entries = this.offsets[count];
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
