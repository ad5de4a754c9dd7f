/** Blocks of one project to Parquet files, one a day: what the writer worker does with a generation. */
import { SPANS } from '../../../span/schema.ts';
import type { TableSchema } from '../../../span/schema.ts';
import type { Block } from '../../../span/vector.ts';
import { concatBlocks } from '../files/concat.ts';
import type { FileStatistics } from '../files/file-entry.ts';
import { contentHash } from '../files/hash.ts';
import { ROW_GROUP_ROWS, parquetBytes } from '../files/parquet-writer.ts';
import { takeBlock } from '../files/take.ts';
import { buildTraceIndex } from '../files/trace-index.ts';
import { partition } from './partition.ts';
import { promote } from './promote.ts';
import { blockStatistics } from './statistics.ts';
import type { BlockStatistics } from './statistics.ts';

/** A file's bytes with what the catalog keeps of it. */
export interface EncodedFile {
  readonly day: string;
  readonly rows: number;
  readonly parquet: Uint8Array;
  readonly hash: string;
  readonly traceIndex: Uint8Array;
  readonly traceIndexHash: string;
  readonly statistics: BlockStatistics & Pick<FileStatistics, 'promoted'>;
}

/** The statistics and the trace index are those of spans: a second table brings its own. */
export async function encodeSpans(
  blocks: readonly Block[],
  rowGroupRows: number = ROW_GROUP_ROWS,
): Promise<EncodedFile[]> {
  const block = concatBlocks(blocks);
  const files: EncodedFile[] = [];
  for (const { day, indices } of partition(block, SPANS)) {
    files.push(await encodeDay(day, takeBlock(block, indices), SPANS, rowGroupRows));
  }
  return files;
}

async function encodeDay(
  day: string,
  block: Block,
  schema: TableSchema,
  rowGroupRows: number,
): Promise<EncodedFile> {
  const ids = block.columns.get(schema.groupColumn);
  if (ids?.kind !== 'fixed') throw new Error(`${schema.groupColumn} holds no ids`);
  const traceIndex = buildTraceIndex(ids.bytes);
  const statistics = blockStatistics(block, rowGroupRows);
  const promoted = promote(block, schema);
  const parquet = await parquetBytes(promoted.block, schema, promoted.columns, rowGroupRows);
  return {
    day,
    rows: block.rows,
    parquet,
    hash: contentHash(parquet),
    traceIndex,
    traceIndexHash: contentHash(traceIndex),
    statistics: { ...statistics, promoted: promoted.columns },
  };
}
