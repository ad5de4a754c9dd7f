/** Metrics queries held to DuckDB over the same files: every sample of every series. */
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import type { MetricsQuery, Query } from '../../../traceql/ast.ts';
import type { TimeRange } from '../../span-store.ts';
import { ORACLE_TIMEOUT_MS, PLACES, checkCases, isShort, oracleLake } from './testing/oracle-lake.ts';
import { printable, ranges } from './testing/oracle-lake.ts';
import { Tally } from './testing/oracle-tally.ts';
import { metricsQuery } from './testing/random-queries.ts';
import { NotInSqlError } from './testing/sql-conditions.ts';
import { differenceOf, samplesOf, samplesOfCells, sqlCells } from './testing/sql-metrics.ts';
import type { SqlCell } from './testing/sql-metrics.ts';

const oracle = oracleLake();

const DATA_SETS = 14;
/** Of each, on average. */
const QUERIES = 30;
/** All that there are: 40 spans have no more groups. */
const MAX_SERIES = 1000;

const cases = fc
  .record({
    query: metricsQuery,
    range: ranges,
    stepNano: fc.constantFrom(1n, 7n, 1000n),
    place: fc.constantFrom(...PLACES),
  })
  // Starts are days and years apart in longer ranges, which are then one bucket.
  .map((one) => ({ ...one, stepNano: isShort(one.range) ? one.stepNano : undefined }))
  .map(printable);

const OVER_TIME = ['count', 'sum', 'avg', 'min', 'max', 'quantile', 'histogram'];
const PARTS = ['rate', ...OVER_TIME.map((name) => `${name}_over_time`)];

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

test(
  'the same samples of the same series: our reader and DuckDB',
  async () => {
    const tally = new Tally();
    await checkCases(oracle, { cases, dataSets: DATA_SETS, queries: QUERIES }, async (_, some) => {
      for (const { query, range, stepNano, place } of some) {
        const { text } = query;
        const metrics = metricsOf(query);
        const cells = await cellsOf(metrics, range, stepNano);
        const question = { query, range, stepNano, maxSeries: MAX_SERIES, exemplars: 1 };
        const page = await oracle.at(place).reader.metrics('test', question);
        expect({ text, complete: page.complete }).toEqual({ text, complete: true });
        tally.add({ query, isInSql: cells !== undefined, isEmpty: cells?.length === 0 });
        if (cells === undefined) continue;
        const ours = samplesOf(page, metrics, stepNano === undefined);
        const difference = differenceOf(ours, samplesOfCells(cells, metrics, page.stepNano));
        expect({ text, place, difference }).toEqual({ text, place, difference: '' });
      }
    });
    tally.expectWorth({ pairs: DATA_SETS * QUERIES, maxEmpty: 0.45, parts: PARTS });
  },
  ORACLE_TIMEOUT_MS,
);
