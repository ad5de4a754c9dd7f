/** The trace page and its views beside the waterfall: flame graph, table, statistics, JSON. */
import { setImmediate } from 'node:timers/promises';
import { Html } from '@elysiajs/html';
import { encodeTracesJson } from '../../otlp/encode.ts';
import { flameSteps, layoutFlame } from '../../trace/flame.ts';
import type { FlameGraph } from '../../trace/flame.ts';
import { selfNano } from '../../trace/self-time.ts';
import { statisticsSteps } from '../../trace/statistics.ts';
import { inSteps, sortedPlaces } from '../../trace/steps.ts';
import type { TraceTree } from '../../trace/tree.ts';
import { FlameView } from '../../../views/trace/flame.tsx';
import { JSON_SPANS, JsonView } from '../../../views/trace/json-view.tsx';
import { StatisticsView } from '../../../views/trace/statistics.tsx';
import { TABLE_ROWS, TableView } from '../../../views/trace/table.tsx';
import { TracePage } from '../../../views/trace/trace.tsx';
import { traceHref } from '../../../views/trace/trace-state.ts';
import type { TraceState } from '../../../views/trace/trace-state.ts';
import type { ViewState } from '../../../views/trace/view-state.ts';
import type { PageContext, PagesDeps } from './context.ts';
import { html, shellOf } from './respond.ts';
import type { BuiltTrace } from './trace-trees.ts';

export interface TraceRequest {
  readonly deps: PagesDeps;
  readonly context: PageContext;
  readonly request: Request;
  readonly state: TraceState;
  readonly built: BuiltTrace;
}

/** The page around a view, which may be the waterfall. */
export async function wholeTracePage(asked: TraceRequest, view: JSX.Element): Promise<Response> {
  const { deps, context, request, state, built } = asked;
  const { projectId, mayChange, baseUrl } = context;
  const { tree, coverage } = built;
  const pinned = deps.store.pinnedTraces(projectId).some((pin) => pin.traceId === state.traceId);
  const page = {
    shell: shellOf(request, context),
    now: deps.now(),
    state,
    tree,
    causes: { coverage, ...lossesSince(deps, projectId, tree) },
    keeping: { pinned, mayChange },
    baseUrl,
    templates: deps.linkTemplates.list(projectId),
  };
  return html(Html.createElement(TracePage, page, await view));
}

const AUDIT_LOOKED_AT = 50;
const REMOVALS_TOLD = 3;

/** Asked only of traces that miss something. */
function lossesSince(deps: PagesDeps, projectId: string, tree: TraceTree) {
  if (tree.orphanCount === 0) return { removals: [], quarantined: 0 };
  const began = Number(tree.startUnixNano / 1_000_000n);
  const removals = deps.store
    .audit(projectId, AUDIT_LOOKED_AT)
    .filter(({ action, at, spans }) => at >= began && spans > 0 && action !== 'pin' && action !== 'unpin')
    .slice(0, REMOVALS_TOLD);
  return { removals, quarantined: deps.store.health().quarantined.length };
}

/** The view alone when htmx swaps it, else within its page. */
export async function traceView(asked: TraceRequest, view: ViewState, isPart: boolean): Promise<Response> {
  const element = await viewOf(asked.state, view, asked.built.tree);
  await setImmediate();
  if (!isPart) return wholeTracePage(asked, element);
  return html(element, { headers: { 'HX-Push-Url': traceHref(asked.state) } });
}

function viewOf(state: TraceState, view: ViewState, tree: TraceTree): Promise<JSX.Element> {
  switch (view.name) {
    case 'flame':
      return flame(state, view, tree);
    case 'table':
      return table(state, view, tree);
    case 'statistics':
      return statistics(state, view, tree);
    case 'json':
      return Promise.resolve(json(state, view, tree));
  }
}

const pause = (): Promise<unknown> => setImmediate();

/** Goes with its tree. */
const graphs = new WeakMap<TraceTree, Promise<FlameGraph>>();

export function flameGraphOf(tree: TraceTree): Promise<FlameGraph> {
  let graph = graphs.get(tree);
  if (graph === undefined) graphs.set(tree, (graph = inSteps(flameSteps(tree), pause)));
  return graph;
}

/** A tenth of a percent is a pixel; 1,500 frames are rendered in some 15 ms. */
const FLAME_BOUNDS = { minShare: 0.001, maxRows: 120, maxFrames: 1_500 };

async function flame(state: TraceState, view: ViewState, tree: TraceTree): Promise<JSX.Element> {
  const graph = await flameGraphOf(tree);
  const focus = graph.byId.get(view.focus);
  const layout = layoutFlame(graph, focus, FLAME_BOUNDS);
  return Html.createElement(FlameView, { state, view, graph, layout, focus });
}

async function table(state: TraceState, view: ViewState, tree: TraceTree): Promise<JSX.Element> {
  const { nodes } = tree;
  const compare = await comparison(view, tree);
  const places = await inSteps(sortedPlaces(nodes.length, compare), pause);
  const row = Math.min(view.row, Math.max(0, nodes.length - 1));
  const rows = [...places.subarray(row, row + TABLE_ROWS)].map((place) => ({
    node: nodes[place],
    selfNano: selfNano(nodes[place]),
  }));
  return Html.createElement(TableView, { state, view: { ...view, row }, tree, rows });
}

/** Numbers are taken out once: comparing bigints of spans takes five times as long. */
async function comparison(view: ViewState, tree: TraceTree): Promise<(a: number, b: number) => number> {
  const { nodes } = tree;
  const sign = view.sort !== '' && view.descending ? -1 : 1;
  switch (view.sort) {
    case 'service':
    case 'name': {
      const key = view.sort === 'name' ? 'name' : 'serviceName';
      return (a, b) => {
        const [left, right] = [nodes[a].span[key], nodes[b].span[key]];
        return left < right ? -sign : left > right ? sign : 0;
      };
    }
    case 'duration':
      return byNumber(nodes.length, (i) => Number(nodes[i].span.durationNano), sign);
    case 'self':
      return byNumber(nodes.length, (i) => Number(selfNano(nodes[i])), sign);
    default:
      return byNumber(
        nodes.length,
        (i) => Number(nodes[i].span.startTimeUnixNano - tree.startUnixNano),
        sign,
      );
  }
}

const STEP = 5_000;

async function byNumber(
  length: number,
  valueOf: (i: number) => number,
  sign: number,
): Promise<(a: number, b: number) => number> {
  const values = new Float64Array(length);
  for (let i = 0; i < length; i++) {
    if (i % STEP === STEP - 1) await pause();
    values[i] = valueOf(i);
  }
  return (a, b) => sign * (values[a] - values[b]);
}

async function statistics(state: TraceState, view: ViewState, tree: TraceTree): Promise<JSX.Element> {
  const figures = await inSteps(statisticsSteps(tree, view.by), pause);
  return Html.createElement(StatisticsView, { state, view, figures });
}

/** Of the text in the page. One span may have megabytes. */
const MAX_JSON_CHARS = 400_000;

function json(state: TraceState, view: ViewState, tree: TraceTree): JSX.Element {
  const row = Math.min(view.row, Math.max(0, tree.nodes.length - 1));
  const spans = tree.nodes.slice(row, row + JSON_SPANS).map((node) => node.span);
  const whole = JSON.stringify(encodeTracesJson(spans), null, 2);
  const cut = whole.length > MAX_JSON_CHARS;
  const text = cut ? whole.slice(0, MAX_JSON_CHARS) : whole;
  return Html.createElement(JsonView, {
    state,
    view: { ...view, row },
    tree,
    shown: spans.length,
    text,
    cut,
  });
}
