/**
 * The files that a rewrite reads, cut into units: a row group, or a part of one that would fill the memory.
 */
import type { Block } from '../../../span/vector.ts';
import type { ColumnSource } from '../read/scan/column-source.ts';
import type { RewriteInput } from './rewrite-job.ts';
import type { RowGroups } from './row-groups.ts';

/** Of one unit, before compression, of a row group that is too large to be decoded whole. */
const UNIT_BYTES = 24 * 1024 * 1024;

/** Called with a file's path before each read of it, and with '' after it: a panic of the wasm says nothing. */
export type OnReading = (path: string) => void;

export interface Unit {
  readonly source: number;
  readonly rowGroup: number;
  /** Of the whole row group, before compression. */
  readonly plainBytes: number;
  /** Where in the row group the unit begins. */
  readonly offset: number;
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

export class Sources {
  /** By source and row. */
  readonly units: readonly Unit[];

  private constructor(
    readonly files: readonly RewriteInput[],
    units: readonly Unit[],
    private readonly firstUnits: readonly number[],
    private readonly rowGroups: RowGroups,
    private readonly onReading: OnReading,
  ) {
    this.units = units;
  }

  /** Throws when a file does not have the rows that its entry tells. */
  static async open(
    rowGroups: RowGroups,
    files: readonly RewriteInput[],
    onReading: OnReading,
  ): Promise<Sources> {
    const units: Unit[] = [];
    const firstUnits: number[] = [];
    for (const [source, file] of files.entries()) {
      firstUnits.push(units.length);
      onReading(file.path);
      units.push(...(await unitsOf(rowGroups, source, file)));
      onReading('');
    }
    return new Sources(files, units, firstUnits, rowGroups, onReading);
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
    return this.rowGroups.isKept(this.#rowGroupOf(unit));
  }

  /** Some columns of a unit's rows `from .. to` of the file, with the file's row that is the block's first. */
  columns<T>(
    unit: number,
    names: readonly string[],
    use: (block: Block, firstRow: number) => T,
    from: number = this.units[unit].firstRow,
    to: number = from + this.units[unit].rows,
  ): Promise<T> {
    return this.#read(unit, names, from, to, false, (source, firstRow) => {
      source.load(names, from - firstRow, to - firstRow);
      return use(source.block(names), firstRow);
    });
  }

  /**
   * All columns of a unit's rows `from .. to`: `use` gets them, to be loaded, and the file's row that is their first.
   * With `again` the unit is kept if it is worth that.
   */
  all(
    unit: number,
    { from, to }: { readonly from: number; readonly to: number },
    again: boolean,
    use: (source: ColumnSource, firstRow: number) => void,
  ): Promise<void> {
    return this.#read(unit, undefined, from, to, again, use);
  }

  #rowGroupOf(unit: number) {
    const { source, rowGroup, plainBytes } = this.units[unit];
    return { path: this.files[source].path, rowGroup, plainBytes };
  }

  async #read<T>(
    unit: number,
    names: readonly string[] | undefined,
    from: number,
    to: number,
    again: boolean,
    use: (source: ColumnSource, firstRow: number) => T,
  ): Promise<T> {
    const { offset, firstRow } = this.units[unit];
    const of = this.#rowGroupOf(unit);
    const ofRowGroup = firstRow - offset;
    const rows = { from: from - ofRowGroup, to: to - ofRowGroup };
    this.onReading(of.path);
    try {
      const value = await this.rowGroups.read(of, names, rows, again, (source, first) =>
        use(source, first + ofRowGroup),
      );
      this.onReading('');
      return value;
    } catch (error) {
      const message = messageOf(error);
      const reason = message.startsWith(`${of.path}: `) ? message.slice(of.path.length + 2) : message;
      throw new SourceError(of.path, `row group ${of.rowGroup}: ${reason}`, { cause: error });
    }
  }
}

async function unitsOf(rowGroups: RowGroups, source: number, file: RewriteInput): Promise<Unit[]> {
  const units: Unit[] = [];
  let firstRow = 0;
  for (const [rowGroup, { rows, plainBytes }] of (await sizesOf(rowGroups, file)).entries()) {
    const bytesPerRow = plainBytes / Math.max(1, rows);
    const parts =
      plainBytes <= rowGroups.maxWholeBytes ? 1 : Math.min(rows, Math.ceil(plainBytes / UNIT_BYTES));
    const partRows = Math.ceil(rows / Math.max(1, parts));
    for (let offset = 0; offset < rows; offset += partRows) {
      units.push({
        source,
        rowGroup,
        plainBytes,
        offset,
        firstRow: firstRow + offset,
        rows: Math.min(partRows, rows - offset),
        bytesPerRow,
      });
    }
    firstRow += rows;
  }
  if (firstRow !== file.rows)
    throw new SourceError(file.path, `${firstRow} rows, its entry tells ${file.rows}`);
  return units;
}

async function sizesOf(rowGroups: RowGroups, { path }: RewriteInput) {
  try {
    return await rowGroups.sizes(path);
  } catch (error) {
    throw new SourceError(path, messageOf(error), { cause: error });
  }
}

/** parquet-wasm throws strings now and then. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
