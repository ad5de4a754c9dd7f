/** Blocks of one project to Parquet files, one a day: what the writer worker does with a generation. */
import { joinBytes } from '../../../span/join.ts';
import { SPANS } from '../../../span/schema.ts';
import type { TableSchema } from '../../../span/schema.ts';
import type { Block } from '../../../span/vector.ts';
import { concatBlocks } from '../files/concat.ts';
import type { FileStatistics } from '../files/file-entry.ts';
import { contentHash } from '../files/hash.ts';
import { ParquetFileWriter, ROW_GROUP_ROWS } from '../files/parquet-writer.ts';
import { TokenIndexBuilder } from '../files/token-builder.ts';
import { buildTraceIndex } from '../files/trace-index.ts';
import { partition } from './partition.ts';
import { promote } from './promote.ts';
import type { Promoted } from './promote.ts';
import { RollupBuilder } from './rollup-builder.ts';
import { StatisticsBuilder } from './statistics.ts';
import type { BlockStatistics } from './statistics.ts';

/** A file's bytes with what the catalog keeps of it. */
export interface EncodedFile {
  readonly day: string;
  readonly rows: number;
  readonly parquet: Uint8Array;
  readonly hash: string;
  readonly traceIndex: Uint8Array;
  readonly traceIndexHash: string;
  readonly tokenIndex: Uint8Array;
  readonly tokenIndexHash: string;
  /** No bytes: it has none. */
  readonly rollup: Uint8Array;
  readonly statistics: BlockStatistics & Pick<FileStatistics, 'promoted'>;
}

/** The statistics and the trace index are those of spans: a second table brings its own. */
export function encodeSpans(blocks: readonly Block[], rowGroupRows: number = ROW_GROUP_ROWS): EncodedFile[] {
  const block = concatBlocks(blocks);
  return partition(block, SPANS).map(({ day, indices }) =>
    encodeDay(day, promote(block, SPANS, indices), SPANS, rowGroupRows),
  );
}

function encodeDay(
  day: string,
  { block, columns: promoted }: Promoted,
  schema: TableSchema,
  rowGroupRows: number,
): EncodedFile {
  const ids = block.columns.get(schema.groupColumn);
  if (ids?.kind !== 'fixed') throw new Error(`${schema.groupColumn} holds no ids`);
  const traceIndex = buildTraceIndex(ids.bytes);
  const statistics = new StatisticsBuilder();
  const tokens = new TokenIndexBuilder();
  const rollup = new RollupBuilder();
  const parts: Uint8Array[] = [];
  const parquet = new ParquetFileWriter(schema, promoted, (part) => parts.push(part));
  for (let from = 0; from < block.rows; from += rowGroupRows) {
    const to = Math.min(block.rows, from + rowGroupRows);
    statistics.rowGroup(block, promoted, from, to);
    tokens.rowGroup(block, promoted, from, to);
    rollup.rowGroup(block, from, to);
    parquet.rowGroup(block, from, to);
  }
  parquet.finish();
  const bytes = joinBytes(parts);
  const tokenIndex = tokens.finish();
  return {
    day,
    rows: block.rows,
    parquet: bytes,
    hash: contentHash(bytes),
    traceIndex,
    traceIndexHash: contentHash(traceIndex),
    tokenIndex,
    tokenIndexHash: contentHash(tokenIndex),
    rollup: rollup.finish(),
    statistics: { ...statistics.finish(), promoted },
  };
}
