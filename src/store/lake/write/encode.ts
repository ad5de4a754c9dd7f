/** Blocks of one project to Parquet files, one a day: what the writer worker does with a generation. */
import { joinBytes } from '../../../span/join.ts';
import { SPANS } from '../../../span/schema.ts';
import type { Block } from '../../../span/vector.ts';
import { concatBlocks } from '../files/concat.ts';
import type { FileStatistics } from '../files/file-entry.ts';
import { ContentHasher, contentHash } from '../files/hash.ts';
import { ParquetFileWriter, ROW_GROUP_ROWS } from '../files/parquet-writer.ts';
import { TokenIndexBuilder } from '../files/token-builder.ts';
import { TraceRunCollector } from '../files/trace-index.ts';
import { partition } from './partition.ts';
import { Promoter } from './promote.ts';
import { RollupBuilder } from './rollup-builder.ts';
import { StatisticsBuilder } from './statistics.ts';
import type { BlockStatistics } from './statistics.ts';

/** What the catalog keeps of a Parquet file, and the files beside it. */
export interface EncodedFile {
  readonly day: string;
  readonly rows: number;
  /** Of the Parquet file. */
  readonly bytes: number;
  readonly hash: string;
  readonly traceIndex: Uint8Array;
  readonly traceIndexHash: string;
  readonly tokenIndex: Uint8Array;
  readonly tokenIndexHash: string;
  /** No bytes: it has none. */
  readonly rollup: Uint8Array;
  readonly statistics: BlockStatistics & Pick<FileStatistics, 'promoted'>;
}

/** Takes files as they are made, one day after the other. */
export interface FileSink {
  /** The next bytes of the day's Parquet file, about a MiB, which are the sink's to keep. */
  readonly part: (day: string, bytes: Uint8Array) => void;
  /** All parts of the day's file have come. */
  readonly file: (file: EncodedFile) => void;
  /** So many rows more are encoded, and what that took is garbage: 20 MB for 32,768 rows. */
  readonly encoded?: (rows: number) => void;
}

/** Needs beside the blocks the memory of one row group, and a few bytes a row. */
export function encodeBlocks(
  blocks: readonly Block[],
  sink: FileSink,
  rowGroupRows: number = ROW_GROUP_ROWS,
): void {
  const block = concatBlocks(blocks);
  for (const { day, indices } of partition(block, SPANS)) {
    const promoter = new Promoter(block, SPANS, indices, rowGroupRows);
    encodeDay(day, promoter, indices.length, rowGroupRows, sink);
  }
}

/** A file with its bytes, for whoever wants it whole in memory. */
export interface WholeFile extends EncodedFile {
  readonly parquet: Uint8Array;
}

export function encodeSpans(blocks: readonly Block[], rowGroupRows: number = ROW_GROUP_ROWS): WholeFile[] {
  const files: WholeFile[] = [];
  let parts: Uint8Array[] = [];
  const sink: FileSink = {
    part: (_, bytes) => parts.push(bytes),
    file: (file) => {
      files.push({ ...file, parquet: joinBytes(parts) });
      parts = [];
    },
  };
  encodeBlocks(blocks, sink, rowGroupRows);
  return files;
}

/**
 * `rows`: those of the promoter. The statistics and the trace index are those of spans: a second table brings
 * its own.
 */
function encodeDay(
  day: string,
  promoter: Promoter,
  rows: number,
  rowGroupRows: number,
  sink: FileSink,
): void {
  const traces = new TraceRunCollector();
  const statistics = new StatisticsBuilder();
  const tokens = new TokenIndexBuilder();
  const rollup = new RollupBuilder();
  const hasher = ContentHasher.create();
  const { columns: promoted } = promoter;
  const counted = new Set(promoter.lists.map(({ column }) => column));
  const parquet = new ParquetFileWriter(SPANS, promoted, (part) => {
    hasher.update(part);
    sink.part(day, part);
  });
  for (let from = 0; from < rows; from += rowGroupRows) {
    const { block, used } = promoter.rows(from, Math.min(rows, from + rowGroupRows));
    traces.add(idsOf(block));
    statistics.rowGroup(block, promoted, 0, block.rows, counted);
    tokens.rowGroup(block, promoted, 0, block.rows, used);
    rollup.rowGroup(block);
    parquet.rowGroup(block);
    sink.encoded?.(block.rows);
  }
  for (const lists of promoter.lists) statistics.lists(lists);
  parquet.finish();
  const traceIndex = traces.finish();
  const tokenIndex = tokens.finish();
  sink.file({
    day,
    rows,
    bytes: parquet.bytesWritten,
    hash: hasher.digest(),
    traceIndex,
    traceIndexHash: contentHash(traceIndex),
    tokenIndex,
    tokenIndexHash: contentHash(tokenIndex),
    rollup: rollup.finish(),
    statistics: { ...statistics.finish(), promoted },
  });
}

function idsOf(block: Block): Uint8Array {
  const ids = block.columns.get(SPANS.groupColumn);
  if (ids?.kind !== 'fixed') throw new Error(`${SPANS.groupColumn} holds no ids`);
  return ids.bytes;
}
