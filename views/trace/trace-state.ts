/** What the address of a trace page holds: the open span, what is collapsed, the window of rows. */

export interface TraceState {
  readonly traceId: string;
  /** '' when no span is open. */
  readonly span: string;
  readonly collapsed: ReadonlySet<string>;
  /** First row of the window, from 0. */
  readonly from: number;
}

/** More than this would not fit in an address that every proxy takes. */
const MAX_COLLAPSED = 200;

const SPAN_ID = /^[0-9a-f]{16}$/;

/** Takes what it understands: an address that was cut or edited still opens the trace. */
export function readTraceState(traceId: string, params: URLSearchParams): TraceState {
  const span = (params.get('span') ?? '').toLowerCase();
  const collapsed = (params.get('collapsed') ?? '').split(',').filter((id) => SPAN_ID.test(id));
  const from = Number(params.get('from') ?? 0);
  return {
    traceId,
    span: SPAN_ID.test(span) ? span : '',
    collapsed: new Set(collapsed.slice(0, MAX_COLLAPSED)),
    from: Number.isSafeInteger(from) && from > 0 ? from : 0,
  };
}

export function traceHref(state: TraceState, change: Partial<TraceState> = {}): string {
  const { traceId, span, collapsed, from } = { ...state, ...change };
  const params = [];
  if (span !== '') params.push(`span=${span}`);
  if (collapsed.size > 0) params.push(`collapsed=${[...collapsed].slice(0, MAX_COLLAPSED).join(',')}`);
  if (from > 0) params.push(`from=${from}`);
  return `/traces/${traceId}${params.length > 0 ? `?${params.join('&')}` : ''}`;
}

export function toggled(state: TraceState, spanId: string): ReadonlySet<string> {
  const collapsed = new Set(state.collapsed);
  if (!collapsed.delete(spanId)) collapsed.add(spanId);
  return collapsed;
}
