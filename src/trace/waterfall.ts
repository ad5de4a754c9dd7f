/** The visible rows of a trace's waterfall: which spans stand where, with what collapsed, one window at a time. */
import { spanEnd } from './tree.ts';
import type { TraceNode, TraceTree } from './tree.ts';

export interface WaterfallOptions {
  /** Span ids whose children are hidden. */
  readonly collapsed: ReadonlySet<string>;
  /** First visible row wanted, counted from 0. */
  readonly from: number;
  readonly limit: number;
  /** A span that must lie in the window: moves `from` to the window that holds it. */
  readonly around?: string;
}

export interface WaterfallRow {
  readonly node: TraceNode;
  /** Place among the visible rows, from 0. */
  readonly row: number;
  /** Place among its siblings, from 1, and their number. */
  readonly position: number;
  readonly siblings: number;
  readonly expanded: boolean;
  /** Start and width of the bar as shares (0..1) of the trace's time. */
  readonly left: number;
  readonly width: number;
  /** Where events lie on the same scale. */
  readonly marks: readonly number[];
}

export interface Waterfall {
  readonly rows: readonly WaterfallRow[];
  readonly from: number;
  readonly visibleCount: number;
}

/** Marks drawn on one bar: more than this would be a solid line. */
const MAX_MARKS = 40;

export function waterfallRows(tree: TraceTree, options: WaterfallOptions): Waterfall {
  const visible = visibleNodes(tree, options.collapsed);
  const from = windowStart(visible, options);
  const nodes = visible.slice(from, from + options.limit);
  const positions = positionsOf(tree, nodes);
  const rows = nodes.map((node, i) =>
    toRow(tree, node, from + i, positions.get(node) ?? 1, options.collapsed),
  );
  return { rows, from, visibleCount: visible.length };
}

/** Pre-order with the insides of collapsed spans skipped in one step. */
function visibleNodes(tree: TraceTree, collapsed: ReadonlySet<string>): TraceNode[] {
  const visible: TraceNode[] = [];
  for (let i = 0; i < tree.nodes.length; i++) {
    const node = tree.nodes[i];
    visible.push(node);
    if (collapsed.has(node.span.spanId)) i += node.descendants;
  }
  return visible;
}

function windowStart(visible: readonly TraceNode[], options: WaterfallOptions): number {
  const last = Math.max(0, visible.length - 1);
  const at = options.around ? visible.findIndex((node) => node.span.spanId === options.around) : -1;
  const wanted = at >= 0 && (at < options.from || at >= options.from + options.limit) ? at : options.from;
  const clamped = Math.min(Math.max(0, wanted), last);
  return at >= 0 && clamped === at ? Math.floor(at / options.limit) * options.limit : clamped;
}

/** Computed for whole families at once: `indexOf` for each of 50,000 siblings would be quadratic. */
function positionsOf(tree: TraceTree, nodes: readonly TraceNode[]): Map<TraceNode, number> {
  const positions = new Map<TraceNode, number>();
  const families = new Set(nodes.map((node) => node.parent));
  for (const parent of families) {
    const family = parent ? parent.children : tree.roots;
    for (let i = 0; i < family.length; i++) positions.set(family[i], i + 1);
  }
  return positions;
}

function toRow(
  tree: TraceTree,
  node: TraceNode,
  row: number,
  position: number,
  collapsed: ReadonlySet<string>,
): WaterfallRow {
  const { span } = node;
  const left = share(tree, span.startTimeUnixNano);
  return {
    node,
    row,
    position,
    siblings: node.parent ? node.parent.children.length : tree.roots.length,
    expanded: node.descendants > 0 && !collapsed.has(span.spanId),
    left,
    width: share(tree, spanEnd(span)) - left,
    marks: span.events.slice(0, MAX_MARKS).map((event) => share(tree, event.timeUnixNano)),
  };
}

/** Where a moment lies between the trace's start and end, clamped: an event's clock may be off. */
function share(tree: TraceTree, unixNano: bigint): number {
  const length = Number(tree.endUnixNano - tree.startUnixNano);
  if (length <= 0) return 0;
  return Math.min(1, Math.max(0, Number(unixNano - tree.startUnixNano) / length));
}

/** Round steps for a ruler: at most `count` marks from 0, each a share of the whole. */
export function rulerTicks(
  durationNano: bigint,
  count: number,
): { readonly nano: bigint; readonly left: number }[] {
  if (durationNano <= 0n) return [{ nano: 0n, left: 0 }];
  let step = 1n;
  const factors = [2n, 5n, 10n];
  for (let i = 0; durationNano / step >= BigInt(count); i++) {
    step = 10n ** BigInt(Math.floor(i / 3)) * factors[i % 3];
  }
  const ticks = [];
  for (let nano = 0n; nano <= durationNano; nano += step) {
    ticks.push({ nano, left: Number(nano) / Number(durationNano) });
  }
  return ticks;
}
