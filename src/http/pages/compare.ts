/** `/compare?a=ID&b=ID`: two traces laid over each other; with one id, traces like it to choose from. */
import { setImmediate } from 'node:timers/promises';
import { Html } from '@elysiajs/html';
import type { TimeRange, TracePage } from '../../store/span-store.ts';
import { and, comparison, intrinsic, queryOf } from '../../traceql/build.ts';
import { inSteps } from '../../trace/steps.ts';
import { byContribution, diffSteps } from '../../trace/structure-diff.ts';
import type { TraceTree } from '../../trace/tree.ts';
import { CompareChoice, ComparePage } from '../../../views/trace/compare.tsx';
import type { Similar } from '../../../views/trace/compare.tsx';
import { COMPARE_ROWS, readCompareState } from '../../../views/trace/compare-state.ts';
import type { CompareState } from '../../../views/trace/compare-state.ts';
import type { PageContext, PagesDeps } from './context.ts';
import { errorPage } from './error-page.ts';
import { html, seeOther, shellOf } from './respond.ts';
import type { TraceTrees } from './trace-trees.ts';
import { flameGraphOf } from './trace-views.ts';

export async function comparePage(
  deps: PagesDeps,
  trees: TraceTrees,
  context: PageContext,
  request: Request,
): Promise<Response> {
  const params = new URL(request.url).searchParams;
  const state = readCompareState(params);
  const a = state.a === '' ? undefined : await treeOf(trees, context, request, state.a);
  if (state.a === '' || a === undefined) return choice(context, request, state, state.a !== '');
  if (params.get('b') === 'typical') {
    const { typical } = await similarTo(deps, context, request, a, state.a);
    if (typical !== undefined) return seeOther(`/compare?a=${state.a}&b=${typical.traceId}`);
  }
  const b = state.b === '' ? undefined : await treeOf(trees, context, request, state.b);
  if (b === undefined) {
    const found = await similarTo(deps, context, request, a, state.a);
    const page = { shell: shellOf(request, context), state, a, similar: found, now: deps.now() };
    const status = state.b === '' ? 200 : 404;
    return html(Html.createElement(CompareChoice, { ...page, missing: status === 404 ? state.b : '' }), {
      status,
    });
  }
  return compared(context, request, state, a, b);
}

async function treeOf(
  trees: TraceTrees,
  { projectId }: PageContext,
  { signal }: Request,
  traceId: string,
): Promise<TraceTree | undefined> {
  const { tree } = await trees.shown(projectId, traceId, '', signal);
  return tree.nodes.length === 0 ? undefined : tree;
}

function choice(
  context: PageContext,
  request: Request,
  state: CompareState,
  isUnknown: boolean,
): Promise<Response> {
  if (isUnknown) {
    const message = `Trace ${state.a} is not stored in this project.`;
    return errorPage(request, { status: 404, title: 'No such trace', message });
  }
  const shell = shellOf(request, context);
  return html(
    Html.createElement(CompareChoice, {
      shell,
      state,
      a: undefined,
      similar: undefined,
      now: 0n,
      missing: '',
    }),
  );
}

const pause = (): Promise<unknown> => setImmediate();

async function compared(
  context: PageContext,
  request: Request,
  state: CompareState,
  a: TraceTree,
  b: TraceTree,
): Promise<Response> {
  const [graphA, graphB] = [await flameGraphOf(a), await flameGraphOf(b)];
  const diff = await inSteps(diffSteps(graphA, graphB), pause);
  await pause();
  const ordered = state.order === 'structure' ? diff.rows : byContribution(diff.rows);
  const rows = ordered.slice(state.row, state.row + COMPARE_ROWS);
  const shell = shellOf(request, context);
  return html(Html.createElement(ComparePage, { shell, state, a, b, diff, rows }));
}

const HOUR = 3_600_000_000_000n;
/** Looked at for what is usual. */
const SIMILAR_LOOKED_AT = 50;

/** Traces of the same root within an hour on either side. */
async function similarTo(
  deps: PagesDeps,
  { projectId }: PageContext,
  { signal }: Request,
  tree: TraceTree,
  traceId: string,
): Promise<Similar> {
  const root = tree.roots[0].span;
  const condition = and(
    comparison(intrinsic('trace:rootService'), '=', root.serviceName),
    comparison(intrinsic('trace:rootName'), '=', root.name),
    comparison(intrinsic('span:name'), '=', root.name),
  );
  const range: TimeRange = {
    startUnixNano: tree.startUnixNano > HOUR ? tree.startUnixNano - HOUR : 0n,
    endUnixNano: tree.endUnixNano + HOUR,
  };
  const question = {
    query: queryOf(condition),
    range,
    order: 'newest',
    limit: SIMILAR_LOOKED_AT + 1,
    signal,
  } as const;
  const page: TracePage = await deps.store.searchTraces(projectId, question);
  const traces = page.traces
    .filter((trace) => trace.traceId !== traceId)
    .slice(0, SIMILAR_LOOKED_AT)
    .toSorted((left, right) => Number(left.durationNano - right.durationNano));
  const healthy = traces.filter((trace) => trace.errorCount === 0);
  const usual = healthy.length > 0 ? healthy : traces;
  return {
    traces,
    typical: usual[Math.floor((usual.length - 1) / 2)],
    fastest: traces[0],
    slowest: traces.at(-1),
    coverage: page,
  };
}
