/** What the addresses of the services' pages hold, read and written in one place. */
import { readRange, rangeParams } from '../shared/range-fields.ts';
import type { RangeFields } from '../shared/range-fields.ts';

export const SORTS = ['name', 'count', 'errors', 'errorRate', 'p50', 'p95', 'p99'] as const;
export type Sort = (typeof SORTS)[number];

export interface StatsState {
  readonly range: RangeFields;
  readonly sort: Sort;
  readonly descending: boolean;
  /** Part of a name; '' is any. */
  readonly filter: string;
}

export function readStatsState(params: URLSearchParams): StatsState {
  const sort = SORTS.find((known) => known === params.get('sort')) ?? 'count';
  return {
    range: readRange(params),
    sort,
    descending: params.get('order') !== 'asc',
    filter: (params.get('filter') ?? '').trim(),
  };
}

/** The fields that differ from the defaults. */
function stateParams({ range, sort, descending, filter }: StatsState): Record<string, string> {
  return {
    ...rangeParams(range),
    ...(sort === 'count' ? {} : { sort }),
    ...(descending ? {} : { order: 'asc' }),
    ...(filter === '' ? {} : { filter }),
  };
}

/** Of all services (undefined), or of one. */
export function statsHref(
  service: string | undefined,
  state: StatsState,
  change: Partial<StatsState> = {},
): string {
  const params = stateParams({ ...state, ...change });
  return service === undefined ? withParams('/services', params) : servicePath(service, params);
}

/** The page of a service in a range, as it is first seen. */
export function serviceHref(service: string, range: RangeFields): string {
  return servicePath(service, rangeParams(range));
}

function servicePath(service: string, params: Record<string, string>): string {
  // No path can hold these three: browsers and servers take dots for directions.
  if (service === '' || service === '.' || service === '..') {
    return withParams('/services/named', { ...params, name: service });
  }
  return withParams(`/services/${encodeURIComponent(service)}`, params);
}

export function withParams(path: string, params: Readonly<Record<string, string>>): string {
  const text = new URLSearchParams(params).toString();
  return text === '' ? path : `${path}?${text}`;
}
