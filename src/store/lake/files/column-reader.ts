/**
 * Columns of row groups, decoded once and kept: what a scan asks twice is there the second time. One a reader
 * worker, under a budget of bytes; what is used least goes first.
 */
import { existsSync } from 'node:fs';
import { OpenedFile } from './checked-chunks.ts';
import { PageScratch } from './column-files.ts';
import type { ColumnFile, ColumnFiles, PageBytes } from './column-files.ts';
import { FlatColumn } from './column-flat.ts';
import type { ReadCost } from './column-flat.ts';
import { DictionaryTexts } from './column-dictionary.ts';
import { NestedColumn } from './column-nested.ts';
import type { TextDictionary } from '../../../span/vector.ts';
import type { LeafType } from './parquet/schema.ts';

/** Files that were merged away are let go of that often: to ask for 100 of them takes 0.2 ms. */
const SWEEP_MS = 10_000;

/** Columns of which it is remembered when they were asked for: 3 MB. */
const MAX_REMEMBERED = 16_384;

interface Kept {
  readonly path: string;
  readonly column: FlatColumn | NestedColumn | DictionaryTexts;
}

export class ColumnReader {
  /** Least recently used first. */
  readonly #kept = new Map<string, Kept>();
  readonly #scratch = new PageScratch();
  /** When each was asked for the last time, that first which was not for longest. */
  readonly #asked = new Map<string, number>();
  #asks = 0;
  #bytes = 0;
  #swept = performance.now();

  constructor(
    readonly files: ColumnFiles,
    /** Of memory, that it may keep. */
    public maxBytes: number,
  ) {}

  /** Of memory. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Keeps no more than so much from now on. Whether it lets go of something. */
  limit(maxBytes: number): boolean {
    this.maxBytes = maxBytes;
    const before = this.#bytes;
    for (const key of this.#kept.keys()) {
      if (this.#bytes <= maxBytes) break;
      this.#drop(key);
    }
    return this.#bytes < before;
  }

  /**
   * A row group open for reading; undefined when the file is not laid out as ours are. Whoever opens it closes it.
   * Throws when the file can't be read or is damaged.
   */
  open(path: string, rowGroup: number): OpenRowGroup | undefined {
    this.#sweep();
    const file = new OpenedFile(path);
    try {
      const known = this.files.of(path, file);
      if (known !== undefined) return this.of(file, known, rowGroup);
    } catch (error) {
      file.close();
      throw named(error, path, path);
    }
    file.close();
    return undefined;
  }

  /** A row group of a file that somebody else has open, and closes. */
  of(file: OpenedFile, known: ColumnFile, rowGroup: number): OpenRowGroup {
    return new OpenRowGroup(this, file, known, rowGroup, this.#scratch.of(file));
  }

  /** The column of that key; `make` it when it is not kept. */
  column<T extends Kept['column']>(
    key: string,
    path: string,
    isIt: (column: Kept['column']) => column is T,
    make: () => T,
  ): T {
    const before = this.#ask(key);
    const kept = this.#kept.get(key);
    if (kept !== undefined && isIt(kept.column)) {
      this.#kept.delete(key);
      this.#kept.set(key, kept);
      return kept.column;
    }
    const column = make();
    if (this.#makeRoom(column.bytes, before)) {
      this.#kept.set(key, { path, column });
      this.#bytes += column.bytes;
    }
    return column;
  }

  /**
   * Lets go of what was used last before the one that comes was asked for the last time. So a scan of more than the
   * budget, asked again and again, keeps most of what it has instead of pushing out each column right before its next
   * use; and what is asked for twice takes the place of what is no longer asked for at once.
   */
  #makeRoom(bytes: number, before: number): boolean {
    if (bytes > this.maxBytes) return false;
    let room = this.maxBytes - this.#bytes;
    const going: string[] = [];
    for (const [key, { column }] of this.#kept) {
      if (room >= bytes) break;
      if ((this.#asked.get(key) ?? 0) > before) return false;
      going.push(key);
      room += column.bytes;
    }
    for (const key of going) this.#drop(key);
    return true;
  }

  #drop(key: string): void {
    this.#bytes -= this.#kept.get(key)?.column.bytes ?? 0;
    this.#kept.delete(key);
  }

  /** When the column was asked for before, 0 if it was not; counted in columns. */
  #ask(key: string): number {
    const before = this.#asked.get(key) ?? 0;
    this.#asked.delete(key);
    this.#asked.set(key, ++this.#asks);
    if (this.#asked.size > MAX_REMEMBERED) {
      const [oldest] = this.#asked.keys();
      this.#asked.delete(oldest);
    }
    return before;
  }

  /** A path is never used again for another file, so what is gone is gone for ever. */
  #sweep(): void {
    const now = performance.now();
    if (now - this.#swept < SWEEP_MS) return;
    this.#swept = now;
    const paths = new Set([...this.#kept.values()].map(({ path }) => path));
    const gone = new Set([...paths].filter((path) => !existsSync(path)));
    for (const [key, { path }] of this.#kept) {
      if (gone.has(path)) this.#drop(key);
    }
  }
}

const isFlat = (column: Kept['column']) => column instanceof FlatColumn;
const isTexts = (column: Kept['column']) => column instanceof DictionaryTexts;
const isNested = (column: Kept['column']) => column instanceof NestedColumn;

/** One row group of an open file. */
export class OpenRowGroup {
  readonly rows: number;
  /** So far, by this scan. */
  readonly cost: ReadCost = { bytes: 0, hits: 0, misses: 0 };
  /** Held while the row group is open, whatever the cache lets go of. */
  readonly #flat = new Map<string, FlatColumn>();
  readonly #nested = new Map<string, NestedColumn>();

  constructor(
    private readonly reader: ColumnReader,
    private readonly file: OpenedFile,
    private readonly known: ColumnFile,
    private readonly rowGroup: number,
    private readonly bytes: PageBytes,
  ) {
    const group = known.layout.rowGroups[rowGroup];
    if (group === undefined) {
      throw new RangeError(`${known.path} has ${known.layout.rowGroups.length} row groups, no ${rowGroup}`);
    }
    this.rows = group.rows;
  }

  /** Of memory, of the columns that it holds. */
  get heldBytes(): number {
    let bytes = 0;
    for (const { bytes: own, values } of this.#flat.values()) {
      const texts =
        values.kind === 'coded' && values.dictionary.kind === 'text' ? values.dictionary.texts : undefined;
      bytes += own + (texts === undefined ? 0 : texts.bytes.byteLength + texts.offsets.byteLength);
    }
    for (const column of this.#nested.values()) bytes += column.bytes;
    return bytes;
  }

  /** The columns of a block of all that the file has: letters of types are part of their map. */
  get blockNames(): string[] {
    const types = new Set([...this.known.fields.values()].map((field) => field.types?.field.name));
    return [...this.known.fields.keys()].filter((name) => !types.has(name));
  }

  has(name: string): boolean {
    return this.known.fields.has(name);
  }

  /** Undefined when it is no column at the top of the tree. */
  leafType(name: string): LeafType | undefined {
    const field = this.known.fields.get(name)?.field;
    return field?.kind === 'leaf' ? field.type : undefined;
  }

  /** A column at the top of the tree; undefined when it is none, or not in the file. */
  flat(name: string): FlatColumn | undefined {
    const before = this.#flat.get(name);
    if (before !== undefined) return before;
    const field = this.known.fields.get(name);
    if (field === undefined || field.field.kind !== 'leaf') return undefined;
    const [leaf] = field.leaves;
    const column = this.#named(name, () =>
      this.reader.column(this.#key(leaf.index), this.known.path, isFlat, () => {
        const texts = leaf.leaf.type === 'text' ? this.texts(leaf.index) : undefined;
        return new FlatColumn(this.bytes, this.known, this.rowGroup, leaf, this.cost, texts);
      }),
    );
    this.#flat.set(name, column);
    return column;
  }

  /** A map or a list. */
  nested(name: string): NestedColumn | undefined {
    const before = this.#nested.get(name);
    if (before !== undefined) return before;
    const field = this.known.fields.get(name);
    if (field === undefined || field.field.kind === 'leaf') return undefined;
    const column = this.#named(name, () =>
      this.reader.column(this.#key(field.leaves[0].index), this.known.path, isNested, () => {
        return new NestedColumn(this.bytes, this.known, this.rowGroup, field, this.cost);
      }),
    );
    this.#nested.set(name, column);
    return column;
  }

  /**
   * The texts among which the keys or values of a map, or of the attributes in a list, are; undefined when there is
   * no such column, or no dictionary of it.
   */
  mapTexts(name: string, part: 'key' | 'value'): TextDictionary | undefined {
    const field = this.known.fields.get(name);
    if (field === undefined || field.field.kind === 'leaf') return undefined;
    const leaf = field.leaves.find((each) => each.leaf.name === part && each.leaf.type === 'text');
    return leaf && this.#named(name, () => this.texts(leaf.index));
  }

  /** The dictionary of a leaf of texts; undefined when it has none. */
  texts(leaf: number): TextDictionary | undefined {
    const chunk = this.known.layout.rowGroups[this.rowGroup].chunks[leaf];
    return this.reader.column(`${this.#key(leaf)} texts`, this.known.path, isTexts, () => {
      return new DictionaryTexts(this.bytes, chunk, this.cost);
    }).texts;
  }

  /** Reads the pages of a flat column that have the rows `from .. to`. */
  load(name: string, column: FlatColumn, from: number, to: number): void {
    this.#named(name, () => column.load(this.bytes, from, to, this.cost));
  }

  /** Least and largest of an int64 column, signed, as the footer has them. */
  bounds(name: string): { min: bigint; max: bigint } | undefined {
    const leaf = this.known.fields.get(name)?.leaves[0];
    if (leaf?.leaf.type !== 'int64' || leaf.depth > 0) return undefined;
    const { bounds, nulls } = this.known.layout.rowGroups[this.rowGroup].chunks[leaf.index];
    if (bounds?.min.length !== 8 || bounds.max.length !== 8 || nulls !== 0) return undefined;
    return { min: int64Of(bounds.min), max: int64Of(bounds.max) };
  }

  close(): void {
    this.file.close();
  }

  #key(leaf: number): string {
    return `${this.file.identity} ${this.known.path} ${this.rowGroup} ${leaf}`;
  }

  #named<T>(name: string, work: () => T): T {
    try {
      return work();
    } catch (error) {
      const { path } = this.known;
      throw named(error, path, `${path}: row group ${this.rowGroup}: ${name}`);
    }
  }
}

/** What the system says of a file names it already. */
function named(error: unknown, path: string, place: string): unknown {
  if (!(error instanceof RangeError) || error.message.startsWith(path)) return error;
  return new RangeError(`${place}: ${error.message}`, { cause: error });
}

function int64Of(bytes: Uint8Array): bigint {
  return new DataView(bytes.buffer, bytes.byteOffset).getBigInt64(0, true);
}
