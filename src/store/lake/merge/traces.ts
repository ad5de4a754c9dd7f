/**
 * The traces of a rewrite and where their rows stand: runs of neighbouring rows of a file. Typed arrays:
 * 35 bytes a trace and 18 a run, so 400,000 traces of 4M spans are 25 MB.
 */
import { grown } from '../../../span/grow.ts';
import { hashOfEnding, hashOfTraceId } from '../files/trace-hash.ts';
import { naturalSort } from './natural-sort.ts';

const FIRST_TRACES = 1024;
const FIRST_RUNS = 1024;
const NONE = 0xffffffff;

export class TraceTable {
  count = 0;
  runCount = 0;
  /** Four words a trace, as the machine reads the id's bytes. */
  ids: Uint32Array = new Uint32Array(FIRST_TRACES * 4);
  /** Least start of its rows: low word, high word. */
  starts: Uint32Array = new Uint32Array(FIRST_TRACES * 2);
  /** 1 where rows must be compared with each other before they are taken (once.ts). */
  unsettled: Uint8Array = new Uint8Array(FIRST_TRACES);
  firstRun: Uint32Array = new Uint32Array(FIRST_TRACES);
  #lastRun: Uint32Array = new Uint32Array(FIRST_TRACES);
  runSource: Uint32Array = new Uint32Array(FIRST_RUNS);
  runRow: Uint32Array = new Uint32Array(FIRST_RUNS);
  runRows: Uint32Array = new Uint32Array(FIRST_RUNS);
  #nextRun: Uint32Array = new Uint32Array(FIRST_RUNS);
  /** Trace + 1 by a hash of the id; at most half full. */
  #slots: Uint32Array = new Uint32Array(FIRST_TRACES * 2);

  /** The trace with the id `words[at .. at + 4)`, made if it is new. */
  traceOf(words: Uint32Array, at: number): number {
    const slot = this.#slotOf(words, at);
    if (this.#slots[slot] !== 0) return this.#slots[slot] - 1;
    const trace = this.#newTrace();
    for (let i = 0; i < 4; i++) this.ids[trace * 4 + i] = words[at + i];
    if (this.count * 2 > this.#slots.length) this.#growSlots();
    else this.#slots[slot] = this.count;
    return trace;
  }

  has(words: Uint32Array, at: number): boolean {
    return this.#slots[this.#slotOf(words, at)] !== 0;
  }

  /** Rows of a trace in a source. A trace with several runs is unsettled. */
  addRun(trace: number, source: number, firstRow: number, rows: number): void {
    const run = this.runCount++;
    if (run === this.runRow.length) this.#growRuns();
    this.runSource[run] = source;
    this.runRow[run] = firstRow;
    this.runRows[run] = rows;
    this.#nextRun[run] = NONE;
    if (this.firstRun[trace] === NONE) this.firstRun[trace] = run;
    else {
      this.#nextRun[this.#lastRun[trace]] = run;
      this.unsettled[trace] = 1;
    }
    this.#lastRun[trace] = run;
  }

  /** The next run of the same trace, or undefined. */
  runAfter(run: number): number | undefined {
    const next = this.#nextRun[run];
    return next === NONE ? undefined : next;
  }

  /** Rows in all its runs. */
  rowsOf(trace: number): number {
    let rows = 0;
    for (let run: number | undefined = this.firstRun[trace]; run !== undefined; run = this.runAfter(run)) {
      rows += this.runRows[run];
    }
    return rows;
  }

  setStart(trace: number, low: number, high: number): void {
    this.starts[trace * 2] = low;
    this.starts[trace * 2 + 1] = high;
  }

  noteStart(trace: number, low: number, high: number): void {
    const at = trace * 2;
    const { starts } = this;
    if (high > starts[at + 1] || (high === starts[at + 1] && low >= starts[at])) return;
    starts[at] = low;
    starts[at + 1] = high;
  }

  /** All traces by least start, then id: the order of a file (write/partition.ts). */
  inOrder(): Uint32Array {
    const { starts, ids } = this;
    const traces = new Uint32Array(this.count);
    for (let i = 0; i < traces.length; i++) traces[i] = i;
    return naturalSort(
      traces,
      (a, b) =>
        starts[a * 2 + 1] - starts[b * 2 + 1] ||
        starts[a * 2] - starts[b * 2] ||
        compareIds(ids, a * 4, b * 4),
    );
  }

  /** The slot of the trace with this id, or the free one where it belongs. */
  #slotOf(words: Uint32Array, at: number): number {
    const mask = this.#slots.length - 1;
    let slot = hashOfTraceId(words, at) & mask;
    while (this.#slots[slot] !== 0 && !this.#hasId(this.#slots[slot] - 1, words, at))
      slot = (slot + 1) & mask;
    return slot;
  }

  #hasId(trace: number, words: Uint32Array, at: number): boolean {
    const { ids } = this;
    const own = trace * 4;
    return (
      ids[own + 3] === words[at + 3] &&
      ids[own + 2] === words[at + 2] &&
      ids[own + 1] === words[at + 1] &&
      ids[own] === words[at]
    );
  }

  #newTrace(): number {
    const trace = this.count++;
    if (trace === this.firstRun.length) {
      const length = trace * 2;
      this.ids = grown(this.ids, length * 4);
      this.starts = grown(this.starts, length * 2);
      this.unsettled = grown(this.unsettled, length);
      this.firstRun = grown(this.firstRun, length);
      this.#lastRun = grown(this.#lastRun, length);
    }
    this.firstRun[trace] = NONE;
    this.starts[trace * 2] = NONE;
    this.starts[trace * 2 + 1] = NONE;
    return trace;
  }

  #growSlots(): void {
    const slots = new Uint32Array(this.#slots.length * 2);
    const mask = slots.length - 1;
    for (let trace = 0; trace < this.count; trace++) {
      let slot = hashOfTraceId(this.ids, trace * 4) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = trace + 1;
    }
    this.#slots = slots;
  }

  #growRuns(): void {
    const length = this.runRow.length * 2;
    this.runSource = grown(this.runSource, length);
    this.runRow = grown(this.runRow, length);
    this.runRows = grown(this.runRows, length);
    this.#nextRun = grown(this.#nextRun, length);
  }
}

/** The traces of a table by what a trace index keeps of their ids: the last two words. */
export class TraceEndings {
  /** By trace: the next with the same ending, or NONE. */
  readonly #next: Uint32Array;
  /** First trace + 1 by a hash of the ending; at most half full. */
  readonly #slots: Uint32Array;

  constructor(readonly traces: TraceTable) {
    const { ids, count } = traces;
    this.#next = new Uint32Array(count).fill(NONE);
    this.#slots = new Uint32Array(2 ** Math.ceil(Math.log2(count * 2 + 1)));
    for (let trace = 0; trace < count; trace++) {
      const slot = this.#slotOf(ids[trace * 4 + 2], ids[trace * 4 + 3]);
      if (this.#slots[slot] !== 0) this.#next[trace] = this.#slots[slot] - 1;
      this.#slots[slot] = trace + 1;
    }
  }

  /** A trace whose id ends with these two words, or undefined. */
  first(word2: number, word3: number): number | undefined {
    const entry = this.#slots[this.#slotOf(word2, word3)];
    return entry === 0 ? undefined : entry - 1;
  }

  /** Another one with the ending of this one, or undefined. */
  after(trace: number): number | undefined {
    const next = this.#next[trace];
    return next === NONE ? undefined : next;
  }

  #slotOf(word2: number, word3: number): number {
    const { ids } = this.traces;
    const mask = this.#slots.length - 1;
    let slot = hashOfEnding(word2, word3) & mask;
    for (let entry = this.#slots[slot]; entry !== 0; entry = this.#slots[slot]) {
      const at = (entry - 1) * 4;
      if (ids[at + 2] === word2 && ids[at + 3] === word3) break;
      slot = (slot + 1) & mask;
    }
    return slot;
  }
}

function compareIds(ids: Uint32Array, a: number, b: number): number {
  for (let i = 0; i < 4; i++) {
    const difference = ids[a + i] - ids[b + i];
    if (difference !== 0) return difference;
  }
  return 0;
}
