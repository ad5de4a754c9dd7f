/** Which part of a question a file's rollup answers, and which rows are left to scan. Pure. */
import type { TimeRange } from '../../../span-store.ts';
import type { FileEntry } from '../../files/file-entry.ts';
import type { Rollup } from '../../files/rollup.ts';

/** Row groups of a file, of which the rows in the range count. */
export interface RangeScan {
  readonly file: FileEntry;
  readonly rowGroups: readonly number[];
  readonly range: TimeRange;
}

type RollupPlan =
  /** Every row of the file counts: its totals do. */
  | { readonly kind: 'totals' }
  /** The cells in `steps` count, and what the scans find beside them. */
  | { readonly kind: 'steps'; readonly steps: TimeRange; readonly scans: readonly RangeScan[] }
  /** The rows are to be looked at. */
  | { readonly kind: 'scan' };

/**
 * A file that is cut by the range is worth its steps where they spare half of the rows that would be scanned.
 * `rowGroups`: those that may have rows in the range.
 */
export function planRollup(
  file: FileEntry,
  rowGroups: readonly number[],
  range: TimeRange,
  { stepNano }: Pick<Rollup, 'stepNano'>,
): RollupPlan {
  if (isInside(file, range)) return { kind: 'totals' };
  const steps = stepsInside(range, stepNano);
  if (steps === undefined) return { kind: 'scan' };
  const edges = [
    { startUnixNano: range.startUnixNano, endUnixNano: steps.startUnixNano },
    { startUnixNano: steps.endUnixNano, endUnixNano: range.endUnixNano },
  ];
  const scans = edges
    .map((edge) => ({
      file,
      range: edge,
      rowGroups: rowGroups.filter((i) => overlap(file.rowGroups[i], edge)),
    }))
    .filter((scan) => scan.rowGroups.length > 0);
  const rowsOf = (groups: readonly number[]) => groups.reduce((sum, i) => sum + file.rowGroups[i].rows, 0);
  const left = scans.reduce((sum, scan) => sum + rowsOf(scan.rowGroups), 0);
  return left * 2 <= rowsOf(rowGroups) ? { kind: 'steps', steps, scans } : { kind: 'scan' };
}

/** The whole steps of a range; undefined when there is none. */
export function stepsInside(range: TimeRange, stepNano: bigint): TimeRange | undefined {
  if (stepNano === 0n) return undefined;
  const startUnixNano = ((range.startUnixNano + stepNano - 1n) / stepNano) * stepNano;
  const endUnixNano = (range.endUnixNano / stepNano) * stepNano;
  return startUnixNano < endUnixNano ? { startUnixNano, endUnixNano } : undefined;
}

interface Starts {
  readonly minStartUnixNano: bigint;
  readonly maxStartUnixNano: bigint;
}

function isInside(starts: Starts, range: TimeRange): boolean {
  return starts.minStartUnixNano >= range.startUnixNano && starts.maxStartUnixNano < range.endUnixNano;
}

function overlap(starts: Starts, range: TimeRange): boolean {
  return starts.maxStartUnixNano >= range.startUnixNano && starts.minStartUnixNano < range.endUnixNano;
}
