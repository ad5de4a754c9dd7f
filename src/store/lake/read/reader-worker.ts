/** The thread that reads Parquet: one job at a time, given by worker-pool.ts. */
import { SPANS } from '../../../span/schema.ts';
import {
  ParquetReader,
  compileParquetWasm,
  initParquet,
  parquetMemoryBytes,
} from '../files/parquet-reader.ts';
import { PointReader } from '../files/point-reader.ts';
import type { FromWorker, Job, ToWorker } from './jobs.ts';
import { runJob } from './run-job.ts';

declare const self: Worker;

const reader = new ParquetReader(SPANS);
const points = new PointReader();
const cancelled = new Set<number>();

self.onmessage = (event: MessageEvent<ToWorker>) => {
  const message = event.data;
  switch (message.kind) {
    case 'start':
      void start(message.module);
      return;
    case 'job':
      void work(message.id, message.job);
      return;
    case 'cancel':
      cancelled.add(message.id);
      return;
  }
};

function send(message: FromWorker): void {
  self.postMessage(message);
}

async function start(given: WebAssembly.Module | undefined): Promise<void> {
  const module = given ?? (await compileParquetWasm());
  await initParquet(module);
  send({ kind: 'started', module });
}

async function work(id: number, job: Job): Promise<void> {
  try {
    const { value, cost } = await runJob(job, {
      reader,
      points,
      isCancelled: () => cancelled.has(id),
      sendPart: (spans) => send({ kind: 'part', id, spans }),
    });
    send({ kind: 'done', id, value, cost, memoryBytes: parquetMemoryBytes() });
  } catch (error) {
    send({ kind: 'failed', id, message: error instanceof Error ? error.message : String(error) });
  } finally {
    cancelled.delete(id);
  }
}
