/** What the map shows of all calls: the busiest ends, or the neighbourhood of one service. Pure. */
import type { OperationStats } from '../../src/store/span-store.ts';
import { callKey, endKey } from './calls.ts';
import type { Call, End } from './calls.ts';

export interface MapNode extends End {
  readonly key: string;
  /** Spans of a service; calls to what sends none. */
  readonly count: number;
  readonly errors: number;
}

/** One line between two ends: the calls of all kinds between them. */
export interface MapEdge {
  readonly key: string;
  readonly from: string;
  readonly to: string;
  readonly call: Call;
}

export interface MapGraph {
  readonly nodes: readonly MapNode[];
  readonly edges: readonly MapEdge[];
  /** Left out of the picture, for it would be unreadable; the least busy. */
  readonly hiddenNodes: number;
  readonly hiddenEdges: number;
  /** Services that neither call nor are called. */
  readonly alone: readonly MapNode[];
}

/** More than that is no picture any more, and takes seconds to draw. */
export const MOST_NODES = 200;
export const MOST_EDGES = 600;

export function mapGraph(
  calls: readonly Call[],
  stats: readonly OperationStats[],
  service: string | undefined,
): MapGraph {
  const near = service === undefined ? calls : neighbourhood(calls, service);
  const nodes = nodesOf(near, stats, service);
  const called = new Set(near.flatMap(({ from, to }) => [endKey(from), endKey(to)]));
  const alone = nodes.filter(({ key }) => !called.has(key));
  // Of a service without calls its own figures are the picture.
  const linked = service === undefined ? nodes.filter(({ key }) => called.has(key)) : nodes;
  const shown = linked.slice(0, MOST_NODES);
  const keys = new Set(shown.map(({ key }) => key));
  const edges = near
    .map((call) => ({ key: callKey(call), from: endKey(call.from), to: endKey(call.to), call }))
    .filter(({ from, to }) => keys.has(from) && keys.has(to));
  return {
    nodes: shown,
    edges: edges.slice(0, MOST_EDGES),
    hiddenNodes: linked.length - shown.length,
    hiddenEdges: near.length - Math.min(edges.length, MOST_EDGES),
    alone: service === undefined ? alone : [],
  };
}

/** What a service calls and what calls it, and the calls among these. */
export function neighbourhood(calls: readonly Call[], service: string): Call[] {
  const self = endKey({ kind: 'service', name: service });
  const near = new Set([self]);
  for (const { from, to } of calls) {
    if (endKey(from) === self) near.add(endKey(to));
    if (endKey(to) === self) near.add(endKey(from));
  }
  return calls.filter(({ from, to }) => near.has(endKey(from)) && near.has(endKey(to)));
}

/** The busiest first. */
function nodesOf(
  calls: readonly Call[],
  stats: readonly OperationStats[],
  service: string | undefined,
): MapNode[] {
  const known = new Map(stats.map((row) => [endKey({ kind: 'service', name: row.serviceName }), row]));
  const nodes = new Map<string, MapNode>();
  const add = (end: End, calls: number, errors: number): void => {
    const key = endKey(end);
    const row = known.get(key);
    const node = nodes.get(key);
    if (row !== undefined) {
      nodes.set(key, { ...end, key, count: row.count, errors: row.errorCount });
    } else {
      nodes.set(key, {
        ...end,
        key,
        count: (node?.count ?? 0) + calls,
        errors: (node?.errors ?? 0) + errors,
      });
    }
  };
  for (const { from, to, calls: count, errors } of calls) {
    add(from, 0, 0);
    add(to, count, errors);
  }
  for (const { serviceName } of stats) {
    if (service === undefined || service === serviceName) add({ kind: 'service', name: serviceName }, 0, 0);
  }
  return [...nodes.values()].toSorted((a, b) => b.count - a.count || (a.key < b.key ? -1 : 1));
}
