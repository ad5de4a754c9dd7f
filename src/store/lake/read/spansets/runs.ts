/** The traces of a row group, from the ids of its rows: rows of one trace stand together in a file. */
import { traceKeyWords } from '../../files/trace-index.ts';
import type { Rank } from '../scan/row-key.ts';

/** A trace of which a row satisfies a probe that is reported. */
export interface Candidate {
  readonly traceId: Uint8Array;
  /** Its rows: `from .. to` of the row group. */
  readonly from: number;
  readonly to: number;
  /** Of all its rows. */
  readonly bits: number;
  /** Of its rows that satisfy the bound. */
  readonly best: Rank;
}

/** Keys of traces (trace-index.ts), high word first, sorted; or any may be. */
export type SharedKeys = Uint32Array | 'any';

/** No row of a trace satisfies the bound. */
const NO_RANK = 0xffffffff;

export class TraceRuns {
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];
  /** Runs that may go on in rows that were not given. */
  readonly #cut: boolean[] = [];
  #pageRows = 0;
  /** 16 bytes a run. */
  #ids = new Uint8Array(1024 * 16);

  /** By row: the probes that it satisfies, and the rank of those that satisfy the bound, high word first. */
  constructor(
    readonly bits: Uint32Array,
    readonly ranks: Uint32Array,
    readonly report: number,
  ) {}

  /** Asked of each page in turn: whether its ids are needed, since it or one beside it has a row that is reported. */
  needs(from: number, to: number): boolean {
    // The last page may be a short one.
    this.#pageRows = Math.max(this.#pageRows, to - from);
    const [first, end] = [
      Math.max(0, from - this.#pageRows),
      Math.min(this.bits.length, to + this.#pageRows),
    ];
    for (let row = first; row < end; row++) if ((this.bits[row] & this.report) !== 0) return true;
    return false;
  }

  /** The trace ids of a page, 16 bytes a row from row 0 of the row group on. Pages come ascending. */
  add(ids: Uint8Array, from: number, to: number): void {
    let run = this.#starts.length - 1;
    const goesOn = run >= 0 && this.#ends[run] === from;
    const isCut = from > 0 && !goesOn;
    if (!goesOn && run >= 0) this.#cut[run] = true;
    const words = ids.byteOffset % 4 === 0 ? new Uint32Array(ids.buffer, ids.byteOffset, to * 4) : undefined;
    for (let row = from; row < to; row++) {
      let isSame: boolean;
      if (row === from) isSame = goesOn && sameId(ids, row * 16, this.#ids, run * 16);
      else if (words === undefined) isSame = sameId(ids, row * 16, ids, row * 16 - 16);
      else {
        const at = row * 4;
        isSame =
          words[at + 3] === words[at - 1] &&
          words[at + 2] === words[at - 2] &&
          words[at + 1] === words[at - 3] &&
          words[at] === words[at - 4];
      }
      if (!isSame) {
        run = this.#starts.push(row) - 1;
        this.#keepId(run, ids, row);
        this.#cut.push(isCut && row === from);
      }
      this.#ends[run] = row + 1;
    }
  }

  #keepId(run: number, ids: Uint8Array, row: number): void {
    if (run * 16 === this.#ids.length) {
      const known = this.#ids;
      this.#ids = new Uint8Array(known.length * 2);
      this.#ids.set(known);
    }
    for (let i = 0; i < 16; i++) this.#ids[run * 16 + i] = ids[row * 16 + i];
  }

  /**
   * Those that stand here alone and have the bits that are needed, and those that may have rows elsewhere: before or behind the row group, or as
   * `shared` says (keys of traces, high word first, sorted).
   */
  split(
    { isFirst, isLast }: { readonly isFirst: boolean; readonly isLast: boolean },
    shared: SharedKeys,
    isNeeded: (bits: number, from: number, to: number) => boolean,
  ): { candidates: Candidate[]; open: Candidate[] } {
    const candidates: Candidate[] = [];
    const open: Candidate[] = [];
    const rows = this.bits.length;
    this.#starts.forEach((from, run) => {
      const to = this.#ends[run];
      const bits = this.#bitsOf(from, to);
      if ((bits & this.report) === 0) return;
      const traceId = this.#ids.subarray(run * 16, run * 16 + 16);
      const isLastGiven = run === this.#starts.length - 1 && to < rows;
      const touchesEnd = (from === 0 && !isFirst) || (to === rows && !isLast);
      const isOpen = this.#cut[run] || isLastGiven || touchesEnd || isShared(shared, traceId);
      if (!isOpen && !isNeeded(bits, from, to)) return;
      (isOpen ? open : candidates).push({ traceId, from, to, bits, best: this.#bestOf(from, to) });
    });
    return { candidates, open };
  }

  #bitsOf(from: number, to: number): number {
    let bits = 0;
    for (let row = from; row < to; row++) bits |= this.bits[row];
    return bits;
  }

  /** Whether so many of these rows satisfy the bound. */
  hasBounded(count: number, from: number, to: number): boolean {
    let found = 0;
    for (let row = from; row < to && found < count; row++) found += this.bits[row] & 1;
    return found >= count;
  }

  #bestOf(from: number, to: number): Rank {
    const { ranks } = this;
    let [high, low] = [NO_RANK, NO_RANK];
    for (let row = from; row < to; row++) {
      if ((this.bits[row] & 1) === 0) continue;
      const rowHigh = ranks[row * 2];
      const rowLow = ranks[row * 2 + 1];
      if (rowHigh < high || (rowHigh === high && rowLow < low)) [high, low] = [rowHigh, rowLow];
    }
    return { high, low };
  }
}

function sameId(a: Uint8Array, atA: number, b: Uint8Array, atB: number): boolean {
  // The last bytes of ids differ most.
  for (let i = 15; i >= 0; i--) if (a[atA + i] !== b[atB + i]) return false;
  return true;
}

/** `traceId`: the first 16 bytes. */
export function isShared(sorted: SharedKeys, traceId: Uint8Array): boolean {
  if (sorted === 'any') return true;
  if (sorted.length === 0) return false;
  const { high, low } = traceKeyWords(traceId, 0);
  let from = 0;
  let to = sorted.length / 2;
  while (from < to) {
    const middle = (from + to) >>> 1;
    const at = middle * 2;
    if (sorted[at] < high || (sorted[at] === high && sorted[at + 1] < low)) from = middle + 1;
    else to = middle;
  }
  return from * 2 < sorted.length && sorted[from * 2] === high && sorted[from * 2 + 1] === low;
}
