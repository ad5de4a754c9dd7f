/** All rows of given traces, wherever they stand: buffers by a scan of ids, files by their trace indexes. */
import type { Span } from '../../../../span/span.ts';
import type { FileEntry } from '../../files/file-entry.ts';
import type { RowRange } from '../../files/trace-index.ts';
import { SpanReader } from '../scan/block-spans.ts';
import { int64At, uint64At } from '../scan/cells.ts';
import type { RowPick } from '../workers/jobs.ts';
import { eachPickedBlock } from './search.ts';
import type { RowAddress } from './search.ts';
import { filterColumns } from '../scan/scan.ts';
import type { Filter } from '../scan/scan.ts';
import { IN_BUFFER, availableIn } from '../session.ts';
import type { BufferSource, Session } from '../session.ts';
import { SLIM_COLUMNS, slimRows } from './slim-rows.ts';
import type { SlimRows } from './slim-rows.ts';
import { bufferOf, bytesOfHex, hexAt } from '../scan/texts.ts';
import type { TraceIndexes } from './trace-indexes.ts';

/** A span of a trace with what its summary needs. */
export interface TraceSpan {
  readonly spanId: string;
  /** '' for a root span. */
  readonly parentSpanId: string;
  readonly name: string;
  readonly serviceName: string;
  readonly kind: number;
  readonly statusCode: number;
  readonly startTimeUnixNano: bigint;
  readonly durationNano: bigint;
  readonly matched: boolean;
  readonly at: RowAddress;
}

/** By trace id, in hex. */
export type Traces<T> = ReadonlyMap<string, T[]>;

/** Rows of one source, by row group. */
export interface SourceRows {
  readonly source: BufferSource | FileEntry;
  readonly picks: readonly RowPick[];
}

/** Every span of the traces; `filter` says which are marked as matching. */
export async function traceSpans(
  session: Session,
  indexes: TraceIndexes,
  traceIds: readonly string[],
  filter: Filter,
): Promise<Traces<TraceSpan>> {
  const traces = new Map<string, TraceSpan[]>(traceIds.map((id) => [id, []]));
  const located = await locate(session, indexes, traceIds);
  await Promise.all(
    located.map(async ({ source, picks }) => {
      if (!('path' in source)) {
        const columns = [...SLIM_COLUMNS, ...filterColumns(filter, IN_BUFFER)];
        const block = source.columns.block([...new Set(columns)], source.rows);
        const slim = await session.step(() => slimRows(block, filter, picks[0].rows, IN_WHOLE_BUFFER));
        await addSlim(session, traces, slim, source);
        return;
      }
      const columns = [...SLIM_COLUMNS, ...filterColumns(filter, availableIn(source))];
      const rows = await session.job<'slim'>(source, { kind: 'slim', columns, picks, filter });
      if (rows) await addSlim(session, traces, rows, source);
    }),
  );
  return traces;
}

/** Every span of the traces, whole. An index finds by half of an id: rows of other traces are dropped here. */
export async function wholeTraces(
  session: Session,
  indexes: TraceIndexes,
  traceIds: readonly string[],
): Promise<Traces<Span>> {
  const located = await locate(session, indexes, traceIds);
  const rows = located.reduce((sum, { picks }) => sum + countRows(picks), 0);
  // Views keep the blocks that they are of in memory: not for a few spans.
  const read = rows < MIN_VIEWS ? readWhole : readView;
  const found = await Promise.all(located.map((source) => spansOf(session, source, read)));
  const traces = new Map<string, Span[]>(traceIds.map((id) => [id, []]));
  for (const spans of found) for (const span of spans) traces.get(span.traceId)?.push(span);
  return traces;
}

/** Whole spans take 3 to 5 us each, and a collection of the garbage at 100,000 of them. */
const MIN_VIEWS = 2_048;

const readWhole = (reader: SpanReader, row: number): Span => reader.span(row);
const readView = (reader: SpanReader, row: number): Span => reader.view(row);

/** To make so many spans takes some milliseconds. */
const SPANS_WITHOUT_BREAK = 1_024;

async function spansOf(
  session: Session,
  { source, picks }: SourceRows,
  read: (reader: SpanReader, row: number) => Span,
): Promise<Span[]> {
  const spans: Span[] = [];
  if (!('path' in source)) {
    const reader = new SpanReader(source.columns.block(undefined, source.rows));
    const { rows } = picks[0];
    for (let i = 0; i < rows.length; i++) {
      if (i % SPANS_WITHOUT_BREAK === SPANS_WITHOUT_BREAK - 1) await session.breathe();
      spans.push(read(reader, rows[i]));
    }
    return spans;
  }
  await eachPickedBlock(session, source, picks, async (block) => {
    const reader = new SpanReader(block);
    for (let row = 0; row < block.rows; row++) {
      if (row % SPANS_WITHOUT_BREAK === SPANS_WITHOUT_BREAK - 1) await session.breathe();
      spans.push(read(reader, row));
    }
  });
  return spans;
}

function countRows(picks: readonly RowPick[]): number {
  return picks.reduce((sum, { rows }) => sum + rows.length, 0);
}

const IN_WHOLE_BUFFER = { rowGroup: 0, from: 0 };

/** Below this many rows the conversion of a slice takes a few milliseconds. */
const ROWS_WITHOUT_BREAK = 4096;

async function addSlim(
  session: Session,
  traces: Map<string, TraceSpan[]>,
  rows: SlimRows,
  source: BufferSource | FileEntry,
): Promise<void> {
  const [traceIds, spanIds, parentIds] = [rows.traceIds, rows.spanIds, rows.parentSpanIds].map(bufferOf);
  let spans: TraceSpan[] | undefined;
  for (let row = 0; row < rows.count; row++) {
    if (row % ROWS_WITHOUT_BREAK === ROWS_WITHOUT_BREAK - 1) await session.breathe();
    const at = row * 16;
    // Rows of one trace mostly stand together.
    const isNext = row === 0 || traceIds.compare(traceIds, at - 16, at, at, at + 16) !== 0;
    if (isNext) spans = traces.get(hexAt(traceIds, at, 16));
    if (!spans) continue;
    const parent = hexAt(parentIds, row * 8, 8);
    spans.push({
      spanId: hexAt(spanIds, row * 8, 8),
      parentSpanId: parent === '0000000000000000' ? '' : parent,
      name: rows.names[rows.nameCodes[row]],
      serviceName: rows.services[rows.serviceCodes[row]],
      kind: rows.kinds[row],
      statusCode: rows.statuses[row],
      startTimeUnixNano: uint64At(rows.starts, row),
      durationNano: int64At(rows.durations, row),
      matched: rows.matched[row] === 1,
      at: { source, group: rows.rowGroups[row], row: rows.rows[row] },
    });
  }
}

/** Where the rows of the traces stand; an index finds by half of an id, so there may be rows of others. */
export async function locate(
  session: Session,
  indexes: TraceIndexes,
  traceIds: readonly string[],
): Promise<SourceRows[]> {
  const ids = traceIds.map((id) => bytesOfHex(id, 16)).filter((id) => id !== undefined);
  const located: SourceRows[] = [];
  session.explain?.traces({ read: ids.length });
  for (const buffer of session.buffers) {
    const rows = await rowsInBuffer(session, buffer, ids);
    if (rows.length > 0) located.push({ source: buffer, picks: [{ rowGroup: 0, rows }] });
  }
  for (const [file, ranges] of await indexes.find(session, ids)) {
    located.push({ source: file, picks: picksOfRanges(file, ranges) });
  }
  return located;
}

/** Ids are compared as four words; 64 Ki bits tell most rows apart by the last of them. */
async function rowsInBuffer(
  session: Session,
  buffer: BufferSource,
  ids: readonly Uint8Array[],
): Promise<Uint32Array> {
  const wanted = ids.map((id) => new Uint32Array(id.buffer, id.byteOffset, 4));
  // By those bits: the first of the wanted ids + 1, and from each of them the next that shares the bits.
  const firstOf = new Uint32Array(65_536);
  const nextOf = new Uint32Array(wanted.length + 1);
  wanted.forEach((words, i) => {
    const bits = words[3] & 0xffff;
    nextOf[i + 1] = firstOf[bits];
    firstOf[bits] = i + 1;
  });
  const found: number[] = [];
  await session.eachSlice(buffer, ['trace_id'], (block) => {
    const vector = block.columns.get('trace_id');
    if (vector?.kind !== 'fixed') throw new Error('a buffer without trace ids');
    const words = new Uint32Array(vector.bytes.buffer, vector.bytes.byteOffset, block.rows * 4);
    return (from, to) => {
      for (let row = from; row < to; row++) {
        let at = firstOf[words[row * 4 + 3] & 0xffff];
        while (at !== 0 && !equalWords(words, row * 4, wanted[at - 1])) at = nextOf[at];
        if (at !== 0) found.push(row);
      }
    };
  });
  return Uint32Array.from(found);
}

function equalWords(words: Uint32Array, at: number, id: Uint32Array): boolean {
  return words[at] === id[0] && words[at + 1] === id[1] && words[at + 2] === id[2] && words[at + 3] === id[3];
}

/** Ranges of rows of the file as rows of its row groups; a trace may begin in one and end in the next. */
export function picksOfRanges(file: Pick<FileEntry, 'rowGroups'>, ranges: readonly RowRange[]): RowPick[] {
  const rows = ranges.flatMap(({ firstRow, rowCount }) =>
    Array.from({ length: rowCount }, (_, i) => firstRow + i),
  );
  const sorted = [...new Set(rows)].sort((a, b) => a - b);
  const picks: RowPick[] = [];
  let at = 0;
  let groupStart = 0;
  file.rowGroups.forEach((group, rowGroup) => {
    const groupEnd = groupStart + group.rows;
    const begin = at;
    while (at < sorted.length && sorted[at] < groupEnd) at++;
    const start = groupStart;
    const inGroup = sorted.slice(begin, at).map((row) => row - start);
    if (inGroup.length > 0) picks.push({ rowGroup, rows: Uint32Array.from(inGroup) });
    groupStart = groupEnd;
  });
  return picks;
}
