/** Spans in order, page by page. */
import type { Span } from '../../../../span/span.ts';
import type { FieldExpression, Query } from '../../../../traceql/ast.ts';
import type { SearchOrder, TimeRange } from '../../../span-store.ts';
import { parseSpanCursor, spanCursor } from './cursor.ts';
import { longestOnce } from './order-spans.ts';
import { ID_BYTES, valueOfRank } from '../scan/row-key.ts';
import type { Filter } from '../scan/scan.ts';
import { readFound, searchRows } from './search.ts';
import type { FoundRow, RowQuestion } from './search.ts';
import type { Session } from '../session.ts';
import { findSpansetRows } from '../spansets/find-spans.ts';
import type { SpansetRows } from '../spansets/find-spans.ts';
import { scanOf, spansetQuestion } from '../spansets/question.ts';
import { isShared } from '../spansets/runs.ts';
import { keysInBuffers } from '../spansets/shared.ts';
import { hexAt } from '../scan/texts.ts';
import type { TraceIndexes } from './trace-indexes.ts';
import { traceSpans } from './trace-rows.ts';

export interface SpanQuestion {
  readonly query: Query;
  readonly range: TimeRange;
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
  const { order, limit } = question;
  const after = question.cursor === undefined ? undefined : parseSpanCursor(question.cursor, question);
  const scan = scanOf(question.query);
  const found = scan
    ? await rowsByScan(session, indexes, { ...question, condition: scan.condition, after })
    : await findSpansetRows(session, indexes, { ...spansetQuestion(question), order, limit, after });
  const spans = await readFound(session, found.rows);
  return {
    spans: longestOnce(spans.filter((span) => span !== undefined)),
    nextCursor: found.resume && spanCursor(question, found.resume),
  };
}

interface ScanQuestion extends Omit<RowQuestion, 'filter'> {
  readonly condition: FieldExpression | null;
  readonly range: TimeRange;
}

async function rowsByScan(
  session: Session,
  indexes: TraceIndexes,
  { condition, range, order, limit, after }: ScanQuestion,
): Promise<SpansetRows> {
  const filter = { condition, range };
  if (order === 'slowest') return slowestRows(session, indexes, { filter, order, limit, after });
  const { rows, more, cutAt } = await searchRows(session, { filter, order, limit, after });
  return { rows, resume: cutAt ?? (more ? rows.at(-1) : undefined) };
}

/**
 * A span delivered again with another duration has another rank here, and counts with the longest alone: rows
 * of which a longer version matches are passed over.
 */
async function slowestRows(
  session: Session,
  indexes: TraceIndexes,
  { filter, order, limit, after: start }: RowQuestion,
): Promise<SpansetRows> {
  const kept: FoundRow[] = [];
  let after = start;
  for (;;) {
    const { rows, more, cutAt } = await searchRows(session, { filter, order, limit, after });
    kept.push(...(await longestVersions(session, indexes, rows, filter)));
    after = cutAt ?? rows.at(-1) ?? after;
    if (kept.length >= limit) {
      const isMore = more || kept.length > limit;
      const page = kept.slice(0, limit);
      return { rows: page, resume: isMore ? page[limit - 1] : undefined };
    }
    if (cutAt || !more) return { rows: kept, resume: cutAt };
  }
}

async function longestVersions(
  session: Session,
  indexes: TraceIndexes,
  rows: readonly FoundRow[],
  filter: Filter,
): Promise<FoundRow[]> {
  const traceIds = await repeatableTraces(session, indexes, rows);
  const longest = new Map<string, bigint>();
  for (const [traceId, spans] of await traceSpans(session, indexes, traceIds, filter)) {
    for (const span of spans) {
      if (!span.matched) continue;
      const start = span.startTimeUnixNano.toString(16).padStart(16, '0');
      const identity = `${traceId}${span.spanId}${start} ${span.kind}`;
      const known = longest.get(identity);
      if (known === undefined || known < span.durationNano) longest.set(identity, span.durationNano);
    }
  }
  return rows.filter((row) => {
    const known = longest.get(`${hexAt(row.ids, 0, ID_BYTES)} ${row.kind}`);
    return known === undefined || known <= valueOfRank('slowest', row);
  });
}

/** Traces of which a span may stand twice: not those that are in one file alone, made by a merge. */
async function repeatableTraces(
  session: Session,
  indexes: TraceIndexes,
  rows: readonly FoundRow[],
): Promise<string[]> {
  const found = new Set<string>();
  const inBuffers = await keysInBuffers(session);
  for (const { source, ids } of rows) {
    const isMerged = 'path' in source && source.level > 0;
    if (isMerged && !isShared(await indexes.shared.of(session, source, inBuffers), ids)) continue;
    found.add(hexAt(ids, 0, 16));
  }
  return [...found];
}
