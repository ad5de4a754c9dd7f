/**
 * Few rows of a row group as a block: of each column only the pages that hold them, of its dictionary only the
 * values they use. Ten rows of all columns cost half of what the reader of whole row groups takes, rows far
 * apart a quarter (docs/adr/009-point-reads.md). Files that ours did not write are left to that one.
 */
import type { Block } from '../../../span/vector.ts';
import { withFile } from './checked-chunks.ts';
import type { OpenedFile } from './checked-chunks.ts';
import type { BlockUse } from './parquet-reader.ts';
import { CODECS } from './parquet/column-chunk.ts';
import { ENCODINGS } from './parquet/encodings.ts';
import { UnknownLayoutError, readLayout, readPages } from './parquet/footer-reader.ts';
import type { ChunkLocation, FileLayout } from './parquet/footer-reader.ts';
import { LeafReader } from './parquet/leaf-reader.ts';
import type { OpenPage } from './parquet/leaf-reader.ts';
import { readPage } from './parquet/page-header.ts';
import { rangesOf, rangesWithin } from './parquet/ranges.ts';
import type { Range } from './parquet/ranges.ts';
import { leafPaths } from './parquet/schema.ts';
import type { Field, Leaf } from './parquet/schema.ts';
import { readTail } from './parquet/tail.ts';
import type { TailBytes } from './parquet/tail.ts';
import { unshred } from './parquet/unshred.ts';

/** A footer takes 0.1 MB for 60 columns x 8 row groups. */
const MAX_KNOWN_FILES = 32;

/** Less between two pages is read along: a read costs 2 us, which is what copying this much does. */
const MAX_GAP_BYTES = 16_384;

/** What is known of a file; without a layout another reader must read it. */
interface KnownFile {
  readonly bytes: number;
  readonly ours: { readonly tail: TailBytes; readonly layout: FileLayout } | undefined;
}

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
  readonly dictionary: Range | undefined;
  readonly pages: readonly PagePlan[];
}

export class PointReader {
  /** Least recently used first. */
  readonly #files = new Map<string, KnownFile>();

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
      return withFile(path, (file) => {
        const { ours } = this.#known(path, file);
        return ours && readRows(file, ours, rowGroup, names, rows);
      });
    } catch (error) {
      // What the system says of a file names it already.
      if (!(error instanceof RangeError) || error.message.startsWith(path)) throw error;
      throw new RangeError(`${path}: row group ${rowGroup}: ${error.message}`, { cause: error });
    }
  }

  #known(path: string, file: OpenedFile): KnownFile {
    const before = this.#files.get(path);
    const known = before?.bytes === file.bytes ? before : { bytes: file.bytes, ours: openTail(file) };
    this.#files.delete(path);
    this.#files.set(path, known);
    for (const oldest of this.#files.keys()) {
      if (this.#files.size <= MAX_KNOWN_FILES) break;
      this.#files.delete(oldest);
    }
    return known;
  }
}

function openTail(file: OpenedFile): KnownFile['ours'] {
  const tail = readTail(file.bytes, (from, count) => file.read(from, count));
  if (tail === undefined) return undefined;
  try {
    return { tail, layout: readLayout(tail) };
  } catch (error) {
    if (error instanceof UnknownLayoutError) return undefined;
    throw error;
  }
}

function readRows(
  file: OpenedFile,
  { tail, layout }: NonNullable<KnownFile['ours']>,
  rowGroup: number,
  names: readonly string[] | undefined,
  rows: Uint32Array,
): BlockUse<Block> {
  const group = layout.rowGroups[rowGroup];
  if (group === undefined) throw new RangeError(`one of ${layout.rowGroups.length}`);
  const ranges = rangesOf(rows);
  if ((ranges[ranges.length - 1]?.to ?? 0) > group.rows) {
    throw new RangeError(`row ${rows[rows.length - 1]} of ${group.rows}`);
  }
  const { fields, leaves } = wantedOf(layout.fields, names);
  const plans = leaves.map(({ leaf, depth, index }): LeafPlan => {
    const chunk = group.chunks[index];
    const pages = readPages(tail, chunk, group.rows);
    const planned = pages.flatMap(({ offset, bytes, firstRow }, i): PagePlan[] => {
      const end = pages[i + 1]?.firstRow ?? group.rows;
      const within = rangesWithin(ranges, firstRow, end);
      if (within.length === 0) return [];
      return [{ from: offset, to: offset + bytes, rows: end - firstRow, ranges: within }];
    });
    const { dictionaryOffset } = chunk;
    const dictionary =
      dictionaryOffset === undefined ? undefined : { from: dictionaryOffset, to: chunk.dataOffset };
    return { leaf, depth, chunk, dictionary, pages: planned };
  });
  const bytes = new RangesOfFile(
    file,
    plans.flatMap(({ dictionary, pages }) => [...(dictionary ? [dictionary] : []), ...pages]),
  );
  const columns = unshred(
    fields,
    plans.map((plan) => readLeaf(plan, bytes)),
    rows.length,
  );
  return { value: { rows: rows.length, columns }, bytes: bytes.count };
}

function readLeaf({ leaf, depth, chunk, dictionary, pages }: LeafPlan, bytes: RangesOfFile) {
  const open = (range: Range): OpenPage => openPage(bytes.of(range), chunk.codec);
  const reader = new LeafReader(leaf, depth, chunk.encoding);
  for (const page of pages) reader.page(open(page), page.rows, page.ranges);
  const own = dictionary && open(dictionary);
  if (own && (own.header.kind !== 'dictionary' || own.header.encoding !== ENCODINGS.plain)) {
    throw new RangeError('no dictionary where it should be');
  }
  return reader.rows(own);
}

function openPage(bytes: Uint8Array, codec: number): OpenPage {
  const { header, stored } = readPage(bytes);
  // A call costs 3 us, that of node:zlib 25; what is decompressed had the right checksum.
  const body = codec === CODECS.none ? stored : Bun.zstdDecompressSync(stored);
  if (body.length !== header.rawBytes) {
    throw new RangeError(`a page of ${header.rawBytes} bytes gave ${body.length}`);
  }
  return { header, body };
}

interface WantedLeaf {
  readonly leaf: Leaf;
  readonly depth: number;
  /** Among all leaves of the file. */
  readonly index: number;
}

/** The fields of that name; attributes with the types that stand behind them. */
function wantedOf(
  all: readonly Field[],
  names: readonly string[] | undefined,
): { fields: Field[]; leaves: WantedLeaf[] } {
  const wanted = names && new Set(names);
  const fields: Field[] = [];
  const leaves: WantedLeaf[] = [];
  let index = 0;
  let before: Field | undefined;
  for (const field of all) {
    const own = leafPaths([field]);
    const isTypes = before?.kind === 'map' && before === fields[fields.length - 1];
    if (!wanted || wanted.has(field.name) || isTypes) {
      fields.push(field);
      own.forEach(({ leaf }, i) => leaves.push({ leaf, depth: depthIn(field, leaf), index: index + i }));
    }
    index += own.length;
    before = field;
  }
  return { fields, leaves };
}

/** In how many lists and maps of the field the leaf stands. */
function depthIn(field: Field, leaf: Leaf): number {
  if (field.kind === 'leaf') return field === leaf ? 0 : Number.NaN;
  for (const child of field.fields) {
    const depth = depthIn(child, leaf);
    if (!Number.isNaN(depth)) return depth + 1;
  }
  return Number.NaN;
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
