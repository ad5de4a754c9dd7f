/**
 * The main thread's side of the rewrite worker: one job at a time, chunk by chunk as the disk takes them, a
 * time limit without progress, a fresh worker after trouble.
 */
import { workerUrl } from '../../../worker-url.ts';
import type { FromRewriteWorker, RewriteJob, RewriteResult, ToRewriteWorker } from './rewrite-job.ts';

/** The longest step, a row group of 131,072 spans, takes a second on a busy machine; a panic never ends. */
const STALL_LIMIT_MS = 120_000;

/** wasm memory grows and never shrinks: a worker whose jobs made it grow so far is not kept. */
const MAX_WASM_BYTES = 192 * 1024 * 1024;

/** A fresh worker compiles its loops anew, an idle one holds 30 MB. */
const IDLE_LIMIT_MS = 5000;

export class RewriteError extends Error {
  override readonly name = 'RewriteError';

  /** `path`: the file that could not be read, '' where none is to blame. */
  constructor(
    message: string,
    readonly path: string = '',
  ) {
    super(message);
  }
}

interface Job {
  readonly id: number;
  readonly write: (bytes: Uint8Array) => Promise<void>;
  readonly resolve: (result: RewriteResult) => void;
  readonly reject: (error: Error) => void;
}

export interface RewriterOptions {
  readonly stallLimitMs?: () => number;
  readonly onWorker?: (isThere: boolean) => void;
}

export class Rewriter {
  private worker: Worker | undefined;
  private jobs = 0;
  private current: Job | undefined;
  /** Settles when the job before is done. */
  private last: Promise<unknown> = Promise.resolve();
  private stallTimer: ReturnType<typeof setTimeout> | undefined;
  private idleTimer: ReturnType<typeof setTimeout> | undefined;
  private isClosed = false;
  /** The file that the worker reads now, or ''. */
  private reading = '';

  private readonly stallLimitMs: () => number;
  private readonly onWorker: (isThere: boolean) => void;

  /** `onWorker`: told when a worker is started, which takes memory, and when it is let go. */
  constructor({ stallLimitMs = () => STALL_LIMIT_MS, onWorker = () => {} }: RewriterOptions = {}) {
    this.stallLimitMs = stallLimitMs;
    this.onWorker = onWorker;
  }

  /**
   * Calls `write` with the file's bytes, in order and one call after the other. Rejects with RewriteError, or
   * with what `write` rejected with; then the bytes so far are of no use.
   */
  rewrite(job: RewriteJob, write: (bytes: Uint8Array) => Promise<void>): Promise<RewriteResult> {
    const result = this.last.then(() => this.rewriteNow(job, write));
    this.last = result.catch(() => {});
    return result;
  }

  /** The job under way and those that wait are rejected. */
  close(): void {
    this.isClosed = true;
    clearTimeout(this.idleTimer);
    this.drop(new RewriteError('the rewriter was closed'));
  }

  private async rewriteNow(
    job: RewriteJob,
    write: (bytes: Uint8Array) => Promise<void>,
  ): Promise<RewriteResult> {
    if (this.isClosed) throw new RewriteError('the rewriter was closed');
    clearTimeout(this.idleTimer);
    const worker = this.startedWorker();
    const id = ++this.jobs;
    try {
      return await new Promise<RewriteResult>((resolve, reject) => {
        this.current = { id, write, resolve, reject };
        this.reading = '';
        this.noteProgress();
        const request: ToRewriteWorker = { kind: 'rewrite', id, job };
        worker.postMessage(request);
      });
    } finally {
      clearTimeout(this.stallTimer);
      this.current = undefined;
      this.idleTimer = setTimeout(() => this.drop(), IDLE_LIMIT_MS);
      this.idleTimer.unref();
    }
  }

  private startedWorker(): Worker {
    if (this.worker !== undefined) return this.worker;
    this.onWorker(true);
    const worker = new Worker(workerUrl('./store/lake/merge/rewrite-worker.ts'));
    worker.onmessage = (event: MessageEvent<FromRewriteWorker>) => this.receive(worker, event.data);
    worker.onerror = (event) => this.fail(worker, event.message);
    worker.addEventListener('close', () => this.fail(worker, 'the rewrite worker ended'));
    this.worker = worker;
    return worker;
  }

  private receive(worker: Worker, message: FromRewriteWorker): void {
    const job = this.current;
    if (job === undefined || job.id !== message.id || worker !== this.worker) return;
    this.noteProgress();
    switch (message.kind) {
      case 'chunk':
        void this.pass(worker, job, message.bytes);
        return;
      case 'reading':
        this.reading = message.path;
        return;
      case 'done':
        if (message.memoryBytes > MAX_WASM_BYTES) this.retire();
        job.resolve(message.result);
        return;
      case 'failed':
        // A panic leaves the wasm instance unusable, and it can't be told from other errors.
        this.drop(new RewriteError(message.message, message.path));
        return;
    }
  }

  /** The disk may take its time: only the worker is watched. */
  private async pass(worker: Worker, job: Job, bytes: Uint8Array): Promise<void> {
    clearTimeout(this.stallTimer);
    try {
      await job.write(bytes);
    } catch (error) {
      if (this.current === job) this.drop(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    if (this.current !== job) return;
    this.noteProgress();
    const written: ToRewriteWorker = { kind: 'written', id: job.id };
    worker.postMessage(written);
  }

  private noteProgress(): void {
    clearTimeout(this.stallTimer);
    const limitMs = this.stallLimitMs();
    this.stallTimer = setTimeout(
      () => this.drop(this.blaming(`the rewrite worker did nothing for ${limitMs} ms`)),
      limitMs,
    );
  }

  /** Trouble of a worker that was already replaced is nobody's. */
  private fail(worker: Worker, reason: string): void {
    if (worker === this.worker) this.drop(this.blaming(reason));
  }

  /** A panic inside wasm tells neither the worker's code nor which file it was: pages that are no pages. */
  private blaming(reason: string): RewriteError {
    if (this.reading === '') return new RewriteError(reason);
    const [line] = reason.match(/^\w*Error: .*$/m) ?? [reason.split('\n', 1)[0]];
    return new RewriteError(`${this.reading}: can't be read (${line})`, this.reading);
  }

  private drop(reason: Error = new RewriteError('the rewrite worker was let go')): void {
    this.retire();
    this.current?.reject(reason);
  }

  private retire(): void {
    if (this.worker === undefined) return;
    this.worker.terminate();
    this.worker = undefined;
    this.onWorker(false);
  }
}
