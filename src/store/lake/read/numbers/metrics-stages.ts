/** What is done with series once they are counted: top and bottom, comparisons, arithmetic. Pure. */
import type { ArithmeticOperator, MetricsStage, Static } from '../../../../traceql/ast.ts';
import { staticKey } from './group-codes.ts';
import type { Example } from './series-table.ts';

export interface Label {
  readonly key: string;
  readonly value: Static;
}

export interface Series {
  readonly labels: readonly Label[];
  /** One a bucket; NaN: none. */
  readonly samples: Float64Array;
  readonly examples: readonly Example[];
}

export function labelsKey(labels: readonly Label[]): string {
  return JSON.stringify(labels.map(({ key, value }) => [key, staticKey(value)]));
}

/** The samples added up, without those that are none. */
export function total(samples: Float64Array): number {
  let sum = 0;
  for (const sample of samples) if (sample === sample) sum += sample;
  return sum;
}

/** Series looked at, and samples, in about a millisecond. */
const SERIES_A_STEP = 256;
const SAMPLES_A_STEP = 262_144;

/** Series with so many samples each that are worked on without a break. */
export function seriesAStep(samples: number): number {
  return Math.max(1, Math.min(SERIES_A_STEP, Math.floor(SAMPLES_A_STEP / Math.max(1, samples))));
}

/** `of` of each, in steps. */
function* mapped<T>(series: readonly Series[], of: (series: Series, i: number) => T): Generator<void, T[]> {
  const step = seriesAStep(series[0]?.samples.length ?? 0);
  const found: T[] = [];
  for (const [i, each] of series.entries()) {
    found.push(of(each, i));
    if (i % step === step - 1) yield;
  }
  return found;
}

/** Largest sums first; by labels where they are equal, so that an answer does not depend on chance. */
export function* bySum(series: readonly Series[]): Generator<void, Series[]> {
  const ranked = yield* mapped(series, (each) => ({
    each,
    sum: total(each.samples),
    key: labelsKey(each.labels),
  }));
  ranked.sort((a, b) => descending(a.sum, b.sum) || ascending(a.key, b.key));
  return ranked.map(({ each }) => each);
}

function ascending(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Infinities have no difference. */
function descending(a: number, b: number): number {
  return a > b ? -1 : a < b ? 1 : 0;
}

export function* applyStages(
  series: readonly Series[],
  stages: readonly MetricsStage[],
): Generator<void, readonly Series[]> {
  let left = series;
  for (const stage of stages) left = yield* applyStage(left, stage);
  return left;
}

function applyStage(series: readonly Series[], stage: MetricsStage): Generator<void, Series[]> {
  switch (stage.kind) {
    case 'topk':
      return extremes(series, stage.count, 1);
    case 'bottomk':
      return extremes(series, stage.count, -1);
    case 'filter':
      return filtered(series, (sample) => holds(sample, stage.operator, stage.value));
  }
}

function holds(sample: number, operator: '=' | '!=' | '>' | '>=' | '<' | '<=', value: number): boolean {
  switch (operator) {
    case '=':
      return sample === value;
    case '!=':
      return sample === sample && sample !== value;
    case '>':
      return sample > value;
    case '>=':
      return sample >= value;
    case '<':
      return sample < value;
    case '<=':
      return sample <= value;
  }
}

function* filtered(series: readonly Series[], keeps: (sample: number) => boolean): Generator<void, Series[]> {
  const kept = yield* mapped(series, (each) => ({
    ...each,
    samples: each.samples.map((sample) => (keeps(sample) ? sample : NaN)),
  }));
  return kept.filter(hasSample);
}

function hasSample({ samples }: Series): boolean {
  return samples.some((sample) => sample === sample);
}

/** In each bucket the samples of the `count` largest (`sign` 1) or smallest; of equal ones, by labels. */
function* extremes(series: readonly Series[], count: number, sign: 1 | -1): Generator<void, Series[]> {
  const keys = yield* mapped(series, ({ labels }) => labelsKey(labels));
  const byKey = series.map((_, i) => i).sort((a, b) => ascending(keys[a], keys[b]));
  const ordered = byKey.map((i) => series[i]);
  const kept = yield* mapped(ordered, ({ samples }) => new Float64Array(samples.length).fill(NaN));
  const buckets = series[0]?.samples.length ?? 0;
  const present = new Float64Array(series.length);
  for (let bucket = 0; bucket < buckets; bucket++) {
    let length = 0;
    for (const { samples } of ordered) {
      const sample = samples[bucket] * sign;
      if (sample === sample) present[length++] = sample;
    }
    if (length === 0) continue;
    const sorted = present.subarray(0, length).sort();
    const least = sorted[Math.max(0, length - count)];
    let level = count;
    for (let at = length - 1; at >= 0 && sorted[at] > least; at--) level--;
    ordered.forEach(({ samples }, i) => {
      const sample = samples[bucket];
      if (sample * sign > least || (sample * sign === least && level-- > 0)) kept[i][bucket] = sample;
    });
    yield;
  }
  return ordered.map((each, i) => ({ ...each, samples: kept[i] })).filter(hasSample);
}

/** One side of `a / b`: series, or a number that stands beside each of the other's. */
export type Operand = readonly Series[] | number;

/**
 * Sample by sample, of series with equal labels; a series without labels stands beside each of the other side.
 * A missing sample counts as 0, and what is divided by 0 is missing.
 */
export function* calculate(
  operator: ArithmeticOperator,
  left: Operand,
  right: Operand,
): Generator<void, Series[]> {
  if (typeof left === 'number') {
    if (typeof right === 'number') return [];
    return yield* mapped(right, (each) => withSamples(each, (sample) => apply(operator, left, sample)));
  }
  if (typeof right === 'number') {
    return yield* mapped(left, (each) => withSamples(each, (sample) => apply(operator, sample, right)));
  }
  const leftOf = yield* byLabels(left);
  const rightOf = yield* byLabels(right);
  const target = right.some(({ labels }) => labels.length === 0) ? left : right;
  const found = yield* mapped(target, ({ labels }) => {
    const [l, r] = [leftOf(labels), rightOf(labels)];
    if (!l || !r) return [];
    const samples = l.samples.map((sample, i) => apply(operator, sample, r.samples[i]));
    return [{ labels, samples, examples: l.examples.length > 0 ? l.examples : r.examples }];
  });
  return found.flat();
}

function withSamples(series: Series, change: (sample: number) => number): Series {
  return { ...series, samples: series.samples.map(change) };
}

function* byLabels(
  series: readonly Series[],
): Generator<void, (labels: readonly Label[]) => Series | undefined> {
  const known = new Map(yield* mapped(series, (each): [string, Series] => [labelsKey(each.labels), each]));
  return (labels) => known.get(labelsKey(labels)) ?? known.get('[]');
}

function apply(operator: ArithmeticOperator, left: number, right: number): number {
  const l = left === left ? left : 0;
  const r = right === right ? right : 0;
  switch (operator) {
    case '+':
      return l + r;
    case '-':
      return l - r;
    case '*':
      return l * r;
    case '/':
      return r === 0 ? NaN : l / r;
    case '%':
      return r === 0 ? NaN : l % r;
    case '^':
      return l ** r;
  }
}
