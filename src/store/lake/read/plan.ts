/**
 * Which files and row groups can hold an answer, told from the catalog alone. Pure: statistics in, plain
 * data out. What it leaves out cannot match; what it keeps is scanned.
 */
import type { FieldExpression } from '../../../traceql/ast.ts';
import type { SearchOrder, TimeRange } from '../../span-store.ts';
import type { FileEntry, RowGroupEntry } from '../files/file-entry.ts';
import { mayMatchFile, mayMatchRowGroup } from './pruning.ts';
import type { PruneReason } from './pruning.ts';
import { compareRanks, rankOf } from './row-key.ts';
import type { Rank } from './row-key.ts';

export interface FilePlan {
  readonly file: FileEntry;
  /** Indices of the row groups to scan, in the order of the rows; for a search, best first. */
  readonly rowGroups: readonly number[];
}

export interface PrunedFile {
  readonly path: string;
  readonly reason: PruneReason;
}

export interface Plan {
  readonly scan: readonly FilePlan[];
  readonly pruned: readonly PrunedFile[];
  readonly prunedRowGroups: number;
  readonly prunedBytes: number;
}

export function planScan(
  files: readonly FileEntry[],
  range: TimeRange,
  condition: FieldExpression | null,
): Plan {
  const scan: FilePlan[] = [];
  const pruned: PrunedFile[] = [];
  let prunedRowGroups = 0;
  let prunedBytes = 0;
  for (const file of files) {
    const reason = overlaps(file, range) ? mayMatchFile(condition, file) : 'time';
    const rowGroups = reason === true ? rowGroupsToScan(file, range, condition) : [];
    prunedRowGroups += file.rowGroups.length - rowGroups.length;
    prunedBytes += file.bytes * (1 - rowGroups.length / Math.max(1, file.rowGroups.length));
    if (rowGroups.length > 0) scan.push({ file, rowGroups });
    else pruned.push({ path: file.path, reason: reason === true ? 'row groups' : reason });
  }
  return { scan, pruned, prunedRowGroups, prunedBytes: Math.round(prunedBytes) };
}

interface Starts {
  readonly minStartUnixNano: bigint;
  readonly maxStartUnixNano: bigint;
}

function overlaps(starts: Starts, range: TimeRange): boolean {
  return starts.maxStartUnixNano >= range.startUnixNano && starts.minStartUnixNano < range.endUnixNano;
}

function rowGroupsToScan(file: FileEntry, range: TimeRange, condition: FieldExpression | null): number[] {
  const kept: number[] = [];
  file.rowGroups.forEach((group, index) => {
    if (overlaps(group, range) && mayMatchRowGroup(condition, group)) kept.push(index);
  });
  return kept;
}

/** Some row groups of one file, of a size that makes a job. */
export interface ScanUnit {
  readonly file: FileEntry;
  readonly rowGroups: readonly { readonly index: number; readonly best: Rank }[];
  /** The best rank that a row of it can have. */
  readonly best: Rank;
}

/**
 * A job reads at most so many rows: large enough that its overhead (1 ms) is nothing, small enough that
 * one large file keeps all workers busy and a search can stop between two jobs.
 */
const ROWS_PER_UNIT = 262_144;

/** Units best first: as soon as enough rows are known that rank before a unit, it is not needed. */
export function scanUnits(plans: readonly FilePlan[], order: SearchOrder): ScanUnit[] {
  const units = plans.flatMap(({ file, rowGroups }) => {
    const ranked = rowGroups.map((index) => ({ index, best: bestRank(file.rowGroups[index], order) }));
    ranked.sort((a, b) => compareRanks(a.best, b.best));
    return splitByRows(ranked, (group) => file.rowGroups[group.index].rows).map((part) => ({
      file,
      rowGroups: part,
      best: part[0].best,
    }));
  });
  return units.sort((a, b) => compareRanks(a.best, b.best));
}

function bestRank(group: RowGroupEntry, order: SearchOrder): Rank {
  switch (order) {
    case 'newest':
      return rankOf(order, group.maxStartUnixNano);
    case 'oldest':
      return rankOf(order, group.minStartUnixNano);
    case 'slowest':
      return rankOf(order, group.maxDurationNano);
  }
}

export function splitByRows<T>(groups: readonly T[], rowsOf: (group: T) => number): T[][] {
  const parts: T[][] = [];
  let rows = 0;
  for (const group of groups) {
    if (parts.length === 0 || rows + rowsOf(group) > ROWS_PER_UNIT) {
      parts.push([]);
      rows = 0;
    }
    parts[parts.length - 1].push(group);
    rows += rowsOf(group);
  }
  return parts;
}
