/** `/services`: every service with its figures. */
import { Html } from '@elysiajs/html';
import { ServicesFragment, ServicesPage, ServicesRegion } from '../../../views/services/services.tsx';
import type { ServicesProps } from '../../../views/services/services.tsx';
import { readStatsState } from '../../../views/services/stats-state.ts';
import type { PageContext, PagesDeps } from './context.ts';
import { periodOf, rangeOrProblem } from './period.ts';
import { html, shellOf, wantsFragment } from './respond.ts';
import { askTrends } from './trends.ts';
import { AT_ONCE_MS, within } from './within.ts';

export async function servicesPage(
  deps: PagesDeps,
  context: PageContext,
  request: Request,
): Promise<Response> {
  const params = new URL(request.url).searchParams;
  const part = params.get('part') ?? '';
  const props = await answer(deps, context, request, part === '' ? AT_ONCE_MS : Infinity);
  if (!wantsFragment(request)) return html(Html.createElement(ServicesPage, props));
  return html(Html.createElement(part === 'trends' ? ServicesRegion : ServicesFragment, props));
}

async function answer(
  deps: PagesDeps,
  context: PageContext,
  request: Request,
  patienceMs: number,
): Promise<ServicesProps> {
  const { signal } = request;
  const { projectId } = context;
  const state = readStatsState(new URL(request.url).searchParams);
  const now = deps.now();
  const { range, problem } = rangeOrProblem(state.range, now);
  const [page, period] = await Promise.all([
    deps.store.serviceStats(projectId, { range, signal }),
    periodOf(deps, context, range, { fields: state.range, now, signal }),
  ]);
  const { before, closed } = period;
  const [earlier, trends] = await Promise.all([
    before && deps.store.serviceStats(projectId, { range: before.range, signal }),
    within(patienceMs, signal, (signal) =>
      askTrends(deps, context, { condition: null, range, closed, signal }, 'resource.service.name'),
    ),
  ]);
  const hasBefore = period.isComparable && earlier !== undefined && earlier.stats.length > 0;
  return {
    shell: shellOf(request, context),
    state,
    problem,
    page,
    seconds: period.seconds,
    before: before && hasBefore ? { stats: earlier.stats, text: before.text } : undefined,
    reach: {
      oldestUnixNano: period.oldestUnixNano,
      startUnixNano: closed.startUnixNano,
      before: before?.text ?? '',
      hasBefore,
      now,
    },
    trends,
  };
}
