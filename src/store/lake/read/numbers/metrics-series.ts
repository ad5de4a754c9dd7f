/** What was counted, as series: labels and one sample a bucket. */
import type { Field } from '../../../../traceql/analyse.ts';
import type { MetricsAggregate } from '../../../../traceql/ast.ts';
import { printExpression } from '../../../../traceql/print.ts';
import type { Label, Series } from './metrics-stages.ts';
import { powerValue } from './series-scan.ts';
import type { SeriesAsk } from './series-scan.ts';
import type { SeriesTable } from './series-table.ts';
import type { Buckets } from './series-time.ts';
import { isDuration } from './series-values.ts';

/** `compare` answers another way: metrics-compare.ts. */
export type CountingAggregate = Exclude<MetricsAggregate, { readonly kind: 'compare' }>;

/** Samples of all series: 64 MB. The largest series are made first. */
const MAX_SAMPLES = 8_000_000;

/** So many are looked at in about a millisecond. */
const CELLS_A_STEP = 16_384;

const NANOS = 1e9;

export function askOf(aggregate: CountingAggregate, buckets: Buckets, examples: number): SeriesAsk {
  const base = { by: aggregate.by, buckets, examples, byPower: false };
  switch (aggregate.kind) {
    case 'rate':
    case 'count_over_time':
      return { ...base, figure: 'count', operand: undefined };
    case 'sum_over_time':
    case 'avg_over_time':
      return { ...base, figure: 'sum', operand: aggregate.operand };
    case 'min_over_time':
      return { ...base, figure: 'min', operand: aggregate.operand };
    case 'max_over_time':
      return { ...base, figure: 'max', operand: aggregate.operand };
    case 'quantile_over_time':
      return { ...base, figure: 'quantiles', operand: aggregate.operand };
    case 'histogram_over_time':
      return { ...base, figure: 'count', operand: aggregate.operand, byPower: true };
  }
}

export function fieldsOfAggregate(aggregate: CountingAggregate): readonly Field[] {
  return 'operand' in aggregate ? [...aggregate.by, aggregate.operand] : aggregate.by;
}

export interface MadeSeries {
  readonly series: readonly Series[];
  /** How many there would be. */
  readonly all: number;
}

/** `breathe` gives the event loop back, now and then. */
export async function seriesOf(
  table: SeriesTable,
  aggregate: CountingAggregate,
  breathe: () => Promise<void>,
): Promise<MadeSeries> {
  const { buckets } = table.ask;
  const variants = await variantsOf(table, aggregate, breathe);
  const groups = groupsBySize(table, aggregate);
  const most = Math.max(1, Math.floor(MAX_SAMPLES / Math.max(1, buckets.count * variants.length)));
  const made = groups.slice(0, most);
  const place = new Map(made.map((group, i) => [group, i]));
  const empty = countsSpans(aggregate) ? 0 : NaN;
  const samples = made.map(() => variants.map(() => new Float64Array(buckets.count).fill(empty)));
  const { first, second, count } = table.scan.cells.cells;
  for (let cell = 0; cell < count; cell++) {
    if (cell % CELLS_A_STEP === CELLS_A_STEP - 1) await breathe();
    const at = place.get(first[cell]);
    if (at === undefined) continue;
    variants.forEach(({ sampleOf }, i) => (samples[at][i][second[cell]] = sampleOf(cell)));
  }
  const series = made.flatMap((group, at) => {
    const labels = labelsOf(table, aggregate, group);
    const examples = table
      .examples(group)
      .map((example) => ({ ...example, number: example.number / unitOf(aggregate) }));
    return variants.map((variant, i) => ({
      labels: [...labels, ...variant.labels],
      samples: samples[at][i],
      examples,
    }));
  });
  return { series, all: groups.length * variants.length };
}

function countsSpans({ kind }: CountingAggregate): boolean {
  return kind === 'rate' || kind === 'count_over_time' || kind === 'histogram_over_time';
}

/** Groups with the most spans first. A count without groups has a series even where there is no span. */
function groupsBySize(table: SeriesTable, aggregate: CountingAggregate): number[] {
  const { cells, counts } = table.scan.cells;
  const sizes = new Map<number, number>();
  const alone =
    aggregate.by.length === 0 && (aggregate.kind === 'rate' || aggregate.kind === 'count_over_time');
  if (alone) sizes.set(0, 0);
  for (let cell = 0; cell < cells.count; cell++) {
    sizes.set(cells.first[cell], (sizes.get(cells.first[cell]) ?? 0) + counts[cell]);
  }
  return [...sizes].sort((a, b) => b[1] - a[1] || a[0] - b[0]).map(([group]) => group);
}

function labelsOf(table: SeriesTable, aggregate: CountingAggregate, group: number): Label[] {
  const { values, power } = table.group(group);
  const labels: Label[] = aggregate.by.map((field, i) => ({ key: printExpression(field), value: values[i] }));
  if (power === undefined) return labels;
  const value = powerValue(power) / unitOf(aggregate);
  return [...labels, { key: '__bucket', value: { type: 'float', value } }];
}

/** What numbers are divided by: durations are counted in nanoseconds and answered in seconds. */
export function unitOf(aggregate: CountingAggregate): number {
  return 'operand' in aggregate && isDuration(aggregate.operand) ? NANOS : 1;
}

interface Variant {
  readonly labels: readonly Label[];
  readonly sampleOf: (cell: number) => number;
}

/** The series of a group: one, or one for each quantile. */
async function variantsOf(
  table: SeriesTable,
  aggregate: CountingAggregate,
  breathe: () => Promise<void>,
): Promise<readonly Variant[]> {
  const { counts, figures } = table.scan.cells;
  const unit = unitOf(aggregate);
  const one = (sampleOf: (cell: number) => number): Variant[] => [{ labels: [], sampleOf }];
  switch (aggregate.kind) {
    case 'rate': {
      const seconds = Number(table.ask.buckets.stepNano) / NANOS;
      return one((cell) => counts[cell] / seconds);
    }
    case 'count_over_time':
    case 'histogram_over_time':
      return one((cell) => counts[cell]);
    case 'sum_over_time':
    case 'min_over_time':
    case 'max_over_time':
      return one((cell) => figures[cell] / unit);
    case 'avg_over_time':
      return one((cell) => figures[cell] / counts[cell] / unit);
    case 'quantile_over_time':
      return quantiles(table, aggregate.quantiles, isDuration(aggregate.operand), unit, breathe);
  }
}

async function quantiles(
  table: SeriesTable,
  shares: readonly number[],
  integers: boolean,
  unit: number,
  breathe: () => Promise<void>,
): Promise<readonly Variant[]> {
  const { cells, quantiles: counted } = table.scan.cells;
  const found = shares.map(() => new Float64Array(cells.count).fill(NaN));
  const steps = counted?.each(shares, integers, (cell, values) => {
    values.forEach((value, i) => (found[i][cell] = value / unit));
  });
  for (const _ of steps ?? []) await breathe();
  return shares.map((share, i) => ({
    labels: [{ key: 'p', value: { type: 'float', value: share } }],
    sampleOf: (cell) => found[i][cell],
  }));
}
