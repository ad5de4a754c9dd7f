/** Answers of metrics questions as courses over one grid of time: of rates, of error shares, of durations. Pure. */
import type { MetricsPage, MetricsSeries, TimeRange } from '../../src/store/span-store.ts';

/** One sample a step; NaN: none. */
export interface Trend {
  readonly rate: Float64Array;
  readonly errorShare: Float64Array;
  /** Seconds. */
  readonly p95: Float64Array;
}

/** Steps of equal length that cover a range: the first may begin before it, the last end after it. */
export interface Grid {
  readonly range: TimeRange;
  readonly startUnixNano: bigint;
  readonly stepNano: bigint;
  readonly buckets: number;
}

export interface Trends {
  readonly grid: Grid;
  /** By `trendKey`. */
  readonly byKey: ReadonlyMap<string, Trend>;
}

export function trendKey(...parts: readonly string[]): string {
  return parts.join('\0');
}

export function gridOf(range: TimeRange, stepNano: bigint): Grid {
  const startUnixNano = range.startUnixNano - (range.startUnixNano % stepNano);
  const buckets = Number((range.endUnixNano - startUnixNano + stepNano - 1n) / stepNano);
  return { range, startUnixNano, stepNano, buckets: Math.max(buckets, 1) };
}

export interface TrendPages {
  readonly rates: MetricsPage;
  readonly errors: MetricsPage;
  readonly p95: MetricsPage;
}

export function trendsOf(grid: Grid, { rates, errors, p95 }: TrendPages): Trends {
  const rate = byLabels(grid, rates, 0);
  const error = byLabels(grid, errors, 0);
  const slow = byLabels(grid, p95, NaN);
  const byKey = new Map<string, Trend>();
  for (const [key, samples] of rate) {
    const wrong = error.get(key);
    byKey.set(key, {
      rate: wholeSteps(grid, samples),
      errorShare: samples.map((all, i) => (all > 0 ? (wrong?.[i] ?? 0) / all : NaN)),
      p95: slow.get(key) ?? new Float64Array(grid.buckets).fill(NaN),
    });
  }
  return { grid, byKey };
}

/** Series by what groups them; a question cuts its answer to where there are spans, so each is laid on the grid. */
function byLabels(grid: Grid, page: MetricsPage, nothing: number): Map<string, Float64Array> {
  const found = new Map<string, Float64Array>();
  for (const series of page.series) found.set(labelsKey(series), onGrid(grid, page, series, nothing));
  return found;
}

function labelsKey({ labels }: MetricsSeries): string {
  return trendKey(
    ...labels
      .filter(({ key }) => key !== 'p')
      .map(({ value }) =>
        value.type === 'string' || value.type === 'kind' || value.type === 'status' ? value.value : '',
      ),
  );
}

export function onGrid(
  grid: Grid,
  page: Pick<MetricsPage, 'startUnixNano'>,
  { samples }: Pick<MetricsSeries, 'samples'>,
  nothing: number,
): Float64Array {
  const laid = new Float64Array(grid.buckets).fill(nothing);
  const shift = Number((page.startUnixNano - grid.startUnixNano) / grid.stepNano);
  for (let i = 0; i < samples.length; i++) {
    if (i + shift >= 0 && i + shift < laid.length && Number.isFinite(samples[i]))
      laid[i + shift] = samples[i];
  }
  return laid;
}

/** Fewer steps than that, and a course without its ends would be none. */
const ENDS_MATTER = 4;

/** Without the ends that the range cuts: a rate over a whole step would show a fall there that never was. */
export function wholeSteps(grid: Grid, samples: Float64Array): Float64Array {
  if (grid.buckets < ENDS_MATTER) return samples;
  const whole = samples.slice();
  const end = grid.startUnixNano + BigInt(grid.buckets) * grid.stepNano;
  if (grid.startUnixNano < grid.range.startUnixNano) whole[0] = NaN;
  if (end > grid.range.endUnixNano) whole[whole.length - 1] = NaN;
  return whole;
}
