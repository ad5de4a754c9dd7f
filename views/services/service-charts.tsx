/** A service over time: how often, how often wrong, how slow. */
import { Html } from '@elysiajs/html';
import { attr, formatDuration, formatPercent, formatRate, serviceClass } from '../format.ts';
import { Chart } from '../shared/chart.tsx';
import { formatStep } from '../search/metrics-series.ts';
import type { Grid } from './trends.ts';

/** One sample a step; durations in seconds. */
export interface ServiceCharts {
  readonly grid: Grid;
  readonly rate: Float64Array;
  readonly errorRate: Float64Array;
  readonly errorShare: Float64Array;
  readonly p50: Float64Array;
  readonly p95: Float64Array;
  readonly p99: Float64Array;
  /** The metrics queries on the search page: there they stand as tables too. */
  readonly hrefs: { readonly rate: string; readonly errors: string; readonly durations: string };
}

interface Line {
  readonly name: string;
  readonly className: string;
  readonly samples: Float64Array;
}

export function ServiceChartsView({
  service,
  charts,
}: {
  service: string;
  charts: ServiceCharts;
}): JSX.Element {
  const colour = serviceClass(service);
  const { hrefs } = charts;
  return (
    <div class="service-charts">
      <ChartBox
        title="Rate"
        charts={charts}
        lines={[
          { name: 'spans', className: colour, samples: charts.rate },
          { name: 'errors', className: 'is-error dash-1', samples: charts.errorRate },
        ]}
        format={(value) => formatRate(value, 1)}
        href={hrefs.rate}
      />
      <ChartBox
        title="Error share"
        charts={charts}
        lines={[{ name: 'errors', className: 'is-error', samples: charts.errorShare }]}
        format={formatPercent}
        href={hrefs.errors}
      />
      <ChartBox
        title="Duration"
        charts={charts}
        lines={[
          { name: 'p50', className: colour, samples: charts.p50 },
          { name: 'p95', className: `${colour} dash-1`, samples: charts.p95 },
          { name: 'p99', className: `${colour} dash-2`, samples: charts.p99 },
        ]}
        format={(value) => formatDuration(BigInt(Math.round(Math.min(value, 1e9) * 1e9)))}
        href={hrefs.durations}
      />
    </div>
  );
}

function ChartBox(props: {
  title: string;
  charts: ServiceCharts;
  lines: readonly Line[];
  format: (value: number) => string;
  href: string;
}): JSX.Element {
  const { title, charts, lines, format, href } = props;
  const { grid } = charts;
  return (
    <figure class="chart-box">
      <figcaption class="chart-head">
        <h2 safe>{title}</h2>
        <span class="chart-legend">
          {lines.map(({ name, className }) => (
            <span class="chart-key">
              <svg class={`swatch ${className}`} width="22" height="8" aria-hidden="true">
                <path class={`chart-line ${className}`} d="M1 4H21" />
              </svg>
              <span safe>{name}</span>
            </span>
          ))}
        </span>
        {href === '' ? (
          ''
        ) : (
          <a class="chart-more" href={attr(href)} aria-label={`${title} as a query, with its figures`}>
            As a query
          </a>
        )}
      </figcaption>
      <Chart
        label={`${title} in steps of ${formatStep(grid.stepNano)}; the query has the same figures as a table`}
        lines={lines.map((line) => ({ ...line, marks: [] }))}
        startUnixNano={grid.startUnixNano}
        stepNano={grid.stepNano}
        buckets={grid.buckets}
        domain={grid.range}
        format={format}
      />
    </figure>
  );
}
