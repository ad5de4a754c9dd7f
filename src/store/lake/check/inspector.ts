/** The side of whoever asks the inspection worker: one file at a time, a time limit, a fresh worker after trouble. */
import { workerUrl } from '../../../worker-url.ts';
import type { InspectJob, Inspection } from './inspect-file.ts';
import type { FromInspectWorker, ToInspectWorker } from './inspect-worker.ts';

/** A file of 512 MiB takes some 40 s; a panic inside wasm never answers at all. */
const JOB_LIMIT_MS = 300_000;

/** wasm memory grows and never shrinks. */
const MAX_MEMORY_BYTES = 512 * 1024 * 1024;

/** The file can't be read as Parquet; `message` says why. */
export class InspectionError extends Error {
  override readonly name = 'InspectionError';
}

export class Inspector {
  #worker: Worker | undefined;
  #jobs = 0;
  #fail: ((reason: string) => void) | undefined;

  constructor(private readonly jobLimitMs: number = JOB_LIMIT_MS) {}

  /** One at a time. Throws InspectionError. */
  async inspect(job: InspectJob): Promise<Inspection> {
    const id = ++this.#jobs;
    const worker = (this.#worker ??= new Worker(workerUrl('./store/lake/check/inspect-worker.ts')));
    let timer: ReturnType<typeof setTimeout> | undefined;
    try {
      const { inspection, memoryBytes } = await new Promise<
        Extract<FromInspectWorker, { inspection: unknown }>
      >((resolve, reject) => {
        this.#fail = (reason) => reject(new InspectionError(reason));
        worker.onmessage = ({ data }: MessageEvent<FromInspectWorker>) => {
          if (data.id !== id) return;
          if ('error' in data) this.#fail?.(data.error);
          else resolve(data);
        };
        worker.onerror = (event) => {
          event.preventDefault();
          this.#fail?.(event.message);
        };
        worker.postMessage({ id, job } satisfies ToInspectWorker);
        timer = setTimeout(() => this.#fail?.(`not read within ${this.jobLimitMs} ms`), this.jobLimitMs);
      });
      if (memoryBytes > MAX_MEMORY_BYTES) this.close();
      return inspection;
    } catch (error) {
      // A panic leaves the wasm instance unusable, and it can't be told from other errors.
      this.close();
      throw error;
    } finally {
      clearTimeout(timer);
      this.#fail = undefined;
    }
  }

  close(): void {
    this.#worker?.terminate();
    this.#worker = undefined;
    this.#fail?.('the inspection was closed');
  }
}
