/**
 * Selectors held to DuckDB over the same files, and to a naive evaluation: a thousand pairs of a query and
 * data. A mismatch is a bug of one of the three; fast-check prints the seed, and shrinks data and query.
 */
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { SCOPE_LIST } from '../../../traceql/arbitrary.ts';
import { INTRINSICS } from '../../../traceql/keywords.ts';
import { expectCondition } from '../../../traceql/query.ts';
import { naiveSpans } from './testing/naive.ts';
import { IDENTITY_SQL, ORACLE_TIMEOUT_MS, checkCases, identity, oracleLake } from './testing/oracle-lake.ts';
import { searchCases } from './testing/oracle-lake.ts';
import type { SearchCase } from './testing/oracle-lake.ts';
import { Tally } from './testing/oracle-tally.ts';
import { anyQuery, spanQuery } from './testing/random-conditions.ts';
import { rangeSql } from './testing/sql-spansets.ts';
import { plainRows } from './testing/sql-table.ts';
import { NotInSqlError, SPANS_WITH_PARENTS, conditionSql } from './testing/sql-conditions.ts';

const oracle = oracleLake();

const DATA_SETS = 16;
/** Of each, on average. */
const QUERIES = 60;
const LIMIT = 1000;

const cases = searchCases(fc.oneof({ weight: 1, arbitrary: spanQuery }, { weight: 1, arbitrary: anyQuery }));

const BINARY = ['=', '!=', '>', '>=', '<', '<=', '=~', '!~', '&&', '||', '+', '-', '*', '/', '%', '^'];
const LITERALS = ['string', 'int', 'float', 'bool', 'duration', 'status', 'kind', 'nil'];
const PARTS = [
  ...BINARY.map((operator) => `binary ${operator}`),
  'unary !',
  'unary -',
  ...SCOPE_LIST.map((scope) => `attribute ${scope}`),
  ...new Set(INTRINSICS.values().map((name) => `intrinsic ${name}`)),
  ...LITERALS.map((type) => `literal ${type}`),
];

/** The rows of each case in its order, `undefined` where SQL can't say the query. One scan for all. */
async function duckdbSpans(some: readonly SearchCase[]): Promise<(string[] | undefined)[]> {
  const predicates = some.map(predicateSql);
  const columns = predicates.map((predicate, i) => `${predicate ?? 'false'} AS q${i}`);
  const rows =
    await plainRows(`SELECT s.newest, s.oldest, s.slowest, ${IDENTITY_SQL} AS identity, ${columns.join(', ')}
    FROM ${SPANS_WITH_PARENTS}`);
  return some.map(({ order }, i) => {
    if (predicates[i] === undefined) return undefined;
    const found = rows.filter((row) => row[`q${i}`] === true);
    found.sort((a, b) => Number(a[order]) - Number(b[order]));
    return found.map((row) => String(row.identity));
  });
}

function predicateSql({ query, range }: SearchCase): string | undefined {
  try {
    return `(${rangeSql(range)} AND ${conditionSql(expectCondition(query))})`;
  } catch (error) {
    if (error instanceof NotInSqlError) return undefined;
    throw error;
  }
}

test(
  'the same spans in the same order: our reader, DuckDB, a naive evaluation',
  async () => {
    const tally = new Tally();
    await checkCases(oracle, { cases, dataSets: DATA_SETS, queries: QUERIES }, async (spans, some) => {
      const inSql = await duckdbSpans(some);
      for (const [i, { query, range, order, place }] of some.entries()) {
        const { text } = query;
        const page = await oracle.at(place).reader.searchSpans('test', { query, range, order, limit: LIMIT });
        const ours = { text, place, complete: page.complete, spans: page.spans.map(identity) };
        const naive = naiveSpans(spans, query, range, order).map(identity);
        expect(ours).toEqual({ text, place, complete: true, spans: naive });
        if (inSql[i]) expect({ text, spans: inSql[i] }).toEqual({ text, spans: naive });
        tally.add({ query, isInSql: inSql[i] !== undefined, isEmpty: naive.length === 0 });
      }
    });
    tally.expectWorth({ pairs: DATA_SETS * QUERIES, maxEmpty: 0.4, parts: PARTS });
  },
  ORACLE_TIMEOUT_MS,
);
