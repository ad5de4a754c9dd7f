/** Traces as rows, each with what matched in it. */
import { Html } from '@elysiajs/html';
import type { ServiceCount, TraceSummary } from '../../src/store/span-store.ts';
import { attr, formatCount } from '../format.ts';
import { Icon } from '../icons.tsx';
import { ErrorCount, ServiceName, SpanName, StartTime } from '../shared/parts.tsx';
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
import { Spansets } from './spansets.tsx';

export function TraceTable({
  traces,
  state,
  now,
}: RowProps & { readonly traces: readonly TraceSummary[] }): JSX.Element {
  const longest = longestOf(traces);
  const query = queryPart(state.q);
  return (
    <div class="rows-scroll">
      <table class="list traces" data-result-rows="">
        <caption class="hidden-visually">
          {state.cols.length === 0
            ? 'Traces'
            : 'Traces; the chosen columns are of the first spans that matched'}
        </caption>
        <thead>
          <tr>
            <th scope="col">Trace</th>
            <DurationHead state={state} />
            <th scope="col" class="num">
              Spans
            </th>
            <th scope="col" class="num">
              Errors
            </th>
            <th scope="col" class="col-services">
              Services
            </th>
            <ColumnHeads state={state} />
            <StartHead state={state} />
          </tr>
        </thead>
        <tbody>
          {traces.map((trace) => (
            <TraceRow trace={trace} longest={longest} query={query} state={state} now={now} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface TraceRowProps extends RowProps {
  readonly trace: TraceSummary;
  readonly longest: bigint;
  readonly query: string;
}

function TraceRow({ trace, longest, query, state, now }: TraceRowProps): JSX.Element {
  const rootless = trace.rootName === '' && trace.rootServiceName === '';
  const service = rootless ? (trace.services[0]?.name ?? '') : trace.rootServiceName;
  return (
    <tr>
      <td class="col-main">
        <a href={attr(traceHref(trace.traceId, '', query))} data-row="">
          <ServiceName name={service} />
          {rootless ? <em class="missing">root span not arrived</em> : <SpanName name={trace.rootName} />}
        </a>
        {state.q === '' ? '' : <Matched trace={trace} query={query} />}
        {trace.spansets === undefined ? '' : <Spansets traceId={trace.traceId} spansets={trace.spansets} />}
      </td>
      <td class="col-duration">
        <DurationBar nano={trace.durationNano} longest={longest} />
      </td>
      <td class="num" data-label="Spans" safe>
        {formatCount(trace.spanCount)}
      </td>
      <td class="num" data-label="Errors">
        <ErrorCount count={trace.errorCount} />
      </td>
      <td class="col-services">
        <Services services={trace.services} />
      </td>
      {state.cols.length === 0 ? '' : <ColumnCells columns={state.cols} spans={trace.matched} />}
      <td class="num col-start">
        <StartTime unixNano={trace.startTimeUnixNano} now={now} />
      </td>
    </tr>
  );
}

/**
 * What matched inside the trace, each a link to that span. Nothing where all of it matched, nor where the root
 * alone did: the row names it already.
 */
function Matched({ trace, query }: { trace: TraceSummary; query: string }): JSX.Element {
  const { matched, matchedCount } = trace;
  const [first] = matched;
  if (first === undefined || (matchedCount === trace.spanCount && trace.spanCount > 1)) return <></>;
  if (matchedCount === 1 && first.parentSpanId === '') return <></>;
  const names = matched.filter((span, i) => matched.findIndex(({ name }) => name === span.name) === i);
  return (
    <span class="matched">
      <Icon name="check" />
      <span safe>{matchedCount === 1 ? 'matched' : `${formatCount(matchedCount)} matched:`}</span>
      {names.map((span) => (
        <a href={attr(traceHref(trace.traceId, span.spanId, query))}>
          <SpanName name={span.name} />
        </a>
      ))}
      {matchedCount > matched.length ? <span>…</span> : ''}
    </span>
  );
}

const SERVICES_SHOWN = 3;

function Services({ services }: { services: readonly ServiceCount[] }): JSX.Element {
  return (
    <span class="services">
      {services.slice(0, SERVICES_SHOWN).map(({ name }) => (
        <ServiceName name={name} />
      ))}
      {services.length > SERVICES_SHOWN ? (
        <span class="none" title={attr(services.map(({ name }) => name).join(', '))} safe>
          {`+${services.length - SERVICES_SHOWN}`}
        </span>
      ) : (
        ''
      )}
    </span>
  );
}
