/**
 * Traces judged as wholes: which of their spans match, exactly, and what their summary says. A condition
 * about the span alone is decided by the scan; one about parents, roots or the trace needs all its spans.
 */
import { MATCHED_SPANS_SHOWN } from '../../../limits.ts';
import { STATUS_ERROR } from '../../../span/span.ts';
import type { Span } from '../../../span/span.ts';
import type { Analysis } from '../../../traceql/analyse.ts';
import type { FieldExpression } from '../../../traceql/ast.ts';
import { matches } from '../../../traceql/evaluate.ts';
import type { ServiceCount, TimeRange, TraceSummary } from '../../span-store.ts';
import { orderedOnce } from './order-spans.ts';
import { readSpans } from './search.ts';
import type { RowAddress } from './search.ts';
import type { Session } from './session.ts';
import { SpanFields, TraceContext, traceDuration } from './trace-fields.ts';
import type { TraceIndexes } from './trace-indexes.ts';
import { traceSpans, wholeTraces } from './trace-rows.ts';
import type { TraceSpan } from './trace-rows.ts';

/** What a search asks, analysed. */
export interface TraceCondition {
  /** The whole condition; `analysis.scan` is the part that a scan decides. */
  readonly condition: FieldExpression | null;
  readonly analysis: Analysis;
  readonly range: TimeRange;
}

type SummarySpan = Omit<TraceSpan, 'at'>;

interface MatchedTrace {
  readonly summary: Omit<TraceSummary, 'matched'>;
  /** The first matching spans: whole, or where they stand. */
  readonly shown: readonly (Span | RowAddress)[];
}

/** The traces among these that have a matching span. */
export async function judgeTraces(
  session: Session,
  indexes: TraceIndexes,
  traceIds: readonly string[],
  question: TraceCondition,
): Promise<MatchedTrace[]> {
  const judged: (MatchedTrace | undefined)[] = [];
  if (question.analysis.needsTrace) {
    for (const [traceId, spans] of await wholeTraces(session, indexes, traceIds)) {
      judged.push(judgeWhole(traceId, orderedOnce(spans), question));
    }
  } else {
    const filter = { condition: question.analysis.scan, range: question.range };
    for (const [traceId, spans] of await traceSpans(session, indexes, traceIds, filter)) {
      judged.push(judgeMarked(traceId, orderedOnce(spans)));
    }
  }
  return judged.filter((trace) => trace !== undefined);
}

function judgeMarked(traceId: string, spans: readonly TraceSpan[]): MatchedTrace | undefined {
  const matched = spans.filter((span) => span.matched);
  if (matched.length === 0) return undefined;
  return {
    summary: summaryOf(traceId, spans, matched.length),
    shown: matched.slice(0, MATCHED_SPANS_SHOWN).map((span) => span.at),
  };
}

function judgeWhole(
  traceId: string,
  spans: readonly Span[],
  question: TraceCondition,
): MatchedTrace | undefined {
  const matched = matchingSpans(spans, question);
  if (matched.length === 0) return undefined;
  return {
    summary: summaryOf(traceId, spans, matched.length),
    shown: matched.slice(0, MATCHED_SPANS_SHOWN),
  };
}

/** `spans`: a whole trace in order of start. */
export function matchingSpans(spans: readonly Span[], { condition, range }: TraceCondition): Span[] {
  const context = new TraceContext(spans);
  return spans.filter(
    (span) =>
      span.startTimeUnixNano >= range.startUnixNano &&
      span.startTimeUnixNano < range.endUnixNano &&
      matches(condition, new SpanFields(span, context)),
  );
}

function summaryOf(
  traceId: string,
  spans: readonly Omit<SummarySpan, 'matched'>[],
  matchedCount: number,
): Omit<TraceSummary, 'matched'> {
  const root = spans.find((span) => span.parentSpanId === '');
  const services = new Map<string, { -readonly [K in keyof ServiceCount]: ServiceCount[K] }>();
  let errorCount = 0;
  for (const { serviceName, statusCode } of spans) {
    let service = services.get(serviceName);
    if (!service) services.set(serviceName, (service = { name: serviceName, spanCount: 0, errorCount: 0 }));
    service.spanCount++;
    if (statusCode !== STATUS_ERROR) continue;
    service.errorCount++;
    errorCount++;
  }
  return {
    traceId,
    rootServiceName: root?.serviceName ?? '',
    rootName: root?.name ?? '',
    startTimeUnixNano: spans[0].startTimeUnixNano,
    durationNano: traceDuration(spans),
    spanCount: spans.length,
    errorCount,
    services: [...services.values()],
    matchedCount,
  };
}

/** Reads the shown spans of all traces at once, so that each row group is decoded once. */
export async function finishSummaries(
  session: Session,
  traces: readonly MatchedTrace[],
): Promise<TraceSummary[]> {
  const addresses = traces.flatMap(({ shown }) => shown.filter((each) => 'source' in each));
  const read = await readSpans(session, addresses);
  let next = 0;
  return traces.map(({ summary, shown }) => {
    const matched = shown.map((each) => ('source' in each ? read[next++] : each));
    return { ...summary, matched: matched.filter((span) => span !== undefined) };
  });
}
