/** Errors as groups: what began where, how often, since when, and who passed it on. */
import { Html } from '@elysiajs/html';
import type { ErrorGroup } from '../../src/trace/error-groups.ts';
import { attr, formatCount, formatMilliseconds, formatPercent, plural } from '../format.ts';
import { Icon } from '../icons.tsx';
import { Layout } from '../layout.tsx';
import type { Shell } from '../layout.tsx';
import { Ago, ServiceName, StartTime, Zone } from '../shared/parts.tsx';
import { rangeText, widerRange } from '../shared/range-fields.ts';
import { Sparkline } from '../shared/sparkline.tsx';
import { TimeRange } from '../shared/time-range.tsx';
import { chosenGroups, errorHref, errorsHref, isNew } from './errors-state.ts';
import type { ErrorScan, ErrorSort, ErrorsState } from './errors-state.ts';
import { ErrorTitle } from './parts.tsx';

export interface ErrorsProps {
  readonly shell: Shell;
  readonly state: ErrorsState;
  readonly now: bigint;
  /** Undefined when the range is none. */
  readonly scan: ErrorScan | undefined;
  /** Why the range is none, or ''. */
  readonly problem: string;
}

/** Rows of a page: the rest are rare ones, which a filter finds. */
const SHOWN = 200;

export function ErrorsPage(props: ErrorsProps): JSX.Element {
  const { state } = props;
  return (
    <Layout shell={props.shell} title="Errors" current="errors">
      <header class="page-head">
        <h1>Errors</h1>
        <Range {...props} beside={false} />
      </header>
      <Filters state={state} scan={props.scan} />
      <ErrorsRegion {...props} />
    </Layout>
  );
}

function Range({ state, problem, beside }: ErrorsProps & { beside: boolean }): JSX.Element {
  return (
    <TimeRange
      range={state.range}
      hrefOf={(range) => errorsHref(state, { range })}
      problem={problem}
      beside={beside}
    />
  );
}

/** What htmx asks for: the groups, and beside them the ranges, whose links carry the filter. */
export function ErrorsFragment(props: ErrorsProps): JSX.Element {
  return (
    <>
      <ErrorsRegion {...props} />
      <Range {...props} beside />
    </>
  );
}

function Filters({ state, scan }: { state: ErrorsState; scan: ErrorScan | undefined }): JSX.Element {
  const names = new Set((scan?.groups ?? []).flatMap(({ services }) => services.map(({ name }) => name)));
  for (const group of scan?.groups ?? []) for (const one of group.passedOn) names.add(one.serviceName);
  names.delete('');
  if (state.service !== '') names.add(state.service);
  const hidden = new URL(errorsHref(state, { service: '', text: '' }), 'http://x').searchParams;
  return (
    <form
      class="errors-filter"
      action="/errors"
      method="get"
      role="search"
      aria-label="Filter errors"
      hx-get="/errors"
      hx-target="#errors"
      hx-trigger="submit, change from:#errors-service, input delay:400ms from:#q"
    >
      {[...hidden].map(([name, value]) => (
        <input type="hidden" name={attr(name)} value={attr(value)} />
      ))}
      <label>
        <span>Service</span>
        <select id="errors-service" name="service">
          <option value="">Every service</option>
          {[...names].toSorted().map((name) => (
            <option value={attr(name)} selected={name === state.service} safe>
              {name.slice(0, 80)}
            </option>
          ))}
        </select>
      </label>
      <label class="errors-filter-text">
        <span>Text</span>
        <input
          id="q"
          type="search"
          name="text"
          value={attr(state.text)}
          placeholder="Type, message, function or operation"
          autocomplete="off"
          spellcheck="false"
        />
      </label>
      <button class="button is-quiet">Apply</button>
    </form>
  );
}

export function ErrorsRegion({ state, scan, now }: ErrorsProps): JSX.Element {
  if (scan === undefined) return <section id="errors" aria-label="Error groups"></section>;
  const groups = chosenGroups(scan, state);
  return (
    <section id="errors" aria-label="Error groups">
      <p class="found" role="status" safe>
        {foundText(groups.length, scan, state)}
      </p>
      <Extent scan={scan} state={state} />
      {groups.length === 0 ? (
        <Nothing state={state} any={scan.groups.length > 0} />
      ) : (
        <Table groups={groups.slice(0, SHOWN)} scan={scan} state={state} now={now} />
      )}
      {groups.length > SHOWN ? (
        <p class="note" safe>
          {`The first ${SHOWN} of ${formatCount(groups.length)} groups; filter to see others.`}
        </p>
      ) : (
        ''
      )}
      <p class="coverage">
        <span>Each span counts once, by its last exception, where the failure began</span>
        <span safe>{`Read in ${formatMilliseconds(scan.tookMs)}`}</span>
        {scan.tracesRead > 0 ? (
          <span safe>{`Origins also from ${plural(scan.tracesRead, 'whole trace')}`}</span>
        ) : (
          ''
        )}
      </p>
    </section>
  );
}

function foundText(count: number, scan: ErrorScan, state: ErrorsState): string {
  const filtered = count === scan.groups.length ? '' : ` of ${formatCount(scan.groups.length)}`;
  const of = `${formatCount(count)}${filtered} ${count === 1 && filtered === '' ? 'group' : 'groups'}`;
  return `${of}, from ${plural(scan.spans, 'span')} in ${rangeText(state.range)}`;
}

/** What the figures are of, where that is not all. */
export function Extent({ scan, state }: { scan: ErrorScan; state: ErrorsState }): JSX.Element {
  return (
    <>
      {scan.isCut ? (
        <p class="notice">
          <Icon name="info" />
          <span>
            <span safe>
              {`Figures are of the newest ${formatCount(scan.failedRead)} of ${formatCount(scan.failedTotal)} failed spans${state.service === '' ? '' : ` of ${state.service.slice(0, 80)}`}, back to `}
            </span>
            <StartTime unixNano={scan.oldestUnixNano} now={0n} /> <Zone />.
            {state.service === ''
              ? ' A shorter range or one service shows all.'
              : ' Other services were not read: what this one only passed on may stand here as its own.'}
          </span>
        </p>
      ) : (
        ''
      )}
      {scan.handledCut ? (
        <p class="notice">
          <Icon name="info" />
          <span safe>
            {`Of spans that handled an exception, the newest ${formatCount(scan.handledRead)} were read.`}
          </span>
        </p>
      ) : (
        ''
      )}
      {scan.incomplete === '' ? (
        ''
      ) : (
        <p class="notice">
          <Icon name="info" />
          <span safe>{`Incomplete: ${scan.incomplete}`}</span>
        </p>
      )}
    </>
  );
}

function Nothing({ state, any }: { state: ErrorsState; any: boolean }): JSX.Element {
  const wider = widerRange(state.range);
  return (
    <div class="nothing">
      <p class="nothing-title" safe>
        {any ? 'No error fits the filter' : `No errors in ${rangeText(state.range)}`}
      </p>
      <p class="ways">
        {any ? (
          <a class="button" href={attr(errorsHref(state, { service: '', text: '' }))}>
            Drop the filter
          </a>
        ) : (
          ''
        )}
        {wider ? (
          <a
            class="button"
            href={attr(errorsHref(state, { range: { since: wider.id, start: '', end: '' } }))}
            safe
          >
            {`Look in ${wider.text}`}
          </a>
        ) : (
          ''
        )}
      </p>
    </div>
  );
}

interface TableProps {
  readonly groups: readonly ErrorGroup[];
  readonly scan: ErrorScan;
  readonly state: ErrorsState;
  readonly now: bigint;
}

function Table(props: TableProps): JSX.Element {
  const { groups, scan, state } = props;
  const total = scan.groups.reduce((sum, { count }) => sum + count, 0);
  return (
    <table class="list errors-list">
      <caption class="hidden-visually">Error groups</caption>
      <thead>
        <tr>
          <th scope="col">Error</th>
          <th scope="col">Trend</th>
          <SortHead state={state} sort="count" label="Spans" numeric />
          <th scope="col" class="num">
            Share
          </th>
          <SortHead state={state} sort="last" label="Last seen" />
          <SortHead state={state} sort="first" label="First seen" />
          <th scope="col">Began in</th>
        </tr>
      </thead>
      <tbody>
        {groups.map((group) => (
          <Row {...props} group={group} share={group.count / total} />
        ))}
      </tbody>
    </table>
  );
}

function SortHead(props: {
  state: ErrorsState;
  sort: ErrorSort;
  label: string;
  numeric?: boolean;
}): JSX.Element {
  const { state, sort, label, numeric } = props;
  const current = state.sort === sort;
  return (
    <th scope="col" class={numeric ? 'num' : undefined} aria-sort={current ? 'descending' : undefined}>
      <a href={attr(errorsHref(state, { sort }))}>
        <span safe>{label}</span>
        <span class="sort-mark" aria-hidden="true">
          {current ? '↓' : ''}
        </span>
      </a>
    </th>
  );
}

function Row(props: TableProps & { group: ErrorGroup; share: number }): JSX.Element {
  const { group, scan, state, now, share } = props;
  const most = group.trend.reduce((max, value) => Math.max(max, value), 0);
  const seen = alsoSeen(group);
  return (
    <tr>
      <td class="col-main">
        <a class="error-link" href={attr(errorHref(group.id, state))}>
          <ErrorTitle group={group}>
            {isNew(group, scan) ? (
              <span class="badge is-new" title="First seen in the last quarter of this range">
                new
              </span>
            ) : (
              ''
            )}
            {group.handled === group.count ? (
              <span class="badge" title="The spans did not end with an error">
                handled
              </span>
            ) : (
              ''
            )}
          </ErrorTitle>
        </a>
        {seen.length > 0 ? (
          <p class="error-seen">
            seen also in
            {seen.map((name) => (
              <ServiceName name={name} />
            ))}
          </p>
        ) : (
          ''
        )}
      </td>
      <td class="col-trend">
        <Sparkline samples={group.trend} tone="error" title={`At most ${plural(most, 'span')} in one step`} />
      </td>
      <td class="num" data-label="Spans" safe>
        {formatCount(group.count)}
      </td>
      <td class="num" data-label="Share" safe>
        {formatPercent(share)}
      </td>
      <td class="col-time" data-label="Last seen">
        <Ago unixNano={group.lastUnixNano} now={now} />
      </td>
      <td class="col-time" data-label="First seen">
        {scan.isCut ? <span class="none">by </span> : ''}
        <Ago unixNano={group.firstUnixNano} now={now} />
      </td>
      <td class="col-services" data-label="Began in">
        {group.services.slice(0, 3).map(({ name }) => (
          <ServiceName name={name} />
        ))}
        {group.services.length > 3 ? <span class="note">and more</span> : ''}
      </td>
    </tr>
  );
}

/** Services that passed it on, besides those where it began. */
export function alsoSeen({ services, passedOn }: ErrorGroup): string[] {
  const began = new Set(services.map(({ name }) => name));
  return [...new Set(passedOn.map(({ serviceName }) => serviceName))].filter((name) => !began.has(name));
}
