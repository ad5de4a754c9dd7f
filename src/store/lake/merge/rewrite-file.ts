/** A rewrite job carried out: files in, the chunks of one file and all that the catalog keeps of it out. */
import { SPANS } from '../../../span/schema.ts';
import type { Block } from '../../../span/vector.ts';
import type { PromotedColumn } from '../files/file-entry.ts';
import { ContentHasher } from '../files/hash.ts';
import type { ParquetReader } from '../files/parquet-reader.ts';
import { COMPACTED_LEVEL, ParquetFileWriter } from '../files/parquet-writer.ts';
import { TokenIndexBuilder } from '../files/token-builder.ts';
import { traceIndexOf } from '../files/trace-index.ts';
import { RollupBuilder } from '../write/rollup-builder.ts';
import { StatisticsBuilder } from '../write/statistics.ts';
import { mergeFiles } from './merge.ts';
import type { Merged } from './merge.ts';
import { RowGroups } from './row-groups.ts';
import type { OnReading } from './sources.ts';
import type { RewriteJob, RewriteResult } from './rewrite-job.ts';

export interface RewriteContext {
  /** The reader of files that are not laid out as ours are. */
  foreign(): Promise<ParquetReader>;
  /** Takes the next bytes of the file, which are its own then; resolves when there is room for more. */
  send(bytes: Uint8Array): Promise<void>;
  readonly onReading: OnReading;
}

/** The statistics and the indexes are those of spans: a second table brings its own. */
export async function rewriteFile(job: RewriteJob, context: RewriteContext): Promise<RewriteResult> {
  const output = new Output(job, context);
  const rowGroups = new RowGroups(() => context.foreign());
  try {
    const merged = await mergeFiles(job, {
      schema: SPANS,
      rowGroups,
      rowGroup: (block, promoted) => output.rowGroup(block, promoted),
      onReading: context.onReading,
    });
    return await output.finish(merged);
  } finally {
    rowGroups.close();
  }
}

class Output {
  readonly #statistics = new StatisticsBuilder();
  readonly #tokens = new TokenIndexBuilder();
  readonly #rollup = new RollupBuilder();
  readonly #hasher = ContentHasher.create();
  #writer: ParquetFileWriter | undefined;
  #waiting: Uint8Array[] = [];

  constructor(
    readonly job: RewriteJob,
    readonly context: RewriteContext,
  ) {}

  async rowGroup(block: Block, promoted: readonly PromotedColumn[]): Promise<void> {
    this.#writer ??= new ParquetFileWriter(
      SPANS,
      promoted,
      (bytes) => this.#waiting.push(bytes),
      this.job.metadata,
      { level: COMPACTED_LEVEL },
    );
    this.#statistics.rowGroup(block, promoted);
    this.#tokens.rowGroup(block, promoted);
    this.#rollup.rowGroup(block);
    this.#writer.rowGroup(block);
    await this.#send();
  }

  async finish({ rows, dropped, duplicates, promoted, traceIds, traceRows }: Merged): Promise<RewriteResult> {
    if (this.#writer === undefined) return { ...NO_FILE, rows, dropped, duplicates };
    this.#writer.finish();
    await this.#send();
    return {
      rows,
      dropped,
      duplicates,
      bytes: this.#writer.bytesWritten,
      hash: this.#hasher.digest(),
      traceIndex: traceIndexOf({
        ids: traceIds,
        firstRow: firstRows(traceRows),
        rowCount: traceRows,
        count: traceRows.length,
      }),
      tokenIndex: this.#tokens.finish(),
      rollup: this.#rollup.finish(),
      statistics: { ...this.#statistics.finish(), promoted },
    };
  }

  /** One chunk after the other: what is not on disk yet stays below a row group. */
  async #send(): Promise<void> {
    const chunks = this.#waiting;
    this.#waiting = [];
    for (const chunk of chunks) {
      if (chunk.length === 0) continue;
      this.#hasher.update(chunk);
      await this.context.send(chunk);
    }
  }
}

const NO_FILE = {
  bytes: 0,
  hash: '',
  traceIndex: new Uint8Array(0),
  tokenIndex: new Uint8Array(0),
  rollup: new Uint8Array(0),
  statistics: undefined,
};

/** Traces stand one behind the other. */
function firstRows(rows: Uint32Array): Uint32Array {
  const first = new Uint32Array(rows.length);
  for (let i = 1; i < rows.length; i++) first[i] = first[i - 1] + rows[i - 1];
  return first;
}
