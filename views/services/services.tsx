/** All services: how many spans, how often wrong, how slow. Every figure leads to its traces. */
import { Html } from '@elysiajs/html';
import type { StatsPage } from '../../src/store/span-store.ts';
import { attr, formatCount, plural } from '../format.ts';
import { Layout } from '../layout.tsx';
import type { Shell } from '../layout.tsx';
import { partHref } from '../shared/late.tsx';
import { CoverageLine } from '../shared/parts.tsx';
import { rangeText, widerRange } from '../shared/range-fields.ts';
import { TimeRange } from '../shared/time-range.tsx';
import { ReachNote } from './reach.tsx';
import type { Reach } from './reach.tsx';
import { statsHref } from './stats-state.ts';
import type { StatsState } from './stats-state.ts';
import { StatsTable } from './stats-table.tsx';
import { statsRows } from './stats-view.ts';
import type { Before, StatsRows } from './stats-view.ts';
import type { Trends } from './trends.ts';

export interface ServicesProps {
  readonly shell: Shell;
  readonly state: StatsState;
  /** Why the typed range is none; '' when it is one. */
  readonly problem: string;
  readonly page: StatsPage;
  readonly seconds: number;
  readonly before: Before | undefined;
  readonly reach: Reach;
  readonly trends: Trends | undefined;
}

const REGION = 'services-region';
const FILTER_FORM = 'name-filter';

export function ServicesPage(props: ServicesProps): JSX.Element {
  const { shell, state, problem } = props;
  return (
    <Layout shell={shell} title="Services" current="services">
      <header class="page-head">
        <h1>Services</h1>
        <StatsRange state={state} service={undefined} problem={problem} />
      </header>
      <NameFilter state={state} service={undefined} region={REGION} label="Filter services" />
      <ServicesRegion {...props} />
    </Layout>
  );
}

/** Of a service's page, or of that of all. */
export function StatsRange(props: {
  state: StatsState;
  service: string | undefined;
  problem: string;
  beside?: boolean;
}): JSX.Element {
  const { state, service, problem, beside } = props;
  return (
    <TimeRange
      range={state.range}
      hrefOf={(range) => statsHref(service, state, { range })}
      problem={problem}
      beside={beside ?? false}
    />
  );
}

/** What a filter or another order changes: the region, and the addresses of the other ranges. */
export function ServicesFragment(props: ServicesProps): JSX.Element {
  return (
    <>
      <ServicesRegion {...props} />
      <StatsRange state={props.state} service={undefined} problem={props.problem} beside />
    </>
  );
}

/** The page without its head. */
export function ServicesRegion(props: ServicesProps): JSX.Element {
  const { state, page } = props;
  const found = statsRows(page.stats, state, false);
  return (
    <div id={REGION} {...trendsLater(props.trends, statsHref(undefined, state))}>
      <FilterFields state={state} service={undefined} />
      {found.rows.length === 0 ? (
        <NothingFound state={state} service={undefined} any={page.stats.length > 0} />
      ) : (
        <>
          <Found found={found} what="service" />
          <StatsTable
            state={state}
            service={undefined}
            rows={found.rows}
            seconds={props.seconds}
            before={props.before}
            trends={props.trends}
            region={REGION}
          />
          {props.trends === undefined ? <TrendsLink href={statsHref(undefined, state)} /> : ''}
          <ReachNote reach={props.reach} />
        </>
      )}
      <CoverageLine coverage={page} />
    </div>
  );
}

/** Courses that take longer than the page come into it later, without a jump. */
export function trendsLater(trends: Trends | undefined, href: string): Record<string, string> {
  if (trends !== undefined) return {};
  return { 'hx-get': attr(partHref(href, 'trends')), 'hx-trigger': 'load', 'hx-swap': 'outerMorph' };
}

export function TrendsLink({ href }: { href: string }): JSX.Element {
  return (
    <noscript>
      <p class="note">
        <a href={attr(partHref(href, 'all'))}>Show how the figures went</a>
      </p>
    </noscript>
  );
}

export function Found({ found, what }: { found: StatsRows; what: string }): JSX.Element {
  const { rows, matching, spans } = found;
  const cut =
    rows.length < matching ? `; the first ${formatCount(rows.length)} are shown, filter by name` : '';
  return (
    <p class="found" role="status" safe>
      {`${plural(matching, what)}, ${plural(spans, 'span')}${cut}`}
    </p>
  );
}

/** Typing filters; without scripts Enter does. */
export function NameFilter(props: {
  state: StatsState;
  service: string | undefined;
  region: string;
  label: string;
}): JSX.Element {
  const { state, service, region, label } = props;
  const [path] = statsHref(service, state, { filter: '' }).split('?');
  return (
    <form
      id={FILTER_FORM}
      class="name-filter"
      role="search"
      action={attr(path)}
      method="get"
      hx-get={attr(path)}
      hx-trigger="input delay:200ms, submit"
      hx-target={`#${region}`}
      hx-swap="outerMorph"
      hx-replace-url="true"
    >
      <label>
        <span class="hidden-visually" safe>
          {label}
        </span>
        <input
          type="search"
          name="filter"
          value={attr(state.filter)}
          placeholder={label}
          autocomplete="off"
          autocapitalize="off"
          spellcheck="false"
        />
      </label>
    </form>
  );
}

/** What else stands in the address. With the region, so that the form follows another order. */
export function FilterFields({
  state,
  service,
}: {
  state: StatsState;
  service: string | undefined;
}): JSX.Element {
  const [, query = ''] = statsHref(service, state, { filter: '' }).split('?');
  return (
    <>
      {[...new URLSearchParams(query)].map(([name, value]) => (
        <input type="hidden" form={FILTER_FORM} name={attr(name)} value={attr(value)} />
      ))}
    </>
  );
}

export function NothingFound(props: {
  state: StatsState;
  service: string | undefined;
  /** There is something that the filter leaves out. */
  any: boolean;
}): JSX.Element {
  const { state, service, any } = props;
  const wider = widerRange(state.range);
  const range = wider ? { since: wider.id, start: '', end: '' } : undefined;
  return (
    <div class="nothing">
      <p class="nothing-title">{any ? 'No name has this in it' : 'No spans in this range'}</p>
      <p safe>{any ? `The filter is "${state.filter}".` : `Looked in ${rangeText(state.range)}.`}</p>
      <p class="ways">
        {any ? (
          <a class="button" href={attr(statsHref(service, state, { filter: '' }))}>
            Drop the filter
          </a>
        ) : wider && range ? (
          <a class="button" href={attr(statsHref(service, state, { range }))} safe>
            {`Look in ${wider.text}`}
          </a>
        ) : (
          <a class="button" href="/start">
            How to send spans
          </a>
        )}
      </p>
    </div>
  );
}
