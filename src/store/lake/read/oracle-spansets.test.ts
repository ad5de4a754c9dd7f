/**
 * Structural and logical operations of spansets, and pipelines, held to DuckDB over the same files and to the
 * evaluation of whole traces in memory.
 */
import { afterAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import type { Query, SpansetExpression } from '../../../traceql/ast.ts';
import { isMetrics } from '../../../traceql/query.ts';
import type { SearchOrder, TimeRange } from '../../span-store.ts';
import { duckdbRows } from '../testing/duckdb.ts';
import { spansArbitrary } from './testing/arbitrary-spans.ts';
import { naiveSpans, naiveTraces } from './testing/naive.ts';
import {
  IDENTITY_SQL,
  OracleLake,
  SHRUNK_IN_TIME,
  PLACES,
  identity,
  printable,
  ranges,
} from './testing/oracle-lake.ts';
import { spansetQuery } from './testing/random-queries.ts';
import { NotInSqlError } from './testing/sql-conditions.ts';
import { spansetRelation } from './testing/sql-spansets.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'spanlake-oracle-spansets-'));
const oracle = new OracleLake(dataDir);
afterAll(() => {
  oracle.close();
  rmSync(dataDir, { recursive: true });
});

const DATA_SETS = 14;
/** Of each, on average. */
const QUERIES = 40;
const LIMIT = 1000;

const cases = fc
  .record({
    query: spansetQuery,
    range: ranges,
    order: fc.constantFrom<SearchOrder>('newest', 'oldest', 'slowest'),
    place: fc.constantFrom(...PLACES),
  })
  .map(printable);

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
  const rows = await duckdbRows(sql);
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

test('the same spans and traces: our reader, DuckDB, an evaluation in memory', async () => {
  const tally = { pairs: 0, inSql: 0, empty: 0 };
  await fc.assert(
    fc.asyncProperty(
      spansArbitrary,
      fc.array(cases, { minLength: 1, maxLength: 2 * QUERIES, size: 'max' }),
      async (spans, some) => {
        await oracle.load(spans);
        for (const { query, range, order, place } of some) {
          const { reader } = oracle.at(place);
          const question = { query, range, order, limit: LIMIT };
          const { text } = query;
          const naive = naiveSpans(spans, query, range, order).map(identity);
          const page = await reader.searchSpans('test', question);
          expect({ text, place, complete: page.complete, spans: page.spans.map(identity) }).toEqual({
            text,
            place,
            complete: true,
            spans: naive,
          });
          const traces = (await reader.searchTraces('test', question)).traces.map(traceText);
          const expected = naiveTraces(spans, query, range, order).map(traceText);
          expect({ text, place, traces }).toEqual({ text, place, traces: expected });
          const duckdb = await inDuckdb(query, range, order);
          if (duckdb) expect({ text, ...duckdb }).toEqual({ text, spans: naive, traces: traces.toSorted() });
          tally.pairs++;
          if (duckdb) tally.inSql++;
          if (naive.length === 0) tally.empty++;
        }
      },
    ),
    { numRuns: DATA_SETS, ...SHRUNK_IN_TIME },
  );
  expect(tally.pairs).toBeGreaterThan((DATA_SETS * QUERIES) / 2);
  expect(tally.inSql / tally.pairs).toBeGreaterThan(0.9);
  expect(tally.empty / tally.pairs).toBeLessThan(0.85);
}, 100_000);

function traceText({
  traceId,
  matchedCount,
}: {
  readonly traceId: string;
  readonly matchedCount: number;
}): string {
  return `${traceId} ${matchedCount}`;
}
