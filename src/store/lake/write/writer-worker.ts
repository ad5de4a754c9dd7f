/** The thread that turns sealed columns into Parquet files, so that parquet-wasm is never on the main one. */
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
  void answer(event.data);
};

async function answer({ id, blocks }: WriterRequest): Promise<void> {
  try {
    const files = await encodeSpans(blocks);
    const buffers = files.flatMap((file) => [file.parquet.buffer, file.traceIndex.buffer]);
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
