/** Carries out a job on one Parquet file: what a reader worker does between two messages. */
import type { Span } from '../../../span/span.ts';
import type { Block } from '../../../span/vector.ts';
import type { ParquetReader } from '../files/parquet-reader.ts';
import { SpanReader } from './block-spans.ts';
import { EXTENTS_COLUMNS, ExtentsScan } from './extents.ts';
import { GroupScan, Groups, OPERATION_GROUP_COLUMNS, SERVICE_GROUP_COLUMNS } from './groups.ts';
import type {
  ExtentsJob,
  GroupsJob,
  Job,
  JobCost,
  JobResult,
  JobValues,
  SearchJob,
  SlimJob,
  SpansJob,
  ValuesJob,
} from './jobs.ts';
import { compareRanks } from './row-key.ts';
import { ROW_KEY_COLUMNS, RowScan, Selection, filterColumns } from './scan.ts';
import { SLIM_COLUMNS, concatSlim, slimRows } from './slim-rows.ts';
import type { SlimRows } from './slim-rows.ts';
import { TopRows } from './top-rows.ts';
import { ValueCounts, columnsOfValues, countValues } from './values.ts';

/** Spans are sent on in parts: to clone 2,000 of them holds the main thread for some 10 ms. */
const SPANS_PER_PART = 2000;

export interface JobContext {
  readonly reader: ParquetReader;
  isCancelled(): boolean;
  sendPart(spans: readonly Span[]): void;
}

export class CancelledError extends Error {
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
    }
  }

  async #each(rowGroup: number, columns: readonly string[] | undefined, use: (block: Block) => void): Promise<void> {
    if (this.context.isCancelled()) throw new CancelledError('cancelled');
    const { bytes } = await this.context.reader.withBlock(this.job.path, rowGroup, columns, (block) => {
      this.#rows += block.rows;
      use(block);
    });
    this.#rowGroups++;
    this.#bytes += bytes;
  }

  async #search(job: SearchJob): Promise<JobValues['search']> {
    const top = new TopRows(job.limit, job.after);
    const columns = [
      ...ROW_KEY_COLUMNS,
      ...(job.order === 'slowest' ? ['duration_nano'] : []),
      ...filterColumns(job.filter, job),
    ];
    for (const { index, best } of job.rowGroups) {
      const worst = top.worst ?? job.worst;
      if (worst && compareRanks(best, worst) > 0) {
        this.#skipped++;
        top.more = true;
        continue;
      }
      await this.#each(index, columns, (block) => {
        new RowScan(block, job.filter, job.order, top, index).scan(0, block.rows);
      });
    }
    return top.sorted();
  }

  async #spans(job: SpansJob): Promise<JobValues['spans']> {
    let part: Span[] = [];
    for (const { rowGroup, rows } of job.picks) {
      await this.#each(rowGroup, undefined, (block) => {
        const reader = new SpanReader(block);
        for (const row of rows) {
          part.push(reader.span(row));
          if (part.length < SPANS_PER_PART) continue;
          this.context.sendPart(part);
          part = [];
        }
      });
    }
    return part;
  }

  async #slim(job: SlimJob): Promise<JobValues['slim']> {
    const columns = [...SLIM_COLUMNS, ...filterColumns(job.filter, job)];
    const parts: SlimRows[] = [];
    for (const { rowGroup, rows } of job.picks) {
      await this.#each(rowGroup, columns, (block) => parts.push(slimRows(block, job.filter, rows, rowGroup)));
    }
    return concatSlim(parts);
  }

  async #extents(job: ExtentsJob): Promise<JobValues['extents']> {
    const scan = new ExtentsScan();
    const columns = [...EXTENTS_COLUMNS, ...filterColumns(job.filter, job)];
    for (const rowGroup of job.rowGroups) {
      await this.#each(rowGroup, columns, (block) => {
        scan.add(block, new Selection(block, job.filter), 0, block.rows);
      });
    }
    return scan.extents();
  }

  async #groups(job: GroupsJob): Promise<JobValues['groups']> {
    const groups = new Groups();
    const columns = job.service === undefined ? SERVICE_GROUP_COLUMNS : OPERATION_GROUP_COLUMNS;
    for (const rowGroup of job.rowGroups) {
      await this.#each(rowGroup, columns, (block) => {
        new GroupScan(block, job.filter.range, job.service, groups).scan(0, block.rows);
      });
    }
    return groups.all();
  }

  async #values(job: ValuesJob): Promise<JobValues['values']> {
    const counts = new ValueCounts(job.prefix);
    const columns = [...filterColumns(job.filter, job), ...columnsOfValues(job.field, job)];
    for (const rowGroup of job.rowGroups) {
      await this.#each(rowGroup, columns, (block) => {
        const selected = new Selection(block, job.filter).select(0, block.rows);
        countValues(block, job.field, { selected, from: 0, to: block.rows }, counts);
      });
    }
    return { values: counts.all(), full: counts.full };
  }
}
