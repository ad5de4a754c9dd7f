/**
 * One column of a row group at the top of the tree, as far as its pages were read: what a scan looks at and what the
 * cache keeps. Dictionary codes stay codes, in an array as narrow as the dictionary allows.
 */
import type { TextDictionary } from '../../../span/vector.ts';
import { isWithoutValues } from './column-files.ts';
import type { ColumnFile, LeafOfFile, PageBytes } from './column-files.ts';
import { decodePage } from './column-pages.ts';
import type { PageSink } from './column-pages.ts';
import type { ChunkLocation } from './parquet/footer-reader.ts';
import { readPages } from './parquet/footer-reader.ts';
import { ENCODINGS } from './parquet/encodings.ts';
import type { PageLocation } from './parquet/offset-index.ts';
import { codeArray } from './parquet/page-codes.ts';
import type { CodeArray } from './parquet/page-codes.ts';
import { openPage } from './parquet/page-open.ts';
import { PLAIN_BYTES } from './parquet/page-values.ts';
import { TextPages } from './parquet/page-texts.ts';
import type { LeafType } from './parquet/schema.ts';

/** Distinct values, by their codes. */
export type ColumnDictionary =
  | { readonly kind: 'text'; readonly count: number; readonly texts: TextDictionary }
  /** `bytes`: `width` a value, little endian. */
  | { readonly kind: 'plain'; readonly count: number; readonly width: number; readonly bytes: Uint8Array };

export type ColumnValues =
  /** `missing` is the code of a null, the dictionary's count; no row has it unless `hasMissing`. */
  | {
      readonly kind: 'coded';
      readonly codes: CodeArray;
      readonly dictionary: ColumnDictionary;
      readonly missing: number;
      readonly hasMissing: boolean;
    }
  /** Two words a row: int64 and double. */
  | { readonly kind: 'words'; readonly words: Uint32Array; readonly valid: Uint8Array | undefined }
  /** One word a row: uint32, and int64 of which the footer says that all fit into one. */
  | { readonly kind: 'narrow'; readonly words: Uint32Array }
  /** `width` bytes a row: ids, booleans, small integers. */
  | {
      readonly kind: 'bytes';
      readonly width: 1 | 8 | 16;
      readonly bytes: Uint8Array;
      readonly valid: Uint8Array | undefined;
    };

/** What reading cost. */
export interface ReadCost {
  bytes: number;
  /** Pages of columns that were there already, and that were read. */
  hits: number;
  misses: number;
}

export class FlatColumn {
  readonly type: LeafType;
  readonly values: ColumnValues;
  /** Of memory. */
  readonly bytes: number;
  readonly #chunk: ChunkLocation;
  readonly #pages: readonly PageLocation[];
  readonly #loaded: Uint8Array;
  /** By page: the code that all its rows have, plus one; 0 where they differ. */
  readonly #constants: Uint32Array;
  readonly #rows: number;
  readonly #isOptional: boolean;
  #left: number;

  /** Reads the dictionary; that of texts is `texts`, undefined when they have none. */
  constructor(
    file: PageBytes,
    known: ColumnFile,
    rowGroup: number,
    { leaf, index }: LeafOfFile,
    cost: ReadCost,
    texts: TextDictionary | undefined,
  ) {
    const group = known.layout.rowGroups[rowGroup];
    const chunk = group.chunks[index];
    this.type = leaf.type;
    this.#chunk = chunk;
    this.#rows = group.rows;
    this.#pages = isWithoutValues(chunk) ? NO_PAGES : readPages(known.tail, chunk, group.rows);
    this.#loaded = new Uint8Array(this.#pages.length);
    this.#constants = new Uint32Array(this.#pages.length);
    this.#left = this.#pages.length;
    this.#isOptional = leaf.optional;
    const nulls = leaf.optional && chunk.nulls !== 0;
    if (isWithoutValues(chunk)) {
      this.values = valuesFor(leaf.type, NO_VALUES, group.rows, true);
      this.#fillMissing();
    } else if (texts !== undefined) {
      const dictionary = { kind: 'text', count: texts.count, texts } as const;
      this.values = valuesFor('text', dictionary, group.rows, nulls);
    } else if (leaf.type === 'text') {
      this.values = this.#readTexts(file, cost);
    } else if (isNarrow(leaf.type, chunk) && chunk.encoding !== ENCODINGS.rleDictionary) {
      this.values = { kind: 'narrow', words: new Uint32Array(group.rows) };
    } else this.values = valuesFor(leaf.type, this.#readDictionary(file, cost), group.rows, nulls);
    this.bytes = memoryOf(this.values, texts);
  }

  /** Reads what is lacking of the pages that have the rows `from .. to`. */
  load(file: PageBytes, from: number, to: number, cost: ReadCost): void {
    const pages = this.#pages;
    if (this.#left === 0) {
      cost.hits++;
      return;
    }
    for (let page = this.#pageOf(from); page < pages.length && pages[page].firstRow < to; page++) {
      if (this.#loaded[page] === 1) {
        cost.hits++;
        continue;
      }
      cost.misses++;
      this.#load(file, page, cost);
    }
  }

  get isWhole(): boolean {
    return this.#left === 0;
  }

  /** The code that all rows of `from .. to` have, if it is known to be one. The rows are loaded. */
  constantIn(from: number, to: number): number | undefined {
    const page = this.#pageOf(from);
    const end = this.#pages[page + 1]?.firstRow ?? this.#rows;
    return this.#constants[page] > 0 && to <= end ? this.#constants[page] - 1 : undefined;
  }

  #pageOf(row: number): number {
    const pages = this.#pages;
    let [low, high] = [0, pages.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (pages[middle].firstRow <= row) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  #load(file: PageBytes, page: number, cost: ReadCost): void {
    const { offset, bytes, firstRow } = this.#pages[page];
    const end = this.#pages[page + 1]?.firstRow ?? this.#rows;
    const { codec, encoding } = this.#chunk;
    const open = openPage(file.read(offset, bytes), codec);
    if (
      open.header.kind !== 'data' ||
      open.header.encoding !== encoding ||
      open.header.slots !== end - firstRow
    ) {
      throw new RangeError(
        `a page of ${open.header.slots} ${open.header.encoding} for ${end - firstRow} rows`,
      );
    }
    const isOptional = this.#isOptional;
    const sink: PageSink = {
      type: this.type,
      values: this.values,
      firstRow,
      rows: end - firstRow,
      isOptional,
    };
    const constant = decodePage(open.body, encoding, sink);
    if (constant !== undefined) this.#constants[page] = constant + 1;
    cost.bytes += bytes;
    this.#loaded[page] = 1;
    this.#left--;
  }

  #readDictionary(file: PageBytes, cost: ReadCost): ColumnDictionary | undefined {
    const { dictionaryOffset, dataOffset, codec } = this.#chunk;
    if (dictionaryOffset === undefined) return undefined;
    const { header, body } = openPage(file.read(dictionaryOffset, dataOffset - dictionaryOffset), codec);
    cost.bytes += dataOffset - dictionaryOffset;
    if (header.kind !== 'dictionary' || header.encoding !== ENCODINGS.plain) {
      throw new RangeError('no dictionary where it should be');
    }
    const count = header.slots;
    if (this.type === 'bool' || this.type === 'text') throw new RangeError(`no dictionary of ${this.type}`);
    const width = PLAIN_BYTES[this.type];
    if (body.length !== count * width) throw new RangeError(`${count} values in ${body.length} bytes`);
    // Of its own memory: the body may be a part of more that was read.
    return { kind: 'plain', count, width, bytes: body.slice() };
  }

  /** Texts without a dictionary: each row has one of its own. */
  #readTexts(file: PageBytes, cost: ReadCost): ColumnValues {
    const texts = new TextPages(this.#rows, this.#isOptional);
    for (const [page, { offset, bytes, firstRow }] of this.#pages.entries()) {
      const end = this.#pages[page + 1]?.firstRow ?? this.#rows;
      const { header, body } = openPage(file.read(offset, bytes), this.#chunk.codec);
      if (header.kind !== 'data' || header.encoding !== ENCODINGS.plain || header.slots !== end - firstRow) {
        throw new RangeError(`a page of ${header.slots} ${header.encoding} for ${end - firstRow} rows`);
      }
      texts.add(body, firstRow, end - firstRow);
      cost.bytes += bytes;
      cost.misses++;
    }
    this.#loaded.fill(1);
    this.#left = 0;
    return texts.values();
  }

  #fillMissing(): void {
    const { values } = this;
    if (values.kind === 'coded') values.codes.fill(values.missing);
    this.#loaded.fill(1);
    this.#constants.fill(values.kind === 'coded' ? values.missing + 1 : 0);
    this.#left = 0;
  }
}

/** True when no value needs more than the lower of its two words: durations below 4.3 s. */
function isNarrow(type: LeafType, { bounds, nulls }: ChunkLocation): boolean {
  if (type !== 'int64' || nulls !== 0 || bounds?.min.length !== 8 || bounds.max.length !== 8) return false;
  return [bounds.min, bounds.max].every((bound) => bound.subarray(4).every((byte) => byte === 0));
}

/** What has no value is there without reading. */
const NO_PAGES: readonly PageLocation[] = [{ offset: 0, bytes: 0, firstRow: 0 }];

const NO_VALUES: ColumnDictionary = { kind: 'plain', count: 0, width: 0, bytes: new Uint8Array(0) };
const NO_TEXTS: ColumnDictionary = {
  kind: 'text',
  count: 0,
  texts: { count: 0, offsets: new Uint32Array(1), bytes: new Uint8Array(0) },
};

function valuesFor(
  type: LeafType,
  dictionary: ColumnDictionary | undefined,
  rows: number,
  nulls: boolean,
): ColumnValues {
  if (dictionary !== undefined && type !== 'bool') {
    const own = dictionary === NO_VALUES && type === 'text' ? NO_TEXTS : dictionary;
    const codes = codeArray(rows, own.count);
    return { kind: 'coded', codes, dictionary: own, missing: own.count, hasMissing: nulls };
  }
  const valid = nulls ? new Uint8Array((rows + 7) >>> 3) : undefined;
  switch (type) {
    case 'int64':
    case 'double':
      return { kind: 'words', words: new Uint32Array(rows * 2), valid };
    case 'uint32':
      return { kind: 'narrow', words: new Uint32Array(rows) };
    case 'uint8':
    case 'bool':
      return { kind: 'bytes', width: 1, bytes: new Uint8Array(rows), valid };
    case 'id8':
      return { kind: 'bytes', width: 8, bytes: new Uint8Array(rows * 8), valid: undefined };
    case 'id16':
      return { kind: 'bytes', width: 16, bytes: new Uint8Array(rows * 16), valid: undefined };
    case 'text':
      throw new RangeError('texts without a dictionary');
  }
}

/** `shared`: what is counted elsewhere. */
function memoryOf(values: ColumnValues, shared: TextDictionary | undefined): number {
  switch (values.kind) {
    case 'coded': {
      const { dictionary, codes } = values;
      if (dictionary.kind === 'text' && dictionary.texts === shared) return codes.byteLength;
      const own =
        dictionary.kind === 'text'
          ? dictionary.texts.bytes.byteLength + dictionary.texts.offsets.byteLength
          : dictionary.bytes.byteLength;
      return codes.byteLength + own;
    }
    case 'words':
      return values.words.byteLength + (values.valid?.byteLength ?? 0);
    case 'narrow':
      return values.words.byteLength;
    case 'bytes':
      return values.bytes.byteLength + (values.valid?.byteLength ?? 0);
  }
}
