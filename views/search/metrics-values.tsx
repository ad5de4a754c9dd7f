/** A chart as a table, for who can't see it or wants to copy it. */
import { Html } from '@elysiajs/html';
import type { MetricsPage } from '../../src/store/span-store.ts';
import type { MetricUnit } from '../../src/traceql/metric-unit.ts';
import { formatTime } from '../format.ts';
import { formatFigure } from './metrics-series.ts';
import type { SeriesView } from './metrics-series.ts';

/** Series in the table. */
const COLUMNS = 12;

/** A row for each step. */
export function Values(props: {
  series: readonly SeriesView[];
  page: MetricsPage;
  unit: MetricUnit;
}): JSX.Element {
  const { page, unit } = props;
  const series = props.series.slice(0, COLUMNS);
  return (
    <details class="values">
      <summary>Every figure, as a table</summary>
      <div class="values-scroll" tabindex="0" role="region" aria-label="Every figure">
        <table class="values-table">
          <thead>
            <tr>
              <th scope="col">From (UTC)</th>
              {series.map(({ name }) => (
                <th scope="col" class="num" safe>
                  {name === '' ? 'all spans' : name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {Array.from({ length: page.buckets }, (_, bucket) => (
              <tr>
                <th scope="row" safe>
                  {formatTime(
                    page.startUnixNano + BigInt(bucket) * page.stepNano,
                    digitsOf(page.stepNano),
                  ).replace(' UTC', '')}
                </th>
                {series.map(({ samples }) => (
                  <td class="num" safe>
                    {formatFigure(samples[bucket], unit)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {props.series.length > COLUMNS ? (
        <p class="note">The {COLUMNS} largest series; the API and spanlake query have them all.</p>
      ) : (
        ''
      )}
    </details>
  );
}

function digitsOf(stepNano: bigint): 0 | 3 {
  return stepNano < 1_000_000_000n ? 3 : 0;
}
