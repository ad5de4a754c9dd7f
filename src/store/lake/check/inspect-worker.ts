/** The thread that reads whole Parquet files for `verify`: a panic of the wasm ends it alone. */
import { SPANS } from '../../../span/schema.ts';
import {
  ParquetReader,
  compileParquetWasm,
  initParquet,
  parquetMemoryBytes,
} from '../files/parquet-reader.ts';
import { inspectFile } from './inspect-file.ts';
import type { InspectJob, Inspection } from './inspect-file.ts';

export interface ToInspectWorker {
  readonly id: number;
  readonly job: InspectJob;
}

export type FromInspectWorker =
  | { readonly id: number; readonly inspection: Inspection; readonly memoryBytes: number }
  | { readonly id: number; readonly error: string };

declare const self: Worker;

const reader = new ParquetReader(SPANS);
let ready: Promise<void> | undefined;

self.onmessage = (event: MessageEvent<ToInspectWorker>) => void inspect(event.data);

async function inspect({ id, job }: ToInspectWorker): Promise<void> {
  let answer: FromInspectWorker;
  try {
    ready ??= compileParquetWasm().then(initParquet);
    await ready;
    answer = { id, inspection: await inspectFile(job, reader), memoryBytes: parquetMemoryBytes() };
  } catch (error) {
    answer = { id, error: error instanceof Error ? error.message : String(error) };
  }
  self.postMessage(answer);
}
