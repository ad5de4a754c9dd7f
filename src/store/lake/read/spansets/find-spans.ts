/** The best spans that an expression gives, in order. */
import type { SearchOrder } from '../../../span-store.ts';
import type { FileEntry } from '../../files/file-entry.ts';
import { ID_BYTES, bareKey, bareRank, compareKeys, compareRanks, rankMasks } from '../scan/row-key.ts';
import type { Rank, RowKey } from '../scan/row-key.ts';
import type { FoundRow } from '../search/search.ts';
import type { Session } from '../session.ts';
import { keyOfSpan } from './answer.ts';
import type { SpansetWanted, SpansetsFound } from './jobs.ts';
import type { OpenedTraces, SpansetQuestion } from './open.ts';
import { findSpansets } from './search.ts';
import type { JudgedTrace, SpansetFinder } from './search.ts';
import { bytesOfHex } from '../scan/texts.ts';
import type { TraceIndexes } from '../search/trace-indexes.ts';

export interface SpansetRowQuestion extends SpansetQuestion {
  readonly order: SearchOrder;
  readonly limit: number;
  /** Only rows behind this one. */
  readonly after: RowKey | undefined;
}

export interface SpansetRows {
  readonly rows: readonly FoundRow[];
  /** The key behind which the next page begins; undefined when there is none. */
  readonly resume: RowKey | undefined;
}

export async function findSpansetRows(
  session: Session,
  indexes: TraceIndexes,
  question: SpansetRowQuestion,
): Promise<SpansetRows> {
  const finder = new RowFinder(question);
  await findSpansets(session, indexes, question, finder);
  return finder.answer();
}

class RowFinder implements SpansetFinder {
  readonly order: SearchOrder;
  readonly after: RowKey | undefined;
  readonly range: SpansetQuestion['range'];
  /** The best, one more than are asked for. */
  #rows: readonly FoundRow[] = [];
  #cutAt: Rank | undefined;

  constructor(readonly question: SpansetRowQuestion) {
    this.order = question.order;
    this.after = question.after;
    this.range = question.range;
  }

  get #worst(): Rank | undefined {
    return this.#rows.at(this.question.limit);
  }

  refuses(best: Rank): boolean {
    const worst = this.#worst;
    return worst !== undefined && compareRanks(best, worst) > 0;
  }

  wanted(): SpansetWanted {
    const { order, limit } = this.question;
    const after = bareKey(this.question.after);
    return { kind: 'spans', order, limit: limit + 1, after, worst: bareRank(this.#worst) };
  }

  extraColumns(): readonly string[] {
    return [];
  }

  found({ ranked }: SpansetsFound, source: FileEntry): void {
    if (!ranked) return;
    const rows: FoundRow[] = [];
    for (let i = 0; i < ranked.count; i++) {
      rows.push({
        high: ranked.highs[i],
        low: ranked.lows[i],
        ids: ranked.ids.subarray(i * ID_BYTES, (i + 1) * ID_BYTES),
        kind: ranked.kinds[i],
        source,
        group: ranked.groups[i],
        row: ranked.rows[i],
      });
    }
    this.#add(rows);
  }

  judged(traces: readonly JudgedTrace[], opened: OpenedTraces): void {
    const { after, order } = this.question;
    const masks = rankMasks(order);
    const rows: FoundRow[] = [];
    for (const { traceId, trace, spans } of traces) {
      const { table, first } = trace;
      const id = bytesOfHex(traceId, 16) ?? new Uint8Array(16);
      const words = masks.column === 'duration_nano' ? table.durations : table.starts;
      for (const at of spans) {
        const span = first + at;
        const row = {
          high: (words[span * 2 + 1] ^ masks.high) >>> 0,
          low: (words[span * 2] ^ masks.low) >>> 0,
          ids: keyOfSpan(table, span, id),
          kind: table.kinds[span],
          ...opened.address(span),
        };
        if (!after || compareKeys(row, after) > 0) rows.push(row);
      }
    }
    this.#add(rows);
  }

  #add(rows: readonly FoundRow[]): void {
    this.#rows = [...this.#rows, ...rows].sort(compareKeys).slice(0, this.question.limit + 1);
  }

  cut(best: Rank): void {
    if (!this.#cutAt || compareRanks(best, this.#cutAt) < 0) this.#cutAt = best;
  }

  answer(): SpansetRows {
    const { limit, after } = this.question;
    const cutAt = this.#cutAt;
    const known = cutAt ? this.#rows.filter((row) => compareRanks(row, cutAt) < 0) : this.#rows;
    const rows = known.slice(0, limit);
    if (known.length > limit) return { rows, resume: rows[limit - 1] };
    if (!cutAt) return { rows, resume: undefined };
    // The next page begins with what ranks like this; never before where this one began.
    const resume = { ...cutAt, ids: new Uint8Array(ID_BYTES), kind: 0 };
    return { rows, resume: after && compareKeys(resume, after) < 0 ? after : resume };
  }
}
