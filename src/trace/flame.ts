/**
 * A trace added up by path: spans of the same service and name below the same path are one. What a flame graph
 * draws, and what two traces are compared by. Durations are numbers of nanoseconds, times count from the trace's
 * start.
 */
import { selfNano } from './self-time.ts';
import type { Steps } from './steps.ts';
import { isError, spanEnd } from './tree.ts';
import type { TraceNode, TraceTree } from './tree.ts';

export interface FlamePath {
  /** 16 hex digits, from the services and names on the way from the root: the same in every trace. */
  readonly id: string;
  readonly serviceName: string;
  readonly name: string;
  /** 0 at the top. */
  readonly depth: number;
  readonly parent: FlamePath | null;
  /** By first start. */
  readonly children: FlamePath[];
  /** The first of its spans. */
  readonly first: TraceNode;
  count: number;
  errorCount: number;
  totalNano: number;
  /** Of the totals, what no child covers. */
  selfNano: number;
  /** Self time of this path and all below. */
  weight: number;
  firstStartNano: number;
  lastEndNano: number;
}

export interface FlameGraph {
  /** Parents before their children. */
  readonly paths: readonly FlamePath[];
  readonly roots: readonly FlamePath[];
  readonly byId: ReadonlyMap<string, FlamePath>;
  readonly weight: number;
}

/** Some 2 µs a span. */
const STEP_SPANS = 4_000;

interface Family {
  readonly path: FlamePath;
  readonly byKey: Map<string, Family>;
}

export function* flameSteps(tree: TraceTree): Steps<FlameGraph> {
  const paths: FlamePath[] = [];
  const roots: FlamePath[] = [];
  const rootFamilies = new Map<string, Family>();
  const families: Family[] = [];
  for (let i = 0; i < tree.nodes.length; i++) {
    if (i % STEP_SPANS === STEP_SPANS - 1) yield;
    const node = tree.nodes[i];
    const parent = node.parent ? families[node.parent.index] : undefined;
    const siblings = parent ? parent.byKey : rootFamilies;
    const key = `${node.span.serviceName}\0${node.span.name}`;
    let family = siblings.get(key);
    if (family === undefined) {
      const path = newPath(node, key, parent?.path ?? null);
      (parent ? parent.path.children : roots).push(path);
      family = { path, byKey: new Map() };
      siblings.set(key, family);
      paths.push(path);
    }
    families.push(family);
    add(family.path, node, tree.startUnixNano);
  }
  yield;
  for (let i = paths.length - 1; i >= 0; i--) {
    const path = paths[i];
    path.weight += path.selfNano;
    if (path.parent) path.parent.weight += path.weight;
  }
  yield;
  const byId = new Map(paths.map((path) => [path.id, path]));
  const weight = roots.reduce((sum, root) => sum + root.weight, 0);
  return { paths, roots, byId, weight };
}

function newPath(first: TraceNode, key: string, parent: FlamePath | null): FlamePath {
  return {
    id: hash64(parent?.id ?? '', key),
    serviceName: first.span.serviceName,
    name: first.span.name,
    depth: parent ? parent.depth + 1 : 0,
    parent,
    children: [],
    first,
    count: 0,
    errorCount: 0,
    totalNano: 0,
    selfNano: 0,
    weight: 0,
    firstStartNano: Infinity,
    lastEndNano: 0,
  };
}

function add(path: FlamePath, node: TraceNode, traceStart: bigint): void {
  const { span } = node;
  path.count++;
  if (isError(span)) path.errorCount++;
  if (span.durationNano > 0n) path.totalNano += Number(span.durationNano);
  path.selfNano += Number(selfNano(node));
  path.firstStartNano = Math.min(path.firstStartNano, Number(span.startTimeUnixNano - traceStart));
  path.lastEndNano = Math.max(path.lastEndNano, Number(spanEnd(span) - traceStart));
}

/** Two FNV-1a of 32 bits: names an entry in an address, no more. */
function hash64(parentId: string, key: string): string {
  let low = 0x811c9dc5;
  let high = 0x9747b28c;
  for (const text of [parentId, key]) {
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      low = Math.imul(low ^ unit, 0x01000193);
      high = Math.imul(high ^ unit, 0x85ebca6b) ^ (high >>> 13);
    }
  }
  return hex32(high) + hex32(low);
}

function hex32(value: number): string {
  return (value >>> 0).toString(16).padStart(8, '0');
}

/** A path where it is drawn. */
export interface FlameFrame {
  readonly path: FlamePath;
  /** Shares (0..1) of the width. */
  readonly left: number;
  readonly width: number;
  /** Row, from the top. */
  readonly row: number;
}

export interface FlameLayout {
  readonly frames: readonly FlameFrame[];
  readonly rows: number;
  /** Paths below the focus that are too narrow or too deep to be drawn. */
  readonly hidden: number;
}

export interface FlameBounds {
  readonly minShare: number;
  readonly maxRows: number;
  readonly maxFrames: number;
}

/** `focus` fills the width, below its ancestors. Widest first, so that what is left out is the narrowest of a row. */
export function layoutFlame(
  graph: FlameGraph,
  focus: FlamePath | undefined,
  { minShare, maxRows, maxFrames }: FlameBounds,
): FlameLayout {
  const frames: FlameFrame[] = [];
  for (let path = focus?.parent ?? null; path; path = path.parent)
    frames.push({ path, left: 0, width: 1, row: 0 });
  // Of a deep path the nearest ancestors are enough: each leads further up.
  frames.splice(MAX_ANCESTORS);
  const above = frames.length;
  frames.reverse().forEach((frame, row) => (frames[row] = { ...frame, row }));
  const tops = focus ? [focus] : graph.roots;
  const whole = sizeOf(tops);
  let hidden = 0;
  let rows = above;
  let level = place(tops, 0, 1, whole, above);
  for (let row = above; level.length > 0; row++) {
    const next: FlameFrame[] = [];
    for (const frame of level) {
      if (frame.width < minShare || row - above >= maxRows || frames.length >= maxFrames) {
        hidden += 1;
        continue;
      }
      frames.push(frame);
      rows = row + 1;
      const { children } = frame.path;
      if (children.length === 0) continue;
      const inner = sizeOf(children);
      const size = Math.max(sizeOf([frame.path]), inner);
      next.push(
        ...place(
          children,
          frame.left,
          size === 0 ? frame.width : (frame.width * inner) / size,
          inner,
          row + 1,
        ),
      );
    }
    level = next;
  }
  return { frames, rows, hidden };
}

const MAX_ANCESTORS = 12;

/** Traces of spans without any duration are drawn by their number. */
function sizeOf(paths: readonly FlamePath[]): number {
  return paths.reduce((sum, path) => sum + path.weight, 0);
}

function place(
  paths: readonly FlamePath[],
  from: number,
  width: number,
  whole: number,
  row: number,
): FlameFrame[] {
  let left = from;
  return paths.map((path) => {
    const own = whole === 0 ? width / paths.length : (width * path.weight) / whole;
    const frame = { path, left, width: own, row };
    left += own;
    return frame;
  });
}
