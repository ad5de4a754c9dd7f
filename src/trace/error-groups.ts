/**
 * Failures as groups, the origin before those who only pass it on: a span whose child failed too is counted with
 * the child's group, not with its own.
 */
import type { Occurrence } from './exceptions.ts';

export interface Tally {
  readonly name: string;
  readonly count: number;
}

/** Who passed a failure on, and as what. */
export interface PassedOn {
  readonly serviceName: string;
  readonly operation: string;
  /** The error that it showed itself: an exception's type, else the status message's pattern. */
  readonly as: string;
  readonly count: number;
}

export interface ErrorGroup {
  readonly id: string;
  readonly kind: Occurrence['kind'];
  readonly type: string;
  readonly pattern: string;
  readonly frame: string;
  /** Spans in which it began. */
  readonly count: number;
  /** Of those, spans that ended well. */
  readonly handled: number;
  readonly traces: number;
  readonly firstUnixNano: bigint;
  readonly lastUnixNano: bigint;
  /** Spans by time, over the range that `groupOccurrences` was given. */
  readonly trend: Float64Array;
  readonly services: readonly Tally[];
  readonly versions: readonly Tally[];
  readonly operations: readonly {
    readonly serviceName: string;
    readonly name: string;
    readonly count: number;
  }[];
  readonly passedOn: readonly PassedOn[];
  readonly passedOnCount: number;
  /** Newest first, at most SAMPLES. */
  readonly samples: readonly Occurrence[];
}

export interface Buckets {
  readonly startUnixNano: bigint;
  readonly stepNano: bigint;
  readonly count: number;
}

const SAMPLES = 25;
/** Names in a list of a group; a page has no room for more. */
const NAMES = 12;

/** `above` only passes on what began in group `below`, as whole traces showed. Keys: `above below`. */
export type Relations = ReadonlySet<string>;

/** The occurrence where each began, by its place in the list: itself, or one below it. */
export function originsOf(all: readonly Occurrence[], relations: Relations): Occurrence[] {
  const children = failedChildren(all);
  const origins = all.map((one) => leafBelow(one, children));
  if (relations.size === 0) return origins;
  const byTrace = Map.groupBy(new Set(origins), ({ traceId }) => traceId);
  return origins.map((origin) => {
    const others = byTrace.get(origin.traceId) ?? [];
    let at = origin;
    // As many steps as there are others: relations may go in a ring.
    for (let step = 0; step < others.length; step++) {
      const below = others.find((other) => relations.has(`${at.groupId} ${other.groupId}`));
      if (below === undefined || below === origin) break;
      at = below;
    }
    return at;
  });
}

/** The failure directly below each, by the occurrence above; of several the last to start. */
function failedChildren(all: readonly Occurrence[]): Map<Occurrence, Occurrence> {
  const byId = new Map(all.map((one) => [`${one.traceId}${one.spanId}`, one]));
  const children = new Map<Occurrence, Occurrence>();
  for (const one of all) {
    const parent = one.parentSpanId === '' ? undefined : byId.get(`${one.traceId}${one.parentSpanId}`);
    // One that ended well passed nothing on: its own exception is another.
    if (parent === undefined || parent === one || !parent.isError) continue;
    const known = children.get(parent);
    if (known === undefined || known.startUnixNano < one.startUnixNano) children.set(parent, one);
  }
  return children;
}

/** A trace may be 100,000 spans deep, and its parents a ring. */
const MAX_DEPTH = 1_000;

function leafBelow(one: Occurrence, children: ReadonlyMap<Occurrence, Occurrence>): Occurrence {
  let at = one;
  for (let depth = 0; depth < MAX_DEPTH; depth++) {
    const below = children.get(at);
    if (below === undefined || below === one) return at;
    at = below;
  }
  return at;
}

/** Traces in which several failures seem to have begun, the commonest combinations first: worth a look as a whole. */
export function unclearTraces(all: readonly Occurrence[], limit: number): string[] {
  const byTrace = Map.groupBy(new Set(originsOf(all, new Set())), ({ traceId }) => traceId);
  const kinds = new Map<string, { traceId: string; count: number }>();
  for (const [traceId, origins] of byTrace) {
    const groups = [...new Set(origins.map(({ groupId }) => groupId))].toSorted();
    if (groups.length < 2) continue;
    const key = groups.slice(0, NAMES).join(' ');
    const kind = kinds.get(key) ?? { traceId, count: 0 };
    kind.count++;
    kinds.set(key, kind);
  }
  return [...kinds.values()]
    .toSorted((a, b) => b.count - a.count)
    .slice(0, limit)
    .map(({ traceId }) => traceId);
}

/** Failures looked at in one trace; a loop that fails a thousand times says nothing new. */
const MAX_IN_TRACE = 64;

/** Which groups pass on which, seen in a whole trace: also where a span between them ended well. */
export function relationsIn(
  tree: { readonly byId: ReadonlyMap<string, { readonly index: number; readonly descendants: number }> },
  all: readonly Occurrence[],
  relations: Set<string>,
): void {
  const here = all.filter(({ spanId }) => tree.byId.has(spanId)).slice(0, MAX_IN_TRACE);
  for (const above of here) {
    const from = tree.byId.get(above.spanId);
    if (from === undefined || !above.isError) continue;
    for (const below of here) {
      const to = tree.byId.get(below.spanId);
      if (to === undefined || above.groupId === below.groupId) continue;
      const isBelow = to.index > from.index && to.index <= from.index + from.descendants;
      if (isBelow && !relations.has(`${below.groupId} ${above.groupId}`)) {
        relations.add(`${above.groupId} ${below.groupId}`);
      }
    }
  }
}

/** Largest first. */
export function groupOccurrences(
  all: readonly Occurrence[],
  relations: Relations,
  buckets: Buckets,
): ErrorGroup[] {
  const origins = originsOf(all, relations);
  const groups = new Map<string, { began: Occurrence[]; passed: Occurrence[] }>();
  all.forEach((one, i) => {
    const { groupId } = origins[i];
    let group = groups.get(groupId);
    if (group === undefined) groups.set(groupId, (group = { began: [], passed: [] }));
    (origins[i] === one ? group.began : group.passed).push(one);
  });
  return [...groups.values()]
    .filter(({ began }) => began.length > 0)
    .map(({ began, passed }) => groupOf(began, passed, buckets))
    .toSorted((a, b) => b.count - a.count || (a.id < b.id ? -1 : 1));
}

function groupOf(began: readonly Occurrence[], passed: readonly Occurrence[], buckets: Buckets): ErrorGroup {
  const newest = began.toSorted((a, b) => (a.startUnixNano > b.startUnixNano ? -1 : 1));
  const [{ groupId, kind, type, pattern, frame }] = began;
  return {
    id: groupId,
    kind,
    type,
    pattern,
    frame,
    count: began.length,
    handled: began.filter(({ isError }) => !isError).length,
    traces: new Set(began.map(({ traceId }) => traceId)).size,
    firstUnixNano: newest[newest.length - 1].startUnixNano,
    lastUnixNano: newest[0].startUnixNano,
    trend: trendOf(began, buckets),
    services: tally(began.map(({ serviceName }) => serviceName)),
    versions: tally(began.map(({ version }) => version).filter((version) => version !== '')),
    operations: pairs(began).map(({ a, b, count }) => ({ serviceName: a, name: b, count })),
    passedOn: passedOnOf(passed),
    passedOnCount: passed.length,
    samples: newest.slice(0, SAMPLES),
  };
}

function trendOf(began: readonly Occurrence[], { startUnixNano, stepNano, count }: Buckets): Float64Array {
  const trend = new Float64Array(count);
  for (const one of began) {
    const bucket = Number((one.startUnixNano - startUnixNano) / stepNano);
    trend[Math.min(Math.max(bucket, 0), count - 1)]++;
  }
  return trend;
}

function tally(names: readonly string[]): Tally[] {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts]
    .map(([name, count]) => ({ name, count }))
    .toSorted((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1))
    .slice(0, NAMES);
}

function pairs(began: readonly Occurrence[]): { a: string; b: string; count: number }[] {
  const byPair = Map.groupBy(began, (one) => JSON.stringify([one.serviceName, one.operation]));
  return [...byPair.values()]
    .map((of) => ({ a: of[0].serviceName, b: of[0].operation, count: of.length }))
    .toSorted((x, y) => y.count - x.count)
    .slice(0, NAMES);
}

function passedOnOf(passed: readonly Occurrence[]): PassedOn[] {
  const kinds = Map.groupBy(passed, (one) => JSON.stringify([one.serviceName, one.operation, one.groupId]));
  return [...kinds.values()]
    .map((of) => ({
      serviceName: of[0].serviceName,
      operation: of[0].operation,
      as: of[0].type || of[0].pattern,
      count: of.length,
    }))
    .toSorted((a, b) => b.count - a.count)
    .slice(0, NAMES);
}
