/**
 * The best rows over buffers and files. Two steps: the keys of the best rows of each place are merged,
 * and only the winners are read whole.
 */
import type { Span } from '../../../../span/span.ts';
import type { Block } from '../../../../span/vector.ts';
import type { SearchOrder, TimeRange } from '../../../span-store.ts';
import type { FileEntry } from '../../files/file-entry.ts';
import { SpanReader } from '../scan/block-spans.ts';
import { columnOf } from '../scan/cells.ts';
import type { RowPick } from '../workers/jobs.ts';
import {
  ID_BYTES,
  bareKey,
  bareRank,
  compareKeys,
  compareRanks,
  rankMasks,
  valueOfRank,
} from '../scan/row-key.ts';
import type { Rank, RowKey } from '../scan/row-key.ts';
import { UnitQueue } from '../plan/scan-units.ts';
import { KEY_COLUMNS, Selection, filterColumns, offerRows } from '../scan/scan.ts';
import type { Filter } from '../scan/scan.ts';
import { IN_BUFFER, availableIn, inLanes } from '../session.ts';
import type { BufferSource, Session } from '../session.ts';
import { TokenPruning } from '../plan/token-pruning.ts';
import { TopRows } from '../scan/top-rows.ts';
import type { RankedRows } from '../scan/top-rows.ts';

/** Where a row stands. `group` is a row group of a file, 0 in a buffer. */
export interface RowAddress {
  readonly source: BufferSource | FileEntry;
  readonly group: number;
  readonly row: number;
}

export interface FoundRow extends RowKey, RowAddress {
  /** Where the same span stands again, delivered twice, perhaps with another duration. */
  readonly twins?: readonly RowAddress[];
}

export interface RowQuestion {
  readonly filter: Filter;
  readonly order: SearchOrder;
  readonly limit: number;
  /** Only rows behind this one. */
  readonly after: RowKey | undefined;
  /** Ids of traces that are not looked for, 16 bytes each: few. */
  readonly without?: Uint8Array;
}

interface RowAnswer {
  /** In order; rows with the same key, the same span delivered twice, stand once. */
  readonly rows: readonly FoundRow[];
  /** False when these are all that there are. */
  readonly more: boolean;
  /** The time was up: what ranks from here on was not looked at, and the next page begins here. */
  readonly cutAt: RowKey | undefined;
}

/** Of a found row, with its key and its place. */
const BYTES_A_ROW = 256;

export async function searchRows(session: Session, question: RowQuestion): Promise<RowAnswer> {
  let kept = question.limit;
  for (;;) {
    const merged = await searchOnce(session, { ...question, limit: kept });
    // Doubles filled places: rows may be lacking, so more are kept.
    if (merged.rows.length >= question.limit || !merged.more || merged.cutAt) {
      const rows = merged.rows.slice(0, question.limit);
      const full = rows.length === question.limit;
      const more = merged.more || merged.rows.length > rows.length;
      return { rows, more, cutAt: full ? undefined : later(merged.cutAt, question.after) };
    }
    kept *= 2;
    if (!session.keep(kept * BYTES_A_ROW)) return { rows: merged.rows, more: true, cutAt: undefined };
  }
}

async function searchOnce(session: Session, question: RowQuestion): Promise<RowAnswer> {
  const { filter, order, limit } = question;
  const merged = new MergedRows(limit);
  await searchBuffers(session, question, merged);
  const plan = await session.plan(rangeBehind(filter.range, order, question.after), filter.condition);
  const units = new UnitQueue(plan.scan, order, question.after);
  const pruning = new TokenPruning(session, filter.condition, plan.scan);
  // So much is read whatever the time: else the next page would begin where this one does.
  const needed = laterRank(question.after, units.peek()?.best);
  let stopped = false;
  const nextUnit = () => {
    const unit = stopped ? undefined : units.peek();
    if (!unit) return undefined;
    const { worst } = merged;
    if (worst && compareRanks(unit.best, worst) > 0) {
      session.stopEarly(`${limit} rows were found that come before all that is left`, units.rowGroupsLeft);
      merged.more = true;
      stopped = true;
      return undefined;
    }
    if (compareRanks(unit.best, needed) > 0 && session.isOverTime()) {
      merged.cut(unit.best);
      stopped = true;
      return undefined;
    }
    return units.take();
  };
  await inLanes(session.concurrency, nextUnit, async ({ file, best, rowGroups: planned }) => {
    const kept = new Set(
      await pruning.narrow(
        file,
        planned.map(({ index }) => index),
      ),
    );
    if (kept.size === 0) return;
    const rowGroups = planned.filter(({ index }) => kept.has(index));
    const worst = bareRank(merged.worst);
    const columns = [rankMasks(order).column, ...filterColumns(filter, availableIn(file))];
    const after = bareKey(question.after);
    const ask = { kind: 'search', columns, rowGroups, worst, ...question, after } as const;
    const ranked = await session.job<'search'>(file, ask, compareRanks(best, needed) <= 0);
    if (ranked) merged.add(ranked, () => file);
    else if (session.isOverTime()) merged.cut(best);
  });
  return merged;
}

async function searchBuffers(session: Session, question: RowQuestion, merged: MergedRows): Promise<void> {
  const { filter, order } = question;
  const { startUnixNano, endUnixNano } = filter.range;
  const top = new TopRows(question.limit, question.after, question.without);
  const rankColumn = rankMasks(order).column;
  const columns = [...KEY_COLUMNS, rankColumn, ...filterColumns(filter, IN_BUFFER)];
  const first = order === 'newest' ? 'newest' : 'oldest';
  const indexed = [...session.buffers.entries()];
  for (const [index, buffer] of first === 'newest' ? indexed.toReversed() : indexed) {
    const { minStart, maxStart } = buffer.columns;
    if (maxStart < startUnixNano || minStart >= endUnixNano) continue;
    const begin = (block: Block) => {
      const selection = new Selection(block, filter);
      const { words } = columnOf(block, rankColumn, 'int64');
      return (from: number, to: number) => {
        const selected = selection.select(from, to);
        offerRows(top, order, { selected, words, keys: block, group: index }, from, to);
      };
    };
    await session.eachSlice(buffer, columns, begin, first);
  }
  merged.add(top.sorted(), (group) => session.buffers[group]);
}

class MergedRows implements RowAnswer {
  more = false;
  #rows: readonly FoundRow[] = [];
  /** A place that gave its best rows and has more: what ranks behind the last of them may be lacking. */
  #horizon: RowKey | undefined;

  #cutAt: RowKey | undefined;

  constructor(readonly limit: number) {}

  get cutAt(): RowKey | undefined {
    return this.#cutAt;
  }

  /** What ranks like this or behind it was not looked at. */
  cut(best: Rank): void {
    this.more = true;
    if (this.#cutAt && compareRanks(this.#cutAt, best) <= 0) return;
    this.#cutAt = { high: best.high, low: best.low, ids: new Uint8Array(ID_BYTES), kind: 0 };
    if (!this.#horizon || compareKeys(this.#cutAt, this.#horizon) < 0) this.#horizon = this.#cutAt;
  }

  get rows(): readonly FoundRow[] {
    const horizon = this.#horizon;
    return horizon ? this.#rows.filter((row) => compareKeys(row, horizon) <= 0) : this.#rows;
  }

  /** So many rows are known that what ranks behind this is not needed. */
  get worst(): RowKey | undefined {
    return this.#rows.length < this.limit ? undefined : this.#rows[this.#rows.length - 1];
  }

  add(ranked: RankedRows, sourceOf: (group: number) => BufferSource | FileEntry): void {
    const found: FoundRow[] = [];
    for (let i = 0; i < ranked.count; i++) {
      const group = ranked.groups[i];
      const source = sourceOf(group);
      found.push({
        high: ranked.highs[i],
        low: ranked.lows[i],
        ids: ranked.ids.subarray(i * ID_BYTES, (i + 1) * ID_BYTES),
        kind: ranked.kinds[i],
        source,
        group: 'path' in source ? group : 0,
        row: ranked.rows[i],
      });
    }
    if (ranked.more) this.more = true;
    const last = found.at(-1);
    if (ranked.more && last && found.length === this.limit) {
      if (!this.#horizon || compareKeys(last, this.#horizon) < 0) this.#horizon = last;
    }
    this.#merge(found);
  }

  #merge(found: readonly FoundRow[]): void {
    const merged: FoundRow[] = [];
    const rows = this.#rows;
    let [a, b] = [0, 0];
    while (a < rows.length || b < found.length) {
      const takeOld = b === found.length || (a < rows.length && compareKeys(rows[a], found[b]) <= 0);
      const row = takeOld ? rows[a++] : found[b++];
      const last = merged.at(-1);
      if (last && compareKeys(last, row) === 0) {
        merged[merged.length - 1] = withTwin(last, row);
        continue;
      }
      if (merged.length === this.limit) {
        this.more = true;
        break;
      }
      merged.push(row);
    }
    this.#rows = merged;
  }
}

function withTwin(row: FoundRow, { source, group, row: at, twins = [] }: FoundRow): FoundRow {
  return { ...row, twins: [...(row.twins ?? []), { source, group, row: at }, ...twins] };
}

function laterRank(a: Rank | undefined, b: Rank | undefined): Rank {
  if (a && b) return compareRanks(a, b) < 0 ? b : a;
  return a ?? b ?? { high: 0, low: 0 };
}

/** A page never begins before the one that it follows. */
function later(cutAt: RowKey | undefined, after: RowKey | undefined): RowKey | undefined {
  return cutAt && after && compareKeys(cutAt, after) < 0 ? after : cutAt;
}

/** What of the range can hold rows behind this one. */
function rangeBehind(range: TimeRange, order: SearchOrder, after: RowKey | undefined): TimeRange {
  if (after === undefined || order === 'slowest') return range;
  const start = valueOfRank(order, after);
  if (order === 'oldest') return start > range.startUnixNano ? { ...range, startUnixNano: start } : range;
  return start < range.endUnixNano ? { ...range, endUnixNano: start + 1n } : range;
}

/** The spans of found rows; of one delivered twice the version that lasted longest. */
export async function readFound(session: Session, rows: readonly FoundRow[]): Promise<(Span | undefined)[]> {
  if (rows.every(({ twins }) => twins === undefined)) return readSpans(session, rows);
  const versions = rows.map((row): RowAddress[] => [row, ...(row.twins ?? [])]);
  const spans = await readSpans(session, versions.flat());
  await session.breathe();
  let next = 0;
  return versions.map((addresses) => {
    const read = spans.slice(next, (next += addresses.length)).filter((span) => span !== undefined);
    return read.sort((a, b) => (a.durationNano < b.durationNano ? 1 : -1)).at(0);
  });
}

/** The spans at these addresses, in the same order; undefined where a file could not be read. */
export async function readSpans(
  session: Session,
  addresses: readonly RowAddress[],
): Promise<(Span | undefined)[]> {
  const spans: (Span | undefined)[] = addresses.map(() => undefined);
  const bySource = new Map<BufferSource | FileEntry, number[]>();
  addresses.forEach(({ source }, i) => {
    const known = bySource.get(source);
    if (known) known.push(i);
    else bySource.set(source, [i]);
  });
  await Promise.all(
    [...bySource].map(async ([source, positions]) => {
      if ('path' in source) await readFromFile(session, source, addresses, positions, spans);
      else await readFromBuffer(session, source, addresses, positions, spans);
    }),
  );
  return spans;
}

/** To make so many spans takes some milliseconds. */
const SPANS_WITHOUT_BREAK = 512;

async function readFromBuffer(
  session: Session,
  { columns, rows }: BufferSource,
  addresses: readonly RowAddress[],
  positions: readonly number[],
  into: (Span | undefined)[],
): Promise<void> {
  const reader = new SpanReader(columns.block(undefined, rows));
  for (const [n, i] of positions.entries()) {
    into[i] = reader.span(addresses[i].row);
    if (n % SPANS_WITHOUT_BREAK === SPANS_WITHOUT_BREAK - 1) await session.breathe();
  }
}

async function readFromFile(
  session: Session,
  file: FileEntry,
  addresses: readonly RowAddress[],
  positions: readonly number[],
  into: (Span | undefined)[],
): Promise<void> {
  const byGroup = new Map<number, number[]>();
  for (const i of positions) {
    const known = byGroup.get(addresses[i].group);
    if (known) known.push(i);
    else byGroup.set(addresses[i].group, [i]);
  }
  const groups = [...byGroup].sort(([a], [b]) => a - b);
  for (const [, inGroup] of groups) inGroup.sort((a, b) => addresses[a].row - addresses[b].row);
  const picks = groups.map(([rowGroup, inGroup]): RowPick => ({
    rowGroup,
    rows: Uint32Array.from(inGroup, (i) => addresses[i].row),
  }));
  const order = groups.flatMap(([, inGroup]) => inGroup);
  await eachPickedBlock(session, file, picks, async (block, from) => {
    const reader = new SpanReader(block);
    for (let row = 0; row < block.rows; row++) {
      into[order[from + row]] = reader.span(row);
      if (row % SPANS_WITHOUT_BREAK === SPANS_WITHOUT_BREAK - 1) await session.breathe();
    }
  });
}

/**
 * The rows of the picks as blocks: row i of one is the picks' row `from + i`. A row group costs some 30 ms to read
 * whole, so those of one file are shared among the workers. What was found is answered whatever the time, since the
 * next page begins behind it; a file that can't be read is told of in the answer.
 */
export async function eachPickedBlock(
  session: Session,
  file: FileEntry,
  picks: readonly RowPick[],
  use: (block: Block, from: number) => Promise<void>,
): Promise<void> {
  const share = Math.ceil(picks.length / session.concurrency);
  const parts: { readonly picks: readonly RowPick[]; readonly from: number }[] = [];
  let from = 0;
  for (let i = 0; i < picks.length; i += share) {
    const part = picks.slice(i, i + share);
    parts.push({ picks: part, from });
    for (const { rows } of part) from += rows.length;
  }
  await Promise.all(
    parts.map(async (part) => {
      const job = { kind: 'spans', columns: undefined, picks: part.picks } as const;
      let next = part.from;
      for (const block of (await session.job<'spans'>(file, job, true)) ?? []) {
        await use(block, next);
        next += block.rows;
      }
    }),
  );
}
