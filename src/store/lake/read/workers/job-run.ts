/** One job in progress in a reader worker: the file it reads, what that cost, and whether it is still wanted. */
import type { Block } from '../../../../span/vector.ts';
import type { ColumnReader, OpenRowGroup } from '../../files/column-reader.ts';
import type { ParquetReader, RowSpan } from '../../files/parquet-reader.ts';
import type { PointReader } from '../../files/point-reader.ts';
import { PacedSteps } from '../../../../traceql/regex-pace.ts';
import type { ArrayPool } from '../scan/column-arrays.ts';
import { RowGroupSource, SCAN_PAGE_ROWS } from '../scan/column-row-group.ts';
import { BlockSource } from '../scan/column-source.ts';
import type { ColumnSource } from '../scan/column-source.ts';
import type { JobBase, JobCost, RowPick } from './jobs.ts';
import { countOnes, isEmpty } from '../scan/kernel.ts';
import { Selection } from '../scan/scan.ts';
import type { BeginRows, Filter } from '../scan/scan.ts';

/**
 * Up to this many rows of all columns are read one by one. 1,000 that lie together, a long trace, take 10 ms, scattered
 * ones 50; the row group's decoder takes 80 for pages that it has not kept, and pushes out others.
 */
const MAX_POINTS = 4096;

/** So long a worker works before it looks whether something small waits, or nobody any more. */
const BREATH_MS = 4;

export interface JobContext {
  /** The reader of files that another program wrote. */
  foreign(): Promise<ParquetReader>;
  readonly points: PointReader;
  readonly columns: ColumnReader;
  readonly arrays: ArrayPool;
  isCancelled(): boolean;
  /** The question's time is up. */
  isLate(): boolean;
  sendParts(parts: readonly Block[]): void;
}

class CancelledError extends Error {
  override readonly name = 'CancelledError';
}

/**
 * What is done with the rows of a page in which some are selected. Where it asks a condition of rows, it may be
 * broken off there and done anew (regex-pace.ts): what it changes it changes behind that.
 */
type VisitPage = (source: ColumnSource, selected: Uint8Array, from: number, to: number) => void;

export class JobRun {
  readonly #cost: Mutable<Required<Omit<JobCost, 'unjudged'>>> = {
    rowGroups: 0,
    rows: 0,
    bytes: 0,
    skippedRowGroups: 0,
    matchedRows: 0,
    cacheHits: 0,
    cacheMisses: 0,
  };
  #breathed = performance.now();
  readonly #counted = new Set<number>();
  readonly #steps = new PacedSteps(async () => {
    await this.#giveTurn();
    return !this.context.isLate();
  });

  constructor(
    readonly job: JobBase,
    readonly context: JobContext,
  ) {}

  cost(): JobCost {
    const { unjudged } = this.#steps;
    return { ...this.#cost, ...(unjudged > 0 && { unjudged }) };
  }

  countSkipped(rowGroups: number): void {
    this.#cost.skippedRowGroups += rowGroups;
  }

  /** The columns of the job of a row group, whole. */
  async each(rowGroup: number, use: (block: Block) => void): Promise<void> {
    const { columns } = this.job;
    const isOurs = await this.#opened(rowGroup, columns, async (source, group) => {
      const names = columns ?? group.blockNames;
      source.load(names, 0, source.rows);
      await this.#steps.do(() => use(source.block(names)));
    });
    if (!isOurs) await this.#eachByWasm(rowGroup, columns, use);
  }

  /**
   * Scans a row group: `begin` is called once with its block, what it gives then for ranges of rows, in their
   * order, in which some are selected. Of the job's columns those of `columns` may be read there and nowhere else.
   */
  async scan(rowGroup: number, filter: Filter, columns: readonly string[], begin: BeginRows): Promise<void> {
    let use: ReturnType<BeginRows> | undefined;
    await this.visit(rowGroup, filter, columns, 'ascending', (source, selected, from, to) => {
      source.load(columns, from, to);
      use ??= begin(source.block(columns));
      use(selected, from, to);
    });
  }

  /**
   * The same for those who load columns themselves, page by page; `columns` are those that they may ask for. What
   * no page needs is not read.
   */
  async visit(
    rowGroup: number,
    filter: Filter,
    columns: readonly string[],
    order: 'ascending' | 'descending',
    visit: VisitPage,
  ): Promise<void> {
    const names = this.job.columns && [...new Set([...this.job.columns, ...columns])];
    const isFirst = !this.#counted.has(rowGroup);
    const counted: VisitPage = (source, selected, from, to) => {
      if (isEmpty(selected, from, to)) return;
      visit(source, selected, from, to);
      if (isFirst) this.#cost.matchedRows += countOnes(selected, from, to);
    };
    const isOurs = await this.#opened(rowGroup, names, async (source) => {
      const { arrays } = this.context;
      const memory = arrays.take(source.rows);
      try {
        const selection = await this.#steps.do(() => new Selection(source, filter, memory));
        if (selection.isNever) return;
        const pages = Math.ceil(source.rows / SCAN_PAGE_ROWS);
        for (let i = 0; i < pages; i++) {
          const from = (order === 'ascending' ? i : pages - 1 - i) * SCAN_PAGE_ROWS;
          const to = Math.min(source.rows, from + SCAN_PAGE_ROWS);
          const pause = this.#steps.try(() => counted(source, selection.select(from, to), from, to));
          if (pause !== undefined) {
            await pause;
            i--;
            continue;
          }
          await this.#breathe();
        }
      } finally {
        arrays.give(memory);
      }
    });
    if (isOurs) return;
    await this.#eachByWasm(rowGroup, names, (block) => {
      const selected = new Selection(block, filter).select(0, block.rows);
      counted(new BlockSource(block), selected, 0, block.rows);
    });
  }

  /** The rows of the pick as a block of their own, if they are few and the file is laid out for it. */
  points({ rowGroup, rows }: RowPick): Block | undefined {
    if (rows.length > MAX_POINTS) return undefined;
    this.expectWanted();
    const { path, columns } = this.job;
    const read = this.context.points.block(path, rowGroup, columns, rows);
    if (read === undefined) return undefined;
    this.#count(rowGroup, rows.length, read.bytes);
    return read.value;
  }

  /** A block in which the rows of the pick can be read: as `rows`, which count from row `from` of the row group. */
  async eachPick(
    { rowGroup, rows }: RowPick,
    use: (block: Block, rows: Uint32Array, from: number) => void,
  ): Promise<void> {
    const { columns } = this.job;
    const isOurs = await this.#opened(rowGroup, columns, async (source, group) => {
      const names = columns ?? group.blockNames;
      for (const { from, to } of pagesOf(rows)) source.load(names, from, Math.min(to, source.rows));
      await this.#steps.do(() => use(source.block(names), rows, 0));
    });
    if (isOurs) return;
    const from = rows[0];
    const span = { from, count: rows[rows.length - 1] - from + 1 };
    const inBlock = rows.map((row) => row - from);
    await this.#eachByWasm(rowGroup, columns, (block) => use(block, inBlock, from), span);
  }

  expectWanted(): void {
    if (this.context.isCancelled()) throw new CancelledError('cancelled');
  }

  /** Gives the worker's messages a turn: small jobs are done in between, and one may say that nobody waits. */
  async #breathe(): Promise<void> {
    if (performance.now() - this.#breathed < BREATH_MS) return;
    await this.#giveTurn();
    this.#steps.resume(!this.context.isLate());
  }

  async #giveTurn(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.#breathed = performance.now();
    this.expectWanted();
  }

  /** False when the file is not laid out as ours are. */
  async #opened(
    rowGroup: number,
    names: readonly string[] | undefined,
    work: (source: RowGroupSource, group: OpenRowGroup) => void | Promise<void>,
  ): Promise<boolean> {
    await this.#breathe();
    this.expectWanted();
    const group = this.context.columns.open(this.job.path, rowGroup);
    if (group === undefined) return false;
    const source = new RowGroupSource(group, names, this.context.arrays);
    try {
      await work(source, group);
      const { bytes, hits, misses } = group.cost;
      this.#count(rowGroup, group.rows, bytes);
      this.#cost.cacheHits += hits;
      this.#cost.cacheMisses += misses;
    } finally {
      source.close();
      group.close();
    }
    return true;
  }

  /** By the reader of other programs' files. */
  async #eachByWasm(
    rowGroup: number,
    columns: readonly string[] | undefined,
    use: (block: Block) => void,
    span?: RowSpan,
  ): Promise<void> {
    this.expectWanted();
    const reader = await this.context.foreign();
    const { bytes, value: rows } = await reader.withBlock(
      this.job.path,
      rowGroup,
      columns,
      (block) => {
        use(block);
        return block.rows;
      },
      span,
    );
    this.#count(rowGroup, rows, bytes);
  }

  /** A job may pass over a row group several times: what it looked at are these rows all the same. */
  #count(rowGroup: number, rows: number, bytes: number): void {
    this.#cost.bytes += bytes;
    if (this.#counted.has(rowGroup)) return;
    this.#counted.add(rowGroup);
    this.#cost.rowGroups++;
    this.#cost.rows += rows;
  }
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** The pages in which the ascending rows are, each once. */
function pagesOf(rows: Uint32Array): { from: number; to: number }[] {
  const pages = new Set<number>();
  for (let i = 0; i < rows.length; i++) pages.add(Math.floor(rows[i] / SCAN_PAGE_ROWS));
  return [...pages].map((page) => ({ from: page * SCAN_PAGE_ROWS, to: (page + 1) * SCAN_PAGE_ROWS }));
}
