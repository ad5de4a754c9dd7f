/** All spans of a trace as a table, sorted by a column, a window of rows at a time. */
import { Html } from '@elysiajs/html';
import type { TraceNode, TraceTree } from '../../src/trace/tree.ts';
import { isError } from '../../src/trace/tree.ts';
import { attr, formatDuration, kindName, plural } from '../format.ts';
import { Icon } from '../icons.tsx';
import { ServiceName, SpanName } from '../shared/parts.tsx';
import { traceHref } from './trace-state.ts';
import type { TraceState } from './trace-state.ts';
import { RowsNav, SortHead } from './view-nav.tsx';
import type { ViewState } from './view-state.ts';

/** Rendered in some 15 ms. */
export const TABLE_ROWS = 200;

export interface SpanRow {
  readonly node: TraceNode;
  readonly selfNano: bigint;
}

export interface TableProps {
  readonly state: TraceState;
  readonly view: ViewState;
  readonly tree: TraceTree;
  /** Those from `view.row` on. */
  readonly rows: readonly SpanRow[];
}

export function TableView({ state, view, tree, rows }: TableProps): JSX.Element {
  const head = { state, view, usual: 'start' } as const;
  const nav = (
    <RowsNav state={state} view={view} shown={rows.length} total={tree.nodes.length} size={TABLE_ROWS} />
  );
  return (
    <section id="trace-view" class="trace-view" aria-label="Table of spans">
      {nav}
      <table class="list spans-table">
        <caption
          class="hidden-visually"
          safe
        >{`Spans of the trace, ${plural(tree.nodes.length, 'span')}`}</caption>
        <thead>
          <tr>
            <SortHead {...head} sort="service" text="Service" numeric={false} ascendingFirst />
            <SortHead {...head} sort="name" text="Operation" numeric={false} ascendingFirst />
            <th scope="col">Kind</th>
            <SortHead {...head} sort="start" text="Starts at" ascendingFirst />
            <SortHead {...head} sort="duration" text="Duration" />
            <SortHead {...head} sort="self" text="Self time" />
            <th scope="col">Status</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <Row row={row} state={state} tree={tree} />
          ))}
        </tbody>
      </table>
      {nav}
    </section>
  );
}

function Row({ row, state, tree }: { row: SpanRow; state: TraceState; tree: TraceTree }): JSX.Element {
  const { span } = row.node;
  const href = attr(traceHref(state, { span: span.spanId }));
  return (
    <tr>
      <td data-label="Service">
        <ServiceName name={span.serviceName} />
      </td>
      <td class="col-main">
        <a href={href} hx-get={href} hx-target="#span-panel" hx-push-url="true">
          <SpanName name={span.name} />
        </a>
      </td>
      <td data-label="Kind" safe>
        {kindName(span.kind)}
      </td>
      <td class="num" data-label="Starts at" safe>
        {formatDuration(span.startTimeUnixNano - tree.startUnixNano)}
      </td>
      <td class="num" data-label="Duration" safe>
        {formatDuration(span.durationNano)}
      </td>
      <td class="num" data-label="Self" safe>
        {formatDuration(row.selfNano)}
      </td>
      <td data-label="Status">
        {isError(span) ? (
          <span class="error" title={attr(span.statusMessage)}>
            <Icon name="error" />
            Error
          </span>
        ) : (
          <span class="none">{span.statusCode === 1 ? 'ok' : 'unset'}</span>
        )}
      </td>
    </tr>
  );
}
