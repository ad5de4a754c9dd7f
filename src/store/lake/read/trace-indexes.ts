/** The trace indexes beside the files, kept in memory up to a bound: a look-up is then a binary search. */
import { join } from 'node:path';
import { traceIndexPath } from '../files/file-entry.ts';
import type { FileEntry } from '../files/file-entry.ts';
import { findTrace, openTraceIndex, traceKeyWords } from '../files/trace-index.ts';
import type { RowRange, TraceIndex } from '../files/trace-index.ts';

/** 16 bytes a trace: 64 MiB are 4 million traces, 40 million spans of ten a trace. */
const MAX_CACHED_BYTES = 64 * 1024 * 1024;

export class TraceIndexes {
  /** Least recently used first. */
  readonly #known = new Map<string, { readonly index: TraceIndex; readonly bytes: number }>();
  #bytes = 0;

  constructor(readonly dataDir: string) {}

  /** Rows that may be the trace's. Throws when the index can't be read. */
  async find(file: FileEntry, traceId: Uint8Array): Promise<RowRange[]> {
    const { high, low } = traceKeyWords(traceId, 0);
    return findTrace(await this.#index(file), high, low);
  }

  async #index(file: FileEntry): Promise<TraceIndex> {
    const path = traceIndexPath(file.path);
    const known = this.#known.get(path);
    if (known) {
      this.#known.delete(path);
      this.#known.set(path, known);
      return known.index;
    }
    const bytes = await Bun.file(join(this.dataDir, path)).bytes();
    const index = openTraceIndex(bytes);
    if (!this.#known.has(path)) {
      this.#known.set(path, { index, bytes: bytes.length });
      this.#bytes += bytes.length;
    }
    for (const [oldest, entry] of this.#known) {
      if (this.#bytes <= MAX_CACHED_BYTES || oldest === path) break;
      this.#known.delete(oldest);
      this.#bytes -= entry.bytes;
    }
    return index;
  }
}
