/**
 * Parents and children within the rows that stand together: rows of one trace are contiguous in a file. A run of
 * rows that a page's end may have cut goes to the main thread whole, a child without its parent alone.
 */
import type { Dependency, TimeRange } from '../../../span-store.ts';
import { Edges, addCall } from './dependencies-edges.ts';
import type { Edge, EdgeTable } from './dependencies-edges.ts';
import {
  CallBlock,
  CallNames,
  CallRowsBuilder,
  IN_RANGE,
  IS_CLIENT,
  IS_ERROR,
  IS_MESSAGING,
  NO_SERVICE,
} from './dependencies-rows.ts';
import type { CallRows } from './dependencies-rows.ts';
import type { BeginRows } from '../scan/scan.ts';

/** What a worker found of some row groups. */
export interface CallPart {
  readonly edges: EdgeTable;
  /** Every row of the runs that may be cut. */
  readonly loose: CallRows;
  /** Children whose parents are not in their run. */
  readonly open: CallRows;
}

/** Runs up to this long are searched one by one; a table costs more. */
const SHORT_RUN = 24;

/** Spans of a trace that begin in the same nanosecond are compared with so many others. */
const MAX_AT_ONE_START = 64;

const NO_ROW = -1;
const TYPES: readonly Dependency['connectionType'][] = ['', 'messaging_system'];

export class RunJoin {
  readonly #names = new CallNames();
  readonly #loose = new CallRowsBuilder(this.#names);
  readonly #open = new CallRowsBuilder(this.#names);
  readonly #edges = new Edges();
  /** By `client x 2^26 + server x 2 + type`: numbers of names. */
  readonly #known = new Map<number, Edge | undefined>();
  readonly #ofPeer = new Map<number, Edge | undefined>();
  #rows = new Uint32Array(64);

  /** `range`: of the question; the rows that are given to `begin` may lie beyond it. */
  constructor(readonly range: TimeRange) {}

  /** For `JobRun.scan`. */
  readonly begin: BeginRows = (block) => {
    const calls = new CallBlock(block, this.#names);
    return (selected, from, to) => {
      calls.mark(this.range, from, to);
      let start = from;
      while (start < to) {
        const end = endOfRun(calls.traces, start, to);
        if (start === from || end === to) this.#setLoose(calls, selected, start, end);
        else this.#join(calls, selected, start, end);
        start = end;
      }
    };
  };

  part(): CallPart {
    return { edges: this.#edges.table(), loose: this.#loose.take(), open: this.#open.take() };
  }

  #setLoose(calls: CallBlock, selected: Uint8Array, from: number, to: number): void {
    for (let row = from; row < to; row++) if (selected[row] !== 0) this.#loose.push(calls, row);
  }

  #join(calls: CallBlock, selected: Uint8Array, from: number, to: number): void {
    const count = this.#collect(calls, selected, from, to);
    const rows = this.#rows;
    const find = count <= SHORT_RUN ? undefined : tableOf(calls, rows, count);
    /** By place in the run: it has a child of another service. */
    const hasForeign = new Uint8Array(count);
    for (let child = 0; child < count; child++) {
      const row = rows[child];
      if ((calls.parents[row * 2] | calls.parents[row * 2 + 1]) === 0) continue;
      const parent = find ? find(row) : findParent(calls, rows, count, row);
      if (parent === NO_ROW) this.#open.push(calls, row);
      else if (calls.service(rows[parent]) !== calls.service(row)) {
        hasForeign[parent] = 1;
        this.#addCall(calls, rows[parent], row);
      }
    }
    for (let at = 0; at < count; at++) if (hasForeign[at] === 0) this.#addPeer(calls, rows[at]);
  }

  /** The rows of the run that take part, each once. */
  #collect(calls: CallBlock, selected: Uint8Array, from: number, to: number): number {
    if (to - from > this.#rows.length) this.#rows = new Uint32Array((to - from) * 2);
    const rows = this.#rows;
    let count = 0;
    for (let row = from; row < to; row++) {
      if (selected[row] === 0 || calls.names.names[calls.service(row)] === NO_SERVICE) continue;
      const twin = twinOf(calls, rows, count, row);
      if (twin === NO_ROW) rows[count++] = row;
      else if (isLonger(calls, row, rows[twin])) rows[twin] = row;
    }
    return count;
  }

  #addCall(calls: CallBlock, parent: number, child: number): void {
    const flags = calls.flags(child);
    if ((flags & IN_RANGE) === 0) return;
    const parentFlags = calls.flags(parent);
    const isClient = (parentFlags & IS_CLIENT) !== 0;
    const type = ((flags | parentFlags) & IS_MESSAGING) === 0 ? 0 : 1;
    const edge = this.#edgeOf(calls.service(parent), calls.service(child), type);
    if (edge === undefined) return;
    const isError = ((isClient ? flags | parentFlags : flags) & IS_ERROR) !== 0;
    const timed = isClient ? parent : child;
    addCall(edge, isError, calls.durations[timed * 2 + 1], calls.durations[timed * 2]);
  }

  /** A call of somebody who sends no spans, as far as this run can tell. */
  #addPeer(calls: CallBlock, row: number): void {
    const flags = calls.flags(row);
    if ((flags & (IS_CLIENT | IN_RANGE)) !== (IS_CLIENT | IN_RANGE)) return;
    const peer = calls.peer(row);
    if (peer < 0) return;
    const edge = this.#edgeOfPeer(calls.service(row), peer);
    if (edge === undefined) return;
    addCall(edge, (flags & IS_ERROR) !== 0, calls.durations[row * 2 + 1], calls.durations[row * 2]);
  }

  #edgeOf(client: number, server: number, type: number): Edge | undefined {
    const key = client * 67_108_864 + server * 2 + type;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const { names } = this.#names;
    const edge = this.#edges.edge(names[client], names[server], TYPES[type]);
    this.#known.set(key, edge);
    return edge;
  }

  #edgeOfPeer(client: number, peer: number): Edge | undefined {
    const key = client * 67_108_864 + peer;
    const known = this.#ofPeer.get(key);
    if (known !== undefined) return known;
    const { names, peers } = this.#names;
    const edge = this.#edges.edge(names[client], peers[peer].name, peers[peer].connectionType);
    this.#ofPeer.set(key, edge);
    return edge;
  }
}

function endOfRun(traces: Uint32Array, from: number, to: number): number {
  const at = from * 4;
  const [a, b, c, d] = [traces[at], traces[at + 1], traces[at + 2], traces[at + 3]];
  let row = from + 1;
  while (row < to) {
    const other = row * 4;
    const isSame =
      traces[other + 3] === d && traces[other + 2] === c && traces[other + 1] === b && traces[other] === a;
    if (!isSame) break;
    row++;
  }
  return row;
}

/** The place in the run of the row's parent; of several with its id one of the same service, else the first. */
function findParent(calls: CallBlock, rows: Uint32Array, count: number, row: number): number {
  const { spans, parents } = calls;
  const low = parents[row * 2];
  const high = parents[row * 2 + 1];
  let found = NO_ROW;
  for (let at = 0; at < count; at++) {
    const other = rows[at];
    if (spans[other * 2] !== low || spans[other * 2 + 1] !== high || other === row) continue;
    if (calls.service(other) === calls.service(row)) return at;
    if (found === NO_ROW) found = at;
  }
  return found;
}

/** The same for long runs. */
function tableOf(calls: CallBlock, rows: Uint32Array, count: number): (row: number) => number {
  const { spans, parents } = calls;
  const mask = 2 ** Math.ceil(Math.log2(count * 2)) - 1;
  /** Place + 1. */
  const slots = new Uint32Array(mask + 1);
  for (let at = 0; at < count; at++) {
    let slot = slotOf(spans[rows[at] * 2], spans[rows[at] * 2 + 1]) & mask;
    while (slots[slot] !== 0) slot = (slot + 1) & mask;
    slots[slot] = at + 1;
  }
  return (row) => {
    const low = parents[row * 2];
    const high = parents[row * 2 + 1];
    let found = NO_ROW;
    for (let slot = slotOf(low, high) & mask; slots[slot] !== 0; slot = (slot + 1) & mask) {
      const at = slots[slot] - 1;
      const other = rows[at];
      if (spans[other * 2] !== low || spans[other * 2 + 1] !== high || other === row) continue;
      if (calls.service(other) === calls.service(row)) return at;
      if (found === NO_ROW || at < found) found = at;
    }
    return found;
  };
}

/** Span ids are random, or of a hostile sender: then a run is at most a page long. */
function slotOf(low: number, high: number): number {
  const mixed = Math.imul(low, 0x9e3779b1) ^ Math.imul(high, 0x85ebca6b);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}

/** Rows of a run stand in order of their start: one that came again stands near, at the same one. */
function twinOf(calls: CallBlock, rows: Uint32Array, count: number, row: number): number {
  const last = Math.max(0, count - MAX_AT_ONE_START);
  for (let at = count - 1; at >= last && haveSameStart(calls, rows[at], row); at--) {
    if (areSame(calls, rows[at], row)) return at;
  }
  return NO_ROW;
}

function haveSameStart({ starts }: CallBlock, a: number, b: number): boolean {
  return starts[a * 2] === starts[b * 2] && starts[a * 2 + 1] === starts[b * 2 + 1];
}

function areSame({ spans, kinds }: CallBlock, a: number, b: number): boolean {
  return spans[a * 2] === spans[b * 2] && spans[a * 2 + 1] === spans[b * 2 + 1] && kinds[a] === kinds[b];
}

function isLonger({ durations }: CallBlock, a: number, b: number): boolean {
  const high = (durations[a * 2 + 1] | 0) - (durations[b * 2 + 1] | 0);
  return high > 0 || (high === 0 && durations[a * 2] > durations[b * 2]);
}
