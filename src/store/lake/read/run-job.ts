/** Carries out a job on one Parquet file: what a reader worker does between two messages. */
import type { Span } from '../../../span/span.ts';
import type { Block } from '../../../span/vector.ts';
import type { BlockUse, ParquetReader, RowSpan } from '../files/parquet-reader.ts';
import type { PointReader } from '../files/point-reader.ts';
import { traceIndexFromFile } from '../files/rebuild-trace-index.ts';
import { SpanReader } from './block-spans.ts';
import { columnOf } from './cells.ts';
import { ExtentsScan } from './extents.ts';
import { GroupScan, Groups } from './groups.ts';
import type {
  ExtentsJob,
  GroupsJob,
  Job,
  JobCost,
  JobResult,
  JobValues,
  RowPick,
  SearchJob,
  SlimJob,
  SpansJob,
  TraceRulesJob,
  ValuesJob,
} from './jobs.ts';
import { compareRanks, rankMasks } from './row-key.ts';
import { KEY_COLUMNS, Selection, offerRows, wouldTake } from './scan.ts';
import type { RowsToOffer } from './scan.ts';
import { concatSlim, slimRows } from './slim-rows.ts';
import type { SlimRows } from './slim-rows.ts';
import { TextCache } from './texts.ts';
import { TopRows } from './top-rows.ts';
import { TraceRulesScan } from './trace-rules.ts';
import { ValueCounts } from './value-counts.ts';
import { countValues } from './values.ts';

/** Spans are sent on in parts: to clone 2,000 of them holds the main thread for some 10 ms. */
const SPANS_PER_PART = 2000;

/**
 * Up to this many rows of all columns are read one by one, for a quarter to a half of what the row group's decoder
 * takes; from some 1,000 on that one is faster. Of the nine columns of a slim job it is as fast for few rows too.
 */
const MAX_POINTS = 256;

export interface JobContext {
  readonly reader: ParquetReader;
  readonly points: PointReader;
  isCancelled(): boolean;
  sendPart(spans: readonly Span[]): void;
}

class CancelledError extends Error {
  override readonly name = 'CancelledError';
}

export async function runJob(job: Job, context: JobContext): Promise<JobResult> {
  const run = new JobRun(job, context);
  const value = await run.value();
  return { value, cost: run.cost() };
}

class JobRun {
  #rowGroups = 0;
  #rows = 0;
  #bytes = 0;
  #skipped = 0;

  constructor(
    readonly job: Job,
    readonly context: JobContext,
  ) {}

  cost(): JobCost {
    const [rowGroups, rows, bytes] = [this.#rowGroups, this.#rows, this.#bytes];
    return { rowGroups, rows, bytes, skippedRowGroups: this.#skipped };
  }

  value(): Promise<JobValues[Job['kind']]> {
    const { job } = this;
    switch (job.kind) {
      case 'search':
        return this.#search(job);
      case 'spans':
        return this.#spans(job);
      case 'slim':
        return this.#slim(job);
      case 'extents':
        return this.#extents(job);
      case 'groups':
        return this.#groups(job);
      case 'values':
        return this.#values(job);
      case 'trace rules':
        return this.#traceRules(job);
      case 'traceIndex':
        return traceIndexFromFile(this.context.reader, job.path);
    }
  }

  async #each(rowGroup: number, use: (block: Block) => void, span?: RowSpan): Promise<void> {
    this.#expectWanted();
    const { path, columns } = this.job;
    const count = (block: Block) => {
      this.#rows += block.rows;
      use(block);
    };
    this.#count(await this.context.reader.withBlock(path, rowGroup, columns, count, span));
  }

  #expectWanted(): void {
    if (this.context.isCancelled()) throw new CancelledError('cancelled');
  }

  #count({ bytes }: BlockUse<unknown>): void {
    this.#rowGroups++;
    this.#bytes += bytes;
  }

  /** The rows of the pick as a block of their own, if they are few and the file is laid out for it. */
  #points({ rowGroup, rows }: RowPick): Block | undefined {
    if (rows.length > MAX_POINTS) return undefined;
    this.#expectWanted();
    const { path, columns } = this.job;
    const read = this.context.points.block(path, rowGroup, columns, rows);
    if (read === undefined) return undefined;
    this.#rows += rows.length;
    this.#count(read);
    return read.value;
  }

  /** The block from the first to the last row of the pick; `rows` are counted from its first. */
  #eachPick(
    { rowGroup, rows }: RowPick,
    use: (block: Block, rows: Uint32Array, from: number) => void,
  ): Promise<void> {
    const from = rows[0];
    const span = { from, count: rows[rows.length - 1] - from + 1 };
    return this.#each(
      rowGroup,
      (block) =>
        use(
          block,
          rows.map((row) => row - from),
          from,
        ),
      span,
    );
  }

  async #search(job: SearchJob): Promise<JobValues['search']> {
    const top = new TopRows(job.limit, job.after);
    for (const { index, best } of job.rowGroups) {
      const worst = top.worst ?? job.worst;
      if (worst && compareRanks(best, worst) > 0) {
        this.#skipped++;
        top.more = true;
        continue;
      }
      await this.#searchRowGroup(job, index, top);
    }
    return top.sorted();
  }

  /** Ids are the widest columns: they are read only where a row would be taken. */
  async #searchRowGroup(job: SearchJob, rowGroup: number, top: TopRows): Promise<void> {
    const { filter, order } = job;
    let offer: Omit<RowsToOffer, 'keys'> | undefined;
    await this.#each(rowGroup, (block) => {
      const selected = new Selection(block, filter).select(0, block.rows);
      const { words } = columnOf(block, rankMasks(order).column, 'int64');
      if (wouldTake(top, order, words, selected)) offer = { selected, words: words.slice(), group: rowGroup };
    });
    if (!offer) return;
    const rows = offer;
    const { bytes } = await this.context.reader.withBlock(job.path, rowGroup, KEY_COLUMNS, (keys) => {
      offerRows(top, order, { ...rows, keys }, 0, keys.rows);
    });
    this.#bytes += bytes;
  }

  async #spans(job: SpansJob): Promise<JobValues['spans']> {
    let part: Span[] = [];
    const add = (block: Block, rows: Uint32Array) => {
      const reader = new SpanReader(block);
      for (const row of rows) {
        part.push(reader.span(row));
        if (part.length < SPANS_PER_PART) continue;
        this.context.sendPart(part);
        part = [];
      }
    };
    for (const pick of job.picks) {
      const points = this.#points(pick);
      if (points)
        add(
          points,
          Uint32Array.from({ length: points.rows }, (_, row) => row),
        );
      else await this.#eachPick(pick, add);
    }
    return part;
  }

  async #slim(job: SlimJob): Promise<JobValues['slim']> {
    const parts: SlimRows[] = [];
    for (const pick of job.picks) {
      await this.#eachPick(pick, (block, rows, from) => {
        parts.push(slimRows(block, job.filter, rows, { rowGroup: pick.rowGroup, from }));
      });
    }
    return concatSlim(parts);
  }

  async #extents(job: ExtentsJob): Promise<JobValues['extents']> {
    const scan = new ExtentsScan();
    for (const rowGroup of job.rowGroups) {
      await this.#each(rowGroup, (block) => {
        scan.add(block, new Selection(block, job.filter), 0, block.rows);
      });
    }
    return scan.extents();
  }

  async #groups(job: GroupsJob): Promise<JobValues['groups']> {
    const groups = new Groups();
    for (const rowGroup of job.rowGroups) {
      await this.#each(rowGroup, (block) => {
        new GroupScan(block, job.filter.range, job.service, groups).scan(0, block.rows);
      });
    }
    return groups.all();
  }

  async #traceRules(job: TraceRulesJob): Promise<JobValues['trace rules']> {
    const scan = new TraceRulesScan(job.filters);
    for (const rowGroup of job.rowGroups) await this.#each(rowGroup, (block) => scan.add(block));
    return scan.result();
  }

  async #values(job: ValuesJob): Promise<JobValues['values']> {
    const counts = new ValueCounts(job.prefix);
    for (const rowGroup of job.rowGroups) {
      await this.#each(rowGroup, (block) => {
        const selected = new Selection(block, job.filter).select(0, block.rows);
        countValues(block, job.field, { selected, from: 0, to: block.rows, texts: new TextCache() }, counts);
      });
    }
    return { values: counts.all(), full: counts.full };
  }
}
