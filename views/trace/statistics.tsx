/** A trace in figures, a row an operation or a service. */
import { Html } from '@elysiajs/html';
import type { SpanFigures } from '../../src/trace/statistics.ts';
import { attr, formatCount, formatPercent, plural } from '../format.ts';
import { ErrorCount, LinkChoice, ServiceName, SpanName } from '../shared/parts.tsx';
import { figureQuery } from '../shared/query-figures.ts';
import { traceHref } from './trace-state.ts';
import type { TraceState } from './trace-state.ts';
import { nanoText, RowsNav, SortHead, viewHref } from './view-nav.tsx';
import type { StatisticsSort, ViewState } from './view-state.ts';

export const STATISTICS_ROWS = 200;

export interface StatisticsProps {
  readonly state: TraceState;
  readonly view: ViewState;
  /** All of them, in any order. */
  readonly figures: readonly SpanFigures[];
}

export function StatisticsView({ state, view, figures }: StatisticsProps): JSX.Element {
  const whole = figures.reduce((sum, one) => sum + one.selfNano, 0);
  const sorted = sortedFigures(figures, view);
  const rows = sorted.slice(view.row, view.row + STATISTICS_ROWS);
  const head = { state, view, usual: 'self' } as const;
  return (
    <section id="trace-view" class="trace-view" aria-label="Statistics">
      <div class="view-bar">
        <LinkChoice
          label="A row for each"
          choices={(['operation', 'service'] as const).map((by) => ({
            text: by === 'operation' ? 'By operation' : 'By service',
            href: viewHref(state, view, { by, row: 0 }),
            current: view.by === by,
          }))}
        />
        <p class="note" safe>
          {`${plural(figures.length, view.by)}. Self time is what no child covers; totals count spans within each other twice.`}
        </p>
      </div>
      <table class="list statistics-table">
        <caption class="hidden-visually">Figures of this trace</caption>
        <thead>
          <tr>
            <SortHead
              {...head}
              sort="name"
              text={view.by === 'service' ? 'Service' : 'Operation'}
              numeric={false}
              ascendingFirst
            />
            <SortHead {...head} sort="count" text="Spans" />
            <SortHead {...head} sort="self" text="Self time" />
            <th scope="col">Share</th>
            <SortHead {...head} sort="total" text="Total" />
            <SortHead {...head} sort="p50" text="p50" />
            <SortHead {...head} sort="p95" text="p95" />
            <SortHead {...head} sort="max" text="Max" />
            <SortHead {...head} sort="errors" text="Errors" />
          </tr>
        </thead>
        <tbody>
          {rows.map((one) => (
            <Row one={one} state={state} view={view} whole={whole} />
          ))}
        </tbody>
      </table>
      <RowsNav state={state} view={view} shown={rows.length} total={sorted.length} size={STATISTICS_ROWS} />
    </section>
  );
}

interface RowProps {
  readonly one: SpanFigures;
  readonly state: TraceState;
  readonly view: ViewState;
  readonly whole: number;
}

function Row({ one, state, view, whole }: RowProps): JSX.Element {
  const share = whole === 0 ? 0 : one.selfNano / whole;
  const longest = attr(traceHref(state, { span: one.longest.span.spanId }));
  return (
    <tr>
      <td class="col-main">
        <ServiceName name={one.serviceName} />{' '}
        <MatchesLink state={state} one={one} errorsOnly={false} by={view.by} />
      </td>
      <td class="num" data-label="Spans" safe>
        {formatCount(one.count)}
      </td>
      <td class="num" data-label="Self" safe>
        {nanoText(one.selfNano)}
      </td>
      <td class="with-share">
        <svg class="share-bar" width="100%" height="8" aria-hidden="true">
          <rect class="track" width="100%" height="8" rx="2" />
          <rect class="fill" width={`${(share * 100).toFixed(2)}%`} height="8" rx="2" />
        </svg>
        <span class="num" safe>
          {formatPercent(share)}
        </span>
      </td>
      <td class="num" data-label="Total" safe>
        {nanoText(one.totalNano)}
      </td>
      <td class="num" data-label="p50" safe>
        {nanoText(one.p50Nano)}
      </td>
      <td class="num" data-label="p95" safe>
        {nanoText(one.p95Nano)}
      </td>
      <td class="num" data-label="Max">
        <a
          href={longest}
          hx-get={longest}
          hx-target="#span-panel"
          hx-push-url="true"
          title="Open the longest span"
          safe
        >
          {nanoText(one.maxNano)}
        </a>
      </td>
      <td class="num" data-label="Errors">
        {one.errorCount === 0 ? (
          <ErrorCount count={0} />
        ) : (
          <MatchesLink state={state} one={one} errorsOnly={true} by={view.by} />
        )}
      </td>
    </tr>
  );
}

interface MatchesProps {
  readonly state: TraceState;
  readonly one: SpanFigures;
  readonly errorsOnly: boolean;
  readonly by: ViewState['by'];
}

/** To the waterfall, with these spans marked. */
function MatchesLink({ state, one, errorsOnly, by }: MatchesProps): JSX.Element {
  const q = figureQuery({
    service: one.serviceName,
    operation: by === 'service' ? undefined : one.name,
    errorsOnly,
  });
  const text = errorsOnly ? (
    <ErrorCount count={one.errorCount} />
  ) : by === 'service' ? (
    <>Show its spans</>
  ) : (
    <SpanName name={one.name} />
  );
  if (q === '') return text;
  return (
    <a
      href={attr(`/traces/${state.traceId}?${new URLSearchParams({ q })}`)}
      title="Mark them in the waterfall"
    >
      {text}
    </a>
  );
}

function sortedFigures(figures: readonly SpanFigures[], view: ViewState): SpanFigures[] {
  const sort = view.sort === '' ? 'self' : view.sort;
  const sign = view.descending ? -1 : 1;
  if (sort === 'name') {
    const key = (one: SpanFigures): string => `${one.serviceName}\0${one.name}`;
    return figures.toSorted((a, b) => sign * (key(a) < key(b) ? -1 : 1));
  }
  const value = valueOf(sort);
  return figures.toSorted((a, b) => sign * (value(a) - value(b)));
}

function valueOf(sort: ViewState['sort']): (one: SpanFigures) => number {
  const known = SORT_VALUES.find(([name]) => name === sort);
  return known ? known[1] : (one) => one.selfNano;
}

const SORT_VALUES: readonly (readonly [StatisticsSort, (one: SpanFigures) => number])[] = [
  ['self', (one) => one.selfNano],
  ['total', (one) => one.totalNano],
  ['count', (one) => one.count],
  ['p50', (one) => one.p50Nano],
  ['p95', (one) => one.p95Nano],
  ['max', (one) => one.maxNano],
  ['errors', (one) => one.errorCount],
];
