/** `/services` and `/services/{name}`. */
import { Html } from '@elysiajs/html';
import { RANGES } from '../../../views/search/search-state.ts';
import { SORTS, StatsPageView } from '../../../views/services.tsx';
import type { StatsState } from '../../../views/services.tsx';
import type { PageContext, PagesDeps } from './context.ts';
import { rangeOf, rangeSeconds } from './range.ts';
import { html, shellOf } from './respond.ts';

/** `name`: the last part of the path; `?name=` stands in for names that no path can hold. */
export async function servicesPage(
  deps: PagesDeps,
  context: PageContext,
  request: Request,
  name: string | undefined,
): Promise<Response> {
  const params = new URL(request.url).searchParams;
  const service = name === undefined ? undefined : (params.get('name') ?? name);
  const state = readStatsState(params);
  const range = rangeOf({ since: state.since, start: '', end: '' }, deps.now());
  const page =
    service === undefined
      ? await deps.store.serviceStats(context.projectId, { range, signal: request.signal })
      : await deps.store.operationStats(context.projectId, service, { range, signal: request.signal });
  const shell = shellOf(request, context);
  return html(
    Html.createElement(StatsPageView, {
      shell,
      state,
      service,
      page,
      rangeSeconds: rangeSeconds(state.since),
    }),
  );
}

function readStatsState(params: URLSearchParams): StatsState {
  const sort = SORTS.find((known) => known === params.get('sort')) ?? 'count';
  const since = RANGES.find((range) => range.id === params.get('since'))?.id ?? '1h';
  return { since, sort, descending: params.get('order') !== 'asc' };
}
