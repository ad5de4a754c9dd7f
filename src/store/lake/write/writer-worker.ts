/** The thread that turns sealed columns into Parquet files: 262,144 spans would stall the main one for a second. */
import type { Block } from '../../../span/vector.ts';
import { encodeBlocks } from './encode.ts';
import type { EncodedFile } from './encode.ts';

export interface WriterRequest {
  readonly id: number;
  readonly blocks: readonly Block[];
}

/** Parts and files as FileSink has them, then `done`; or `failed`, and what came before is of no use. */
export type WriterResponse =
  | { readonly kind: 'part'; readonly id: number; readonly day: string; readonly bytes: Uint8Array }
  | { readonly kind: 'file'; readonly id: number; readonly file: EncodedFile }
  | { readonly kind: 'done'; readonly id: number }
  | { readonly kind: 'failed'; readonly id: number; readonly error: string };

declare const self: Worker;

/**
 * The collector lets garbage grow to 200 MB before it begins, and fresh memory costs more than clearing away: 5 ms,
 * with 80 MB in all.
 */
const ROWS_BETWEEN_COLLECTIONS = 32_768;
/** An idle worker keeps nothing: columns in shared memory are freed when both threads have let go of them. */
const IDLE_MS = 50;

let rowsSinceCollection = 0;
let idleTimer: ReturnType<typeof setTimeout> | undefined;

self.onmessage = (event: MessageEvent<WriterRequest>) => {
  clearTimeout(idleTimer);
  answer(event.data);
  idleTimer = setTimeout(collect, IDLE_MS);
};

function collect(): void {
  rowsSinceCollection = 0;
  Bun.gc(true);
}

function answer({ id, blocks }: WriterRequest): void {
  try {
    encodeBlocks(blocks, {
      part: (day, bytes) => post({ kind: 'part', id, day, bytes }, [bytes]),
      file: (file) => post({ kind: 'file', id, file }, [file.traceIndex, file.tokenIndex, file.rollup]),
      encoded: (rows) => {
        rowsSinceCollection += rows;
        if (rowsSinceCollection >= ROWS_BETWEEN_COLLECTIONS) collect();
      },
    });
    post({ kind: 'done', id });
  } catch (error) {
    post({
      kind: 'failed',
      id,
      error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
  }
}

function post(response: WriterResponse, handedOver: readonly Uint8Array[] = []): void {
  self.postMessage(
    response,
    handedOver.map(({ buffer }) => buffer as ArrayBuffer),
  );
}
