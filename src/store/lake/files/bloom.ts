/**
 * Split-block Bloom filters, as Parquet's: a block of 256 bits an entry, of which it sets one bit in each of
 * eight words. One block, 32 bytes, answers a question, so a filter on disk is asked with one small read.
 * Hashes are two 32-bit words: `a` picks the block, `b` the bits.
 */

export const BLOCK_BYTES = 32;
const WORDS_PER_BLOCK = 8;

const SALTS = Int32Array.of(
  0x47b6137b,
  0x44974d91,
  0x8824ad5b,
  0xa2b7289d,
  0x705495c7,
  0x2df1424b,
  0x9efc4947,
  0x5c6bfb31,
);

/** So many blocks give `entries` at least `bitsPerEntry` bits each; none for none. */
export function blocksFor(entries: number, bitsPerEntry: number): number {
  return Math.ceil((entries * bitsPerEntry) / (BLOCK_BYTES * 8));
}

/** Which of the blocks a hash belongs to. Exact in doubles: below 2^32 blocks of 2^32 bytes' worth. */
export function blockOf(a: number, blocks: number): number {
  return Math.floor(((a >>> 0) / 4294967296) * blocks);
}

/** Adds an entry to the filter that is all of `words`: signed ones, or adding takes ten times as long. */
export function addToBloom(words: Int32Array, a: number, b: number): void {
  const at = blockOf(a, words.length / WORDS_PER_BLOCK) * WORDS_PER_BLOCK;
  for (let i = 0; i < WORDS_PER_BLOCK; i++) words[at + i] |= 1 << (Math.imul(b, SALTS[i]) >>> 27);
}

/** Whether the filter that is all of `words` may have the entry; never false for one that was added. */
export function bloomMayHave(words: Int32Array, a: number, b: number): boolean {
  const blocks = words.length / WORDS_PER_BLOCK;
  return blocks > 0 && blockMayHave(words, blockOf(a, blocks) * WORDS_PER_BLOCK, b);
}

/** The same of the block that begins at `words[at]`. */
export function blockMayHave(words: Int32Array, at: number, b: number): boolean {
  for (let i = 0; i < WORDS_PER_BLOCK; i++) {
    if ((words[at + i] & (1 << (Math.imul(b, SALTS[i]) >>> 27))) === 0) return false;
  }
  return true;
}

/** MurmurHash3's last step: every bit of the input moves every bit of the result. Bijective. */
export function finishHash(hash: number): number {
  let mixed = hash ^ (hash >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}

function mixed(hash: number, word: number): number {
  let k = Math.imul(word, 0xcc9e2d51);
  k = Math.imul((k << 15) | (k >>> 17), 0x1b873593);
  const next = hash ^ k;
  return (Math.imul((next << 13) | (next >>> 19), 5) + 0xe6546b64) | 0;
}

/** MurmurHash3 (x86, 32 bits) of `bytes[from .. to)`. */
export function murmur3(bytes: Uint8Array, from: number, to: number, seed: number): number {
  let hash = seed;
  let at = from;
  for (const last = to - 3; at < last; at += 4) {
    hash = mixed(hash, bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24));
  }
  let tail = 0;
  for (let i = to - 1; i >= at; i--) tail = (tail << 8) | bytes[i];
  if (to > at) {
    const k = Math.imul(tail, 0xcc9e2d51);
    hash ^= Math.imul((k << 15) | (k >>> 17), 0x1b873593);
  }
  return finishHash(hash ^ (to - from));
}

/** The same of 8 bytes, given as two words, the low one first. */
export function murmur3Words(low: number, high: number, seed: number): number {
  return finishHash(mixed(mixed(seed, low), high) ^ 8);
}
