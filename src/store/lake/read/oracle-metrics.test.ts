/** Metrics queries held to DuckDB over the same files: every sample of every series. */
import { afterAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import type { MetricsQuery, Query } from '../../../traceql/ast.ts';
import type { TimeRange } from '../../span-store.ts';
import { spansArbitrary } from './testing/arbitrary-spans.ts';
import { OracleLake, PLACES, SHRUNK_IN_TIME, printable, ranges } from './testing/oracle-lake.ts';
import { metricsQuery } from './testing/random-queries.ts';
import { NotInSqlError } from './testing/sql-conditions.ts';
import { differenceOf, samplesOf, samplesOfCells, sqlCells } from './testing/sql-metrics.ts';
import type { SqlCell } from './testing/sql-metrics.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'spanlake-oracle-metrics-'));
const oracle = new OracleLake(dataDir);
afterAll(() => {
  oracle.close();
  rmSync(dataDir, { recursive: true });
});

const DATA_SETS = 20;
/** Of each, on average. */
const QUERIES = 30;
/** All that there are: 40 spans have no more groups. */
const MAX_SERIES = 1000;

const cases = fc
  .record({
    query: metricsQuery,
    range: ranges,
    // Starts are years apart in all of time, which is then one bucket.
    stepNano: fc.constantFrom(1n, 7n, 1000n),
    place: fc.constantFrom(...PLACES),
  })
  .map((one) => {
    const isBounded = one.range.startUnixNano > 0n;
    return { ...one, stepNano: isBounded ? one.stepNano : undefined };
  })
  .map(printable);

function metricsOf({ expression }: Query): MetricsQuery {
  if (expression.kind !== 'metrics') throw new Error(`a ${expression.kind} is no metrics query`);
  return expression;
}

/** Undefined where SQL can't say it. */
async function cellsOf(
  query: MetricsQuery,
  range: TimeRange,
  stepNano: bigint | undefined,
): Promise<SqlCell[] | undefined> {
  try {
    return await sqlCells(query, range, stepNano);
  } catch (error) {
    if (error instanceof NotInSqlError) return undefined;
    throw error;
  }
}

test('the same samples of the same series: our reader and DuckDB', async () => {
  const tally = { pairs: 0, inSql: 0, empty: 0 };
  await fc.assert(
    fc.asyncProperty(
      spansArbitrary,
      fc.array(cases, { minLength: 1, maxLength: 2 * QUERIES, size: 'max' }),
      async (spans, some) => {
        await oracle.load(spans);
        for (const { query, range, stepNano, place } of some) {
          const metrics = metricsOf(query);
          const cells = await cellsOf(metrics, range, stepNano);
          const question = { query, range, stepNano, maxSeries: MAX_SERIES, exemplars: 1 };
          const page = await oracle.at(place).reader.metrics('test', question);
          expect({ query: query.text, complete: page.complete }).toEqual({
            query: query.text,
            complete: true,
          });
          tally.pairs++;
          if (cells === undefined) continue;
          tally.inSql++;
          if (cells.length === 0) tally.empty++;
          const ours = samplesOf(page, metrics, stepNano === undefined);
          const difference = differenceOf(ours, samplesOfCells(cells, metrics, page.stepNano));
          expect({ query: query.text, place, difference }).toEqual({
            query: query.text,
            place,
            difference: '',
          });
        }
      },
    ),
    { numRuns: DATA_SETS, ...SHRUNK_IN_TIME },
  );
  expect(tally.pairs).toBeGreaterThan((DATA_SETS * QUERIES) / 2);
  expect(tally.inSql / tally.pairs).toBeGreaterThan(0.9);
  expect(tally.empty / tally.pairs).toBeLessThan(0.75);
}, 100_000);
