/** The series of a metrics answer as a page shows them: names, colours, figures, and the spans behind each. */
import { formatDuration } from '../../src/span/time.ts';
import type { Exemplar, MetricsPage, MetricsSeries } from '../../src/store/span-store.ts';
import type {
  FieldExpression,
  GroupField,
  MetricsExpression,
  MetricsQuery,
  Static,
} from '../../src/traceql/ast.ts';
import { and, combine, comparison } from '../../src/traceql/build.ts';
import { TraceqlError } from '../../src/traceql/error.ts';
import { isDuration } from '../../src/traceql/metric-unit.ts';
import type { MetricUnit } from '../../src/traceql/metric-unit.ts';
import { printQuery } from '../../src/traceql/print.ts';
import { formatDuration as durationForPeople, serviceClass } from '../format.ts';
import { missing } from '../shared/query-links.ts';

export interface SeriesView {
  /** '' for the one series of a query that does not group. */
  readonly name: string;
  /** The service that the series is of, where that is all that tells it from others. */
  readonly service: string | undefined;
  /** Colour and dashes: `svc-3 dash-1`. */
  readonly className: string;
  /** One a bucket; NaN: none. */
  readonly samples: Float64Array;
  readonly figures: Figures | undefined;
  /** TraceQL that finds the spans behind it; '' where none would. */
  readonly spans: string;
  readonly exemplars: readonly Exemplar[];
}

export interface Figures {
  readonly last: number;
  readonly min: number;
  readonly mean: number;
  readonly max: number;
}

export const SERVICE_FIELD = 'resource.service.name';
const BUCKET = '__bucket';
const COLOURS = 12;
const DASHES = 4;

export function seriesViews(expression: MetricsExpression, page: MetricsPage): SeriesView[] {
  const used = new Map<string, number>();
  const aggregate = expression.kind === 'metrics' ? expression.aggregate : undefined;
  const histogramOfDurations = aggregate?.kind === 'histogram_over_time' && isDuration(aggregate.operand);
  return ordered(expression, page).map((series, index) => {
    const service = serviceOf(series);
    const colour = service === undefined ? `svc-${index % COLOURS}` : serviceClass(service);
    const before = used.get(colour) ?? 0;
    used.set(colour, before + 1);
    return {
      name: nameOf(series, histogramOfDurations),
      service,
      className: before === 0 ? colour : `${colour} dash-${((before - 1) % (DASHES - 1)) + 1}`,
      samples: series.samples,
      figures: figuresOf(series.samples),
      spans: spansBehind(expression, series),
      exemplars: series.exemplars,
    };
  });
}

/** A histogram from short to long; of a comparison what is compared, without the sums. */
function ordered(expression: MetricsExpression, { series }: MetricsPage): readonly MetricsSeries[] {
  if (expression.kind !== 'metrics') return series;
  switch (expression.aggregate.kind) {
    case 'histogram_over_time':
      return expression.aggregate.by.length > 0
        ? series
        : series.toSorted((a, b) => bucketEnd(a) - bucketEnd(b));
    case 'compare':
      return series.filter(({ labels: [first] }) => !staticText(first?.value ?? NIL).endsWith('_total'));
    case 'rate':
    case 'count_over_time':
    case 'sum_over_time':
    case 'avg_over_time':
    case 'min_over_time':
    case 'max_over_time':
    case 'quantile_over_time':
      return series;
  }
}

const NIL: Static = { type: 'nil' };

/** The upper end of a histogram's bucket; NaN for a series that is none. */
function bucketEnd({ labels }: Pick<MetricsSeries, 'labels'>): number {
  const value = labels.find(({ key }) => key === BUCKET)?.value;
  return value?.type === 'float' ? value.value : Number.NaN;
}

function nameOf({ labels }: MetricsSeries, histogramOfDurations: boolean): string {
  return labels
    .map((label) =>
      histogramOfDurations && label.key === BUCKET && label.value.type === 'float'
        ? `up to ${formatFigure(label.value.value, 'duration')}`
        : labelText(label),
    )
    .join(' · ');
}

function serviceOf({ labels }: MetricsSeries): string | undefined {
  const [only] = labels;
  if (labels.length !== 1 || only.key !== SERVICE_FIELD || only.value.type !== 'string') return undefined;
  return only.value.value;
}

/** Texts speak for themselves; a number or a missing field says of what it is. */
function labelText({ key, value }: MetricsSeries['labels'][number]): string {
  if (value.type === 'nil') return `no ${key}`;
  if (key === 'p' && value.type === 'float') return `p${Number((value.value * 100).toFixed(3))}`;
  if (key === BUCKET && value.type === 'float') return `up to ${staticText(value)}`;
  if (value.type === 'string' || value.type === 'status' || value.type === 'kind') return staticText(value);
  return `${key.replace(/^__/, '')} ${staticText(value)}`;
}

export function staticText(value: Static): string {
  switch (value.type) {
    case 'string':
      return value.value === '' ? '""' : value.value;
    case 'status':
    case 'kind':
      return value.value;
    case 'int':
    case 'bool':
      return String(value.value);
    case 'float':
      return String(Number(value.value.toPrecision(6)));
    case 'duration':
      return durationForPeople(value.value);
    case 'nil':
      return 'nil';
    case 'opaque':
      return '(bytes or a list)';
  }
}

function figuresOf(samples: Float64Array): Figures | undefined {
  let [last, min, max, sum, count] = [NaN, Infinity, -Infinity, 0, 0];
  for (const sample of samples) {
    if (!Number.isFinite(sample)) continue;
    last = sample;
    min = Math.min(min, sample);
    max = Math.max(max, sample);
    sum += sample;
    count++;
  }
  return count === 0 ? undefined : { last, min, max, mean: sum / count };
}

/** Of arithmetic the spans of its left side: of a share, those that are counted over the others. */
function metricsBehind(expression: MetricsExpression): MetricsQuery | undefined {
  if (expression.kind === 'metrics') return expression;
  const { left, right } = expression;
  const side = left.kind === 'literal' ? right : left;
  return side.kind === 'literal' ? undefined : metricsBehind(side);
}

function spansBehind(expression: MetricsExpression, { labels }: MetricsSeries): string {
  const metrics = metricsBehind(expression);
  if (metrics === undefined) return '';
  const { source, aggregate } = metrics;
  if (aggregate.kind === 'compare') return '';
  const conditions: FieldExpression[] = [];
  for (const [at, field] of aggregate.by.entries()) {
    const value = labels[at]?.value;
    if (value === undefined || value.type === 'opaque') return '';
    conditions.push(value.type === 'nil' ? missing(field) : comparison(field, '=', value));
  }
  if (aggregate.kind === 'histogram_over_time') {
    conditions.push(...bucketOf(aggregate.operand, bucketEnd({ labels })));
  }
  try {
    const query = { text: '', expression: source, hints: [] };
    const condition = and(...conditions);
    return printQuery(condition === null ? query : combine(query, condition));
  } catch (error) {
    // A value that no query can name, or a query that grows beyond its bounds.
    if (error instanceof TraceqlError) return '';
    throw error;
  }
}

/** A bucket is named by its upper end, and reaches down to half of that. */
function bucketOf(field: GroupField, upper: number): FieldExpression[] {
  if (!isDuration(field) || Number.isNaN(upper)) return [];
  const nanos = (seconds: number): Static => ({ type: 'duration', value: BigInt(Math.round(seconds * 1e9)) });
  return [comparison(field, '>', nanos(upper / 2)), comparison(field, '<=', nanos(upper))];
}

/** `12.3 ms`, `1,234`, `0.12 /s`. */
export function formatFigure(value: number, unit: MetricUnit): string {
  if (!Number.isFinite(value)) return '–';
  if (unit === 'duration' && Math.abs(value) < 1e9) return durationForPeople(BigInt(Math.round(value * 1e9)));
  const text = value.toLocaleString('en-US', { maximumSignificantDigits: 4 });
  return unit === 'rate' ? `${text} /s` : text;
}

/** Of a step: `30 s`, `5 m`. */
export function formatStep(nano: bigint): string {
  return formatDuration(nano).replace(/(\d)([a-z])/g, '$1 $2');
}
