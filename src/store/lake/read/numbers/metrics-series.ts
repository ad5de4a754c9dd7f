/** What was counted, as series: labels and one sample a bucket, of those alone that are answered. */
import type { Field } from '../../../../traceql/analyse.ts';
import type { MetricsAggregate } from '../../../../traceql/ast.ts';
import { printExpression } from '../../../../traceql/print.ts';
import type { SeriesCandidates } from './metrics-choice.ts';
import { seriesAStep } from './metrics-stages.ts';
import type { Label, Series } from './metrics-stages.ts';
import { MAX_GROUPS, powerValue } from './series-scan.ts';
import type { SeriesAsk } from './series-scan.ts';
import type { SeriesTable } from './series-table.ts';
import type { Buckets } from './series-time.ts';
import { isDuration } from './series-values.ts';

/** `compare` answers another way: metrics-compare.ts. */
export type CountingAggregate = Exclude<MetricsAggregate, { readonly kind: 'compare' }>;

/** So many cells are looked at in about a millisecond. */
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

/** Series that there could be: each group has one, or one for each quantile. */
export function* candidatesOf(
  table: SeriesTable,
  aggregate: CountingAggregate,
): Generator<void, SeriesCandidates> {
  const { buckets } = table.ask;
  const variants = yield* variantsOf(table, aggregate);
  const { cells, counts } = table.scan.cells;
  const { first, second, count } = cells;
  const present = yield* groupsWithSpans(table, aggregate);
  const sizes = new Float64Array(present.length);
  const placeOf = new Uint32Array((present.at(-1) ?? -1) + 1);
  present.forEach((group, place) => (placeOf[group] = place));
  const sums = new Float64Array(present.length * variants.length);
  // In order of time, as samples are added up: the order of fractions tells in the last digit.
  const order = yield* cellsByBucket(table);
  for (let at = 0; at < count; at++) {
    if (at % CELLS_A_STEP === CELLS_A_STEP - 1) yield;
    const cell = order[at];
    const place = placeOf[first[cell]];
    sizes[place] += counts[cell];
    for (let i = 0; i < variants.length; i++) {
      const sample = variants[i].sampleOf(cell);
      if (sample === sample) sums[place * variants.length + i] += sample;
    }
  }
  const labels = (candidate: number): readonly Label[] => {
    const own = labelsOf(table, aggregate, present[Math.floor(candidate / variants.length)]);
    return [...own, ...variants[candidate % variants.length].labels];
  };
  const empty = countsSpans(aggregate) ? 0 : NaN;
  function* make(chosen: readonly number[]): Generator<void, Series[]> {
    const made: Series[] = [];
    const samplesOf = new Map<number, Float64Array>();
    const step = seriesAStep(buckets.count);
    for (const candidate of chosen) {
      const samples = new Float64Array(buckets.count).fill(empty);
      samplesOf.set(candidate, samples);
      const group = present[Math.floor(candidate / variants.length)];
      const examples = table
        .examples(group)
        .map((example) => ({ ...example, number: example.number / unitOf(aggregate) }));
      if (made.push({ labels: labels(candidate), samples, examples }) % step === 0) yield;
    }
    const ofCandidate = Array.from(sums, (_, candidate) => samplesOf.get(candidate));
    for (let cell = 0; cell < count; cell++) {
      if (cell % CELLS_A_STEP === CELLS_A_STEP - 1) yield;
      const from = placeOf[first[cell]] * variants.length;
      for (let i = 0; i < variants.length; i++) {
        const samples = ofCandidate[from + i];
        if (samples) samples[second[cell]] = variants[i].sampleOf(cell);
      }
    }
    return made;
  }
  const sizeOf = (candidate: number) => sizes[Math.floor(candidate / variants.length)];
  return { sums, sizes: Float64Array.from(sums, (_, candidate) => sizeOf(candidate)), labels, make };
}

function countsSpans({ kind }: CountingAggregate): boolean {
  return kind === 'rate' || kind === 'count_over_time' || kind === 'histogram_over_time';
}

/** Ascending. A count without groups has a series even where there is no span. */
function* groupsWithSpans(table: SeriesTable, aggregate: CountingAggregate): Generator<void, number[]> {
  const { first, count } = table.scan.cells.cells;
  const alone =
    aggregate.by.length === 0 && (aggregate.kind === 'rate' || aggregate.kind === 'count_over_time');
  const groups: number[] = alone ? [0] : [];
  const seen = new Uint8Array(MAX_GROUPS + 1);
  if (alone) seen[0] = 1;
  for (let cell = 0; cell < count; cell++) {
    if (cell % CELLS_A_STEP === CELLS_A_STEP - 1) yield;
    if (seen[first[cell]] !== 0) continue;
    seen[first[cell]] = 1;
    groups.push(first[cell]);
  }
  return groups.sort((a, b) => a - b);
}

function* cellsByBucket(table: SeriesTable): Generator<void, Uint32Array> {
  const { second, count } = table.scan.cells.cells;
  const next = new Uint32Array(table.ask.buckets.count + 1);
  for (let cell = 0; cell < count; cell++) {
    if (cell % CELLS_A_STEP === CELLS_A_STEP - 1) yield;
    next[second[cell] + 1]++;
  }
  for (let bucket = 1; bucket < next.length; bucket++) next[bucket] += next[bucket - 1];
  const order = new Uint32Array(count);
  for (let cell = 0; cell < count; cell++) {
    if (cell % CELLS_A_STEP === CELLS_A_STEP - 1) yield;
    order[next[second[cell]]++] = cell;
  }
  return order;
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
function* variantsOf(table: SeriesTable, aggregate: CountingAggregate): Generator<void, readonly Variant[]> {
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
      return yield* quantiles(table, aggregate.quantiles, isDuration(aggregate.operand), unit);
  }
}

function* quantiles(
  table: SeriesTable,
  shares: readonly number[],
  integers: boolean,
  unit: number,
): Generator<void, readonly Variant[]> {
  const { cells, quantiles: counted } = table.scan.cells;
  const found = shares.map(() => new Float64Array(cells.count).fill(NaN));
  if (counted) {
    yield* counted.each(shares, integers, (cell, values) => {
      values.forEach((value, i) => (found[i][cell] = value / unit));
    });
  }
  return shares.map((share, i) => ({
    labels: [{ key: 'p', value: { type: 'float', value: share } }],
    sampleOf: (cell) => found[i][cell],
  }));
}
