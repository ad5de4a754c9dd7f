/** The thread in which files are rewritten: one job at a time, given by rewriter.ts. */
import { setPriority } from 'node:os';
import { SPANS } from '../../../span/schema.ts';
import {
  ParquetReader,
  compileParquetWasm,
  initParquet,
  parquetMemoryBytes,
} from '../files/parquet-reader.ts';
import { SourceError, messageOf } from './sources.ts';
import { rewriteFile } from './rewrite-file.ts';
import type { FromRewriteWorker, RewriteJob, ToRewriteWorker } from './rewrite-job.ts';

declare const self: Worker;

/** Of this thread alone, as Linux has it: beside busy receivers, flushes and readers it gets a tenth of a core. */
const NICENESS = 10;
if (process.platform === 'linux') setPriority(0, NICENESS);

let wasm: Promise<void> | undefined;
let chunkIsWritten: (() => void) | undefined;

self.onmessage = (event: MessageEvent<ToRewriteWorker>) => {
  const message = event.data;
  switch (message.kind) {
    case 'rewrite':
      void work(message.id, message.job);
      return;
    case 'written':
      chunkIsWritten?.();
      return;
  }
};

function send(message: FromRewriteWorker, transfer: ArrayBufferLike[] = []): void {
  self.postMessage(message, transfer as ArrayBuffer[]);
}

async function work(id: number, job: RewriteJob): Promise<void> {
  let reader: ParquetReader | undefined;
  try {
    const result = await rewriteFile(job, {
      async foreign() {
        await (wasm ??= compileParquetWasm().then(initParquet));
        return (reader ??= new ParquetReader(SPANS));
      },
      onReading: (path) => send({ kind: 'reading', id, path }),
      send: async (bytes) => {
        const written = new Promise<void>((resolve) => (chunkIsWritten = resolve));
        send({ kind: 'chunk', id, bytes }, [bytes.buffer]);
        await written;
      },
    });
    const indexes = [result.traceIndex, result.tokenIndex].filter((index) => index.length > 0);
    send(
      { kind: 'done', id, result, memoryBytes: wasm === undefined ? 0 : parquetMemoryBytes() },
      indexes.map((index) => index.buffer),
    );
  } catch (error) {
    const path = error instanceof SourceError ? error.path : '';
    send({ kind: 'failed', id, message: messageOf(error), path });
  } finally {
    reader?.close();
  }
}
