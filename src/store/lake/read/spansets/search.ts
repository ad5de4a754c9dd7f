/**
 * Every trace for which a spanset expression may hold, judged once: by reader workers where it stands in one row
 * group alone, here where it has rows in several places or in buffers. What is done with the traces, and when
 * enough is known, is the finder's.
 */
import { BOUND } from '../../../../traceql/spansets-analysis.ts';
import { spansOf } from '../../../../traceql/spanset.ts';
import { spansetsOf } from '../../../../traceql/spansets.ts';
import type { SearchOrder, TimeRange } from '../../../span-store.ts';
import type { FileEntry } from '../../files/file-entry.ts';
import { columnOf } from '../scan/cells.ts';
import type { ColumnsAvailable } from '../scan/fields.ts';
import { compareRanks, rankMasks } from '../scan/row-key.ts';
import type { Rank, RowKey } from '../scan/row-key.ts';
import { UnitQueue } from '../plan/scan-units.ts';
import type { ScanUnit } from '../plan/scan-units.ts';
import { filterColumns } from '../scan/scan.ts';
import { IN_BUFFER, availableIn, inLanes } from '../session.ts';
import type { BufferSource, Session } from '../session.ts';
import type { SpansetWanted, SpansetsFound } from './jobs.ts';
import { judgedColumns, openTraces, probeColumns } from './open.ts';
import type { OpenedTraces, SpansetQuestion } from './open.ts';
import { planSpansets } from './plan.ts';
import type { SpansetPlan } from './plan.ts';
import { filtersOf } from './scan.ts';
import { keysInBuffers } from './shared.ts';
import type { WholeTrace } from './traces.ts';
import { hexAt } from '../scan/texts.ts';
import type { TraceIndexes } from '../search/trace-indexes.ts';

export interface SpansetFinder {
  /** By which row groups and open traces are ranked. */
  readonly order: SearchOrder;
  /** Of row groups all of whose rows rank before this none is needed. */
  readonly after: RowKey | undefined;
  /** Spans in it lead to traces. */
  readonly range: TimeRange;
  /** True when nothing that ranks like this, or behind it, can change the answer. */
  refuses(best: Rank): boolean;
  /** What a job on a file shall find. */
  wanted(available: ColumnsAvailable): SpansetWanted;
  found(found: SpansetsFound, file: FileEntry): void | Promise<void>;
  /** Traces judged here: those that match, with the spans that they give. `best` as by `order`. */
  judged(traces: readonly JudgedTrace[], opened: OpenedTraces): void | Promise<void>;
  /** What ranks like this or behind it was not looked at, for lack of time. */
  cut(best: Rank): void;
  /** Columns of blocks, besides those that judging reads. */
  extraColumns(available: ColumnsAvailable): readonly string[];
}

export interface JudgedTrace {
  readonly traceId: string;
  readonly trace: WholeTrace;
  readonly spans: readonly number[];
  readonly best: Rank;
}

/** Traces judged here between two looks whether more are needed. */
const FIRST_BATCH = 64;
const MAX_BATCH = 512;
/** Open traces are left until the row groups are through, unless they are so many. */
const MAX_PENDING = 1024;

const BEST: Rank = { high: 0, low: 0 };

export async function findSpansets(
  session: Session,
  indexes: TraceIndexes,
  question: SpansetQuestion,
  finder: SpansetFinder,
): Promise<void> {
  if (question.analysis.need === false) return;
  const plan = await planSpansets(session, question, finder.range);
  await new SpansetSearch(session, indexes, question, finder, plan).run();
}

class SpansetSearch {
  /** By trace, the best rank known of it. */
  readonly #pending = new Map<string, Rank>();
  readonly #judged = new Set<string>();
  #inBuffers: Uint32Array = new Uint32Array(0);

  constructor(
    readonly session: Session,
    readonly indexes: TraceIndexes,
    readonly question: SpansetQuestion,
    readonly finder: SpansetFinder,
    readonly plan: SpansetPlan,
  ) {}

  async run(): Promise<void> {
    const { session, finder, plan } = this;
    this.#inBuffers = await keysInBuffers(session);
    for (const buffer of session.buffers) await this.#findInBuffer(buffer);
    await this.#judgePending();
    const units = new UnitQueue(plan.scan, finder.order, plan.isRanked ? finder.after : undefined);
    let stopped = false;
    const nextUnit = () => {
      const unit = stopped ? undefined : units.peek();
      if (!unit) return undefined;
      if (this.#refuses(unit.best)) {
        session.stopEarly('enough was found that comes before all that is left', units.rowGroupsLeft);
        stopped = true;
        return undefined;
      }
      if (session.isOverTime()) {
        finder.cut(plan.isRanked ? unit.best : BEST);
        stopped = true;
        return undefined;
      }
      return units.take();
    };
    await inLanes(session.concurrency, nextUnit, async (unit) => {
      await this.#scan(unit);
      if (this.#pending.size > MAX_PENDING) await this.#judgePending();
    });
    await this.#judgePending();
  }

  #refuses(best: Rank): boolean {
    return this.plan.isRanked && this.finder.refuses(best);
  }

  async #scan({ file, rowGroups, best }: ScanUnit): Promise<void> {
    const { session, finder, plan } = this;
    const { analysis, range } = this.question;
    const available = availableIn(file);
    const wanted = finder.wanted(available);
    const found = await session.job<'spansets'>(file, {
      kind: 'spansets',
      columns: [...new Set([...judgedColumns(analysis, available), ...finder.extraColumns(available)])],
      expression: analysis.expression,
      range,
      probeColumns: probeColumns(analysis, available),
      rowGroups: rowGroups.map((group) => ({
        index: group.index,
        judge: plan.judges(file, group.index),
        best: plan.isRanked ? group.best : BEST,
      })),
      rowGroupCount: file.rowGroups.length,
      report: plan.report,
      shared: await this.indexes.shared.of(session, file, this.#inBuffers),
      wanted,
    });
    if (!found) {
      if (session.isOverTime()) finder.cut(plan.isRanked ? best : BEST);
      return;
    }
    const { count, traceIds, best: ranks } = found.open;
    for (let i = 0; i < count; i++) {
      this.#addOpen(hexAt(traceIds, i * 16, 16), { high: ranks[i * 2], low: ranks[i * 2 + 1] });
    }
    await finder.found(found, file);
  }

  #addOpen(traceId: string, best: Rank): void {
    if (this.#judged.has(traceId)) return;
    const known = this.#pending.get(traceId);
    if (!known || compareRanks(best, known) < 0) this.#pending.set(traceId, best);
  }

  /** Traces with rows in a buffer. */
  async #findInBuffer(buffer: BufferSource): Promise<void> {
    const { session, finder, plan } = this;
    const { analysis } = this.question;
    const { column, high, low } = rankMasks(finder.order);
    const filters = filtersOf(analysis, finder.range).filter(
      (_, probe) => ((plan.report >>> probe) & 1) === 1,
    );
    for (const filter of filters) {
      const columns = ['trace_id', column, ...filterColumns(filter, IN_BUFFER)];
      await session.scanBuffer(buffer, filter, columns, (block) => {
        const ids = columnOf(block, 'trace_id', 'fixed').bytes;
        const { words } = columnOf(block, column, 'int64');
        return (selected, from, to) => {
          for (let row = from; row < to; row++) {
            if (selected[row] === 0) continue;
            const rank = { high: (words[row * 2 + 1] ^ high) >>> 0, low: (words[row * 2] ^ low) >>> 0 };
            this.#addOpen(hexAt(ids, row * 16, 16), plan.isRanked ? rank : BEST);
          }
        };
      });
    }
  }

  /** Those that are needed, the best first. */
  async #judgePending(): Promise<void> {
    const pending = [...this.#pending].sort(([, a], [, b]) => compareRanks(a, b));
    this.#pending.clear();
    for (const [traceId] of pending) this.#judged.add(traceId);
    this.session.explain?.traces({ candidates: pending.length });
    let size = FIRST_BATCH;
    for (let at = 0; at < pending.length; at += size, size = Math.min(size * 2, MAX_BATCH)) {
      const batch = pending.slice(at, at + size);
      const [, best] = batch[0];
      if (this.#refuses(best)) return;
      const isLate = this.session.isOverTime();
      if (!isLate) await this.#judge(batch);
      // What was not read whole in time is not judged.
      if (isLate || this.session.isOverTime()) return this.finder.cut(best);
    }
  }

  async #judge(batch: readonly (readonly [string, Rank])[]): Promise<void> {
    const { session, indexes, question, finder } = this;
    const ids = batch.map(([traceId]) => traceId);
    const opened = await openTraces(session, indexes, ids, question, (available) =>
      finder.extraColumns(available),
    );
    const judged: JudgedTrace[] = [];
    let began = performance.now();
    for (const [i, [traceId, best]] of batch.entries()) {
      const trace = opened.table.trace(i, question.analysis);
      const isBounded = ((trace.bits >>> BOUND) & 1) === 1;
      const { expression } = question.analysis;
      const spans = isBounded ? await session.step(() => spansOf(spansetsOf(expression, trace))) : [];
      if (spans.length > 0) judged.push({ traceId, trace, spans, best });
      if (performance.now() - began < MS_WITHOUT_BREAK) continue;
      await session.breathe();
      began = performance.now();
    }
    if (!session.isOverTime()) await finder.judged(judged, opened);
  }
}

const MS_WITHOUT_BREAK = 8;
