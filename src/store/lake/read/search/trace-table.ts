/** Extents of traces merged over all blocks: a hash table from trace id to start and end, in typed arrays. */
import type { SearchOrder } from '../../../span-store.ts';
import type { Extents } from './extents.ts';
import { ID_BYTES, rankMasks } from '../scan/row-key.ts';
import type { TopRows } from '../scan/top-rows.ts';

const FIRST_CAPACITY = 4096;

export class TraceTable {
  count = 0;
  #ids = new Uint8Array(FIRST_CAPACITY * 16);
  #starts = new Uint32Array(FIRST_CAPACITY * 2);
  #ends = new Uint32Array(FIRST_CAPACITY * 2);
  #matched = new Uint8Array(FIRST_CAPACITY);
  /** Entry + 1 by hash; at most half full. */
  #slots = new Uint32Array(FIRST_CAPACITY * 2);

  /** Entries `from .. to` of `extents`. With `knownOnly`, traces that are not in the table stay out. */
  merge(extents: Extents, from: number, to: number, knownOnly: boolean): void {
    for (let i = from; i < to; i++) {
      const entry = this.#entry(extents.traceIds, i * 16, !knownOnly);
      if (entry < 0) continue;
      const at = entry * 2;
      if (isBefore(extents.starts, i * 2, this.#starts, at))
        copyWords(extents.starts, i * 2, this.#starts, at);
      if (isBefore(this.#ends, at, extents.ends, i * 2)) copyWords(extents.ends, i * 2, this.#ends, at);
      this.#matched[entry] |= extents.matched[i];
    }
  }

  /** Ids of the traces of which a span matches, or undefined when they are more than `limit`. */
  matchedIds(limit: number): Uint8Array[] | undefined {
    const ids: Uint8Array[] = [];
    for (let entry = 0; entry < this.count; entry++) {
      if (this.#matched[entry] === 0) continue;
      if (ids.length === limit) return undefined;
      ids.push(this.id(entry));
    }
    return ids;
  }

  id(entry: number): Uint8Array {
    return this.#ids.subarray(entry * 16, entry * 16 + 16);
  }

  /** Offers entries `from .. to` that match, by start or, for slowest, duration. `row` is the entry. */
  offer(top: TopRows, order: SearchOrder, from: number, to: number): void {
    const masks = rankMasks(order);
    const key = new Uint8Array(ID_BYTES);
    for (let entry = from; entry < to; entry++) {
      if (this.#matched[entry] === 0) continue;
      const at = entry * 2;
      let low = this.#starts[at];
      let high = this.#starts[at + 1];
      if (order === 'slowest') {
        const difference = this.#ends[at] - low;
        const borrow = difference < 0 ? 1 : 0;
        const positive = !isBefore(this.#ends, at, this.#starts, at);
        high = (this.#ends[at + 1] - high - borrow) >>> 0;
        low = difference >>> 0;
        // As `traceDuration`: more than 292 years, either way, are 292 years.
        if (positive && high > 0x7fffffff) [high, low] = [0x7fffffff, 0xffffffff];
        if (!positive && high < 0x80000000) [high, low] = [0x80000000, 1];
      }
      const rankHigh = (high ^ masks.high) >>> 0;
      const rankLow = (low ^ masks.low) >>> 0;
      if (top.refuses(rankHigh, rankLow)) continue;
      key.set(this.id(entry));
      top.push(rankHigh, rankLow, key, 0, 0, 0, entry);
    }
  }

  /** -1 when it is unknown and not to be added. */
  #entry(ids: Uint8Array, at: number, add: boolean): number {
    const mask = this.#slots.length - 1;
    let slot = hashId(ids, at) & mask;
    for (let entry = this.#slots[slot]; entry !== 0; entry = this.#slots[slot]) {
      if (this.#equals(entry - 1, ids, at)) return entry - 1;
      slot = (slot + 1) & mask;
    }
    if (!add) return -1;
    if (this.count === this.#matched.length) {
      this.#grow();
      return this.#entry(ids, at, add);
    }
    const entry = this.count++;
    this.#slots[slot] = entry + 1;
    for (let i = 0; i < 16; i++) this.#ids[entry * 16 + i] = ids[at + i];
    this.#starts.fill(0xffffffff, entry * 2, entry * 2 + 2);
    return entry;
  }

  #equals(entry: number, ids: Uint8Array, at: number): boolean {
    for (let i = 0; i < 16; i++) if (this.#ids[entry * 16 + i] !== ids[at + i]) return false;
    return true;
  }

  #grow(): void {
    const capacity = this.#matched.length * 2;
    this.#ids = copied(this.#ids, new Uint8Array(capacity * 16));
    this.#starts = copied(this.#starts, new Uint32Array(capacity * 2));
    this.#ends = copied(this.#ends, new Uint32Array(capacity * 2));
    this.#matched = copied(this.#matched, new Uint8Array(capacity));
    this.#slots = new Uint32Array(capacity * 2);
    const mask = this.#slots.length - 1;
    for (let entry = 0; entry < this.count; entry++) {
      let slot = hashId(this.#ids, entry * 16) & mask;
      while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
      this.#slots[slot] = entry + 1;
    }
  }
}

/** Over the last eight bytes, which every sender fills at random. */
function hashId(ids: Uint8Array, at: number): number {
  const high = (ids[at + 8] << 24) | (ids[at + 9] << 16) | (ids[at + 10] << 8) | ids[at + 11];
  const low = (ids[at + 12] << 24) | (ids[at + 13] << 16) | (ids[at + 14] << 8) | ids[at + 15];
  const hash = Math.imul(high, 0x9e3779b1) ^ Math.imul(low, 0x85ebca6b);
  return (hash ^ (hash >>> 15)) >>> 0;
}

/** Unsigned, low word first. */
function isBefore(a: Uint32Array, atA: number, b: Uint32Array, atB: number): boolean {
  return a[atA + 1] < b[atB + 1] || (a[atA + 1] === b[atB + 1] && a[atA] < b[atB]);
}

function copyWords(from: Uint32Array, atFrom: number, to: Uint32Array, atTo: number): void {
  to[atTo] = from[atFrom];
  to[atTo + 1] = from[atFrom + 1];
}

function copied<T extends Uint8Array | Uint32Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
