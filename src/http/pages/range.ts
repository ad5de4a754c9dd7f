/** Time ranges of the pages: `since` before a moment, or from clock to clock. */
import { END_OF_TIME, parseDuration, parseTime } from '../../span/time.ts';
import { QuestionError } from '../../store/span-store.ts';
import type { TimeRange } from '../../store/span-store.ts';

export interface RangeFields {
  readonly since: string;
  readonly start: string;
  readonly end: string;
}

export function rangeOf({ since, start, end }: RangeFields, now: bigint): TimeRange {
  if (since !== '') return { startUnixNano: sinceStart(since, now), endUnixNano: END_OF_TIME };
  return {
    startUnixNano: start === '' ? 0n : time('start', start),
    endUnixNano: end === '' || end === 'now' ? END_OF_TIME : time('end', end),
  };
}

function sinceStart(since: string, now: bigint): bigint {
  const length = since === 'all' ? null : parseDuration(since);
  return length === null || length > now ? 0n : now - length;
}

function time(name: string, text: string): bigint {
  const nano = parseTime(text);
  if (nano === null) {
    throw new QuestionError(
      'invalid_argument',
      `the ${name} reads like 2026-01-31 12:00 (UTC), not "${text}"`,
    );
  }
  return nano;
}

/** Seconds of a `since`, for rates; 0 for an open range. */
export function rangeSeconds(since: string): number {
  const length = since === 'all' ? null : parseDuration(since);
  return length === null ? 0 : Number(length) / 1e9;
}
