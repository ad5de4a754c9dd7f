/** Test support: the questions answered over plain spans, the slow and obvious way. */
import type { Span } from '../../../../span/span.ts';
import type { Query, SpansetFilter } from '../../../../traceql/ast.ts';
import { matches } from '../../../../traceql/evaluate.ts';
import { isMetrics } from '../../../../traceql/query.ts';
import { spansOf } from '../../../../traceql/spanset.ts';
import { spansetsOf } from '../../../../traceql/spansets.ts';
import type { Spanset, TraceSpans } from '../../../../traceql/spanset.ts';
import type { TraceStructure } from '../../../../traceql/structure.ts';
import type { SearchOrder, TimeRange } from '../../../span-store.ts';
import { SpanFields, TraceContext } from './trace-fields.ts';
import { traceDuration } from '../search/trace-duration.ts';

/** A trace, its spans in order of start, each once. */
export class NaiveTrace implements TraceSpans {
  readonly #context: TraceContext;

  constructor(
    readonly spans: readonly Span[],
    readonly range: TimeRange,
  ) {
    this.#context = new TraceContext(spans);
  }

  get count(): number {
    return this.spans.length;
  }

  get structure(): TraceStructure {
    return this.#context.structure;
  }

  inRange(span: number): boolean {
    const { startTimeUnixNano } = this.spans[span];
    return this.range.startUnixNano <= startTimeUnixNano && startTimeUnixNano < this.range.endUnixNano;
  }

  matches({ condition }: SpansetFilter, span: number): boolean {
    return matches(condition, this.fields(span));
  }

  fields(span: number): SpanFields {
    return new SpanFields(this.spans[span], this.#context);
  }
}

export function naiveSpans(
  spans: readonly Span[],
  query: Query,
  range: TimeRange,
  order: SearchOrder,
): Span[] {
  return [...byTrace(spans).values()]
    .flatMap((trace) => matchingSpans(trace, query, range))
    .sort((a, b) => compareBigInts(rank(a, order), rank(b, order)) || compareIds(a, b));
}

function matchingSpans(trace: readonly Span[], query: Query, range: TimeRange): Span[] {
  return spansOf(naiveSpansets(trace, query, range)).map((span) => trace[span]);
}

/** `trace` in order of start. */
export function naiveSpansets(trace: readonly Span[], { expression }: Query, range: TimeRange): Spanset[] {
  if (isMetrics(expression)) throw new Error('a metrics query gives no spansets');
  return spansetsOf(expression, new NaiveTrace(trace, range));
}

function rank(span: Span, order: SearchOrder): bigint {
  if (order === 'slowest') return -span.durationNano;
  return order === 'newest' ? -span.startTimeUnixNano : span.startTimeUnixNano;
}

export interface NaiveSummary {
  readonly traceId: string;
  readonly startTimeUnixNano: bigint;
  readonly durationNano: bigint;
  readonly spanCount: number;
  readonly errorCount: number;
  readonly matchedCount: number;
}

export function naiveTraces(
  spans: readonly Span[],
  query: Query,
  range: TimeRange,
  order: SearchOrder,
): NaiveSummary[] {
  const found: NaiveSummary[] = [];
  for (const [traceId, trace] of byTrace(spans)) {
    const matchedCount = matchingSpans(trace, query, range).length;
    if (matchedCount === 0) continue;
    found.push({
      traceId,
      startTimeUnixNano: trace[0].startTimeUnixNano,
      durationNano: traceDuration(trace),
      spanCount: trace.length,
      errorCount: trace.filter((span) => span.statusCode === 2).length,
      matchedCount,
    });
  }
  const value = (trace: NaiveSummary) => {
    if (order === 'slowest') return -trace.durationNano;
    return order === 'newest' ? -trace.startTimeUnixNano : trace.startTimeUnixNano;
  };
  return found.sort((a, b) => compareBigInts(value(a), value(b)) || (a.traceId < b.traceId ? -1 : 1));
}

/** Each trace in order of start. */
export function byTrace(spans: readonly Span[]): Map<string, Span[]> {
  const traces = new Map<string, Span[]>();
  const sorted = [...spans].sort(
    (a, b) => compareBigInts(a.startTimeUnixNano, b.startTimeUnixNano) || compareIds(a, b),
  );
  for (const span of sorted) traces.set(span.traceId, [...(traces.get(span.traceId) ?? []), span]);
  return traces;
}

function compareIds(a: Span, b: Span): number {
  return (
    compareTexts(a.traceId, b.traceId) ||
    compareTexts(a.spanId, b.spanId) ||
    compareBigInts(a.startTimeUnixNano, b.startTimeUnixNano) ||
    a.kind - b.kind
  );
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function compareBigInts(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Attributes as a set: a file gives promoted ones first. */
export function normal(span: Span): Span {
  const sorted = (list: Span['attributes']) => [...list].sort((a, b) => compareTexts(a.key, b.key));
  return {
    ...span,
    attributes: sorted(span.attributes),
    resource: { ...span.resource, attributes: sorted(span.resource.attributes) },
  };
}
