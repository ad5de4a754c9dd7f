/** How figures went over a range: three questions for a whole table, however many rows it has. */
import type { MetricsPage, TimeRange } from '../../store/span-store.ts';
import type { FieldExpression } from '../../traceql/ast.ts';
import { parseQuery } from '../../traceql/parse.ts';
import { printExpression } from '../../traceql/print.ts';
import { MOST_ROWS } from '../../../views/services/stats-view.ts';
import { gridOf, trendsOf } from '../../../views/services/trends.ts';
import type { Grid, Trends } from '../../../views/services/trends.ts';
import { endedRange, roundStep } from '../api/step.ts';
import type { PageContext, PagesDeps } from './context.ts';

export interface AskedTrends {
  /** Null: every span. */
  readonly condition: FieldExpression | null;
  readonly range: TimeRange;
  /** The same with its ends. */
  readonly closed: TimeRange;
  readonly signal: AbortSignal;
}

/** A course the size of a word has room for some 40 steps, a chart for 100. */
const STEPS_OF_A_CHART = 1n;
const FEWER_STEPS = 3n;

/** `by`: as TraceQL writes them. */
export async function askTrends(
  deps: PagesDeps,
  context: PageContext,
  asked: AskedTrends,
  by: string,
): Promise<Trends> {
  const grid = gridFor(asked, FEWER_STEPS);
  const [rates, errors, p95] = await Promise.all([
    askMetrics(deps, context, asked, grid, `rate() by (${by})`),
    askMetrics(deps, context, asked, grid, `rate() by (${by})`, 'status = error'),
    askMetrics(deps, context, asked, grid, `quantile_over_time(duration, .95) by (${by})`),
  ]);
  return trendsOf(grid, { rates, errors, p95 });
}

/** As many steps as a chart has; `fewer` times less where there is less room. */
export function gridFor({ closed }: AskedTrends, fewer = STEPS_OF_A_CHART): Grid {
  const { startUnixNano, endUnixNano } = closed;
  const length = endUnixNano - startUnixNano;
  return gridOf(closed, roundStep({ startUnixNano, endUnixNano: startUnixNano + length * fewer }));
}

export function askMetrics(
  { store }: PagesDeps,
  { projectId }: PageContext,
  { condition, range, closed, signal }: AskedTrends,
  grid: Grid,
  aggregate: string,
  and = '',
): Promise<MetricsPage> {
  const conditions = [condition === null ? '' : `(${printExpression(condition)})`, and];
  const selector = conditions.filter((one) => one !== '').join(' && ');
  return store.metrics(projectId, {
    query: parseQuery(`{ ${selector} } | ${aggregate}`),
    range: endedRange(range, closed.endUnixNano),
    stepNano: grid.stepNano,
    maxSeries: MOST_ROWS,
    exemplars: 0,
    signal,
  });
}
