/** The footer and the offset indexes of a file of ours read back: what a read of single pages needs to know of it. */
import { CODECS } from './column-chunk.ts';
import { ENCODINGS } from './encodings.ts';
import { CONVERTED, REPETITIONS, TYPES } from './footer.ts';
import { readOffsetIndex } from './offset-index.ts';
import type { PageLocation } from './offset-index.ts';
import { leafPaths } from './schema.ts';
import type { Field, Leaf, LeafType } from './schema.ts';
import type { TailBytes } from './tail.ts';
import { ThriftReader } from './thrift-reader.ts';
import { THRIFT } from './thrift.ts';

/** The file is whole, but not laid out as ours are: another reader may know it. */
export class UnknownLayoutError extends Error {
  override readonly name = 'UnknownLayoutError';
}

export interface ChunkLocation {
  readonly codec: number;
  /** Of the data pages. */
  readonly encoding: number;
  readonly dictionaryOffset: number | undefined;
  readonly dataOffset: number;
  readonly bytes: number;
  readonly index: { readonly offset: number; readonly bytes: number };
  /** Nulls and empty lists count. */
  readonly slots: number;
  /** Undefined when the footer does not say. */
  readonly nulls: number | undefined;
  /** PLAIN, as statistics.ts makes them. */
  readonly bounds: { readonly min: Uint8Array; readonly max: Uint8Array } | undefined;
}

export interface RowGroupLocation {
  readonly rows: number;
  /** Of all columns, encoded but not compressed. */
  readonly plainBytes: number;
  /** By the order of the leaves. */
  readonly chunks: readonly ChunkLocation[];
}

export interface FileLayout {
  readonly fields: readonly Field[];
  readonly rowGroups: readonly RowGroupLocation[];
}

export function readLayout({ tail, footerFrom, footerEnd }: TailBytes): FileLayout {
  const thrift = new ThriftReader(tail, footerFrom, footerEnd);
  const elements: SchemaElement[] = [];
  const rowGroups: RowGroupLocation[] = [];
  thrift.struct((id, type) => {
    if (id === 2) thrift.list(() => elements.push(readElement(thrift)));
    else if (id === 4) thrift.list(() => rowGroups.push(readRowGroup(thrift)));
    else thrift.skip(type);
  });
  const fields = new SchemaTree(elements).fields();
  const leaves = leafPaths(fields).length;
  if (rowGroups.some(({ chunks }) => chunks.length !== leaves)) {
    throw new UnknownLayoutError(`row groups of other than ${leaves} columns`);
  }
  return { fields, rowGroups };
}

/** The data pages of a chunk. Throws RangeError unless they lie where the chunk does. */
export function readPages({ tail, position }: TailBytes, chunk: ChunkLocation, rows: number): PageLocation[] {
  const from = chunk.index.offset - position;
  if (from < 0 || from + chunk.index.bytes > tail.length)
    throw new RangeError('an index outside of the tail');
  const pages = readOffsetIndex(new ThriftReader(tail, from, from + chunk.index.bytes));
  const { offset, bytes, firstRow } = pages[pages.length - 1];
  const end = (chunk.dictionaryOffset ?? chunk.dataOffset) + chunk.bytes;
  if (pages[0].offset !== chunk.dataOffset || offset + bytes !== end || end > position || firstRow >= rows) {
    throw new RangeError(`pages from ${pages[0].offset} to ${offset + bytes}, their column to ${end}`);
  }
  return pages;
}

function readRowGroup(thrift: ThriftReader): RowGroupLocation {
  const chunks: ChunkLocation[] = [];
  let [rows, plainBytes] = [0, 0];
  thrift.struct((id, type) => {
    if (id === 1) thrift.list(() => chunks.push(readChunk(thrift)));
    else if (id === 2) plainBytes = thrift.size();
    else if (id === 3) rows = thrift.size();
    else thrift.skip(type);
  });
  return { rows, plainBytes, chunks };
}

function readChunk(thrift: ThriftReader): ChunkLocation {
  const encodings: number[] = [];
  const index = { offset: 0, bytes: 0 };
  let [codec, bytes, dataOffset, slots] = [0, 0, 0, 0];
  let dictionaryOffset: number | undefined;
  const found: { nulls?: number; min?: Uint8Array; max?: Uint8Array } = {};
  const statistics = (id: number, type: number) => {
    if (id === 3) found.nulls = thrift.size();
    else if (id === 5) found.max = thrift.binary();
    else if (id === 6) found.min = thrift.binary();
    else thrift.skip(type);
  };
  const metadata = (id: number, type: number) => {
    if (id === 2) thrift.list(() => encodings.push(thrift.int()));
    else if (id === 4) codec = thrift.int();
    else if (id === 5) slots = thrift.size();
    else if (id === 7) bytes = thrift.size();
    else if (id === 9) dataOffset = thrift.size();
    else if (id === 11) dictionaryOffset = thrift.size();
    else if (id === 12 && type === THRIFT.struct) thrift.struct(statistics);
    else thrift.skip(type);
  };
  thrift.struct((id, type) => {
    if (id === 3 && type === THRIFT.struct) thrift.struct(metadata);
    else if (id === 4) index.offset = thrift.size();
    else if (id === 5) index.bytes = thrift.size();
    else thrift.skip(type);
  });
  if (codec !== CODECS.none && codec !== CODECS.zstd) throw new UnknownLayoutError(`the codec ${codec}`);
  // One of its dictionary, one of its levels, one of its data; the writer names them in this order.
  const encoding = dictionaryOffset === undefined ? dataEncoding(encodings) : ENCODINGS.rleDictionary;
  const { nulls, min, max } = found;
  const bounds = min === undefined || max === undefined ? undefined : { min, max };
  return { codec, encoding, dictionaryOffset, dataOffset, bytes, index, slots, nulls, bounds };
}

function dataEncoding(encodings: readonly number[]): number {
  const encoding = encodings.find((each) => each !== ENCODINGS.rle);
  if (encoding !== ENCODINGS.plain && encoding !== ENCODINGS.deltaBinaryPacked) {
    throw new UnknownLayoutError(`the encodings ${encodings.join(' ')}`);
  }
  return encoding;
}

/** Of the flattened tree. */
interface SchemaElement {
  readonly name: string;
  readonly type: number | undefined;
  readonly width: number;
  readonly repetition: number;
  readonly children: number;
  readonly converted: number | undefined;
}

function readElement(thrift: ThriftReader): SchemaElement {
  let name = '';
  let [width, repetition, children] = [0, 0, 0];
  let type: number | undefined;
  let converted: number | undefined;
  thrift.struct((id, kind) => {
    if (id === 1) type = thrift.int();
    else if (id === 2) width = thrift.int();
    else if (id === 3) repetition = thrift.int();
    else if (id === 4) name = thrift.text();
    else if (id === 5) children = thrift.size();
    else if (id === 6) converted = thrift.int();
    else thrift.skip(kind);
  });
  return { name, type, width, repetition, children, converted };
}

/** The tree as `parquetFields` makes it; anything else is unknown. */
class SchemaTree {
  #at = 1;

  constructor(private readonly elements: readonly SchemaElement[]) {}

  fields(): Field[] {
    const fields = this.#siblings(this.elements[0]?.children ?? 0);
    if (this.#at !== this.elements.length) throw new UnknownLayoutError('a schema that is no tree');
    return fields;
  }

  #siblings(count: number): Field[] {
    const fields: Field[] = [];
    for (let i = 0; i < count; i++) fields.push(this.#field());
    return fields;
  }

  #field(): Field {
    const { name, converted, repetition, type, ...element } = this.#next();
    if (type !== undefined) return leafOf({ name, converted, repetition, type, ...element });
    if (repetition === REPETITIONS.required && converted === CONVERTED.map) {
      const entries = this.#next('repeated');
      return { kind: 'map', name, fields: this.#siblings(entries.children) };
    }
    if (repetition === REPETITIONS.required && converted === CONVERTED.list) {
      this.#next('repeated');
      return { kind: 'list', name, fields: this.#siblings(this.#next('required').children) };
    }
    throw new UnknownLayoutError(`the group ${name}`);
  }

  #next(repetition?: keyof typeof REPETITIONS): SchemaElement {
    const element = this.elements[this.#at++];
    if (element === undefined || (repetition && element.repetition !== REPETITIONS[repetition])) {
      throw new UnknownLayoutError(`element ${this.#at - 1} of the schema`);
    }
    return element;
  }
}

function leafOf(element: SchemaElement): Leaf {
  const type = leafType(element);
  const { name, repetition } = element;
  if (type === undefined || repetition === REPETITIONS.repeated) {
    throw new UnknownLayoutError(`the column ${name} of type ${element.type}`);
  }
  return { kind: 'leaf', name, type, optional: repetition === REPETITIONS.optional };
}

function leafType({ type, converted, width }: SchemaElement): LeafType | undefined {
  switch (type) {
    case TYPES.boolean:
      return 'bool';
    case TYPES.int32:
      if (converted === CONVERTED.uint8) return 'uint8';
      return converted === CONVERTED.uint32 ? 'uint32' : undefined;
    case TYPES.int64:
      return 'int64';
    case TYPES.double:
      return 'double';
    case TYPES.byteArray:
      return converted === CONVERTED.utf8 ? 'text' : undefined;
    case TYPES.fixed:
      if (width === 8) return 'id8';
      return width === 16 ? 'id16' : undefined;
    default:
      return undefined;
  }
}
