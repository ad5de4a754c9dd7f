/** The thread that turns sealed columns into Parquet files: 262,144 spans would stall the main one for a second. */
import type { Block } from '../../../span/vector.ts';
import { encodeSpans } from './encode.ts';
import type { EncodedFile } from './encode.ts';

export interface WriterRequest {
  readonly id: number;
  readonly blocks: readonly Block[];
}

export type WriterResponse =
  | { readonly id: number; readonly files: readonly EncodedFile[] }
  | { readonly id: number; readonly error: string };

declare const self: Worker;

self.onmessage = (event: MessageEvent<WriterRequest>) => {
  answer(event.data);
};

function answer({ id, blocks }: WriterRequest): void {
  try {
    const files = encodeSpans(blocks);
    const buffers = files.flatMap((file) => [
      file.parquet.buffer,
      file.traceIndex.buffer,
      file.tokenIndex.buffer,
      file.rollup.buffer,
    ]);
    const response: WriterResponse = { id, files };
    self.postMessage(response, buffers as ArrayBuffer[]);
  } catch (error) {
    const response: WriterResponse = {
      id,
      error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    };
    self.postMessage(response);
  }
}
