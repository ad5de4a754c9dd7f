/**
 * One question in progress: the snapshot it sees, the workers it asks, and the account of what it looked
 * at. A file that can't be read is left out and named, never a failure of the question.
 */
import { join } from 'node:path';
import type { SpanColumns } from '../../../span/columns.ts';
import type { Block } from '../../../span/vector.ts';
import type { Coverage, Scanned } from '../../span-store.ts';
import type { FileEntry } from '../files/file-entry.ts';
import type { LakeSnapshot } from '../files/snapshot.ts';
import type { ColumnsAvailable } from './fields.ts';
import type { Job, JobValues } from './jobs.ts';
import type { Plan } from './plan.ts';
import type { TokenFilters } from './token-filters.ts';
import { JobFailedError } from './worker-pool.ts';
import type { WorkerPool } from './worker-pool.ts';

/** The rows of a buffer that were published when the question came. */
export interface BufferSource {
  readonly columns: SpanColumns;
  readonly rows: number;
}

/** Buffers are scanned on the main thread: at most so many rows, and so long, without a break. */
const SLICE_ROWS = 2048;
const SLICE_MS = 8;

/** A file that could not be read is not tried again for so long: a panic costs a worker. */
const DISTRUST_MS = 60_000;

export class DistrustedFiles {
  readonly #until = new Map<string, { readonly time: number; readonly reason: string }>();

  add(path: string, reason: string): void {
    this.#until.set(path, { time: performance.now() + DISTRUST_MS, reason });
  }

  reason(path: string): string | undefined {
    const entry = this.#until.get(path);
    if (!entry) return undefined;
    if (entry.time > performance.now()) return entry.reason;
    this.#until.delete(path);
    return undefined;
  }
}

/** What every question of a reader shares. */
export interface SessionDeps {
  /** A question that takes longer answers with what it has, marked incomplete. */
  readonly timeLimitMs: number;
  readonly dataDir: string;
  readonly pool: WorkerPool;
  readonly distrusted: DistrustedFiles;
  readonly tokenFilters: TokenFilters;
  /** What an operator should know, one line. */
  report(message: string): void;
}

type Counters = { -readonly [K in keyof Scanned]: number };

export class Session {
  readonly buffers: readonly BufferSource[];
  readonly files: readonly FileEntry[];
  readonly #started = performance.now();
  readonly #skipped = new Map<string, string>();
  #limit: string | undefined;
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
    readonly signal: AbortSignal | undefined,
  ) {
    this.buffers = snapshot.buffers
      .map((columns) => ({ columns, rows: columns.publishedRows }))
      .filter(({ rows }) => rows > 0);
    this.files = snapshot.files;
    for (const { path, reason } of snapshot.quarantined) this.skip(path, reason);
  }

  get concurrency(): number {
    return this.deps.pool.size;
  }

  path(file: FileEntry): string {
    return join(this.deps.dataDir, file.path);
  }

  /** Undefined when the file can't be read: it is then among what the answer lacks. */
  async job<K extends Job['kind']>(
    file: FileEntry,
    ask: Omit<Extract<Job, { kind: K }>, 'path'>,
  ): Promise<JobValues[K] | undefined> {
    this.signal?.throwIfAborted();
    if (this.isOverTime()) return undefined;
    const { pool, distrusted } = this.deps;
    const before = distrusted.reason(file.path);
    if (before !== undefined) {
      this.skip(file.path, before);
      return undefined;
    }
    const job = { ...ask, path: this.path(file) } as Extract<Job, { kind: K }>;
    try {
      const { value, cost } = await pool.run(job, this.signal);
      this.#scannedFiles.add(file);
      this.#counters.rowGroups += cost.rowGroups;
      this.#counters.rows += cost.rows;
      this.#counters.bytes += cost.bytes;
      this.#counters.prunedRowGroups += cost.skippedRowGroups;
      return value;
    } catch (error) {
      if (!(error instanceof JobFailedError)) throw error;
      distrusted.add(file.path, error.message);
      if (!pool.isClosed) {
        this.deps.report(`${file.path} can't be read and is left out of answers: ${error.message}`);
      }
      this.skip(file.path, error.message);
      return undefined;
    }
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
    const block = buffer.columns.block([...new Set(columns)], buffer.rows);
    const scan = begin(block);
    const slices = Math.ceil(block.rows / SLICE_ROWS);
    let sliceBegan = performance.now();
    for (let slice = 0; slice < slices; slice++) {
      const from = (first === 'newest' ? slices - 1 - slice : slice) * SLICE_ROWS;
      scan(from, Math.min(block.rows, from + SLICE_ROWS));
      if (performance.now() - sliceBegan < SLICE_MS) continue;
      await this.breathe();
      sliceBegan = performance.now();
    }
    // A question may pass over a buffer several times: what it looked at are these rows all the same.
    if (!this.#scannedBuffers.has(buffer)) this.#counters.rows += block.rows;
    this.#scannedBuffers.add(buffer);
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
    if (over) this.limit(`stopped after ${timeLimitMs} ms`);
    return over;
  }

  /** The answer is cut for a reason that is no file's fault. */
  limit(reason: string): void {
    this.#limit = reason;
  }

  countPruned(plan: Pick<Plan, 'pruned' | 'prunedRowGroups' | 'prunedBytes'>): void {
    this.#counters.prunedFiles += plan.pruned.length;
    this.#counters.prunedRowGroups += plan.prunedRowGroups;
    this.#counters.prunedBytes += plan.prunedBytes;
  }

  countPrunedRowGroups(count: number): void {
    this.#counters.prunedRowGroups += count;
  }

  coverage(): Coverage {
    const skipped = [...this.#skipped.keys()];
    const [unreadable] = this.#skipped.values();
    const reason = unreadable === undefined ? this.#limit : `not readable: ${unreadable}`;
    const partitions = new Set([...this.#scannedFiles].map(({ day }) => day)).size;
    return {
      complete: reason === undefined ? true : { reason, skipped },
      scanned: { ...this.#counters, partitions, files: this.#scannedFiles.size },
      tookMs: Math.round((performance.now() - this.#started) * 1000) / 1000,
    };
  }
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
