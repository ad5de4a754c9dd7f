/** The main thread's side of the writer worker: one job at a time, a time limit, a fresh worker after trouble. */
import { workerUrl } from '../../../worker-url.ts';
import type { CopiedBlock } from './copy.ts';
import type { EncodedFile } from './encode.ts';
import type { WriterRequest, WriterResponse } from './writer-worker.ts';

/** 262,144 spans take 2 s on one busy core; a panic inside wasm never answers at all. */
const JOB_LIMIT_MS = 120_000;

/** wasm memory grows and never shrinks, so an instance is not kept for ever, nor while there is no work. */
const JOBS_PER_WORKER = 32;
const IDLE_LIMIT_MS = 45_000;

export class WriterError extends Error {
  override readonly name = 'WriterError';
}

interface Job {
  readonly id: number;
  readonly resolve: (files: readonly EncodedFile[]) => void;
  readonly reject: (error: Error) => void;
}

export class Writer {
  private worker: Worker | undefined;
  private jobs = 0;
  private current: Job | undefined;
  /** Settles when the job before is done. */
  private last: Promise<unknown> = Promise.resolve();
  private idleTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly jobLimitMs: () => number = () => JOB_LIMIT_MS) {}

  /** The blocks of one project as files. The transferred buffers are gone afterwards. */
  encode(blocks: readonly CopiedBlock[]): Promise<readonly EncodedFile[]> {
    const result = this.last.then(() => this.encodeNow(blocks));
    this.last = result.catch(() => {});
    return result;
  }

  private async encodeNow(blocks: readonly CopiedBlock[]): Promise<readonly EncodedFile[]> {
    clearTimeout(this.idleTimer);
    const worker = this.startedWorker();
    const id = ++this.jobs;
    let timer: ReturnType<typeof setTimeout> | undefined;
    try {
      return await new Promise<readonly EncodedFile[]>((resolve, reject) => {
        this.current = { id, resolve, reject };
        const limitMs = this.jobLimitMs();
        timer = setTimeout(() => this.drop(`no answer within ${limitMs} ms`), limitMs);
        const request: WriterRequest = { id, blocks: blocks.map((copied) => copied.block) };
        worker.postMessage(
          request,
          blocks.flatMap<ArrayBuffer>((copied) => [...copied.transfer]),
        );
      });
    } finally {
      clearTimeout(timer);
      this.current = undefined;
      if (id % JOBS_PER_WORKER === 0) this.close();
      this.idleTimer = setTimeout(() => this.close(), IDLE_LIMIT_MS);
      this.idleTimer.unref();
    }
  }

  close(): void {
    clearTimeout(this.idleTimer);
    this.drop('the writer was closed');
  }

  private startedWorker(): Worker {
    if (this.worker !== undefined) return this.worker;
    const worker = new Worker(workerUrl('./store/lake/write/writer-worker.ts'));
    worker.onmessage = (event: MessageEvent<WriterResponse>) => this.answer(event.data);
    worker.onerror = (event) => this.fail(worker, event.message);
    worker.addEventListener('close', () => this.fail(worker, 'the writer worker ended'));
    this.worker = worker;
    return worker;
  }

  private answer(response: WriterResponse): void {
    const job = this.current;
    if (job === undefined || job.id !== response.id) return;
    if ('files' in response) job.resolve(response.files);
    // A panic leaves the wasm instance unusable, and it can't be told from other errors.
    else this.drop(response.error);
  }

  /** Trouble of a worker that was already replaced is nobody's. */
  private fail(worker: Worker, reason: string): void {
    if (worker === this.worker) this.drop(reason);
  }

  private drop(reason: string): void {
    this.worker?.terminate();
    this.worker = undefined;
    this.current?.reject(new WriterError(reason));
  }
}
