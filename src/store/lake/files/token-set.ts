/** Distinct tokens of one row group with the key that each is of, in typed arrays. */
import { addToBloom, blocksFor, finishHash } from './bloom.ts';

const FIRST_CAPACITY = 4096;

/** 11 bits a token let one of 90 absent values through, as measured. */
const BITS_PER_TOKEN = 11;

/** Key number of tokens that a filter never leaves out: those of the keys themselves. */
export const NO_KEY = 0;

export interface RowGroupFilter {
  /** Differs by content: a value that passes one filter by chance does not pass those of all others. */
  readonly salt: number;
  /** A split-block Bloom filter. */
  readonly words: Int32Array;
  /** Numbers of the keys whose values are not in it. */
  readonly dropped: readonly number[];
}

export class TokenSet {
  count = 0;
  #a = new Int32Array(FIRST_CAPACITY);
  #b = new Int32Array(FIRST_CAPACITY);
  #keys = new Uint32Array(FIRST_CAPACITY);
  /** Entry + 1 by hash; at most half full. */
  #slots = new Uint32Array(FIRST_CAPACITY * 2);

  add(a: number, b: number, key: number): void {
    const mask = this.#slots.length - 1;
    let slot = a & mask;
    for (let entry = this.#slots[slot]; entry !== 0; entry = this.#slots[slot]) {
      if (this.#a[entry - 1] === a && this.#b[entry - 1] === b) return;
      slot = (slot + 1) & mask;
    }
    if (this.count === this.#a.length) {
      this.#grow();
      this.add(a, b, key);
      return;
    }
    this.#a[this.count] = a;
    this.#b[this.count] = b;
    this.#keys[this.count] = key;
    this.#slots[slot] = ++this.count;
  }

  #grow(): void {
    const capacity = this.count * 2;
    const wider = <T extends Int32Array | Uint32Array>(old: T, fresh: T): T => {
      fresh.set(old);
      return fresh;
    };
    this.#a = wider(this.#a, new Int32Array(capacity));
    this.#b = wider(this.#b, new Int32Array(capacity));
    this.#keys = wider(this.#keys, new Uint32Array(capacity));
    this.#slots = new Uint32Array(capacity * 2);
    const mask = this.#slots.length - 1;
    for (let entry = 0; entry < this.count; entry++) {
      let slot = this.#a[entry] & mask;
      while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
      this.#slots[slot] = entry + 1;
    }
  }

  clear(): void {
    this.count = 0;
    this.#slots.fill(0);
  }

  /** All tokens, save those of the keys with most values where they need more than `maxBytes`. */
  filter(maxBytes: number, keys: number): RowGroupFilter {
    const perKey = new Uint32Array(keys);
    for (let entry = 0; entry < this.count; entry++) perKey[this.#keys[entry]]++;
    const maxTokens = Math.floor((maxBytes * 8) / BITS_PER_TOKEN);
    const dropped = this.#toDrop(perKey, maxTokens);
    const isDropped = new Uint8Array(keys);
    for (const key of dropped) isDropped[key] = 1;
    const kept = dropped.reduce((left, key) => left - perKey[key], this.count);
    const words = new Int32Array(blocksFor(kept, BITS_PER_TOKEN) * 8);
    let salt = 0;
    for (let entry = 0; entry < this.count; entry++) salt ^= this.#a[entry];
    for (let entry = 0; entry < this.count; entry++) {
      if (isDropped[this.#keys[entry]] === 0)
        addToBloom(words, finishHash(this.#a[entry] ^ salt), this.#b[entry]);
    }
    return { salt, words, dropped };
  }

  #toDrop(perKey: Uint32Array, maxTokens: number): number[] {
    let left = this.count;
    if (left <= maxTokens) return [];
    const dropped: number[] = [];
    const byCount = [...perKey.keys()].filter((key) => key !== NO_KEY).sort((x, y) => perKey[y] - perKey[x]);
    for (const key of byCount) {
      if (left <= maxTokens || perKey[key] === 0) break;
      dropped.push(key);
      left -= perKey[key];
    }
    return dropped;
  }
}
