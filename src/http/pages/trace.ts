/** `/traces/{id}`: the whole page, the waterfall alone, or the open span alone. */
import { setImmediate } from 'node:timers/promises';
import { Html } from '@elysiajs/html';
import { waterfallRows } from '../../trace/waterfall.ts';
import { SelectedSpan, TracePage, UnknownTracePage } from '../../../views/trace/trace.tsx';
import { readTraceState, traceHref } from '../../../views/trace/trace-state.ts';
import type { TraceState } from '../../../views/trace/trace-state.ts';
import { WaterfallView, WINDOW_ROWS } from '../../../views/trace/waterfall.tsx';
import type { PageContext, PagesDeps } from './context.ts';
import { errorPage } from './error-page.ts';
import { html, insteadOfPart, seeOther, shellOf, wantsFragment } from './respond.ts';
import type { TraceTrees } from './trace-trees.ts';

/** Some tools cut the zeros that a trace id begins with. */
const TRACE_ID = /^[0-9a-f]{16,32}$/;

export async function tracePage(
  deps: PagesDeps,
  trees: TraceTrees,
  context: PageContext,
  request: Request,
  givenId: string,
): Promise<Response> {
  const given = givenId.trim().toLowerCase();
  const { search, searchParams } = new URL(request.url);
  if (!TRACE_ID.test(given)) {
    const message = 'A trace id has 32 hexadecimal digits. Paste it into the search bar to go there.';
    return errorPage(request, { status: 400, title: 'Not a trace id', message });
  }
  const traceId = given.padStart(32, '0');
  if (traceId !== givenId) return seeOther(`/traces/${traceId}${search}`);
  const asked = readTraceState(traceId, searchParams);
  const target = wantsFragment(request) ? request.headers.get('hx-target') : null;
  const { tree, coverage } = target
    ? await trees.shown(context.projectId, traceId, asked.span, request.signal)
    : await trees.newest(context.projectId, traceId, request.signal);
  const shell = shellOf(request, context);
  if (tree.nodes.length === 0 && coverage.complete !== true) {
    const message = `The trace may be there, but not all files could be read: ${coverage.complete.reason}.`;
    return errorPage(request, { status: 503, title: 'Not found so far', message });
  }
  if (tree.nodes.length === 0) {
    const storeIsEmpty = deps.store.isEmpty(context.projectId);
    const page = Html.createElement(UnknownTracePage, { shell, traceId, storeIsEmpty });
    return html(page, { status: 404, headers: insteadOfPart(request) });
  }
  if (target?.endsWith('#span-panel')) {
    return html(Html.createElement(SelectedSpan, { tree, state: asked }));
  }
  const state = withOpenSpan(asked, target ? request : null);
  const waterfall = waterfallRows(tree, {
    collapsed: state.collapsed,
    from: state.from,
    limit: WINDOW_ROWS,
    around: target ? undefined : state.span,
  });
  // The rows of a long trace and their markup take some 20 ms each.
  await setImmediate();
  if (target?.endsWith('#waterfall')) {
    const headers = { 'HX-Push-Url': traceHref(state) };
    return html(Html.createElement(WaterfallView, { tree, waterfall, state }), { headers });
  }
  const { projectId, mayChange } = context;
  const pinned = deps.store.pinnedTraces(projectId).some((pin) => pin.traceId === traceId);
  return html(
    Html.createElement(TracePage, {
      shell,
      now: deps.now(),
      state,
      tree,
      waterfall,
      coverage,
      keeping: { pinned, mayChange },
    }),
  );
}

/** The waterfall's links are older than the panel beside it: the browser's address knows which span is open. */
function withOpenSpan(state: TraceState, request: Request | null): TraceState {
  const current = request?.headers.get('hx-current-url');
  if (!current || !URL.canParse(current)) return state;
  return { ...state, span: readTraceState(state.traceId, new URL(current).searchParams).span };
}
