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
import type { LakeSnapshot } from '../files/snapshot.ts';
import { nextTurn } from '../../../turns.ts';
import { ExplainLog } from './explain.ts';
import { PacedSteps } from '../../../traceql/regex-pace.ts';
import { printQuery } from '../../../traceql/print.ts';
import type { StageName } from './explain.ts';
import type { ColumnsAvailable } from './scan/fields.ts';
import type { Job, JobCost, JobValues } from './workers/jobs.ts';
import { planSteps } from './plan/plan.ts';
import type { Plan } from './plan/plan.ts';
import { countOnes } from './scan/kernel.ts';
import { Selection, filterColumns } from './scan/scan.ts';
import type { BeginRows, Filter } from './scan/scan.ts';
import { JobFailedError, JobLateError, JobTimeoutError } from './workers/worker-pool.ts';
import type { SessionAsking, SessionDeps } from './session-deps.ts';
import { rowGroupsOf, stageOf } from './session-deps.ts';

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

type Counters = { -readonly [K in keyof Scanned]: number };

export class Session {
  readonly buffers: readonly BufferSource[];
  readonly files: readonly FileEntry[];
  readonly #started: number;
  readonly #skipped = new Map<string, string>();
  /** Why the answer is cut, in the order in which it came out. */
  readonly #limits = new Set<string>();
  #keptBytes = 0;
  readonly #steps = new PacedSteps(async () => {
    await this.breathe();
    return this.#hasTime();
  });
  /** Values that workers left without a verdict. */
  #unjudged = 0;
  /** Undefined unless the answer shall tell how it was come by. */
  readonly explain: ExplainLog | undefined;
  readonly signal: AbortSignal | undefined;
  readonly isSmall: boolean;
  readonly #query: Query | undefined;
  #queryText: string | undefined;
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
    { signal, explain, query, isSmall = false, sinceMs = performance.now() }: SessionAsking,
  ) {
    this.#started = sinceMs;
    this.isSmall = isSmall;
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
      const index = await this.inSlices(this.deps.fileIndexes.of(this.projectId, this.files));
      const plan = await this.inSlices(planSteps(index, range, condition));
      this.explain?.planned(plan, this.files);
      const files = Object.values(plan.pruned).reduce((sum, count) => sum + count, 0);
      this.countPruned({ files, rowGroups: plan.prunedRowGroups, bytes: plan.prunedBytes });
      return plan;
    });
  }

  /** Work in steps of about a millisecond, as many at a time as the event loop can miss. */
  async inSlices<T>(steps: Iterator<void, T>): Promise<T> {
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
    const before = distrusted.reason(file.path, this.#asked(ask.kind));
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
      // What takes too long may be dear for what is asked: others ask the file all the same.
      const isCost = error instanceof JobTimeoutError;
      distrusted.add(file.path, reason, isCost ? this.#asked(ask.kind) : undefined);
      if (!pool.isClosed) {
        const what = isCost ? 'was too dear for a question' : "can't be read";
        this.deps.report(`${file.path} ${what} and is left out of answers: ${reason}`);
      }
      this.skip(file.path, reason);
      return undefined;
    }
  }

  /** What is asked, for those who ask the same again. */
  #asked(kind: Job['kind']): string {
    this.#queryText ??= this.#query === undefined ? '' : printQuery(this.#query);
    return `${kind} ${this.#queryText}`;
  }

  #count(file: FileEntry, job: Job, cost: JobCost): void {
    this.#unjudged += cost.unjudged ?? 0;
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
   * search for the newest begins with the last slice. A slice may be broken off in the middle of a match and is then
   * done anew: what it changes it changes behind its last match.
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
      const pause = this.#steps.try(() => scan(from, from + count));
      if (pause !== undefined) {
        await pause;
        sliceBegan = performance.now();
        continue;
      }
      done += count;
      const now = performance.now();
      rows = nextSliceRows(count, now - began);
      if (now - sliceBegan < SLICE_MS) continue;
      await this.breathe();
      this.#steps.resume(this.#hasTime());
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
        use(selected, from, to);
        this.explain?.matched(countOnes(selected, from, to));
      };
    };
    const names = [...columns, ...filterColumns(filter, IN_BUFFER)];
    await this.stage('buffers', () => this.#eachSlice(buffer, names, scan, 'oldest', mayStop));
  }

  /**
   * A step in which conditions are asked of rows: done anew after each break that one of its matches takes
   * (regex-pace.ts).
   */
  async step<T>(step: () => T): Promise<T> {
    return this.#steps.do(step);
  }

  async breathe(): Promise<void> {
    if (this.isSmall) await new Promise((resolve) => setImmediate(resolve));
    else await nextTurn();
    this.signal?.throwIfAborted();
  }

  skip(path: string, reason: string): void {
    this.#skipped.set(path, reason);
  }

  /** True, and said in the answer, once the time is up: files are no longer asked. */
  isOverTime(): boolean {
    const { timeLimitMs } = this.deps;
    const over = !this.#hasTime();
    if (over) {
      const limit = timeLimitMs >= 1000 ? `${timeLimitMs / 1000} s` : `${timeLimitMs} ms`;
      this.limit(`stopped after ${limit}`);
      this.explain?.stopped(`the time limit of ${limit}`);
    }
    return over;
  }

  #hasTime(): boolean {
    return performance.now() - this.#started <= this.deps.timeLimitMs;
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
    const unjudged = this.#unjudged + this.#steps.unjudged;
    const long =
      unjudged === 0
        ? []
        : [
            `${unjudged} long ${unjudged === 1 ? 'value was' : 'values were'} not matched in time with =~ or !~`,
          ];
    const reasons = [...unread, ...this.#limits, ...long];
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
