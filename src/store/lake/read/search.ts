/**
 * The best rows over buffers and files. Two steps: the keys of the best rows of each place are merged,
 * and only the winners are read whole.
 */
import type { Span } from '../../../span/span.ts';
import type { Block } from '../../../span/vector.ts';
import type { SearchOrder } from '../../span-store.ts';
import type { FileEntry } from '../files/file-entry.ts';
import { SpanReader } from './block-spans.ts';
import { columnOf } from './cells.ts';
import type { RowPick } from './jobs.ts';
import { planScan, scanUnits } from './plan.ts';
import { ID_BYTES, compareKeys, compareRanks, rankMasks } from './row-key.ts';
import type { RowKey } from './row-key.ts';
import { KEY_COLUMNS, Selection, filterColumns, offerRows } from './scan.ts';
import type { Filter } from './scan.ts';
import { IN_BUFFER, availableIn, inLanes } from './session.ts';
import type { BufferSource, Session } from './session.ts';
import { TokenPruning } from './token-pruning.ts';
import { TopRows } from './top-rows.ts';
import type { RankedRows } from './top-rows.ts';

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
}

export interface RowAnswer {
  /** In order; rows with the same key, the same span delivered twice, stand once. */
  readonly rows: readonly FoundRow[];
  /** False when these are all that there are. */
  readonly more: boolean;
}

export async function searchRows(session: Session, question: RowQuestion): Promise<RowAnswer> {
  let kept = question.limit;
  for (;;) {
    const merged = await searchOnce(session, { ...question, limit: kept });
    // Doubles filled places: rows may be lacking, so more are kept.
    if (merged.rows.length >= question.limit || !merged.more) {
      const rows = merged.rows.slice(0, question.limit);
      return { rows, more: merged.more || merged.rows.length > rows.length };
    }
    kept *= 2;
  }
}

async function searchOnce(session: Session, question: RowQuestion): Promise<RowAnswer> {
  const { filter, order, limit } = question;
  const merged = new MergedRows(limit);
  await searchBuffers(session, question, merged);
  const plan = planScan(session.files, filter.range, filter.condition);
  session.countPruned(plan);
  const units = scanUnits(plan.scan, order);
  const pruning = new TokenPruning(session, filter.condition, plan.scan);
  let next = 0;
  const nextUnit = () => {
    const unit = units[next];
    if (!unit) return undefined;
    const worst = merged.worst;
    if (worst && compareRanks(unit.best, worst) > 0) {
      for (const left of units.slice(next)) session.countPrunedRowGroups(left.rowGroups.length);
      next = units.length;
      merged.more = true;
      return undefined;
    }
    next++;
    return unit;
  };
  await inLanes(session.concurrency, nextUnit, async ({ file, rowGroups: planned }) => {
    const kept = new Set(
      await pruning.narrow(
        file,
        planned.map(({ index }) => index),
      ),
    );
    if (kept.size === 0) return;
    const rowGroups = planned.filter(({ index }) => kept.has(index));
    const { worst } = merged;
    const columns = [rankMasks(order).column, ...filterColumns(filter, availableIn(file))];
    const ask = { kind: 'search', columns, rowGroups, worst, ...question } as const;
    const ranked = await session.job<'search'>(file, ask);
    if (ranked) merged.add(ranked, () => file);
  });
  return merged;
}

async function searchBuffers(session: Session, question: RowQuestion, merged: MergedRows): Promise<void> {
  const { filter, order } = question;
  const { startUnixNano, endUnixNano } = filter.range;
  const top = new TopRows(question.limit, question.after);
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

  constructor(readonly limit: number) {}

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

/** The spans of found rows; of one delivered twice the version that lasted longest. */
export async function readFound(session: Session, rows: readonly FoundRow[]): Promise<(Span | undefined)[]> {
  const versions = rows.map((row): RowAddress[] => [row, ...(row.twins ?? [])]);
  const spans = await readSpans(session, versions.flat());
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

/** A row group costs some 30 ms to read whole, so those of one file are shared among the workers. */
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
  const share = Math.ceil(groups.length / session.concurrency);
  const shares: (typeof groups)[] = [];
  for (let from = 0; from < groups.length; from += share) shares.push(groups.slice(from, from + share));
  await Promise.all(
    shares.map(async (part) => {
      const order = part.flatMap(([, inGroup]) =>
        inGroup.sort((a, b) => addresses[a].row - addresses[b].row),
      );
      const picks: RowPick[] = part.map(([rowGroup, inGroup]) => ({
        rowGroup,
        rows: Uint32Array.from(inGroup, (i) => addresses[i].row),
      }));
      const found = await session.job<'spans'>(file, { kind: 'spans', columns: undefined, picks });
      found?.forEach((span, i) => (into[order[i]] = span));
    }),
  );
}
