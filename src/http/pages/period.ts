/** The time that a page of figures is about, and the one before it that they are compared with. */
import { END_OF_TIME } from '../../span/time.ts';
import { QuestionError } from '../../store/span-store.ts';
import type { TimeRange } from '../../store/span-store.ts';
import { MATCH_ALL } from '../../traceql/build.ts';
import type { RangeFields } from '../../../views/shared/range-fields.ts';
import { closedRange } from '../api/step.ts';
import type { PageContext, PagesDeps } from './context.ts';
import { rangeOf } from './range.ts';

export interface Period {
  /** What is asked for; open ends are open. */
  readonly range: TimeRange;
  /** The same with its ends. */
  readonly closed: TimeRange;
  readonly seconds: number;
  /** As long, and right before it; undefined where nothing bounds the range. */
  readonly before: { readonly range: TimeRange; readonly text: string } | undefined;
  /** At least half of the time before is stored: less compares growth with nothing. */
  readonly isComparable: boolean;
  /** Start of the oldest stored span, where there is none before all that is shown. */
  readonly oldestUnixNano: bigint | undefined;
}

/** The range of an address; one that is none is told, and the usual one shown. */
export function rangeOrProblem(
  fields: RangeFields,
  now: bigint,
): { readonly range: TimeRange; readonly problem: string } {
  const usual = (): TimeRange => rangeOf({ since: '1h', start: '', end: '' }, now);
  try {
    const range = rangeOf(fields, now);
    if (range.startUnixNano < range.endUnixNano) return { range, problem: '' };
    return { range: usual(), problem: 'The range ends before it begins. The last hour is shown.' };
  } catch (error) {
    if (!(error instanceof QuestionError)) throw error;
    return { range: usual(), problem: `Not a range: ${error.message}. The last hour is shown.` };
  }
}

export async function periodOf(
  deps: PagesDeps,
  context: PageContext,
  range: TimeRange,
  asked: { readonly fields: RangeFields; readonly now: bigint; readonly signal: AbortSignal },
): Promise<Period> {
  const { now, signal } = asked;
  const closed = await closedRange(deps.store, context.projectId, range, { unixNano: now, signal });
  const length = closed.endUnixNano - closed.startUnixNano;
  const seconds = Number(length) / 1e9;
  if (range.startUnixNano === 0n || length <= 0n || length > range.startUnixNano) {
    return { range, closed, seconds, before: undefined, isComparable: false, oldestUnixNano: undefined };
  }
  const before = { startUnixNano: closed.startUnixNano - length, endUnixNano: closed.startUnixNano };
  const oldestUnixNano = await oldestSince(deps, context, before.startUnixNano, signal);
  return {
    range,
    closed,
    seconds,
    before: { range: before, text: beforeText(asked.fields) },
    isComparable: oldestUnixNano === undefined || oldestUnixNano <= before.startUnixNano + length / 2n,
    oldestUnixNano,
  };
}

/** Undefined where there are spans before `start`, or none at all. */
async function oldestSince(
  { store }: PagesDeps,
  { projectId }: PageContext,
  start: bigint,
  signal: AbortSignal,
): Promise<bigint | undefined> {
  const range = { startUnixNano: 0n, endUnixNano: END_OF_TIME };
  const question = { query: MATCH_ALL, range, order: 'oldest', limit: 1, signal } as const;
  const [oldest] = (await store.searchSpans(projectId, question)).spans;
  return oldest === undefined || oldest.startTimeUnixNano < start ? undefined : oldest.startTimeUnixNano;
}

function beforeText({ since }: RangeFields): string {
  const texts = new Map([
    ['15m', 'the 15 minutes before'],
    ['1h', 'the hour before'],
    ['6h', 'the 6 hours before'],
    ['24h', 'the 24 hours before'],
    ['7d', 'the 7 days before'],
  ]);
  return texts.get(since) ?? 'the time before, of the same length';
}
