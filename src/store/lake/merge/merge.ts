/**
 * Files of one partition into one stream of row groups: traces by their first start, rows of a trace by
 * start, each row once. Two readings: a survey of few columns finds the order, then the rows are gathered
 * a row group at a time, block by block, so that memory holds one output row group and a few input ones.
 */
import type { TableSchema } from '../../../span/schema.ts';
import type { Block } from '../../../span/vector.ts';
import type { PromotedColumn } from '../files/file-entry.ts';
import { RowGroupBuilder } from './columns.ts';
import { Window } from './once.ts';
import { addPeers, overlappingPeers } from './peers.ts';
import { Promotion } from './promotion.ts';
import { RowQueue } from './queue.ts';
import { Picks } from './picks.ts';
import type { RowGroups } from './row-groups.ts';
import { Sources } from './sources.ts';
import type { OnReading } from './sources.ts';
import { exactStarts } from './starts.ts';
import { Survey } from './survey.ts';
import type { RewriteJob } from './rewrite-job.ts';

/** Of an output row group, before compression; 131,072 reference spans have 8.5 MB. */
const ROW_GROUP_BYTES = 48 * 1024 * 1024;

/**
 * Written between two collections of garbage: dictionaries, copies of blocks and what the writer made are
 * 60 MB a row group of 131,072 spans, which the engine would let pile up. A collection takes 10 to 35 ms.
 */
const REST_BYTES = 4 * 1024 * 1024;

export interface MergeContext {
  readonly schema: TableSchema;
  readonly rowGroups: RowGroups;
  /** Takes the next row group, which is overwritten when the promise is fulfilled: what it keeps it copies. */
  rowGroup(block: Block, promoted: readonly PromotedColumn[]): Promise<void>;
  readonly onReading: OnReading;
}

export interface Merged {
  readonly rows: number;
  readonly dropped: number;
  readonly duplicates: number;
  readonly promoted: readonly PromotedColumn[];
  /** In the order of the output: 16 bytes a trace, and its rows. */
  readonly traceIds: Uint8Array;
  readonly traceRows: Uint32Array;
}

export async function mergeFiles(job: RewriteJob, context: MergeContext): Promise<Merged> {
  const { schema, rowGroups, onReading } = context;
  const peers = overlappingPeers(job.inputs, job.peers);
  const sources = await Sources.open(rowGroups, [...job.inputs, ...peers], onReading);
  const promotion = new Promotion(schema, job.inputs);
  const survey = new Survey(sources, schema, job.drop, job.inputs, promotion);
  await survey.read(job.inputs.length);
  await addPeers(sources, survey, job.inputs.length);
  await exactStarts(survey, job.inputs.length, job.rowGroupRows);
  return new Merge(job, context, survey, promotion.columns()).run();
}

class Merge {
  readonly #firstPeerUnit: number;
  readonly #queue: RowQueue;
  readonly #builder: RowGroupBuilder;
  /** By unit: rows that may still be asked for. */
  readonly #left: Uint32Array;
  #rows = 0;
  #garbageBytes = 0;
  #dropped: number;
  #duplicates = 0;
  #outTraces = 0;
  /** Traces in the order of the output; those that keep no row are written over. */
  readonly #order: Uint32Array;
  readonly #outRows: Uint32Array;

  constructor(
    readonly job: RewriteJob,
    readonly context: MergeContext,
    readonly survey: Survey,
    readonly promoted: readonly PromotedColumn[],
  ) {
    const { sources, traces } = survey;
    this.#firstPeerUnit = sources.firstUnit(job.inputs.length);
    this.#dropped = survey.dropped;
    const maxRows = Math.min(
      job.rowGroupRows,
      job.inputs.reduce((sum, input) => sum + input.rows, 0),
    );
    this.#builder = new RowGroupBuilder(context.schema, promoted, maxRows);
    this.#queue = new RowQueue(sources.units, job.rowGroupRows, ROW_GROUP_BYTES);
    this.#left = new Uint32Array(sources.units.length);
    for (let run = 0; run < traces.runCount; run++)
      this.#eachPart(run, (unit, _, rows) => (this.#left[unit] += rows));
    this.#order = traces.inOrder();
    this.#outRows = new Uint32Array(traces.count);
  }

  async run(): Promise<Merged> {
    const { traces } = this.survey;
    let from = 0;
    let rows = 0;
    for (let at = 0; at < this.#order.length; at++) {
      rows += this.survey.traces.rowsOf(this.#order[at]);
      if (rows < this.job.rowGroupRows && at + 1 < this.#order.length) continue;
      await this.#window(from, at + 1);
      from = at + 1;
      rows = 0;
    }
    for (let count = this.#queue.cut(true); count > 0; count = this.#queue.cut(true)) await this.#emit(count);
    this.#check();
    const traceIds = new Uint32Array(this.#outTraces * 4);
    for (let i = 0; i < this.#outTraces; i++) {
      for (let word = 0; word < 4; word++) traceIds[i * 4 + word] = traces.ids[this.#order[i] * 4 + word];
    }
    return {
      rows: this.#rows,
      dropped: this.#dropped,
      duplicates: this.#duplicates,
      promoted: this.promoted,
      traceIds: new Uint8Array(traceIds.buffer),
      traceRows: this.#outRows.subarray(0, this.#outTraces),
    };
  }

  /** Nothing may get lost on the way, whatever the inputs hold. */
  #check(): void {
    const read = this.job.inputs.reduce((sum, input) => sum + input.rows, 0);
    const told = this.#rows + this.#dropped + this.#duplicates;
    if (read === told) return;
    throw new Error(
      `${read} rows were read, ${this.#rows} written, ${this.#dropped} dropped, ${this.#duplicates} came twice`,
    );
  }

  /** The traces from one place in the order to another, about as many rows as a row group has. */
  async #window(from: number, to: number): Promise<void> {
    const { traces } = this.survey;
    const unsettled: number[] = [];
    for (let at = from; at < to; at++) {
      if (traces.unsettled[this.#order[at]] === 1) unsettled.push(this.#order[at]);
    }
    const window = new Window(this.survey, this.#firstPeerUnit);
    if (unsettled.length > 0) await window.read(unsettled);
    for (let at = from; at < to; at++) this.#take(this.#order[at], window);
    for (let count = this.#queue.cut(false); count > 0; count = this.#queue.cut(false))
      await this.#emit(count);
  }

  #take(trace: number, window: Window): void {
    const { traces } = this.survey;
    const before = this.#queue.length;
    for (
      let run: number | undefined = traces.firstRun[trace];
      run !== undefined;
      run = traces.runAfter(run)
    ) {
      this.#eachPart(run, (unit, _, rows) => (this.#left[unit] -= rows));
    }
    if (traces.unsettled[trace] === 1) {
      const { dropped, duplicates } = window.settle(trace, this.#queue);
      this.#dropped += dropped;
      this.#duplicates += duplicates;
    } else this.#eachPart(traces.firstRun[trace], (unit, row, rows) => this.#takeRows(unit, row, rows));
    const { units } = this.#queue;
    for (let at = before; at < this.#queue.length; at++) this.#left[units[at]]++;
    const rows = this.#queue.length - before;
    if (rows === 0) return;
    this.#queue.endTrace();
    this.#order[this.#outTraces] = trace;
    this.#outRows[this.#outTraces++] = rows;
  }

  #takeRows(unit: number, firstRow: number, rows: number): void {
    const { source } = this.survey.sources.units[unit];
    if (!this.survey.hasMarks(source)) {
      this.#queue.pushRange(unit, firstRow, rows);
      return;
    }
    for (let row = firstRow; row < firstRow + rows; row++) {
      if (this.survey.isMarked(source, row)) this.#dropped++;
      else this.#queue.push(unit, row);
    }
  }

  /** The parts of a run, unit by unit. */
  #eachPart(run: number, use: (unit: number, firstRow: number, rows: number) => void): void {
    const { sources, traces } = this.survey;
    let row = traces.runRow[run];
    const end = row + traces.runRows[run];
    for (let unit = sources.unitAt(traces.runSource[run], row); row < end; unit++) {
      const { firstRow, rows } = sources.units[unit];
      const part = Math.min(end, firstRow + rows) - row;
      use(unit, row, part);
      row += part;
    }
  }

  /** The first rows of the queue as a row group. */
  async #emit(count: number): Promise<void> {
    const { sources } = this.survey;
    const builder = this.#builder;
    builder.clear();
    let bytes = 0;
    for (const { unit, picks } of this.#byUnit(count)) {
      const { source, bytesPerRow } = sources.units[unit];
      const { promoted } = this.job.inputs[source];
      bytes += picks.total * bytesPerRow;
      this.#left[unit] -= picks.total;
      await sources.all(unit, picks.bounds(), this.#left[unit] > 0, (columns, firstRow) =>
        builder.add(columns, promoted, picks.from(firstRow)),
      );
    }
    this.#queue.remove(count);
    this.#rows += count;
    await this.context.rowGroup(builder.finish(count), this.promoted);
    this.#garbageBytes += bytes;
    if (this.#garbageBytes < REST_BYTES) return;
    Bun.gc(true);
    this.#garbageBytes = 0;
  }

  /** Which rows of which units go where; units that need no reading first, before others push them out. */
  #byUnit(count: number): { unit: number; picks: Picks }[] {
    const { units, rows } = this.#queue;
    const parts = new Map<number, { unit: number; picks: Picks }>();
    for (let at = 0; at < count;) {
      const unit = units[at];
      const first = at++;
      while (at < count && units[at] === unit && rows[at] === rows[first] + at - first) at++;
      let part = parts.get(unit);
      if (part === undefined) parts.set(unit, (part = { unit, picks: new Picks() }));
      part.picks.add(rows[first], first, at - first);
    }
    const isKept = (unit: number) => (this.survey.sources.isKept(unit) ? 0 : 1);
    return [...parts.values()].sort((a, b) => isKept(a.unit) - isKept(b.unit));
  }
}
