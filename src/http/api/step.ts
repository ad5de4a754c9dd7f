/** How long the buckets of an answer over time are, where nobody said it. */
import { END_OF_TIME } from '../../span/time.ts';
import type { SpanStore, TimeRange } from '../../store/span-store.ts';
import { MATCH_ALL } from '../../traceql/build.ts';

const MILLISECOND = 1_000_000n;
const SECOND = 1_000n * MILLISECOND;
const DAY = 86_400n * SECOND;

/** What people read on a clock, and no division of it: 7 minutes would be nobody's step. */
const ROUND_STEPS: readonly bigint[] = [
  ...[1n, 2n, 5n, 10n, 20n, 50n, 100n, 200n, 500n].map((ms) => ms * MILLISECOND),
  ...[1n, 2n, 5n, 10n, 15n, 30n].map((s) => s * SECOND),
  ...[1n, 2n, 5n, 10n, 15n, 30n].map((min) => min * 60n * SECOND),
  ...[1n, 2n, 3n, 6n, 12n].map((h) => h * 3_600n * SECOND),
  ...[1n, 2n, 7n, 14n, 30n, 90n, 365n].map((days) => days * DAY),
];

/** As many buckets fit on a screen, and in a table that one still reads. */
const POINTS = 100n;

/** The shortest round step with which a range has at most about 100 buckets. */
export function roundStep({ startUnixNano, endUnixNano }: TimeRange): bigint {
  const length = endUnixNano - startUnixNano;
  const step = ROUND_STEPS.find((one) => one * POINTS >= length);
  if (step !== undefined) return step;
  const year = 365n * DAY;
  return (length / POINTS / year + 1n) * year;
}

/** The range, its open ends cut to the first and last span of the project and to now. */
export async function closedRange(
  store: Pick<SpanStore, 'searchSpans'>,
  projectId: string,
  range: TimeRange,
  now: { readonly unixNano: bigint; readonly signal: AbortSignal },
): Promise<TimeRange> {
  const openEnd = range.endUnixNano === END_OF_TIME;
  if (range.startUnixNano !== 0n) return endedRange(range, now.unixNano);
  const startOf = async (order: 'oldest' | 'newest'): Promise<bigint | undefined> => {
    const question = { query: MATCH_ALL, range, order, limit: 1, signal: now.signal };
    return (await store.searchSpans(projectId, question)).spans[0]?.startTimeUnixNano;
  };
  const startUnixNano = await startOf('oldest');
  if (startUnixNano === undefined) return { startUnixNano: now.unixNano, endUnixNano: now.unixNano };
  const newest = openEnd ? ((await startOf('newest')) ?? startUnixNano) + 1n : range.endUnixNano;
  return { startUnixNano, endUnixNano: newest };
}

/**
 * A range with a start ends now where its end is open: what is asked in steps would else have millions of them for
 * one span of a clock that is years ahead.
 */
export function endedRange(range: TimeRange, now: bigint): TimeRange {
  const isOpen = range.startUnixNano !== 0n && range.endUnixNano === END_OF_TIME;
  return isOpen ? { ...range, endUnixNano: later(now, range.startUnixNano) } : range;
}

function later(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
