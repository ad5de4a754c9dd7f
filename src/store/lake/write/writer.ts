/** The main thread's side of the writer worker: one job at a time, a time limit, a fresh worker after trouble. */
import { workerUrl } from '../../../worker-url.ts';
import type { CopiedBlock } from './copy.ts';
import type { FileSink } from './encode.ts';
import type { WriterRequest, WriterResponse } from './writer-worker.ts';

/** 262,144 spans take 2 s on one busy core. */
const JOB_LIMIT_MS = 120_000;

/** Longer than the age at which light traffic is flushed: a fresh worker costs 270 ms of CPU. */
const IDLE_LIMIT_MS = 45_000;

export class WriterError extends Error {
  override readonly name = 'WriterError';
}

interface Job {
  readonly id: number;
  readonly sink: FileSink;
  readonly resolve: () => void;
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

  /**
   * The blocks of one project as files, which `sink` has got when this resolves. The transferred buffers are gone
   * afterwards. Rejects with WriterError; then what the sink got is of no use, and it gets nothing more.
   */
  encode(blocks: readonly CopiedBlock[], sink: FileSink): Promise<void> {
    const result = this.last.then(() => this.encodeNow(blocks, sink));
    this.last = result.catch(() => {});
    return result;
  }

  private async encodeNow(blocks: readonly CopiedBlock[], sink: FileSink): Promise<void> {
    clearTimeout(this.idleTimer);
    const worker = this.startedWorker();
    const id = ++this.jobs;
    let timer: ReturnType<typeof setTimeout> | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        this.current = { id, sink, resolve, reject };
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
    switch (response.kind) {
      case 'part':
        job.sink.part(response.day, response.bytes);
        return;
      case 'file':
        job.sink.file(response.file);
        return;
      case 'done':
        job.resolve();
        return;
      case 'failed':
        // What a failure left of the worker nobody knows.
        this.drop(response.error);
        return;
    }
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
