/**
 * Row groups of a rewrite's inputs as sources of columns. Files of ours are decoded page by page, as searches read them
 * (read/scan/column-row-group.ts): a third of what parquet-wasm takes, and no memory that never shrinks.
 * That reads what other programs wrote, and row groups so large that they are read in parts.
 */
import type { Block } from '../../../span/vector.ts';
import { ColumnFiles } from '../files/column-files.ts';
import { ColumnReader } from '../files/column-reader.ts';
import type { OpenRowGroup } from '../files/column-reader.ts';
import type { ParquetReader, RowGroupSize, RowSpan } from '../files/parquet-reader.ts';
import { ArrayPool } from '../read/scan/column-arrays.ts';
import { RowGroupSource } from '../read/scan/column-row-group.ts';
import { BlockSource } from '../read/scan/column-source.ts';
import type { ColumnSource } from '../read/scan/column-source.ts';

/** Before compression, of a row group that is decoded whole: as large as a merge makes them. */
const MAX_WHOLE_BYTES = 48 * 1024 * 1024;

/** Of all row groups kept. Inputs that overlap in time are read side by side, a row group of each. */
const KEPT_BYTES = 48 * 1024 * 1024;

export interface RowGroupOf {
  readonly path: string;
  readonly rowGroup: number;
  readonly plainBytes: number;
}

export class RowGroups {
  /** Keeps nothing by itself: which row groups will be asked again, the merge knows. */
  readonly #columns = new ColumnReader(new ColumnFiles(), 0);
  readonly #arrays = new ArrayPool();
  /** Least recently used first. */
  readonly #kept = new Map<string, OpenRowGroup>();
  #keptBytes = 0;

  /** `foreign`: the reader of other programs' files, made when it is first asked for. */
  constructor(
    private readonly foreign: () => Promise<ParquetReader>,
    readonly maxWholeBytes: number = MAX_WHOLE_BYTES,
  ) {}

  async sizes(path: string): Promise<readonly RowGroupSize[]> {
    const sizes = this.#columns.files.use(path, (_, known) => known.layout.rowGroups);
    return sizes ?? (await this.foreign()).rowGroupSizes(path);
  }

  isKept({ path, rowGroup }: RowGroupOf): boolean {
    return this.#kept.has(keyOf(path, rowGroup));
  }

  /**
   * Calls `use` with a source of those named columns that the file has, undefined means all, and the row of the row
   * group that is its first; of the rows `from .. to` it has what is asked of it. It is a view: `use` is synchronous
   * and keeps nothing of it. With `again` what was decoded is kept if it is worth that.
   */
  async read<T>(
    of: RowGroupOf,
    names: readonly string[] | undefined,
    { from, to }: { readonly from: number; readonly to: number },
    again: boolean,
    use: (source: ColumnSource, firstRow: number) => T,
  ): Promise<T> {
    const group = of.plainBytes > this.maxWholeBytes ? undefined : this.#opened(of);
    if (group === undefined) return this.#readForeign(of, names, { from, count: to - from }, use);
    let isToKeep = false;
    const source = new RowGroupSource(group, names, this.#arrays);
    try {
      const value = use(source, 0);
      isToKeep = again;
      return value;
    } finally {
      source.close();
      if (isToKeep) this.#keep(keyOf(of.path, of.rowGroup), group);
      else group.close();
    }
  }

  close(): void {
    for (const group of this.#kept.values()) group.close();
    this.#kept.clear();
  }

  /** Taken out of what is kept. Undefined when the file is not laid out as ours are. */
  #opened({ path, rowGroup }: RowGroupOf): OpenRowGroup | undefined {
    const key = keyOf(path, rowGroup);
    const kept = this.#kept.get(key);
    if (kept === undefined) return this.#columns.open(path, rowGroup);
    this.#kept.delete(key);
    this.#keptBytes -= kept.heldBytes;
    return kept;
  }

  async #readForeign<T>(
    { path, rowGroup }: RowGroupOf,
    names: readonly string[] | undefined,
    span: RowSpan,
    use: (source: ColumnSource, firstRow: number) => T,
  ): Promise<T> {
    const reader = await this.foreign();
    const whole = (block: Block) => use(new BlockSource(block), span.from);
    return (await reader.withBlock(path, rowGroup, names, whole, span)).value;
  }

  #keep(key: string, group: OpenRowGroup): void {
    this.#kept.set(key, group);
    this.#keptBytes += group.heldBytes;
    for (const [oldest, old] of this.#kept) {
      if (this.#keptBytes <= KEPT_BYTES) break;
      old.close();
      this.#kept.delete(oldest);
      this.#keptBytes -= old.heldBytes;
    }
  }
}

function keyOf(path: string, rowGroup: number): string {
  return `${rowGroup} ${path}`;
}
