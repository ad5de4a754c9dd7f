/** Model calls over time: what they cost, their tokens, how many they are. */
import { Html } from '@elysiajs/html';
import type { PriceTable } from '../../src/trace/gen-ai-prices.ts';
import { formatCount } from '../format.ts';
import { Chart } from '../shared/chart.tsx';
import type { ChartLine } from '../shared/chart.tsx';
import { formatCost } from './ai-state.ts';
import type { AiTotals, ModelSeries } from './ai-state.ts';

/** More nobody tells apart; the table has them all. */
const LINES = 8;
/** Of `svc-0` and up. */
const COLOURS = 12;

export function AiCharts({
  totals,
  prices,
}: {
  totals: AiTotals;
  prices: PriceTable | undefined;
}): JSX.Element {
  if (totals.buckets < 2) return <></>;
  const shown = totals.series.slice(0, LINES);
  const priced = shown.filter(({ cost }) => cost !== undefined);
  return (
    <section class="ai-charts" aria-label="Over time">
      {prices !== undefined && priced.length > 0 ? (
        <OverTime
          title="Cost"
          totals={totals}
          lines={linesOf(shown, ({ cost }) => cost)}
          format={(value) => formatCost(value, prices.currency)}
        />
      ) : (
        <OverTime
          title="Calls"
          totals={totals}
          lines={linesOf(shown, ({ calls }) => calls)}
          format={formatCount}
        />
      )}
      <OverTime
        title="Input tokens"
        totals={totals}
        lines={linesOf(shown, ({ inputTokens }) => inputTokens)}
        format={formatCount}
      />
      <OverTime
        title="Output tokens"
        totals={totals}
        lines={linesOf(shown, ({ outputTokens }) => outputTokens)}
        format={formatCount}
      />
      <p class="error-legend">
        {shown.map(({ model }, i) => (
          <span>
            <svg class={`swatch ${classOf(i)}`} width="22" height="8" aria-hidden="true">
              <path class={`chart-line ${classOf(i)}`} d="M1 4H21" />
            </svg>
            <bdi class="data" safe>
              {model.slice(0, 80)}
            </bdi>
          </span>
        ))}
        {totals.series.length > LINES ? (
          <span class="note" safe>{`and ${totals.series.length - LINES} more in the table`}</span>
        ) : (
          ''
        )}
      </p>
    </section>
  );
}

function classOf(i: number): string {
  return `svc-${i % COLOURS}`;
}

function linesOf(
  series: readonly ModelSeries[],
  of: (one: ModelSeries) => Float64Array | undefined,
): ChartLine[] {
  return series.flatMap((one, i) => {
    const samples = of(one);
    return samples === undefined ? [] : [{ name: one.model, className: classOf(i), samples, marks: [] }];
  });
}

interface OverTimeProps {
  readonly title: string;
  readonly totals: AiTotals;
  readonly lines: readonly ChartLine[];
  readonly format: (value: number) => string;
}

function OverTime({ title, totals, lines, format }: OverTimeProps): JSX.Element {
  const { startUnixNano, stepNano, buckets, asked } = totals;
  const end = startUnixNano + BigInt(buckets) * stepNano;
  return (
    <figure class="chart-box">
      <figcaption>
        <h2 safe>{title}</h2>
      </figcaption>
      <Chart
        label={`${title} by model over time; the table below has the totals`}
        lines={lines}
        startUnixNano={startUnixNano}
        stepNano={stepNano}
        buckets={buckets}
        domain={{
          startUnixNano: asked.startUnixNano < startUnixNano ? asked.startUnixNano : startUnixNano,
          endUnixNano: asked.endUnixNano > end ? asked.endUnixNano : end,
        }}
        format={format}
      />
    </figure>
  );
}
