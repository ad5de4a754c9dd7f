/**
 * The total order of spans in an answer: by start or duration, then trace id, span id, start, kind. What
 * has the same key is the same span, delivered again. Times are ranked as two unsigned words of which the
 * smaller comes first whatever the order, so one comparison serves newest, oldest and slowest.
 */
import type { SearchOrder } from '../../../span-store.ts';

/** XOR masks that turn (high, low) words into a rank: bits inverted to descend, the sign flipped if signed. */
export interface RankMasks {
  readonly column: 'start_time_unix_nano' | 'duration_nano';
  readonly high: number;
  readonly low: number;
}

export function rankMasks(order: SearchOrder): RankMasks {
  switch (order) {
    case 'newest':
      return { column: 'start_time_unix_nano', high: 0xffffffff, low: 0xffffffff };
    case 'oldest':
      return { column: 'start_time_unix_nano', high: 0, low: 0 };
    case 'slowest':
      return { column: 'duration_nano', high: 0x7fffffff, low: 0xffffffff };
  }
}

const TWO_32 = 4294967296n;

export interface Rank {
  readonly high: number;
  readonly low: number;
}

/** The rank of a start (unsigned) or duration (signed). */
export function rankOf(order: SearchOrder, value: bigint): Rank {
  const masks = rankMasks(order);
  const bits = BigInt.asUintN(64, value);
  return {
    high: (Number(bits / TWO_32) ^ masks.high) >>> 0,
    low: (Number(bits % TWO_32) ^ masks.low) >>> 0,
  };
}

/** The start or duration that has this rank. */
export function valueOfRank(order: SearchOrder, { high, low }: Rank): bigint {
  const masks = rankMasks(order);
  const bits = BigInt((high ^ masks.high) >>> 0) * TWO_32 + BigInt((low ^ masks.low) >>> 0);
  return order === 'slowest' ? BigInt.asIntN(64, bits) : bits;
}

/** The rank alone: what goes to a worker is copied whole, and a found row holds the buffer that it stands in. */
export function bareRank(rank: Rank | undefined): Rank | undefined {
  return rank && { high: rank.high, low: rank.low };
}

/** The same of a key: the row before, behind which a next question goes on, is a found row. */
export function bareKey(key: RowKey | undefined): RowKey | undefined {
  return key && { high: key.high, low: key.low, ids: key.ids.slice(), kind: key.kind };
}

export function compareRanks(a: Rank, b: Rank): number {
  return a.high - b.high || a.low - b.low;
}

/** Trace id, span id and start, big endian: one run of bytes that compares as their hex does. */
export const ID_BYTES = 32;

export interface RowKey extends Rank {
  readonly ids: Uint8Array;
  readonly kind: number;
}

export function compareKeys(a: RowKey, b: RowKey): number {
  return compareRanks(a, b) || compareIds(a.ids, 0, b.ids, 0) || a.kind - b.kind;
}

export function compareIds(a: Uint8Array, atA: number, b: Uint8Array, atB: number): number {
  for (let i = 0; i < ID_BYTES; i++) {
    const difference = a[atA + i] - b[atB + i];
    if (difference !== 0) return difference;
  }
  return 0;
}
