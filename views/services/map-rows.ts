/** The order of the map's nodes within their columns, and how high each stands. Pure. */
import type { Columns } from './map-columns.ts';

export interface Rows {
  /** Items of each column from top to bottom. */
  readonly rows: readonly (readonly string[])[];
  /** Of an item's upper edge. */
  readonly heights: ReadonlyMap<string, number>;
}

interface Spacing {
  readonly nodeHeight: number;
  readonly rowGap: number;
}

/** Twelve sweeps bring most of what many would; a large graph gets those that there is time for. */
const SWEEPS = 12;
const ITEMS_SWEPT = 6000;
const ALIGNMENTS = 6;

export function orderRows(columns: Columns, spacing: Spacing): Rows {
  const { before, after } = neighbours(columns);
  let rows = columns.columns.map((items) => [...items]);
  let best = rows;
  let fewest = crossings(rows, after);
  const items = rows.reduce((sum, column) => sum + column.length, 0);
  const sweeps = Math.max(2, Math.min(SWEEPS, Math.floor(ITEMS_SWEPT / items)));
  for (let sweep = 0; sweep < sweeps && fewest > 0; sweep++) {
    rows = sweep % 2 === 0 ? swept(rows, before, 1) : swept(rows, after, -1);
    const count = crossings(rows, after);
    if (count >= fewest) continue;
    fewest = count;
    best = rows;
  }
  return { rows: best, heights: heightsOf(best, before, after, columns.standIns, spacing) };
}

type Neighbours = ReadonlyMap<string, readonly string[]>;

function neighbours({ edges }: Columns): { before: Neighbours; after: Neighbours } {
  const before = new Map<string, string[]>();
  const after = new Map<string, string[]>();
  const add = (map: Map<string, string[]>, key: string, value: string): void => {
    const list = map.get(key);
    if (list) list.push(value);
    else map.set(key, [value]);
  };
  for (const { path, way } of edges) {
    if (way === 'within') continue;
    for (let i = 1; i < path.length; i++) {
      add(after, path[i - 1], path[i]);
      add(before, path[i], path[i - 1]);
    }
  }
  return { before, after };
}

/** Each column in the order of the middles of what its items hang on in the column swept before. */
function swept(rows: readonly string[][], fixed: Neighbours, direction: 1 | -1): string[][] {
  const next = rows.map((items) => [...items]);
  const last = next.length - 1;
  for (let i = 1; i <= last; i++) {
    const at = direction === 1 ? i : last - i;
    const position = new Map(next[at - direction].map((item, row) => [item, row]));
    const middle = new Map(
      next[at].map((item, row) => {
        const rows = (fixed.get(item) ?? []).flatMap((one) => position.get(one) ?? []);
        return [item, rows.length === 0 ? row : rows.reduce((a, b) => a + b, 0) / rows.length];
      }),
    );
    next[at].sort((a, b) => (middle.get(a) ?? 0) - (middle.get(b) ?? 0));
  }
  return next;
}

/** Pairs of edges between neighbouring columns that cross, counted with a tree of sums. */
function crossings(rows: readonly string[][], after: Neighbours): number {
  let count = 0;
  for (let at = 0; at + 1 < rows.length; at++) {
    const position = new Map(rows[at + 1].map((item, row) => [item, row]));
    const sums = new Uint32Array(rows[at + 1].length + 1);
    let seen = 0;
    for (const item of rows[at]) {
      const ends = (after.get(item) ?? []).flatMap((one) => position.get(one) ?? []).sort((a, b) => a - b);
      for (const end of ends) count += seen - sumUpTo(sums, end);
      for (const end of ends) addOne(sums, end);
      seen += ends.length;
    }
  }
  return count;
}

function sumUpTo(sums: Uint32Array, row: number): number {
  let sum = 0;
  for (let i = row + 1; i > 0; i -= i & -i) sum += sums[i];
  return sum;
}

function addOne(sums: Uint32Array, row: number): void {
  for (let i = row + 1; i < sums.length; i += i & -i) sums[i]++;
}

/** A line through a column needs less room than a node. */
const STAND_IN_SHARE = 0.35;

function heightsOf(
  rows: readonly (readonly string[])[],
  before: Neighbours,
  after: Neighbours,
  standIns: ReadonlySet<string>,
  { nodeHeight, rowGap }: Spacing,
): ReadonlyMap<string, number> {
  const room = (item: string): number => (nodeHeight + rowGap) * (standIns.has(item) ? STAND_IN_SHARE : 1);
  const middle = new Map<string, number>();
  for (const items of rows) {
    let at = 0;
    for (const item of items) {
      middle.set(item, at + room(item) / 2);
      at += room(item);
    }
  }
  for (let round = 0; round < ALIGNMENTS; round++) {
    const order = round % 2 === 0 ? rows.keys() : [...rows.keys()].reverse();
    const towards = round % 2 === 0 ? before : after;
    for (const at of order) align(rows[at], towards, middle, room);
  }
  const upper = [...middle].map(([item, at]) => [item, Math.round(at - nodeHeight / 2)] as const);
  const least = Math.min(...upper.map(([, at]) => at), Infinity);
  return new Map(upper.map(([item, at]) => [item, at - least]));
}

interface Group {
  /** Of what its items want, less their offset in the group. */
  sum: number;
  count: number;
  readonly items: string[];
  size: number;
}

/**
 * Each item as near to the middle of its neighbours as its column allows: items that want the same place are
 * pooled, and the pool stands where it is best for all in it.
 */
function align(
  items: readonly string[],
  towards: Neighbours,
  middle: Map<string, number>,
  room: (item: string) => number,
): void {
  const groups: Group[] = [];
  for (const item of items) {
    const near = towards.get(item) ?? [];
    const wanted =
      near.length === 0
        ? (middle.get(item) ?? 0)
        : near.reduce((sum, one) => sum + (middle.get(one) ?? 0), 0) / near.length;
    const size = room(item);
    let group: Group = { sum: wanted - size / 2, count: 1, items: [item], size };
    for (let last = groups.at(-1); last && top(last) + last.size > top(group); last = groups.at(-1)) {
      groups.pop();
      group = {
        sum: last.sum + group.sum - last.size * group.count,
        count: last.count + group.count,
        items: [...last.items, ...group.items],
        size: last.size + group.size,
      };
    }
    groups.push(group);
  }
  for (const group of groups) {
    let at = top(group);
    for (const item of group.items) {
      middle.set(item, at + room(item) / 2);
      at += room(item);
    }
  }
}

function top({ sum, count }: Group): number {
  return sum / count;
}
