/** Answers of `spanlake query` as tables for people, CSV for spreadsheets, JSON for programs. */
import { formatDuration, formatTime } from '../span/time.ts';
import type { MetricUnit } from '../traceql/metric-unit.ts';
import { csvNumber, csvText } from './csv.ts';
import { attributeText, valueText } from './query-answers.ts';
import type { KeyValue, MetricsAnswer, SeriesAnswer, SpanAnswer, TraceAnswer } from './query-answers.ts';
import { columnLines, safeJson, safeText, sparkline } from './terminal.ts';
import type { Column } from './terminal.ts';

/** Undefined: not a terminal, so that nothing is cut. */
export type Width = number | undefined;

/** Below this, a line has the time of day alone, so that names have room. */
const WIDE = 120;

const STATUS_NAMES = ['unset', 'ok', 'error'];
const KIND_NAMES = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'];

export function spanTable(spans: readonly SpanAnswer[], fields: readonly string[], width: Width): string[] {
  const columns: Column[] = [
    { head: 'TIME (UTC)' },
    { head: 'SERVICE', least: 5 },
    { head: 'NAME', least: 8 },
    { head: 'DURATION', align: 'right' },
    { head: 'STATUS' },
    ...fields.map((field) => ({ head: safeText(field), least: 8 })),
    { head: 'TRACE ID' },
  ];
  const timeOf = timeColumn(spans, width);
  const rows = spans.map((span) => [
    timeOf(span.startTimeUnixNano),
    safeText(span.serviceName),
    safeText(span.name),
    formatDuration(BigInt(span.durationNano)),
    STATUS_NAMES[span.status.code] ?? String(span.status.code),
    ...fields.map((field) => safeText(attributeText(span, field))),
    span.traceId,
  ]);
  return columnLines(columns, rows, width);
}

export function traceTable(traces: readonly TraceAnswer[], width: Width): string[] {
  const withSpansets = traces.some(({ spansets }) =>
    spansets?.some(({ attributes }) => attributes.length > 0),
  );
  const columns: Column[] = [
    { head: 'TIME (UTC)' },
    { head: 'SERVICE', least: 5 },
    { head: 'ROOT', least: 8 },
    { head: 'DURATION', align: 'right' },
    { head: 'SPANS', align: 'right' },
    { head: 'ERRORS', align: 'right' },
    { head: 'MATCHED', align: 'right' },
    ...(withSpansets ? [{ head: 'SPANSETS', least: 10 }] : []),
    { head: 'TRACE ID' },
  ];
  const timeOf = timeColumn(traces, width);
  const rows = traces.map((trace) => [
    timeOf(trace.startTimeUnixNano),
    safeText(trace.rootServiceName),
    safeText(trace.rootName),
    formatDuration(BigInt(trace.durationNano)),
    String(trace.spanCount),
    String(trace.errorCount),
    String(trace.matchedCount),
    ...(withSpansets ? [safeText(spansetsText(trace))] : []),
    trace.traceId,
  ]);
  return columnLines(columns, rows, width);
}

function spansetsText({ spansets = [] }: TraceAnswer): string {
  return spansets.map(({ attributes }) => labelsText(attributes)).join('; ');
}

/** `name="GET /", p=0.95`; a field that the spans have not is nil. */
export function labelsText(labels: readonly KeyValue[]): string {
  return labels.map(({ key, value }) => `${key}=${labelValue(value)}`).join(', ');
}

function labelValue(value: KeyValue['value']): string {
  if (value.stringValue !== undefined) return value.stringValue;
  return valueText(value) === '' ? 'nil' : valueText(value);
}

function timeColumn(
  rows: readonly { readonly startTimeUnixNano: string }[],
  width: Width,
): (unixNano: string) => string {
  const textOf = (unixNano: string): string => formatTime(BigInt(unixNano)).replace('T', ' ').slice(0, 23);
  if (width === undefined || width >= WIDE) return textOf;
  const days = new Set(rows.map(({ startTimeUnixNano }) => textOf(startTimeUnixNano).slice(0, 10)));
  const narrow = width < 100;
  return days.size > 1
    ? (unixNano) => textOf(unixNano).slice(5, narrow ? 16 : 19)
    : (unixNano) => textOf(unixNano).slice(11, narrow ? 19 : 23);
}

/** Room for the names and figures beside a sparkline, and the least and most of that. */
const BESIDE_SPARKLINE = 70;
const SPARKLINE = { least: 10, most: 60, unlimited: 40 };

export function seriesTable({ series }: MetricsAnswer, unit: MetricUnit, width: Width): string[] {
  const key = onlyKey(series);
  const columns: Column[] = [
    { head: key === undefined ? 'SERIES' : safeText(key), least: 12 },
    { head: 'LAST', align: 'right' },
    { head: 'MIN', align: 'right' },
    { head: 'MEAN', align: 'right' },
    { head: 'MAX', align: 'right' },
    { head: 'OVER TIME' },
  ];
  const room =
    width === undefined
      ? SPARKLINE.unlimited
      : Math.max(SPARKLINE.least, Math.min(SPARKLINE.most, width - BESIDE_SPARKLINE));
  const rows = series.map(({ labels, samples }) => {
    const known = samples.filter((sample) => sample !== null);
    const figure = (value: number | undefined): string => formatFigure(value, unit);
    return [
      labels.length === 0
        ? 'all'
        : safeText(key === undefined ? labelsText(labels) : labelValue(labels[0].value)),
      figure(known.at(-1)),
      figure(known.length === 0 ? undefined : Math.min(...known)),
      figure(known.length === 0 ? undefined : known.reduce((a, b) => a + b, 0) / known.length),
      figure(known.length === 0 ? undefined : Math.max(...known)),
      sparkline(samples, room),
    ];
  });
  return columnLines(columns, rows, width);
}

/** The one label that tells the series apart, if it is one: the head then says it, once. */
function onlyKey(series: readonly SeriesAnswer[]): string | undefined {
  const keys = new Set(series.flatMap(({ labels }) => labels.map(({ key }) => key)));
  const [key] = keys;
  return keys.size === 1 && series.every(({ labels }) => labels.length === 1) ? key : undefined;
}

function formatFigure(value: number | undefined, unit: MetricUnit): string {
  if (value === undefined) return '-';
  if (unit === 'duration' && Math.abs(value) < 1e9) return formatDuration(BigInt(Math.round(value * 1e9)));
  const text = value.toLocaleString('en-US', { maximumSignificantDigits: 4 });
  return unit === 'rate' ? `${text}/s` : text;
}

const SPAN_COLUMNS = [
  'time',
  'service',
  'name',
  'kind',
  'status',
  'status_message',
  'duration_ns',
  'trace_id',
  'span_id',
  'parent_span_id',
];

export function spanCsvHead(fields: readonly string[]): string[] {
  return [...SPAN_COLUMNS, ...fields.map(csvText)];
}

export function spanCsv(span: SpanAnswer, fields: readonly string[]): string[] {
  return [
    formatTime(BigInt(span.startTimeUnixNano)),
    csvText(span.serviceName),
    csvText(span.name),
    KIND_NAMES[span.kind] ?? String(span.kind),
    STATUS_NAMES[span.status.code] ?? String(span.status.code),
    csvText(span.status.message),
    span.durationNano,
    span.traceId,
    span.spanId,
    span.parentSpanId,
    ...fields.map((field) => csvText(attributeText(span, field))),
  ];
}

export const TRACE_CSV_HEAD = [
  'time',
  'root_service',
  'root_name',
  'duration_ns',
  'spans',
  'errors',
  'matched',
  'services',
  'spansets',
  'trace_id',
];

export function traceCsv(trace: TraceAnswer): string[] {
  return [
    formatTime(BigInt(trace.startTimeUnixNano)),
    csvText(trace.rootServiceName),
    csvText(trace.rootName),
    trace.durationNano,
    String(trace.spanCount),
    String(trace.errorCount),
    String(trace.matchedCount),
    csvText(trace.services.map(({ name }) => name).join(', ')),
    csvText(spansetsText(trace)),
    trace.traceId,
  ];
}

/** A line for each sample that there is: time, a column for each label, value. */
export function seriesCsv(answer: MetricsAnswer): { head: string[]; lines: () => Generator<string[]> } {
  const keys = [...new Set(answer.series.flatMap(({ labels }) => labels.map(({ key }) => key)))];
  return {
    head: ['time', ...keys.map(csvText), 'value'],
    *lines() {
      for (const { labels, samples } of answer.series) {
        const texts = keys.map((key) => csvText(valueText(labels.find((one) => one.key === key)?.value)));
        for (const [bucket, sample] of samples.entries()) {
          if (sample !== null) yield [formatTime(bucketStart(answer, bucket)), ...texts, csvNumber(sample)];
        }
      }
    },
  };
}

function bucketStart({ startUnixNano, stepNano }: MetricsAnswer, bucket: number): bigint {
  return BigInt(startUnixNano) + BigInt(bucket) * BigInt(stepNano);
}

/** A line of JSON for each series, which says its times itself. */
export function seriesJsonLine(answer: MetricsAnswer, series: SeriesAnswer): string {
  const { startUnixNano, stepNano } = answer;
  return safeJson({ startUnixNano, stepNano, ...series });
}
