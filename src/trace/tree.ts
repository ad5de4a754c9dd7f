/**
 * The spans of one trace as a forest, whatever was sent: missing parents, cycles, a span delivered
 * twice, and a client and a server span that share one id (Zipkin's habit). Never recursive: a trace
 * may be 100,000 spans deep.
 */
import { STATUS_ERROR } from '../span/span.ts';
import type { Span } from '../span/span.ts';

/** Why a span stands at the top: it says so, its parent never came, or its ancestors form a ring. */
export type RootReason = 'root' | 'orphan' | 'cycle';

export interface TraceNode {
  readonly span: Span;
  /** Place in `TraceTree.nodes`: parents before their children, siblings by start. */
  index: number;
  parent: TraceNode | null;
  readonly children: TraceNode[];
  /** 0 at the top. */
  depth: number;
  /** Spans below this one. `index + 1 .. index + descendants` are those. */
  descendants: number;
  /** Errors below this one, so that a collapsed span can show them. */
  errorsBelow: number;
  /** '' for a span with a parent. */
  rootReason: RootReason | '';
}

export interface TraceTree {
  readonly nodes: readonly TraceNode[];
  readonly roots: readonly TraceNode[];
  readonly startUnixNano: bigint;
  readonly endUnixNano: bigint;
  readonly depth: number;
  readonly errorCount: number;
  /** Spans whose parent never came. */
  readonly orphanCount: number;
  /** Rings of parents that had to be cut. */
  readonly cycleCount: number;
  /** Copies left out: the same id, kind, service and start as another span. */
  readonly duplicateCount: number;
}

const KIND_SERVER = 2;
const KIND_CLIENT = 3;

/** The end of a span; never before its start, so that a negative duration draws as a point. */
export function spanEnd(span: Span): bigint {
  return span.durationNano > 0n ? span.startTimeUnixNano + span.durationNano : span.startTimeUnixNano;
}

export function buildTree(spans: readonly Span[]): TraceTree {
  const { nodes: unordered, duplicates } = distinctNodes(spans);
  const byId = groupById(unordered);
  for (const node of unordered) attach(node, byId);
  const cycles = cutCycles(unordered);
  const roots = unordered.filter((node) => node.parent === null).sort(byStart);
  for (const node of unordered) node.children.sort(byStart);
  const nodes = inOrder(roots);
  countBelow(nodes);
  return summarise(nodes, roots, duplicates, cycles);
}

function distinctNodes(spans: readonly Span[]): { nodes: TraceNode[]; duplicates: number } {
  const seen = new Set<string>();
  const nodes: TraceNode[] = [];
  for (const span of spans) {
    const identity = `${span.spanId} ${span.kind} ${span.startTimeUnixNano} ${span.serviceName}`;
    if (seen.has(identity)) continue;
    seen.add(identity);
    nodes.push({
      span,
      index: -1,
      parent: null,
      children: [],
      depth: 0,
      descendants: 0,
      errorsBelow: 0,
      rootReason: '',
    });
  }
  return { nodes, duplicates: spans.length - nodes.length };
}

function groupById(nodes: readonly TraceNode[]): Map<string, TraceNode[]> {
  const byId = new Map<string, TraceNode[]>();
  for (const node of nodes) {
    const same = byId.get(node.span.spanId);
    if (same) same.push(node);
    else byId.set(node.span.spanId, [node]);
  }
  return byId;
}

function attach(node: TraceNode, byId: ReadonlyMap<string, TraceNode[]>): void {
  const parent = sharedIdClient(node, byId) ?? parentOf(node, byId);
  if (parent) {
    node.parent = parent;
    parent.children.push(node);
    return;
  }
  const { parentSpanId, spanId } = node.span;
  if (parentSpanId === '') node.rootReason = 'root';
  else node.rootReason = parentSpanId === spanId ? 'cycle' : 'orphan';
}

/** The client span of the same id, when this is the server span of a shared pair. */
function sharedIdClient(node: TraceNode, byId: ReadonlyMap<string, TraceNode[]>): TraceNode | undefined {
  if (node.span.kind !== KIND_SERVER) return undefined;
  const same = byId.get(node.span.spanId);
  if (!same || same.length < 2) return undefined;
  return same.find((other) => other.span.kind === KIND_CLIENT);
}

/** Of spans that share the parent's id, the one of the same service, else the server span. */
function parentOf(node: TraceNode, byId: ReadonlyMap<string, TraceNode[]>): TraceNode | undefined {
  const { parentSpanId, spanId, serviceName } = node.span;
  if (parentSpanId === '' || parentSpanId === spanId) return undefined;
  const candidates = byId.get(parentSpanId);
  if (!candidates || candidates.length < 2) return candidates?.[0];
  return (
    candidates.find((candidate) => candidate.span.serviceName === serviceName) ??
    candidates.find((candidate) => candidate.span.kind === KIND_SERVER) ??
    candidates[0]
  );
}

/** Cuts each ring of parents above its earliest span, which becomes a root. Linear: each node is left once. */
function cutCycles(nodes: readonly TraceNode[]): number {
  const state = new Map<TraceNode, 'walking' | 'done'>();
  let cycles = nodes.filter((node) => node.rootReason === 'cycle').length;
  for (const start of nodes) {
    const path: TraceNode[] = [];
    let node: TraceNode | null = start;
    while (node && !state.has(node)) {
      state.set(node, 'walking');
      path.push(node);
      node = node.parent;
    }
    if (node && state.get(node) === 'walking') {
      cutAbove(
        path.slice(path.indexOf(node)).reduce((first, other) => (byStart(first, other) <= 0 ? first : other)),
      );
      cycles++;
    }
    for (const walked of path) state.set(walked, 'done');
  }
  return cycles;
}

function cutAbove(node: TraceNode): void {
  const siblings = node.parent?.children;
  siblings?.splice(siblings.indexOf(node), 1);
  node.parent = null;
  node.rootReason = 'cycle';
}

function byStart(a: TraceNode, b: TraceNode): number {
  const left = a.span;
  const right = b.span;
  if (left.startTimeUnixNano !== right.startTimeUnixNano) {
    return left.startTimeUnixNano < right.startTimeUnixNano ? -1 : 1;
  }
  if (left.durationNano !== right.durationNano) return left.durationNano > right.durationNano ? -1 : 1;
  return left.spanId < right.spanId ? -1 : left.spanId > right.spanId ? 1 : left.kind - right.kind;
}

function inOrder(roots: readonly TraceNode[]): TraceNode[] {
  const nodes: TraceNode[] = [];
  const stack = roots.toReversed();
  for (let node = stack.pop(); node; node = stack.pop()) {
    node.index = nodes.length;
    node.depth = node.parent ? node.parent.depth + 1 : 0;
    nodes.push(node);
    for (let i = node.children.length - 1; i >= 0; i--) stack.push(node.children[i]);
  }
  return nodes;
}

function countBelow(nodes: readonly TraceNode[]): void {
  for (let i = nodes.length - 1; i >= 0; i--) {
    const node = nodes[i];
    if (!node.parent) continue;
    node.parent.descendants += node.descendants + 1;
    node.parent.errorsBelow += node.errorsBelow + (isError(node.span) ? 1 : 0);
  }
}

function summarise(
  nodes: readonly TraceNode[],
  roots: readonly TraceNode[],
  duplicateCount: number,
  cycleCount: number,
): TraceTree {
  let startUnixNano = nodes[0]?.span.startTimeUnixNano ?? 0n;
  let endUnixNano = startUnixNano;
  let depth = 0;
  let errorCount = 0;
  for (const { span, depth: nodeDepth } of nodes) {
    if (span.startTimeUnixNano < startUnixNano) startUnixNano = span.startTimeUnixNano;
    const end = spanEnd(span);
    if (end > endUnixNano) endUnixNano = end;
    if (nodeDepth >= depth) depth = nodeDepth + 1;
    if (isError(span)) errorCount++;
  }
  const orphanCount = roots.filter((root) => root.rootReason === 'orphan').length;
  return {
    nodes,
    roots,
    startUnixNano,
    endUnixNano,
    depth,
    errorCount,
    orphanCount,
    cycleCount,
    duplicateCount,
  };
}

export function isError(span: Span): boolean {
  return span.statusCode === STATUS_ERROR;
}
