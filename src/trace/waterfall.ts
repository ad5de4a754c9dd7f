/** The visible rows of a trace's waterfall: what stands where with what collapsed and folded, one window at a time. */
import { foldSimilar, MIN_SIMILAR, nodeKey, similarFigures, similarKey } from './fold.ts';
import type { SimilarFigures, SimilarSpans } from './fold.ts';
import type { Marks } from './matches.ts';
import type { Steps } from './steps.ts';
import type { Timing } from './timing.ts';
import type { TraceNode, TraceTree } from './tree.ts';

/** What decides which rows there are. */
export interface Shape {
  /** Levels that are open at first; 0 for all. */
  readonly levels: number;
  /** Services whose spans are collapsed at first. */
  readonly closed: ReadonlySet<string>;
  /** Keys (fold.ts) of spans and folds that stand otherwise than at first: spans are open, folds closed. */
  readonly toggled: ReadonlySet<string>;
  readonly folds: boolean;
  /** Spans that have rows; undefined for all. Closed upwards: with a span all above it. */
  readonly kept: Marks | undefined;
}

interface Row {
  readonly entry: TraceNode | SimilarSpans;
  /** 0 at the top; members of a fold stand one level below it. */
  readonly level: number;
  /** Place among its siblings, from 1, and their number. */
  readonly position: number;
  readonly siblings: number;
  readonly hasChildren: boolean;
  readonly open: boolean;
}

export interface Layout {
  readonly rows: readonly Row[];
  /** Spans that are kept, whether or not they are visible. */
  readonly keptCount: number;
}

export interface WaterfallRow extends Row {
  /** Place among the visible rows, from 0. */
  readonly row: number;
  readonly key: string;
  /** Of a fold. */
  readonly figures: SimilarFigures | undefined;
}

export interface Waterfall {
  readonly rows: readonly WaterfallRow[];
  readonly from: number;
  readonly visibleCount: number;
}

/** 0.1 to 0.3 µs a row: a step takes some 2 ms. */
const STEP = 8_192;

interface Family {
  readonly entries: readonly (TraceNode | SimilarSpans)[];
  readonly level: number;
  at: number;
}

export function* layoutSteps(tree: TraceTree, shape: Shape): Steps<Layout> {
  const rows: Row[] = [];
  const stack: Family[] = [{ entries: entriesOf(tree.roots, null, shape), level: 0, at: 0 }];
  for (let family = stack.at(-1); family; family = stack.at(-1)) {
    if (family.at === family.entries.length) {
      stack.pop();
      continue;
    }
    const { entries, level } = family;
    const entry = entries[family.at++];
    const below = childrenOf(entry, shape);
    const hasChildren = below.length > 0;
    const open = hasChildren && isOpen(entry, shape);
    rows.push({ entry, level, position: family.at, siblings: entries.length, hasChildren, open });
    if (rows.length % STEP === 0) yield;
    if (!open) continue;
    const folded = 'kind' in entry ? below : entriesOf(entry.children, entry, shape);
    stack.push({ entries: folded, level: level + 1, at: 0 });
  }
  return {
    rows,
    keptCount: shape.kept ? shape.kept.reduce((sum, mark) => sum + mark, 0) : tree.nodes.length,
  };
}

function entriesOf(
  siblings: readonly TraceNode[],
  parent: TraceNode | null,
  { folds, kept }: Shape,
): readonly (TraceNode | SimilarSpans)[] {
  const shown = kept ? siblings.filter(({ index }) => kept[index] === 1) : siblings;
  return folds ? foldSimilar(shown, parent) : shown;
}

function childrenOf(entry: TraceNode | SimilarSpans, { kept }: Shape): readonly TraceNode[] {
  if ('kind' in entry) return entry.members;
  if (kept === undefined || entry.children.length === 0) return entry.children;
  return entry.children.some(({ index }) => kept[index] === 1) ? entry.children : [];
}

function isOpen(entry: TraceNode | SimilarSpans, { levels, closed, toggled }: Shape): boolean {
  if ('kind' in entry) return toggled.has(entry.key);
  const atFirst = (levels === 0 || entry.depth + 1 < levels) && !closed.has(entry.span.serviceName);
  return toggled.size > 0 && toggled.has(nodeKey(entry)) ? !atFirst : atFirst;
}

/** What must be toggled so that the span has a row: whatever hides it, above it. */
export function revealed({ node, shape }: { node: TraceNode; shape: Shape }): ReadonlySet<string> {
  const toggled = new Set(shape.toggled);
  const flip = (key: string): void => {
    if (!toggled.delete(key)) toggled.add(key);
  };
  for (let below: TraceNode | null = node; below; below = below.parent) {
    const { parent } = below;
    if (parent && !isOpen(parent, shape)) flip(nodeKey(parent));
    if (!shape.folds || !parent || parent.children.length < MIN_SIMILAR) continue;
    const { serviceName, name } = below.span;
    const alike = parent.children.filter(
      ({ span, index }) =>
        span.serviceName === serviceName && span.name === name && shape.kept?.[index] !== 0,
    );
    const key = similarKey(below, parent);
    if (alike.length >= MIN_SIMILAR) toggled.add(key);
  }
  return toggled;
}

export interface WindowOptions {
  /** First visible row wanted, counted from 0. */
  readonly from: number;
  readonly limit: number;
  /** A span that must lie in the window: moves `from` to the window that holds it. */
  readonly around?: string;
}

export function waterfallWindow({ rows }: Layout, timing: Timing, options: WindowOptions): Waterfall {
  const from = windowStart(rows, options);
  const window = rows.slice(from, from + options.limit).map((row, i): WaterfallRow => {
    const { entry } = row;
    const figures = 'kind' in entry ? similarFigures(entry, timing) : undefined;
    const key = 'kind' in entry ? entry.key : row.hasChildren ? nodeKey(entry) : '';
    // Written out: 300 spreads of an object take a millisecond.
    return {
      entry,
      level: row.level,
      position: row.position,
      siblings: row.siblings,
      hasChildren: row.hasChildren,
      open: row.open,
      row: from + i,
      key,
      figures,
    };
  });
  return { rows: window, from, visibleCount: rows.length };
}

function windowStart(rows: readonly Row[], { from, limit, around }: WindowOptions): number {
  const last = Math.max(0, rows.length - 1);
  const at = around ? rows.findIndex(({ entry }) => !('kind' in entry) && entry.span.spanId === around) : -1;
  // A third of the window stands above it, so that one sees where it belongs.
  if (at >= 0 && (at < from || at >= from + limit)) return Math.max(0, at - Math.floor(limit / 3));
  return Math.min(Math.max(0, from), last);
}

/** Round steps for a ruler: at most `count` marks within `from .. to`, each a share of it. Nanoseconds. */
export function rulerTicks(
  from: bigint,
  to: bigint,
  count: number,
): { readonly nano: bigint; readonly left: number }[] {
  const length = to - from;
  if (length <= 0n) return [{ nano: from, left: 0 }];
  let step = 1n;
  const factors = [2n, 5n, 10n];
  for (let i = 0; length / step >= BigInt(count); i++) {
    step = 10n ** BigInt(Math.floor(i / 3)) * factors[i % 3];
  }
  const ticks = [];
  for (let nano = ((from + step - 1n) / step) * step; nano <= to; nano += step) {
    ticks.push({ nano, left: Number(nano - from) / Number(length) });
  }
  return ticks;
}
