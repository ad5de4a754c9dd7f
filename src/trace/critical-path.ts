/**
 * What the trace's time was spent on: from the end back, always through the child that finished last before the
 * moment reached, as CRISP (Uber, 2022) has it. What ran beside it could have been faster without effect.
 */
import type { Steps } from './steps.ts';
import type { Timing } from './timing.ts';
import type { TraceNode, TraceTree } from './tree.ts';

export interface CriticalPath {
  /** By a node's index: flat pairs `from, to` of the time that it held the trace up. */
  readonly parts: ReadonlyMap<number, readonly number[]>;
  /** By a node's index, 1 for a span on the path, also where its children held it up all the time. */
  readonly isOn: Uint8Array;
}

interface Visit {
  readonly node: TraceNode;
  /** The time for which this span answers: within its parent's, and no later than what came after it. */
  readonly from: number;
  readonly to: number;
}

/** Children sorted between two looks at the event loop. */
const STEP = 5_000;

export function* criticalPathSteps(tree: TraceTree, timing: Timing): Steps<CriticalPath> {
  const parts = new Map<number, number[]>();
  const isOn = new Uint8Array(tree.nodes.length);
  const stack: Visit[] = [];
  let looked = 0;
  // Roots follow each other as children of one span would; time between them is nobody's.
  lastFinishing(tree.roots, 0, timing.durationNano, timing, stack);
  for (let visit = stack.pop(); visit; visit = stack.pop()) {
    const { node, from, to } = visit;
    isOn[node.index] = 1;
    const own = lastFinishing(node.children, from, to, timing, stack);
    if (own.length > 0) parts.set(node.index, own);
    looked += node.children.length + 1;
    if (looked > STEP) {
      looked = 0;
      yield;
    }
  }
  return { parts, isOn };
}

/** Puts the children on the path into `visits`; the time between them is the span's own. */
function lastFinishing(
  children: readonly TraceNode[],
  from: number,
  to: number,
  { starts, ends }: Timing,
  visits: Visit[],
): number[] {
  const own: number[] = [];
  let moment = to;
  for (const node of byEnd(children, ends)) {
    if (moment <= from) break;
    const start = Math.max(starts[node.index], from);
    // One that outlives its parent counts up to the parent's end.
    const end = Math.min(ends[node.index], to);
    if (end > moment || start >= moment || end <= from) continue;
    if (end < moment) own.push(end, moment);
    visits.push({ node, from: start, to: end });
    moment = start;
  }
  if (moment > from) own.push(from, moment);
  return inTime(own);
}

/** Pairs turned around. */
function inTime(parts: readonly number[]): number[] {
  const turned: number[] = [];
  for (let i = parts.length - 2; i >= 0; i -= 2) turned.push(parts[i], parts[i + 1]);
  return turned;
}

/** The last to end first; of those that end at once the longest. */
function byEnd(children: readonly TraceNode[], ends: Float64Array): readonly TraceNode[] {
  if (children.length < 2) return children;
  return children.toSorted((a, b) => ends[b.index] - ends[a.index] || a.index - b.index);
}
