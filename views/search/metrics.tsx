/** What a metrics query found: a chart, its series as a table, and every figure for who wants it. */
import { Html } from '@elysiajs/html';
import type { MetricsPage } from '../../src/store/span-store.ts';
import type { MetricsExpression } from '../../src/traceql/ast.ts';
import { metricUnit } from '../../src/traceql/metric-unit.ts';
import type { MetricUnit } from '../../src/traceql/metric-unit.ts';
import { Chart } from '../shared/chart.tsx';
import type { ChartProps } from '../shared/chart.tsx';
import { attr, formatTime, plural } from '../format.ts';
import { FoundHead } from './found.tsx';
import { Heatmap } from '../shared/heatmap.tsx';
import { Values } from './metrics-values.tsx';
import { formatFigure, formatStep, SERVICE_FIELD, seriesViews } from './metrics-series.ts';
import type { SeriesView } from './metrics-series.ts';
import { rangeText, searchHref } from './search-state.ts';
import type { SearchState } from './search-state.ts';
import { ServiceName } from '../shared/parts.tsx';

export interface MetricsOutcome {
  readonly kind: 'metrics';
  readonly expression: MetricsExpression;
  readonly page: MetricsPage;
  /** The range that was asked for, as far as it is closed: the chart shows all of it, also where there is nothing. */
  readonly asked: ChartProps['domain'];
}

/** Lines in one picture; more of them nobody tells apart. The table has them all. */
const LINES = 20;
/** Lines with examples on them; those of all are in the table. */
const MARKED_LINES = 6;
/** Links to examples in a row. */
const EXAMPLES = 3;

export function MetricsResults({
  state,
  outcome,
}: {
  state: SearchState;
  outcome: MetricsOutcome;
}): JSX.Element {
  const { expression, page } = outcome;
  const series = seriesViews(expression, page);
  const unit = metricUnit(expression);
  const shown = series.slice(0, LINES);
  const heatmap = isHistogram(expression);
  const any = series.some(({ figures }) => figures !== undefined);
  return (
    <>
      <FoundHead
        text={
          any
            ? `${plural(series.length, 'series', 'series')} in ${rangeText(state)}, in steps of ${formatStep(page.stepNano)}`
            : `No numbers in ${rangeText(state)}`
        }
        state={state}
        coverage={page}
      />
      {any ? (
        <>
          <figure class="chart-box">
            {heatmap ? (
              <Heatmap rows={series} page={page} domain={domainOf(outcome)} />
            ) : (
              <Chart
                label={`Chart of ${plural(shown.length, 'series', 'series')} over time; the tables below have the same figures`}
                lines={shown.map((one, i) => ({ ...one, marks: i < MARKED_LINES ? marksOf(one) : [] }))}
                startUnixNano={page.startUnixNano}
                stepNano={page.stepNano}
                buckets={page.buckets}
                domain={domainOf(outcome)}
                format={(value) => formatFigure(value, unit)}
              />
            )}
            {series.length > LINES && !heatmap ? (
              <figcaption class="note">
                The {LINES} largest series are drawn; the table has them all.
              </figcaption>
            ) : (
              ''
            )}
          </figure>
          <SeriesTable
            series={series}
            state={state}
            unit={unit}
            byService={isByService(page)}
            drawn={heatmap ? 0 : LINES}
          />
          <Values series={series} page={page} unit={unit} />
        </>
      ) : (
        <Nothing state={state} />
      )}
    </>
  );
}

function Nothing({ state }: { state: SearchState }): JSX.Element {
  return (
    <div class="nothing">
      <p class="nothing-title">Nothing to draw</p>
      <p safe>{`No span in ${rangeText(state)} is counted by this query.`}</p>
      <p class="ways">
        {state.since === 'all' ? (
          ''
        ) : (
          <a class="button" href={attr(searchHref(state, { since: 'all', start: '', end: '' }))}>
            Look in all the time that is stored
          </a>
        )}
        <a href={attr(searchHref(state, { q: '' }))}>Drop the query</a>
      </p>
    </div>
  );
}

function isByService({ series }: MetricsPage): boolean {
  return series.every(({ labels }) => labels.length === 1 && labels[0].key === SERVICE_FIELD);
}

/** Of one group: rows of durations over time, where lines would cross each other. */
function isHistogram(expression: MetricsExpression): boolean {
  if (expression.kind !== 'metrics') return false;
  const { aggregate } = expression;
  return aggregate.kind === 'histogram_over_time' && aggregate.by.length === 0;
}

/** All that was asked for, and all that was answered. */
function domainOf({ page, asked }: MetricsOutcome): ChartProps['domain'] {
  const end = page.startUnixNano + BigInt(page.buckets) * page.stepNano;
  return {
    startUnixNano:
      asked.startUnixNano > 0n && asked.startUnixNano < page.startUnixNano
        ? asked.startUnixNano
        : page.startUnixNano,
    endUnixNano: asked.endUnixNano > end ? asked.endUnixNano : end,
  };
}

function marksOf({ exemplars, name }: SeriesView): ChartProps['lines'][number]['marks'] {
  return exemplars.map(({ traceId, spanId, timeUnixNano }) => ({
    timeUnixNano,
    title: `An example${name === '' ? '' : ` of ${name}`}, ${formatTime(timeUnixNano)}`,
    href: `/traces/${traceId}?span=${spanId}`,
  }));
}

/** The legend, and what there is to say of each line. */
function SeriesTable(props: {
  series: readonly SeriesView[];
  state: SearchState;
  unit: MetricUnit;
  byService: boolean;
  /** Lines in the picture. */
  drawn: number;
}): JSX.Element {
  const { series, state, unit, byService, drawn } = props;
  const withExamples = series.some(({ exemplars }) => exemplars.length > 0);
  return (
    <table class="list series">
      <caption class="hidden-visually">Series</caption>
      <thead>
        <tr>
          <th scope="col">{byService ? 'Service' : 'Series'}</th>
          <th scope="col" class="num">
            Last
          </th>
          <th scope="col" class="num">
            Min
          </th>
          <th scope="col" class="num">
            Mean
          </th>
          <th scope="col" class="num">
            Max
          </th>
          {withExamples ? <th scope="col">Examples</th> : ''}
          <th scope="col">Spans behind it</th>
        </tr>
      </thead>
      <tbody>
        {series.map((one, i) => (
          <tr>
            <td class="col-main">
              <SeriesName series={one} drawn={i < drawn} />
            </td>
            <Figure label="Last" value={one.figures?.last} unit={unit} />
            <Figure label="Min" value={one.figures?.min} unit={unit} />
            <Figure label="Mean" value={one.figures?.mean} unit={unit} />
            <Figure label="Max" value={one.figures?.max} unit={unit} />
            {withExamples ? (
              <td class="examples" data-label="Examples">
                <Examples series={one} />
              </td>
            ) : (
              ''
            )}
            <td>
              <SpansLink series={one} state={state} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function SeriesName({ series, drawn }: { series: SeriesView; drawn: boolean }): JSX.Element {
  const { className, name, service } = series;
  return (
    <span class="series-name">
      {drawn ? (
        <svg class={`swatch ${className}`} width="22" height="8" aria-hidden="true">
          <path class={`chart-line ${className}`} d="M1 4H21" />
        </svg>
      ) : (
        ''
      )}
      {service !== undefined ? (
        <ServiceText name={service} />
      ) : name === '' ? (
        <span>all spans</span>
      ) : (
        <bdi class="data" safe>
          {name}
        </bdi>
      )}
    </span>
  );
}

/** The line beside it has the colour already. */
function ServiceText({ name }: { name: string }): JSX.Element {
  if (name === '') return <ServiceName name={name} />;
  return (
    <bdi class="data" safe>
      {name}
    </bdi>
  );
}

function Figure(props: { label: string; value: number | undefined; unit: MetricUnit }): JSX.Element {
  return (
    <td class="num" data-label={props.label} safe>
      {props.value === undefined ? '–' : formatFigure(props.value, props.unit)}
    </td>
  );
}

function Examples({ series }: { series: SeriesView }): JSX.Element {
  return (
    <>
      {series.exemplars.slice(0, EXAMPLES).map(({ traceId, spanId, timeUnixNano }, i) => (
        <a href={`/traces/${traceId}?span=${spanId}`} title={`Started ${formatTime(timeUnixNano)}`} safe>
          {`trace ${i + 1}`}
        </a>
      ))}
    </>
  );
}

/** A longer address fails in too many proxies. */
const MAX_QUERY_LENGTH = 1500;

function SpansLink({ series, state }: { series: SeriesView; state: SearchState }): JSX.Element {
  if (series.spans === '' || series.spans.length > MAX_QUERY_LENGTH) return <span class="none">–</span>;
  const q = series.spans === '{}' ? '' : series.spans;
  return (
    <a
      href={attr(searchHref(state, { q, view: 'spans' }))}
      aria-label={attr(`Spans behind ${series.name === '' ? 'this series' : series.name}`)}
    >
      Spans
    </a>
  );
}
