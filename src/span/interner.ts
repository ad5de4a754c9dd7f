/**
 * A dictionary that is asked by bytes: each distinct run of bytes gets a code, in order of arrival.
 * Open addressing over a hash of the bytes; the bytes themselves stand once, in one arena.
 */
import { isUtf8 } from 'node:buffer';
import { cutEnd } from './cut.ts';
import { grownShared as grown } from './grow.ts';
import { viewOf } from './source-view.ts';
import type { TextDictionary } from './vector.ts';

const FIRST_CODES = 64;
const FIRST_BYTES = 1024;
/** A call of `set` costs as much as about this many bytes one by one. */
const COPIED_BY_HAND = 64;

/** Differ per process, so that nobody can send texts that all fall into one slot. */
const HASH_KEYS = crypto.getRandomValues(new Int32Array(256));
const HASH_FACTOR = crypto.getRandomValues(new Int32Array(1))[0] | 1;

const encoder = new TextEncoder();
/** Where short texts are encoded: a view of fresh bytes costs more than all the rest. */
const SHORT_CHARS = 128;
const short = new Uint8Array(SHORT_CHARS * 3);
const shortWords = new DataView(short.buffer);
/** `ignoreBOM` keeps a leading U+FEFF in the text: what was sent comes back. */
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

export class Interner implements TextDictionary {
  count = 0;
  /** Valid up to index `count`. */
  offsets: Uint32Array = new Uint32Array(FIRST_CODES + 1);
  /** Valid up to `offsets[count]`. */
  bytes: Uint8Array = new Uint8Array(FIRST_BYTES);
  #words = new DataView(this.bytes.buffer);
  /** Two numbers a slot, side by side for the cache: code + 1 (0: free) and hash. At most half full. */
  #slots = new Int32Array(FIRST_CODES * 4);
  #mask = FIRST_CODES * 2 - 1;
  #texts: (string | undefined)[] = [];
  #snapshot: TextDictionary | undefined;

  /**
   * With `maxBytes`, `internUtf8` and `internText` cut longer texts at a whole character, and tell `onCut`
   * of each.
   */
  constructor(
    readonly maxBytes: number = Infinity,
    private readonly onCut: () => void = () => {},
  ) {}

  get byteLength(): number {
    return this.offsets[this.count] + this.count * 20;
  }

  /** The code of `source[start .. end)`, taken as it is. */
  intern(source: Uint8Array, start: number, end: number): number {
    const words = viewOf(source);
    const hash = hashWords(words, start, end);
    const code = this.#lookUp(hash, words, start, end);
    return code >= 0 ? code : this.#add(hash, source, start, end);
  }

  /** The code of `source[start .. end)`, or -1 when it has none. */
  find(source: Uint8Array, start: number, end: number): number {
    const words = viewOf(source);
    return this.#lookUp(hashWords(words, start, end), words, start, end);
  }

  /** The same as `intern` for text: bytes that are no UTF-8 become U+FFFD, since Parquet readers refuse them. */
  internUtf8(source: Uint8Array, start: number, end: number, isAscii = false): number {
    if (end - start > this.maxBytes) return this.#internCut(source, start, end);
    const words = viewOf(source);
    const hash = hashWords(words, start, end);
    const code = this.#lookUp(hash, words, start, end);
    if (code >= 0) return code;
    if (isAscii || isUtf8(source.subarray(start, end))) return this.#add(hash, source, start, end);
    return this.internText(decoder.decode(source.subarray(start, end)));
  }

  internText(text: string): number {
    if (text.length <= SHORT_CHARS && this.maxBytes >= short.length) {
      const length = encoder.encodeInto(text, short).written;
      const hash = hashWords(shortWords, 0, length);
      const code = this.#lookUp(hash, shortWords, 0, length);
      return code >= 0 ? code : this.#add(hash, short, 0, length);
    }
    const bytes = encoder.encode(text);
    if (bytes.length > this.maxBytes) return this.#internCut(bytes, 0, bytes.length);
    const words = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const hash = hashWords(words, 0, bytes.length);
    const code = this.#lookUp(hash, words, 0, bytes.length);
    return code >= 0 ? code : this.#add(hash, bytes, 0, bytes.length);
  }

  #internCut(source: Uint8Array, start: number, end: number): number {
    this.onCut();
    return this.internUtf8(source, start, cutEnd(source, start, end, this.maxBytes));
  }

  text(code: number): string {
    const known = this.#texts[code];
    if (known !== undefined) return known;
    const text = decoder.decode(this.bytes.subarray(this.offsets[code], this.offsets[code + 1]));
    this.#texts[code] = text;
    return text;
  }

  /** The dictionary as it stands, as plain data. The same object until a code is added. */
  dictionary(): TextDictionary {
    if (this.#snapshot?.count !== this.count) {
      this.#snapshot = {
        count: this.count,
        offsets: this.offsets.subarray(0, this.count + 1),
        bytes: this.bytes.subarray(0, this.offsets[this.count]),
      };
    }
    return this.#snapshot;
  }

  #lookUp(hash: number, source: DataView, start: number, end: number): number {
    const slots = this.#slots;
    const mask = this.#mask;
    const length = end - start;
    let slot = hash & mask;
    for (let entry = slots[slot * 2]; entry !== 0; entry = slots[slot * 2]) {
      if (slots[slot * 2 + 1] === hash) {
        const at = this.offsets[entry - 1];
        const isSame = this.offsets[entry] - at === length;
        if (isSame && equalBytes(this.#words, at, source, start, length)) return entry - 1;
      }
      slot = (slot + 1) & mask;
    }
    return -1;
  }

  #add(hash: number, source: Uint8Array, start: number, end: number): number {
    const code = this.count;
    if (code + 1 === this.offsets.length) this.#growCodes();
    let at = this.offsets[code];
    const after = at + end - start;
    if (after > this.bytes.length) {
      this.bytes = grown(this.bytes, after);
      this.#words = new DataView(this.bytes.buffer);
    }
    const bytes = this.bytes;
    if (end - start > COPIED_BY_HAND) bytes.set(source.subarray(start, end), at);
    else for (let i = start; i < end; i++) bytes[at++] = source[i];
    this.offsets[code + 1] = after;
    this.#place(code + 1, hash);
    this.count = code + 1;
    return code;
  }

  #place(entry: number, hash: number): void {
    let slot = hash & this.#mask;
    while (this.#slots[slot * 2] !== 0) slot = (slot + 1) & this.#mask;
    this.#slots[slot * 2] = entry;
    this.#slots[slot * 2 + 1] = hash;
  }

  #growCodes(): void {
    const before = this.#slots;
    this.offsets = grown(this.offsets, this.offsets.length * 2 - 1);
    this.#slots = new Int32Array(before.length * 2);
    this.#mask = this.#mask * 2 + 1;
    for (let i = 0; i < before.length; i += 2) if (before[i] !== 0) this.#place(before[i], before[i + 1]);
  }
}

/**
 * NH, the universal hash of UMAC, as a signed 32-bit integer: a product of two sums with secret words for four
 * bytes. With fixed factors anybody could write texts that all fall into one slot; it takes as long (87 ns for
 * 40 bytes where a chain of multiplications took 91).
 */
export function hashWords(source: DataView, start: number, end: number): number {
  let hash = Math.imul(end - start, HASH_FACTOR);
  let key = 0;
  let i = start;
  for (const last = end - 3; i < last; i += 4) {
    const word = source.getInt32(i, true);
    hash = (hash + Math.imul((word & 0xffff) + HASH_KEYS[key], (word >>> 16) + HASH_KEYS[key + 1])) | 0;
    key += 2;
    if (key < HASH_KEYS.length - 2) continue;
    // The secret words begin anew: where four bytes stand must go on to count.
    hash = Math.imul(hash ^ (hash >>> 15), HASH_FACTOR);
    key = 0;
  }
  let rest = 0;
  for (; i < end; i++) rest = (rest << 8) | source.getUint8(i);
  hash = (hash + Math.imul((rest & 0xffff) + HASH_KEYS[key], (rest >>> 16) + HASH_KEYS[key + 1])) | 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return hash ^ (hash >>> 13);
}

export function equalBytes(a: DataView, atA: number, b: DataView, atB: number, length: number): boolean {
  let i = 0;
  for (const last = length - 3; i < last; i += 4) {
    if (a.getInt32(atA + i, true) !== b.getInt32(atB + i, true)) return false;
  }
  for (; i < length; i++) if (a.getUint8(atA + i) !== b.getUint8(atB + i)) return false;
  return true;
}
