/**
 * Selectors held to DuckDB over the same files, and to a naive evaluation: thousands of pairs of a query and
 * data. A mismatch is a bug of one of the three; fast-check prints the seed, and shrinks data and query.
 */
import { afterAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import type { Span } from '../../../span/span.ts';
import type { Query } from '../../../traceql/ast.ts';
import { expectCondition } from '../../../traceql/query.ts';
import type { SearchOrder, TimeRange } from '../../span-store.ts';
import { duckdbRows } from '../testing/duckdb.ts';
import { anyQuery, spanQuery, spansArbitrary } from './testing/arbitrary-spans.ts';
import { naiveSpans } from './testing/naive.ts';
import {
  IDENTITY_SQL,
  OracleLake,
  SHRUNK_IN_TIME,
  PLACES,
  identity,
  printable,
  ranges,
} from './testing/oracle-lake.ts';
import type { Place } from './testing/oracle-lake.ts';
import { rangeSql } from './testing/sql-spansets.ts';
import { NotInSqlError, SPANS_WITH_PARENTS, conditionSql } from './testing/sql-conditions.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'spanlake-oracle-'));
const oracle = new OracleLake(dataDir);
afterAll(() => {
  oracle.close();
  rmSync(dataDir, { recursive: true });
});

const DATA_SETS = 36;
/** Of each, on average. */
const QUERIES = 60;
const LIMIT = 1000;

interface Case {
  readonly query: Query;
  readonly range: TimeRange;
  readonly order: SearchOrder;
  readonly place: Place;
}

const cases: fc.Arbitrary<Case> = fc
  .record({
    query: fc.oneof({ weight: 2, arbitrary: spanQuery }, { weight: 1, arbitrary: anyQuery }),
    range: ranges,
    order: fc.constantFrom<SearchOrder>('newest', 'oldest', 'slowest'),
    place: fc.constantFrom(...PLACES),
  })
  .map(printable);

/** The rows of each case in its order, `undefined` where SQL can't say the query. One scan for all. */
async function duckdbSpans(some: readonly Case[]): Promise<(string[] | undefined)[]> {
  const predicates = some.map(predicateSql);
  const columns = predicates.map((predicate, i) => `${predicate ?? 'false'} AS q${i}`);
  const rows =
    await duckdbRows(`SELECT s.newest, s.oldest, s.slowest, ${IDENTITY_SQL} AS identity, ${columns.join(', ')}
    FROM ${SPANS_WITH_PARENTS}`);
  return some.map(({ order }, i) => {
    if (predicates[i] === undefined) return undefined;
    const found = rows.filter((row) => row[`q${i}`] === true);
    found.sort((a, b) => Number(a[order]) - Number(b[order]));
    return found.map((row) => String(row.identity));
  });
}

function predicateSql({ query, range }: Case): string | undefined {
  try {
    return `(${rangeSql(range)} AND ${conditionSql(expectCondition(query))})`;
  } catch (error) {
    if (error instanceof NotInSqlError) return undefined;
    throw error;
  }
}

test('the same spans in the same order: our reader, DuckDB, a naive evaluation', async () => {
  const tally = { pairs: 0, inSql: 0, empty: 0 };
  await fc.assert(
    fc.asyncProperty(
      spansArbitrary,
      fc.array(cases, { minLength: 1, maxLength: 2 * QUERIES, size: 'max' }),
      async (spans: readonly Span[], some) => {
        await oracle.load(spans);
        const inSql = await duckdbSpans(some);
        for (const [i, { query, range, order, place }] of some.entries()) {
          const question = { query, range, order, limit: LIMIT };
          const page = await oracle.at(place).reader.searchSpans('test', question);
          const ours = { query: query.text, place, complete: page.complete, spans: page.spans.map(identity) };
          const naive = naiveSpans(spans, query, range, order).map(identity);
          expect(ours).toEqual({ query: query.text, place, complete: true, spans: naive });
          if (inSql[i])
            expect({ query: query.text, spans: inSql[i] }).toEqual({ query: query.text, spans: naive });
          tally.pairs++;
          if (inSql[i]) tally.inSql++;
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
