/**
 * Reader workers, started when first needed, one job at a time each. A panic inside wasm leaves a promise
 * that never settles and an instance that can't be used again: a worker that fails or takes too long is
 * terminated, its job fails, and the next job starts a new one.
 */
import type { Span } from '../../../span/span.ts';
import { workerUrl } from '../../../worker-url.ts';
import type { FromWorker, Job, JobResult, ToWorker } from './jobs.ts';

export interface PoolOptions {
  readonly workers: number;
  /** A job that takes longer is given up. The largest takes below a second warm. */
  readonly jobTimeoutMs: number;
  /** The memory of a wasm instance never shrinks: a worker above this is replaced when it is idle. */
  readonly maxMemoryBytes: number;
}

/** Two: one for each core of the machines this is made for; the main thread is idle while they work. */
export const DEFAULT_POOL: PoolOptions = {
  workers: 2,
  jobTimeoutMs: 30_000,
  maxMemoryBytes: 256 * 1024 * 1024,
};

/** Spawning and compiling take 0.3 s on an idle machine. */
const START_TIMEOUT_MS = 30_000;

/** The file could not be read; `message` says why. */
export class JobFailedError extends Error {
  override readonly name = 'JobFailedError';
}

interface Task {
  readonly id: number;
  readonly job: Job;
  readonly signal: AbortSignal | undefined;
  readonly spans: Span[];
  resolve(result: JobResult): void;
  reject(error: unknown): void;
}

interface PoolWorker {
  readonly worker: Worker;
  ready: boolean;
  task: Task | undefined;
  timer: ReturnType<typeof setTimeout> | undefined;
}

export class WorkerPool {
  readonly #options: PoolOptions;
  readonly #workers = new Set<PoolWorker>();
  #queue: Task[] = [];
  #module: WebAssembly.Module | undefined;
  #nextId = 1;
  #closed = false;

  constructor(options: PoolOptions = DEFAULT_POOL) {
    this.#options = options;
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** Jobs that are given at once to so many workers. */
  get size(): number {
    return this.#options.workers;
  }

  /** Rejects with JobFailedError, or with the signal's reason. */
  run<K extends Job['kind']>(job: Extract<Job, { kind: K }>, signal?: AbortSignal): Promise<JobResult<K>> {
    return new Promise<JobResult>((resolve, reject) => {
      if (this.#closed) return reject(new JobFailedError('the store is closing'));
      if (signal?.aborted) return reject(signal.reason);
      const task: Task = { id: this.#nextId++, job, signal, spans: [], resolve, reject };
      const abort = () => this.#abort(task);
      signal?.addEventListener('abort', abort, { once: true });
      const settle = (then: () => void) => {
        signal?.removeEventListener('abort', abort);
        then();
      };
      task.resolve = (result) => settle(() => resolve(result));
      task.reject = (error) => settle(() => reject(error));
      this.#queue.push(task);
      this.#dispatch();
      // The kind of the result is the kind of the job: run-job.ts sees to it.
    }) as Promise<JobResult<K>>;
  }

  close(): void {
    this.#closed = true;
    for (const worker of this.#workers) this.#drop(worker, 'the store is closing');
    for (const task of this.#queue) task.reject(new JobFailedError('the store is closing'));
    this.#queue = [];
  }

  #abort(task: Task): void {
    const waiting = this.#queue.indexOf(task);
    if (waiting >= 0) this.#queue.splice(waiting, 1);
    // A running one ends at its next row group; nobody waits for that.
    for (const { worker, task: running } of this.#workers) {
      if (running === task) worker.postMessage({ kind: 'cancel', id: task.id } satisfies ToWorker);
    }
    task.reject(task.signal?.reason);
  }

  #dispatch(): void {
    for (const worker of this.#workers) {
      if (this.#queue.length === 0) return;
      if (worker.ready && !worker.task) this.#give(worker, this.#queue.shift()!);
    }
    const starting = [...this.#workers].filter((worker) => !worker.ready).length;
    if (this.#queue.length > starting && this.#workers.size < this.#options.workers) this.#start();
  }

  #start(): void {
    // It does not hold the process: the timer of a running job does.
    const worker = new Worker(workerUrl('./store/lake/read/reader-worker.ts'), { ref: false });
    const entry: PoolWorker = { worker, ready: false, task: undefined, timer: undefined };
    this.#workers.add(entry);
    worker.onmessage = (event: MessageEvent<FromWorker>) => this.#receive(entry, event.data);
    worker.onerror = (event) => {
      event.preventDefault();
      this.#drop(entry, event.message);
    };
    worker.postMessage({ kind: 'start', module: this.#module } satisfies ToWorker);
    entry.timer = setTimeout(() => this.#drop(entry, 'the worker did not start'), START_TIMEOUT_MS);
  }

  #give(entry: PoolWorker, task: Task): void {
    entry.task = task;
    entry.worker.postMessage({ kind: 'job', id: task.id, job: task.job } satisfies ToWorker);
    const { jobTimeoutMs } = this.#options;
    entry.timer = setTimeout(() => this.#drop(entry, `took longer than ${jobTimeoutMs} ms`), jobTimeoutMs);
  }

  #receive(entry: PoolWorker, message: FromWorker): void {
    const { task } = entry;
    if (message.kind === 'started') {
      this.#module = message.module;
      entry.ready = true;
      this.#idle(entry);
      return;
    }
    if (!task || message.id !== task.id) return;
    switch (message.kind) {
      case 'part':
        for (const span of message.spans) task.spans.push(span);
        return;
      case 'done':
        this.#finish(entry, message);
        return;
      case 'failed':
        task.reject(new JobFailedError(message.message));
        this.#idle(entry);
        return;
    }
  }

  #finish(entry: PoolWorker, message: Extract<FromWorker, { kind: 'done' }>): void {
    const { task } = entry;
    if (!task) return;
    const { value, cost, memoryBytes } = message;
    const parts = task.spans;
    task.resolve({
      value: task.job.kind === 'spans' && parts.length > 0 ? parts.concat(value as Span[]) : value,
      cost,
    });
    if (memoryBytes > this.#options.maxMemoryBytes) {
      entry.task = undefined;
      this.#drop(entry, 'recycled');
    } else {
      this.#idle(entry);
    }
  }

  #idle(entry: PoolWorker): void {
    clearTimeout(entry.timer);
    entry.task = undefined;
    this.#dispatch();
  }

  /** Whatever it was doing fails; the others of the queue get another worker. */
  #drop(entry: PoolWorker, reason: string): void {
    if (!this.#workers.delete(entry)) return;
    clearTimeout(entry.timer);
    entry.worker.terminate();
    entry.task?.reject(new JobFailedError(reason));
    // Or else a worker that can't start would be started for ever.
    if (!entry.ready) this.#queue.shift()?.reject(new JobFailedError(reason));
    if (!this.#closed) this.#dispatch();
  }
}
