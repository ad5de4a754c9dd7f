/** What a search found, as traces or as spans, and where to go from here. */
import { Html } from '@elysiajs/html';
import type { Span } from '../../src/span/span.ts';
import type { ServiceCount, SpanPage, TracePage, TraceSummary } from '../../src/store/span-store.ts';
import { isError } from '../../src/trace/tree.ts';
import { attr, formatCount, formatDuration, kindName, plural } from '../format.ts';
import { Explained } from './explain.tsx';
import { Icon } from '../icons.tsx';
import { MetricsResults } from './metrics.tsx';
import type { SearchProps } from './search.tsx';
import { RANGES, rangeText, searchHref, widerRange } from './search-state.ts';
import type { SearchState } from './search-state.ts';
import { Spansets } from './spansets.tsx';
import { CoverageLine, ErrorCount, LinkChoice, ServiceName, SpanName, StartTime } from '../shared/parts.tsx';

export function SearchResults(props: SearchProps): JSX.Element {
  const { state, outcome } = props;
  return (
    <section id="results" class="results" aria-label="Results">
      <Toolbar state={state} metrics={outcome.kind === 'metrics'} />
      {outcome.kind === 'refused' ? (
        ''
      ) : outcome.kind === 'metrics' ? (
        <MetricsResults state={state} outcome={outcome} />
      ) : (
        <Found state={state} now={props.now} outcome={outcome} />
      )}
    </section>
  );
}

/** A metrics query shows neither traces nor spans, and has no order. */
function Toolbar({ state, metrics }: { state: SearchState; metrics: boolean }): JSX.Element {
  return (
    <div class="toolbar" hx-boost:inherited="true">
      {metrics ? '' : <RowChoices state={state} />}
      <LinkChoice
        label="Time range"
        choices={RANGES.map(({ id, label }) => ({
          text: label,
          href: searchHref(state, { since: id, start: '', end: '' }),
          current: state.since === id,
        }))}
      />
    </div>
  );
}

function RowChoices({ state }: { state: SearchState }): JSX.Element {
  return (
    <>
      <LinkChoice
        label="Show"
        choices={[
          { text: 'Traces', href: searchHref(state, { view: 'traces' }), current: state.view === 'traces' },
          { text: 'Spans', href: searchHref(state, { view: 'spans' }), current: state.view === 'spans' },
        ]}
      />
      <LinkChoice
        label="Order"
        choices={(['newest', 'oldest', 'slowest'] as const).map((order) => ({
          text: order[0].toUpperCase() + order.slice(1),
          href: searchHref(state, { order }),
          current: state.order === order,
        }))}
      />
    </>
  );
}

interface FoundProps {
  readonly state: SearchState;
  readonly now: bigint;
  readonly outcome: { kind: 'traces'; page: TracePage } | { kind: 'spans'; page: SpanPage };
}

function Found({ state, now, outcome }: FoundProps): JSX.Element {
  const count = outcome.kind === 'traces' ? outcome.page.traces.length : outcome.page.spans.length;
  const what = outcome.kind === 'traces' ? 'trace' : 'span';
  const more = outcome.page.nextCursor !== undefined;
  return (
    <>
      <div class="found" role="status">
        <p safe>
          {count === 0
            ? `No ${what}s ${more ? 'found so far ' : ''}in ${rangeText(state)}`
            : `${more ? 'First ' : ''}${plural(count, what)} in ${rangeText(state)}, ${state.order} first`}
        </p>
        <CoverageLine coverage={outcome.page} />
      </div>
      <Explained state={state} coverage={outcome.page} />
      {count === 0 && more ? (
        ''
      ) : count === 0 ? (
        <Nothing state={state} what={what} />
      ) : outcome.kind === 'traces' ? (
        <TraceTable traces={outcome.page.traces} state={state} now={now} />
      ) : (
        <SpanTable spans={outcome.page.spans} now={now} />
      )}
      <Paging
        state={state}
        nextCursor={outcome.page.nextCursor}
        next={outcome.page.complete === true ? 'Next page' : 'Go on searching'}
      />
    </>
  );
}

function TraceTable(props: {
  traces: readonly TraceSummary[];
  state: SearchState;
  now: bigint;
}): JSX.Element {
  const { traces, state, now } = props;
  const longest = traces.reduce((max, trace) => (trace.durationNano > max ? trace.durationNano : max), 1n);
  return (
    <table class="list traces">
      <thead>
        <tr>
          <th scope="col">Trace</th>
          <th scope="col" class="col-duration">
            Duration
          </th>
          <th scope="col" class="num">
            Spans
          </th>
          <th scope="col" class="num">
            Errors
          </th>
          <th scope="col" class="col-services">
            Services
          </th>
          <th scope="col" class="num">
            Start (UTC)
          </th>
        </tr>
      </thead>
      <tbody>
        {traces.map((trace) => (
          <TraceRow trace={trace} longest={longest} filtered={state.q !== ''} now={now} />
        ))}
      </tbody>
    </table>
  );
}

interface TraceRowProps {
  readonly trace: TraceSummary;
  readonly longest: bigint;
  readonly filtered: boolean;
  readonly now: bigint;
}

function TraceRow({ trace, longest, filtered, now }: TraceRowProps): JSX.Element {
  const rootless = trace.rootName === '' && trace.rootServiceName === '';
  const service = rootless ? (trace.services[0]?.name ?? '') : trace.rootServiceName;
  return (
    <tr>
      <td class="col-main">
        <a href={`/traces/${trace.traceId}`}>
          <ServiceName name={service} />
          {rootless ? <em class="missing">root span not arrived</em> : <SpanName name={trace.rootName} />}
        </a>
        {filtered && trace.matchedCount > 0 ? <Matched trace={trace} /> : ''}
        {trace.spansets === undefined ? '' : <Spansets traceId={trace.traceId} spansets={trace.spansets} />}
      </td>
      <td class="col-duration">
        <DurationBar nano={trace.durationNano} longest={longest} service={service} />
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
      <td class="num col-start">
        <StartTime unixNano={trace.startTimeUnixNano} now={now} />
      </td>
    </tr>
  );
}

/** What matched inside the trace, each a link to that span. */
function Matched({ trace }: { trace: TraceSummary }): JSX.Element {
  const first = trace.matched[0];
  if (!first || (trace.matchedCount === trace.spanCount && trace.spanCount > 1)) return <></>;
  return (
    <a class="matched" href={attr(`/traces/${trace.traceId}?span=${first.spanId}`)}>
      <span safe>
        {trace.matchedCount === 1 ? 'matched' : `${formatCount(trace.matchedCount)} matched, first`}
      </span>{' '}
      <SpanName name={first.name} />
    </a>
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

function DurationBar(props: { nano: bigint; longest: bigint; service: string }): JSX.Element {
  const share = Math.max(0, Math.min(1, Number(props.nano) / Number(props.longest)));
  return (
    <span class="duration">
      <span class="num" safe>
        {formatDuration(props.nano)}
      </span>
      <svg class="duration-bar" width="100%" height="4" aria-hidden="true">
        <rect class="track" width="100%" height="4" rx="2" />
        <rect class="fill" width={`${Math.max(share * 100, 0.8).toFixed(2)}%`} height="4" rx="2" />
      </svg>
    </span>
  );
}

function SpanTable({ spans, now }: { spans: readonly Span[]; now: bigint }): JSX.Element {
  const longest = spans.reduce((max, span) => (span.durationNano > max ? span.durationNano : max), 1n);
  return (
    <table class="list spans">
      <thead>
        <tr>
          <th scope="col">Span</th>
          <th scope="col" class="col-duration">
            Duration
          </th>
          <th scope="col">Kind</th>
          <th scope="col">Status</th>
          <th scope="col" class="num">
            Start (UTC)
          </th>
        </tr>
      </thead>
      <tbody>
        {spans.map((span) => (
          <tr>
            <td class="col-main">
              <a href={`/traces/${span.traceId}?span=${span.spanId}`}>
                <ServiceName name={span.serviceName} />
                <SpanName name={span.name} />
              </a>
            </td>
            <td class="col-duration">
              <DurationBar nano={span.durationNano} longest={longest} service={span.serviceName} />
            </td>
            <td data-label="Kind" safe>
              {kindName(span.kind)}
            </td>
            <td data-label="Status">
              <SpanStatus span={span} />
            </td>
            <td class="num col-start">
              <StartTime unixNano={span.startTimeUnixNano} now={now} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
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

function Nothing({ state, what }: { state: SearchState; what: string }): JSX.Element {
  const wider = widerRange(state);
  return (
    <div class="nothing">
      <p class="nothing-title">Nothing here</p>
      <p safe>
        {state.q === ''
          ? `No ${what} started in ${rangeText(state)}.`
          : `No ${what} in ${rangeText(state)} matches this query.`}
      </p>
      <p class="ways">
        {wider ? (
          <a class="button" href={attr(searchHref(state, { since: wider.id, start: '', end: '' }))} safe>
            {`Look in ${wider.text}`}
          </a>
        ) : (
          ''
        )}
        {state.q === '' ? (
          <a href="/start">How to send spans</a>
        ) : (
          <a href={attr(searchHref(state, { q: '' }))}>Drop the query</a>
        )}
      </p>
    </div>
  );
}

function Paging(props: { state: SearchState; nextCursor: string | undefined; next: string }): JSX.Element {
  const { state, nextCursor, next } = props;
  if (nextCursor === undefined && state.cursor === '') return <></>;
  return (
    <nav class="paging" aria-label="Pages of results">
      {state.cursor === '' ? '' : <a href={attr(searchHref(state, {}))}>First page</a>}
      {nextCursor === undefined ? (
        <span class="none">End of the results</span>
      ) : (
        <a class="button is-quiet" href={attr(searchHref(state, { cursor: nextCursor }))} safe>
          {next}
        </a>
      )}
    </nav>
  );
}
