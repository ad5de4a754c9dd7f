/** What a group's page shows after a scan of its own: all its spans over time, and what sets them apart. */
import { Html } from '@elysiajs/html';
import type { ComparisonPage } from '../../src/store/span-store.ts';
import type { ErrorGroup } from '../../src/trace/error-groups.ts';
import { formatCount, formatPercent, plural, serviceClass } from '../format.ts';
import { Chart } from '../shared/chart.tsx';
import type { ChartLine } from '../shared/chart.tsx';
import { CoverageLine } from '../shared/parts.tsx';
import { rangeText } from '../shared/range-fields.ts';
import type { ErrorsState, LaterParts } from './errors-state.ts';

export interface ErrorLaterProps {
  readonly state: ErrorsState;
  readonly group: ErrorGroup;
  readonly later: LaterParts;
  /** The spans that are counted, as TraceQL. */
  readonly query: string;
}

const FIELDS = 8;
/** They say again that these are the spans of this error. */
const OBVIOUS =
  /^(?:(?:span:)?(?:status|statusMessage)|event[.:].*|span\.(?:error|error\.type|exception\..*))$/;

export function ErrorLater({ state, group, later, query }: ErrorLaterProps): JSX.Element {
  const { chart, asked } = later;
  const lines = chart.series.map(({ labels, samples }): ChartLine => {
    const value = labels[0]?.value;
    const name = value?.type === 'string' ? value.value : '';
    return { name: name || 'no service.name', className: serviceClass(name), samples, marks: [] };
  });
  const total = lines.reduce((sum, { samples }) => sum + sumOf(samples), 0);
  const end = chart.startUnixNano + BigInt(chart.buckets) * chart.stepNano;
  return (
    <div id="error-later">
      <section class="error-part" aria-labelledby="error-time">
        <h2 id="error-time">Over time</h2>
        <p class="found" safe>
          {`${plural(total, 'span')} in ${rangeText(state.range)} ${group.kind === 'exception' ? 'with this type and message, those that pass it on included' : 'with this status, service and operation'}`}
        </p>
        {lines.length === 0 || chart.buckets === 0 ? (
          ''
        ) : (
          <figure class="chart-box">
            <Chart
              label={`Spans of this error by service: ${lines.map(({ name, samples }) => `${name} ${sumOf(samples)}`).join(', ')}`}
              lines={lines}
              startUnixNano={chart.startUnixNano}
              stepNano={chart.stepNano}
              buckets={chart.buckets}
              domain={{
                startUnixNano:
                  asked.startUnixNano < chart.startUnixNano ? asked.startUnixNano : chart.startUnixNano,
                endUnixNano: asked.endUnixNano > end ? asked.endUnixNano : end,
              }}
              format={formatCount}
            />
            <figcaption class="error-legend">
              {lines.map(({ name, className, samples }) => (
                <span>
                  <svg class={`swatch ${className}`} width="22" height="8" aria-hidden="true">
                    <path class={`chart-line ${className}`} d="M1 4H21" />
                  </svg>
                  <bdi class="data" safe>
                    {name}
                  </bdi>
                  <span class="num note" safe>
                    {formatCount(sumOf(samples))}
                  </span>
                </span>
              ))}
            </figcaption>
          </figure>
        )}
        <details class="error-query">
          <summary>Counted by this query</summary>
          <pre class="error-text" safe>
            {query}
          </pre>
        </details>
      </section>
      <Differences comparison={later.comparison} />
    </div>
  );
}

function sumOf(samples: Float64Array): number {
  return samples.reduce((sum, value) => sum + (Number.isFinite(value) ? value : 0), 0);
}

function Differences({ comparison }: { comparison: ComparisonPage }): JSX.Element {
  const fields = comparison.fields
    .filter(({ field, difference }) => !OBVIOUS.test(field) && difference > 0.05)
    .slice(0, FIELDS);
  return (
    <section class="error-part" aria-labelledby="error-differs">
      <h2 id="error-differs">What tells these spans apart</h2>
      <p class="found" safe>
        {`${plural(comparison.selected, 'span')} of this error beside ${plural(comparison.baseline, 'other span')} of the same operations`}
      </p>
      {fields.length === 0 || comparison.baseline === 0 ? (
        <p class="none">
          {comparison.baseline === 0
            ? 'There are no others to compare with.'
            : 'No attribute differs by more than 5 %.'}
        </p>
      ) : (
        <table class="list error-differs">
          <thead>
            <tr>
              <th scope="col">Attribute</th>
              <th scope="col">Value</th>
              <th scope="col" class="num">
                This error
              </th>
              <th scope="col" class="num">
                Others
              </th>
            </tr>
          </thead>
          <tbody>
            {fields.flatMap(({ field, values }) =>
              values
                .toSorted((a, b) => Math.abs(gap(b, comparison)) - Math.abs(gap(a, comparison)))
                .slice(0, 2)
                .map((value) => <Difference field={field} value={value} comparison={comparison} />),
            )}
          </tbody>
        </table>
      )}
      <CoverageLine coverage={comparison} />
    </section>
  );
}

type Compared = ComparisonPage['fields'][number]['values'][number];

function gap(value: Compared, { selected, baseline }: ComparisonPage): number {
  return value.selected / (selected || 1) - value.baseline / (baseline || 1);
}

function Difference(props: { field: string; value: Compared; comparison: ComparisonPage }): JSX.Element {
  const { field, value, comparison } = props;
  const here = value.selected / (comparison.selected || 1);
  const there = value.baseline / (comparison.baseline || 1);
  return (
    <tr>
      <td class="col-main">
        <code class="data" safe>
          {field}
        </code>
      </td>
      <td data-label="Value">
        <bdi class="data" safe>
          {value.value.slice(0, 120)}
        </bdi>
      </td>
      <td class="num" data-label="This error">
        <span safe>{formatPercent(here)}</span>
        <Share share={here} className="is-error" />
      </td>
      <td class="num" data-label="Others">
        <span safe>{formatPercent(there)}</span>
        <Share share={there} className="is-rest" />
      </td>
    </tr>
  );
}

function Share({ share, className }: { share: number; className: string }): JSX.Element {
  return (
    <svg class={`share ${className}`} width="100%" height="4" aria-hidden="true">
      <rect class="track" width="100%" height="4" rx="2" />
      <rect class="fill" width={`${(share * 100).toFixed(1)}%`} height="4" rx="2" />
    </svg>
  );
}
