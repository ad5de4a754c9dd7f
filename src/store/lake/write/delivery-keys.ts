/**
 * What names a request: the same bytes after decompression, in the same format and asked for the same way,
 * have the same key. And sets of such keys in flat memory.
 */
import type { ExportRequest } from '../../span-store.ts';

/**
 * Three random words. A key that two requests share would lose the second one's spans, which were
 * acknowledged: with a million keys remembered that is one of 10^23 requests, at 1,000 a second once in
 * 3 * 10^12 years.
 */
export type DeliveryKey = readonly [number, number, number];

/** Of a key where it is stored: little endian in the catalog. */
const KEY_WORDS = 3;

/** xxHash3 with seed 0: its low and high 32 bits. */
export type HashWords = readonly [number, number];

export function hashWords(bytes: Uint8Array): HashWords {
  const hash = Bun.hash.xxHash3(bytes, 0n);
  return [Number(hash & 0xffffffffn), Number(hash >> 32n)];
}

/** Its first two words are `hashWords` of the body. */
export function deliveryKey(request: Pick<ExportRequest, 'format' | 'body' | 'genAiOnly'>): DeliveryKey {
  const { body, format, genAiOnly } = request;
  // Bun takes 32 bits of a seed: two seeds make two hashes, of which the second fills one word.
  const [low, high] = hashWords(body);
  const second = Number(Bun.hash.xxHash3(body, SECOND_SEED) & 0xffffffffn);
  const how = (format === 'json' ? 1 : 0) | (genAiOnly === true ? 2 : 0);
  return [low, high, (second ^ Math.imul(body.length * 4 + how, LENGTH_FACTOR)) >>> 0];
}

const SECOND_SEED = 0x9e3779b1n;
const LENGTH_FACTOR = 0x85ebca6b;

const FIRST_SLOTS = 16;

/** Of this process alone, so that nobody can send bodies whose keys all fall into one slot. */
const SLOT_FACTOR = crypto.getRandomValues(new Int32Array(1))[0] | 0x10000001;

/** A set of keys: open addressing, at most three quarters full. */
export class KeySet {
  size = 0;
  private words = new Uint32Array(FIRST_SLOTS * KEY_WORDS);

  /** In memory. */
  get byteLength(): number {
    return this.words.byteLength;
  }

  has([a, b, c]: DeliveryKey): boolean {
    return this.words[this.find(a, b, c) + 2] !== 0;
  }

  add([a, b, c]: DeliveryKey): void {
    // A slot whose third word is 0 is free.
    this.put(a, b, c === 0 ? 1 : c);
  }

  /** All keys, as `addAll` takes them. */
  toWords(): Uint32Array {
    const out = new Uint32Array(this.size * KEY_WORDS);
    let to = 0;
    for (let at = 0; at < this.words.length; at += KEY_WORDS) {
      if (this.words[at + 2] === 0) continue;
      for (let i = 0; i < KEY_WORDS; i++) out[to++] = this.words[at + i];
    }
    return out;
  }

  addAll(words: Uint32Array): void {
    let room = this.words.length;
    while ((this.size * KEY_WORDS + words.length) * 4 > room * 3) room *= 2;
    if (room > this.words.length) this.growTo(room);
    for (let at = 0; at + KEY_WORDS <= words.length; at += KEY_WORDS) {
      this.put(words[at], words[at + 1], words[at + 2]);
    }
  }

  /** `c` is not 0. */
  private put(a: number, b: number, c: number): void {
    const at = this.find(a, b, c);
    if (this.words[at + 2] !== 0) return;
    this.words[at] = a;
    this.words[at + 1] = b;
    this.words[at + 2] = c;
    this.size++;
    if (this.size * KEY_WORDS * 4 > this.words.length * 3) this.growTo(this.words.length * 2);
  }

  /** Where the key is, or the free slot where it would be. */
  private find(a: number, b: number, c: number): number {
    const { words } = this;
    const mask = words.length / KEY_WORDS - 1;
    const third = c === 0 ? 1 : c;
    const hash = Math.imul(a ^ b, SLOT_FACTOR);
    let slot = (hash ^ (hash >>> 15)) & mask;
    for (;;) {
      const at = slot * KEY_WORDS;
      if (words[at + 2] === 0) return at;
      if (words[at] === a && words[at + 1] === b && words[at + 2] === third) return at;
      slot = (slot + 1) & mask;
    }
  }

  private growTo(words: number): void {
    const before = this.words;
    this.words = new Uint32Array(words);
    for (let from = 0; from < before.length; from += KEY_WORDS) {
      if (before[from + 2] === 0) continue;
      const at = this.find(before[from], before[from + 1], before[from + 2]);
      this.words[at] = before[from];
      this.words[at + 1] = before[from + 1];
      this.words[at + 2] = before[from + 2];
    }
  }
}
