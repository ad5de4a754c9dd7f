/** The thread in which files are rewritten: one job at a time, given by rewriter.ts. */
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

let ready: Promise<void> | undefined;
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
  const reader = new ParquetReader(SPANS);
  try {
    ready ??= compileParquetWasm().then(initParquet);
    await ready;
    const result = await rewriteFile(job, {
      reader,
      onReading: (path) => send({ kind: 'reading', id, path }),
      send: async (bytes) => {
        const written = new Promise<void>((resolve) => (chunkIsWritten = resolve));
        send({ kind: 'chunk', id, bytes }, [bytes.buffer]);
        await written;
      },
    });
    const indexes = [result.traceIndex, result.tokenIndex].filter((index) => index.length > 0);
    send(
      { kind: 'done', id, result, memoryBytes: parquetMemoryBytes() },
      indexes.map((index) => index.buffer),
    );
  } catch (error) {
    const path = error instanceof SourceError ? error.path : '';
    send({ kind: 'failed', id, message: messageOf(error), path });
  } finally {
    reader.close();
  }
}
