/**
 * Children whose parents stand in another file, or whose parents nobody sent: told apart by the trace indexes.
 * The rows of a trace in the other file are read whole, since what was counted there of the parent as a call of
 * somebody silent may have to be taken back.
 */
import { grown } from '../../../../span/grow.ts';
import type { FileEntry } from '../../files/file-entry.ts';
import { traceKeyWords } from '../../files/trace-index.ts';
import type { RowRange } from '../../files/trace-index.ts';
import type { TimeRange } from '../../../span-store.ts';
import { addCall, removeCall } from './dependencies-edges.ts';
import type { Edges } from './dependencies-edges.ts';
import {
  CALL_COLUMNS,
  DURATION_WORD,
  ID_WORDS,
  IN_RANGE,
  IS_CLIENT,
  IS_ERROR,
  IS_MESSAGING,
  TIME_WORDS,
} from './dependencies-rows.ts';
import type { CallRows, CallRowsBuilder } from './dependencies-rows.ts';
import { peerColumns } from './dependencies-peers.ts';
import { CallTable } from './dependencies-table.ts';
import type { RowPick } from '../workers/jobs.ts';
import { availableIn } from '../session.ts';
import type { Session } from '../session.ts';

/** A file is asked about a child that begins this long before its first span or behind its last end at most. */
const SLACK_NANO = 600_000_000_000n;

/** Traces looked up in other files: each takes 10 us. Who samples spans instead of traces has more. */
export const MAX_LOOKED_UP = 200_000;

/** Each is a read of 4 KiB at most. */
const IDS_AT_ONCE = 500;

const SLICE_MS = 8;
const NANOS_PER_SLOT = 600_000_000_000n;
const MAX_SLOTS = 12_960;

/** Rows that lack their parent. */
interface OpenCalls {
  readonly rows: CallRows;
  /** By row, the number of its file; -1 for a row of a buffer. */
  readonly files: Int32Array;
  /** 1 for a row that needs nothing any more. */
  readonly settled: Uint8Array;
}

export interface LookUp {
  readonly session: Session;
  readonly files: readonly FileEntry[];
  readonly range: TimeRange;
  /** In which spans are parents and children. */
  readonly within: TimeRange;
  readonly edges: Edges;
}

/** Finds the parents that stand in other files, and counts their calls. */
export async function lookUpParents(question: LookUp, open: readonly OpenCalls[]): Promise<void> {
  const { session, files, within, range } = question;
  const wanted = await wantedOf(question, open);
  for (let number = 0; number < files.length; number++) {
    const left = open.map(({ settled }, i) => wanted[i][number].filter((row) => settled[row] === 0));
    if (left.every((rows) => rows.length === 0) || session.isOverTime()) continue;
    const picks = await picksOf(session, files[number], open, left);
    if (picks.length === 0) continue;
    const columns = [...CALL_COLUMNS, ...peerColumns(availableIn(files[number]))];
    const ask = { kind: 'call rows' as const, columns, picks, within, range };
    const found = await session.job<'call rows'>(files[number], ask);
    if (found) await settle(question, open, left, found);
  }
}

/** By file, the rows of which it may have the parent, as far as memory tells; for each of the lists. */
async function wantedOf({ session, files }: LookUp, open: readonly OpenCalls[]): Promise<number[][][]> {
  const near = new NearFiles(files);
  const filters: ReturnType<Session['deps']['traceIndexes']['filterOf']>[] = [];
  let left = MAX_LOOKED_UP;
  const wanted = open.map(() => files.map((): number[] => []));
  await inSlices(
    session,
    (function* asking(): Generator<void, void> {
      for (const file of files) {
        filters.push(session.deps.traceIndexes.filterOf(file));
        yield;
      }
      for (const [list, { rows, files: own, settled }] of open.entries()) {
        const ids = new Uint8Array(rows.ids.buffer, rows.ids.byteOffset);
        for (let row = 0; row < rows.count; row++) {
          if (row % 256 === 255) yield;
          if (settled[row] === 1) continue;
          const { high, low } = traceKeyWords(ids, row * ID_WORDS * 4);
          for (const number of near.of(startOf(rows, row))) {
            if (number === own[row] || filters[number]?.(high, low) === false) continue;
            if (left-- > 0) wanted[list][number].push(row);
          }
        }
      }
    })(),
  );
  if (left < 0)
    session.limit(`only ${MAX_LOOKED_UP} spans without their parent were looked for in other files`);
  return wanted;
}

function startOf({ times }: CallRows, row: number): bigint {
  return (BigInt(times[row * TIME_WORDS + 1]) << 32n) | BigInt(times[row * TIME_WORDS]);
}

/** Which files may have a parent of what begins at a time. */
class NearFiles {
  readonly #bySlot = new Map<number, number[]>();
  /** Of longer than a season: their own list, else hostile times would fill the memory. */
  readonly #long: number[] = [];

  constructor(files: readonly FileEntry[]) {
    files.forEach((file, number) => {
      const first = file.minStartUnixNano > SLACK_NANO ? file.minStartUnixNano - SLACK_NANO : 0n;
      const [from, to] = [slotOf(first), slotOf(file.maxEndUnixNano + SLACK_NANO)];
      if (to - from > MAX_SLOTS) this.#long.push(number);
      else for (let slot = from; slot <= to; slot++) this.#add(slot, number);
    });
  }

  of(timeUnixNano: bigint): readonly number[] {
    const own = this.#bySlot.get(slotOf(timeUnixNano)) ?? [];
    return this.#long.length === 0 ? own : [...own, ...this.#long];
  }

  #add(slot: number, number: number): void {
    const numbers = this.#bySlot.get(slot);
    if (numbers === undefined) this.#bySlot.set(slot, [number]);
    else numbers.push(number);
  }
}

function slotOf(timeUnixNano: bigint): number {
  return Number(timeUnixNano / NANOS_PER_SLOT);
}

/** Rows of the file that belong to the traces of the given rows. */
async function picksOf(
  session: Session,
  file: FileEntry,
  open: readonly OpenCalls[],
  wanted: readonly (readonly number[])[],
): Promise<RowPick[]> {
  const known = new Set<string>();
  const traces: Uint8Array[] = [];
  wanted.forEach((rows, list) => {
    const { ids } = open[list].rows;
    const bytes = new Uint8Array(ids.buffer, ids.byteOffset);
    for (const row of rows) {
      const at = row * ID_WORDS;
      const key = `${ids[at]} ${ids[at + 1]} ${ids[at + 2]} ${ids[at + 3]}`;
      if (known.has(key)) continue;
      known.add(key);
      traces.push(bytes.subarray(at * 4, at * 4 + 16));
    }
  });
  const ranges: RowRange[] = [];
  for (let from = 0; from < traces.length; from += IDS_AT_ONCE) {
    const some = traces.slice(from, from + IDS_AT_ONCE);
    ranges.push(...(await session.deps.traceIndexes.findIn(session, file, some)));
    await session.breathe();
  }
  return picksInOrder(file, ranges);
}

function picksInOrder({ rowGroups }: FileEntry, ranges: readonly RowRange[]): RowPick[] {
  const sorted = [...ranges].sort((a, b) => a.firstRow - b.firstRow);
  const picks: RowPick[] = [];
  let groupStart = 0;
  rowGroups.forEach(({ rows }, rowGroup) => {
    const groupEnd = groupStart + rows;
    const own: number[] = [];
    for (const { firstRow, rowCount } of sorted) {
      const to = Math.min(groupEnd, firstRow + rowCount);
      for (let row = Math.max(groupStart, firstRow); row < to; row++) own.push(row - groupStart);
    }
    if (own.length > 0) picks.push({ rowGroup, rows: Uint32Array.from(new Set(own)) });
    groupStart = groupEnd;
  });
  return picks;
}

async function settle(
  { session, edges }: LookUp,
  open: readonly OpenCalls[],
  wanted: readonly (readonly number[])[],
  found: CallRows,
): Promise<void> {
  const table = new CallTable(found);
  await inSlices(session, table.fill());
  const hasForeign = new Uint8Array(found.count);
  await inSlices(session, markForeign(table, hasForeign));
  for (const [list, rows] of wanted.entries()) {
    await inSlices(session, settleRows(table, hasForeign, edges, open[list], rows));
  }
}

/** Yields now and then. */
function* settleRows(
  table: CallTable,
  hasForeign: Uint8Array,
  edges: Edges,
  { rows: open, settled }: OpenCalls,
  wanted: readonly number[],
): Generator<void, void> {
  const found = table.rows;
  for (let i = 0; i < wanted.length; i++) {
    if (i % 256 === 255) yield;
    const row = wanted[i];
    const parent = table.parentOf(open, row);
    if (parent < 0) continue;
    settled[row] = 1;
    // A twin that stands beside its parent was counted there.
    if (table.twinOf(open, row) >= 0 || serviceOf(open, row) === serviceOf(found, parent)) continue;
    countCall(edges, found, parent, open, row);
    if (hasForeign[parent] === 0) countPeer(edges, found, parent, removeCall);
    hasForeign[parent] = 1;
  }
}

/** Yields now and then. */
function* markForeign(table: CallTable, hasForeign: Uint8Array): Generator<void, void> {
  const { rows, dead } = table;
  for (let row = 0; row < rows.count; row++) {
    if (row % 1024 === 1023) yield;
    if (dead[row] === 1) continue;
    const parent = table.parentOf(rows, row);
    if (parent >= 0 && rows.services[parent] !== rows.services[row]) hasForeign[parent] = 1;
  }
}

function serviceOf({ names, services }: CallRows, row: number): string {
  return names[services[row]];
}

/** A call from `parent` to `child`, if the child is of the question's range. */
export function countCall(
  edges: Edges,
  parents: CallRows,
  parent: number,
  children: CallRows,
  child: number,
): void {
  const flags = children.flags[child];
  if ((flags & IN_RANGE) === 0) return;
  const parentFlags = parents.flags[parent];
  const isClient = (parentFlags & IS_CLIENT) !== 0;
  const type = ((flags | parentFlags) & IS_MESSAGING) === 0 ? '' : 'messaging_system';
  const edge = edges.edge(serviceOf(parents, parent), serviceOf(children, child), type);
  if (edge === undefined) return;
  const isError = ((isClient ? flags | parentFlags : flags) & IS_ERROR) !== 0;
  const { times } = isClient ? parents : children;
  const at = (isClient ? parent : child) * TIME_WORDS + DURATION_WORD;
  addCall(edge, isError, times[at + 1], times[at]);
}

/** The call of somebody silent that a span is, if it is one. `count`: `addCall` or `removeCall`. */
export function countPeer(edges: Edges, rows: CallRows, row: number, count: typeof addCall): void {
  const flags = rows.flags[row];
  const peer = rows.peers[rows.peerNumbers[row]];
  if ((flags & (IS_CLIENT | IN_RANGE)) !== (IS_CLIENT | IN_RANGE) || peer === undefined) return;
  const edge = edges.edge(serviceOf(rows, row), peer.name, peer.connectionType);
  if (edge === undefined) return;
  const at = row * TIME_WORDS + DURATION_WORD;
  count(edge, (flags & IS_ERROR) !== 0, rows.times[at + 1], rows.times[at]);
}

/** Work of the main thread that yields now and then. */
export async function inSlices(session: Session, steps: Generator<void, void>): Promise<void> {
  let began = performance.now();
  while (!steps.next().done) {
    if (performance.now() - began < SLICE_MS) continue;
    await session.breathe();
    began = performance.now();
  }
}

/** Rows without their parent, of several builders. */
export class OpenCallsBuilder {
  readonly rows: CallRowsBuilder;
  #files: Int32Array = new Int32Array(64);

  constructor(rows: CallRowsBuilder) {
    this.rows = rows;
  }

  append(rows: CallRows, file: number): void {
    const from = this.rows.count;
    this.rows.append(rows);
    if (this.rows.count > this.#files.length) this.#files = grown(this.#files, this.rows.count);
    this.#files.fill(file, from, this.rows.count);
  }

  get files(): Int32Array {
    return this.#files;
  }
}
