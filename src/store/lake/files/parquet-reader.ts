/**
 * Parquet files as blocks, one row group at a time. Runs in reader workers only: a panic of the wasm
 * never settles, so whoever calls must be stoppable from outside (read/workers/worker-pool.ts).
 */
import initWasm, { ParquetFile, wasmMemory } from 'parquet-wasm/esm/parquet_wasm.js';
import wasmPath from 'parquet-wasm/esm/parquet_wasm_bg.wasm' with { type: 'file' };
import type { ColumnType, TableSchema } from '../../../span/schema.ts';
import type { Block, Vector } from '../../../span/vector.ts';
import { readArrowArray } from './ffi.ts';
import { typesColumn, vectorOf } from './parquet-vectors.ts';

/** An opened file holds its footer in wasm memory: 0.1 to 1 MB for 200 columns x 30 row groups. */
const MAX_OPEN_FILES = 32;

/** The compiled module, to be posted to a worker: compiling costs 100 ms, instantiating 2 ms. */
export async function compileParquetWasm(): Promise<WebAssembly.Module> {
  const bytes = await Bun.file(wasmPath).bytes();
  // The compiled binary carries it compressed (.scripts/compile.mjs).
  const isCompressed = new DataView(bytes.buffer).getUint32(0, true) === ZSTD_MAGIC;
  return WebAssembly.compile(isCompressed ? Bun.zstdDecompressSync(bytes) : bytes);
}

const ZSTD_MAGIC = 0xfd2fb528;

export async function initParquet(module: WebAssembly.Module): Promise<void> {
  await initWasm({ module_or_path: module });
}

/** Bytes of the wasm memory: it grows and never shrinks. */
export function parquetMemoryBytes(): number {
  return wasmMemory().buffer.byteLength;
}

interface OpenFile {
  readonly file: ParquetFile;
  /** Top-level columns in the file's order. */
  readonly columns: readonly string[];
  readonly rowGroups: readonly RowGroup[];
}

export interface RowGroupSize {
  readonly rows: number;
  /** Of all columns, encoded but not compressed. */
  readonly plainBytes: number;
}

interface RowGroup extends RowGroupSize {
  /** Compressed bytes by top-level column. */
  readonly bytes: ReadonlyMap<string, number>;
}

export interface BlockUse<T> {
  readonly value: T;
  /** Compressed bytes read. */
  readonly bytes: number;
}

/** Neighbouring rows of a row group. */
export interface RowSpan {
  readonly from: number;
  readonly count: number;
}

export class ParquetReader {
  readonly #types: ReadonlyMap<string, ColumnType>;
  /** Least recently used first. */
  readonly #open = new Map<string, OpenFile>();

  constructor(schema: TableSchema) {
    this.#types = new Map(schema.columns.map((column) => [column.name, column.type]));
  }

  async rowGroupRows(path: string): Promise<number[]> {
    return (await this.#opened(path)).rowGroups.map((group) => group.rows);
  }

  async rowGroupSizes(path: string): Promise<readonly RowGroupSize[]> {
    return (await this.#opened(path)).rowGroups;
  }

  /** Lets go of all files: one that is made anew under its old name is read anew. */
  close(): void {
    for (const { file } of this.#open.values()) file.free();
    this.#open.clear();
  }

  /**
   * Calls `use` with the row group's block of those named columns that the file has; undefined means all.
   * The block is a view over wasm memory: `use` is synchronous and keeps nothing of it. With `span` it has
   * only these rows: ten rows of all columns cost 10 ms, where the whole row group costs 40.
   */
  async withBlock<T>(
    path: string,
    rowGroup: number,
    names: readonly string[] | undefined,
    use: (block: Block) => T,
    span?: RowSpan,
  ): Promise<BlockUse<T>> {
    const open = await this.#opened(path);
    const group = open.rowGroups[rowGroup];
    if (!group) throw new Error(`${path} has ${open.rowGroups.length} row groups, no ${rowGroup}`);
    const columns = this.#columnsToRead(open, names);
    const rows = span?.count ?? group.rows;
    if (span && span.from + span.count > group.rows) {
      throw new Error(`${path}: row group ${rowGroup} has ${group.rows} rows, not ${span.from + span.count}`);
    }
    // parquet-wasm takes an empty list for "all"; a block without columns needs none of it.
    if (columns.length === 0) return { value: use({ rows, columns: new Map() }), bytes: 0 };
    const part = span ? { offset: span.from, limit: span.count } : {};
    const table = await open.file.read({ columns, rowGroups: [rowGroup], batchSize: rows, ...part });
    const stream = table.intoFFI();
    try {
      if (stream.numArrays() !== 1) {
        throw new Error(`${path}: row group ${rowGroup} came in ${stream.numArrays()} batches`);
      }
      const block = this.#block(stream.arrayAddr(0), stream.schemaAddr(), rows, path);
      let bytes = 0;
      for (const name of columns) bytes += group.bytes.get(name) ?? 0;
      return { value: use(block), bytes };
    } finally {
      stream.free();
    }
  }

  #columnsToRead(open: OpenFile, names: readonly string[] | undefined): string[] {
    if (!names) return [...open.columns];
    const wanted = new Set<string>();
    for (const name of names) {
      wanted.add(name);
      if (this.#types.get(name) === 'attributes') wanted.add(typesColumn(name));
    }
    return open.columns.filter((name) => wanted.has(name));
  }

  #block(array: number, schema: number, rows: number, path: string): Block {
    const memory = wasmMemory().buffer;
    const root = readArrowArray(memory, array, schema);
    if (root.length !== rows || root.offset !== 0) {
      throw new Error(`${path}: a batch has ${root.length} rows from ${root.offset}, its row group ${rows}`);
    }
    const siblings = new Map(root.children.map((child) => [child.name, child]));
    const columns = new Map<string, Vector>();
    for (const child of root.children) {
      columns.set(child.name, vectorOf(memory, child, this.#types.get(child.name), siblings));
    }
    return { rows, columns };
  }

  async #opened(path: string): Promise<OpenFile> {
    const known = this.#open.get(path);
    if (known) {
      this.#open.delete(path);
      this.#open.set(path, known);
      return known;
    }
    const opened = await openFile(path);
    this.#open.set(path, opened);
    for (const [oldest, { file }] of this.#open) {
      if (this.#open.size <= MAX_OPEN_FILES) break;
      this.#open.delete(oldest);
      file.free();
    }
    return opened;
  }
}

async function openFile(path: string): Promise<OpenFile> {
  const blob = Bun.file(path);
  // Shorter than magic, footer length, and magic: asking the wasm for such a file panics.
  if (blob.size < 12) throw new Error(`${path} has ${blob.size} bytes: no Parquet file`);
  const file = await ParquetFile.fromFile(blob);
  const metadata = file.metadata();
  const columns = new Set<string>();
  const rowGroups: RowGroup[] = [];
  for (const group of metadata.rowGroups()) {
    const bytes = new Map<string, number>();
    for (const chunk of group.columns()) {
      const name = chunk.columnPath()[0];
      columns.add(name);
      bytes.set(name, (bytes.get(name) ?? 0) + chunk.compressedSize());
      chunk.free();
    }
    rowGroups.push({ rows: group.numRows(), plainBytes: group.totalByteSize(), bytes });
    group.free();
  }
  metadata.free();
  return { file, columns: [...columns], rowGroups };
}
