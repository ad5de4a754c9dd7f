/** Spans of a Parquet file of our schema, some at a time. */
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SPANS } from '../../span/schema.ts';
import type { Span } from '../../span/span.ts';
import { ParquetReader, compileParquetWasm, initParquet } from '../../store/lake/files/parquet-reader.ts';
import { SpanReader } from '../../store/lake/read/scan/block-spans.ts';
import { InputError } from './bytes.ts';
import type { ByteStream } from './bytes.ts';

const SPANS_AT_ONCE = 1_000;

/** A panic inside wasm leaves a promise that never settles. */
const READ_LIMIT_MS = 120_000;

let ready: Promise<void> | undefined;

/** Throws InputError for a file that is none of ours. */
export async function* parquetSpans(path: string): AsyncGenerator<Span[]> {
  ready ??= compileParquetWasm().then(initParquet);
  await ready;
  const reader = new ParquetReader(SPANS);
  const rowGroups = await readable(reader.rowGroupRows(path));
  for (const [group, rows] of rowGroups.entries()) {
    for (let from = 0; from < rows; from += SPANS_AT_ONCE) {
      const span = { from, count: Math.min(SPANS_AT_ONCE, rows - from) };
      const spansOf = (block: ConstructorParameters<typeof SpanReader>[0]) => {
        const spans = new SpanReader(block);
        return Array.from({ length: block.rows }, (_, row) => spans.span(row));
      };
      yield (await readable(reader.withBlock(path, group, undefined, spansOf, span))).value;
    }
  }
}

async function readable<T>(read: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not read within ${READ_LIMIT_MS} ms`)), READ_LIMIT_MS);
  });
  try {
    return await Promise.race([read, late]);
  } catch (error) {
    throw new InputError(
      `is no Parquet of Spanlake: ${error instanceof Error ? error.message : String(error)}`,
    );
  } finally {
    clearTimeout(timer);
  }
}

/** The stream as a file, since Parquet is read from its end; `use` is called with its path. */
export async function* viaFile<T>(
  bytes: ByteStream,
  use: (path: string) => AsyncGenerator<T>,
): AsyncGenerator<T> {
  const folder = mkdtempSync(join(tmpdir(), 'spanlake-import-'));
  try {
    const path = join(folder, 'spans.parquet');
    const descriptor = openSync(path, 'w', 0o600);
    try {
      for await (const chunk of bytes.rest()) {
        for (let done = 0; done < chunk.length;) done += writeSync(descriptor, chunk, done);
      }
    } finally {
      closeSync(descriptor);
    }
    yield* use(path);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
