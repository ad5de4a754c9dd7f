/** Traces of which the scan decides what matches: which spans those are, and what a summary says. */
import { MATCHED_SPANS_SHOWN } from '../../../../limits.ts';
import { STATUS_ERROR } from '../../../../span/span.ts';
import type { Span } from '../../../../span/span.ts';
import type { FieldExpression } from '../../../../traceql/ast.ts';
import type { ServiceCount, SpansetSummary, TimeRange, TraceSummary } from '../../../span-store.ts';
import { orderedOnceInParts } from './order-spans.ts';
import { readSpans } from './search.ts';
import type { RowAddress } from './search.ts';
import type { Session } from '../session.ts';
import { traceDuration } from './trace-duration.ts';
import type { TraceIndexes } from './trace-indexes.ts';
import { traceSpans } from './trace-rows.ts';
import type { TraceSpan } from './trace-rows.ts';

/** A selector that asks for nothing outside of the span. */
export interface TraceCondition {
  readonly scan: FieldExpression | null;
  readonly range: TimeRange;
}

export interface MatchedTrace {
  readonly summary: Omit<TraceSummary, 'matched' | 'spansets'>;
  /** Where the first matching spans stand. */
  readonly shown: readonly RowAddress[];
  readonly spansets?: readonly (Omit<SpansetSummary, 'matched'> & {
    readonly shown: readonly RowAddress[];
  })[];
}

/** The traces among these that have a matching span. */
export async function judgeTraces(
  session: Session,
  indexes: TraceIndexes,
  traceIds: readonly string[],
  question: TraceCondition,
): Promise<MatchedTrace[]> {
  const judged: (MatchedTrace | undefined)[] = [];
  const filter = { condition: question.scan, range: question.range };
  for (const [traceId, spans] of await traceSpans(session, indexes, traceIds, filter)) {
    judged.push(judgeMarked(traceId, await orderedOnceInParts(spans, () => session.breathe())));
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

function summaryOf(
  traceId: string,
  spans: readonly TraceSpan[],
  matchedCount: number,
): MatchedTrace['summary'] {
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
  const shown = traces.flatMap(({ shown: first, spansets = [] }) => [
    ...first,
    ...spansets.flatMap((spanset) => spanset.shown),
  ]);
  const addresses = [...new Set(shown)];
  const read = await readSpans(session, addresses);
  const byAddress = new Map(addresses.map((address, i) => [address, read[i]]));
  const spansAt = (places: readonly RowAddress[]): Span[] =>
    places.map((place) => byAddress.get(place)).filter((span) => span !== undefined);
  return traces.map(({ summary, shown: first, spansets }) => ({
    ...summary,
    matched: spansAt(first),
    ...(spansets && {
      spansets: spansets.map(({ shown: places, ...rest }) => ({ ...rest, matched: spansAt(places) })),
    }),
  }));
}
