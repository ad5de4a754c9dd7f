/** The best traces for which an expression holds, by their own start or duration. */
import type { SearchOrder, TimeRange } from '../../../span-store.ts';
import type { TraceCursor } from '../search/cursor.ts';
import { ID_BYTES, bareRank, compareKeys, compareRanks, rankOf, valueOfRank } from '../scan/row-key.ts';
import type { Rank, RowKey } from '../scan/row-key.ts';
import type { Session } from '../session.ts';
import { rankOfTrace } from './answer.ts';
import type { SpansetWanted, SpansetsFound } from './jobs.ts';
import type { SpansetQuestion } from './open.ts';
import { findSpansets } from './search.ts';
import type { JudgedTrace, SpansetFinder } from './search.ts';
import { bytesOfHex, hexAt } from '../scan/texts.ts';
import type { TraceIndexes } from '../search/trace-indexes.ts';

export interface SpansetTraceQuestion extends SpansetQuestion {
  readonly order: SearchOrder;
  readonly limit: number;
  readonly cursor: TraceCursor | undefined;
}

interface SpansetTraces {
  readonly traceIds: readonly string[];
  readonly next: TraceCursor | undefined;
}

export async function findSpansetTraces(
  session: Session,
  indexes: TraceIndexes,
  question: SpansetTraceQuestion,
): Promise<SpansetTraces> {
  const finder = new TraceFinder(question);
  await findSpansets(session, indexes, question, finder);
  return finder.answer();
}

interface FoundTrace extends RowKey {
  readonly traceId: string;
  /** The rank, for newest, of its latest span that satisfies the bound. */
  readonly latest: Rank;
}

/**
 * Newest: row groups come by their latest span. A trace that was not met has all spans of its result in row
 * groups left, so it starts no later than these. For oldest and slowest every row group is needed.
 */
class TraceFinder implements SpansetFinder {
  readonly order = 'newest';
  readonly after = undefined;
  readonly range: TimeRange;
  readonly #behind: RowKey | undefined;
  /** The best, one more than are asked for. */
  #traces: readonly FoundTrace[] = [];
  /** The latest span by which a trace that is not among these may be found. */
  #left: Rank | undefined;
  #cutAt: Rank | undefined;

  constructor(readonly question: SpansetTraceQuestion) {
    const { range, cursor, order } = question;
    const frontier = order === 'newest' ? cursor?.frontier : undefined;
    const ends = frontier === undefined || frontier + 1n >= range.endUnixNano;
    this.range = ends ? range : { ...range, endUnixNano: frontier + 1n };
    this.#behind = cursor && keyOf(cursor.traceId, rankOf(order, cursor.value));
  }

  refuses(best: Rank): boolean {
    const { order, limit } = this.question;
    const worst = this.#traces.at(limit);
    if (order !== 'newest' || !worst || compareRanks(best, worst) <= 0) return false;
    this.#leave(best);
    return true;
  }

  wanted(): SpansetWanted {
    const { order, limit } = this.question;
    const worst = bareRank(this.#traces.at(limit));
    return { kind: 'traces', order, limit: limit + 1, after: this.#behind, worst };
  }

  extraColumns(): readonly string[] {
    return [];
  }

  found({ ranked, latest, left }: SpansetsFound): void {
    if (left) this.#leave(left);
    if (!ranked) return;
    const traces: FoundTrace[] = [];
    for (let i = 0; i < ranked.count; i++) {
      const at = ranked.rows[i] * 2;
      const traceId = hexAt(ranked.ids, i * ID_BYTES, 16);
      const rank = { high: ranked.highs[i], low: ranked.lows[i] };
      traces.push({ ...keyOf(traceId, rank), traceId, latest: { high: latest[at], low: latest[at + 1] } });
    }
    this.#add(traces);
  }

  judged(judged: readonly JudgedTrace[]): void {
    const { order } = this.question;
    const traces = judged.map(({ traceId, trace, best }) => ({
      ...keyOf(traceId, rankOfTrace(trace, order)),
      traceId,
      latest: best,
    }));
    const behind = this.#behind;
    this.#add(behind ? traces.filter((trace) => compareKeys(trace, behind) > 0) : traces);
  }

  #add(traces: readonly FoundTrace[]): void {
    const sorted = [...this.#traces, ...traces].sort(compareKeys);
    this.#traces = sorted.slice(0, this.question.limit + 1);
    for (const { latest } of sorted.slice(this.question.limit + 1)) this.#leave(latest);
  }

  #leave(latest: Rank): void {
    if (!this.#left || compareRanks(latest, this.#left) < 0) this.#left = latest;
  }

  cut(best: Rank): void {
    if (!this.#cutAt || compareRanks(best, this.#cutAt) < 0) this.#cutAt = best;
  }

  answer(): SpansetTraces {
    const { limit, order, cursor } = this.question;
    const cutAt = order === 'newest' ? this.#cutAt : undefined;
    const known = cutAt ? this.#traces.filter((trace) => compareRanks(trace, cutAt) < 0) : this.#traces;
    const page = known.slice(0, limit);
    const traceIds = page.map(({ traceId }) => traceId);
    const last = known.length > limit ? page[limit - 1] : undefined;
    if (!last && !cutAt) return { traceIds, next: undefined };
    if (last && order !== 'newest') {
      return { traceIds, next: { value: valueOfRank(order, last), traceId: last.traceId, frontier: 0n } };
    }
    for (const { latest } of this.#traces.slice(page.length)) this.#leave(latest);
    if (cutAt) this.#leave(cutAt);
    const frontier = this.#left ? valueOfRank('newest', this.#left) : 0n;
    const reached = last ?? { ...keyOf(NO_TRACE, cutAt ?? { high: 0, low: 0 }), traceId: NO_TRACE };
    // What was cut off before anything new was found: the next page begins where this one did.
    if (cursor && this.#behind && compareKeys(reached, this.#behind) < 0) return { traceIds, next: cursor };
    return { traceIds, next: { value: valueOfRank('newest', reached), traceId: reached.traceId, frontier } };
  }
}

/** No trace has this id, and it sorts before all others. */
const NO_TRACE = '0'.repeat(32);

function keyOf(traceId: string, rank: Rank): RowKey {
  const ids = new Uint8Array(ID_BYTES);
  ids.set(bytesOfHex(traceId, 16) ?? []);
  return { ...rank, ids, kind: 0 };
}
