/** Texts and 64-bit integers out of vectors, for the few places that need them as values. */
import type { TextDictionary } from '../../../span/vector.ts';

/** `ignoreBOM` keeps a leading U+FEFF in the text. */
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

export function decodeText(dictionary: TextDictionary, code: number): string {
  return decoder.decode(dictionary.bytes.subarray(dictionary.offsets[code], dictionary.offsets[code + 1]));
}

/** A decimal integer as the low and high word of `words` at `row`. */
export function writeInt64(text: string, words: Uint32Array, row: number): void {
  const value = BigInt.asUintN(64, BigInt(text));
  words[row * 2] = Number(value & 0xffffffffn);
  words[row * 2 + 1] = Number(value >> 32n);
}

export function uint64At(words: Uint32Array, row: number): bigint {
  return (BigInt(words[row * 2 + 1]) << 32n) | BigInt(words[row * 2]);
}

export function int64At(words: Uint32Array, row: number): bigint {
  return BigInt.asIntN(64, uint64At(words, row));
}
