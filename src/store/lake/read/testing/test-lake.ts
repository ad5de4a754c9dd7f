/** Test support: spans put into buffers and real Parquet files, with a reader over both. */
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { decodeTraces } from '../../../../otlp/decode.ts';
import { encodeTracesProtobuf } from '../../../../otlp/encode.ts';
import { SpanColumns } from '../../../../span/columns.ts';
import { NO_SPAN_LIMITS } from '../../../../span/span-limits.ts';
import type { Span } from '../../../../span/span.ts';
import { tokenIndexPath, traceIndexPath } from '../../files/names.ts';
import type { FileEntry } from '../../files/file-entry.ts';
import type { LakeSnapshot } from '../../files/snapshot.ts';
import { encodeSpans } from '../../write/encode.ts';
import { LakeReader } from '../reader.ts';
import type { LakeReaderOptions } from '../reader.ts';

export function columnsOf(spans: readonly Span[]): SpanColumns {
  const columns = new SpanColumns(undefined, NO_SPAN_LIMITS);
  // One request a span: a batch would be regrouped by resource.
  for (const span of spans) {
    const result = decodeTraces({ format: 'protobuf', body: encodeTracesProtobuf([span]) }, columns);
    if (result.accepted !== 1) throw new Error(`span not accepted: ${result.message}`);
  }
  columns.publishedRows = columns.rows;
  return columns;
}

export type TestLakeOptions = Pick<LakeReaderOptions, 'pool' | 'timeLimitMs' | 'memoryLimitBytes' | 'report'>;

let nextFile = 0;

/** What a lake is to a reader; the test says when something moves from buffer to file. */
export class TestLake {
  buffers: SpanColumns[] = [];
  files: FileEntry[] = [];
  /** By the path of their file. */
  readonly rollups = new Map<string, Uint8Array>();
  readonly reader: LakeReader;

  constructor(
    readonly dataDir: string,
    options: TestLakeOptions = {},
  ) {
    this.reader = new LakeReader({
      dataDir,
      snapshot: () => this.snapshot(),
      rollups: { read: () => this.rollups },
      ...options,
    });
  }

  /** Forgets all spans; the worker stays. */
  clear(): void {
    this.buffers = [];
    this.files = [];
  }

  snapshot(): LakeSnapshot {
    return { version: 1, buffers: this.buffers, files: this.files, quarantined: [], release() {} };
  }

  append(spans: readonly Span[]): void {
    if (spans.length > 0) this.buffers.push(columnsOf(spans));
  }

  /** Moves the oldest buffer into files, as a flush does. */
  async flush(rowGroupRows: number): Promise<void> {
    const buffer = this.buffers[0];
    if (!buffer) return;
    const added = await this.#write(buffer, rowGroupRows);
    this.buffers = this.buffers.slice(1);
    this.files = [...this.files, ...added];
  }

  async #write(buffer: SpanColumns, rowGroupRows: number): Promise<FileEntry[]> {
    const entries: FileEntry[] = [];
    for (const file of encodeSpans([buffer.block()], rowGroupRows)) {
      const { day, rows, parquet, hash, traceIndex, traceIndexHash, statistics } = file;
      const { tokenIndex, tokenIndexHash } = file;
      const path = `lake/project=test/date=${day}/${nextFile++}.parquet`;
      mkdirSync(dirname(join(this.dataDir, path)), { recursive: true });
      await Bun.write(join(this.dataDir, path), parquet);
      await Bun.write(join(this.dataDir, traceIndexPath(path)), traceIndex);
      await Bun.write(join(this.dataDir, tokenIndexPath(path)), tokenIndex);
      this.rollups.set(path, file.rollup);
      entries.push({
        ...statistics,
        path,
        projectId: 'test',
        day,
        rows,
        bytes: parquet.length,
        hash,
        traceIndexBytes: traceIndex.length,
        traceIndexHash,
        tokenIndexBytes: tokenIndex.length,
        tokenIndexHash,
        level: 0,
        firstSequence: 0,
        lastSequence: 0,
        createdAtMs: 0,
      });
    }
    return entries;
  }
}
