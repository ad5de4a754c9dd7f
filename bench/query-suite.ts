/**
 * The questions of the bench: what is asked of the API, and where there is one, the SQL that asks DuckDB the
 * same. Both answers are reduced to figures by key, and compared before anything is timed.
 */
import type { Row } from './duckdb.ts';
import { FLAG_KEY, NEEDLE } from './query-data.ts';

export type Figures = ReadonlyMap<string, number>;

export interface Question {
  /** Of the goals in README.md; '' for a plain figure. */
  readonly id: string;
  readonly name: string;
  /** Path and query below `/api/v1`; `round` varies it where a repeated question would flatter. */
  readonly path: (round: number) => string;
  readonly figures: (body: Json) => Figures;
  readonly sql?: (round: number) => string;
  readonly sqlFigures?: (rows: readonly Row[]) => Figures;
  /** Relative, of figures that are estimates on our side. */
  readonly tolerance?: number;
  /** Milliseconds at 10M spans. */
  readonly p50Goal?: number;
  readonly p95Goal?: number;
}

export type Json = Record<string, unknown>;

interface Series {
  readonly labels: readonly { readonly key: string; readonly value: unknown }[];
  readonly samples: readonly (number | null)[];
}

const SERVICES = ['checkout', 'cart', 'payment', 'search', 'orders', 'gateway', 'ads'];

function metrics(query: string, more = 'instant=true'): string {
  return `/metrics?q=${encodeURIComponent(query)}&${more}`;
}

function list(body: Json, name: string): Json[] {
  const found = body[name];
  if (!Array.isArray(found)) throw new Error(`the answer has no ${name}`);
  return found as Json[];
}

/** Of each series, by the values of its labels, the sum of its samples. */
function seriesFigures(body: Json): Figures {
  return new Map(
    (list(body, 'series') as unknown as Series[]).map(({ labels, samples }): [string, number] => [
      labels.map(({ value }) => plain(value)).join('|'),
      samples.reduce<number>((sum, sample) => sum + (sample ?? 0), 0),
    ]),
  );
}

/** A label's value, whatever says its type. */
function plain(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value);
  return Object.entries(value)
    .filter(([key]) => key !== 'type')
    .map(([, inner]) => plain(inner))
    .join();
}

/** Rows of label columns and one figure, which is the last. */
function rowFigures(rows: readonly Row[]): Figures {
  return new Map(
    rows.map((row): [string, number] => {
      const cells = Object.values(row);
      return [cells.slice(0, -1).map(String).join('|'), Number(cells.at(-1))];
    }),
  );
}

function spanFigures(body: Json): Figures {
  return new Map(list(body, 'spans').map(({ spanId }): [string, number] => [String(spanId), 1]));
}

function operationFigures(body: Json): Figures {
  return new Map(
    list(body, 'operations').map(({ name, kind, spanCount, count }): [string, number] => [
      `${String(name)}|${String(kind)}`,
      Number(spanCount ?? count),
    ]),
  );
}

function serviceFigures(body: Json): Figures {
  return new Map(
    list(body, 'services').map(({ name, spanCount, count }): [string, number] => [
      String(name),
      Number(spanCount ?? count),
    ]),
  );
}

function size(name: string): (body: Json) => Figures {
  return (body) => new Map([['size', list(body, name).length > 0 ? 1 : 0]]);
}

/** The number of spans that a selector finds, beside DuckDB's count(*). */
function counted(id: string, name: string, selector: string, where: string, goal?: number): Question {
  return {
    id,
    name,
    path: () => metrics(`${selector} | count_over_time()`),
    figures: seriesFigures,
    sql: () => `SELECT count(*) FROM spans WHERE ${where}`,
    sqlFigures: rowFigures,
    ...(goal === undefined ? {} : { p50Goal: goal }),
  };
}

function newest(round: number): { readonly service: string; readonly ms: number } {
  return { service: SERVICES[round % SERVICES.length], ms: 20 + (round % 5) };
}

const NEWEST: Question = {
  id: 'P7',
  name: 'service and minimum duration, newest 100',
  path: (round) => {
    const { service, ms } = newest(round);
    return `/spans?service=${service}&minDuration=${ms}ms&order=newest&limit=100`;
  },
  figures: spanFigures,
  sql: (round) => {
    const { service, ms } = newest(round);
    return `SELECT * REPLACE (lower(hex(span_id)) AS span_id) FROM spans
      WHERE service_name = '${service}' AND duration_nano >= ${ms}000000
      ORDER BY start_time_unix_nano DESC LIMIT 100`;
  },
  sqlFigures: (rows) => new Map(rows.map((row) => [String(row.span_id), 1])),
  p50Goal: 20,
  p95Goal: 90,
};

export const ATTRIBUTES: readonly Question[] = [
  {
    ...counted('P8', 'attribute with a column, count', '{ span.http.route = "/api/cart/orders/{id}" }', ''),
    path: (round) => metrics(`{ span.user.id = "${user(round)}" } | count_over_time()`),
    sql: (round) => `SELECT count(*) FROM spans WHERE "span.user.id" = '${user(round)}'`,
    p50Goal: 50,
  },
  {
    id: 'P8',
    name: 'the one span with a value',
    path: () => `/spans?attr=${encodeURIComponent(`${NEEDLE.key}=${NEEDLE.value}`)}&limit=10`,
    figures: spanFigures,
    sql: () => `SELECT lower(hex(span_id)) AS span_id, 1 AS n FROM spans
      WHERE span_attributes['${NEEDLE.key}'] = '${NEEDLE.value}' LIMIT 10`,
    sqlFigures: rowFigures,
    p50Goal: 30,
  },
  {
    ...counted('P8', 'over maps, all of them', '', `span_attributes['${FLAG_KEY}'] = 'flag-3'`, 2000),
    path: () => metrics(`{ span.${FLAG_KEY} =~ ".*-3" } | count_over_time()`),
  },
];

function user(round: number): string {
  return `u-${(round * 617 + 35).toString(36)}`;
}

const BY_OPERATION = 'by (resource.service.name, name)';
/** A filter that no rollup knows. */
const RAW = '{ span.thread.id < 64 || span.thread.id >= 64 }';
const RAW_SQL = '("span.thread.id" < 64 OR "span.thread.id" >= 64)';

export const ROLLUPS: readonly Question[] = [
  {
    id: 'P9',
    name: 'services: count, errors, quantiles (rollup)',
    path: () => '/services',
    figures: serviceFigures,
    sql: () => `SELECT service_name, count(*) FROM spans GROUP BY ALL`,
    sqlFigures: rowFigures,
    p50Goal: 10,
  },
  {
    id: 'P9',
    name: 'operations of a service (rollup)',
    path: (round) => `/operations?service=${SERVICES[round % SERVICES.length]}`,
    figures: operationFigures,
    sql: (round) => `SELECT name, kind, count(*) FROM spans
      WHERE service_name = '${SERVICES[round % SERVICES.length]}' GROUP BY ALL`,
    sqlFigures: rowFigures,
    p50Goal: 10,
  },
  {
    id: 'P9',
    name: 'rate by operation, raw',
    path: () => metrics(`${RAW} | rate() ${BY_OPERATION}`, 'step=1h&limit=1000'),
    figures: (body) => new Map([...seriesFigures(body)].map(([key, perSecond]) => [key, perSecond * 3600])),
    sql: () => `SELECT service_name, name, count(*) FROM spans WHERE ${RAW_SQL} GROUP BY ALL`,
    sqlFigures: rowFigures,
    tolerance: 1e-6,
    p50Goal: 220,
  },
  quantiles('P9', 'p50, p95, p99 by operation, raw', RAW, RAW_SQL, 220),
];

function quantiles(id: string, name: string, selector: string, where: string, goal?: number): Question {
  return {
    id,
    name,
    path: () =>
      metrics(
        `${selector} | quantile_over_time(duration, .5, .95, .99) ${BY_OPERATION}`,
        'instant=true&limit=1000',
      ),
    figures: seriesFigures,
    // The exact quantiles: DuckDB's estimates (approx_quantile, reservoir_quantile) take it longer.
    sql: () => `SELECT service_name, name, unnest([0.5, 0.95, 0.99]::DOUBLE[]) AS p,
      unnest(quantile_disc(duration_nano, [0.5, 0.95, 0.99])) / 1e9 AS seconds
      FROM spans WHERE ${where} GROUP BY ALL`,
    sqlFigures: rowFigures,
    tolerance: 0.01,
    ...(goal === undefined ? {} : { p50Goal: goal }),
  };
}

/** The same filter on the same files. */
export const FILTERS: readonly Question[] = [
  counted(
    'P10',
    'service, error and duration: count',
    '{ resource.service.name = "checkout" && status = error && duration > 5ms }',
    "service_name = 'checkout' AND status_code = 2 AND duration_nano > 5000000",
  ),
  counted('P10', 'a selective duration: count', '{ duration > 100ms }', 'duration_nano > 100000000'),
  counted(
    'P10',
    'regular expression on name: count',
    '{ name =~ "(GET|PUT) /api/c.*/items/.*" }',
    "regexp_full_match(name, '(GET|PUT) /api/c.*/items/.*')",
  ),
  counted(
    'P10',
    'attribute equality: count',
    '{ span.http.route = "/api/cart/items/{id}" }',
    `"span.http.route" = '/api/cart/items/{id}'`,
  ),
  counted(
    'P10',
    'two attributes, one a number: count',
    '{ span.http.response.status_code >= 500 && span.cache.hit = true }',
    '"span.http.response.status_code" >= 500 AND "span.cache.hit"',
  ),
  {
    id: 'P10',
    name: 'count by service over time, of half the spans',
    path: () =>
      metrics('{ span.cache.hit = true } | count_over_time() by (resource.service.name)', 'step=10s'),
    figures: seriesFigures,
    sql: () => `SELECT service_name, sum(n) FROM (
      SELECT service_name, start_time_unix_nano // 10000000000 AS bucket, count(*) AS n
      FROM spans WHERE "span.cache.hit" GROUP BY ALL) GROUP BY ALL`,
    sqlFigures: rowFigures,
  },
  quantiles(
    'P10',
    'quantiles by operation, of half the spans',
    '{ span.cache.hit = true }',
    '"span.cache.hit"',
  ),
  { ...NEWEST, id: 'P10', name: 'newest 100, all columns' },
];

/** Plain figures: nothing is asked of them but that they stay what they are. */
export const OTHERS: readonly Question[] = [
  {
    id: 'Q',
    name: 'traces with an error below a service, newest 20',
    path: () =>
      `/traces?q=${encodeURIComponent('{ resource.service.name = "checkout" } >> { status = error }')}&limit=20`,
    figures: size('traces'),
  },
  {
    id: 'Q',
    name: 'a rare child, newest 20',
    path: () =>
      `/traces?q=${encodeURIComponent(`{ resource.service.name = "checkout" } > { duration > 200ms && status = error }`)}&limit=20`,
    figures: size('traces'),
  },
  {
    id: 'Q',
    name: 'traces of three or more errors, newest 20',
    path: () => `/traces?q=${encodeURIComponent('{ status = error } | count() >= 3')}&limit=20`,
    figures: size('traces'),
  },
  {
    id: 'Q',
    name: 'rate of what stands below errors',
    path: () => metrics('{ status = error } >> { kind = client } | rate()', 'step=1m'),
    figures: size('series'),
  },
  {
    id: 'Q',
    name: 'five facets of errors',
    path: () =>
      `/facets?q=${encodeURIComponent('{ status = error }')}&${['resource.service.name', 'name', 'span.http.route', 'kind', 'span.user.id'].map((field) => `field=${field}`).join('&')}`,
    figures: size('facets'),
  },
  {
    id: 'Q',
    name: 'heatmap of a service',
    path: () => '/heatmap?service=checkout&columns=100',
    figures: size('rows'),
  },
  {
    id: 'Q',
    name: 'what errors of a service have that others have not',
    path: () => `/comparison?service=checkout&selection=${encodeURIComponent('{ status = error }')}`,
    figures: size('fields'),
  },
  { id: 'Q', name: 'dependencies', path: () => '/dependencies', figures: size('dependencies') },
];

export const SEARCHES: readonly Question[] = [NEWEST];
