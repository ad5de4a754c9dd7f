/**
 * The best `limit` rows of a scan, by the order of row-key.ts: a heap in typed arrays whose root is the
 * worst row kept. Most rows are refused by one comparison with it.
 */
import { ID_BYTES, compareIds } from './row-key.ts';
import type { Rank, RowKey } from './row-key.ts';

/** Sorted rows with where they stand; plain data that a worker transfers. */
export interface RankedRows {
  readonly count: number;
  readonly highs: Uint32Array;
  readonly lows: Uint32Array;
  readonly ids: Uint8Array;
  readonly kinds: Uint8Array;
  /** What the scanner numbers its blocks by: row groups of a file, or 0. */
  readonly groups: Uint32Array;
  readonly rows: Uint32Array;
  /** True when rows were refused because the heap was full: there are more. */
  readonly more: boolean;
}

/** Beyond this the heap grows on demand instead of being allocated whole. */
const FIRST_CAPACITY = 1024;

const NO_TRACES = new Uint8Array(0);

export class TopRows {
  count = 0;
  more = false;
  #capacity: number;
  #highs: Uint32Array;
  #lows: Uint32Array;
  #ids: Uint8Array;
  #kinds: Uint8Array;
  #groups: Uint32Array;
  #rows: Uint32Array;
  /** Slots, the worst at 0. */
  #heap: Uint32Array;

  /** Only rows that come after `after` are taken, and none of the few traces `without`, 16 bytes each. */
  constructor(
    readonly limit: number,
    readonly after: RowKey | undefined,
    readonly without: Uint8Array = NO_TRACES,
  ) {
    const capacity = Math.min(limit, FIRST_CAPACITY);
    this.#capacity = capacity;
    this.#highs = new Uint32Array(capacity);
    this.#lows = new Uint32Array(capacity);
    this.#ids = new Uint8Array(capacity * ID_BYTES);
    this.#kinds = new Uint8Array(capacity);
    this.#groups = new Uint32Array(capacity);
    this.#rows = new Uint32Array(capacity);
    this.#heap = new Uint32Array(capacity);
  }

  get full(): boolean {
    return this.count === this.limit;
  }

  /** Rows that rank behind this can't enter any more; undefined while there is room. */
  get worst(): Rank | undefined {
    if (!this.full) return undefined;
    const slot = this.#heap[0];
    return { high: this.#highs[slot], low: this.#lows[slot] };
  }

  /** The cheap first look at a row: true when its rank alone keeps it out. */
  refuses(high: number, low: number): boolean {
    const { after } = this;
    if (after && (high < after.high || (high === after.high && low < after.low))) return true;
    if (this.count < this.limit) return false;
    const slot = this.#heap[0];
    const worstHigh = this.#highs[slot];
    const refused = high > worstHigh || (high === worstHigh && low > this.#lows[slot]);
    if (refused) this.more = true;
    return refused;
  }

  /** `ids` holds trace id, span id and start from `idsAt`. */
  push(
    high: number,
    low: number,
    ids: Uint8Array,
    idsAt: number,
    kind: number,
    group: number,
    row: number,
  ): void {
    const { after, without } = this;
    for (let at = 0; at < without.length; at += 16) if (isSameTrace(without, at, ids, idsAt)) return;
    if (after) {
      const order =
        high - after.high || low - after.low || compareIds(ids, idsAt, after.ids, 0) || kind - after.kind;
      if (order <= 0) return;
    }
    if (this.full) {
      this.more = true;
      const slot = this.#heap[0];
      if (this.#compare(slot, high, low, ids, idsAt, kind) <= 0) return;
      this.#write(slot, high, low, ids, idsAt, kind, group, row);
      this.#sink();
      return;
    }
    if (this.count === this.#capacity) this.#grow();
    const slot = this.count++;
    this.#write(slot, high, low, ids, idsAt, kind, group, row);
    this.#rise(slot);
  }

  #write(
    slot: number,
    high: number,
    low: number,
    ids: Uint8Array,
    idsAt: number,
    kind: number,
    group: number,
    row: number,
  ): void {
    this.#highs[slot] = high;
    this.#lows[slot] = low;
    const at = slot * ID_BYTES;
    for (let i = 0; i < ID_BYTES; i++) this.#ids[at + i] = ids[idsAt + i];
    this.#kinds[slot] = kind;
    this.#groups[slot] = group;
    this.#rows[slot] = row;
  }

  /** Above 0 when the slot's row comes after the given one. */
  #compare(slot: number, high: number, low: number, ids: Uint8Array, idsAt: number, kind: number): number {
    return (
      this.#highs[slot] - high ||
      this.#lows[slot] - low ||
      compareIds(this.#ids, slot * ID_BYTES, ids, idsAt) ||
      this.#kinds[slot] - kind
    );
  }

  #compareSlots(a: number, b: number): number {
    return this.#compare(a, this.#highs[b], this.#lows[b], this.#ids, b * ID_BYTES, this.#kinds[b]);
  }

  #rise(slot: number): void {
    const heap = this.#heap;
    let at = this.count - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (this.#compareSlots(slot, heap[parent]) <= 0) break;
      heap[at] = heap[parent];
      at = parent;
    }
    heap[at] = slot;
  }

  #sink(): void {
    const heap = this.#heap;
    const slot = heap[0];
    let at = 0;
    for (let child = 1; child < this.count; child = at * 2 + 1) {
      if (child + 1 < this.count && this.#compareSlots(heap[child + 1], heap[child]) > 0) child++;
      if (this.#compareSlots(slot, heap[child]) >= 0) break;
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = slot;
  }

  #grow(): void {
    const capacity = Math.min(this.limit, this.#capacity * 2);
    const grow = <T extends Uint32Array | Uint8Array>(old: T, fresh: T): T => {
      fresh.set(old);
      return fresh;
    };
    this.#highs = grow(this.#highs, new Uint32Array(capacity));
    this.#lows = grow(this.#lows, new Uint32Array(capacity));
    this.#ids = grow(this.#ids, new Uint8Array(capacity * ID_BYTES));
    this.#kinds = grow(this.#kinds, new Uint8Array(capacity));
    this.#groups = grow(this.#groups, new Uint32Array(capacity));
    this.#rows = grow(this.#rows, new Uint32Array(capacity));
    this.#heap = grow(this.#heap, new Uint32Array(capacity));
    this.#capacity = capacity;
  }

  /** The rows kept, best first. */
  sorted(): RankedRows {
    const { count } = this;
    const slots = [...this.#heap.subarray(0, count)].sort((a, b) => this.#compareSlots(a, b));
    const pick = (values: Uint32Array) => Uint32Array.from(slots, (slot) => values[slot]);
    const ids = new Uint8Array(count * ID_BYTES);
    slots.forEach((slot, i) =>
      ids.set(this.#ids.subarray(slot * ID_BYTES, (slot + 1) * ID_BYTES), i * ID_BYTES),
    );
    return {
      count,
      highs: pick(this.#highs),
      lows: pick(this.#lows),
      ids,
      kinds: Uint8Array.from(slots, (slot) => this.#kinds[slot]),
      groups: pick(this.#groups),
      rows: pick(this.#rows),
      more: this.more,
    };
  }
}

function isSameTrace(a: Uint8Array, aAt: number, b: Uint8Array, bAt: number): boolean {
  for (let i = 15; i >= 0; i--) if (a[aAt + i] !== b[bAt + i]) return false;
  return true;
}
