/**
 * One Parquet file read from its first to its last byte: what it holds, and what the catalog and the indexes
 * beside it would have to say of it. For the inspection worker: it decodes every row group.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { ParquetFile } from 'parquet-wasm/esm/parquet_wasm.js';
import { SPANS } from '../../../span/schema.ts';
import type { Block, Vector } from '../../../span/vector.ts';
import type { FileStatistics, PromotedColumn } from '../files/file-entry.ts';
import { ContentHasher } from '../files/hash.ts';
import type { ParquetReader } from '../files/parquet-reader.ts';
import { TokenIndexBuilder } from '../files/token-builder.ts';
import { TraceRunCollector } from '../files/trace-index.ts';
import { RollupBuilder } from '../write/rollup-builder.ts';
import { StatisticsBuilder } from '../write/statistics.ts';
import type { BlockStatistics } from '../write/statistics.ts';

const READ_BYTES = 4 * 1024 * 1024;

export interface InspectJob {
  /** Absolute. */
  readonly path: string;
  /** What the catalog has; a file with another hash is not decoded. Undefined where nobody knows. */
  readonly hash: string | undefined;
}

export interface FileContents {
  readonly rows: number;
  readonly statistics: BlockStatistics & Pick<FileStatistics, 'promoted'>;
  readonly traceIndex: Uint8Array;
  readonly tokenIndex: Uint8Array;
  /** No bytes: it has none. */
  readonly rollup: Uint8Array;
  /** Keys and values of the footer. */
  readonly metadata: ReadonlyMap<string, string>;
}

export interface Inspection {
  readonly bytes: number;
  readonly hash: string;
  /** Undefined when the hash is not the expected one. */
  readonly contents: FileContents | undefined;
}

/** Throws what the file system or the Parquet reader says of a file that can't be read. */
export async function inspectFile({ path, hash }: InspectJob, reader: ParquetReader): Promise<Inspection> {
  const found = hashOf(path, hash);
  if (hash !== undefined && hash !== found.hash) return { ...found, contents: undefined };
  const metadata = await footerMetadata(path);
  const rowGroups = await reader.rowGroupRows(path);
  const statistics = new StatisticsBuilder();
  const tokens = new TokenIndexBuilder();
  const rollup = new RollupBuilder();
  const traces = new TraceRunCollector();
  let promoted: readonly PromotedColumn[] = [];
  for (let index = 0; index < rowGroups.length; index++) {
    await reader.withBlock(path, index, undefined, (block) => {
      promoted = promotedColumns(block);
      statistics.rowGroup(block, promoted);
      tokens.rowGroup(block, promoted);
      rollup.rowGroup(block);
      traces.add(idsOf(block));
    });
  }
  const contents = {
    rows: rowGroups.reduce((sum, rows) => sum + rows, 0),
    statistics: { ...statistics.finish(), promoted },
    traceIndex: traces.finish(),
    tokenIndex: tokens.finish(),
    rollup: rollup.finish(),
    metadata,
  };
  return { ...found, contents };
}

function hashOf(path: string, expected: string | undefined): { bytes: number; hash: string } {
  const hasher = expected === undefined ? ContentHasher.create() : ContentHasher.like(expected);
  const descriptor = openSync(path, 'r');
  try {
    const buffer = new Uint8Array(READ_BYTES);
    let bytes = 0;
    for (;;) {
      const read = readSync(descriptor, buffer, 0, buffer.length, bytes);
      if (read === 0) return { bytes, hash: hasher.digest() };
      hasher.update(buffer.subarray(0, read));
      bytes += read;
    }
  } finally {
    closeSync(descriptor);
  }
}

async function footerMetadata(path: string): Promise<ReadonlyMap<string, string>> {
  const blob = Bun.file(path);
  if (blob.size < 12) throw new Error(`${path} has ${blob.size} bytes: no Parquet file`);
  const file = await ParquetFile.fromFile(blob);
  const metadata = file.metadata();
  const footer = metadata.fileMetadata();
  const found = new Map<string, string>();
  for (const [key, value] of footer.keyValueMetadata()) {
    if (typeof key === 'string' && typeof value === 'string') found.set(key, value);
  }
  footer.free();
  metadata.free();
  file.free();
  return found;
}

const PROMOTED_TYPES: ReadonlyMap<Vector['kind'], PromotedColumn['type']> = new Map([
  ['text', 'string'],
  ['int64', 'int'],
  ['float64', 'double'],
  ['bool', 'bool'],
]);

/** Columns that the schema does not name are attributes with a column of their own. */
function promotedColumns(block: Block): PromotedColumn[] {
  const own = new Set(SPANS.columns.map((column) => column.name));
  const found: PromotedColumn[] = [];
  for (const [name, vector] of block.columns) {
    if (own.has(name) || !SPANS.promoted.some(({ prefix }) => name.startsWith(prefix))) continue;
    const type = PROMOTED_TYPES.get(vector.kind);
    if (type === undefined) throw new Error(`column ${name} holds a ${vector.kind}, no attribute`);
    found.push({ name, type });
  }
  return found;
}

function idsOf(block: Block): Uint8Array {
  const vector = block.columns.get(SPANS.groupColumn);
  if (vector?.kind !== 'fixed') throw new Error(`no ids in ${SPANS.groupColumn}`);
  return vector.bytes;
}
