/** A range of time as an address holds it, read and written in one place. */
import { DEFAULT_SINCE, RANGES } from '../search/search-state.ts';
import type { Range } from '../search/search-state.ts';

export interface RangeFields {
  /** One of RANGES, or '' when `start` or `end` says it. */
  readonly since: string;
  /** As typed; '' is open. */
  readonly start: string;
  readonly end: string;
}

/** Takes what it understands and leaves the rest at its default. */
export function readRange(params: URLSearchParams): RangeFields {
  const start = (params.get('start') ?? '').trim();
  const end = (params.get('end') ?? '').trim();
  const since = RANGES.find((range) => range.id === params.get('since'))?.id ?? DEFAULT_SINCE;
  return { since: start !== '' || end !== '' ? '' : since, start, end };
}

/** The fields that differ from the defaults: for addresses and for hidden inputs. */
export function rangeParams({ since, start, end }: RangeFields): Record<string, string> {
  return {
    ...(since === '' || since === DEFAULT_SINCE ? {} : { since }),
    ...(start === '' ? {} : { start }),
    ...(end === '' ? {} : { end }),
  };
}

/** The next wider one, if there is one. */
export function widerRange({ since }: RangeFields): Range | undefined {
  if (since === '') return RANGES.at(-1);
  return RANGES[RANGES.findIndex((range) => range.id === since) + 1];
}

/** In words, for "in ...". */
export function rangeText({ since, start, end }: RangeFields): string {
  const range = RANGES.find((known) => known.id === since);
  if (range) return range.text;
  if (start === '') return `the time before ${end}`;
  return end === '' ? `the time from ${start}` : `${start} to ${end}`;
}
