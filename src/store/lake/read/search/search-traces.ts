/** Traces of which a span matches, in order of the trace's own start or duration. */
import type { Query } from '../../../../traceql/ast.ts';
import type { SearchOrder, TimeRange, TraceSummary } from '../../../span-store.ts';
import { finishSummaries, judgeTraces } from './candidates.ts';
import type { TraceCondition } from './candidates.ts';
import { parseTraceCursor, traceCursor } from './cursor.ts';
import type { TraceCursor } from './cursor.ts';
import { ExtentsScan, EXTENTS_COLUMNS } from './extents.ts';
import type { Extents } from './extents.ts';
import { splitByRows } from '../plan/plan.ts';
import { ID_BYTES, rankOf, valueOfRank } from '../scan/row-key.ts';
import type { RowKey } from '../scan/row-key.ts';
import { Selection, filterColumns } from '../scan/scan.ts';
import type { Filter } from '../scan/scan.ts';
import { searchRows } from './search.ts';
import { IN_BUFFER, availableIn, inLanes } from '../session.ts';
import type { Session } from '../session.ts';
import { findSpansetTraces } from '../spansets/find-traces.ts';
import { scanOf, spansetQuestion } from '../spansets/question.ts';
import { summariesOf } from '../spansets/summaries.ts';
import { bytesOfHex, hexAt } from '../scan/texts.ts';
import { planQuestion } from '../plan/token-pruning.ts';
import { TopRows } from '../scan/top-rows.ts';
import type { TraceIndexes } from './trace-indexes.ts';
import { TraceTable } from './trace-table.ts';
import type { FileEntry } from '../../files/file-entry.ts';

export interface TraceQuestion {
  readonly query: Query;
  readonly range: TimeRange;
  readonly order: SearchOrder;
  readonly limit: number;
  readonly cursor: string | undefined;
}

export interface TraceFindings {
  readonly traces: readonly TraceSummary[];
  readonly nextCursor: string | undefined;
}

export async function searchTraces(
  session: Session,
  indexes: TraceIndexes,
  asked: TraceQuestion,
): Promise<TraceFindings> {
  const { order, limit } = asked;
  const cursor = asked.cursor === undefined ? undefined : parseTraceCursor(asked.cursor, asked);
  const scan = scanOf(asked.query);
  if (!scan) {
    const spansets = spansetQuestion(asked);
    const { traceIds, next } = await findSpansetTraces(session, indexes, {
      ...spansets,
      order,
      limit,
      cursor,
    });
    const matched = await summariesOf(session, indexes, traceIds, spansets);
    return { traces: await finishSummaries(session, matched), nextCursor: next && traceCursor(asked, next) };
  }
  const question = { ...asked, scan: scan.condition };
  return order === 'newest'
    ? newestTraces(session, indexes, question, cursor)
    : rankedTraces(session, indexes, question, cursor);
}

/** The scan decides what matches. */
type ScanQuestion = TraceQuestion & TraceCondition;

type Judged = Awaited<ReturnType<typeof judgeTraces>>[number];

interface Pending extends Judged {
  /** Start of the matching span by which it was found: the latest one that it has. */
  readonly foundAt: bigint;
}

/** Traces of 5 to 30 spans are the rule: a batch of so many spans a trace asked for mostly fills a page. */
const SPANS_A_TRACE = 16;

/** Scanning 64 Ki rows more at once would only use memory. */
const MAX_BATCH_ROWS = 65_536;

/**
 * Matching spans come newest-first. When the scan stands at time t, a trace that it has not met has all
 * its matching spans at or before t, so it starts at or before t: what was met and starts after t is next.
 */
async function newestTraces(
  session: Session,
  indexes: TraceIndexes,
  question: ScanQuestion,
  cursor: TraceCursor | undefined,
): Promise<TraceFindings> {
  const { limit } = question;
  const filter = { condition: question.scan, range: upTo(question, cursor?.frontier) };
  const seen = new Set<string>();
  const pending: Pending[] = [];
  let after: RowKey | undefined;
  let without = new Uint8Array(0);
  for (
    let batch = Math.min(limit * SPANS_A_TRACE, MAX_BATCH_ROWS);
    ;
    batch = Math.min(batch * 2, MAX_BATCH_ROWS)
  ) {
    const found = await searchRows(session, { filter, order: 'newest', limit: batch, after, without });
    without = Buffer.concat([without, ...crowding(found.rows)]);
    const met = new Map<string, bigint>();
    for (const row of found.rows) {
      const traceId = hexAt(row.ids, 0, 16);
      if (!seen.has(traceId)) met.set(traceId, valueOfRank('newest', row));
      seen.add(traceId);
    }
    const judged = await judgeTraces(session, indexes, [...met.keys()], question);
    // A batch that was not read whole in time is left to the next page.
    const late = session.isOverTime();
    if (!late) {
      for (const trace of judged) {
        const foundAt = met.get(trace.summary.traceId) ?? 0n;
        if (!cursor || isBehind(trace, cursor)) pending.push({ ...trace, foundAt });
      }
      after = found.rows.at(-1);
    }
    const more = late || found.more;
    const frontier = more ? (after ? valueOfRank('newest', after) : MAX_UINT64) : undefined;
    const ready = pending
      .filter(({ summary }) => frontier === undefined || summary.startTimeUnixNano > frontier)
      .sort(byStart);
    if (late || ready.length > limit || frontier === undefined) {
      return pageOfNewest(session, question, ready, pending, frontier);
    }
  }
}

/** Of a batch, that of one trace: more, and one long trace would be read span by span before the next is met. */
const CROWDING_SHARE = 1 / 8;

/** Ids of the traces that have so many of the rows; they are met, and none of their other rows is needed. */
function crowding(rows: readonly RowKey[]): Uint8Array[] {
  const counts = new Map<string, number>();
  for (const { ids } of rows) {
    const traceId = hexAt(ids, 0, 16);
    counts.set(traceId, (counts.get(traceId) ?? 0) + 1);
  }
  return [...counts]
    .filter(([, count]) => count > MIN_CROWD && count >= rows.length * CROWDING_SHARE)
    .map(([traceId]) => bytesOfHex(traceId, 16) ?? new Uint8Array(0));
}

const MIN_CROWD = 100;

const MAX_UINT64 = (1n << 64n) - 1n;

/** Which spans may lead to traces that were not given yet. */
function upTo({ range }: TraceQuestion, frontier: bigint | undefined): TraceQuestion['range'] {
  if (frontier === undefined || frontier + 1n >= range.endUnixNano) return range;
  return { ...range, endUnixNano: frontier + 1n };
}

function isBehind({ summary }: Judged, { value, traceId }: TraceCursor): boolean {
  const start = summary.startTimeUnixNano;
  return start < value || (start === value && summary.traceId > traceId);
}

function byStart({ summary: a }: Judged, { summary: b }: Judged): number {
  if (a.startTimeUnixNano !== b.startTimeUnixNano) return a.startTimeUnixNano < b.startTimeUnixNano ? 1 : -1;
  return a.traceId < b.traceId ? -1 : 1;
}

async function pageOfNewest(
  session: Session,
  question: TraceQuestion,
  ready: readonly Pending[],
  pending: readonly Pending[],
  frontier: bigint | undefined,
): Promise<TraceFindings> {
  const { limit } = question;
  const page = ready.slice(0, limit);
  const traces = await finishSummaries(session, page);
  if (ready.length <= limit && frontier === undefined) return { traces, nextCursor: undefined };
  // A trace that was found early and starts late in the order must be found again by the next page.
  const given = new Set(page.map(({ summary }) => summary.traceId));
  let resume = frontier ?? 0n;
  for (const { foundAt, summary } of pending) {
    if (!given.has(summary.traceId) && foundAt > resume) resume = foundAt;
  }
  // Stopped before the page was full: what is left starts at or before the frontier.
  const last = ready.length > limit ? page[page.length - 1].summary : undefined;
  const value = last?.startTimeUnixNano ?? frontier ?? 0n;
  const next = { value, traceId: last?.traceId ?? NO_TRACE, frontier: resume };
  return { traces, nextCursor: traceCursor(question, next) };
}

/** No trace has this id, and it sorts before all others. */
const NO_TRACE = '0'.repeat(32);

/** Below this many traces their rows are looked up; above, the rest of the files is scanned for extents. */
const MAX_LOOKED_UP = 256;

/** oldest and slowest: exact by the extents of every trace that has a matching span in the range. */
async function rankedTraces(
  session: Session,
  indexes: TraceIndexes,
  question: ScanQuestion,
  cursor: TraceCursor | undefined,
): Promise<TraceFindings> {
  const { order, limit } = question;
  const table = await matchingExtents(session, indexes, question);
  const found: Judged[] = [];
  /** By trace, from the extents: the order of the pages must not depend on anything else. */
  const values = new Map<string, bigint>();
  let after = cursor && keyOf(order, cursor);
  for (let batch = limit + 1; ; batch = Math.min(batch * 2, MAX_BATCH_ROWS)) {
    const top = new TopRows(batch, after);
    for (let from = 0; from < table.count; from += ENTRIES_WITHOUT_BREAK) {
      table.offer(top, order, from, Math.min(table.count, from + ENTRIES_WITHOUT_BREAK));
      await session.breathe();
    }
    const ranked = top.sorted();
    const ids = Array.from({ length: ranked.count }, (_, i) => hexAt(ranked.ids, i * ID_BYTES, 16));
    ids.forEach((id, i) =>
      values.set(id, valueOfRank(order, { high: ranked.highs[i], low: ranked.lows[i] })),
    );
    found.push(...(await judgeTraces(session, indexes, ids, question)));
    if (found.length > limit || !ranked.more || session.isOverTime()) break;
    const last = ranked.count - 1;
    after = {
      high: ranked.highs[last],
      low: ranked.lows[last],
      ids: ranked.ids.slice(last * ID_BYTES),
      kind: 0,
    };
  }
  const page = found.slice(0, limit);
  const traces = await finishSummaries(session, page);
  if (found.length <= limit) return { traces, nextCursor: undefined };
  const { traceId } = page[page.length - 1].summary;
  const value = values.get(traceId) ?? 0n;
  return { traces, nextCursor: traceCursor(question, { value, traceId, frontier: 0n }) };
}

function keyOf(order: SearchOrder, { value, traceId }: TraceCursor): RowKey {
  const ids = new Uint8Array(ID_BYTES);
  ids.set(bytesOfHex(traceId, 16) ?? []);
  return { ...rankOf(order, value), ids, kind: 0 };
}

const ENTRIES_WITHOUT_BREAK = 16_384;

async function matchingExtents(
  session: Session,
  indexes: TraceIndexes,
  { scan: condition, range }: ScanQuestion,
): Promise<TraceTable> {
  const filter = { condition, range };
  const table = new TraceTable();
  const plan = await planQuestion(session, range, condition);
  for (const buffer of session.buffers) await bufferExtents(session, buffer, filter, table);
  const scanned = new Map(plan.scan.map(({ file, rowGroups }) => [file, new Set(rowGroups)]));
  await fileExtents(session, filter, scanned, table, false);
  // Spans outside of what was scanned may widen a trace that matches.
  const rest = new Map<FileEntry, Set<number>>();
  for (const file of session.files) {
    const left = file.rowGroups.map((_, index) => index).filter((index) => !scanned.get(file)?.has(index));
    if (left.length > 0) rest.set(file, new Set(left));
  }
  const few = table.matchedIds(MAX_LOOKED_UP);
  const touched = few ? await filesOfTraces(session, indexes, few, rest) : rest;
  await fileExtents(session, NO_SPAN, touched, table, true);
  return table;
}

const NO_SPAN: Filter = { condition: null, range: { startUnixNano: 0n, endUnixNano: 0n } };

/** Of the row groups left, those of files in which one of the traces stands. */
async function filesOfTraces(
  session: Session,
  indexes: TraceIndexes,
  ids: readonly Uint8Array[],
  rest: ReadonlyMap<FileEntry, Set<number>>,
): Promise<Map<FileEntry, Set<number>>> {
  const touched = new Map<FileEntry, Set<number>>();
  for (const file of (await indexes.find(session, ids)).keys()) {
    const groups = rest.get(file);
    if (groups) touched.set(file, groups);
  }
  return touched;
}

async function bufferExtents(
  session: Session,
  buffer: Session['buffers'][number],
  filter: Filter,
  table: TraceTable,
): Promise<void> {
  const columns = [...EXTENTS_COLUMNS, ...filterColumns(filter, IN_BUFFER)];
  const scan = new ExtentsScan();
  await session.eachSlice(buffer, columns, (block) => {
    const selection = new Selection(block, filter);
    return (from, to) => scan.add(block, selection, from, to);
  });
  await mergeExtents(session, scan.extents(), table, false);
}

async function fileExtents(
  session: Session,
  filter: Filter,
  files: ReadonlyMap<FileEntry, ReadonlySet<number>>,
  table: TraceTable,
  knownOnly: boolean,
): Promise<void> {
  const units = [...files].flatMap(([file, groups]) =>
    splitByRows([...groups], (index) => file.rowGroups[index].rows).map((rowGroups) => ({ file, rowGroups })),
  );
  await inLanes(
    session.concurrency,
    () => units.shift(),
    async ({ file, rowGroups }) => {
      const columns = [...EXTENTS_COLUMNS, ...filterColumns(filter, availableIn(file))];
      const extents = await session.job<'extents'>(file, { kind: 'extents', columns, rowGroups, filter });
      if (extents) await mergeExtents(session, extents, table, knownOnly);
    },
  );
}

/** In the table, whose arrays are on average three quarters full. */
const BYTES_A_TRACE = 56;

async function mergeExtents(
  session: Session,
  extents: Extents,
  table: TraceTable,
  knownOnly: boolean,
): Promise<void> {
  for (let from = 0; from < extents.count; from += ENTRIES_WITHOUT_BREAK) {
    const before = table.count;
    table.merge(extents, from, Math.min(extents.count, from + ENTRIES_WITHOUT_BREAK), knownOnly);
    if (!session.keep((table.count - before) * BYTES_A_TRACE)) return;
    await session.breathe();
  }
}
