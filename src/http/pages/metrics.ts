/** A metrics query on the search page: which steps and how many series a page shows. */
import { END_OF_TIME } from '../../span/time.ts';
import type { TimeRange } from '../../store/span-store.ts';
import type { MetricsExpression, Query } from '../../traceql/ast.ts';
import type { MetricsOutcome } from '../../../views/search/metrics.tsx';
import { closedRange, endedRange, roundStep } from '../api/step.ts';
import type { PageContext, PagesDeps } from './context.ts';

/** More rows than that nobody reads in a table; the API and the command line have more. */
const SERIES = 50;
/** Of each series: a few dots on its line, and links in its row. */
const EXEMPLARS = 3;

export async function metricsOutcome(
  deps: PagesDeps,
  context: PageContext,
  request: Request,
  asked: {
    readonly query: Query;
    readonly expression: MetricsExpression;
    readonly range: TimeRange;
    /** From when the range counts back, and where an open one ends. */
    readonly at: bigint;
    readonly explain: boolean;
  },
): Promise<MetricsOutcome> {
  const { query, expression, range, at, explain } = asked;
  const { store } = deps;
  const closed = await closedRange(store, context.projectId, range, { unixNano: at, signal: request.signal });
  const page = await store.metrics(context.projectId, {
    query,
    range: endedRange(range, at),
    stepNano: roundStep(closed),
    maxSeries: SERIES,
    exemplars: EXEMPLARS,
    signal: request.signal,
    explain,
  });
  const closedByClock = range.startUnixNano > 0n && range.endUnixNano === END_OF_TIME;
  return {
    kind: 'metrics',
    expression,
    page,
    asked: closedByClock
      ? closed
      : range.endUnixNano === END_OF_TIME
        ? { startUnixNano: 0n, endUnixNano: 0n }
        : range,
  };
}
