/**
 * Reader workers, started when first needed. Each has one job in hand and, besides, a small one, which it does
 * between two pages of the other: a trace by its id never waits behind ten large scans. Row groups go to the worker
 * that read them last. A worker that fails or takes too long is terminated: the job that was to blame fails, what
 * else it had in hand goes to another.
 */
import { SCAN_CACHE_BYTES } from '../../../../limits.ts';
import { workerUrl } from '../../../../worker-url.ts';
import type { Block } from '../../../../span/vector.ts';
import type { FromWorker, Job, JobResult, ToWorker } from './jobs.ts';
import { Affinity, isSmall } from './worker-affinity.ts';

export interface PoolOptions {
  readonly workers: number;
  /** A job that takes longer is given up. The largest takes below a second warm. */
  readonly jobTimeoutMs: number;
  /** A worker above this, what it keeps and its wasm, is replaced when it is idle. */
  readonly maxMemoryBytes: number;
  /** Decoded columns that each worker keeps. */
  readonly cacheBytes?: number;
  /** Instead of the reader worker, in tests. */
  readonly workerFile?: URL;
}

/** Two: one for each core of the machines this is made for; the main thread is idle while they work. */
export const DEFAULT_POOL: PoolOptions = {
  workers: 2,
  jobTimeoutMs: 30_000,
  maxMemoryBytes: 256 * 1024 * 1024,
};

/** To start takes 50 ms on an idle machine. */
const START_TIMEOUT_MS = 30_000;

/** Workers that end before they could start, in a row: then it is not a file's fault. */
const MAX_FAILED_STARTS = 3;

/** A job that a worker took down with it is tried again so often, unless it was its own fault. */
const MAX_ATTEMPTS = 3;

/** Behind this share of the time limit a job is told to hurry, also one that is not held to its question's time. */
const LATE_SHARE = 2 / 3;

/**
 * A job waits so long for the worker that has its row groups decoded, which is busy, before an idle one takes it:
 * what is decoded is scanned in 1 ms, to decode it takes 10.
 */
const PATIENCE_MS = 8;

/** The file could not be read; `message` says why. */
export class JobFailedError extends Error {
  override readonly name: string = 'JobFailedError';
}

/** The job was given up; by its cost or by its file's fault is not known. */
export class JobTimeoutError extends JobFailedError {
  override readonly name = 'JobTimeoutError';
}

/** No worker was free for the job as long as its question may take. */
export class JobLateError extends Error {
  override readonly name = 'JobLateError';
}

interface Task {
  readonly id: number;
  readonly job: Job;
  readonly signal: AbortSignal | undefined;
  readonly isSmall: boolean;
  /** Of its answer, those that came before its end. */
  parts: Block[];
  attempts: number;
  /** A worker ended with this and another job in hand: only each by itself tells whose fault that was. */
  isAlone: boolean;
  /** When it came into the queue. */
  since: number;
  /** Not begun after it. */
  readonly deadline: number;
  timer: ReturnType<typeof setTimeout> | undefined;
  /** Until the worker is told that the time is up. */
  lateTimer: ReturnType<typeof setTimeout> | undefined;
  resolve(result: JobResult): void;
  reject(error: unknown): void;
}

interface PoolWorker {
  readonly worker: Worker;
  readonly slot: number;
  ready: boolean;
  large: Task | undefined;
  small: Task | undefined;
  startTimer: ReturnType<typeof setTimeout> | undefined;
}

export class WorkerPool {
  readonly #options: PoolOptions;
  readonly #workers: (PoolWorker | undefined)[];
  readonly #affinity = new Affinity();
  /** Small ones first. */
  #queue: Task[] = [];
  #failedStarts = 0;
  #cacheBytes: number;
  #patience: ReturnType<typeof setTimeout> | undefined;
  #nextId = 1;
  #closed = false;

  constructor(options: PoolOptions = DEFAULT_POOL) {
    this.#options = options;
    this.#cacheBytes = options.cacheBytes ?? SCAN_CACHE_BYTES;
    this.#workers = Array.from({ length: options.workers }, () => undefined);
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** Jobs that are done at once. */
  get size(): number {
    return this.#options.workers;
  }

  /** Jobs that a scan of many has given at once, so that each worker finds one of those that it has decoded. */
  get lanes(): number {
    return this.#options.workers * 2;
  }

  /** Rejects with JobFailedError, JobLateError where it was not begun within `waitMs`, or with the signal's reason. */
  run<K extends Job['kind']>(
    job: Extract<Job, { kind: K }>,
    signal?: AbortSignal,
    waitMs = Number.POSITIVE_INFINITY,
  ): Promise<JobResult<K>> {
    return new Promise<JobResult>((resolve, reject) => {
      if (this.#closed) return reject(new JobFailedError('the store is closing'));
      if (signal?.aborted) return reject(signal.reason);
      const abort = () => this.#abort(task);
      const settle = (then: () => void) => {
        signal?.removeEventListener('abort', abort);
        then();
      };
      const task: Task = {
        id: this.#nextId++,
        job,
        signal,
        isSmall: isSmall(job),
        parts: [],
        attempts: 0,
        isAlone: false,
        since: 0,
        deadline: performance.now() + waitMs,
        timer: undefined,
        lateTimer: undefined,
        resolve: (result) => settle(() => resolve(result)),
        reject: (error) => settle(() => reject(error)),
      };
      signal?.addEventListener('abort', abort, { once: true });
      this.#enqueue(task);
      this.#dispatch();
      // The kind of the result is the kind of the job: run-job.ts sees to it.
    }) as Promise<JobResult<K>>;
  }

  /** Starts the workers that don't run: the first question then need not wait for them. */
  warm(): void {
    this.#workers.forEach((worker, slot) => {
      if (!worker && !this.#closed) this.#start(slot);
    });
  }

  /** Each worker keeps no more than so much from now on. */
  limitCache(bytes: number): void {
    this.#cacheBytes = bytes;
    for (const entry of this.#workers)
      entry?.worker.postMessage({ kind: 'limit', cacheBytes: bytes } satisfies ToWorker);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#patience);
    for (const worker of this.#workers) {
      if (!worker) continue;
      for (const task of this.#remove(worker)) task.reject(new JobFailedError('the store is closing'));
    }
    for (const task of this.#queue) task.reject(new JobFailedError('the store is closing'));
    this.#queue = [];
  }

  #enqueue(task: Task): void {
    task.since = performance.now();
    const firstLarge = task.isSmall ? this.#queue.findIndex((other) => !other.isSmall) : -1;
    if (firstLarge < 0) this.#queue.push(task);
    else this.#queue.splice(firstLarge, 0, task);
  }

  #abort(task: Task): void {
    const waiting = this.#queue.indexOf(task);
    if (waiting >= 0) this.#queue.splice(waiting, 1);
    // A running one ends at its next page; nobody waits for that.
    for (const worker of this.#workers) {
      if (worker?.large === task || worker?.small === task) {
        worker.worker.postMessage({ kind: 'cancel', id: task.id } satisfies ToWorker);
      }
    }
    task.reject(task.signal?.reason);
  }

  #dispatch(): void {
    this.#dropLate();
    let isAnyLeft = true;
    while (isAnyLeft && this.#queue.length > 0) {
      isAnyLeft = this.#dispatchOne();
    }
    const starting = this.#workers.filter((worker) => worker && !worker.ready).length;
    const vacant = this.#workers.indexOf(undefined);
    if (this.#queue.length > starting && vacant >= 0 && !this.#closed) this.#start(vacant);
  }

  /** Workers are busy one job after the other, so whoever waits is looked at often enough. */
  #dropLate(): void {
    const now = performance.now();
    if (!this.#queue.some(({ deadline }) => deadline < now)) return;
    const late = this.#queue.filter(({ deadline }) => deadline < now);
    this.#queue = this.#queue.filter(({ deadline }) => deadline >= now);
    for (const task of late) task.reject(new JobLateError('no worker was free in time'));
  }

  /** Gives one job of the queue to a worker; false when none can be given now. */
  #dispatchOne(): boolean {
    for (const [at, task] of this.#queue.entries()) {
      const worker = task.isSmall ? this.#forSmall(task) : this.#forLarge(task);
      if (!worker) continue;
      this.#queue.splice(at, 1);
      this.#give(worker, task);
      return true;
    }
    return false;
  }

  /** An idle worker rather than one with a scan in hand, and of two the one that knows the row group. */
  #forSmall(task: Task): PoolWorker | undefined {
    const free = this.#ready().filter(({ small, large }) => small === undefined && large?.isAlone !== true);
    const idle = free.filter(({ large }) => large === undefined);
    const home = this.#affinity.of(task.job);
    const among = idle.length > 0 || task.isAlone ? idle : free;
    return among.find(({ slot }) => slot === home) ?? among[0];
  }

  #forLarge(task: Task): PoolWorker | undefined {
    const idle = this.#ready().filter(
      ({ large, small }) => large === undefined && (small === undefined || !(task.isAlone || small.isAlone)),
    );
    if (idle.length === 0) return undefined;
    const home = this.#affinity.of(task.job);
    const own = home === undefined ? undefined : this.#workers[home];
    if (own === undefined || !own.ready) return idle[0];
    if (idle.includes(own)) return own;
    const waited = performance.now() - task.since;
    if (waited >= PATIENCE_MS) return idle[0];
    this.#patience ??= setTimeout(() => {
      this.#patience = undefined;
      this.#dispatch();
    }, PATIENCE_MS - waited);
    return undefined;
  }

  #ready(): PoolWorker[] {
    return this.#workers.filter((worker) => worker !== undefined).filter(({ ready }) => ready);
  }

  #start(slot: number): void {
    // It does not hold the process: the timer of a running job does.
    const file = this.#options.workerFile ?? workerUrl('./store/lake/read/workers/reader-worker.ts');
    const worker = new Worker(file, { ref: false });
    const entry: PoolWorker = {
      worker,
      slot,
      ready: false,
      large: undefined,
      small: undefined,
      startTimer: undefined,
    };
    this.#workers[slot] = entry;
    this.#affinity.forget(slot);
    worker.onmessage = (event: MessageEvent<FromWorker>) => this.#receive(entry, event.data);
    worker.onerror = (event) => {
      event.preventDefault();
      this.#drop(entry, event.message);
    };
    worker.addEventListener('close', () => this.#drop(entry, 'the worker ended'));
    worker.postMessage({ kind: 'start', cacheBytes: this.#cacheBytes } satisfies ToWorker);
    entry.startTimer = setTimeout(() => this.#drop(entry, 'the worker did not start'), START_TIMEOUT_MS);
  }

  #give(entry: PoolWorker, task: Task): void {
    if (task.isSmall) entry.small = task;
    else entry.large = task;
    task.attempts++;
    task.parts = [];
    this.#affinity.set(task.job, entry.slot);
    entry.worker.postMessage({ kind: 'job', id: task.id, job: task.job } satisfies ToWorker);
    const { jobTimeoutMs } = this.#options;
    const reason = `took longer than ${jobTimeoutMs} ms`;
    task.timer = setTimeout(() => this.#drop(entry, reason, this.#blameFor(entry, task)), jobTimeoutMs);
    const late: ToWorker = { kind: 'late', id: task.id };
    const left = Math.min(task.deadline - performance.now(), jobTimeoutMs * LATE_SHARE);
    task.lateTimer = setTimeout(() => entry.worker.postMessage(late), left);
  }

  /** Of a small job that is late because the other one does not let it in, the other one is to blame. */
  #blameFor({ large }: PoolWorker, late: Task): Task {
    return late.isSmall && large !== undefined ? large : late;
  }

  #receive(entry: PoolWorker, message: FromWorker): void {
    if (message.kind === 'started') {
      clearTimeout(entry.startTimer);
      entry.ready = true;
      this.#failedStarts = 0;
      this.#dispatch();
      return;
    }
    const task = [entry.large, entry.small].find((each) => each?.id === message.id);
    if (!task) return;
    switch (message.kind) {
      case 'part':
        task.parts.push(...message.parts);
        return;
      case 'done':
        this.#finish(entry, task, message);
        return;
      case 'failed':
        task.reject(new JobFailedError(message.message));
        this.#done(entry, task);
        this.#dispatch();
        return;
    }
  }

  #finish(entry: PoolWorker, task: Task, message: Extract<FromWorker, { kind: 'done' }>): void {
    const { value, cost, memoryBytes } = message;
    const { parts } = task;
    task.resolve({
      value: task.job.kind === 'spans' && parts.length > 0 ? parts.concat(value as Block[]) : value,
      cost,
    });
    this.#done(entry, task);
    const isIdle = entry.large === undefined && entry.small === undefined;
    if (isIdle && memoryBytes > this.#options.maxMemoryBytes) this.#drop(entry, 'recycled');
    else this.#dispatch();
  }

  #done(entry: PoolWorker, task: Task): void {
    stopTimers(task);
    if (task === entry.large) entry.large = undefined;
    else entry.small = undefined;
  }

  /** Ends the worker. The job that is to blame fails; what else it had in hand goes back to the queue. */
  #drop(entry: PoolWorker, reason: string, blamed?: Task): void {
    if (this.#workers[entry.slot] !== entry) return;
    const tasks = this.#remove(entry);
    const guilty = blamed ?? (tasks.length === 1 ? tasks[0] : undefined);
    for (const task of tasks) {
      if (guilty === undefined) task.isAlone = true;
      if (task === guilty || task.attempts >= MAX_ATTEMPTS) {
        task.reject(task === blamed ? new JobTimeoutError(reason) : new JobFailedError(reason));
      } else if (!task.signal?.aborted) this.#enqueue(task);
    }
    if (this.#closed) return;
    if (!entry.ready && ++this.#failedStarts >= MAX_FAILED_STARTS) {
      // Or else a worker that can't start would be started for ever.
      this.#failedStarts = 0;
      for (const task of this.#queue.splice(0)) task.reject(new JobFailedError(reason));
      return;
    }
    this.#dispatch();
  }

  /** Terminates it; gives what it had in hand. */
  #remove(entry: PoolWorker): Task[] {
    this.#workers[entry.slot] = undefined;
    clearTimeout(entry.startTimer);
    entry.worker.terminate();
    const tasks = [entry.small, entry.large].filter((task) => task !== undefined);
    for (const task of tasks) stopTimers(task);
    return tasks;
  }
}

function stopTimers(task: Task): void {
  clearTimeout(task.timer);
  clearTimeout(task.lateTimer);
}
