/** Attributes by the bytes in which they came: the look-up that a decoder does for each of them. */
import { grown } from './grow.ts';
import { WordWindow } from './word-window.ts';

const FIRST_SLOTS = 128;
const FIRST_WORDS = 1024;

/** Pair + 1 (0: free), hash, first word of the bytes, length in bytes: 16 bytes, so one line of the cache. */
const SLOT = 4;
const SLOT_SHIFT = 2;

/** Longer attributes (prompts, stack traces) rarely repeat, and would stand twice in memory. */
const MAX_BYTES = 1024;

/** Differs per process, so that nobody can send attributes that all fall into one slot. */
const HASH_SEED = crypto.getRandomValues(new Int32Array(1))[0];

/** One for all: decoding is synchronous between two looks at it, and another body moves it. */
const bodyWindow = new WordWindow();

export function releaseBody(): void {
  bodyWindow.release();
}

/**
 * Linear probing, at most half full. `find` leaves what it computed for the `add` that follows a miss;
 * no other look-up may come between the two.
 */
export class RawPairs {
  #count = 0;
  #slots = new Int32Array(FIRST_SLOTS * SLOT);
  #mask = FIRST_SLOTS - 1;
  /** The bytes of all, each padded with zeros to whole words. */
  #words = new Int32Array(FIRST_WORDS);
  #wordCount = 0;
  #hash = 0;

  get byteLength(): number {
    return (this.#wordCount + this.#count * SLOT * 2) * 4;
  }

  /** The pair that `source[start .. end)` means, or -1 when these bytes were never added. */
  find(source: Uint8Array, start: number, end: number): number {
    const length = end - start;
    if (length > MAX_BYTES) return -1;
    const offset = bodyWindow.offsetOf(source, start, end);
    const words = bodyWindow.words[offset & 3];
    const first = offset >> 2;
    const last = first + (length >> 2);
    let hash = HASH_SEED ^ length;
    let i = first;
    // Two words a round: the loop itself costs as much as a word.
    for (; i + 1 < last; i += 2) {
      hash = Math.imul(hash ^ words[i], 0x9e3779b1);
      hash ^= hash >>> 15;
      hash = Math.imul(hash ^ words[i + 1], 0x85ebca6b);
      hash ^= hash >>> 15;
    }
    if (i < last) {
      hash = Math.imul(hash ^ words[i], 0x9e3779b1);
      hash ^= hash >>> 15;
    }
    const rest = words[last] & restMask(length);
    hash = Math.imul(hash ^ rest, 0x85ebca6b);
    hash ^= hash >>> 13;
    this.#hash = hash;
    const slots = this.#slots;
    const mask = this.#mask;
    // Probed here rather than in a function of its own: the call cost as much as the comparison.
    for (
      let at = (hash & mask) << SLOT_SHIFT;
      slots[at] !== 0;
      at = (at + SLOT) & ((mask << SLOT_SHIFT) | 3)
    ) {
      if (slots[at + 1] !== hash || slots[at + 3] !== length) continue;
      const own = this.#words;
      const back = slots[at + 2] - first;
      let difference = own[back + last] ^ rest;
      for (i = first; i < last; i++) difference |= own[back + i] ^ words[i];
      if (difference === 0) return slots[at] - 1;
    }
    return -1;
  }

  /** Remembers what the bytes of the last `find` mean. */
  add(source: Uint8Array, start: number, end: number, pair: number): void {
    const length = end - start;
    if (length > MAX_BYTES) return;
    const offset = bodyWindow.offsetOf(source, start, end);
    const words = bodyWindow.words[offset & 3];
    const first = offset >> 2;
    const whole = length >> 2;
    const at = this.#wordCount;
    if (at + whole + 1 > this.#words.length) this.#words = grown(this.#words, at + whole + 1);
    for (let i = 0; i < whole; i++) this.#words[at + i] = words[first + i];
    this.#words[at + whole] = words[first + whole] & restMask(length);
    this.#wordCount = at + whole + 1;
    if (this.#count * 2 > this.#mask) this.#rehash();
    this.#place(pair + 1, this.#hash, at, length);
    this.#count++;
  }

  #place(entry: number, hash: number, wordAt: number, length: number): void {
    let slot = hash & this.#mask;
    while (this.#slots[slot * SLOT] !== 0) slot = (slot + 1) & this.#mask;
    this.#slots[slot * SLOT] = entry;
    this.#slots[slot * SLOT + 1] = hash;
    this.#slots[slot * SLOT + 2] = wordAt;
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

/** The bits of the last word that belong to a run of that many bytes. */
function restMask(length: number): number {
  return (1 << ((length & 3) * 8)) - 1;
}
