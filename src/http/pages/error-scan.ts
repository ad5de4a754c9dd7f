/** The spans that failed or recorded an exception, read newest first up to a bound, as groups. */
import { END_OF_TIME } from '../../span/time.ts';
import type { Span } from '../../span/span.ts';
import type { Coverage, SpanStore, TimeRange } from '../../store/span-store.ts';
import { groupOccurrences, relationsIn, unclearTraces } from '../../trace/error-groups.ts';
import type { Buckets } from '../../trace/error-groups.ts';
import { OccurrenceReader } from '../../trace/exceptions.ts';
import type { Occurrence } from '../../trace/exceptions.ts';
import { buildTreeInSteps } from '../../trace/tree.ts';
import { combine } from '../../traceql/build.ts';
import { parseQuery } from '../../traceql/parse.ts';
import type { FieldExpression, Query } from '../../traceql/ast.ts';
import type { ErrorScan } from '../../../views/errors/errors-state.ts';

/** Spans with status error that are read: 0.8 s of 1M spans, of which 20,000 failed, and 10 MB while it lasts. */
const MAX_FAILED = 5_000;
/** And spans that ended well in spite of an exception. */
const MAX_HANDLED = 1_000;
const PAGE = 1_000;
/** 250 spans with their stack traces take 3 to 8 ms. */
const STEP = 250;
/** Whole traces that are read to see what failed below what, and spans of all of them. */
const MAX_TRACES = 8;
const MAX_TRACE_SPANS = 50_000;
const TREND_BUCKETS = 32;

const FAILED = parseQuery('{ status = error }');
const HANDLED = parseQuery('{ event:name = "exception" && status != error }');
const COUNT_FAILED = parseQuery('{ status = error } | count_over_time()');

export interface ScanQuestion {
  readonly projectId: string;
  readonly range: TimeRange;
  readonly now: bigint;
  /** Null: of every service. */
  readonly condition: FieldExpression | null;
  readonly signal: AbortSignal;
}

export async function scanErrors(store: SpanStore, question: ScanQuestion): Promise<ErrorScan> {
  const startedMs = performance.now();
  const { projectId, range, condition, signal } = question;
  const reader = new OccurrenceReader();
  const [failed, handled] = await Promise.all([
    readSpans(store, question, combine(FAILED, condition), MAX_FAILED, reader),
    readSpans(store, question, combine(HANDLED, condition), MAX_HANDLED, reader),
  ]);
  const occurrences = [...failed.occurrences, ...handled.occurrences];
  const total = failed.isCut
    ? await countOf(store, { projectId, range, signal }, combine(COUNT_FAILED, condition))
    : failed.spans;
  const looked = await lookAtTraces(store, projectId, occurrences, signal);
  const buckets = bucketsOf(occurrences, failed.isCut ? undefined : range, question.now);
  return {
    groups: groupOccurrences(occurrences, looked.relations, buckets),
    buckets,
    spans: occurrences.length,
    failedRead: failed.spans,
    failedTotal: total,
    isCut: failed.isCut,
    handledRead: handled.spans,
    handledCut: handled.isCut,
    oldestUnixNano: oldestOf(occurrences),
    tracesRead: looked.traces,
    asOfUnixNano: question.now,
    incomplete: [failed.incomplete, handled.incomplete].find((reason) => reason !== '') ?? '',
    tookMs: performance.now() - startedMs,
  };
}

interface Read {
  readonly occurrences: readonly Occurrence[];
  readonly spans: number;
  readonly isCut: boolean;
  readonly incomplete: string;
}

async function readSpans(
  store: SpanStore,
  { projectId, range, signal }: ScanQuestion,
  query: Query,
  most: number,
  reader: OccurrenceReader,
): Promise<Read> {
  const occurrences: Occurrence[] = [];
  let spans = 0;
  let cursor: string | undefined;
  let incomplete = '';
  do {
    const limit = Math.min(PAGE, most - spans);
    const page = await store.searchSpans(projectId, {
      query,
      range,
      order: 'newest',
      limit,
      signal,
      ...(cursor === undefined ? {} : { cursor }),
    });
    await readPage(page.spans, reader, occurrences);
    spans += page.spans.length;
    cursor = page.nextCursor;
    incomplete ||= incompleteness(page);
    // A page without spans would go on for ever.
    if (page.spans.length === 0) break;
  } while (cursor !== undefined && spans < most);
  return { occurrences, spans, isCut: cursor !== undefined, incomplete };
}

async function readPage(spans: readonly Span[], reader: OccurrenceReader, into: Occurrence[]): Promise<void> {
  for (let i = 0; i < spans.length; i++) {
    if (i % STEP === STEP - 1) await setImmediatePromise();
    const occurrence = reader.read(spans[i]);
    if (occurrence !== undefined) into.push(occurrence);
  }
}

function setImmediatePromise(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

export function incompleteness({ complete }: Coverage): string {
  return complete === true ? '' : complete.reason;
}

async function countOf(
  store: SpanStore,
  { projectId, range, signal }: Pick<ScanQuestion, 'projectId' | 'range' | 'signal'>,
  query: Query,
): Promise<number> {
  const page = await store.metrics(projectId, {
    query,
    range,
    stepNano: undefined,
    maxSeries: 1,
    exemplars: 0,
    signal,
  });
  return page.series[0]?.samples.reduce((sum, value) => sum + (Number.isFinite(value) ? value : 0), 0) ?? 0;
}

/** Where several failures of a trace seem to have begun apart, a span between them may have ended well. */
async function lookAtTraces(
  store: SpanStore,
  projectId: string,
  occurrences: readonly Occurrence[],
  signal: AbortSignal,
): Promise<{ relations: ReadonlySet<string>; traces: number }> {
  const relations = new Set<string>();
  let traces = 0;
  let spans = 0;
  for (const traceId of unclearTraces(occurrences, MAX_TRACES)) {
    if (spans > MAX_TRACE_SPANS || signal.aborted) break;
    const answer = await store.trace(projectId, traceId, { signal });
    spans += answer.spans.length;
    traces++;
    const tree = await buildTreeInSteps(answer.spans, setImmediatePromise);
    relationsIn(
      tree,
      occurrences.filter((one) => one.traceId === traceId),
      relations,
    );
  }
  return { relations, traces };
}

function oldestOf(occurrences: readonly Occurrence[]): bigint {
  return occurrences.reduce(
    (oldest, { startUnixNano }) => (startUnixNano < oldest ? startUnixNano : oldest),
    occurrences[0]?.startUnixNano ?? 0n,
  );
}

/** Over all of the range where all of it was read, else over the time that was. */
function bucketsOf(occurrences: readonly Occurrence[], range: TimeRange | undefined, now: bigint): Buckets {
  const oldest = oldestOf(occurrences);
  const newest = occurrences.reduce(
    (max, one) => (one.startUnixNano > max ? one.startUnixNano : max),
    oldest,
  );
  const start = range !== undefined && range.startUnixNano > 0n ? range.startUnixNano : oldest;
  const closed = range !== undefined && range.endUnixNano !== END_OF_TIME;
  // An open range ends now, unless it began long before what is stored.
  const openEnd = range !== undefined && range.startUnixNano > 0n && now > newest ? now : newest + 1n;
  const end = closed ? range.endUnixNano : openEnd;
  const step = (end - start) / BigInt(TREND_BUCKETS) + 1n;
  return { startUnixNano: start, stepNano: step > 0n ? step : 1n, count: TREND_BUCKETS };
}
