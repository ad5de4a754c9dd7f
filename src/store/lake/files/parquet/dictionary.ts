/** Values as codes of their distinct values, numbered by first use. */
import type { TextDictionary } from '../../../../span/vector.ts';

export interface Coded {
  readonly codes: Uint32Array;
  /** For each code what it stands for: the first value that has it, or the code of a text in its dictionary. */
  readonly distinct: Uint32Array;
}

/** Ids of spans never repeat: after this many values at most three quarters may have been new. */
const PROBED_VALUES = 2048;

/** Codes of values of `width` words each. Undefined: more than half of them are distinct. */
export function codedWords(words: Uint32Array, width: number): Coded | undefined {
  const count = words.length / width;
  if (isPeriodic(words, width)) return { codes: new Uint32Array(count), distinct: Uint32Array.of(0) };
  const limit = Math.ceil(count / 2);
  const table = new WordTable(limit);
  switch (width) {
    case 1:
      return codedSingles(words, limit, table);
    case 2:
      return codedPairs(words, limit, table);
    default:
      return codedWide(words, width, limit, table);
  }
}

/** Slots of a hash table, which grows with what it holds: most columns have a few values. */
class WordTable {
  /** Code + 1; at most half full. */
  slots = new Uint32Array(1024);
  readonly distinct: Uint32Array;
  known = 0;

  constructor(limit: number) {
    this.distinct = new Uint32Array(limit);
  }

  /** Whether so many distinct values are too many after `seen`. */
  isTooMany(limit: number, seen: number): boolean {
    return this.known === limit || (seen === PROBED_VALUES && this.known > PROBED_VALUES * 0.75);
  }

  /** The next code, for that value, in that slot. True when the slots are others now and must be filled again. */
  add(value: number, slot: number): boolean {
    this.distinct[this.known++] = value;
    this.slots[slot] = this.known;
    if (this.known * 2 <= this.slots.length) return false;
    this.slots = new Uint32Array(this.slots.length * 4);
    return true;
  }
}

/** The loops stand here three times: over a width that is known they take half the time. */
function codedSingles(words: Uint32Array, limit: number, table: WordTable): Coded | undefined {
  const { distinct } = table;
  const codes = new Uint32Array(words.length);
  let { slots } = table;
  for (let value = 0; value < words.length; value++) {
    const word = words[value];
    if (value > 0 && word === words[value - 1]) {
      codes[value] = codes[value - 1];
      continue;
    }
    const mask = slots.length - 1;
    let slot = hashWord(word) & mask;
    while (slots[slot] !== 0 && words[distinct[slots[slot] - 1]] !== word) slot = (slot + 1) & mask;
    if (slots[slot] !== 0) {
      codes[value] = slots[slot] - 1;
      continue;
    }
    if (table.isTooMany(limit, value)) return undefined;
    codes[value] = table.known;
    if (!table.add(value, slot)) continue;
    ({ slots } = table);
    for (let code = 0; code < table.known; code++) place(slots, hashWord(words[distinct[code]]), code);
  }
  return { codes, distinct: distinct.subarray(0, table.known) };
}

function codedPairs(words: Uint32Array, limit: number, table: WordTable): Coded | undefined {
  const { distinct } = table;
  const count = words.length / 2;
  const codes = new Uint32Array(count);
  let { slots } = table;
  for (let value = 0; value < count; value++) {
    const low = words[value * 2];
    const high = words[value * 2 + 1];
    if (value > 0 && low === words[value * 2 - 2] && high === words[value * 2 - 1]) {
      codes[value] = codes[value - 1];
      continue;
    }
    const mask = slots.length - 1;
    let slot = hashPair(low, high) & mask;
    for (let entry = slots[slot]; entry !== 0; entry = slots[slot]) {
      const at = distinct[entry - 1] * 2;
      if (words[at] === low && words[at + 1] === high) break;
      slot = (slot + 1) & mask;
    }
    if (slots[slot] !== 0) {
      codes[value] = slots[slot] - 1;
      continue;
    }
    if (table.isTooMany(limit, value)) return undefined;
    codes[value] = table.known;
    if (!table.add(value, slot)) continue;
    ({ slots } = table);
    for (let code = 0; code < table.known; code++) {
      const at = distinct[code] * 2;
      place(slots, hashPair(words[at], words[at + 1]), code);
    }
  }
  return { codes, distinct: distinct.subarray(0, table.known) };
}

function codedWide(words: Uint32Array, width: number, limit: number, table: WordTable): Coded | undefined {
  const { distinct } = table;
  const count = words.length / width;
  const codes = new Uint32Array(count);
  let { slots } = table;
  for (let value = 0; value < count; value++) {
    if (value > 0 && sameWords(words, width, value, value - 1)) {
      codes[value] = codes[value - 1];
      continue;
    }
    const mask = slots.length - 1;
    let slot = hash(words, width, value) & mask;
    while (slots[slot] !== 0 && !sameWords(words, width, distinct[slots[slot] - 1], value)) {
      slot = (slot + 1) & mask;
    }
    if (slots[slot] !== 0) {
      codes[value] = slots[slot] - 1;
      continue;
    }
    if (table.isTooMany(limit, value)) return undefined;
    codes[value] = table.known;
    if (!table.add(value, slot)) continue;
    ({ slots } = table);
    for (let code = 0; code < table.known; code++) place(slots, hash(words, width, distinct[code]), code);
  }
  return { codes, distinct: distinct.subarray(0, table.known) };
}

function place(slots: Uint32Array, hash: number, code: number): void {
  const mask = slots.length - 1;
  let slot = hash & mask;
  while (slots[slot] !== 0) slot = (slot + 1) & mask;
  slots[slot] = code + 1;
}

/** Whether all values are the same; most columns of most files are. */
function isPeriodic(words: Uint32Array, width: number): boolean {
  let at = width;
  while (at < words.length && words[at] === words[at - width]) at++;
  return at >= words.length;
}

function hashWord(word: number): number {
  const mixed = Math.imul(word, 0x9e3779b1);
  return mixed ^ (mixed >>> 15);
}

function hashPair(low: number, high: number): number {
  const mixed = Math.imul(hashWord(low) ^ high, 0x9e3779b1);
  return mixed ^ (mixed >>> 15);
}

function hash(words: Uint32Array, width: number, value: number): number {
  let hash = 0;
  for (let i = value * width; i < (value + 1) * width; i++) {
    hash = Math.imul(hash ^ words[i], 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  return hash;
}

function sameWords(words: Uint32Array, width: number, a: number, b: number): boolean {
  for (let i = 0; i < width; i++) if (words[a * width + i] !== words[b * width + i]) return false;
  return true;
}

/** Texts used by some column, out of dictionaries of many more. One object serves column after column. */
export class TextCoder {
  /** By code of the dictionary; zeros between two calls. */
  #table = new Uint32Array(0);
  #used = new Uint32Array(0);

  /** The codes that are used, each once, by first use. */
  distinct(codes: Uint32Array, dictionary: TextDictionary): Uint32Array {
    if (codes.length > 0 && isPeriodic(codes, 1)) return codes.slice(0, 1);
    if (this.#table.length < dictionary.count) {
      this.#table = new Uint32Array(dictionary.count);
      this.#used = new Uint32Array(dictionary.count);
    }
    const table = this.#table;
    const used = this.#used;
    let count = 0;
    for (let row = 0; row < codes.length; row++) {
      const code = codes[row];
      if (table[code] !== 0) continue;
      table[code] = 1;
      used[count++] = code;
    }
    for (let i = 0; i < count; i++) table[used[i]] = 0;
    return used.slice(0, count);
  }

  /** For each code its place in `distinct`, which has them all. */
  placesIn(distinct: Uint32Array, codes: Uint32Array): Uint32Array {
    const out = new Uint32Array(codes.length);
    if (distinct.length <= 1) return out;
    const table = this.#table;
    for (let place = 0; place < distinct.length; place++) table[distinct[place]] = place;
    for (let row = 0; row < codes.length; row++) out[row] = table[codes[row]];
    for (let place = 0; place < distinct.length; place++) table[distinct[place]] = 0;
    return out;
  }
}

/** A dictionary of fewer texts is a few hundred bytes either way. */
const SORTED_TEXTS = 64;
/** Their numbers stand in the lower 21 bits of a double, four bytes of text in the 32 above. */
const MAX_SORTED_TEXTS = 2 ** 21;

/**
 * The same codes in the order of the four bytes behind what all their texts begin with: zstd makes 1.3 bytes of
 * `/api/p/1234/view` among its neighbours, and 2.8 among strangers.
 */
export function sortedByText(distinct: Uint32Array, dictionary: TextDictionary): Uint32Array {
  if (distinct.length < SORTED_TEXTS || distinct.length > MAX_SORTED_TEXTS) return distinct;
  const { offsets, bytes } = dictionary;
  const skipped = commonPrefix(distinct, dictionary);
  const keys = new Float64Array(distinct.length);
  for (let i = 0; i < distinct.length; i++) {
    const end = offsets[distinct[i] + 1];
    let key = 0;
    for (let j = 0, at = offsets[distinct[i]] + skipped; j < 4; j++, at++) {
      key = key * 256 + (at < end ? bytes[at] : 0);
    }
    keys[i] = key * MAX_SORTED_TEXTS + i;
  }
  keys.sort();
  const sorted = new Uint32Array(distinct.length);
  for (let place = 0; place < keys.length; place++) sorted[place] = distinct[keys[place] % MAX_SORTED_TEXTS];
  return sorted;
}

function commonPrefix(distinct: Uint32Array, { offsets, bytes }: TextDictionary): number {
  const first = offsets[distinct[0]];
  let length = offsets[distinct[0] + 1] - first;
  for (let i = 1; i < distinct.length && length > 0; i++) {
    const at = offsets[distinct[i]];
    length = Math.min(length, offsets[distinct[i] + 1] - at);
    let same = 0;
    while (same < length && bytes[at + same] === bytes[first + same]) same++;
    length = same;
  }
  return length;
}
