/** The ways to look at one trace, as links; and what their pages share: sorted headings, windows of rows. */
import { Html } from '@elysiajs/html';
import type { Children } from '@kitajs/html';
import { attr, formatCount, formatDuration } from '../format.ts';
import { traceHref } from './trace-state.ts';
import type { TraceState } from './trace-state.ts';
import { freshView } from './view-state.ts';
import type { ViewName, ViewState } from './view-state.ts';

const VIEWS: readonly { readonly name: ViewName | undefined; readonly label: string }[] = [
  { name: undefined, label: 'Waterfall' },
  { name: 'flame', label: 'Flame graph' },
  { name: 'table', label: 'Table' },
  { name: 'statistics', label: 'Statistics' },
  { name: 'json', label: 'JSON' },
];

export function ViewNav({ state }: { state: TraceState }): JSX.Element {
  return (
    <nav class="trace-views" aria-label="Views of this trace">
      {VIEWS.map(({ name, label }) => (
        <a
          href={attr(traceHref(state, { view: name === undefined ? undefined : freshView(name) }))}
          aria-current={name === state.view?.name ? 'page' : undefined}
          safe
        >
          {label}
        </a>
      ))}
    </nav>
  );
}

/** The address of the same view, changed. */
export function viewHref(state: TraceState, view: ViewState, change: Partial<ViewState>): string {
  return traceHref(state, { view: { ...view, ...change } });
}

interface ViewLinkProps {
  readonly href: string;
  readonly children?: Children;
  readonly label?: string;
}

/** Swaps the view alone; the answer says what the address becomes. */
export function ViewLink({ href, children, label }: ViewLinkProps): JSX.Element {
  return (
    <a
      href={attr(href)}
      hx-get={attr(href)}
      hx-target="#trace-view"
      aria-label={label === undefined ? undefined : attr(label)}
    >
      {children}
    </a>
  );
}

interface SortHeadProps {
  readonly state: TraceState;
  readonly view: ViewState;
  readonly sort: ViewState['sort'];
  /** What the view sorts by when the address says nothing. */
  readonly usual: ViewState['sort'];
  readonly text: string;
  readonly numeric?: boolean;
  /** Texts and times begin with the smallest. */
  readonly ascendingFirst?: boolean;
}

export function SortHead(props: SortHeadProps): JSX.Element {
  const { state, view, sort, usual, text, numeric = true, ascendingFirst = false } = props;
  const current = (view.sort === '' ? usual : view.sort) === sort;
  const descending = view.sort === '' ? !ascendingFirst : view.descending;
  const next = current ? !descending : !ascendingFirst;
  const href = viewHref(state, view, { sort, descending: next, row: 0 });
  return (
    <th
      scope="col"
      class={numeric ? 'num' : undefined}
      aria-sort={current ? (descending ? 'descending' : 'ascending') : undefined}
    >
      <ViewLink href={href}>
        <span safe>{text}</span>
        {current ? (
          <span class="sort-mark" aria-hidden="true">
            {descending ? ' ↓' : ' ↑'}
          </span>
        ) : (
          ''
        )}
      </ViewLink>
    </th>
  );
}

interface RowsNavProps {
  readonly state: TraceState;
  readonly view: ViewState;
  readonly shown: number;
  readonly total: number;
  readonly size: number;
}

/** Which rows of many are in the page, and the way to the others. */
export function RowsNav({ state, view, shown, total, size }: RowsNavProps): JSX.Element {
  if (total <= shown) return <></>;
  const { row } = view;
  const last = Math.floor((total - 1) / size) * size;
  const steps: readonly (readonly [string, number])[] = [
    ['First', row > 0 ? 0 : -1],
    ['Earlier', row > 0 ? Math.max(0, row - size) : -1],
    ['Later', row + shown < total ? row + shown : -1],
    ['Last', row + shown < total ? last : -1],
  ];
  const link = ([text, to]: readonly [string, number]): JSX.Element =>
    to < 0 ? (
      <span class="off" aria-disabled="true" safe>
        {text}
      </span>
    ) : (
      <ViewLink href={viewHref(state, view, { row: to })}>
        <span safe>{text}</span>
      </ViewLink>
    );
  return (
    <nav class="window-bar" aria-label="Rows">
      {steps.slice(0, 2).map(link)}
      <span class="num" safe>
        {`${formatCount(row + 1)}–${formatCount(row + shown)} of ${formatCount(total)}`}
      </span>
      {steps.slice(2).map(link)}
    </nav>
  );
}

/** A sum of durations. */
export function nanoText(nano: number): string {
  return formatDuration(BigInt(Math.round(nano)));
}

/** With its sign: `+3.2 ms`, `−40 µs`, `±0`. */
export function deltaText(nano: number): string {
  if (Math.round(nano) === 0) return '±0';
  return nano > 0 ? `+${nanoText(nano)}` : nanoText(nano);
}
