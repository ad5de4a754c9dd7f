/** What the address of a trace page holds: the open span, the view, what of the waterfall is shown. */
import { readViewState, viewParams } from './view-state.ts';
import type { ViewState } from './view-state.ts';
import { readWaterfallState, waterfallFields } from './waterfall-state.ts';
import type { WaterfallState } from './waterfall-state.ts';

export interface TraceState {
  readonly traceId: string;
  /** Undefined: the waterfall. */
  readonly view?: ViewState;
  /** '' when no span is open. */
  readonly span: string;
  readonly rows: WaterfallState;
}

const SPAN_ID = /^[0-9a-f]{16}$/;

/** Takes what it understands: an address that was cut or edited still opens the trace. */
export function readTraceState(traceId: string, params: URLSearchParams): TraceState {
  const span = (params.get('span') ?? '').toLowerCase();
  const view = readViewState(params);
  const rows = readWaterfallState(params);
  return {
    traceId,
    view,
    span: SPAN_ID.test(span) ? span : '',
    // `row` is that of the view which is shown.
    rows: view ? { ...rows, row: 0 } : rows,
  };
}

export function traceHref(state: TraceState, change: Partial<TraceState> = {}): string {
  const { traceId, view, span, rows } = { ...state, ...change };
  const params = viewParams(view);
  if (span !== '') params.push(`span=${span}`);
  for (const [name, value] of waterfallFields(view ? { ...rows, row: 0 } : rows)) {
    params.push(`${name}=${encodeURIComponent(value.toWellFormed())}`);
  }
  return `/traces/${traceId}${params.length > 0 ? `?${params.join('&')}` : ''}`;
}

/** The same trace with the waterfall changed; what is shown first is again what is at the top. */
export function rowsHref(state: TraceState, change: Partial<WaterfallState>): string {
  return traceHref(state, { rows: { ...state.rows, row: 0, ...change } });
}
