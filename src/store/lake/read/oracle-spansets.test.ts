/**
 * Structural and logical operations of spansets, and pipelines, held to DuckDB over the same files and to the
 * evaluation of whole traces in memory.
 */
import { expect, test } from 'bun:test';
import type { Query, SpansetExpression } from '../../../traceql/ast.ts';
import { isMetrics } from '../../../traceql/query.ts';
import type { SearchOrder, TimeRange } from '../../span-store.ts';
import { naiveSpans, naiveTraces } from './testing/naive.ts';
import { IDENTITY_SQL, ORACLE_TIMEOUT_MS, checkCases, identity, oracleLake } from './testing/oracle-lake.ts';
import { searchCases } from './testing/oracle-lake.ts';
import { Tally } from './testing/oracle-tally.ts';
import { spansetQuery } from './testing/random-queries.ts';
import { NotInSqlError } from './testing/sql-conditions.ts';
import { spansetRelation } from './testing/sql-spansets.ts';
import { plainRows } from './testing/sql-table.ts';

const oracle = oracleLake();

const DATA_SETS = 20;
/** Of each, on average. */
const QUERIES = 20;
const LIMIT = 1000;

const PARTS = [
  ...[
    '&&',
    '||',
    '>',
    '>>',
    '<',
    '<<',
    '~',
    '!>',
    '!>>',
    '!<',
    '!<<',
    '!~',
    '&>',
    '&>>',
    '&<',
    '&<<',
    '&~',
  ].map((operator) => `operation ${operator}`),
  ...['=', '!=', '>', '>=', '<', '<='].map((operator) => `scalar filter ${operator}`),
  ...['count', 'avg', 'min', 'max', 'sum'].map((name) => `aggregate ${name}`),
  'by',
  'coalesce',
  'select',
];

interface Found {
  readonly spans: readonly string[];
  /** `traceId matchedCount`, in no order. */
  readonly traces: readonly string[];
}

/** Undefined where SQL can't say it. */
async function inDuckdb(
  { expression }: Query,
  range: TimeRange,
  order: SearchOrder,
): Promise<Found | undefined> {
  if (isMetrics(expression)) throw new Error('a metrics query is no search');
  const sql = searchSql(expression, range, order);
  if (sql === undefined) return undefined;
  const rows = await plainRows(sql);
  const counts = new Map<string, number>();
  for (const { trace_id } of rows) counts.set(String(trace_id), (counts.get(String(trace_id)) ?? 0) + 1);
  return {
    spans: rows.map((row) => String(row.identity)),
    traces: [...counts].map(([id, count]) => `${id} ${count}`).toSorted(),
  };
}

function searchSql(expression: SpansetExpression, range: TimeRange, order: SearchOrder): string | undefined {
  try {
    const { tables, name } = spansetRelation(expression, range);
    return `${tables} SELECT s.trace_id, ${IDENTITY_SQL} AS identity FROM spans s
      WHERE s.rid IN (SELECT rid FROM ${name}) ORDER BY s.${order}`;
  } catch (error) {
    if (error instanceof NotInSqlError) return undefined;
    throw error;
  }
}

test(
  'the same spans and traces: our reader, DuckDB, an evaluation in memory',
  async () => {
    const tally = new Tally();
    const cases = searchCases(spansetQuery);
    await checkCases(oracle, { cases, dataSets: DATA_SETS, queries: QUERIES }, async (spans, some) => {
      for (const { query, range, order, place } of some) {
        const { reader } = oracle.at(place);
        const question = { query, range, order, limit: LIMIT };
        const { text } = query;
        const naive = naiveSpans(spans, query, range, order).map(identity);
        const page = await reader.searchSpans('test', question);
        const ours = { text, place, complete: page.complete, spans: page.spans.map(identity) };
        expect(ours).toEqual({ text, place, complete: true, spans: naive });
        const traces = (await reader.searchTraces('test', question)).traces.map(traceText);
        const expected = naiveTraces(spans, query, range, order).map(traceText);
        expect({ text, place, traces }).toEqual({ text, place, traces: expected });
        const duckdb = await inDuckdb(query, range, order);
        if (duckdb) expect({ text, ...duckdb }).toEqual({ text, spans: naive, traces: traces.toSorted() });
        tally.add({ query, isInSql: duckdb !== undefined, isEmpty: naive.length === 0 });
      }
    });
    tally.expectWorth({ pairs: DATA_SETS * QUERIES, maxEmpty: 0.6, parts: PARTS });
  },
  ORACLE_TIMEOUT_MS,
);

function traceText({
  traceId,
  matchedCount,
}: {
  readonly traceId: string;
  readonly matchedCount: number;
}): string {
  return `${traceId} ${matchedCount}`;
}
