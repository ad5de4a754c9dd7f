/** One error: where it begins, its stack trace, what its spans have in common, its traces. */
import { Html } from '@elysiajs/html';
import type { ErrorGroup, Tally } from '../../src/trace/error-groups.ts';
import type { Occurrence } from '../../src/trace/exceptions.ts';
import { attr, formatCount, formatDuration, formatPercent, plural } from '../format.ts';
import { Layout } from '../layout.tsx';
import type { Shell } from '../layout.tsx';
import { Late } from '../shared/late.tsx';
import { FullTime, ServiceName, SpanName, StartTime, Zone } from '../shared/parts.tsx';
import { rangeParams, rangeText, widerRange } from '../shared/range-fields.ts';
import { Sparkline } from '../shared/sparkline.tsx';
import { TimeRange } from '../shared/time-range.tsx';
import { Extent } from './errors.tsx';
import { errorHref, errorsHref, isNew } from './errors-state.ts';
import type { ErrorScan, ErrorsState, LaterParts } from './errors-state.ts';
import { ErrorLater } from './later.tsx';
import { ErrorTitle, typeText } from './parts.tsx';
import { StackTrace } from './stack.tsx';

export { ErrorLater };

export interface ErrorProps {
  readonly shell: Shell;
  readonly state: ErrorsState;
  readonly now: bigint;
  readonly id: string;
  readonly href: string;
  readonly scan: ErrorScan;
  /** Undefined when nothing of it is in the range. */
  readonly group: ErrorGroup | undefined;
  /** Its spans as TraceQL. */
  readonly query: string;
  readonly later: LaterParts | undefined;
}

/** A longer address fails in too many proxies. */
const MAX_QUERY_LENGTH = 1500;

export function ErrorPageView(props: ErrorProps): JSX.Element {
  const { state, group, scan, id } = props;
  return (
    <Layout shell={props.shell} title={group ? typeText(group) : 'Error'} current="errors">
      <header class="page-head">
        <div class="error-head">
          <p class="crumb">
            <a href={attr(errorsHref(state))}>Errors</a>
          </p>
          <h1>{group ? <ErrorTitle group={group} /> : 'Not seen in this range'}</h1>
        </div>
        <TimeRange
          range={state.range}
          hrefOf={(range) => errorHref(id, state, { range })}
          problem=""
          beside={false}
        />
      </header>
      <Extent scan={scan} state={state} />
      {group ? <Found {...props} group={group} /> : <NotFound {...props} />}
    </Layout>
  );
}

function NotFound({ state, id, scan }: ErrorProps): JSX.Element {
  const wider = widerRange(state.range);
  return (
    <div class="nothing">
      <p class="nothing-title">No span of this error was found</p>
      <p safe>
        {scan.isCut
          ? `The newest ${formatCount(scan.failedRead)} failed spans have none of it.`
          : `There is none in ${rangeText(state.range)}.`}
      </p>
      <p class="ways">
        {wider ? (
          <a
            class="button"
            href={attr(errorHref(id, state, { range: { since: wider.id, start: '', end: '' } }))}
            safe
          >
            {`Look in ${wider.text}`}
          </a>
        ) : (
          ''
        )}
        <a href={attr(errorsHref(state))}>All errors</a>
      </p>
    </div>
  );
}

function Found(props: ErrorProps & { group: ErrorGroup }): JSX.Element {
  const { group, scan, state, later, query, href } = props;
  const sample = group.samples[0];
  return (
    <>
      <Figures group={group} scan={scan} />
      <Origin group={group} scan={scan} />
      {sample.message === group.pattern || sample.message === '' ? (
        ''
      ) : (
        <section class="error-part" aria-labelledby="error-message">
          <h2 id="error-message">Newest message</h2>
          <pre class="error-text" safe>
            {sample.message}
          </pre>
        </section>
      )}
      {group.kind === 'exception' ? (
        <section class="error-part" aria-labelledby="error-stack">
          <h2 id="error-stack">Stack trace</h2>
          <StackTrace text={sample.stackTrace} />
        </section>
      ) : (
        ''
      )}
      {later ? (
        <ErrorLater state={state} group={group} later={later} query={query} />
      ) : (
        <Late
          id="error-later"
          what="counts of all spans and what tells them apart"
          href={href}
          part="later"
          target="error-later"
        />
      )}
      <Traces {...props} />
    </>
  );
}

function Figures({ group, scan }: { group: ErrorGroup; scan: ErrorScan }): JSX.Element {
  const total = scan.groups.reduce((sum, { count }) => sum + count, 0);
  const most = group.trend.reduce((max, value) => Math.max(max, value), 0);
  return (
    <dl class="error-figures">
      <div>
        <dt>Spans</dt>
        <dd class="num" safe>
          {formatCount(group.count)}
        </dd>
        <dd class="note" safe>{`${formatPercent(group.count / total)} of those read`}</dd>
      </div>
      <div>
        <dt>Traces</dt>
        <dd class="num" safe>
          {formatCount(group.traces)}
        </dd>
        <dd class="note" safe>
          {group.handled === 0 ? 'all failed' : `${plural(group.handled, 'span')} handled it`}
        </dd>
      </div>
      <div>
        <dt>First seen</dt>
        <dd>
          <FullTime unixNano={group.firstUnixNano} digits={0} />
        </dd>
        <dd class="note">
          {scan.isCut
            ? 'of what was read; it may be older'
            : isNew(group, scan)
              ? 'new: in the last quarter of this range'
              : 'in this range'}
        </dd>
      </div>
      <div>
        <dt>Last seen</dt>
        <dd>
          <FullTime unixNano={group.lastUnixNano} digits={0} />
        </dd>
      </div>
      <div class="error-trend">
        <dt>Trend</dt>
        <dd>
          <Sparkline
            samples={group.trend}
            tone="error"
            title={`At most ${plural(most, 'span')} in one step`}
          />
        </dd>
        <dd class="note" safe>{`at most ${plural(most, 'span')} a step`}</dd>
      </div>
    </dl>
  );
}

function Origin({ group, scan }: { group: ErrorGroup; scan: ErrorScan }): JSX.Element {
  return (
    <section class="error-part" aria-labelledby="error-origin">
      <h2 id="error-origin">Where it begins</h2>
      <div class="error-columns">
        <div>
          <h3>Operations</h3>
          <ul>
            {group.operations.map(({ serviceName, name, count }) => (
              <li>
                <ServiceName name={serviceName} /> <SpanName name={name} />
                <span class="num note" safe>
                  {formatCount(count)}
                </span>
              </li>
            ))}
          </ul>
        </div>
        <div>
          <h3>Versions</h3>
          {group.versions.length === 0 ? (
            <p class="none">No service.version was sent</p>
          ) : (
            <Tallies tallies={group.versions} />
          )}
        </div>
        <div>
          <h3>Passed on by</h3>
          {group.passedOn.length === 0 ? (
            <p class="none">Nobody, in what was read</p>
          ) : (
            <ul>
              {group.passedOn.map((one) => (
                <li>
                  <ServiceName name={one.serviceName} /> <SpanName name={one.operation} />
                  {one.as === '' || one.as === group.type || one.as === group.pattern ? (
                    ''
                  ) : (
                    <span class="note">
                      as{' '}
                      <bdi class="data" safe>
                        {one.as}
                      </bdi>
                    </span>
                  )}
                  <span class="num note" safe>
                    {formatCount(one.count)}
                  </span>
                </li>
              ))}
            </ul>
          )}
        </div>
      </div>
      <p class="note" safe>
        {`An error above another of its trace counts as passed on. Told by parent and child${scan.tracesRead > 0 ? ` and from ${plural(scan.tracesRead, 'whole trace')}` : ''}.`}
      </p>
    </section>
  );
}

function Tallies({ tallies }: { tallies: readonly Tally[] }): JSX.Element {
  return (
    <ul>
      {tallies.map(({ name, count }) => (
        <li>
          <bdi class="data" safe>
            {name}
          </bdi>
          <span class="num note" safe>
            {formatCount(count)}
          </span>
        </li>
      ))}
    </ul>
  );
}

function Traces({ group, state, now, query }: ErrorProps & { group: ErrorGroup }): JSX.Element {
  const search = `/search?${new URLSearchParams({ q: query, view: 'spans', ...rangeParams(state.range) })}`;
  return (
    <section class="error-part" aria-labelledby="error-traces">
      <h2 id="error-traces">Newest traces</h2>
      <table class="list error-traces">
        <thead>
          <tr>
            <th scope="col">
              Start (<Zone />)
            </th>
            <th scope="col">Service and operation</th>
            <th scope="col">Version</th>
            <th scope="col">Message</th>
            <th scope="col" class="num">
              Duration
            </th>
          </tr>
        </thead>
        <tbody>
          {group.samples.map((one) => (
            <TraceRow one={one} now={now} />
          ))}
        </tbody>
      </table>
      {query.length > MAX_QUERY_LENGTH ? (
        ''
      ) : (
        <p class="ways">
          <a class="button" href={attr(search)}>
            {group.kind === 'exception' ? 'All spans with this type and message' : 'All spans of this error'}
          </a>
        </p>
      )}
    </section>
  );
}

const MESSAGE_CHARS = 160;

function TraceRow({ one, now }: { one: Occurrence; now: bigint }): JSX.Element {
  return (
    <tr>
      <td class="col-time" data-label="Start">
        <a href={`/traces/${one.traceId}?span=${one.spanId}`}>
          <StartTime unixNano={one.startUnixNano} now={now} />
        </a>
      </td>
      <td class="col-main">
        <ServiceName name={one.serviceName} /> <SpanName name={one.operation} />
      </td>
      <td data-label="Version">
        {one.version === '' ? (
          <span class="none">–</span>
        ) : (
          <bdi class="data" safe>
            {one.version}
          </bdi>
        )}
      </td>
      <td data-label="Message">
        <bdi class="data" safe>
          {one.message.slice(0, MESSAGE_CHARS)}
        </bdi>
      </td>
      <td class="num" data-label="Duration" safe>
        {formatDuration(one.durationNano)}
      </td>
    </tr>
  );
}
