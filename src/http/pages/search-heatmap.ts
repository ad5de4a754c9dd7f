/** `/search/heatmap`: durations over time; `/search/selection`: what a part of it leads to. */
import { Html } from '@elysiajs/html';
import { END_OF_TIME, formatTime, parseDuration, parseTime } from '../../span/time.ts';
import { QuestionError } from '../../store/span-store.ts';
import type { HeatmapPage, TimeRange } from '../../store/span-store.ts';
import type { Query } from '../../traceql/ast.ts';
import { QueryEdits } from '../../../views/search/facets-links.ts';
import { PartProblem } from '../../../views/search/part-page.tsx';
import { SearchHeatmap } from '../../../views/search/search-heatmap.tsx';
import { searchHref } from '../../../views/search/search-state.ts';
import type { SearchState } from '../../../views/search/search-state.ts';
import { isSelected, NO_SELECTION } from '../../../views/search/selection.ts';
import type { Selection } from '../../../views/search/selection.ts';
import type { PageContext, PagesDeps } from './context.ts';
import { errorPage } from './error-page.ts';
import { rangeOf } from './range.ts';
import { html, seeOther, wantsFragment } from './respond.ts';
import { askedQuery } from './search.ts';
import { searchPart } from './search-part.ts';

/** A cell is then some 12 pixels wide on a common screen: wide enough to be hit. */
const COLUMNS = 90;

export const heatmapPart = searchPart('Durations over time', async (asked) => {
  const { state, query, range, at, signal } = asked;
  const page = await asked.deps.store.heatmap(asked.projectId, { query, range, columns: COLUMNS, signal });
  return Html.createElement(SearchHeatmap, { state, page, domain: domainOf(page, range, at) });
});

/** All that was asked for as far as it is closed, and all that was answered. */
function domainOf(page: HeatmapPage, range: TimeRange, at: bigint): TimeRange {
  const end = page.startUnixNano + BigInt(page.columns) * page.stepNano;
  const asked =
    range.endUnixNano !== END_OF_TIME ? range.endUnixNano : range.startUnixNano > 0n ? at : undefined;
  return {
    startUnixNano:
      range.startUnixNano > 0n ? least(range.startUnixNano, page.startUnixNano) : page.startUnixNano,
    endUnixNano: asked !== undefined && asked > end ? asked : end,
  };
}

function least(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

/** Where spans of a selection lie, and what is asked of each. */
export interface SelectedPart {
  readonly range: TimeRange;
  /** `least <= duration < below`, in nanoseconds. */
  readonly least: bigint | undefined;
  readonly below: bigint | undefined;
}

/** Throws QuestionError for a part that reads like none. */
export function selectedPart({ from, to, min, max }: Selection): SelectedPart {
  const time = (text: string, open: bigint): bigint => {
    const nano = text === '' ? open : parseTime(text);
    if (nano !== null) return nano;
    throw invalid(`a time reads like 2026-01-31 12:00 (UTC), not "${text}"`);
  };
  const duration = (text: string): bigint | undefined => {
    const nano = text === '' ? undefined : parseDuration(text);
    if (nano !== null) return nano;
    throw invalid(`a duration reads like 300ms, 1.2s or 2m, not "${text}"`);
  };
  return {
    range: { startUnixNano: time(from, 0n), endUnixNano: time(to, END_OF_TIME) },
    least: duration(min),
    below: duration(max),
  };
}

function invalid(message: string): QuestionError {
  return new QuestionError('invalid_argument', message);
}

/** Leads to the search that a part of the heatmap means: narrowed to it, or comparing it with the rest. */
export function selectionRedirect(
  deps: PagesDeps,
  _context: PageContext,
  request: Request,
): Response | Promise<Response> {
  const params = new URL(request.url).searchParams;
  const { state, query, refused } = askedQuery(params);
  try {
    if (refused) throw invalid(refused.message);
    const part = selectedPart(state.selection);
    if (params.get('do') !== 'filter' || !isSelected(state.selection)) return seeOther(searchHref(state));
    const { q, range } = narrowed(state, query, part, deps.now());
    return seeOther(searchHref(state, { q, ...range, selection: NO_SELECTION }));
  } catch (error) {
    if (!(error instanceof QuestionError)) throw error;
    return refusedPart(request, error.message);
  }
}

/** The search whose every span lies in the part. An open end of the part is that of the search. */
function narrowed(
  state: SearchState,
  query: Query,
  part: SelectedPart,
  now: bigint,
): { readonly q: string; readonly range: Partial<SearchState> } {
  const { least, below } = part;
  const q =
    least === undefined && below === undefined ? state.q : new QueryEdits(query).withDuration(least, below);
  const { from, to } = state.selection;
  if (from === '' && to === '') return { q, range: {} };
  const whole = rangeOf(state, state.at === '' ? now : BigInt(state.at));
  const start = from === '' ? whole.startUnixNano : part.range.startUnixNano;
  const end = to === '' ? whole.endUnixNano : part.range.endUnixNano;
  return {
    q,
    range: {
      since: '',
      start: formatTime(start),
      end: end === END_OF_TIME ? '' : formatTime(end),
    },
  };
}

function refusedPart(request: Request, message: string): Promise<Response> {
  if (!wantsFragment(request))
    return errorPage(request, { status: 400, title: 'No part of the heatmap', message });
  const headers = { 'HX-Retarget': '#heatmap-problem', 'HX-Reswap': 'innerHTML', 'HX-Push-Url': 'false' };
  return html(Html.createElement(PartProblem, { message }), { status: 400, headers });
}
