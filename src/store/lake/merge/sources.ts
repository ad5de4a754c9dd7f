/**
 * The files that a rewrite reads, cut into units: a row group, or a part of one that would fill the memory.
 * Keeps decoded units that will be asked again, within a bound; reads the others once more.
 */
import type { Block, Vector } from '../../../span/vector.ts';
import type { ParquetReader, RowSpan } from '../files/parquet-reader.ts';
import type { RewriteInput } from './rewrite-job.ts';

/** Of one unit, before compression. A row group of 262,144 reference spans has 17 MB. */
const UNIT_BYTES = 24 * 1024 * 1024;

/** Of all units kept. Inputs that overlap in time are read side by side, a unit of each. */
const KEPT_BYTES = 48 * 1024 * 1024;

/** A read of few rows costs 10 ms where the whole unit costs 40, but it is not kept. */
const FEW_ROWS_SHARE = 0.25;

/** Called with a file's path before each read of it, and with '' after it: a panic of the wasm says nothing. */
export type OnReading = (path: string) => void;

export interface Unit {
  readonly source: number;
  readonly rowGroup: number;
  /** Undefined: the row group as a whole. */
  readonly part: RowSpan | undefined;
  /** In the file. */
  readonly firstRow: number;
  readonly rows: number;
  /** A row's share of the unit's bytes before compression. */
  readonly bytesPerRow: number;
}

/** A file could not be read; `path` says which. */
export class SourceError extends Error {
  override readonly name = 'SourceError';

  constructor(
    readonly path: string,
    reason: string,
    options?: ErrorOptions,
  ) {
    super(`${path}: ${reason}`, options);
  }
}

interface Kept {
  readonly block: Block;
  readonly bytes: number;
}

export class Sources {
  /** By source and row. */
  readonly units: readonly Unit[];
  /** Least recently used first. */
  readonly #kept = new Map<number, Kept>();
  #keptBytes = 0;

  private constructor(
    readonly files: readonly RewriteInput[],
    units: readonly Unit[],
    private readonly firstUnits: readonly number[],
    private readonly reader: ParquetReader,
    private readonly onReading: OnReading,
  ) {
    this.units = units;
  }

  /** Throws when a file does not have the rows that its entry tells. */
  static async open(
    reader: ParquetReader,
    files: readonly RewriteInput[],
    onReading: OnReading,
  ): Promise<Sources> {
    const units: Unit[] = [];
    const firstUnits: number[] = [];
    for (const [source, file] of files.entries()) {
      firstUnits.push(units.length);
      onReading(file.path);
      units.push(...(await unitsOf(reader, source, file)));
      onReading('');
    }
    return new Sources(files, units, firstUnits, reader, onReading);
  }

  firstUnit(source: number): number {
    return this.firstUnits[source] ?? this.units.length;
  }

  /** The unit in which a row of a file stands. */
  unitAt(source: number, row: number): number {
    let from = this.firstUnit(source);
    let to = this.firstUnit(source + 1) - 1;
    while (from < to) {
      const middle = (from + to + 1) >>> 1;
      if (this.units[middle].firstRow <= row) from = middle;
      else to = middle - 1;
    }
    return from;
  }

  isKept(unit: number): boolean {
    return this.#kept.has(unit);
  }

  /** Some columns of a unit's rows `from` to `to` of the file; row `from` is the block's first. */
  async columns<T>(
    unit: number,
    names: readonly string[],
    use: (block: Block) => T,
    from: number = this.units[unit].firstRow,
    to: number = from + this.units[unit].rows,
  ): Promise<T> {
    return this.#read(unit, names, from, to, use);
  }

  /**
   * All columns of a unit. `use` gets a block and the file's row that is its first; the block reaches at
   * least from row `from` to row `to`. With `again` the unit is kept if it is worth that.
   */
  async all(
    unit: number,
    from: number,
    to: number,
    again: boolean,
    use: (block: Block, firstRow: number) => void,
  ): Promise<void> {
    const { firstRow, rows } = this.units[unit];
    const kept = this.#kept.get(unit);
    if (kept) {
      this.#drop(unit, kept);
      use(kept.block, firstRow);
      if (again) this.#keep(unit, kept);
      return;
    }
    if (to - from < rows * FEW_ROWS_SHARE) {
      await this.#read(unit, undefined, from, to, (block) => use(block, from));
      return;
    }
    await this.#read(unit, undefined, firstRow, firstRow + rows, (block) => {
      use(block, firstRow);
      if (!again) return;
      const own = owned(block);
      this.#keep(unit, { block: own, bytes: bytesOf(own) });
    });
  }

  async #read<T>(
    unit: number,
    names: readonly string[] | undefined,
    from: number,
    to: number,
    use: (block: Block) => T,
  ): Promise<T> {
    const { source, rowGroup, part, firstRow, rows } = this.units[unit];
    const { path } = this.files[source];
    const whole = part === undefined && from === firstRow && to === firstRow + rows;
    const span = whole ? undefined : { from: (part?.from ?? 0) + from - firstRow, count: to - from };
    this.onReading(path);
    try {
      const { value } = await this.reader.withBlock(path, rowGroup, names, use, span);
      this.onReading('');
      return value;
    } catch (error) {
      throw new SourceError(path, `row group ${rowGroup}: ${messageOf(error)}`, { cause: error });
    }
  }

  #keep(unit: number, kept: Kept): void {
    this.#kept.set(unit, kept);
    this.#keptBytes += kept.bytes;
    for (const [oldest, block] of this.#kept) {
      if (this.#keptBytes <= KEPT_BYTES) break;
      this.#drop(oldest, block);
    }
  }

  #drop(unit: number, kept: Kept): void {
    this.#kept.delete(unit);
    this.#keptBytes -= kept.bytes;
  }
}

async function unitsOf(reader: ParquetReader, source: number, file: RewriteInput): Promise<Unit[]> {
  const units: Unit[] = [];
  let firstRow = 0;
  for (const [rowGroup, { rows, plainBytes }] of (await sizesOf(reader, file)).entries()) {
    const bytesPerRow = plainBytes / Math.max(1, rows);
    const parts = Math.min(rows, Math.ceil(plainBytes / UNIT_BYTES));
    const partRows = Math.ceil(rows / Math.max(1, parts));
    for (let from = 0; from < rows; from += partRows) {
      const part = { from, count: Math.min(partRows, rows - from) };
      units.push({
        source,
        rowGroup,
        part: parts > 1 ? part : undefined,
        firstRow: firstRow + from,
        rows: part.count,
        bytesPerRow,
      });
    }
    firstRow += rows;
  }
  if (firstRow !== file.rows)
    throw new SourceError(file.path, `${firstRow} rows, its entry tells ${file.rows}`);
  return units;
}

async function sizesOf(reader: ParquetReader, { path }: RewriteInput) {
  try {
    return await reader.rowGroupSizes(path);
  } catch (error) {
    throw new SourceError(path, messageOf(error), { cause: error });
  }
}

/** parquet-wasm throws strings now and then. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** A copy that outlives the reader's memory; texts that several columns share are copied once. */
function owned(block: Block): Block {
  const copies = new Map<object, unknown>();
  const copy = <T>(value: T): T => {
    if (typeof value !== 'object' || value === null) return value;
    const known = copies.get(value);
    if (known !== undefined) return known as T;
    const made = ArrayBuffer.isView(value)
      ? (value as unknown as Uint8Array).slice()
      : Object.fromEntries(Object.entries(value).map(([key, field]) => [key, copy<unknown>(field)]));
    copies.set(value, made);
    return made as T;
  };
  const columns = new Map<string, Vector>();
  for (const [name, vector] of block.columns) columns.set(name, copy(vector));
  return { rows: block.rows, columns };
}

function bytesOf(value: unknown): number {
  if (ArrayBuffer.isView(value)) return value.byteLength;
  if (value instanceof Map) return [...value.values()].reduce<number>((sum, one) => sum + bytesOf(one), 0);
  if (typeof value !== 'object' || value === null) return 0;
  return Object.values(value).reduce<number>((sum, field) => sum + bytesOf(field), 0);
}
