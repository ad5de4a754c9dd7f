/** Query parameters of the API -> questions. What does not read well is refused with a 400 that says how it should. */
import { END_OF_TIME, parseDuration, parseTime } from '../../span/time.ts';
import type { Asking, SearchOrder, SearchQuestion, TimeRange } from '../../store/span-store.ts';
import type { Query } from '../../traceql/ast.ts';
import { queryFromText } from '../../traceql/build.ts';
import type { Filters } from '../../traceql/build.ts';
import { KIND_KEYWORDS, STATUS_KEYWORDS } from '../../traceql/keywords.ts';
import { expectMetrics, expectSpans, selectedFields } from './query-kind.ts';
import { DEFAULT_SEARCH_LIMIT, MAX_SEARCH_LIMIT } from '../../limits.ts';
import { HttpError } from '../errors.ts';

/** Each parameter of the API, by the routes' own lists. */
export const ASKING_PARAMS = ['explain'] as const;
export const RANGE_PARAMS = ['start', 'end', 'since'] as const;
export const FILTER_PARAMS = [
  'q',
  'service',
  'operation',
  'status',
  'kind',
  'minDuration',
  'maxDuration',
  'attr',
] as const;
export const PAGE_PARAMS = ['order', 'limit', 'cursor', 'select'] as const;

export function invalid(message: string): HttpError {
  return new HttpError(400, 'invalid_argument', message);
}

/** A mistyped name must not be taken for a filter that matches all. Throws HttpError. */
export function checkNames(params: URLSearchParams, known: readonly string[]): void {
  for (const name of params.keys()) {
    if (!known.includes(name)) {
      throw invalid(`unknown parameter ${JSON.stringify(name)}; known here: ${known.join(', ')}`);
    }
  }
}

/** Everything, unless narrowed: an open end takes in senders whose clocks run ahead. */
export function rangeOf(params: URLSearchParams, nowUnixNano: bigint): TimeRange {
  const since = params.get('since');
  if (since !== null) {
    if (params.has('start')) throw invalid('give either since or start, not both');
    const length = parseDuration(since);
    if (length === null || length < 0n)
      throw invalid(`since is a duration such as 15m or 24h, not ${quoted(since)}`);
    const startUnixNano = length > nowUnixNano ? 0n : nowUnixNano - length;
    return { startUnixNano, endUnixNano: timeOf(params, 'end') ?? END_OF_TIME };
  }
  const startUnixNano = timeOf(params, 'start') ?? 0n;
  const endUnixNano = timeOf(params, 'end') ?? END_OF_TIME;
  if (endUnixNano < startUnixNano) throw invalid('end lies before start');
  return { startUnixNano, endUnixNano };
}

function timeOf(params: URLSearchParams, name: string): bigint | undefined {
  const text = params.get(name);
  if (text === null || text === '') return undefined;
  // A "+" of a zone that was not percent-encoded arrives as a space.
  const time = parseTime(text.replace(/ (?=\d\d:\d\d$)/, '+'));
  if (time === null) {
    throw invalid(
      `${name} is RFC 3339 (2026-01-31T12:00:00Z) or a Unix time in s, ms, us or ns, not ${quoted(text)}`,
    );
  }
  return time;
}

export function durationOf(params: URLSearchParams, name: string): bigint | undefined {
  const text = params.get(name);
  if (text === null || text === '') return undefined;
  const duration = parseDuration(text);
  if (duration === null)
    throw invalid(`${name} is a duration such as 1.2s, 300ms or 50us, not ${quoted(text)}`);
  return duration;
}

function oneOf<T extends string>(params: URLSearchParams, name: string, known: readonly T[]): T | undefined {
  const text = params.get(name);
  if (text === null || text === '') return undefined;
  const found = known.find((value) => value === text.toLowerCase());
  if (found === undefined) throw invalid(`${name} is one of ${known.join(', ')}, not ${quoted(text)}`);
  return found;
}

function attributesOf(params: URLSearchParams): NonNullable<Filters['attributes']> {
  return params.getAll('attr').map((text) => {
    // A key can't be told from its value where it holds a "=": the first one parts them.
    const at = text.indexOf('=');
    if (at <= 0) throw invalid(`attr is key=value, as attr=http.route=/cart, not ${quoted(text)}`);
    return { key: text.slice(0, at), value: text.slice(at + 1) };
  });
}

function drop<T extends object>(values: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never;
}

/** Who waits for the answer, and whether it shall say how it was come by. */
export function askingOf(params: URLSearchParams, signal: AbortSignal): Asking {
  return booleanOf(params, 'explain') ? { signal, explain: true } : { signal };
}

export function booleanOf(params: URLSearchParams, name: string): boolean {
  return oneOf(params, name, ['true', 'false']) === 'true';
}

/** A query that selects spans, with the plain filters. Throws TraceqlError, HttpError. */
export function spansQueryOf(params: URLSearchParams): Query {
  return expectSpans(queryOf(params));
}

/** A query that gives numbers over time, with the plain filters. Throws TraceqlError, HttpError. */
export function metricsQueryOf(params: URLSearchParams): Query {
  return expectMetrics(queryOf(params));
}

/** `q` and the plain filters together. Throws TraceqlError, HttpError. */
export function queryOf(params: URLSearchParams): Query {
  const filters = drop({
    service: params.get('service') ?? undefined,
    operation: params.get('operation') ?? undefined,
    status: oneOf(params, 'status', STATUS_KEYWORDS),
    kind: oneOf(params, 'kind', KIND_KEYWORDS),
    minDuration: durationOf(params, 'minDuration'),
    maxDuration: durationOf(params, 'maxDuration'),
    attributes: attributesOf(params),
  }) as Filters;
  return queryFromText(params.get('q') ?? '', filters);
}

/** A larger limit than is served is clamped: paging gives the rest. */
export function limitOf(params: URLSearchParams, fallback: number = DEFAULT_SEARCH_LIMIT): number {
  return countOf(params, 'limit', { least: 1, most: MAX_SEARCH_LIMIT, fallback });
}

/** A whole number; a larger one than `most` is clamped. */
export function countOf(
  params: URLSearchParams,
  name: string,
  { least, most, fallback }: { readonly least: number; readonly most: number; readonly fallback: number },
): number {
  const text = params.get(name);
  if (text === null || text === '') return fallback;
  if (!/^\d{1,18}$/.test(text) || Number(text) < least)
    throw invalid(`${name} is a number from ${least}, not ${quoted(text)}`);
  return Math.min(Number(text), most);
}

const ORDERS: readonly SearchOrder[] = ['newest', 'oldest', 'slowest'];

export function searchOf(params: URLSearchParams, nowUnixNano: bigint, signal: AbortSignal): SearchQuestion {
  const cursor = params.get('cursor') ?? '';
  return {
    query: spansQueryOf(params),
    range: rangeOf(params, nowUnixNano),
    order: oneOf(params, 'order', ORDERS) ?? 'newest',
    limit: limitOf(params),
    ...(cursor === '' ? {} : { cursor }),
    ...(params.has('since') ? { sliding: true } : {}),
    ...askingOf(params, signal),
  };
}

/**
 * The attributes to answer, by the parameter and by `select(...)` in the query; undefined for all. Keys may
 * carry their scope: `span.http.route`.
 */
export function selectOf(params: URLSearchParams, query?: Query): ReadonlySet<string> | undefined {
  const inQuery = query === undefined ? undefined : selectedFields(query);
  const keys = (params.get('select') ?? '')
    .split(',')
    .map((key) => key.trim())
    .filter((key) => key !== '');
  if (keys.length === 0) return inQuery;
  return new Set([...keys, ...(inQuery ?? [])]);
}

export function quoted(text: string): string {
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}...` : text);
}
