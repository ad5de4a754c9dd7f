/** `/search`: reads the address, asks the store, renders page or region. */
import { Html } from '@elysiajs/html';
import { DEFAULT_SEARCH_LIMIT } from '../../limits.ts';
import { QuestionError } from '../../store/span-store.ts';
import type { SearchQuestion, TimeRange } from '../../store/span-store.ts';
import type { Query } from '../../traceql/ast.ts';
import { combine, MATCH_ALL, queryOf } from '../../traceql/build.ts';
import { TraceqlError } from '../../traceql/error.ts';
import { parseQuery } from '../../traceql/parse.ts';
import { printQuery } from '../../traceql/print.ts';
import { FilterError, filtersOf, NO_FILTERS, queryOfForm } from '../../../views/search/query-filters.ts';
import type { FilterFields } from '../../../views/search/query-filters.ts';
import { QueryEdits } from '../../../views/search/facets-links.ts';
import {
  LateResults,
  RESULTS_GAP,
  SearchFrame,
  SearchPage,
  SearchRegion,
} from '../../../views/search/search.tsx';
import type { SearchOutcome, SearchProps } from '../../../views/search/search.tsx';
import { readSearchState, searchHref } from '../../../views/search/search-state.ts';
import type { SearchState } from '../../../views/search/search-state.ts';
import type { PageContext, PagesDeps } from './context.ts';
import { rangeOf } from './range.ts';
import { html, htmlWithGap, seeOther, shellOf, wantsFragment } from './respond.ts';
import { conditionOf, expectCondition, isMetrics } from '../../traceql/query.ts';
import { metricsOutcome } from './metrics.ts';

/** Plain filters that may stand in an address, as in the JSON API. */
const FILTER_NAMES = ['service', 'operation', 'status', 'kind', 'minDuration', 'maxDuration', 'attr'];

export async function searchPage(deps: PagesDeps, context: PageContext, request: Request): Promise<Response> {
  const params = new URL(request.url).searchParams;
  const fragment = wantsFragment(request);
  const asked = askedQuery(params);
  const id = idIn(asked.state.q);
  if (id !== '') return fragment ? goTo(id) : seeOther(id);
  const href = searchHref(asked.state, { cursor: asked.state.cursor });
  if (asked.fromForm && !asked.refused && !fragment) return seeOther(href);
  const { frame, outcome } = answer(deps, context, request, asked);
  if (!fragment && !request.headers.has('hx-request') && (await isSlow(outcome))) {
    const counted = !isMetrics(asked.query.expression);
    return htmlWithGap(Html.createElement(SearchFrame, { ...frame, counted }), RESULTS_GAP, async () => {
      const late = await outcome.catch((error: unknown) => lateRefusal(deps, request, error, asked.state.q));
      return Html.createElement(LateResults, { ...frame, outcome: late });
    });
  }
  const props: SearchProps = { ...frame, outcome: await outcome };
  if (!fragment) return html(Html.createElement(SearchPage, props));
  return html(Html.createElement(SearchRegion, props), { headers: { 'HX-Push-Url': href } });
}

/** Shorter than this nobody sees; and what is refused is refused sooner, and said in the query bar. */
const QUICK_MS = 25;

async function isSlow(outcome: Promise<SearchOutcome>): Promise<boolean> {
  return await Promise.race([
    outcome.then(
      () => false,
      () => false,
    ),
    Bun.sleep(QUICK_MS).then(() => true),
  ]);
}

/** The status is out: what fails now can only be said in the page. */
function lateRefusal(deps: PagesDeps, request: Request, error: unknown, text: string): SearchOutcome {
  const message = deps.told?.(error, request) ?? 'the search failed';
  return { kind: 'refused', message, text };
}

/** What htmx understands as "leave this page". */
function goTo(location: string): Response {
  return new Response(null, { headers: { 'HX-Redirect': location, 'cache-control': 'no-store' } });
}

export interface Asked {
  readonly state: SearchState;
  readonly query: Query;
  readonly filters: FilterFields;
  readonly fromForm: boolean;
  readonly refused: Extract<SearchOutcome, { kind: 'refused' }> | undefined;
}

/** The query that the address means, be it TraceQL or the form's fields; or why it means none. */
export function askedQuery(params: URLSearchParams): Asked {
  const given = readSearchState(params);
  const fromForm = params.has('filters') || FILTER_NAMES.some((name) => params.has(name));
  const text = braced(given.q);
  try {
    const query = fromForm ? formQuery(params, text) : text === '' ? MATCH_ALL : parseQuery(text);
    const q = query === MATCH_ALL || conditionOf(query) === null ? '' : fromForm ? printQuery(query) : text;
    return { state: { ...given, q }, query, filters: filtersOf(query), fromForm, refused: undefined };
  } catch (error) {
    const filters = fromForm ? typedFilters(params) : NO_FILTERS;
    return {
      state: { ...given, q: text },
      query: MATCH_ALL,
      filters,
      fromForm,
      refused: refusal(error, text),
    };
  }
}

/** The form carries what it has no field for in `rest`; a hand-made address may carry `q` beside filters. */
function formQuery(params: URLSearchParams, text: string): Query {
  const both = new URLSearchParams(params);
  const asked = text === '' ? MATCH_ALL : parseQuery(text);
  const condition = conditionOf(asked);
  if (condition === undefined) return combine(asked, expectCondition(queryOfForm(both, parseQuery)));
  if (condition) both.set('rest', printQuery(queryOf(condition)).slice(1, -1).trim());
  return queryOfForm(both, parseQuery);
}

/** `status = error` without braces is meant as `{ status = error }`; `count() > 2` and `({...})` are not. */
export function braced(q: string): string {
  const code = q.replaceAll(/"(?:[^"\\]|\\.)*"|`[^`]*`/gs, '');
  const whole = code.includes('{') || /^\(*(?:count|avg|min|max|sum|by|select)\s*\(/.test(code);
  return whole || idIn(q) !== '' || !/[=<>~]/.test(code) ? q : `{ ${q} }`;
}

/** What stood in the form, when it could not be understood: nothing typed is lost. */
function typedFilters(params: URLSearchParams): FilterFields {
  const text = (name: string): string => params.get(name) ?? '';
  const attributes = params.getAll('attr').filter((given) => given.includes('='));
  return {
    service: text('service'),
    operation: text('operation'),
    status: text('status'),
    kind: text('kind'),
    minDuration: text('minDuration'),
    maxDuration: text('maxDuration'),
    attributes: attributes.map((given) => {
      const at = given.indexOf('=');
      return { key: given.slice(0, at), value: given.slice(at + 1) };
    }),
    rest: text('rest'),
    whole: text('q'),
  };
}

function refusal(error: unknown, text: string): Extract<SearchOutcome, { kind: 'refused' }> {
  if (error instanceof TraceqlError) {
    return { kind: 'refused', message: error.message, text, position: error.position };
  }
  if (error instanceof FilterError) return { kind: 'refused', message: error.message, text };
  if (error instanceof QuestionError) {
    return { kind: 'refused', message: error.message, text, position: error.position };
  }
  throw error;
}

/** A pasted trace id leads to its trace. */
function idIn(q: string): string {
  const id = q.trim().toLowerCase();
  return /^[0-9a-f]{32}$/.test(id) ? `/traces/${id}` : '';
}

/** What is known at once, and what the store will say. */
function answer(
  deps: PagesDeps,
  context: PageContext,
  request: Request,
  asked: Asked,
): { readonly frame: Omit<SearchProps, 'outcome'>; readonly outcome: Promise<SearchOutcome> } {
  const now = deps.now();
  const at = asked.state.at === '' ? now : BigInt(asked.state.at);
  const state = { ...asked.state, at: at.toString() };
  const shell = shellOf(request, context);
  const { filters } = asked;
  const { conditions } = new QueryEdits(asked.query);
  const { mayChange } = context;
  const saved = deps.savedSearches?.list(context.projectId) ?? [];
  const frame = { shell, now, state, filters, conditions, typed: asked.fromForm, saved, mayChange };
  return { frame, outcome: outcomeOf(deps, context, request, asked, at) };
}

async function outcomeOf(
  deps: PagesDeps,
  context: PageContext,
  request: Request,
  asked: Asked,
  at: bigint,
): Promise<SearchOutcome> {
  if (asked.refused) return asked.refused;
  try {
    return await found(deps, context, request, asked, { range: rangeOf(asked.state, at), at });
  } catch (error) {
    return refusal(error, asked.state.q);
  }
}

async function found(
  deps: PagesDeps,
  context: PageContext,
  request: Request,
  { state, query }: Asked,
  { range, at }: { readonly range: TimeRange; readonly at: bigint },
): Promise<SearchOutcome> {
  const { expression } = query;
  if (isMetrics(expression)) {
    const { explain } = state;
    return metricsOutcome(deps, context, request, { query, expression, range, at, explain });
  }
  const question: SearchQuestion = {
    query,
    range,
    order: state.order,
    limit: DEFAULT_SEARCH_LIMIT,
    signal: request.signal,
    explain: state.explain,
    ...(state.cursor === '' ? {} : { cursor: state.cursor }),
  };
  switch (state.view) {
    case 'traces':
      return { kind: 'traces', page: await deps.store.searchTraces(context.projectId, question) };
    case 'spans':
      return { kind: 'spans', page: await deps.store.searchSpans(context.projectId, question) };
  }
}
