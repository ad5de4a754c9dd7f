/** What the address of a trace page says of the views beside the waterfall: which one, sorted how, from which row. */

export const VIEW_NAMES = ['flame', 'table', 'statistics', 'json'] as const;
export type ViewName = (typeof VIEW_NAMES)[number];

export const TABLE_SORTS = ['start', 'duration', 'self', 'service', 'name'] as const;
export const STATISTICS_SORTS = ['self', 'total', 'count', 'p50', 'p95', 'max', 'errors', 'name'] as const;
export type TableSort = (typeof TABLE_SORTS)[number];
export type StatisticsSort = (typeof STATISTICS_SORTS)[number];

export interface ViewState {
  readonly name: ViewName;
  /** '' is the view's own order. */
  readonly sort: '' | TableSort | StatisticsSort;
  readonly descending: boolean;
  /** Statistics: a row an operation, or a service. */
  readonly by: 'operation' | 'service';
  /** Flame graph: the path that fills the width, '' for all. */
  readonly focus: string;
  /** First row shown, from 0. */
  readonly row: number;
}

/** Undefined: the waterfall. Takes what it understands. */
export function readViewState(params: URLSearchParams): ViewState | undefined {
  const name = VIEW_NAMES.find((known) => known === params.get('view'));
  if (name === undefined) return undefined;
  const sort = sortsOf(name).find((known) => known === params.get('sort')) ?? '';
  const row = Number(params.get('row') ?? 0);
  const focus = params.get('focus') ?? '';
  return {
    name,
    sort,
    descending: sort === '' || params.get('order') !== 'asc',
    by: params.get('by') === 'service' ? 'service' : 'operation',
    focus: /^[0-9a-f]{16}$/.test(focus) ? focus : '',
    row: Number.isSafeInteger(row) && row > 0 ? row : 0,
  };
}

/** `key=value` texts for an address. Everything in them is a word or a number of ours. */
export function viewParams(view: ViewState | undefined): string[] {
  if (view === undefined) return [];
  const params = [`view=${view.name}`];
  if (view.by === 'service') params.push('by=service');
  if (view.sort !== '') params.push(`sort=${view.sort}`);
  if (view.sort !== '' && !view.descending) params.push('order=asc');
  if (view.focus !== '') params.push(`focus=${view.focus}`);
  if (view.row > 0) params.push(`row=${view.row}`);
  return params;
}

/** A view as it is opened first. */
export function freshView(name: ViewName): ViewState {
  return { name, sort: '', descending: true, by: 'operation', focus: '', row: 0 };
}

function sortsOf(name: ViewName): readonly (TableSort | StatisticsSort)[] {
  switch (name) {
    case 'table':
      return TABLE_SORTS;
    case 'statistics':
      return STATISTICS_SORTS;
    case 'flame':
    case 'json':
      return [];
  }
}
