/** Attributes by the bytes in which they came: the look-up that a decoder does for each of them. */
import { grown } from './grow.ts';
import { equalBytes, hashWords } from './interner.ts';
import { viewOf } from './source-view.ts';

const FIRST_SLOTS = 128;
const FIRST_BYTES = 4096;

/** Pair + 1 (0: free), hash, first byte in the arena, length in bytes: 16 bytes, so one line of the cache. */
const SLOT = 4;
const SLOT_SHIFT = 2;

/** Longer attributes (prompts, stack traces) rarely repeat, and would stand twice in memory. */
const MAX_BYTES = 1024;

/**
 * An `Interner` with all that a look-up needs in one slot: 12.8k instructions a span of the reference
 * traffic, 14.1k with an Interner and a table by its codes. Linear probing, at most half full. `find`
 * leaves the hash for the `add` that follows a miss; no other look-up may come between the two.
 */
export class RawPairs {
  #count = 0;
  #slots = new Int32Array(FIRST_SLOTS * SLOT);
  #mask = FIRST_SLOTS - 1;
  /** The bytes of all, one behind the other. */
  #bytes: Uint8Array = new Uint8Array(FIRST_BYTES);
  #own: DataView = new DataView(this.#bytes.buffer);
  #byteCount = 0;
  #hash = 0;

  get byteLength(): number {
    return this.#byteCount + this.#count * SLOT * 2 * 4;
  }

  /** The pair that `source[start .. end)` means, or -1 when these bytes were never added. */
  find(source: Uint8Array, start: number, end: number): number {
    const length = end - start;
    if (length > MAX_BYTES) return -1;
    const words = viewOf(source);
    const hash = hashWords(words, start, end);
    this.#hash = hash;
    const slots = this.#slots;
    const wrap = (this.#mask << SLOT_SHIFT) | 3;
    const own = this.#own;
    for (let at = (hash << SLOT_SHIFT) & wrap; slots[at] !== 0; at = (at + SLOT) & wrap) {
      if (slots[at + 1] !== hash || slots[at + 3] !== length) continue;
      if (equalBytes(own, slots[at + 2], words, start, length)) return slots[at] - 1;
    }
    return -1;
  }

  /** Remembers what the bytes of the last `find` mean. */
  add(source: Uint8Array, start: number, end: number, pair: number): void {
    const length = end - start;
    if (length > MAX_BYTES) return;
    const at = this.#byteCount;
    if (at + length > this.#bytes.length) {
      this.#bytes = grown(this.#bytes, at + length);
      this.#own = new DataView(this.#bytes.buffer);
    }
    for (let i = 0; i < length; i++) this.#bytes[at + i] = source[start + i];
    this.#byteCount = at + length;
    if (this.#count * 2 > this.#mask) this.#rehash();
    this.#place(pair + 1, this.#hash, at, length);
    this.#count++;
  }

  #place(entry: number, hash: number, byteAt: number, length: number): void {
    let slot = hash & this.#mask;
    while (this.#slots[slot * SLOT] !== 0) slot = (slot + 1) & this.#mask;
    this.#slots[slot * SLOT] = entry;
    this.#slots[slot * SLOT + 1] = hash;
    this.#slots[slot * SLOT + 2] = byteAt;
    this.#slots[slot * SLOT + 3] = length;
  }

  #rehash(): void {
    const before = this.#slots;
    this.#slots = new Int32Array(before.length * 2);
    this.#mask = this.#mask * 2 + 1;
    for (let at = 0; at < before.length; at += SLOT) {
      if (before[at] !== 0) this.#place(before[at], before[at + 1], before[at + 2], before[at + 3]);
    }
  }
}
