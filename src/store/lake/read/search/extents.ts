/** First start and last end of traces, from the few columns that tell them. */
import type { Block } from '../../../../span/vector.ts';
import { columnOf } from '../scan/cells.ts';
import type { Selection } from '../scan/scan.ts';

/** By trace, in no order; a trace that stands in several blocks has several entries. Unsigned words. */
export interface Extents {
  readonly count: number;
  readonly traceIds: Uint8Array;
  /** Low word first. */
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;
  /** 1 where a span of the trace matches. */
  readonly matched: Uint8Array;
}

export const EXTENTS_COLUMNS: readonly string[] = ['trace_id', 'start_time_unix_nano', 'duration_nano'];

const FIRST_CAPACITY = 1024;

export class ExtentsScan {
  count = 0;
  #traceIds = new Uint8Array(FIRST_CAPACITY * 16);
  #starts = new Uint32Array(FIRST_CAPACITY * 2);
  #ends = new Uint32Array(FIRST_CAPACITY * 2);
  #matched = new Uint8Array(FIRST_CAPACITY);

  /** Rows of the same trace that stand together become one entry. */
  add(block: Block, selection: Selection, from: number, to: number): void {
    const selected = selection.select(from, to);
    const ids = columnOf(block, 'trace_id', 'fixed').bytes;
    const starts = columnOf(block, 'start_time_unix_nano', 'int64').words;
    const durations = columnOf(block, 'duration_nano', 'int64').words;
    for (let row = from; row < to; row++) {
      if (row === from || !sameId(ids, row, row - 1)) this.#open(ids, row);
      const entry = this.count - 1;
      this.#widen(entry, starts, durations, row);
      this.#matched[entry] |= selected[row];
    }
  }

  #open(ids: Uint8Array, row: number): void {
    if (this.count === this.#matched.length) this.#grow();
    const entry = this.count++;
    for (let i = 0; i < 16; i++) this.#traceIds[entry * 16 + i] = ids[row * 16 + i];
    this.#starts.fill(0xffffffff, entry * 2, entry * 2 + 2);
    this.#ends.fill(0, entry * 2, entry * 2 + 2);
  }

  /** end = start + duration, modulo 2^64: as the sender had it. */
  #widen(entry: number, starts: Uint32Array, durations: Uint32Array, row: number): void {
    const startLow = starts[row * 2];
    const startHigh = starts[row * 2 + 1];
    const low = startLow + durations[row * 2];
    const endLow = low >>> 0;
    const endHigh = (startHigh + durations[row * 2 + 1] + (low > 0xffffffff ? 1 : 0)) >>> 0;
    const at = entry * 2;
    if (before(startHigh, startLow, this.#starts[at + 1], this.#starts[at])) {
      this.#starts[at] = startLow;
      this.#starts[at + 1] = startHigh;
    }
    if (before(this.#ends[at + 1], this.#ends[at], endHigh, endLow)) {
      this.#ends[at] = endLow;
      this.#ends[at + 1] = endHigh;
    }
  }

  #grow(): void {
    const capacity = this.#matched.length * 2;
    const ids = new Uint8Array(capacity * 16);
    ids.set(this.#traceIds);
    this.#traceIds = ids;
    const starts = new Uint32Array(capacity * 2);
    starts.set(this.#starts);
    this.#starts = starts;
    const ends = new Uint32Array(capacity * 2);
    ends.set(this.#ends);
    this.#ends = ends;
    const matched = new Uint8Array(capacity);
    matched.set(this.#matched);
    this.#matched = matched;
  }

  extents(): Extents {
    return {
      count: this.count,
      traceIds: this.#traceIds.slice(0, this.count * 16),
      starts: this.#starts.slice(0, this.count * 2),
      ends: this.#ends.slice(0, this.count * 2),
      matched: this.#matched.slice(0, this.count),
    };
  }
}

function before(highA: number, lowA: number, highB: number, lowB: number): boolean {
  return highA < highB || (highA === highB && lowA < lowB);
}

function sameId(ids: Uint8Array, a: number, b: number): boolean {
  for (let i = 0; i < 16; i++) if (ids[a * 16 + i] !== ids[b * 16 + i]) return false;
  return true;
}
