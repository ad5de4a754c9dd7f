/** Counts of one sender since its first request, and in the last 5 minutes, hour and day. */
import { COUNT_NAMES } from '../../store/ingest-health.ts';
import type { CountName, Counts, StoredSender } from '../../store/ingest-health.ts';

export type Window = 'fiveMinutes' | 'hour' | 'day';
type StoredCounts = Pick<StoredSender, 'total' | Window>;

interface Ring {
  /** One more than the window has: the newest is not full yet. */
  readonly slots: number;
  readonly widthMs: number;
  /** Of its first row in the table; row 0 is the total. */
  readonly row: number;
}

/** Each width is a multiple of the one before, so that one look at the clock does for all. */
const RINGS: Readonly<Record<Window, Ring>> = {
  fiveMinutes: { slots: 6, widthMs: 60_000, row: 1 },
  hour: { slots: 13, widthMs: 300_000, row: 7 },
  day: { slots: 25, widthMs: 3_600_000, row: 20 },
};
const WINDOWS = ['fiveMinutes', 'hour', 'day'] as const;
const ALL_RINGS = WINDOWS.map((window) => RINGS[window]);
const ROWS = 45;
const WIDTH = COUNT_NAMES.length;
const COLUMN = Object.fromEntries(COUNT_NAMES.map((name, i) => [name, i])) as Record<CountName, number>;
const ZERO = Object.fromEntries(COUNT_NAMES.map((name) => [name, 0])) as Record<CountName, number>;

/** 5.4 KB, whatever is counted. */
export class Windows {
  readonly #table = new Float64Array(ROWS * WIDTH);
  /** The newest slot of each ring: Unix time / width. */
  readonly #slot = [-1, -1, -1];
  /** Where the newest rows begin. */
  readonly #at = [0, 0, 0];
  #fromMs = Infinity;
  #untilMs = -Infinity;

  /** To be called before `add`, with the time now. */
  advance(nowMs: number): void {
    if (nowMs >= this.#fromMs && nowMs < this.#untilMs) return;
    ALL_RINGS.forEach((ring, i) => this.#turn(ring, i, Math.floor(nowMs / ring.widthMs)));
    const { widthMs } = RINGS.fiveMinutes;
    this.#fromMs = Math.floor(nowMs / widthMs) * widthMs;
    this.#untilMs = this.#fromMs + widthMs;
  }

  add(name: CountName, amount: number): void {
    if (amount === 0) return;
    const column = COLUMN[name];
    const table = this.#table;
    table[column] += amount;
    table[this.#at[0] + column] += amount;
    table[this.#at[1] + column] += amount;
    table[this.#at[2] + column] += amount;
  }

  total(): Counts {
    return this.#counts(0, 1);
  }

  last(window: Window, nowMs: number): Counts {
    this.advance(nowMs);
    const { row, slots } = RINGS[window];
    return this.#counts(row, slots);
  }

  store(nowMs: number): StoredCounts {
    this.advance(nowMs);
    return {
      total: this.#nonZero(0),
      fiveMinutes: this.#storedRing('fiveMinutes'),
      hour: this.#storedRing('hour'),
      day: this.#storedRing('day'),
    };
  }

  /** What `store` gave, at any time later. What it holds that is no count is left out. */
  restore(stored: StoredCounts, nowMs: number): void {
    this.advance(nowMs);
    this.#fill(0, stored.total);
    for (const window of WINDOWS) {
      const { row, slots } = RINGS[window];
      const newest = this.#slot[WINDOWS.indexOf(window)];
      for (const [slot, counts] of stored[window]) {
        if (slot > newest - slots && slot <= newest) this.#fill(row + (slot % slots), counts);
      }
    }
  }

  /**
   * A clock that was put back a little goes on in the newest slot; one that was put back by more than the ring
   * holds begins anew, or what it counts would never grow old.
   */
  #turn({ row, slots }: Ring, i: number, slot: number): void {
    const newest = this.#slot[i];
    if (slot <= newest && slot > newest - slots) return;
    const stale = slot < newest ? slots : Math.min(slots, slot - newest);
    for (let back = 0; back < stale; back++) {
      const begin = (row + ((slot - back + slots) % slots)) * WIDTH;
      this.#table.fill(0, begin, begin + WIDTH);
    }
    this.#slot[i] = slot;
    this.#at[i] = (row + (slot % slots)) * WIDTH;
  }

  /** The sums of some rows. */
  #counts(row: number, rows: number): Counts {
    const table = this.#table;
    const counts = { ...ZERO };
    for (let column = 0; column < WIDTH; column++) {
      let sum = 0;
      for (let at = row * WIDTH + column; at < (row + rows) * WIDTH; at += WIDTH) sum += table[at];
      counts[COUNT_NAMES[column]] = sum;
    }
    return counts;
  }

  #nonZero(row: number): Partial<Counts> {
    const found: Partial<Record<CountName, number>> = {};
    COUNT_NAMES.forEach((name, column) => {
      const value = this.#table[row * WIDTH + column];
      if (value !== 0) found[name] = value;
    });
    return found;
  }

  #storedRing(window: Window): [slot: number, Partial<Counts>][] {
    const { row, slots } = RINGS[window];
    const newest = this.#slot[WINDOWS.indexOf(window)];
    const stored: [number, Partial<Counts>][] = [];
    for (let slot = newest - slots + 1; slot <= newest; slot++) {
      const counts = this.#nonZero(row + (slot % slots));
      if (Object.keys(counts).length > 0) stored.push([slot, counts]);
    }
    return stored;
  }

  #fill(row: number, counts: Partial<Counts>): void {
    COUNT_NAMES.forEach((name, column) => {
      const value = counts[name];
      if (typeof value === 'number' && value >= 0) this.#table[row * WIDTH + column] = value;
    });
  }
}
