/** A hash of trace ids for tables in memory: random of each process and thread, so never in a file. */

/** Odd, and of this process alone, so that nobody can send ids that all fall into one slot. */
const [ID_FACTOR, OTHER_FACTOR] = crypto
  .getRandomValues(new Int32Array(2))
  .map((random) => random | 0x10000001);

/** Of the id whose four words begin at `at`, as an unsigned 32-bit integer. */
export function hashOfTraceId(ids: Uint32Array, at: number): number {
  let hash = Math.imul(ids[at] ^ OTHER_FACTOR, ID_FACTOR);
  hash = Math.imul(hash ^ (hash >>> 15) ^ ids[at + 1], OTHER_FACTOR);
  hash = Math.imul(hash ^ (hash >>> 15) ^ ids[at + 2], ID_FACTOR);
  hash = Math.imul(hash ^ (hash >>> 15) ^ ids[at + 3], OTHER_FACTOR);
  return (hash ^ (hash >>> 15)) >>> 0;
}

/** Of an id's last two words alone, which is what a trace index keeps. */
export function hashOfEnding(word2: number, word3: number): number {
  let hash = Math.imul(word2 ^ OTHER_FACTOR, ID_FACTOR);
  hash = Math.imul(hash ^ (hash >>> 15) ^ word3, OTHER_FACTOR);
  return (hash ^ (hash >>> 15)) >>> 0;
}
