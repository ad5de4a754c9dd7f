/** The table of services, or of the operations of one: how many, how often wrong, how slow. */
import { Html } from '@elysiajs/html';
import type { OperationStats } from '../../src/store/span-store.ts';
import { attr, formatCount, formatDuration, formatPercent, formatRate, kindName } from '../format.ts';
import { figureHref } from '../shared/query-links.ts';
import { ErrorCount, ServiceName, SpanName } from '../shared/parts.tsx';
import { rangeParams, rangeText } from '../shared/range-fields.ts';
import { FigureCell, FigureLink } from './figures.tsx';
import { serviceHref, statsHref } from './stats-state.ts';
import type { Sort, StatsState } from './stats-state.ts';
import { changesOf, coursesOf, errorShare, rowKey } from './stats-view.ts';
import type { Before } from './stats-view.ts';
import type { Trends } from './trends.ts';

export interface StatsTableProps {
  readonly state: StatsState;
  /** The service whose operations these are; undefined in the table of all services. */
  readonly service: string | undefined;
  readonly rows: readonly OperationStats[];
  /** Length of the range, for rates; 0 when that is not known. */
  readonly seconds: number;
  /** Undefined where there is no such period, or nothing in it. */
  readonly before: Before | undefined;
  /** Undefined while they are on their way. */
  readonly trends: Trends | undefined;
  /** What the links of the head replace. */
  readonly region: string;
}

export function StatsTable(props: StatsTableProps): JSX.Element {
  const { service, rows, state } = props;
  const byOperation = service !== undefined;
  const before = new Map(props.before?.stats.map((row) => [rowKey(row, byOperation), row]));
  return (
    <div class="table-scroll">
      <table class="list stats">
        <caption class="hidden-visually" safe>
          {`${byOperation ? 'Operations' : 'Services'} in ${rangeText(state.range)}`}
        </caption>
        <thead>
          <tr>
            <SortHead props={props} sort="name" label={byOperation ? 'Operation' : 'Service'} />
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
            <StatsRow row={row} props={props} before={before.get(rowKey(row, byOperation))} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface SortHeadProps {
  readonly props: StatsTableProps;
  readonly sort: Sort;
  readonly label: string;
  readonly numeric?: boolean;
}

function SortHead({ props, sort, label, numeric }: SortHeadProps): JSX.Element {
  const { state, service, region } = props;
  const current = state.sort === sort;
  // The first click shows the largest figures, or the names from A.
  const descending = current ? !state.descending : sort !== 'name';
  const href = statsHref(service, state, { sort, descending });
  return (
    <th
      scope="col"
      class={numeric ? 'num' : undefined}
      aria-sort={current ? (state.descending ? 'descending' : 'ascending') : undefined}
    >
      <a
        id={`sort-${sort}`}
        href={attr(href)}
        hx-get={attr(href)}
        hx-target={`#${region}`}
        hx-swap="outerMorph"
        hx-push-url="true"
      >
        <span safe>{label}</span>
        <span class="sort-mark" aria-hidden="true">
          {current ? (state.descending ? '↓' : '↑') : ''}
        </span>
      </a>
    </th>
  );
}

interface RowProps {
  readonly row: OperationStats;
  readonly props: StatsTableProps;
  readonly before: OperationStats | undefined;
}

function StatsRow({ row, props, before }: RowProps): JSX.Element {
  const { service, seconds, trends, state } = props;
  const byOperation = service !== undefined;
  const filter = byOperation
    ? { service, operation: row.name, kind: kindName(row.kind) }
    : { service: row.serviceName, operation: '' };
  const range = rangeParams(state.range);
  const traces = figureHref(filter, range);
  const slow = (minDuration: bigint): string =>
    figureHref({ ...filter, minDuration }, { ...range, order: 'slowest' });
  const errors = row.errorCount === 0 ? '' : figureHref({ ...filter, errorsOnly: true }, range);
  const changes = changesOf(row, before);
  const courses =
    trends === undefined ? null : (coursesOf(trends, rowKey(row, byOperation)) ?? { ...NO_COURSES });
  return (
    <tr>
      <th scope="row" class="col-main">
        <RowName row={row} props={props} traces={traces} />
        {props.before !== undefined && changes === undefined ? (
          <span class="badge" title={`No span in ${props.before.text}`}>
            new
          </span>
        ) : (
          ''
        )}
      </th>
      <FigureCell label="Spans" href={traces} leadsTo="Their traces" change={undefined}>
        <span safe>{formatCount(row.count)}</span>
      </FigureCell>
      <FigureCell
        label="Rate"
        href={traces}
        leadsTo="Their traces"
        change={changes?.rate}
        course={courses === null ? null : courses.rate}
      >
        <span>{seconds > 0 ? formatRate(row.count, seconds) : '–'}</span>
      </FigureCell>
      <td class="num" data-label="Errors">
        <FigureLink href={errors} label="Traces with these errors">
          <ErrorCount count={row.errorCount} />
        </FigureLink>
      </td>
      <FigureCell
        label="Error %"
        href={errors}
        leadsTo="Traces with these errors"
        change={changes?.errorShare}
        course={courses === null ? null : courses.errorShare}
      >
        <span safe>{formatPercent(errorShare(row))}</span>
      </FigureCell>
      <FigureCell label="p50" href={slow(row.p50Nano)} leadsTo="Traces as slow" change={changes?.p50}>
        <span safe>{formatDuration(row.p50Nano)}</span>
      </FigureCell>
      <FigureCell
        label="p95"
        href={slow(row.p95Nano)}
        leadsTo="Traces as slow"
        change={changes?.p95}
        course={courses === null ? null : courses.p95}
      >
        <span safe>{formatDuration(row.p95Nano)}</span>
      </FigureCell>
      <FigureCell label="p99" href={slow(row.p99Nano)} leadsTo="Traces as slow" change={changes?.p99}>
        <span safe>{formatDuration(row.p99Nano)}</span>
      </FigureCell>
    </tr>
  );
}

/** A row beyond those that courses were asked for keeps its place for them empty. */
const NO_COURSES = { rate: null, errorShare: null, p95: null };

function RowName({
  row,
  props,
  traces,
}: {
  row: OperationStats;
  props: StatsTableProps;
  traces: string;
}): JSX.Element {
  if (props.service === undefined) {
    return (
      <a href={attr(serviceHref(row.serviceName, props.state.range))}>
        <ServiceName name={row.serviceName} />
      </a>
    );
  }
  return (
    <>
      <FigureLink href={traces}>
        <SpanName name={row.name} />
      </FigureLink>
      <span class="badge" safe>
        {kindName(row.kind)}
      </span>
    </>
  );
}
