/** What the address of a search holds, read and written in one place. */
import type { SearchOrder } from '../../src/store/span-store.ts';
import { readColumns } from './columns.ts';
import { readSelection, selectionFields } from './selection.ts';
import type { Selection } from './selection.ts';

export type SearchView = 'traces' | 'spans';

export interface SearchState {
  /** TraceQL as typed; '' matches everything. */
  readonly q: string;
  readonly view: SearchView;
  readonly order: SearchOrder;
  /** One of RANGES, or '' when `start` or `end` says it. */
  readonly since: string;
  /** As typed; '' is open. */
  readonly start: string;
  readonly end: string;
  /** '' on the first page. */
  readonly cursor: string;
  /** Unix nanoseconds from which `since` counts: the pages of one search share it. '' is now. */
  readonly at: string;
  /** The page says how the answer was come by. */
  readonly explain: boolean;
  /** Chosen columns of the results, as columns.ts reads them. */
  readonly cols: readonly string[];
  /** Fields whose values are counted although nobody would have guessed so; as TraceQL writes them. */
  readonly facets: readonly string[];
  /** A part of the heatmap that is compared with the rest. */
  readonly selection: Selection;
}

export interface Range {
  readonly id: string;
  readonly label: string;
  /** In words, for "in the last ...". */
  readonly text: string;
}

/** Narrow to wide: an empty answer offers the next. */
export const RANGES: readonly Range[] = [
  { id: '15m', label: '15 min', text: 'the last 15 minutes' },
  { id: '1h', label: '1 h', text: 'the last hour' },
  { id: '6h', label: '6 h', text: 'the last 6 hours' },
  { id: '24h', label: '24 h', text: 'the last 24 hours' },
  { id: '7d', label: '7 d', text: 'the last 7 days' },
  { id: 'all', label: 'All', text: 'all the time that is stored' },
];

export const DEFAULT_SINCE = '1h';

/** Chosen by hand, beside those that are always counted: all are counted in one pass. */
const MAX_FACETS = 10;

const ORDERS: readonly SearchOrder[] = ['newest', 'oldest', 'slowest'];

/** Takes what it understands and leaves the rest at its default. */
export function readSearchState(params: URLSearchParams): SearchState {
  const start = params.get('start') ?? '';
  const end = params.get('end') ?? '';
  const since = params.get('since') ?? '';
  const order = ORDERS.find((known) => known === params.get('order')) ?? 'newest';
  const known = RANGES.some((range) => range.id === since) ? since : DEFAULT_SINCE;
  return {
    q: (params.get('q') ?? '').replaceAll('\r\n', '\n').trim(),
    view: params.get('view') === 'spans' ? 'spans' : 'traces',
    order,
    since: start !== '' || end !== '' ? '' : known,
    start,
    end,
    cursor: params.get('cursor') ?? '',
    at: /^\d{1,20}$/.test(params.get('at') ?? '') ? params.get('at')! : '',
    explain: params.get('explain') === '1',
    cols: readColumns(params),
    facets: [...new Set(params.getAll('facet').filter((field) => field.trim() !== ''))].slice(0, MAX_FACETS),
    selection: readSelection(params),
  };
}

/** The address of a state. A change of anything but the page goes back to the first page. */
export function searchHref(state: SearchState, change: Partial<SearchState> = {}): string {
  const next = { ...state, ...change };
  const params = new URLSearchParams(searchFields({ ...next, cursor: '', at: '' }));
  if (change.cursor) {
    params.set('cursor', change.cursor);
    if (next.at !== '') params.set('at', next.at);
  }
  const text = params.toString();
  return text === '' ? '/search' : `/search?${text}`;
}

/** The address of a part of the page, which counts over the very range of the page's first answer. */
export function partHref(path: string, state: SearchState, change: Partial<SearchState> = {}): string {
  const params = new URLSearchParams(searchFields({ ...state, ...change, cursor: '' }));
  if (state.since !== '' && state.at !== '') params.set('at', state.at);
  const text = params.toString();
  return text === '' ? path : `${path}?${text}`;
}

/** The fields of a state that differ from the defaults: for addresses and for hidden inputs. */
export function searchFields(state: SearchState): [string, string][] {
  const fields: [string, string][] = [];
  if (state.q !== '') fields.push(['q', state.q]);
  if (state.view !== 'traces') fields.push(['view', state.view]);
  if (state.order !== 'newest') fields.push(['order', state.order]);
  if (state.since !== '' && state.since !== DEFAULT_SINCE) fields.push(['since', state.since]);
  if (state.start !== '') fields.push(['start', state.start]);
  if (state.end !== '') fields.push(['end', state.end]);
  if (state.explain) fields.push(['explain', '1']);
  if (state.cols.length > 0) fields.push(['cols', state.cols.join(',')]);
  for (const field of state.facets) fields.push(['facet', field]);
  fields.push(...selectionFields(state.selection));
  if (state.cursor !== '') fields.push(['cursor', state.cursor]);
  return fields;
}

/** The next wider range of the same search, if there is one. */
export function widerRange(state: SearchState): Range | undefined {
  if (state.since === '') return RANGES.at(-1);
  return RANGES[RANGES.findIndex((range) => range.id === state.since) + 1];
}

/** The range in words. */
export function rangeText(state: SearchState): string {
  const range = RANGES.find((known) => known.id === state.since);
  if (range) return range.text;
  if (state.start === '') return `the time before ${state.end}`;
  return state.end === '' ? `the time from ${state.start}` : `${state.start} to ${state.end}`;
}
