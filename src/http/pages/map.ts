/** `/map`: who calls whom. */
import { Html } from '@elysiajs/html';
import type { TimeRange } from '../../store/span-store.ts';
import { callsOf } from '../../../views/services/calls.ts';
import { MapPage, MapRegion } from '../../../views/services/map.tsx';
import type { MapAnswer, MapProps } from '../../../views/services/map.tsx';
import { mapGraph } from '../../../views/services/map-graph.ts';
import { mapHref, readMapState } from '../../../views/services/map-state.ts';
import type { MapState } from '../../../views/services/map-state.ts';
import { closedRange } from '../api/step.ts';
import type { PageContext, PagesDeps } from './context.ts';
import { rangeOrProblem } from './period.ts';
import { html, shellOf, wantsFragment } from './respond.ts';
import { within } from './within.ts';

/** The page is nothing without its calls: it waits for them a little longer than others for their parts. */
const PATIENCE_MS = 150;

export async function mapPage(deps: PagesDeps, context: PageContext, request: Request): Promise<Response> {
  const params = new URL(request.url).searchParams;
  const fragment = wantsFragment(request);
  const state = readMapState(params);
  const now = deps.now();
  const { range, problem } = rangeOrProblem(state.range, now);
  const patience = fragment || params.has('part') ? Infinity : PATIENCE_MS;
  const answer = await within(patience, request.signal, (signal) =>
    ask(deps, context, state, { range, now, signal }),
  );
  const props: MapProps = { shell: shellOf(request, context), state, problem, answer };
  if (!fragment) return html(Html.createElement(MapPage, props));
  const headers: Record<string, string> = params.has('part') ? {} : { 'HX-Push-Url': mapHref(state) };
  return html(Html.createElement(MapRegion, props), { headers });
}

async function ask(
  { store }: PagesDeps,
  { projectId }: PageContext,
  state: MapState,
  asked: { readonly range: TimeRange; readonly now: bigint; readonly signal: AbortSignal },
): Promise<MapAnswer> {
  const { range, now, signal } = asked;
  const [page, stats, closed] = await Promise.all([
    store.dependencies(projectId, { range, signal }),
    store.serviceStats(projectId, { range, signal }),
    closedRange(store, projectId, range, { unixNano: now, signal }),
  ]);
  const services = stats.stats.map(({ serviceName }) => serviceName).sort();
  const calls = callsOf(page.dependencies, new Set(services));
  return {
    calls,
    graph: mapGraph(calls, stats.stats, state.service),
    services,
    coverage: page,
    seconds: Number(closed.endUnixNano - closed.startUnixNano) / 1e9,
  };
}
