/**
 * Traces that may go, by id and by the half of it that trace indexes know. Typed arrays: a million traces
 * are 60 MB. Hashes are seeded, so that nobody can send ids that all fall together.
 */
import { traceKeyWords } from '../files/trace-index.ts';
import { NO_RULE } from '../read/search/trace-rules.ts';
import type { Breather } from './breather.ts';

const FIRST_CAPACITY = 1024;
const NONE = -1;

/** Of keys, in the column of places. */
const MARKED = 1;
const REPEATED = 2;

export class Candidates {
  count = 0;
  /** 16 bytes an entry. */
  ids = new Uint8Array(FIRST_CAPACITY * 16);
  /** The first rule that a span of the trace matches, as far as known. */
  rules = new Uint8Array(FIRST_CAPACITY);
  /** From when the trace's age counts: the latest of all places where it stands. Unix milliseconds. */
  ageFromMs = new Float64Array(FIRST_CAPACITY);
  /** Places where it may stand: 0, 1, or 2 for more. */
  places = new Uint8Array(FIRST_CAPACITY);
  /** The first of them: a file's number, first row and count of rows there. */
  firstFile = new Uint32Array(FIRST_CAPACITY);
  firstRow = new Uint32Array(FIRST_CAPACITY);
  firstRows = new Uint32Array(FIRST_CAPACITY);
  readonly #seed = Math.floor(Math.random() * 2 ** 32);
  /** By id and by key: the latest entry + 1 of each slot, and from each entry the one before. */
  #idHeads = new Uint32Array(FIRST_CAPACITY * 2);
  #idNext = new Uint32Array(FIRST_CAPACITY);
  #keyHeads = new Uint32Array(FIRST_CAPACITY * 2);
  #keyNext = new Uint32Array(FIRST_CAPACITY);

  /** The trace whose id begins at `at`; of the rules that are said of it the first counts. */
  add(ids: Uint8Array, at: number, rule: number): void {
    const known = this.find(ids, at);
    if (known !== NONE) {
      if (rule < this.rules[known]) this.rules[known] = rule;
      return;
    }
    if (this.count === this.rules.length) this.#grow();
    const entry = this.count++;
    for (let i = 0; i < 16; i++) this.ids[entry * 16 + i] = ids[at + i];
    this.rules[entry] = rule;
    this.ageFromMs[entry] = -Infinity;
    this.#link(entry);
  }

  /** The entry of an id, or -1. */
  find(ids: Uint8Array, at: number): number {
    let entry = this.#idHeads[this.#idSlot(ids, at)] - 1;
    while (entry !== NONE && !sameId(this.ids, entry * 16, ids, at)) entry = this.#idNext[entry] - 1;
    return entry;
  }

  /** The first entry whose id ends in this key, or -1. */
  firstWithKey(high: number, low: number): number {
    return this.#sameKey(this.#keyHeads[this.#keySlot(high, low)] - 1, high, low);
  }

  /** The next entry after one with this key, or -1. */
  nextWithKey(entry: number, high: number, low: number): number {
    return this.#sameKey(this.#keyNext[entry] - 1, high, low);
  }

  #sameKey(from: number, high: number, low: number): number {
    let entry = from;
    while (entry !== NONE) {
      const key = traceKeyWords(this.ids, entry * 16);
      if (key.low === low && key.high === high) return entry;
      entry = this.#keyNext[entry] - 1;
    }
    return NONE;
  }

  #link(entry: number): void {
    const idSlot = this.#idSlot(this.ids, entry * 16);
    this.#idNext[entry] = this.#idHeads[idSlot];
    this.#idHeads[idSlot] = entry + 1;
    const { high, low } = traceKeyWords(this.ids, entry * 16);
    const keySlot = this.#keySlot(high, low);
    this.#keyNext[entry] = this.#keyHeads[keySlot];
    this.#keyHeads[keySlot] = entry + 1;
  }

  #idSlot(ids: Uint8Array, at: number): number {
    const { high, low } = traceKeyWords(ids, at);
    const upper = traceKeyWords(ids, at - 8);
    const mixed = mix(mix(mix(mix(this.#seed, low), high), upper.low), upper.high);
    return mixed & (this.#idHeads.length - 1);
  }

  #keySlot(high: number, low: number): number {
    return mix(mix(this.#seed, low), high) & (this.#keyHeads.length - 1);
  }

  /** Room for so many more, so that `add` need not make it: a million entries take 0.2 s, in slices here. */
  async reserve(more: number, breather: Breather): Promise<void> {
    let capacity = this.rules.length;
    while (capacity < this.count + more) capacity *= 2;
    if (capacity === this.rules.length) return;
    this.#resize(capacity);
    for (let entry = 0; entry < this.count; entry++) {
      if (entry % 1024 === 1023) await breather.breathe();
      this.#link(entry);
    }
  }

  #grow(): void {
    this.#resize(this.rules.length * 2);
    for (let entry = 0; entry < this.count; entry++) this.#link(entry);
  }

  /** Entries are to be linked anew. */
  #resize(capacity: number): void {
    this.ids = grown(this.ids, new Uint8Array(capacity * 16));
    this.rules = grown(this.rules, new Uint8Array(capacity));
    this.ageFromMs = grown(this.ageFromMs, new Float64Array(capacity));
    this.places = grown(this.places, new Uint8Array(capacity));
    this.firstFile = grown(this.firstFile, new Uint32Array(capacity));
    this.firstRow = grown(this.firstRow, new Uint32Array(capacity));
    this.firstRows = grown(this.firstRows, new Uint32Array(capacity));
    this.#idHeads = new Uint32Array(capacity * 2);
    this.#idNext = new Uint32Array(capacity);
    this.#keyHeads = new Uint32Array(capacity * 2);
    this.#keyNext = new Uint32Array(capacity);
  }
}

/** Keys alone, which of them came more than once, and which were marked. */
export class MarkedKeys {
  readonly #keys = new Candidates();
  readonly #id = new Uint8Array(16);

  reserve(more: number, breather: Breather): Promise<void> {
    return this.#keys.reserve(more, breather);
  }

  add(high: number, low: number): void {
    const id = this.#idOf(high, low);
    const known = this.#keys.find(id, 0);
    if (known === NONE) this.#keys.add(id, 0, NO_RULE);
    else this.#keys.places[known] |= REPEATED;
  }

  mark(high: number, low: number): void {
    const entry = this.#keys.find(this.#idOf(high, low), 0);
    if (entry !== NONE) this.#keys.places[entry] |= MARKED;
  }

  isMarked(high: number, low: number): boolean {
    return this.#has(high, low, MARKED);
  }

  /** It was added more than once: by two files, or by one for two traces. */
  isRepeated(high: number, low: number): boolean {
    return this.#has(high, low, REPEATED);
  }

  #has(high: number, low: number, flag: number): boolean {
    const entry = this.#keys.find(this.#idOf(high, low), 0);
    return entry !== NONE && (this.#keys.places[entry] & flag) !== 0;
  }

  #idOf(high: number, low: number): Uint8Array {
    const id = this.#id;
    for (let i = 0; i < 4; i++) {
      id[8 + i] = high >>> (24 - 8 * i);
      id[12 + i] = low >>> (24 - 8 * i);
    }
    return id;
  }
}

function mix(hash: number, word: number): number {
  let mixed = Math.imul(hash ^ word, 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}

function sameId(a: Uint8Array, atA: number, b: Uint8Array, atB: number): boolean {
  for (let i = 0; i < 16; i++) if (a[atA + i] !== b[atB + i]) return false;
  return true;
}

function grown<T extends Uint8Array | Uint32Array | Float64Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
