/** Texts of a dictionary, decoded once each and only when somebody asks. */
import { isAscii } from 'node:buffer';
import type { TextDictionary } from '../../../../span/vector.ts';
import { NULL_CODE } from '../../../../span/vector.ts';

/** `ignoreBOM` keeps a leading U+FEFF: what was sent comes back. */
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** To begin a TextDecoder takes 200 ns; up to so many bytes, if they are characters, are taken as they stand. */
const SHORT_BYTES = 48;

export class Texts {
  readonly #dictionary: TextDictionary;
  readonly #buffer: Buffer;
  readonly #known: (string | undefined)[] = [];
  /** The whole dictionary as one string, where bytes are characters. */
  #ascii: string | undefined;

  constructor(dictionary: TextDictionary) {
    this.#dictionary = dictionary;
    const { buffer, byteOffset, byteLength } = dictionary.bytes;
    this.#buffer = Buffer.from(buffer, byteOffset, byteLength);
  }

  /** Cutting texts out of one string costs a tenth of decoding each. */
  expectMany(): void {
    const { count, offsets, bytes } = this.#dictionary;
    const used = bytes.subarray(offsets[0], offsets[count]);
    if (isAscii(used)) this.#ascii = Buffer.from(used).toString('latin1');
  }

  get(code: number): string {
    const known = this.#known[code];
    if (known !== undefined) return known;
    const { offsets, bytes } = this.#dictionary;
    if (this.#ascii !== undefined) {
      return this.#ascii.slice(offsets[code] - offsets[0], offsets[code + 1] - offsets[0]);
    }
    const [from, to] = [offsets[code], offsets[code + 1]];
    const isShort = to - from <= SHORT_BYTES && isPlain(bytes, from, to);
    const text = isShort
      ? this.#buffer.toString('latin1', from, to)
      : decoder.decode(bytes.subarray(from, to));
    this.#known[code] = text;
    return text;
  }

  /** '' for a null: texts of spans have no other "missing". */
  orEmpty(code: number): string {
    return code === NULL_CODE ? '' : this.get(code);
  }
}

function isPlain(bytes: Uint8Array, from: number, to: number): boolean {
  let bits = 0;
  for (let at = from; at < to; at++) bits |= bytes[at];
  return bits < 0x80;
}

/** The texts of each dictionary that a block's columns share, decoded once for all of them. */
export class TextCache {
  readonly #texts = new Map<TextDictionary, Texts>();

  of(dictionary: TextDictionary): Texts {
    let texts = this.#texts.get(dictionary);
    if (!texts) this.#texts.set(dictionary, (texts = new Texts(dictionary)));
    return texts;
  }
}

export function equalsBytes(dictionary: TextDictionary, code: number, wanted: Uint8Array): boolean {
  const { offsets, bytes } = dictionary;
  let at = offsets[code];
  if (offsets[code + 1] - at !== wanted.length) return false;
  for (let i = 0; i < wanted.length; i++) if (bytes[at++] !== wanted[i]) return false;
  return true;
}

/** By code, 1 where the dictionary has exactly this text. A dictionary may hold a text twice. */
export function codesOfText(dictionary: TextDictionary, text: string): Uint8Array {
  const wanted = new TextEncoder().encode(text);
  const hits = new Uint8Array(dictionary.count);
  for (let code = 0; code < dictionary.count; code++) {
    if (equalsBytes(dictionary, code, wanted)) hits[code] = 1;
  }
  return hits;
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** `width` bytes from `at` as lower-case hex. Of a Buffer the runtime writes it, in half the time and as one flat text. */
export function hexAt(bytes: Uint8Array, at: number, width: number): string {
  if (Buffer.isBuffer(bytes)) return bytes.toString('hex', at, at + width);
  let text = '';
  for (let i = at; i < at + width; i++) text += HEX[bytes[i]];
  return text;
}

/** The same bytes, of which `hexAt` is fast: worth it where many are written. */
export function bufferOf({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

/** The bytes of lower- or upper-case hex; undefined when it is not `width` bytes of hex. */
export function bytesOfHex(text: string, width: number): Uint8Array | undefined {
  if (text.length !== width * 2 || !/^[0-9a-fA-F]*$/.test(text)) return undefined;
  return Uint8Array.from({ length: width }, (_, i) => parseInt(text.slice(i * 2, i * 2 + 2), 16));
}

export function isZero(bytes: Uint8Array, at: number, width: number): boolean {
  for (let i = at; i < at + width; i++) if (bytes[i] !== 0) return false;
  return true;
}
