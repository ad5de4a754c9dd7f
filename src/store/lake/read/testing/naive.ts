/** Test support: the questions answered over plain spans, the slow and obvious way. */
import type { Span } from '../../../../span/span.ts';
import type { Query } from '../../../../traceql/ast.ts';
import { matches } from '../../../../traceql/evaluate.ts';
import type { SearchOrder, TimeRange } from '../../../span-store.ts';
import { SpanFields, TraceContext, traceDuration } from '../trace-fields.ts';

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
  const context = new TraceContext(trace);
  return trace.filter(
    (span) =>
      range.startUnixNano <= span.startTimeUnixNano &&
      span.startTimeUnixNano < range.endUnixNano &&
      matches(query.spanset.condition, new SpanFields(span, context)),
  );
}

function rank(span: Span, order: SearchOrder): bigint {
  if (order === 'slowest') return -span.durationNano;
  return order === 'newest' ? -span.startTimeUnixNano : span.startTimeUnixNano;
}

export interface NaiveTrace {
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
): NaiveTrace[] {
  const found: NaiveTrace[] = [];
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
  const value = (trace: NaiveTrace) => {
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
