/** The thread that reads Parquet: the jobs that worker-pool.ts gives, a small one between two pages of another. */
import { SPANS } from '../../../../span/schema.ts';
import { ColumnFiles } from '../../files/column-files.ts';
import { ColumnReader } from '../../files/column-reader.ts';
import {
  ParquetReader,
  compileParquetWasm,
  initParquet,
  parquetMemoryBytes,
} from '../../files/parquet-reader.ts';
import { PointReader } from '../../files/point-reader.ts';
import { ArrayPool } from '../scan/column-arrays.ts';
import type { FromWorker, Job, ToWorker } from './jobs.ts';
import { runJob } from './run-job.ts';

declare const self: Worker;

const files = new ColumnFiles();
const arrays = new ArrayPool();
/** Jobs in hand, and whether somebody still waits for them. */
const wanted = new Map<number, boolean>();
/** Of them those whose time is up. */
const late = new Set<number>();
let columns = new ColumnReader(files, 0);
let points = new PointReader(files, columns);
let wasm: Promise<ParquetReader> | undefined;
let hasWasm = false;

self.onmessage = (event: MessageEvent<ToWorker>) => {
  const message = event.data;
  switch (message.kind) {
    case 'start':
      columns = new ColumnReader(files, message.cacheBytes);
      points = new PointReader(files, columns);
      send({ kind: 'started' });
      return;
    case 'limit':
      // Given back now: what asked for it needs the memory now.
      if (columns.limit(message.cacheBytes)) Bun.gc(true);
      return;
    case 'job':
      void work(message.id, message.job);
      return;
    case 'cancel':
      if (wanted.has(message.id)) wanted.set(message.id, false);
      return;
    case 'late':
      if (wanted.has(message.id)) late.add(message.id);
      return;
  }
};

function send(message: FromWorker): void {
  self.postMessage(message);
}

/** Most workers never meet a file of another writer: the 100 ms and 20 MB are spent when one comes. */
function foreign(): Promise<ParquetReader> {
  wasm ??= compileParquetWasm()
    .then(initParquet)
    .then(() => {
      hasWasm = true;
      return new ParquetReader(SPANS);
    });
  return wasm;
}

/**
 * After so much read from files. Decoded columns that are not kept are noticed late by the collector: at 10M spans the
 * server then had 914 MiB instead of 748 while it was asked for a comparison. At 1M no CPU is seen of it.
 */
const GARBAGE_BYTES = 32 * 1024 * 1024;
let bytesSince = 0;

function collect(bytesRead: number): void {
  bytesSince += bytesRead;
  if (bytesSince < GARBAGE_BYTES) return;
  bytesSince = 0;
  Bun.gc(true);
}

async function work(id: number, job: Job): Promise<void> {
  wanted.set(id, true);
  try {
    const { value, cost } = await runJob(job, {
      foreign,
      points,
      columns,
      arrays,
      isCancelled: () => wanted.get(id) !== true,
      isLate: () => late.has(id),
      sendParts: (parts) => send({ kind: 'part', id, parts }),
    });
    const memoryBytes = columns.bytes + (hasWasm ? parquetMemoryBytes() : 0);
    send({ kind: 'done', id, value, cost, memoryBytes });
    collect(cost.bytes);
  } catch (error) {
    send({ kind: 'failed', id, message: error instanceof Error ? error.message : String(error) });
  } finally {
    wanted.delete(id);
    late.delete(id);
  }
}
