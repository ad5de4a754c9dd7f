/**
 * Two traces laid over each other: paths of the same services and names belong together. Tells what only one of
 * them did, and where the other took its time.
 */
import type { FlameGraph, FlamePath } from './flame.ts';
import type { Steps } from './steps.ts';

export type DiffSide = 'both' | 'onlyA' | 'onlyB';

export interface DiffRow {
  readonly a: FlamePath | undefined;
  readonly b: FlamePath | undefined;
  readonly side: DiffSide;
  readonly depth: number;
  /** Self time in B minus that in A. Over all rows these add up to the difference of the traces' work. */
  readonly selfDeltaNano: number;
  /** The same of the totals, children included. */
  readonly totalDeltaNano: number;
}

export interface StructureDiff {
  /** Parents before their children. */
  readonly rows: readonly DiffRow[];
  readonly onlyA: number;
  readonly onlyB: number;
  readonly slower: number;
  readonly faster: number;
  readonly selfDeltaNano: number;
}

const STEP_ROWS = 4_000;

interface Pair {
  readonly a: FlamePath | undefined;
  readonly b: FlamePath | undefined;
}

export function* diffSteps(a: FlameGraph, b: FlameGraph): Steps<StructureDiff> {
  const rows: DiffRow[] = [];
  const stack: Pair[] = paired(a.roots, b.roots).reverse();
  let [onlyA, onlyB, slower, faster, selfDeltaNano] = [0, 0, 0, 0, 0];
  for (let pair = stack.pop(); pair; pair = stack.pop()) {
    const row = rowOf(pair);
    rows.push(row);
    selfDeltaNano += row.selfDeltaNano;
    if (row.side === 'onlyA') onlyA++;
    else if (row.side === 'onlyB') onlyB++;
    else if (row.totalDeltaNano > 0) slower++;
    else if (row.totalDeltaNano < 0) faster++;
    const below = paired(pair.a?.children ?? [], pair.b?.children ?? []);
    for (let i = below.length - 1; i >= 0; i--) stack.push(below[i]);
    if (rows.length % STEP_ROWS === 0) yield;
  }
  return { rows, onlyA, onlyB, slower, faster, selfDeltaNano };
}

function rowOf({ a, b }: Pair): DiffRow {
  return {
    a,
    b,
    side: a === undefined ? 'onlyB' : b === undefined ? 'onlyA' : 'both',
    depth: (a ?? b)?.depth ?? 0,
    selfDeltaNano: (b?.selfNano ?? 0) - (a?.selfNano ?? 0),
    totalDeltaNano: (b?.totalNano ?? 0) - (a?.totalNano ?? 0),
  };
}

/** In order of the first start, in A where it has the path. */
function paired(a: readonly FlamePath[], b: readonly FlamePath[]): Pair[] {
  if (b.length === 0) return a.map((path) => ({ a: path, b: undefined }));
  const byId = new Map(b.map((path) => [path.id, path]));
  const pairs: Pair[] = a.map((path) => ({ a: path, b: byId.get(path.id) }));
  const taken = new Set(a.map((path) => path.id));
  for (const path of b) if (!taken.has(path.id)) pairs.push({ a: undefined, b: path });
  return pairs.toSorted((left, right) => startOf(left) - startOf(right));
}

function startOf({ a, b }: Pair): number {
  return (a ?? b)?.firstStartNano ?? 0;
}

/** Rows by what they contribute to the difference, the largest first. */
export function byContribution(rows: readonly DiffRow[]): DiffRow[] {
  return rows.toSorted((left, right) => Math.abs(right.selfDeltaNano) - Math.abs(left.selfDeltaNano));
}
