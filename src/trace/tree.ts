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
  children: TraceNode[];
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
  /** The first node of each span id. */
  readonly byId: ReadonlyMap<string, TraceNode>;
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
  const steps = treeSteps(spans);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/** The same for the event loop that answers HTTP: `pause` is awaited between steps of some milliseconds. */
export async function buildTreeInSteps(
  spans: readonly Span[],
  pause: () => Promise<unknown>,
): Promise<TraceTree> {
  const steps = treeSteps(spans);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    await pause();
  }
}

/** 0.5 to 1 µs a span: a step of this many takes some 5 ms. */
const STEP_SPANS = 5_000;

type Steps<T> = Generator<undefined, T, undefined>;

function* treeSteps(spans: readonly Span[]): Steps<TraceTree> {
  const distinct = yield* distinctNodes(spans);
  const duplicates = spans.length - distinct.nodes.length;
  // Families keep the order in which they are filled, so that none has to be sorted on its own.
  const sorted = sortedByStart(distinct.nodes);
  for (let i = 0; i < sorted.length; i++) {
    if (i % STEP_SPANS === 0) yield;
    attach(sorted[i], distinct);
  }
  yield;
  let cycles = 0;
  for (const node of sorted) if (node.rootReason === 'cycle') cycles++;
  let roots = rootsOf(sorted);
  let nodes = inOrder(roots);
  // What no root leads to hangs on a ring.
  if (nodes.length < sorted.length) {
    yield;
    cycles += cutCycles(sorted);
    roots = rootsOf(sorted);
    yield;
    nodes = inOrder(roots);
  }
  yield;
  countBelow(nodes);
  yield;
  const { byId } = distinct;
  return { nodes, roots, byId, duplicateCount: duplicates, cycleCount: cycles, ...summarise(nodes, roots) };
}

/** Nine of ten spans are leaves: they share one list. */
const NO_CHILDREN: TraceNode[] = [];

/** Spans that share one id. Looked up, never searched: a broken sender gives all of its spans the same. */
interface SameId {
  readonly first: TraceNode;
  readonly identities: Set<string>;
  client: TraceNode | undefined;
  server: TraceNode | undefined;
  /** The first of each service. */
  readonly byService: Map<string, TraceNode>;
}

/** The first node of each id, and more about the few ids that several spans have. */
interface Distinct {
  readonly nodes: TraceNode[];
  readonly byId: ReadonlyMap<string, TraceNode>;
  readonly shared: ReadonlyMap<string, SameId>;
}

function* distinctNodes(spans: readonly Span[]): Steps<Distinct> {
  const nodes: TraceNode[] = [];
  const byId = new Map<string, TraceNode>();
  const shared = new Map<string, SameId>();
  for (let i = 0; i < spans.length; i++) {
    if (i > 0 && i % STEP_SPANS === 0) yield;
    const span = spans[i];
    const node: TraceNode = {
      span,
      index: nodes.length,
      parent: null,
      children: NO_CHILDREN,
      depth: 0,
      descendants: 0,
      errorsBelow: 0,
      rootReason: '',
    };
    const first = byId.get(span.spanId);
    if (!first) {
      byId.set(span.spanId, node);
    } else {
      let same = shared.get(span.spanId);
      if (!same) shared.set(span.spanId, (same = sameId(first)));
      if (!join(same, node)) continue;
    }
    nodes.push(node);
  }
  return { nodes, byId, shared };
}

function sameId(first: TraceNode): SameId {
  const same: SameId = {
    first,
    identities: new Set(),
    client: undefined,
    server: undefined,
    byService: new Map(),
  };
  join(same, first);
  return same;
}

/** False for a copy of a span that is there. */
function join(same: SameId, node: TraceNode): boolean {
  const { kind, startTimeUnixNano, serviceName } = node.span;
  const identity = `${kind} ${startTimeUnixNano} ${serviceName}`;
  if (same.identities.has(identity)) return false;
  same.identities.add(identity);
  if (kind === KIND_CLIENT) same.client ??= node;
  if (kind === KIND_SERVER) same.server ??= node;
  if (!same.byService.has(serviceName)) same.byService.set(serviceName, node);
  return true;
}

/** Stores answer in order of start: then only those that start at once are left to be ordered. */
function sortedByStart(nodes: readonly TraceNode[]): readonly TraceNode[] {
  let hasTies = false;
  for (let i = 1; i < nodes.length; i++) {
    const [before, start] = [nodes[i - 1].span.startTimeUnixNano, nodes[i].span.startTimeUnixNano];
    if (before > start) return sortByStart(nodes);
    if (before === start) hasTies = true;
  }
  return hasTies ? sortTies(nodes) : nodes;
}

function sortTies(nodes: readonly TraceNode[]): TraceNode[] {
  const sorted: TraceNode[] = [];
  for (let from = 0; from < nodes.length;) {
    const { startTimeUnixNano } = nodes[from].span;
    let to = from + 1;
    while (to < nodes.length && nodes[to].span.startTimeUnixNano === startTimeUnixNano) to++;
    if (to === from + 1) sorted.push(nodes[from]);
    else for (const node of nodes.slice(from, to).sort(byStart)) sorted.push(node);
    from = to;
  }
  return sorted;
}

/** Compares numbers where they can tell: an order of bigints takes five times as long. */
function sortByStart(nodes: readonly TraceNode[]): TraceNode[] {
  const base = nodes[0].span.startTimeUnixNano;
  const offsets = Float64Array.from(nodes, ({ span }) => Number(span.startTimeUnixNano - base));
  return nodes.toSorted((a, b) => offsets[a.index] - offsets[b.index] || byStart(a, b));
}

function attach(node: TraceNode, { byId, shared }: Distinct): void {
  const parent = sharedIdClient(node, shared) ?? parentOf(node, byId, shared);
  if (parent) {
    node.parent = parent;
    if (parent.children === NO_CHILDREN) parent.children = [node];
    else parent.children.push(node);
    return;
  }
  const { parentSpanId, spanId } = node.span;
  if (parentSpanId === '') node.rootReason = 'root';
  else node.rootReason = parentSpanId === spanId ? 'cycle' : 'orphan';
}

function rootsOf(nodes: readonly TraceNode[]): TraceNode[] {
  return nodes.filter((node) => node.parent === null);
}

/** The client span of the same id, when this is the server span of a shared pair. */
function sharedIdClient({ span }: TraceNode, shared: Distinct['shared']): TraceNode | undefined {
  if (span.kind !== KIND_SERVER || shared.size === 0) return undefined;
  return shared.get(span.spanId)?.client;
}

/** Of spans that share the parent's id, the one of the same service, else the server span. */
function parentOf(
  { span }: TraceNode,
  byId: Distinct['byId'],
  shared: Distinct['shared'],
): TraceNode | undefined {
  const { parentSpanId, spanId, serviceName } = span;
  if (parentSpanId === '' || parentSpanId === spanId) return undefined;
  const same = shared.size === 0 ? undefined : shared.get(parentSpanId);
  return same ? (same.byService.get(serviceName) ?? same.server ?? same.first) : byId.get(parentSpanId);
}

/** Cuts each ring of parents above its earliest span, which becomes a root. Linear: each node is left once. */
function cutCycles(nodes: readonly TraceNode[]): number {
  const state = new Map<TraceNode, 'walking' | 'done'>();
  let cycles = 0;
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

function byStart({ span: left }: TraceNode, { span: right }: TraceNode): number {
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
): Pick<TraceTree, 'startUnixNano' | 'endUnixNano' | 'depth' | 'errorCount' | 'orphanCount'> {
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
  return { startUnixNano, endUnixNano, depth, errorCount, orphanCount };
}

export function isError(span: Span): boolean {
  return span.statusCode === STATUS_ERROR;
}
