/** What the rows of traces and of spans share: addresses, headings that sort, durations, chosen columns. */
import { Html } from '@elysiajs/html';
import type { Children } from '@kitajs/html';
import type { SearchOrder } from '../../src/store/span-store.ts';
import type { Span } from '../../src/span/span.ts';
import { attr, formatDuration } from '../format.ts';
import { Icon } from '../icons.tsx';
import { Zone } from '../shared/parts.tsx';
import { columnValue } from './columns.ts';
import { searchHref } from './search-state.ts';
import type { SearchState } from './search-state.ts';

/** A longer address fails in too many proxies; the trace then opens without its matches marked. */
const MAX_QUERY_LENGTH = 1500;

/** The end of a trace's address that carries the query along, so that the trace marks what matched. */
export function queryPart(q: string): string {
  return q === '' || q.length > MAX_QUERY_LENGTH ? '' : new URLSearchParams({ q }).toString();
}

/** `query`: of `queryPart`, made once for all rows. */
export function traceHref(traceId: string, spanId: string, query: string): string {
  const parts = [spanId === '' ? '' : `span=${spanId}`, query].filter((part) => part !== '');
  return `/traces/${traceId}${parts.length === 0 ? '' : `?${parts.join('&')}`}`;
}

export interface RowProps {
  readonly state: SearchState;
  readonly now: bigint;
}

/** The columns by which rows can be ordered link to the order; the one that is says so. */
export function DurationHead({ state }: { state: SearchState }): JSX.Element {
  const slowest = state.order === 'slowest';
  return (
    <th scope="col" class="col-duration" aria-sort={slowest ? 'descending' : undefined}>
      <SortLink state={state} order="slowest" title="Slowest first" mark={slowest ? '↓' : ''}>
        Duration
      </SortLink>
    </th>
  );
}

export function StartHead({ state }: { state: SearchState }): JSX.Element {
  const { order } = state;
  const sort = order === 'newest' ? 'descending' : order === 'oldest' ? 'ascending' : undefined;
  return (
    <th scope="col" class="num" aria-sort={sort}>
      <SortLink
        state={state}
        order={order === 'newest' ? 'oldest' : 'newest'}
        title={order === 'newest' ? 'Oldest first' : 'Newest first'}
        mark={order === 'newest' ? '↓' : order === 'oldest' ? '↑' : ''}
      >
        Start (<Zone />)
      </SortLink>
    </th>
  );
}

function SortLink(props: {
  state: SearchState;
  order: SearchOrder;
  title: string;
  mark: string;
  children: Children;
}): JSX.Element {
  const { state, order, title, mark, children } = props;
  return (
    <a href={attr(searchHref(state, { order }))} title={title} hx-boost="true">
      {children}
      {mark === '' ? (
        ''
      ) : (
        <span class="sort-mark" aria-hidden="true" safe>
          {mark}
        </span>
      )}
    </a>
  );
}

export function ColumnHeads({ state }: { state: SearchState }): JSX.Element {
  return (
    <>
      {state.cols.map((column) => (
        <th scope="col" class="col-chosen">
          <span class="col-name">
            <bdi class="data" safe>
              {column}
            </bdi>
            <a
              class="quiet"
              href={attr(searchHref(state, { cols: state.cols.filter((other) => other !== column) }))}
              hx-boost="true"
              aria-label={attr(`Hide the column ${column}`)}
              title="Hide this column"
            >
              <Icon name="close" />
            </a>
          </span>
        </th>
      ))}
    </>
  );
}

/** A row's chosen columns. Of several spans: the first value, and how many others there are. */
export function ColumnCells({
  columns,
  spans,
}: {
  columns: readonly string[];
  spans: readonly Span[];
}): JSX.Element {
  return (
    <>
      {columns.map((column) => {
        const values = new Set(spans.flatMap((span) => columnValue(column, span) ?? []));
        const [first] = values;
        return (
          <td class="col-chosen" data-label={attr(column)}>
            {first === undefined ? (
              <span class="none">–</span>
            ) : (
              <bdi class="data" title={attr([...values].join('\n'))} safe>
                {first}
              </bdi>
            )}
            {values.size > 1 ? <span class="none" safe>{` +${values.size - 1}`}</span> : ''}
          </td>
        );
      })}
    </>
  );
}

/** The duration, and its share of the longest on the page. */
export function DurationBar({ nano, longest }: { nano: bigint; longest: bigint }): JSX.Element {
  const share = Math.max(0, Math.min(1, Number(nano) / Number(longest)));
  return (
    <span class="duration">
      <span class="num" safe>
        {formatDuration(nano)}
      </span>
      <svg class="duration-bar" width="100%" height="4" aria-hidden="true">
        <rect class="track" width="100%" height="4" rx="2" />
        <rect class="fill" width={`${Math.max(share * 100, 0.8).toFixed(1)}%`} height="4" rx="2" />
      </svg>
    </span>
  );
}

export function longestOf(rows: readonly { readonly durationNano: bigint }[]): bigint {
  return rows.reduce((max, { durationNano }) => (durationNano > max ? durationNano : max), 1n);
}
