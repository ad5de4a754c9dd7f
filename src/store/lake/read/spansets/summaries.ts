/** Summaries of traces for which an expression holds: figures of the whole trace, and its spansets. */
import { MATCHED_SPANS_SHOWN } from '../../../../limits.ts';
import { STATUS_ERROR } from '../../../../span/span.ts';
import { spansOf } from '../../../../traceql/spanset.ts';
import { spansetsOf } from '../../../../traceql/spansets.ts';
import type { Spanset } from '../../../../traceql/spanset.ts';
import type { ServiceCount } from '../../../span-store.ts';
import type { MatchedTrace } from '../search/candidates.ts';
import { columnOf } from '../scan/cells.ts';
import type { RowAddress } from '../search/search.ts';
import type { Session } from '../session.ts';
import { openTraces } from './open.ts';
import type { OpenedTraces, SpansetQuestion } from './open.ts';
import type { WholeTrace } from './traces.ts';
import type { TraceIndexes } from '../search/trace-indexes.ts';

/** Of one trace: a group for each of its spans is nothing that anybody reads. */
const MAX_SPANSETS_SHOWN = 100;

/** Read at once. */
const BATCH = 512;

const SUMMARY_COLUMNS: readonly string[] = ['name', 'service_name', 'status_code'];

/** In the order of the ids; a trace that can't be read any more is left out. */
export async function summariesOf(
  session: Session,
  indexes: TraceIndexes,
  traceIds: readonly string[],
  question: SpansetQuestion,
): Promise<MatchedTrace[]> {
  const matched: MatchedTrace[] = [];
  for (let from = 0; from < traceIds.length; from += BATCH) {
    const ids = traceIds.slice(from, from + BATCH);
    const opened = await openTraces(session, indexes, ids, question, () => SUMMARY_COLUMNS);
    for (const [i, traceId] of ids.entries()) {
      const trace = opened.table.trace(i, question.analysis);
      const spansets = await session.step(() => spansetsOf(question.analysis.expression, trace));
      if (spansets.length > 0) matched.push(summaryOf(traceId, trace, spansets, opened));
      await session.breathe();
    }
  }
  return matched;
}

function summaryOf(
  traceId: string,
  trace: WholeTrace,
  spansets: readonly Spanset[],
  opened: OpenedTraces,
): MatchedTrace {
  const spans = spansOf(spansets);
  const addresses = new Map<number, RowAddress>();
  const shown = (of: readonly number[]): RowAddress[] =>
    of.slice(0, MATCHED_SPANS_SHOWN).map((span) => {
      const address = addresses.get(span) ?? opened.address(trace.first + span);
      addresses.set(span, address);
      return address;
    });
  const isSelector = trace.analysis.expression.kind === 'filter';
  const { root } = trace;
  return {
    summary: {
      traceId,
      rootServiceName: root < 0 ? '' : serviceOf(trace, root),
      rootName: root < 0 ? '' : trace.table.cells(trace.first + root).text('name'),
      startTimeUnixNano: trace.startUnixNano,
      durationNano: trace.durationNano,
      spanCount: trace.count,
      ...countsOf(trace),
      matchedCount: spans.length,
    },
    shown: shown(spans),
    ...(!isSelector && {
      spansets: spansets.slice(0, MAX_SPANSETS_SHOWN).map((spanset) => ({
        attributes: spanset.attributes,
        matchedCount: spanset.spans.length,
        shown: shown(spanset.spans),
      })),
    }),
  };
}

function serviceOf(trace: WholeTrace, span: number): string {
  return trace.table.cells(trace.first + span).text('service_name');
}

function countsOf(trace: WholeTrace): { errorCount: number; services: readonly ServiceCount[] } {
  const services = new Map<string, { -readonly [K in keyof ServiceCount]: ServiceCount[K] }>();
  let errorCount = 0;
  for (let span = 0; span < trace.count; span++) {
    const name = serviceOf(trace, span);
    let service = services.get(name);
    if (!service) services.set(name, (service = { name, spanCount: 0, errorCount: 0 }));
    service.spanCount++;
    const { block, row } = trace.table.cells(trace.first + span);
    if (columnOf(block, 'status_code', 'uint8').values[row] !== STATUS_ERROR) continue;
    service.errorCount++;
    errorCount++;
  }
  return { errorCount, services: [...services.values()] };
}
