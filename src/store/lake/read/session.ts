/**
 * One question in progress: the snapshot it sees, the workers it asks, and the account of what it looked
 * at. A file that can't be read is left out and named, never a failure of the question.
 */
import { join } from 'node:path';
import type { SpanColumns } from '../../../span/columns.ts';
import type { Block } from '../../../span/vector.ts';
import type { FieldExpression, Query } from '../../../traceql/ast.ts';
import type { Coverage, Scanned, TimeRange } from '../../span-store.ts';
import type { FileEntry } from '../files/file-entry.ts';
import type { DistrustedFiles } from './distrusted-files.ts';
import type { LakeSnapshot } from '../files/snapshot.ts';
import { ExplainLog } from './explain.ts';
import type { StageName } from './explain.ts';
import type { ColumnsAvailable } from './scan/fields.ts';
import type { FileIndexes } from './plan/file-index.ts';
import type { Job, JobCost, JobValues } from './workers/jobs.ts';
import { planSteps } from './plan/plan.ts';
import type { Plan } from './plan/plan.ts';
import { Selection, filterColumns } from './scan/scan.ts';
import type { BeginRows, Filter } from './scan/scan.ts';
import type { Rollups } from './statistics/rollup-cache.ts';
import type { TokenFilters } from './plan/token-filters.ts';
import type { TraceIndexes } from './search/trace-indexes.ts';
import { JobFailedError, JobLateError } from './workers/worker-pool.ts';
import type { WorkerPool } from './workers/worker-pool.ts';

/** The rows of a buffer that were published when the question came. */
export interface BufferSource {
  readonly columns: SpanColumns;
  readonly rows: number;
}

/** Buffers are scanned on the main thread: at most so many rows, and so long, without a break. */
const FIRST_SLICE_ROWS = 8;
const SLICE_ROWS = 2048;
const SLICE_MS = 8;

/** As far as the last slice tells: a row costs 10 ns or, of a regular expression over long texts, milliseconds. */
function nextSliceRows(rows: number, ms: number): number {
  const fit = Math.floor((rows * SLICE_MS) / 2 / Math.max(ms, 1e-3));
  return Math.max(1, Math.min(fit, rows * 2, SLICE_ROWS));
}

/** What every question of a reader shares. */
export interface SessionDeps {
  /** A question that takes longer answers with what it has, marked incomplete. */
  readonly timeLimitMs: number;
  /** What a question may keep at once (`Session.keep`). */
  readonly memoryLimitBytes: number;
  readonly dataDir: string;
  readonly pool: WorkerPool;
  readonly distrusted: DistrustedFiles;
  readonly tokenFilters: TokenFilters;
  readonly rollups: Rollups;
  readonly traceIndexes: TraceIndexes;
  readonly fileIndexes: FileIndexes;
  /** What an operator should know, one line. */
  report(message: string): void;
}

/** What a question says besides what it asks. */
export interface SessionAsking {
  readonly signal?: AbortSignal;
  readonly explain?: boolean;
  /** Shown by `explain`. */
  readonly query?: Query;
}

type Counters = { -readonly [K in keyof Scanned]: number };

export class Session {
  readonly buffers: readonly BufferSource[];
  readonly files: readonly FileEntry[];
  readonly #started = performance.now();
  readonly #skipped = new Map<string, string>();
  /** Why the answer is cut, in the order in which it came out. */
  readonly #limits = new Set<string>();
  #keptBytes = 0;
  /** Undefined unless the answer shall tell how it was come by. */
  readonly explain: ExplainLog | undefined;
  readonly signal: AbortSignal | undefined;
  readonly #query: Query | undefined;
  readonly #scannedFiles = new Set<FileEntry>();
  readonly #scannedBuffers = new Set<BufferSource>();
  readonly #counters: Counters = {
    partitions: 0,
    files: 0,
    rowGroups: 0,
    rows: 0,
    bytes: 0,
    prunedFiles: 0,
    prunedRowGroups: 0,
    prunedBytes: 0,
  };

  constructor(
    readonly deps: SessionDeps,
    readonly projectId: string,
    snapshot: LakeSnapshot,
    { signal, explain, query }: SessionAsking,
  ) {
    this.signal = signal;
    this.explain = explain ? new ExplainLog() : undefined;
    this.#query = query;
    this.buffers = snapshot.buffers
      .map((columns) => ({ columns, rows: columns.publishedRows }))
      .filter(({ rows }) => rows > 0);
    this.files = snapshot.files;
    for (const { path, reason } of snapshot.quarantined) this.skip(path, reason);
  }

  get concurrency(): number {
    return this.deps.pool.size;
  }

  /** Which files and row groups the statistics leave; what they rule out is counted. */
  async plan(range: TimeRange, condition: FieldExpression | null): Promise<Plan> {
    return this.stage('plan', async () => {
      const index = await this.#inSlices(this.deps.fileIndexes.of(this.projectId, this.files));
      const plan = await this.#inSlices(planSteps(index, range, condition));
      this.explain?.planned(plan, this.files);
      const files = Object.values(plan.pruned).reduce((sum, count) => sum + count, 0);
      this.countPruned({ files, rowGroups: plan.prunedRowGroups, bytes: plan.prunedBytes });
      return plan;
    });
  }

  async #inSlices<T>(steps: Generator<void, T>): Promise<T> {
    let began = performance.now();
    for (;;) {
      const { done, value } = steps.next();
      if (done) return value;
      if (performance.now() - began < SLICE_MS) continue;
      await this.breathe();
      began = performance.now();
    }
  }

  /** Work that the explanation names. */
  async stage<T>(name: StageName, work: () => Promise<T>): Promise<T> {
    const end = this.explain?.begin(name);
    try {
      return await work();
    } finally {
      end?.();
    }
  }

  path(file: FileEntry): string {
    return join(this.deps.dataDir, file.path);
  }

  /**
   * Undefined when the time is up, unless it is needed `evenLate`, or when the file can't be read: it is then
   * among what the answer lacks.
   */
  async job<K extends Job['kind']>(
    file: FileEntry,
    ask: Omit<Extract<Job, { kind: K }>, 'path'>,
    evenLate = false,
  ): Promise<JobValues[K] | undefined> {
    this.signal?.throwIfAborted();
    if (this.isOverTime() && !evenLate) return undefined;
    const { pool, distrusted } = this.deps;
    const before = distrusted.reason(file.path);
    if (before !== undefined) {
      this.skip(file.path, before);
      return undefined;
    }
    const job = { ...ask, path: this.path(file) } as Extract<Job, { kind: K }>;
    try {
      const waitMs = evenLate ? undefined : this.deps.timeLimitMs - (performance.now() - this.#started);
      const { value, cost } = await this.stage(stageOf(job), () => pool.run<K>(job, this.signal, waitMs));
      this.#count(file, job, cost);
      return value;
    } catch (error) {
      if (error instanceof JobLateError) {
        this.isOverTime();
        return undefined;
      }
      if (!(error instanceof JobFailedError)) throw error;
      // Answers say where in the lake, not where on the host.
      const reason = error.message.replaceAll(job.path, file.path);
      distrusted.add(file.path, reason);
      if (!pool.isClosed)
        this.deps.report(`${file.path} can't be read and is left out of answers: ${reason}`);
      this.skip(file.path, reason);
      return undefined;
    }
  }

  #count(file: FileEntry, job: Job, cost: JobCost): void {
    this.#scannedFiles.add(file);
    this.#counters.rowGroups += cost.rowGroups;
    this.#counters.rows += cost.rows;
    this.#counters.bytes += cost.bytes;
    this.#counters.prunedRowGroups += cost.skippedRowGroups;
    this.explain?.reads(file, rowGroupsOf(job), job.columns);
    this.explain?.answered(cost);
  }

  /**
   * Scans a buffer in slices that give the event loop back. Rows come roughly in time's order, so a
   * search for the newest begins with the last slice.
   */
  async eachSlice(
    buffer: BufferSource,
    columns: readonly string[],
    begin: (block: Block) => (from: number, to: number) => void,
    first: 'oldest' | 'newest' = 'oldest',
  ): Promise<void> {
    return this.stage('buffers', () => this.#eachSlice(buffer, columns, begin, first, false));
  }

  async #eachSlice(
    buffer: BufferSource,
    columns: readonly string[],
    begin: (block: Block) => (from: number, to: number) => void,
    first: 'oldest' | 'newest',
    mayStop: boolean,
  ): Promise<void> {
    const block = buffer.columns.block([...new Set(columns)], buffer.rows);
    const scan = begin(block);
    let rows = FIRST_SLICE_ROWS;
    let sliceBegan = performance.now();
    let done = 0;
    while (done < block.rows) {
      const count = Math.min(rows, block.rows - done);
      const from = first === 'newest' ? block.rows - done - count : done;
      const began = performance.now();
      scan(from, from + count);
      done += count;
      const now = performance.now();
      rows = nextSliceRows(count, now - began);
      if (now - sliceBegan < SLICE_MS) continue;
      await this.breathe();
      if (mayStop && this.isOverTime()) break;
      sliceBegan = performance.now();
    }
    // A question may pass over a buffer several times: what it looked at are these rows all the same.
    if (this.#scannedBuffers.has(buffer)) return;
    this.#scannedBuffers.add(buffer);
    this.#counters.rows += done;
    this.explain?.buffer(done);
  }

  /**
   * The matching rows of a buffer, as `JobRun.scan` gives those of a file. `mayStop`: when the time is up. Numbers are
   * then told as a part; a page of rows must not lack some.
   */
  async scanBuffer(
    buffer: BufferSource,
    filter: Filter,
    columns: readonly string[],
    begin: BeginRows,
    mayStop = false,
  ): Promise<void> {
    const { minStart, maxStart } = buffer.columns;
    const { startUnixNano, endUnixNano } = filter.range;
    if (maxStart < startUnixNano || minStart >= endUnixNano) return;
    const scan = (block: Block) => {
      const selection = new Selection(block, filter);
      const use = begin(block);
      return (from: number, to: number) => {
        const selected = selection.select(from, to);
        this.explain?.matched(countOnes(selected, from, to));
        use(selected, from, to);
      };
    };
    const names = [...columns, ...filterColumns(filter, IN_BUFFER)];
    await this.stage('buffers', () => this.#eachSlice(buffer, names, scan, 'oldest', mayStop));
  }

  async breathe(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.signal?.throwIfAborted();
  }

  skip(path: string, reason: string): void {
    this.#skipped.set(path, reason);
  }

  /** True, and said in the answer, once the time is up: files are no longer asked. */
  isOverTime(): boolean {
    const { timeLimitMs } = this.deps;
    const over = performance.now() - this.#started > timeLimitMs;
    if (over) {
      const limit = timeLimitMs >= 1000 ? `${timeLimitMs / 1000} s` : `${timeLimitMs} ms`;
      this.limit(`stopped after ${limit}`);
      this.explain?.stopped(`the time limit of ${limit}`);
    }
    return over;
  }

  /** The answer is cut for a reason that is no file's fault. */
  limit(reason: string): void {
    this.#limits.add(reason);
  }

  /**
   * Takes so much more memory until the answer is given. False, and said in the answer, when that is more than
   * one question may have: what it was for is left out.
   */
  keep(bytes: number): boolean {
    this.#keptBytes += bytes;
    const { memoryLimitBytes } = this.deps;
    if (this.#keptBytes <= memoryLimitBytes) return true;
    this.limit(
      `more than ${Math.ceil(memoryLimitBytes / 1024 / 1024)} MiB had to be kept at once: narrow the question`,
    );
    return false;
  }

  countPruned(counts: { readonly files: number; readonly rowGroups: number; readonly bytes: number }): void {
    this.#counters.prunedFiles += counts.files;
    this.#counters.prunedRowGroups += counts.rowGroups;
    this.#counters.prunedBytes += counts.bytes;
  }

  /** What a plan kept and nobody reads, since enough was found before. */
  stopEarly(reason: string, rowGroups: number): void {
    this.#counters.prunedRowGroups += rowGroups;
    this.explain?.stopped(reason);
  }

  coverage(): Coverage {
    const skipped = [...this.#skipped.keys()];
    const [unreadable] = this.#skipped.values();
    const unread = unreadable === undefined ? [] : [`not readable: ${unreadable}`];
    const reasons = [...unread, ...this.#limits];
    const reason = reasons.length === 0 ? undefined : reasons.join('; ');
    const partitions = new Set([...this.#scannedFiles].map(({ day }) => day)).size;
    return {
      complete: reason === undefined ? true : { reason, skipped },
      scanned: { ...this.#counters, partitions, files: this.#scannedFiles.size },
      tookMs: Math.round((performance.now() - this.#started) * 1000) / 1000,
      ...(this.explain && { explain: this.explain.finish(this.files, this.#query) }),
    };
  }
}

function stageOf(job: Job): StageName {
  if (job.kind === 'traceIndex') return 'trace index';
  if (job.kind === 'spans' || job.kind === 'ids') return 'rows';
  return 'picks' in job ? 'traces' : 'scan';
}

/** Those that a job is asked to read. */
function rowGroupsOf(job: Job): number[] {
  if ('picks' in job) return job.picks.map(({ rowGroup }) => rowGroup);
  if (!('rowGroups' in job)) return [];
  return job.rowGroups.map((group) => (typeof group === 'number' ? group : group.index));
}

function countOnes(selected: Uint8Array, from: number, to: number): number {
  let count = 0;
  for (let row = from; row < to; row++) count += selected[row];
  return count;
}

const availableColumns = new WeakMap<FileEntry, ColumnsAvailable>();

export function availableIn(file: FileEntry): ColumnsAvailable {
  let available = availableColumns.get(file);
  if (!available) {
    const keys = file.attributeKeysWhole
      ? new Set(file.attributeKeys.map(({ scope, key }) => `${scope} ${key}`))
      : undefined;
    available = { promoted: new Set(file.promoted.map(({ name }) => name)), keys };
    availableColumns.set(file, available);
  }
  return available;
}

/** A buffer promotes nothing. */
export const IN_BUFFER: ColumnsAvailable = { promoted: new Set(), keys: undefined };

/** Runs `work` on each item, `lanes` at a time; `next` may stop early by giving undefined. */
export async function inLanes<T>(
  lanes: number,
  next: () => T | undefined,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const lane = async (): Promise<void> => {
    for (let item = next(); item !== undefined; item = next()) await work(item);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}
