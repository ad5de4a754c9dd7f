/** Spans as rows: of a search, and of a live tail. */
import { Html } from '@elysiajs/html';
import type { Span } from '../../src/span/span.ts';
import { isError } from '../../src/trace/tree.ts';
import { attr, kindName } from '../format.ts';
import { Icon } from '../icons.tsx';
import { ServiceName, SpanName, StartTime } from '../shared/parts.tsx';
import {
  ColumnCells,
  ColumnHeads,
  DurationBar,
  DurationHead,
  longestOf,
  queryPart,
  StartHead,
  traceHref,
} from './row-parts.tsx';
import type { RowProps } from './row-parts.tsx';

export function SpanTable({
  spans,
  state,
  now,
}: RowProps & { readonly spans: readonly Span[] }): JSX.Element {
  return (
    <div class="rows-scroll">
      <table class="list spans" data-result-rows="">
        <caption class="hidden-visually">Spans</caption>
        <thead>
          <tr>
            <th scope="col">Span</th>
            <DurationHead state={state} />
            <th scope="col">Kind</th>
            <th scope="col">Status</th>
            <ColumnHeads state={state} />
            <StartHead state={state} />
          </tr>
        </thead>
        <tbody>
          <SpanRows spans={spans} state={state} now={now} />
        </tbody>
      </table>
    </div>
  );
}

/** `longest`: of the bars; that of these rows when it is not given. */
export function SpanRows(
  props: RowProps & { readonly spans: readonly Span[]; readonly longest?: bigint },
): JSX.Element {
  const { spans, state, now } = props;
  const longest = props.longest ?? longestOf(spans);
  const query = queryPart(state.q);
  return (
    <>
      {spans.map((span) => (
        <tr>
          <td class="col-main">
            <a href={attr(traceHref(span.traceId, span.spanId, query))} data-row="">
              <ServiceName name={span.serviceName} />
              <SpanName name={span.name} />
            </a>
          </td>
          <td class="col-duration">
            <DurationBar nano={span.durationNano} longest={longest} />
          </td>
          <td data-label="Kind" safe>
            {kindName(span.kind)}
          </td>
          <td data-label="Status">
            <SpanStatus span={span} />
          </td>
          {state.cols.length === 0 ? '' : <ColumnCells columns={state.cols} spans={[span]} />}
          <td class="num col-start">
            <StartTime unixNano={span.startTimeUnixNano} now={now} />
          </td>
        </tr>
      ))}
    </>
  );
}

function SpanStatus({ span }: { span: Span }): JSX.Element {
  if (!isError(span)) return <span class="none">{span.statusCode === 1 ? 'ok' : 'unset'}</span>;
  return (
    <span class="error" title={attr(span.statusMessage)}>
      <Icon name="error" />
      error
    </span>
  );
}
