/** Services, and the operations of one: how many, how often wrong, how slow. Every figure leads to its traces. */
import { Html } from '@elysiajs/html';
import type { OperationStats, StatsPage } from '../src/store/span-store.ts';
import { attr, formatCount, formatDuration, formatPercent, formatRate, kindName, plural } from './format.ts';
import { Layout } from './layout.tsx';
import type { Shell } from './layout.tsx';
import { figureHref } from './shared/query-links.ts';
import { RANGES } from './search/search-state.ts';
import { CoverageLine, ErrorCount, LinkChoice, ServiceName, SpanName } from './shared/parts.tsx';

export const SORTS = ['name', 'count', 'errors', 'errorRate', 'p50', 'p95', 'p99'] as const;
export type Sort = (typeof SORTS)[number];

export interface StatsState {
  /** One of RANGES. */
  readonly since: string;
  readonly sort: Sort;
  readonly descending: boolean;
}

export interface StatsProps {
  readonly shell: Shell;
  readonly state: StatsState;
  /** The service whose operations these are; undefined on the page of all services. */
  readonly service: string | undefined;
  readonly page: StatsPage;
  /** Length of the range, for rates; 0 when it is open, and then there are no rates. */
  readonly rangeSeconds: number;
}

export function statsHref(
  service: string | undefined,
  state: StatsState,
  change: Partial<StatsState> = {},
): string {
  const { since, sort, descending } = { ...state, ...change };
  const params = new URLSearchParams({ since, sort, order: descending ? 'desc' : 'asc' });
  if (service === undefined) return `/services?${params}`;
  // No path can hold these three: browsers and servers take dots for directions.
  if (service !== '' && service !== '.' && service !== '..') {
    return `/services/${encodeURIComponent(service)}?${params}`;
  }
  params.set('name', service);
  return `/services/named?${params}`;
}

export function StatsPageView(props: StatsProps): JSX.Element {
  const { service, page, state } = props;
  const title = service === undefined ? 'Services' : service === '' ? 'Spans without service.name' : service;
  return (
    <Layout shell={props.shell} title={title} current="services">
      <header class="page-head">
        {service === undefined ? (
          <h1>Services</h1>
        ) : (
          <div>
            <p class="crumb">
              <a href={`/services?since=${state.since}`}>Services</a>
            </p>
            <h1>
              <ServiceName name={service} />
            </h1>
          </div>
        )}
        <LinkChoice
          label="Time range"
          choices={RANGES.map(({ id, label }) => ({
            text: label,
            href: statsHref(service, state, { since: id }),
            current: state.since === id,
          }))}
        />
      </header>
      {page.stats.length === 0 ? <Nothing state={state} service={service} /> : <Table {...props} />}
      <CoverageLine coverage={page} />
    </Layout>
  );
}

function Nothing({ state, service }: { state: StatsState; service: string | undefined }): JSX.Element {
  const wider = RANGES[RANGES.findIndex((range) => range.id === state.since) + 1];
  return (
    <div class="nothing">
      <p class="nothing-title">No spans in this range</p>
      <p class="ways">
        {wider ? (
          <a class="button" href={attr(statsHref(service, state, { since: wider.id }))} safe>
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

function Table(props: StatsProps): JSX.Element {
  const { page, state, service } = props;
  const what = service === undefined ? 'service' : 'operation';
  const rows = sortStats(page.stats, state, service !== undefined);
  const total = rows.reduce((sum, row) => sum + row.count, 0);
  const slowest = rows.reduce((max, row) => (row.p99Nano > max ? row.p99Nano : max), 1n);
  return (
    <>
      <p class="found" safe>{`${plural(rows.length, what)}, ${plural(total, 'span')}`}</p>
      <table class="list stats">
        <thead>
          <tr>
            <SortHead props={props} sort="name" label={what === 'service' ? 'Service' : 'Operation'} />
            <SortHead props={props} sort="count" label="Spans" numeric />
            <th scope="col" class="num">
              Rate
            </th>
            <SortHead props={props} sort="errors" label="Errors" numeric />
            <SortHead props={props} sort="errorRate" label="Error %" numeric />
            <SortHead props={props} sort="p50" label="p50" numeric />
            <SortHead props={props} sort="p95" label="p95" numeric />
            <SortHead props={props} sort="p99" label="p99" numeric />
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <StatsRow row={row} props={props} slowest={slowest} />
          ))}
        </tbody>
      </table>
    </>
  );
}

interface SortHeadProps {
  readonly props: StatsProps;
  readonly sort: Sort;
  readonly label: string;
  readonly numeric?: boolean;
}

function SortHead({ props, sort, label, numeric }: SortHeadProps): JSX.Element {
  const { state, service } = props;
  const current = state.sort === sort;
  // The first click shows the largest figures, or the names from A.
  const descending = current ? !state.descending : sort !== 'name';
  return (
    <th
      scope="col"
      class={numeric ? 'num' : undefined}
      aria-sort={current ? (state.descending ? 'descending' : 'ascending') : undefined}
    >
      <a href={attr(statsHref(service, state, { sort, descending }))}>
        <span safe>{label}</span>
        <span class="sort-mark" aria-hidden="true">
          {current ? (state.descending ? '↓' : '↑') : ''}
        </span>
      </a>
    </th>
  );
}

function StatsRow({
  row,
  props,
  slowest,
}: {
  row: OperationStats;
  props: StatsProps;
  slowest: bigint;
}): JSX.Element {
  const { state, service, rangeSeconds } = props;
  const filter = { service: row.serviceName, operation: service === undefined ? '' : row.name };
  const range = { since: state.since };
  const rate: string = rangeSeconds > 0 ? formatRate(row.count, rangeSeconds) : '–';
  const traces = figureHref(filter, range);
  const slow = (minDuration: bigint): string =>
    figureHref({ ...filter, minDuration }, { ...range, order: 'slowest' });
  return (
    <tr>
      <td class="col-main">
        <a href={attr(service === undefined ? serviceHref(row.serviceName, state) : traces)}>
          {service === undefined ? <ServiceName name={row.serviceName} /> : <SpanName name={row.name} />}
        </a>
        {service === undefined ? (
          ''
        ) : (
          <span class="badge" safe>
            {kindName(row.kind)}
          </span>
        )}
      </td>
      <Figure label="Spans" href={traces} text={formatCount(row.count)} />
      <td class="num" data-label="Rate" safe>
        {rate}
      </td>
      <td class="num" data-label="Errors">
        {row.errorCount === 0 ? (
          <span class="none">0</span>
        ) : (
          <a href={attr(figureHref({ ...filter, errorsOnly: true }, range))}>
            <ErrorCount count={row.errorCount} />
          </a>
        )}
      </td>
      <td class="num" data-label="Error %" safe>
        {formatPercent(row.count === 0 ? 0 : row.errorCount / row.count)}
      </td>
      <Figure label="p50" href={slow(row.p50Nano)} text={formatDuration(row.p50Nano)} />
      <Figure label="p95" href={slow(row.p95Nano)} text={formatDuration(row.p95Nano)} />
      <td class="num with-bar" data-label="p99">
        <a href={attr(slow(row.p99Nano))} safe>
          {formatDuration(row.p99Nano)}
        </a>
        <svg class="duration-bar" width="100%" height="3" aria-hidden="true">
          <rect
            class="fill"
            width={`${Math.max((Number(row.p99Nano) / Number(slowest)) * 100, 1).toFixed(1)}%`}
            height="3"
            rx="1.5"
          />
        </svg>
      </td>
    </tr>
  );
}

function serviceHref(service: string, state: StatsState): string {
  return statsHref(service, state, { sort: 'count', descending: true });
}

function Figure({ label, href, text }: { label: string; href: string; text: string }): JSX.Element {
  return (
    <td class="num" data-label={label}>
      <a href={attr(href)} safe>
        {text}
      </a>
    </td>
  );
}

/** Ties go by name, so that the order is the same on every load. */
export function sortStats(
  stats: readonly OperationStats[],
  { sort, descending }: StatsState,
  byOperation: boolean,
): OperationStats[] {
  const name = (row: OperationStats): string => (byOperation ? row.name : row.serviceName);
  const figure = (row: OperationStats): number => {
    switch (sort) {
      case 'name':
        return 0;
      case 'count':
        return row.count;
      case 'errors':
        return row.errorCount;
      case 'errorRate':
        return row.count === 0 ? 0 : row.errorCount / row.count;
      case 'p50':
        return Number(row.p50Nano);
      case 'p95':
        return Number(row.p95Nano);
      case 'p99':
        return Number(row.p99Nano);
    }
  };
  const direction = descending ? -1 : 1;
  return stats.toSorted((a, b) => {
    const difference = figure(a) - figure(b);
    if (difference !== 0) return difference * direction;
    const names = name(a) < name(b) ? -1 : name(a) > name(b) ? 1 : a.kind - b.kind;
    return sort === 'name' ? names * direction : names;
  });
}
