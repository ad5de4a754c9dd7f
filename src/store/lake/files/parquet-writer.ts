/**
 * Blocks as Parquet files, one row group at a time, with the memory of one. Texts are dictionary codes already, so
 * nothing is hashed again: a quarter of what a general writer costs. docs/adr/007-our-own-parquet-writer.md.
 */
import type { TableSchema } from '../../../span/schema.ts';
import type { Block } from '../../../span/vector.ts';
import type { PromotedColumn } from './file-entry.ts';
import { ARROW_SCHEMA_KEY, arrowSchemaText } from './parquet/arrow-schema.ts';
import { ByteWriter } from './parquet/bytes.ts';
import { ChunkEncoder } from './parquet/column-chunk.ts';
import type { ChunkSink } from './parquet/column-chunk.ts';
import { MAGIC } from './parquet/footer.ts';
import { leafPaths, parquetFields } from './parquet/schema.ts';
import type { Field } from './parquet/schema.ts';
import { Shredder } from './parquet/shred.ts';
import { writeTail } from './parquet/tail.ts';
import type { WrittenRowGroup } from './parquet/tail.ts';

/** Of a file as flushed: a scan's job is one row group. docs/adr/007-our-own-parquet-writer.md has what sizes cost. */
export const ROW_GROUP_ROWS = 32_768;

/** Of a file as compacted: 35.7 B a span against 37.5, and a point read costs the same. Twice as many save 1 %. */
export const COMPACTED_ROW_GROUP_ROWS = 131_072;

/** zstd's: on the reference traffic level 3 saves 0.2 %, on texts like stack traces 7. */
const FLUSH_LEVEL = 1;
export const COMPACTED_LEVEL = 3;

/** What is not handed on yet. */
const BUFFERED_BYTES = 1 << 20;

export interface ParquetWriterOptions {
  /** zstd's, FLUSH_LEVEL unless told. */
  readonly level?: number;
}

export class ParquetFileWriter {
  readonly #schema: TableSchema;
  readonly #fields: readonly Field[];
  readonly #leaves: ReturnType<typeof leafPaths>;
  readonly #metadata: ReadonlyMap<string, string>;
  readonly #file: FileBytes;
  readonly #shredder = new Shredder();
  readonly #chunks: ChunkEncoder;
  readonly #rowGroups: WrittenRowGroup[] = [];
  #isFinished = false;

  /**
   * `write` gets the file's bytes in order, in pieces of about a MiB that are its own to keep. `metadata` goes to
   * the footer as it is.
   */
  constructor(
    schema: TableSchema,
    promoted: readonly PromotedColumn[],
    write: (bytes: Uint8Array) => void,
    metadata: ReadonlyMap<string, string> = new Map(),
    options: ParquetWriterOptions = {},
  ) {
    this.#schema = schema;
    this.#fields = parquetFields(schema, promoted);
    this.#leaves = leafPaths(this.#fields);
    this.#metadata = metadata;
    this.#file = new FileBytes(write);
    this.#chunks = new ChunkEncoder(options.level ?? FLUSH_LEVEL);
    this.#file.write(MAGIC);
  }

  /** The length of the file so far. */
  get bytesWritten(): number {
    return this.#file.position;
  }

  /**
   * The rows `from .. to` of a block as one row group; none without rows. Throws if the block lacks a column or
   * has one of another type; the file is of no use then.
   */
  rowGroup(block: Block, from = 0, to: number = block.rows): void {
    if (this.#isFinished) throw new Error('a row group behind the footer');
    if (from < 0 || to > block.rows || from > to) {
      throw new Error(`rows ${from} to ${to} of a block of ${block.rows}`);
    }
    if (from === to) return;
    const columns = this.#shredder.shred(this.#fields, block, from, to);
    if (columns.length !== this.#leaves.length) {
      throw new Error(`${columns.length} columns for ${this.#leaves.length} leaves`);
    }
    const chunks = columns.map((column, i) => this.#chunks.write(this.#leaves[i].leaf, column, this.#file));
    this.#rowGroups.push({ rows: to - from, chunks });
  }

  /** Writes the offset indexes and the footer: the file is whole. */
  finish(): void {
    if (this.#isFinished) throw new Error('a second footer');
    this.#isFinished = true;
    const keyValues = new Map([...this.#metadata, [ARROW_SCHEMA_KEY, arrowSchemaText(this.#fields)]]);
    const { name } = this.#schema;
    const file = { name, fields: this.#fields, rowGroups: this.#rowGroups, keyValues };
    this.#file.write(writeTail(file, this.#file.position));
    this.#file.handOn();
  }
}

/** The bytes of a file on their way out. */
class FileBytes implements ChunkSink {
  readonly #pending = new ByteWriter();
  #handedOn = 0;

  constructor(private readonly to: (bytes: Uint8Array) => void) {}

  get position(): number {
    return this.#handedOn + this.#pending.length;
  }

  write(bytes: Uint8Array): void {
    this.#pending.raw(bytes);
    if (this.#pending.length >= BUFFERED_BYTES) this.handOn();
  }

  handOn(): void {
    const bytes = this.#pending.copy();
    this.#handedOn += bytes.length;
    this.#pending.clear();
    this.to(bytes);
  }
}
