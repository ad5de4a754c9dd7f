/** Calls counted by who calls whom. */
import type { Dependency } from '../../../span-store.ts';
import { Histogram, bucketOf } from './histogram.ts';

const PART = 64;

/** Edges as plain data: thousands of small arrays would hold the thread that receives them. */
export interface EdgeTable {
  readonly ends: readonly Ends[];
  readonly calls: Uint32Array;
  readonly errors: Uint32Array;
  /** Of the histograms: zeros, and high and low word of the longest. */
  readonly zeros: Uint32Array;
  readonly longest: Int32Array;
  /** By 64 the counts of the buckets of a power of two; whose they are, by 64 again, as `edge x 64 + power`. */
  readonly parts: Uint32Array;
  readonly partOwners: Uint32Array;
  /** There were more than MAX_EDGES: calls of the others are not counted. */
  readonly full: boolean;
}

/** Far more than a picture can show; services and databases of hostile names would fill the memory. */
export const MAX_EDGES = 10_000;

type Ends = Pick<Dependency, 'client' | 'server' | 'connectionType'>;

export interface Edge extends Ends {
  calls: number;
  errors: number;
  readonly histogram: Histogram;
}

export class Edges {
  /** Of edges that had no room, calls are not counted. */
  full = false;
  readonly #edges = new Map<string, Edge>();

  /** Undefined when there is no room for one more. */
  edge(client: string, server: string, connectionType: Dependency['connectionType']): Edge | undefined {
    const key = JSON.stringify([client, server, connectionType]);
    let edge = this.#edges.get(key);
    if (edge === undefined && this.#edges.size >= MAX_EDGES) this.full = true;
    else if (edge === undefined) {
      edge = { client, server, connectionType, calls: 0, errors: 0, histogram: new Histogram() };
      this.#edges.set(key, edge);
    }
    return edge;
  }

  merge(table: EdgeTable): void {
    this.full ||= table.full;
    const all = table.ends.map(({ client, server, connectionType }, i) => {
      const edge = this.edge(client, server, connectionType);
      if (edge === undefined) return undefined;
      edge.calls += table.calls[i];
      edge.errors += table.errors[i];
      const [maxHigh, maxLow] = [table.longest[i * 2], table.longest[i * 2 + 1] >>> 0];
      edge.histogram.merge({ count: table.calls[i], zeros: table.zeros[i], maxHigh, maxLow, parts: [] });
      return edge;
    });
    table.partOwners.forEach((owner, place) => {
      const to = all[Math.floor(owner / PART)]?.histogram.part((owner % PART) * PART);
      if (to === undefined) return;
      for (let i = 0; i < PART; i++) to[i] += table.parts[place * PART + i];
    });
  }

  table(): EdgeTable {
    const edges = this.all();
    const owners: number[] = [];
    const parts: Uint32Array[] = [];
    edges.forEach(({ histogram }, edge) => {
      histogram.parts.forEach((counts, power) => {
        if (counts === undefined) return;
        owners.push(edge * PART + power);
        parts.push(counts);
      });
    });
    const flat = new Uint32Array(parts.length * PART);
    parts.forEach((counts, place) => flat.set(counts, place * PART));
    return {
      ends: edges.map(({ client, server, connectionType }) => ({ client, server, connectionType })),
      calls: Uint32Array.from(edges, ({ calls }) => calls),
      errors: Uint32Array.from(edges, ({ errors }) => errors),
      zeros: Uint32Array.from(edges, ({ histogram }) => histogram.zeros),
      longest: Int32Array.from(edges.flatMap(({ histogram }) => [histogram.maxHigh, histogram.maxLow | 0])),
      parts: flat,
      partOwners: Uint32Array.from(owners),
      full: this.full,
    };
  }

  all(): Edge[] {
    return [...this.#edges.values()];
  }
}

/** One more call; `high` and `low` are the words of what it lasted. */
export function addCall(edge: Edge, isError: boolean, high: number, low: number): void {
  edge.calls++;
  if (isError) edge.errors++;
  edge.histogram.add(high, low);
}

/** A call that was counted is none. The longest stays what it was: quantiles are within a bucket all the same. */
export function removeCall(edge: Edge, isError: boolean, high: number, low: number): void {
  edge.calls--;
  if (isError) edge.errors--;
  const { histogram } = edge;
  const signed = high | 0;
  histogram.count--;
  if (signed < 0 || (signed === 0 && low === 0)) {
    histogram.zeros--;
    return;
  }
  const bucket = bucketOf(signed, low);
  const part = histogram.part(bucket);
  part[bucket & (part.length - 1)]--;
}

/** Most frequent first; by names where counts are equal, so that an answer does not depend on chance. */
export function dependenciesOf(edges: Edges): Dependency[] {
  return edges
    .all()
    .filter(({ calls }) => calls > 0)
    .map(({ client, server, connectionType, calls, errors, histogram }) => ({
      client,
      server,
      connectionType,
      calls,
      errors,
      p50Nano: histogram.quantileNano(0.5),
      p95Nano: histogram.quantileNano(0.95),
      p99Nano: histogram.quantileNano(0.99),
    }))
    .sort(
      (a, b) =>
        b.calls - a.calls ||
        compare(a.client, b.client) ||
        compare(a.server, b.server) ||
        compare(a.connectionType, b.connectionType),
    );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
