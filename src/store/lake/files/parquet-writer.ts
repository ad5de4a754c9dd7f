/** One block to the bytes of one Parquet file. For workers only: the wasm's memory never shrinks. */
import { tableToIPC } from 'apache-arrow';
import initWasm, {
  Compression,
  Encoding,
  ParquetFile,
  Table,
  WriterPropertiesBuilder,
  WriterVersion,
  writeParquet,
} from 'parquet-wasm/esm/parquet_wasm.js';
import wasmPath from 'parquet-wasm/esm/parquet_wasm_bg.wasm' with { type: 'file' };
import type { TableSchema } from '../../../span/schema.ts';
import type { Block } from '../../../span/vector.ts';
import { arrowTable } from './arrow.ts';
import type { PromotedColumn } from './file-entry.ts';

/** A point read decodes a whole row group; see docs/adr/003-parquet-layout.md for what sizes cost. */
export const ROW_GROUP_ROWS = 32_768;

let ready: Promise<unknown> | undefined;

function initialised(): Promise<unknown> {
  ready ??= Bun.file(wasmPath)
    .arrayBuffer()
    .then((bytes) => initWasm({ module_or_path: bytes }));
  return ready;
}

export async function parquetBytes(
  block: Block,
  schema: TableSchema,
  promoted: readonly PromotedColumn[],
  rowGroupRows: number = ROW_GROUP_ROWS,
): Promise<Uint8Array> {
  await initialised();
  const table = Table.fromIPCStream(tableToIPC(arrowTable(block, schema, promoted), 'stream'));
  // writeParquet takes the table over: nothing to free.
  const bytes = writeParquet(table, properties(schema, rowGroupRows));
  await check(bytes, block.rows);
  return bytes;
}

function properties(schema: TableSchema, rowGroupRows: number) {
  let builder = new WriterPropertiesBuilder()
    .setCompression(Compression.ZSTD)
    .setWriterVersion(WriterVersion.V1)
    .setMaxRowGroupSize(rowGroupRows)
    .setCreatedBy('spanlake')
    .setDictionaryEnabled(true);
  for (const column of schema.columns) {
    if (column.type === 'int64') {
      builder = builder
        .setColumnDictionaryEnabled(column.name, false)
        .setColumnEncoding(column.name, Encoding.DELTA_BINARY_PACKED);
    }
    // Ids of spans never repeat: a dictionary would only be built and thrown away.
    if (column.type === 'id8') builder = builder.setColumnDictionaryEnabled(column.name, false);
  }
  return builder.build();
}

/** Read back what was written: the footer must parse and hold the rows. */
async function check(bytes: Uint8Array, rows: number): Promise<void> {
  const file = await ParquetFile.fromFile(new Blob([bytes as Uint8Array<ArrayBuffer>]));
  const metadata = file.metadata();
  const fileMetadata = metadata.fileMetadata();
  const written = fileMetadata.numRows();
  fileMetadata.free();
  metadata.free();
  file.free();
  if (written !== rows) throw new Error(`a Parquet file of ${written} rows was written from ${rows}`);
}
