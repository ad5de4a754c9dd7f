/** One service: its figures, how they went, its operations, who calls it and whom it calls, its latest errors. */
import { Html } from '@elysiajs/html';
import type { FacetsPage, OperationStats, SpanPage, StatsPage } from '../../src/store/span-store.ts';
import { attr } from '../format.ts';
import { Layout } from '../layout.tsx';
import type { Shell } from '../layout.tsx';
import { Late } from '../shared/late.tsx';
import { CoverageLine, ServiceName } from '../shared/parts.tsx';
import { figureHref } from '../shared/query-links.ts';
import { rangeParams } from '../shared/range-fields.ts';
import type { Call } from './calls.ts';
import { CallsTable } from './calls-table.tsx';
import { mapHref } from './map-state.ts';
import { ReachNote } from './reach.tsx';
import type { Reach } from './reach.tsx';
import { ServiceChartsView } from './service-charts.tsx';
import type { ServiceCharts } from './service-charts.tsx';
import { ServiceHead } from './service-head.tsx';
import { LatestErrors, MakeUp } from './service-parts.tsx';
import {
  FilterFields,
  Found,
  NameFilter,
  NothingFound,
  StatsRange,
  TrendsLink,
  trendsLater,
} from './services.tsx';
import { serviceHref, statsHref } from './stats-state.ts';
import type { StatsState } from './stats-state.ts';
import { StatsTable } from './stats-table.tsx';
import { statsRows } from './stats-view.ts';
import type { Before } from './stats-view.ts';
import type { Trends } from './trends.ts';

/** What the page is made of; each can be asked for alone. */
export const SERVICE_PARTS = ['charts', 'trends', 'calls', 'makeup', 'errors'] as const;
export type ServicePart = (typeof SERVICE_PARTS)[number];

export interface ServiceCalls {
  readonly callers: readonly Call[];
  readonly callees: readonly Call[];
  /** Why calls are missing; '' when all are there. */
  readonly incomplete: string;
}

/** Undefined while it is on its way. */
export interface ServiceAnswers {
  readonly charts: ServiceCharts | undefined;
  readonly trends: Trends | undefined;
  readonly calls: ServiceCalls | undefined;
  readonly makeup: FacetsPage | undefined;
  readonly errors: SpanPage | undefined;
}

export interface ServiceProps extends ServiceAnswers {
  readonly shell: Shell;
  readonly state: StatsState;
  readonly problem: string;
  readonly service: string;
  /** Its operations. */
  readonly page: StatsPage;
  readonly before: Before | undefined;
  /** Over all of them; undefined when it has no spans in the range. */
  readonly total: OperationStats | undefined;
  readonly totalBefore: OperationStats | undefined;
  readonly seconds: number;
  readonly reach: Reach;
  readonly now: bigint;
}

const REGION = 'operations-region';

export function ServicePage(props: ServiceProps): JSX.Element {
  const { shell, state, service, total } = props;
  const traces = figureHref({ service, operation: '' }, rangeParams(state.range));
  return (
    <Layout shell={shell} title={service === '' ? 'Spans without service.name' : service} current="services">
      <header class="page-head">
        <div>
          <p class="crumb">
            <a href={attr(statsHref(undefined, { ...state, sort: 'count', descending: true, filter: '' }))}>
              Services
            </a>
          </p>
          <h1>
            <ServiceName name={service} />
          </h1>
          <p class="service-ways">
            {traces === '' ? '' : <a href={attr(traces)}>Traces</a>}
            <a href={attr(mapHref({ range: state.range, service }))}>On the map</a>
          </p>
        </div>
        <StatsRange state={state} service={service} problem={props.problem} />
      </header>
      {total === undefined ? (
        <NothingFound state={{ ...state, filter: '' }} service={service} any={false} />
      ) : (
        <>
          <ServiceHead row={total} before={props.totalBefore} seconds={props.seconds} range={state.range} />
          <ReachNote reach={props.reach} />
          <ChartsPart {...props} />
          <section aria-labelledby="operations">
            <div class="section-head">
              <h2 id="operations">Operations</h2>
              <NameFilter state={state} service={service} region={REGION} label="Filter operations" />
            </div>
            <OperationsRegion {...props} />
          </section>
          <CallsPart {...props} />
          <div class="service-sides">
            <ErrorsPart {...props} />
            <MakeUpPart {...props} />
          </div>
        </>
      )}
    </Layout>
  );
}

export function OperationsRegion(props: ServiceProps): JSX.Element {
  const { state, page, service } = props;
  const href = statsHref(service, state);
  const found = statsRows(page.stats, state, true);
  return (
    <div id={REGION} {...trendsLater(props.trends, href)}>
      <FilterFields state={state} service={service} />
      {found.rows.length === 0 ? (
        <NothingFound state={state} service={service} any={page.stats.length > 0} />
      ) : (
        <>
          <Found found={found} what="operation" />
          <StatsTable
            state={state}
            service={service}
            rows={found.rows}
            seconds={props.seconds}
            before={props.before}
            trends={props.trends}
            region={REGION}
          />
          {props.trends === undefined ? <TrendsLink href={href} /> : ''}
        </>
      )}
      <CoverageLine coverage={page} />
    </div>
  );
}

/** The part of the page that was asked for alone. */
export function ServicePartView({ part, props }: { part: ServicePart; props: ServiceProps }): JSX.Element {
  switch (part) {
    case 'charts':
      return <ChartsPart {...props} />;
    case 'trends':
      return <OperationsRegion {...props} />;
    case 'calls':
      return <CallsPart {...props} />;
    case 'makeup':
      return <MakeUpPart {...props} />;
    case 'errors':
      return <ErrorsPart {...props} />;
  }
}

function later(props: ServiceProps): string {
  return statsHref(props.service, props.state);
}

function ChartsPart(props: ServiceProps): JSX.Element {
  return (
    <section id="charts" class="service-section" aria-label="Over time">
      {props.charts === undefined ? (
        <Late id="charts-late" what="charts" href={later(props)} part="charts" target="charts" />
      ) : (
        <ServiceChartsView service={props.service} charts={props.charts} />
      )}
    </section>
  );
}

function CallsPart(props: ServiceProps): JSX.Element {
  const { calls, state, seconds } = props;
  return (
    <section id="calls" class="service-section service-calls" aria-labelledby="calls-title">
      <h2 id="calls-title">Calls</h2>
      {calls === undefined ? (
        <Late id="calls-late" what="calls" href={later(props)} part="calls" target="calls" />
      ) : (
        <>
          <h3>Who calls it</h3>
          <CallsOf
            calls={calls.callers}
            ends="client"
            none="Nobody that sends spans."
            {...{ state, seconds }}
          />
          <h3>Whom it calls</h3>
          <CallsOf calls={calls.callees} ends="server" none="Nobody." {...{ state, seconds }} />
          {calls.incomplete === '' ? '' : <p class="warning" safe>{`Incomplete: ${calls.incomplete}`}</p>}
        </>
      )}
    </section>
  );
}

function CallsOf(props: {
  calls: readonly Call[];
  ends: 'client' | 'server';
  none: string;
  state: StatsState;
  seconds: number;
}): JSX.Element {
  const { calls, ends, none, state, seconds } = props;
  if (calls.length === 0) {
    return (
      <p class="none" safe>
        {none}
      </p>
    );
  }
  return (
    <CallsTable
      caption={ends === 'client' ? 'Who calls it' : 'Whom it calls'}
      calls={calls}
      range={state.range}
      seconds={seconds}
      ends={ends}
      hrefOf={({ kind, name }) => (kind === 'service' ? serviceHref(name, state.range) : '')}
    />
  );
}

function MakeUpPart(props: ServiceProps): JSX.Element {
  const { makeup, service, state } = props;
  return (
    <section id="makeup" class="service-section" aria-labelledby="makeup-title">
      <h2 id="makeup-title">Versions and places</h2>
      {makeup === undefined ? (
        <Late id="makeup-late" what="versions" href={later(props)} part="makeup" target="makeup" />
      ) : (
        <MakeUp service={service} range={state.range} page={makeup} />
      )}
    </section>
  );
}

function ErrorsPart(props: ServiceProps): JSX.Element {
  const { errors, service, state, now } = props;
  return (
    <section id="errors" class="service-section" aria-labelledby="errors-title">
      <h2 id="errors-title">Latest errors</h2>
      {errors === undefined ? (
        <Late id="errors-late" what="errors" href={later(props)} part="errors" target="errors" />
      ) : (
        <LatestErrors service={service} range={state.range} page={errors} now={now} />
      )}
    </section>
  );
}
