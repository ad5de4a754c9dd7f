/** Figures of a trace by operation or by service: how often, how long, how long itself, errors. */
import { selfNano } from './self-time.ts';
import type { Steps } from './steps.ts';
import { isError } from './tree.ts';
import type { TraceNode, TraceTree } from './tree.ts';

/** Durations are nanoseconds. Spans whose end lies before their start count with none. */
export interface SpanFigures {
  readonly serviceName: string;
  /** '' in figures by service. */
  readonly name: string;
  readonly count: number;
  readonly errorCount: number;
  readonly totalNano: number;
  /** Of the total, what no child covers. */
  readonly selfNano: number;
  /** Exact, by nearest rank. */
  readonly p50Nano: number;
  readonly p95Nano: number;
  readonly maxNano: number;
  readonly longest: TraceNode;
}

interface Group {
  readonly first: TraceNode;
  longest: TraceNode;
  readonly durations: number[];
  errorCount: number;
  selfNano: number;
}

const STEP_SPANS = 5_000;

export function* statisticsSteps(tree: TraceTree, by: 'operation' | 'service'): Steps<SpanFigures[]> {
  const groups = new Map<string, Group>();
  for (let i = 0; i < tree.nodes.length; i++) {
    if (i % STEP_SPANS === STEP_SPANS - 1) yield;
    const node = tree.nodes[i];
    const { serviceName, name } = node.span;
    const key = by === 'service' ? serviceName : `${serviceName}\0${name}`;
    let group = groups.get(key);
    if (group === undefined) {
      group = { first: node, longest: node, durations: [], errorCount: 0, selfNano: 0 };
      groups.set(key, group);
    }
    group.durations.push(lengthOf(node));
    group.selfNano += Number(selfNano(node));
    if (isError(node.span)) group.errorCount++;
    if (node.span.durationNano > group.longest.span.durationNano) group.longest = node;
  }
  const figures: SpanFigures[] = [];
  let since = 0;
  for (const group of groups.values()) {
    since += group.durations.length;
    if (since > STEP_SPANS) {
      yield;
      since = 0;
    }
    figures.push(figuresOf(group, by));
  }
  return figures;
}

function lengthOf({ span }: TraceNode): number {
  return span.durationNano > 0n ? Number(span.durationNano) : 0;
}

function figuresOf(
  { first, longest, durations, errorCount, selfNano: self }: Group,
  by: 'operation' | 'service',
): SpanFigures {
  const sorted = Float64Array.from(durations).sort();
  return {
    serviceName: first.span.serviceName,
    name: by === 'service' ? '' : first.span.name,
    count: sorted.length,
    errorCount,
    totalNano: sorted.reduce((sum, nano) => sum + nano, 0),
    selfNano: self,
    p50Nano: rank(sorted, 0.5),
    p95Nano: rank(sorted, 0.95),
    maxNano: sorted[sorted.length - 1],
    longest,
  };
}

function rank(sorted: Float64Array, share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)];
}
