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

/** Largest sums first; by labels where they are equal, so that an answer does not depend on chance. */
export function bySum(series: readonly Series[]): Series[] {
  return series
    .map((each) => ({ each, sum: total(each.samples), key: labelsKey(each.labels) }))
    .sort((a, b) => descending(a.sum, b.sum) || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
    .map(({ each }) => each);
}

/** Infinities have no difference. */
function descending(a: number, b: number): number {
  return a > b ? -1 : a < b ? 1 : 0;
}

export function applyStages(series: readonly Series[], stages: readonly MetricsStage[]): readonly Series[] {
  return stages.reduce<readonly Series[]>((left, stage) => applyStage(left, stage), series);
}

function applyStage(series: readonly Series[], stage: MetricsStage): readonly Series[] {
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

function filtered(series: readonly Series[], keeps: (sample: number) => boolean): Series[] {
  return series
    .map((each) => ({ ...each, samples: each.samples.map((sample) => (keeps(sample) ? sample : NaN)) }))
    .filter(hasSample);
}

function hasSample({ samples }: Series): boolean {
  return samples.some((sample) => sample === sample);
}

/** In each bucket the samples of the `count` largest (`sign` 1) or smallest; of equal ones, by labels. */
function extremes(series: readonly Series[], count: number, sign: 1 | -1): Series[] {
  const keys = series.map(({ labels }) => labelsKey(labels));
  const byKey = series.map((_, i) => i).sort((a, b) => (keys[a] < keys[b] ? -1 : keys[a] > keys[b] ? 1 : 0));
  const ordered = byKey.map((i) => series[i]);
  const kept = ordered.map(({ samples }) => new Float64Array(samples.length).fill(NaN));
  const buckets = series[0]?.samples.length ?? 0;
  for (let bucket = 0; bucket < buckets; bucket++) {
    const present = ordered.map((_, i) => i).filter((i) => !Number.isNaN(ordered[i].samples[bucket]));
    // Sorting keeps the order of equals.
    present.sort((a, b) => descending(ordered[a].samples[bucket], ordered[b].samples[bucket]) * sign);
    for (const i of present.slice(0, count)) kept[i][bucket] = ordered[i].samples[bucket];
  }
  return ordered.map((each, i) => ({ ...each, samples: kept[i] })).filter(hasSample);
}

/** One side of `a / b`: series, or a number that stands beside each of the other's. */
export type Operand = readonly Series[] | number;

/**
 * Sample by sample, of series with equal labels; a series without labels stands beside each of the other side.
 * A missing sample counts as 0, and what is divided by 0 is missing.
 */
export function calculate(operator: ArithmeticOperator, left: Operand, right: Operand): Series[] {
  if (typeof left === 'number') {
    if (typeof right === 'number') return [];
    return right.map((each) => withSamples(each, (sample) => apply(operator, left, sample)));
  }
  if (typeof right === 'number') {
    return left.map((each) => withSamples(each, (sample) => apply(operator, sample, right)));
  }
  const leftOf = byLabels(left);
  const rightOf = byLabels(right);
  const target = right.some(({ labels }) => labels.length === 0) ? left : right;
  const found: Series[] = [];
  for (const { labels } of target) {
    const [l, r] = [leftOf(labels), rightOf(labels)];
    if (!l || !r) continue;
    found.push({
      labels,
      samples: l.samples.map((sample, i) => apply(operator, sample, r.samples[i])),
      examples: l.examples.length > 0 ? l.examples : r.examples,
    });
  }
  return found;
}

function withSamples(series: Series, change: (sample: number) => number): Series {
  return { ...series, samples: series.samples.map(change) };
}

function byLabels(series: readonly Series[]): (labels: readonly Label[]) => Series | undefined {
  const known = new Map(series.map((each) => [labelsKey(each.labels), each]));
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
