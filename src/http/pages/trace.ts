/** `/traces/{id}`: the whole page, or the part of it that is asked for: waterfall, some of its rows, the open span. */
import { setImmediate } from 'node:timers/promises';
import { Html } from '@elysiajs/html';
import { SelectedSpan, UnknownTracePage } from '../../../views/trace/trace.tsx';
import { readTraceState, traceHref } from '../../../views/trace/trace-state.ts';
import type { TraceState } from '../../../views/trace/trace-state.ts';
import { WaterfallView } from '../../../views/trace/waterfall.tsx';
import type { PageContext, PagesDeps } from './context.ts';
import { errorPage } from './error-page.ts';
import { html, insteadOfPart, seeOther, shellOf, wantsFragment } from './respond.ts';
import type { TraceTrees } from './trace-trees.ts';
import { traceView, wholeTracePage } from './trace-views.ts';
import type { TraceRequest } from './trace-views.ts';
import { chunkOf, showingSpan, waterfallProps, zoomedTo } from './trace-waterfall.ts';

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
  const built = target
    ? await trees.shown(context.projectId, traceId, asked.span, request.signal)
    : await trees.newest(context.projectId, traceId, request.signal);
  const { tree, coverage } = built;
  if (tree.nodes.length === 0 && coverage.complete !== true) {
    const message = `The trace may be there, but not all files could be read: ${coverage.complete.reason}.`;
    return errorPage(request, { status: 503, title: 'Not found so far', message });
  }
  if (tree.nodes.length === 0) {
    const storeIsEmpty = deps.store.isEmpty(context.projectId);
    const shell = shellOf(request, context);
    const page = Html.createElement(UnknownTracePage, { shell, traceId, storeIsEmpty });
    return html(page, { status: 404, headers: insteadOfPart(request) });
  }
  if (target?.endsWith('#span-panel')) return html(panelOf({ deps, context, request, state: asked, built }));
  const isSpanStep = target?.endsWith('#trace-body') ?? false;
  const state = withOpenSpan(asked, target && !isSpanStep ? request : null);
  const page = { deps, context, request, state, built };
  if (state.view) return traceView(page, state.view, target?.endsWith('#trace-view') ?? false);
  const chunk = /#wf-chunk-\d+$/.test(target ?? '');
  if (chunk) return html(await chunkOf(tree, state));
  const zoomed = zoomedTo(tree, state, searchParams.get('zoom') ?? '');
  const isPart = target?.endsWith('#waterfall') ?? false;
  const shown = isPart ? zoomed : await showingSpan(tree, zoomed);
  const props = await waterfallProps(tree, shown, !isPart);
  // The rows of a long trace and their markup take some 20 ms.
  await setImmediate();
  const view = Html.createElement(WaterfallView, props);
  const headers = { 'HX-Push-Url': traceHref(shown) };
  if (isPart) return html(view, { headers });
  if (isSpanStep) return html(bodyOf(await view, await panelOf({ ...page, state: shown })), { headers });
  return wholeTracePage({ ...page, state: shown }, view);
}

function panelOf({ deps, context, state, built }: TraceRequest): JSX.Element {
  const templates = deps.linkTemplates.list(context.projectId);
  return Html.createElement(SelectedSpan, { tree: built.tree, state, templates });
}

/** The waterfall and the panel beside it, as they stand in the page. */
function bodyOf(view: string, panel: string): JSX.Element {
  return Html.createElement('div', { class: 'trace-body', id: 'trace-body' }, view, panel);
}

/** The waterfall's links are older than the panel beside it: the browser's address knows which span is open. */
function withOpenSpan(state: TraceState, request: Request | null): TraceState {
  const current = request?.headers.get('hx-current-url');
  if (!current || !URL.canParse(current)) return state;
  return { ...state, span: readTraceState(state.traceId, new URL(current).searchParams).span };
}
