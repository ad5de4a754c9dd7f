/** `/services/{name}`: a service's figures, charts, operations, calls, versions and latest errors. */
import { Html } from '@elysiajs/html';
import type { MetricsPage, MetricsSeries, OperationStats } from '../../store/span-store.ts';
import type { FieldExpression } from '../../traceql/ast.ts';
import { and, comparison, field, intrinsic, queryOf } from '../../traceql/build.ts';
import { printExpression } from '../../traceql/print.ts';
import { missing } from '../../../views/shared/query-links.ts';
import { rangeParams } from '../../../views/shared/range-fields.ts';
import type { RangeFields } from '../../../views/shared/range-fields.ts';
import { callsOf } from '../../../views/services/calls.ts';
import {
  OperationsRegion,
  SERVICE_PARTS,
  ServicePage,
  ServicePartView,
} from '../../../views/services/service.tsx';
import type {
  ServiceAnswers,
  ServiceCalls,
  ServicePart,
  ServiceProps,
} from '../../../views/services/service.tsx';
import type { ServiceCharts } from '../../../views/services/service-charts.tsx';
import { MAKE_UP, MAKE_UP_VALUES } from '../../../views/services/service-parts.tsx';
import { readStatsState } from '../../../views/services/stats-state.ts';
import { onGrid, wholeSteps } from '../../../views/services/trends.ts';
import type { Grid } from '../../../views/services/trends.ts';
import type { PageContext, PagesDeps } from './context.ts';
import { periodOf, rangeOrProblem } from './period.ts';
import { html, shellOf, wantsFragment } from './respond.ts';
import { askMetrics, askTrends, gridFor } from './trends.ts';
import type { AskedTrends } from './trends.ts';
import { AT_ONCE_MS, within } from './within.ts';

/** Errors that the page shows; the search has them all. */
const ERRORS = 5;

/** `name`: the last part of the path; `?name=` stands in for names that no path can hold. */
export async function servicePage(
  deps: PagesDeps,
  context: PageContext,
  request: Request,
  name: string,
): Promise<Response> {
  const params = new URL(request.url).searchParams;
  const service = params.get('name') ?? name;
  const asked = params.get('part') ?? '';
  const part = SERVICE_PARTS.find((known) => known === asked);
  const patience = (of: ServicePart): number => {
    if (part !== undefined && wantsFragment(request)) return part === of ? Infinity : 0;
    return asked === '' ? AT_ONCE_MS : Infinity;
  };
  const props = await answer(deps, context, request, service, patience);
  if (!wantsFragment(request)) return html(Html.createElement(ServicePage, props));
  if (part === undefined) return html(Html.createElement(OperationsRegion, props));
  return html(Html.createElement(ServicePartView, { part, props }));
}

async function answer(
  deps: PagesDeps,
  context: PageContext,
  request: Request,
  service: string,
  patience: (part: ServicePart) => number,
): Promise<ServiceProps> {
  const { store } = deps;
  const { projectId } = context;
  const { signal } = request;
  const state = readStatsState(new URL(request.url).searchParams);
  const now = deps.now();
  const { range, problem } = rangeOrProblem(state.range, now);
  const [page, services, period] = await Promise.all([
    store.operationStats(projectId, service, { range, signal }),
    store.serviceStats(projectId, { range, signal }),
    periodOf(deps, context, range, { fields: state.range, now, signal }),
  ]);
  const { before, closed } = period;
  const asked: AskedService = {
    service,
    services: services.stats.map(({ serviceName }) => serviceName),
    fields: state.range,
    trends: { condition: conditionOf(service), range, closed, signal },
  };
  const [answers, earlier, earlierServices] = await Promise.all([
    answersOf(deps, context, asked, patience),
    before && store.operationStats(projectId, service, { range: before.range, signal }),
    before && store.serviceStats(projectId, { range: before.range, signal }),
  ]);
  const total = (rows: readonly OperationStats[] | undefined): OperationStats | undefined =>
    rows?.find(({ serviceName }) => serviceName === service);
  const hasBefore = period.isComparable && earlier !== undefined && earlier.stats.length > 0;
  return {
    ...answers,
    shell: shellOf(request, context),
    state,
    problem,
    service,
    page,
    before: before && hasBefore ? { stats: earlier.stats, text: before.text } : undefined,
    total: total(services.stats),
    totalBefore: total(earlierServices?.stats),
    seconds: period.seconds,
    reach: {
      oldestUnixNano: period.oldestUnixNano,
      startUnixNano: closed.startUnixNano,
      before: before?.text ?? '',
      hasBefore,
      now,
    },
    now,
  };
}

interface AskedService {
  readonly service: string;
  /** Names of all that send spans. */
  readonly services: readonly string[];
  readonly fields: RangeFields;
  readonly trends: AskedTrends;
}

function conditionOf(service: string): FieldExpression {
  const name = field('resource', 'service.name');
  return service === '' ? missing(name) : comparison(name, '=', service);
}

/** Each for as long as there is patience for it; with none, it is not asked at all. */
async function answersOf(
  deps: PagesDeps,
  context: PageContext,
  asked: AskedService,
  patience: (part: ServicePart) => number,
): Promise<ServiceAnswers> {
  const { trends } = asked;
  const answer = async <T>(
    part: ServicePart,
    ask: (asked: AskedService) => Promise<T>,
  ): Promise<T | undefined> => {
    const ms = patience(part);
    if (ms === 0) return undefined;
    return within(ms, trends.signal, (signal) => ask({ ...asked, trends: { ...trends, signal } }));
  };
  const [charts, courses, calls, makeup, errors] = await Promise.all([
    answer('charts', (asked) => askCharts(deps, context, asked)),
    answer('trends', (asked) => askTrends(deps, context, asked.trends, 'name, kind')),
    answer('calls', (asked) => askCalls(deps, context, asked)),
    answer('makeup', ({ trends: { condition, range, signal } }) =>
      deps.store.facets(context.projectId, {
        query: queryOf(condition),
        range,
        fields: MAKE_UP.map(([key]) => `resource.${key}`),
        limit: MAKE_UP_VALUES,
        signal,
      }),
    ),
    answer('errors', ({ trends: { condition, range, signal } }) =>
      deps.store.searchSpans(context.projectId, {
        query: queryOf(
          and(condition, comparison(intrinsic('span:status'), '=', { type: 'status', value: 'error' })),
        ),
        range,
        order: 'newest',
        limit: ERRORS,
        signal,
      }),
    ),
  ]);
  return { charts, trends: courses, calls, makeup, errors };
}

const RATE = 'rate()';
const QUANTILES = 'quantile_over_time(duration, .5, .95, .99)';

async function askCharts(deps: PagesDeps, context: PageContext, asked: AskedService): Promise<ServiceCharts> {
  const { trends, fields, service } = asked;
  const grid = gridFor(trends);
  const [rates, errors, quantiles] = await Promise.all([
    askMetrics(deps, context, trends, grid, RATE),
    askMetrics(deps, context, trends, grid, RATE, 'status = error'),
    askMetrics(deps, context, trends, grid, QUANTILES),
  ]);
  const rate = only(grid, rates);
  const errorRate = only(grid, errors);
  const quantile = (p: number): Float64Array => {
    const series = quantiles.series.find(({ labels }) =>
      labels.some(({ key, value }) => key === 'p' && value.type === 'float' && value.value === p),
    );
    return laid(grid, quantiles, series, NaN);
  };
  const selector = printExpression(conditionOf(service));
  const href = (query: string): string =>
    `/search?${new URLSearchParams({ q: query, ...rangeParams(fields) })}`;
  return {
    grid,
    rate,
    errorRate,
    errorShare: rate.map((all, i) => (all > 0 ? errorRate[i] / all : NaN)),
    p50: quantile(0.5),
    p95: quantile(0.95),
    p99: quantile(0.99),
    hrefs: {
      rate: href(`{ ${selector} } | ${RATE}`),
      errors: href(`{ ${selector} && status = error } | ${RATE}`),
      durations: href(`{ ${selector} } | ${QUANTILES}`),
    },
  };
}

/** Of a question that groups by nothing. */
function only(grid: Grid, page: MetricsPage): Float64Array {
  return laid(grid, page, page.series[0], 0);
}

function laid(
  grid: Grid,
  page: MetricsPage,
  series: MetricsSeries | undefined,
  nothing: number,
): Float64Array {
  const samples = series?.samples ?? new Float64Array(0);
  return wholeSteps(grid, onGrid(grid, page, { samples }, nothing));
}

async function askCalls(
  { store }: PagesDeps,
  { projectId }: PageContext,
  { service, services, trends: { range, signal } }: AskedService,
): Promise<ServiceCalls> {
  const page = await store.dependencies(projectId, { range, signal });
  const calls = callsOf(page.dependencies, new Set(services));
  return {
    callers: calls.filter(({ to }) => to.kind === 'service' && to.name === service),
    callees: calls.filter(({ from }) => from.name === service),
    incomplete: page.complete === true ? '' : page.complete.reason,
  };
}
