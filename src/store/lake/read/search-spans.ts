/** Spans in order, page by page. */
import type { Span } from '../../../span/span.ts';
import type { Query } from '../../../traceql/ast.ts';
import type { SearchOrder } from '../../span-store.ts';
import { matchingSpans } from './candidates.ts';
import type { TraceCondition } from './candidates.ts';
import { parseSpanCursor, spanCursor } from './cursor.ts';
import { longestOnce, orderedOnce } from './order-spans.ts';
import { valueOfRank } from './row-key.ts';
import type { RowKey } from './row-key.ts';
import { readFound, searchRows } from './search.ts';
import type { FoundRow } from './search.ts';
import type { Session } from './session.ts';
import { hexAt } from './texts.ts';
import type { TraceIndexes } from './trace-indexes.ts';
import { wholeTraces } from './trace-rows.ts';

export interface SpanQuestion extends TraceCondition {
  readonly query: Query;
  readonly order: SearchOrder;
  readonly limit: number;
  readonly cursor: string | undefined;
}

export interface SpanFindings {
  readonly spans: readonly Span[];
  readonly nextCursor: string | undefined;
}

export async function searchSpans(
  session: Session,
  indexes: TraceIndexes,
  question: SpanQuestion,
): Promise<SpanFindings> {
  const { query, order } = question;
  const after = question.cursor === undefined ? undefined : parseSpanCursor(question.cursor, query, order);
  const found = question.analysis.needsTrace
    ? await rowsByTrace(session, indexes, question, after)
    : await rowsByScan(session, question, after);
  const spans = await readFound(session, found.rows);
  return {
    spans: longestOnce(spans.filter((span) => span !== undefined)),
    nextCursor: found.resume && spanCursor(query, order, found.resume),
  };
}

interface Rows {
  readonly rows: readonly FoundRow[];
  /** The key behind which the next page begins; undefined when there is none. */
  readonly resume: RowKey | undefined;
}

async function rowsByScan(
  session: Session,
  question: SpanQuestion,
  after: RowKey | undefined,
): Promise<Rows> {
  const { analysis, range, order, limit } = question;
  const filter = { condition: analysis.scan, range };
  const { rows, more } = await searchRows(session, { filter, order, limit, after });
  return { rows, resume: more ? rows.at(-1) : undefined };
}

/** As many candidates at once as make their traces' row groups worth reading, and no page more than needed. */
const MIN_BATCH_ROWS = 256;
const MAX_BATCH_ROWS = 8192;

/** The scan gives a superset in order; whole traces tell which of them match. */
async function rowsByTrace(
  session: Session,
  indexes: TraceIndexes,
  question: SpanQuestion,
  start: RowKey | undefined,
): Promise<Rows> {
  const { analysis, range, order, limit } = question;
  const filter = { condition: analysis.scan, range };
  /** By trace: identities of its matching spans. */
  const matching = new Map<string, ReadonlySet<string>>();
  const rows: FoundRow[] = [];
  let after = start;
  for (let batch = Math.max(MIN_BATCH_ROWS, limit); ; batch = Math.min(batch * 2, MAX_BATCH_ROWS)) {
    const found = await searchRows(session, { filter, order, limit: batch, after });
    const ids = new Set(found.rows.map((row) => hexAt(row.ids, 0, 16)).filter((id) => !matching.has(id)));
    for (const [traceId, spans] of await wholeTraces(session, indexes, [...ids])) {
      const matched = matchingSpans(orderedOnce(spans), question);
      matching.set(traceId, new Set(matched.map((span) => identityOfSpan(span, order))));
    }
    // What was not read whole in time is left to the next page.
    if (session.isOverTime()) return { rows, resume: after };
    after = found.rows.at(-1);
    for (const row of found.rows) {
      if (matching.get(hexAt(row.ids, 0, 16))?.has(identityOfRow(row, order))) rows.push(row);
    }
    if (rows.length > limit) return { rows: rows.slice(0, limit), resume: rows[limit - 1] };
    if (!found.more) return { rows, resume: undefined };
  }
}

/** Within a trace; where rows are ranked by duration, versions of one span that differ in it are told apart. */
function identityOfSpan({ spanId, startTimeUnixNano, kind, durationNano }: Span, order: SearchOrder): string {
  const start = startTimeUnixNano.toString(16).padStart(16, '0');
  return `${spanId}${start} ${kind} ${order === 'slowest' ? durationNano : ''}`;
}

function identityOfRow(row: RowKey, order: SearchOrder): string {
  return `${hexAt(row.ids, 16, 16)} ${row.kind} ${order === 'slowest' ? valueOfRank(order, row) : ''}`;
}
