/** What one job finds of spansets: the best spans or traces, or all spans, and the traces that are left open. */
import type { Block } from '../../../../span/vector.ts';
import type { SearchOrder } from '../../../span-store.ts';
import { ID_BYTES, compareRanks, rankMasks, rankOf } from '../scan/row-key.ts';
import type { Rank, RankMasks } from '../scan/row-key.ts';
import { SeriesScan } from '../numbers/series-scan.ts';
import { packedRows } from '../scan/packed-rows.ts';
import type { SpansetWanted, SpansetsFound } from './jobs.ts';
import type { Candidate } from './runs.ts';
import type { WholeTrace, WholeTraces } from './traces.ts';
import { TopRows } from '../scan/top-rows.ts';

/** Where a trace of a batch stands. */
interface TracePlace {
  readonly traceId: Uint8Array;
  readonly best: Rank;
  readonly rowGroup: number;
  /** The row of the row group that is row 0 of the block. */
  readonly from: number;
}

const BEST: Rank = { high: 0, low: 0 };

export class SpansetAnswer {
  readonly #top: TopRows | undefined;
  /** Of traces: by number, high and low word. */
  readonly #latest: number[] = [];
  #left: Rank | undefined;
  readonly #open: Candidate[] = [];
  readonly #blocks: Block[] = [];
  readonly #series: SeriesScan | undefined;
  /** Rows of the batch's block that are given. */
  #rows: number[] = [];

  constructor(readonly wanted: SpansetWanted) {
    if (wanted.kind === 'series') this.#series = new SeriesScan(wanted.ask);
    else if (wanted.kind !== 'rows') this.#top = new TopRows(wanted.limit, wanted.after);
  }

  get isRanked(): boolean {
    return this.#top !== undefined;
  }

  /** `isRanked`: its best rank is known, not only that some of its rows were found. */
  addOpen(trace: Candidate, isRanked: boolean): void {
    this.#open.push(isRanked ? trace : { ...trace, best: BEST });
  }

  /** True when no row that ranks so, or behind, can change the answer: spans by their rank, traces by starts. */
  refuses(best: Rank): boolean {
    const { wanted } = this;
    if (wanted.kind === 'rows' || wanted.kind === 'series') return false;
    if (wanted.kind === 'traces' && wanted.order !== 'newest') return false;
    const worst = this.#top?.worst ?? wanted.worst;
    if (!worst || compareRanks(best, worst) <= 0) return false;
    this.#leave(best);
    return true;
  }

  /** The same of a whole trace, by its own rank. */
  refusesTrace(trace: WholeTrace, best: Rank): boolean {
    const { wanted } = this;
    if (wanted.kind !== 'traces' || !this.#top) return false;
    const rank = rankOfTrace(trace, wanted.order);
    if (wanted.after && compareRanks(rank, wanted.after) < 0) return true;
    const isWorse = wanted.worst !== undefined && compareRanks(rank, wanted.worst) > 0;
    if (!isWorse && !this.#top.refuses(rank.high, rank.low)) return false;
    this.#leave(best);
    return true;
  }

  #leave(best: Rank): void {
    if (!this.#left || compareRanks(best, this.#left) < 0) this.#left = best;
  }

  /** `spans`: those that it gives. */
  add(trace: WholeTrace, spans: readonly number[], place: TracePlace): void {
    switch (this.wanted.kind) {
      case 'rows':
        for (const span of spans) this.#rows.push(trace.table.rows[trace.first + span]);
        return;
      case 'series':
        this.#series?.addTrace(
          trace,
          spans,
          place.rowGroup,
          (span) => trace.table.rows[trace.first + span] + place.from,
        );
        return;
      case 'spans': {
        const masks = rankMasks(this.wanted.order);
        for (const span of spans) this.#addSpan(trace.table, trace.first + span, masks, place);
        return;
      }
      case 'traces': {
        const { high, low } = rankOfTrace(trace, this.wanted.order);
        const ids = new Uint8Array(ID_BYTES);
        ids.set(place.traceId);
        const number = this.#latest.push(place.best.high, place.best.low) / 2 - 1;
        this.#top?.push(high, low, ids, 0, 0, 0, number);
      }
    }
  }

  #addSpan(table: WholeTraces, span: number, masks: RankMasks, place: TracePlace): void {
    const words = masks.column === 'duration_nano' ? table.durations : table.starts;
    const high = (words[span * 2 + 1] ^ masks.high) >>> 0;
    const low = (words[span * 2] ^ masks.low) >>> 0;
    if (!this.#top || this.#top.refuses(high, low)) return;
    const ids = keyOfSpan(table, span, place.traceId);
    this.#top.push(high, low, ids, 0, table.kinds[span], place.rowGroup, table.rows[span] + place.from);
  }

  /** The block of the batch is about to go. */
  endBatch({ sources }: WholeTraces): void {
    if (this.wanted.kind !== 'rows' || this.#rows.length === 0) return;
    const rows = Uint32Array.from(this.#rows).sort();
    this.#rows = [];
    this.#blocks.push(packedRows(sources[0].block, rows, this.wanted.columns));
  }

  found(): SpansetsFound {
    const ranked = this.#top?.sorted();
    const open = this.#open;
    const traceIds = new Uint8Array(open.length * 16);
    const best = new Uint32Array(open.length * 2);
    open.forEach((trace, i) => {
      traceIds.set(trace.traceId, i * 16);
      best.set([trace.best.high, trace.best.low], i * 2);
    });
    if (ranked && this.wanted.kind === 'traces') {
      const kept = new Set(ranked.rows);
      for (let i = 0; i * 2 < this.#latest.length; i++) {
        if (!kept.has(i)) this.#leave({ high: this.#latest[i * 2], low: this.#latest[i * 2 + 1] });
      }
    }
    return {
      ranked,
      latest: Uint32Array.from(this.#latest),
      left: this.#left,
      blocks: this.#blocks,
      series: this.#series?.part(),
      open: { count: open.length, traceIds, best },
    };
  }
}

export function rankOfTrace(trace: WholeTrace, order: SearchOrder): Rank {
  return rankOf(order, order === 'slowest' ? trace.durationNano : trace.startUnixNano);
}

/** Trace id, span id and start: what a row's key has besides rank and kind. */
export function keyOfSpan(table: WholeTraces, span: number, traceId: Uint8Array): Uint8Array {
  const ids = new Uint8Array(ID_BYTES);
  ids.set(traceId);
  const view = new DataView(ids.buffer);
  view.setUint32(16, table.ids[span * 2], true);
  view.setUint32(20, table.ids[span * 2 + 1], true);
  view.setUint32(24, table.starts[span * 2 + 1]);
  view.setUint32(28, table.starts[span * 2]);
  return ids;
}
