/** Figures as the API writes them: series, heatmaps, facets, comparisons, dependencies. */
import type {
  ComparisonPage,
  Dependency,
  Exemplar,
  FacetsPage,
  HeatmapPage,
  MetricsPage,
  MetricsSeries,
} from '../../store/span-store.ts';
import { longListResponse } from './json-stream.ts';
import type { LongList } from './json-stream.ts';
import { HEADERS } from './route.ts';
import { labelsJson } from './static-json.ts';

type Json = Record<string, unknown>;

/** Numbers between two looks at the loop: some 2 ms of writing. */
const NUMBERS_A_PIECE = 20_000;

/** What JSON has no number for is null. */
function numbers(values: Float64Array): (number | null)[] {
  return Array.from(values, (value) => (Number.isFinite(value) ? value : null));
}

function exemplarJson(exemplar: Exemplar): Json {
  const { traceId, spanId, timeUnixNano, value } = exemplar;
  return {
    traceId,
    spanId,
    timeUnixNano: timeUnixNano.toString(),
    value: Number.isFinite(value) ? value : null,
  };
}

export function seriesJson({ labels, samples, exemplars }: MetricsSeries): Json {
  return {
    labels: labelsJson(labels),
    samples: numbers(samples),
    exemplars: exemplars.map(exemplarJson),
  };
}

/** `items` in pieces of so many that a piece has about NUMBERS_A_PIECE numbers, of which each has `size`. */
function inPieces<T>(list: Omit<LongList<T>, 'textOf'>, size: number, jsonOf: (item: T) => object): Response {
  const textOf = (some: readonly T[]) => some.map((item) => JSON.stringify(jsonOf(item))).join(',');
  const itemsAPiece = Math.max(1, Math.floor(NUMBERS_A_PIECE / Math.max(1, size)));
  return longListResponse({ ...list, textOf, itemsAPiece }, HEADERS);
}

export function metricsResponse(page: MetricsPage, tail: object): Response {
  const { startUnixNano, stepNano, buckets, series } = page;
  const head = { startUnixNano: startUnixNano.toString(), stepNano: stepNano.toString(), buckets };
  return inPieces({ head, name: 'series', items: series, tail }, buckets, seriesJson);
}

export function heatmapResponse(page: HeatmapPage, tail: object): Response {
  const { startUnixNano, stepNano, columns, durationsNano, counts, errors } = page;
  const head = { startUnixNano: startUnixNano.toString(), stepNano: stepNano.toString(), columns };
  const items = durationsNano.map((durationNano, row) => ({ durationNano, row }));
  return inPieces({ head, name: 'rows', items, tail }, columns * 2, ({ durationNano, row }) => ({
    durationNano: durationNano.toString(),
    counts: numbers(counts.subarray(row * columns, (row + 1) * columns)),
    errors: numbers(errors.subarray(row * columns, (row + 1) * columns)),
  }));
}

export function facetsJson({ count, facets }: FacetsPage): Json {
  return { count, facets };
}

export function comparisonJson({ selected, baseline, fields }: ComparisonPage): Json {
  return { selected, baseline, fields };
}

export function dependencyJson(dependency: Dependency): Json {
  const { client, server, connectionType, calls, errors, p50Nano, p95Nano, p99Nano } = dependency;
  return {
    client,
    server,
    connectionType,
    calls,
    errors,
    p50Nano: p50Nano.toString(),
    p95Nano: p95Nano.toString(),
    p99Nano: p99Nano.toString(),
  };
}
