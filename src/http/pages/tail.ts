/** `/search/tail`: the newest spans of a query as they come; the stream of them is `/search/tail/events`. */
import { Html } from '@elysiajs/html';
import { SHOWN_TAIL_ROWS, TAIL_EVENT_ROWS } from '../../limits.ts';
import { END_OF_TIME } from '../../span/time.ts';
import { QuestionError } from '../../store/span-store.ts';
import type { SpanPage } from '../../store/span-store.ts';
import type { Span } from '../../span/span.ts';
import type { Query } from '../../traceql/ast.ts';
import { MATCH_ALL } from '../../traceql/build.ts';
import { TraceqlError } from '../../traceql/error.ts';
import { parseQuery } from '../../traceql/parse.ts';
import { isMetrics } from '../../traceql/query.ts';
import type { SearchOutcome } from '../../../views/search/search.tsx';
import { readSearchState } from '../../../views/search/search-state.ts';
import type { SearchState } from '../../../views/search/search-state.ts';
import { TailControl, TailEnded, TailEvent, TailPage } from '../../../views/search/tail.tsx';
import type { PageContext, PagesDeps } from './context.ts';
import { html, shellOf, wantsFragment } from './respond.ts';
import { braced } from './search.ts';
import type { TailEnd } from './tails.ts';

/** Spans come some seconds after they started; of those that took longer a tail shows only what began so lately. */
const WINDOW_NANO = 60_000_000_000n;
/** What stands in the table when a tail begins. */
const BEFORE_NANO = 300_000_000_000n;
/** Asked a second: what is above this is told as "at least". */
const ASKED = 300;
/** Spans known to be shown, by their ids: as many as one window can have been asked for. */
const MAX_SEEN = ASKED * 90;

type Refused = Extract<SearchOutcome, { kind: 'refused' }>;

interface Tailed {
  readonly state: SearchState;
  readonly query: Query;
  readonly refused: Refused | undefined;
}

function tailed(request: Request): Tailed {
  const state = readSearchState(new URL(request.url).searchParams);
  const text = braced(state.q);
  try {
    const query = text === '' ? MATCH_ALL : parseQuery(text);
    if (!isMetrics(query.expression)) return { state: { ...state, q: text }, query, refused: undefined };
    const message = 'a live tail shows spans: leave out the metrics function';
    return { state, query: MATCH_ALL, refused: { kind: 'refused', message, text } };
  } catch (error) {
    if (!(error instanceof TraceqlError)) throw error;
    const { message, position } = error;
    return { state, query: MATCH_ALL, refused: { kind: 'refused', message, text, position } };
  }
}

/** The page with the latest spans; to htmx, which pauses and resumes, the controls alone. */
export async function tailPage(deps: PagesDeps, context: PageContext, request: Request): Promise<Response> {
  const { state, query, refused } = tailed(request);
  const paused = new URL(request.url).searchParams.has('paused');
  if (wantsFragment(request) && refused === undefined && request.headers.get('hx-target') !== null) {
    return html(Html.createElement(TailControl, { state, paused }));
  }
  const now = deps.now();
  const failed: { refused?: Refused } = { refused };
  let spans: readonly Span[] = [];
  try {
    if (refused === undefined) {
      spans = (await newest(deps, context, query, now - BEFORE_NANO, SHOWN_TAIL_ROWS / 4, request.signal))
        .spans;
    }
  } catch (error) {
    if (!(error instanceof QuestionError)) throw error;
    failed.refused = { kind: 'refused', message: error.message, text: state.q, position: error.position };
  }
  const shell = shellOf(request, context);
  return html(Html.createElement(TailPage, { shell, state, now, spans, paused, refused: failed.refused }));
}

function newest(
  deps: PagesDeps,
  context: PageContext,
  query: Query,
  startUnixNano: bigint,
  limit: number,
  signal: AbortSignal,
): Promise<SpanPage> {
  return deps.store.searchSpans(context.projectId, {
    query,
    range: { startUnixNano, endUnixNano: END_OF_TIME },
    order: 'newest',
    limit,
    signal,
  });
}

export async function tailEvents(deps: PagesDeps, context: PageContext, request: Request): Promise<Response> {
  const { state, query, refused } = tailed(request);
  const { tails } = deps;
  if (refused !== undefined) return new Response(refused.message, { status: 400 });
  if (tails === undefined || tails.isFull) return sse(await full(state));
  const watch = new Watch(deps, context, state, query, request);
  return sse(tails.stream(watch, request.signal));
}

function sse(body: ReadableStream<Uint8Array> | string): Response {
  return new Response(body, {
    headers: {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    },
  });
}

async function full(state: SearchState): Promise<string> {
  const text = await Html.createElement(TailEnded, { state, why: 'full' });
  return `data: ${text.replaceAll(/\s*\n\s*/g, ' ')}\n\nevent: end\ndata: \n\n`;
}

/** One tail: what was shown already, and what is new. */
class Watch {
  readonly #seen = new Set<string>();
  #first = true;
  #shown = 0;

  constructor(
    private readonly deps: PagesDeps,
    private readonly context: PageContext,
    private readonly state: SearchState,
    private readonly query: Query,
    private readonly request: Request,
  ) {}

  /** A tail lives for half an hour: its token may be revoked meanwhile. */
  mayGoOn(): boolean {
    try {
      return !(this.deps.context(this.request) instanceof Response);
    } catch {
      return false;
    }
  }

  /** The first event has what stood there before, so that nothing is lost between page and stream. */
  async next(signal: AbortSignal): Promise<string> {
    const now = this.deps.now();
    const first = this.#first;
    const start = now - (first ? BEFORE_NANO : WINDOW_NANO);
    const page = await newest(this.deps, this.context, this.query, start, ASKED, signal);
    const fresh = page.spans.filter((span) => this.#isNew(span));
    if (!first && fresh.length === 0) return '';
    this.#first = false;
    const rows = fresh.slice(0, TAIL_EVENT_ROWS);
    this.#shown += rows.length;
    const missed = first ? 0 : fresh.length - rows.length;
    // All that was asked for is new: there may be more behind it.
    const more = !first && page.nextCursor !== undefined && fresh.length === page.spans.length;
    const { state } = this;
    return await Html.createElement(TailEvent, {
      state,
      now,
      spans: rows,
      first,
      shown: this.#shown,
      missed,
      more,
    });
  }

  async last(end: TailEnd): Promise<string> {
    return await Html.createElement(TailEnded, { state: this.state, why: end });
  }

  #isNew({ traceId, spanId }: Span): boolean {
    const id = `${traceId}${spanId}`;
    if (this.#seen.has(id)) return false;
    this.#seen.add(id);
    if (this.#seen.size > MAX_SEEN) {
      // The oldest: a set keeps the order in which they came.
      for (const oldest of this.#seen) {
        this.#seen.delete(oldest);
        break;
      }
    }
    return true;
  }
}
