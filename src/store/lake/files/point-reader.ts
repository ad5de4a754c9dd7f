/**
 * Few rows of a row group as a block: of each column only the pages that hold them, of its dictionary only the
 * values they use. Ten rows of all columns cost half of what the reader of whole row groups takes, rows far
 * apart a quarter (docs/adr/009-point-reads.md). Files that ours did not write are left to that one.
 */
import type { Block, TextDictionary } from '../../../span/vector.ts';
import type { OpenedFile } from './checked-chunks.ts';
import { ColumnFiles, isAlwaysEmpty } from './column-files.ts';
import type { ColumnFile, FieldOfFile } from './column-files.ts';
import type { ColumnReader, OpenRowGroup } from './column-reader.ts';
import type { BlockUse } from './parquet-reader.ts';
import { ENCODINGS } from './parquet/encodings.ts';
import { readPages } from './parquet/footer-reader.ts';
import type { ChunkLocation } from './parquet/footer-reader.ts';
import { LeafReader, LevelsMemo, rowsWithoutValues } from './parquet/leaf-reader.ts';
import type { LeafRows, OpenPage } from './parquet/leaf-reader.ts';
import { openPage } from './parquet/page-open.ts';
import { rangesOf, rangesWithin } from './parquet/ranges.ts';
import type { Range } from './parquet/ranges.ts';
import type { Leaf } from './parquet/schema.ts';
import { unshred } from './parquet/unshred.ts';

/** Less between two pages is read along: a read costs 2 us, which is what copying this much does. */
const MAX_GAP_BYTES = 16_384;

/** Smaller dictionaries are read again each time: a decompressed kilobyte costs half a microsecond. */
const LARGE_DICTIONARY_BYTES = 2048;

interface PagePlan extends Range {
  /** Rows of the page, and those that are wanted, counted from its first. */
  readonly rows: number;
  readonly ranges: readonly Range[];
}

/** What is read of a leaf. Ranges are of bytes of the file. */
interface LeafPlan {
  readonly leaf: Leaf;
  readonly depth: number;
  readonly chunk: ChunkLocation;
  /** Of a large dictionary, which is kept. */
  readonly texts: TextDictionary | undefined;
  readonly dictionary: Range | undefined;
  readonly pages: readonly PagePlan[];
}

export class PointReader {
  /** With a reader of columns, large dictionaries are kept there: to read one takes a third of the time of ten rows. */
  constructor(
    private readonly files: ColumnFiles = new ColumnFiles(),
    private readonly columns?: ColumnReader,
  ) {}

  /**
   * The given rows of a row group, ascending, as a block of its own: row i of it is `rows[i]`. Of the named columns
   * those that the file has; undefined means all. Undefined when the file has no checksums or a layout that
   * is not ours. Throws when it can't be read or is damaged.
   */
  block(
    path: string,
    rowGroup: number,
    names: readonly string[] | undefined,
    rows: Uint32Array,
  ): BlockUse<Block> | undefined {
    try {
      return this.files.use(path, (file, known) => {
        const group = this.columns?.of(file, known, rowGroup);
        return readRows(file, known, rowGroup, names, rows, group);
      });
    } catch (error) {
      // What the system says of a file names it already.
      if (!(error instanceof RangeError) || error.message.startsWith(path)) throw error;
      throw new RangeError(`${path}: row group ${rowGroup}: ${error.message}`, { cause: error });
    }
  }
}

function readRows(
  file: OpenedFile,
  { tail, layout, fields: known }: ColumnFile,
  rowGroup: number,
  names: readonly string[] | undefined,
  rows: Uint32Array,
  kept: OpenRowGroup | undefined,
): BlockUse<Block> {
  const group = layout.rowGroups[rowGroup];
  if (group === undefined) throw new RangeError(`one of ${layout.rowGroups.length}`);
  const ranges = rangesOf(rows);
  if ((ranges[ranges.length - 1]?.to ?? 0) > group.rows) {
    throw new RangeError(`row ${rows[rows.length - 1]} of ${group.rows}`);
  }
  const wanted = wantedOf(known, names);
  const levels = new LevelsMemo();
  const plans = wanted.flatMap((column) => {
    const isEmpty = isAlwaysEmpty(column, group);
    return column.leaves.map(({ leaf, depth, index }): LeafPlan => {
      const chunk = group.chunks[index];
      if (isEmpty) return { leaf, depth, chunk, texts: undefined, dictionary: undefined, pages: [] };
      const pages = readPages(tail, chunk, group.rows);
      const planned = pages.flatMap(({ offset, bytes, firstRow }, i): PagePlan[] => {
        const end = pages[i + 1]?.firstRow ?? group.rows;
        const within = rangesWithin(ranges, firstRow, end);
        if (within.length === 0) return [];
        return [{ from: offset, to: offset + bytes, rows: end - firstRow, ranges: within }];
      });
      const { dictionaryOffset, dataOffset } = chunk;
      const isLarge =
        dictionaryOffset !== undefined && dataOffset - dictionaryOffset >= LARGE_DICTIONARY_BYTES;
      const texts = isLarge && leaf.type === 'text' ? kept?.texts(index) : undefined;
      const dictionary =
        dictionaryOffset === undefined || texts !== undefined
          ? undefined
          : { from: dictionaryOffset, to: dataOffset };
      return { leaf, depth, chunk, texts, dictionary, pages: planned };
    });
  });
  const bytes = new RangesOfFile(
    file,
    plans.flatMap(({ dictionary, pages }) => [...(dictionary ? [dictionary] : []), ...pages]),
  );
  const columns = unshred(
    wanted.map(({ field }) => field),
    plans.map((plan) => readLeaf(plan, bytes, rows.length, levels)),
    rows.length,
  );
  return { value: { rows: rows.length, columns }, bytes: bytes.count };
}

function readLeaf(
  { leaf, depth, chunk, texts, dictionary, pages }: LeafPlan,
  bytes: RangesOfFile,
  rows: number,
  levels: LevelsMemo,
): LeafRows {
  if (pages.length === 0 && rows > 0) return rowsWithoutValues(leaf, depth, rows);
  const open = (range: Range): OpenPage => openPage(bytes.of(range), chunk.codec);
  const reader = new LeafReader(leaf, depth, chunk.encoding, levels);
  for (const page of pages) reader.page(open(page), page.rows, page.ranges);
  const own = dictionary && open(dictionary);
  if (own && (own.header.kind !== 'dictionary' || own.header.encoding !== ENCODINGS.plain)) {
    throw new RangeError('no dictionary where it should be');
  }
  return reader.rows(own, texts);
}

/** The fields of that name; attributes with the types that stand behind them. */
function wantedOf(
  all: ReadonlyMap<string, FieldOfFile>,
  names: readonly string[] | undefined,
): readonly FieldOfFile[] {
  if (names === undefined) return [...all.values()];
  const wanted = new Set(names);
  for (const name of names) {
    const types = all.get(name)?.types?.field.name;
    if (types !== undefined) wanted.add(types);
  }
  return [...all.values()].filter(({ field }) => wanted.has(field.name));
}

/** Ranges of a file's bytes, neighbours read at once. */
class RangesOfFile {
  readonly #reads: { readonly from: number; readonly bytes: Uint8Array }[] = [];
  /** Of the ranges. */
  readonly count: number;

  constructor(file: OpenedFile, ranges: readonly Range[]) {
    this.count = ranges.reduce((sum, { from, to }) => sum + to - from, 0);
    const joined: { from: number; to: number }[] = [];
    for (const { from, to } of ranges.toSorted((a, b) => a.from - b.from)) {
      const last = joined[joined.length - 1];
      if (to < from || to > file.bytes) throw new RangeError(`bytes ${from} to ${to} of ${file.bytes}`);
      if (last !== undefined && from - last.to <= MAX_GAP_BYTES) last.to = Math.max(last.to, to);
      else joined.push({ from, to });
    }
    for (const { from, to } of joined) this.#reads.push({ from, bytes: file.read(from, to - from) });
  }

  of({ from, to }: Range): Uint8Array {
    const read = this.#reads.findLast((each) => each.from <= from);
    if (read === undefined) throw new RangeError(`bytes from ${from} were not read`);
    return read.bytes.subarray(from - read.from, to - read.from);
  }
}
