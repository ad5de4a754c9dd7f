/** The buckets of time of a question: whole steps since the epoch, over the part of the range that has spans. */
import { END_OF_TIME } from '../../../../span/time.ts';
import { QuestionError } from '../../../span-store.ts';
import type { TimeRange } from '../../../span-store.ts';
import type { Session } from '../session.ts';
import type { Buckets } from './series-time.ts';

/** Prometheus' bound of points of a series; four times what the widest screen shows. */
export const MAX_BUCKETS = 11_000;

/**
 * The range with an open end cut to where there are spans; undefined when there are none and an end is open.
 * By the catalog's statistics, so a file whose own statistics are wide may leave it wider than need be.
 */
export function rangeWithSpans(
  session: Session,
  { startUnixNano, endUnixNano }: TimeRange,
): TimeRange | undefined {
  const isOpenStart = startUnixNano <= 0n;
  const isOpenEnd = endUnixNano >= END_OF_TIME;
  if (!isOpenStart && !isOpenEnd)
    return startUnixNano < endUnixNano ? { startUnixNano, endUnixNano } : undefined;
  let [first, last] = [END_OF_TIME, -1n];
  const see = (min: bigint, max: bigint): void => {
    if (max < startUnixNano || min >= endUnixNano) return;
    if (min < first) first = min;
    if (max > last) last = max;
  };
  for (const { minStartUnixNano, maxStartUnixNano } of session.files) see(minStartUnixNano, maxStartUnixNano);
  for (const { columns } of session.buffers) see(columns.minStart, columns.maxStart);
  if (last < 0n) return undefined;
  const start = isOpenStart ? first : startUnixNano;
  const end = isOpenEnd ? last + 1n : endUnixNano;
  return start < end ? { startUnixNano: start, endUnixNano: end } : undefined;
}

/** Throws QuestionError where the step is none, or so short that there are too many. */
export function bucketsOf({ startUnixNano, endUnixNano }: TimeRange, stepNano: bigint | undefined): Buckets {
  if (stepNano === undefined) {
    return { originUnixNano: startUnixNano, stepNano: endUnixNano - startUnixNano, count: 1 };
  }
  if (stepNano <= 0n) throw new QuestionError('invalid_argument', `a step of ${stepNano} ns is not above 0`);
  const originUnixNano = startUnixNano - (startUnixNano % stepNano);
  const count = (endUnixNano - originUnixNano + stepNano - 1n) / stepNano;
  if (count > BigInt(MAX_BUCKETS)) {
    throw new QuestionError(
      'invalid_argument',
      `a step of ${Number(stepNano) / 1e9} s makes ${count} points of this range, at most ${MAX_BUCKETS} ` +
        'are answered: ask for a longer step, or give the range a start and an end',
    );
  }
  return { originUnixNano, stepNano, count: Number(count) };
}
