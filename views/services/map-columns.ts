/** Which column each node of the map stands in, and what an edge passes on its way. Pure. */

export interface LayoutEdge {
  readonly key: string;
  readonly from: string;
  readonly to: string;
}

export interface LaidEdge {
  readonly key: string;
  /** `back`: against the direction of the columns; `within`: both ends stand in one column. */
  readonly way: 'forth' | 'back' | 'within';
  /** From left to right: a node, a stand-in for each column between, a node. */
  readonly path: readonly string[];
}

export interface Columns {
  /** Nodes and stand-ins of each column, by name. */
  readonly columns: readonly (readonly string[])[];
  readonly edges: readonly LaidEdge[];
  /** What is a stand-in for an edge. */
  readonly standIns: ReadonlySet<string>;
}

export function columnsOf(keys: readonly string[], edges: readonly LayoutEdge[]): Columns {
  const sorted = keys.toSorted();
  const lines = edges.filter(({ from, to }) => from !== to).toSorted((a, b) => (a.key < b.key ? -1 : 1));
  const column = columnNumbers(sorted, lines);
  const columns: string[][] = [];
  const put = (item: string, at: number): void => {
    (columns[at] ??= []).push(item);
  };
  for (const key of sorted) put(key, column.get(key) ?? 0);
  const standIns = new Set<string>();
  const laid = lines.map(({ key, from, to }): LaidEdge => {
    const [there, back] = [column.get(from) ?? 0, column.get(to) ?? 0];
    if (there === back) return { key, way: 'within', path: [from, to] };
    const [left, right] = there < back ? [from, to] : [to, from];
    const path = [left];
    for (let at = Math.min(there, back) + 1; at < Math.max(there, back); at++) {
      const standIn = `\0${at}\0${key}`;
      standIns.add(standIn);
      put(standIn, at);
      path.push(standIn);
    }
    path.push(right);
    return { key, way: there < back ? 'forth' : 'back', path };
  });
  return { columns: Array.from(columns, (items) => items ?? []), edges: laid, standIns };
}

/** Those that lead back to where the search from the callers came from. No recursion: a chain may be long. */
function edgesOfCycles(keys: readonly string[], edges: readonly LayoutEdge[]): Set<string> {
  const out = new Map<string, LayoutEdge[]>(keys.map((key) => [key, []]));
  const calledBy = new Map<string, number>(keys.map((key) => [key, 0]));
  for (const edge of edges) {
    out.get(edge.from)?.push(edge);
    calledBy.set(edge.to, (calledBy.get(edge.to) ?? 0) + 1);
  }
  const surplus = (key: string): number => (out.get(key)?.length ?? 0) - (calledBy.get(key) ?? 0);
  // Where nobody is called by none, the one that calls most more than it is called comes first.
  const roots = keys.toSorted(
    (a, b) =>
      Number(calledBy.get(a) !== 0) - Number(calledBy.get(b) !== 0) ||
      surplus(b) - surplus(a) ||
      (a < b ? -1 : 1),
  );
  const state = new Map<string, 'open' | 'done'>();
  const back = new Set<string>();
  for (const root of roots) {
    if (state.has(root)) continue;
    state.set(root, 'open');
    const stack = [{ key: root, next: 0 }];
    while (stack.length > 0) {
      const top = stack[stack.length - 1];
      const edge = out.get(top.key)?.[top.next++];
      if (edge === undefined) {
        state.set(top.key, 'done');
        stack.pop();
      } else if (state.get(edge.to) === 'open') {
        back.add(edge.key);
      } else if (!state.has(edge.to)) {
        state.set(edge.to, 'open');
        stack.push({ key: edge.to, next: 0 });
      }
    }
  }
  return back;
}

/** Wider than that nobody follows a call from end to end; services that all call each other get there. */
const MOST_COLUMNS = 12;

function columnNumbers(keys: readonly string[], edges: readonly LayoutEdge[]): ReadonlyMap<string, number> {
  const back = edgesOfCycles(keys, edges);
  const forward = edges.map((edge) =>
    back.has(edge.key) ? { ...edge, from: edge.to, to: edge.from } : edge,
  );
  const farthest = fromFarthest(keys, forward);
  return Math.max(0, ...farthest.values()) < MOST_COLUMNS ? farthest : fromNearest(keys, forward);
}

/** One right of the farthest caller; who is called by none stands right before the nearest that it calls. */
function fromFarthest(keys: readonly string[], edges: readonly LayoutEdge[]): Map<string, number> {
  const out = new Map<string, string[]>(keys.map((key) => [key, []]));
  const waiting = new Map<string, number>(keys.map((key) => [key, 0]));
  for (const { from, to } of edges) {
    out.get(from)?.push(to);
    waiting.set(to, (waiting.get(to) ?? 0) + 1);
  }
  const column = new Map<string, number>(keys.map((key) => [key, 0]));
  const roots = keys.filter((key) => waiting.get(key) === 0);
  const ready = [...roots];
  for (let at = 0; at < ready.length; at++) {
    for (const to of out.get(ready[at]) ?? []) {
      column.set(to, Math.max(column.get(to) ?? 0, (column.get(ready[at]) ?? 0) + 1));
      waiting.set(to, (waiting.get(to) ?? 1) - 1);
      if (waiting.get(to) === 0) ready.push(to);
    }
  }
  for (const root of roots) {
    const called = (out.get(root) ?? []).map((to) => column.get(to) ?? 0);
    if (called.length > 0) column.set(root, Math.min(...called) - 1);
  }
  return column;
}

/** One right of the nearest caller: calls to nearer columns run back. */
function fromNearest(keys: readonly string[], edges: readonly LayoutEdge[]): Map<string, number> {
  const out = new Map<string, string[]>(keys.map((key) => [key, []]));
  const called = new Set(edges.map(({ to }) => to));
  for (const { from, to } of edges) out.get(from)?.push(to);
  const ready = keys.filter((key) => !called.has(key));
  const column = new Map<string, number>(ready.map((key) => [key, 0]));
  for (let at = 0; at < ready.length; at++) {
    for (const to of out.get(ready[at]) ?? []) {
      if (column.has(to)) continue;
      column.set(to, (column.get(ready[at]) ?? 0) + 1);
      ready.push(to);
    }
  }
  return column;
}
