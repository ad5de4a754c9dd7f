/**
 * Which files and row groups can hold an answer, told from the catalog alone. Pure: statistics in, plain
 * data out. What it leaves out cannot match; what it keeps is scanned.
 */
import type { FieldExpression } from '../../../../traceql/ast.ts';
import type { TimeRange } from '../../../span-store.ts';
import type { FileEntry } from '../../files/file-entry.ts';
import { FileIndex, endsOf } from './file-index.ts';
import type { RowGroupVerdict } from './file-index.ts';
import { PRUNE_REASONS } from './pruning.ts';
import type { PruneReason } from './pruning.ts';

export interface FilePlan {
  readonly file: FileEntry;
  /** Indices of the row groups to scan, in the order of the rows; for a search, best first. */
  readonly rowGroups: readonly number[];
}

/** A row group of a file of which others are scanned. */
interface PrunedRowGroup {
  readonly file: FileEntry;
  readonly index: number;
  readonly reason: PruneReason;
}

export interface Plan {
  readonly condition: FieldExpression | null;
  readonly scan: readonly FilePlan[];
  /** Whole files, by what ruled them out. */
  readonly pruned: Readonly<Partial<Record<PruneReason, number>>>;
  readonly prunedInFiles: readonly PrunedRowGroup[];
  /** Of both. */
  readonly prunedRowGroups: number;
  readonly prunedBytes: number;
  /** One byte a file: 1 + its reason's place in PRUNE_REASONS, 0 for a file that is scanned. */
  readonly verdicts: Uint8Array;
}

export function planScan(
  files: readonly FileEntry[],
  range: TimeRange,
  condition: FieldExpression | null,
): Plan {
  const index = new FileIndex(files);
  drain(index.fill(undefined));
  return drain(planSteps(index, range, condition));
}

/** Runs to the end what could be done in steps. */
export function drain<T>(steps: Generator<void, T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

/**
 * Files planned without looking at the clock: each takes 0.1 us, or 2 when it is judged for the first time;
 * a condition of 2,000 parts takes 60.
 */
const FILES_A_STEP = 256;

/** The plan, made in steps: it yields now and then. */
export function* planSteps(
  index: FileIndex,
  range: TimeRange,
  condition: FieldExpression | null,
): Generator<void, Plan> {
  const { files } = index;
  const { start, end } = endsOf(range);
  const judge = index.judge(condition);
  const scan: FilePlan[] = [];
  const prunedInFiles: PrunedRowGroup[] = [];
  const verdicts = new Uint8Array(files.length);
  const counts = new Uint32Array(PRUNE_REASONS.length);
  let prunedRowGroups = 0;
  let prunedBytes = 0;
  for (let at = 0; at < files.length; at++) {
    if (at % FILES_A_STEP === FILES_A_STEP - 1) yield;
    const overlap = index.overlap(at, start, end);
    const near = overlap === 'near' ? range : undefined;
    const out = overlap === 'none' || (near && !overlaps(files[at], near));
    const kept = out ? 'time' : keptRowGroups(files[at], judge(at), near, prunedInFiles);
    if (typeof kept !== 'string') {
      scan.push({ file: files[at], rowGroups: kept });
      const refused = index.rowGroups[at] - kept.length;
      prunedRowGroups += refused;
      if (refused > 0) prunedBytes += (index.bytes[at] * refused) / index.rowGroups[at];
      continue;
    }
    const code = PRUNE_REASONS.indexOf(kept);
    verdicts[at] = code + 1;
    counts[code]++;
    prunedRowGroups += index.rowGroups[at];
    prunedBytes += index.bytes[at];
  }
  const pruned: Partial<Record<PruneReason, number>> = {};
  PRUNE_REASONS.forEach((reason, code) => {
    if (counts[code] > 0) pruned[reason] = counts[code];
  });
  prunedBytes = Math.round(prunedBytes);
  return { condition, scan, pruned, prunedInFiles, prunedRowGroups, prunedBytes, verdicts };
}

/** Or why none is left. `range`: undefined where the whole file lies in it. */
function keptRowGroups(
  file: FileEntry,
  verdict: true | PruneReason | RowGroupVerdict,
  range: TimeRange | undefined,
  pruned: PrunedRowGroup[],
): readonly number[] | PruneReason {
  if (typeof verdict === 'string') return verdict;
  const { kept, refused } =
    verdict === true ? { kept: firstNumbers(file.rowGroups.length), refused: [] } : verdict;
  const whole = range === undefined || isWithin(file, range);
  const inTime = whole ? kept : kept.filter((index) => overlaps(file.rowGroups[index], range));
  if (inTime.length === 0) return 'row groups';
  for (const { index, reason } of refused) pruned.push({ file, index, reason });
  if (inTime === kept) return kept;
  for (const index of kept) if (!inTime.includes(index)) pruned.push({ file, index, reason: 'time' });
  return inTime;
}

const numbers: number[][] = [];

/** 0 to `count` - 1; the same list each time: most files have as many row groups. */
function firstNumbers(count: number): readonly number[] {
  return (numbers[count] ??= Array.from({ length: count }, (_, i) => i));
}

interface Starts {
  readonly minStartUnixNano: bigint;
  readonly maxStartUnixNano: bigint;
}

function isWithin(starts: Starts, range: TimeRange): boolean {
  return starts.minStartUnixNano >= range.startUnixNano && starts.maxStartUnixNano < range.endUnixNano;
}

function overlaps(starts: Starts, range: TimeRange): boolean {
  return starts.maxStartUnixNano >= range.startUnixNano && starts.minStartUnixNano < range.endUnixNano;
}

/**
 * A job reads at most so many rows: large enough that its overhead (1 ms) is nothing, small enough that
 * one large file keeps all workers busy and a search can stop between two jobs.
 */
const ROWS_PER_UNIT = 262_144;

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
