/** What stands at the end of a Parquet file: its tree of fields, its row groups, and where their columns are. */
import type { ByteWriter } from './bytes.ts';
import type { ChunkMetadata } from './column-chunk.ts';
import { leafPaths } from './schema.ts';
import type { Field, Leaf, LeafType } from './schema.ts';
import { THRIFT, ThriftWriter } from './thrift.ts';

export const MAGIC = Uint8Array.from(Buffer.from('PAR1'));

const FORMAT_VERSION = 2;

/** By the numbers of the Parquet specification, here and below. */
export const TYPES = { boolean: 0, int32: 1, int64: 2, double: 5, byteArray: 6, fixed: 7 } as const;
export const REPETITIONS = { required: 0, optional: 1, repeated: 2 } as const;
export const CONVERTED = { utf8: 0, map: 1, list: 3, uint8: 11, uint32: 13 } as const;
const LOGICAL = { string: 1, map: 2, list: 3, integer: 10 } as const;

export interface PlacedChunk {
  readonly chunk: ChunkMetadata;
  /** Where its offset index is. */
  readonly index: { readonly offset: number; readonly bytes: number };
}

interface RowGroupMetadata {
  readonly rows: number;
  /** By the order of the leaves. */
  readonly chunks: readonly PlacedChunk[];
}

export interface FileMetadata {
  readonly name: string;
  readonly fields: readonly Field[];
  readonly rowGroups: readonly RowGroupMetadata[];
  readonly keyValues: ReadonlyMap<string, string>;
}

/** The footer with its length and the magic bytes behind it. */
export function writeFooter(out: ByteWriter, file: FileMetadata): void {
  const start = out.length;
  const thrift = new ThriftWriter(out);
  const leaves = leafPaths(file.fields);
  thrift.struct(() => {
    thrift.int32Field(1, FORMAT_VERSION);
    const elements = [rootElement(file), ...file.fields.flatMap(elementsOf)];
    thrift.listField(2, THRIFT.struct, elements, (write) => thrift.struct(() => write(thrift)));
    thrift.int64Field(
      3,
      file.rowGroups.reduce((sum, group) => sum + group.rows, 0),
    );
    thrift.listField(4, THRIFT.struct, file.rowGroups, (group) => writeRowGroup(thrift, group, leaves));
    thrift.listField(5, THRIFT.struct, [...file.keyValues], ([key, value]) =>
      thrift.struct(() => {
        thrift.textField(1, key);
        thrift.textField(2, value);
      }),
    );
    thrift.textField(6, 'spanlake');
    // The order of each leaf's type: without it readers distrust the bounds of texts and ids.
    thrift.listField(7, THRIFT.struct, leaves, () => thrift.struct(() => thrift.emptyField(1)));
  });
  out.uint32(out.length - start);
  out.raw(MAGIC);
}

/** The fields of one element of the flattened tree. */
type Element = (thrift: ThriftWriter) => void;

function rootElement({ name, fields }: FileMetadata): Element {
  return (thrift) => {
    thrift.textField(4, name);
    thrift.int32Field(5, fields.length);
  };
}

function elementsOf(field: Field): Element[] {
  if (field.kind === 'leaf') return [leafElement(field)];
  const fields = field.fields.flatMap(elementsOf);
  const count = field.fields.length;
  switch (field.kind) {
    case 'map':
      return [
        groupElement(field.name, 'required', 1, 'map'),
        groupElement('entries', 'repeated', count),
        ...fields,
      ];
    case 'list':
      return [
        groupElement(field.name, 'required', 1, 'list'),
        groupElement('list', 'repeated', 1),
        groupElement('element', 'required', count),
        ...fields,
      ];
  }
}

function groupElement(
  name: string,
  repetition: keyof typeof REPETITIONS,
  children: number,
  meaning?: 'map' | 'list',
): Element {
  return (thrift) => {
    thrift.int32Field(3, REPETITIONS[repetition]);
    thrift.textField(4, name);
    thrift.int32Field(5, children);
    if (meaning === undefined) return;
    thrift.int32Field(6, CONVERTED[meaning]);
    thrift.structField(10, () => thrift.emptyField(LOGICAL[meaning]));
  };
}

function leafElement({ name, type, optional }: Leaf): Element {
  return (thrift) => {
    thrift.int32Field(1, physicalType(type));
    if (type === 'id8' || type === 'id16') thrift.int32Field(2, type === 'id8' ? 8 : 16);
    thrift.int32Field(3, optional ? REPETITIONS.optional : REPETITIONS.required);
    thrift.textField(4, name);
    if (type === 'text') {
      thrift.int32Field(6, CONVERTED.utf8);
      thrift.structField(10, () => thrift.emptyField(LOGICAL.string));
    } else if (type === 'uint8' || type === 'uint32') {
      thrift.int32Field(6, CONVERTED[type]);
      thrift.structField(10, () =>
        thrift.structField(LOGICAL.integer, () => {
          thrift.byteField(1, type === 'uint8' ? 8 : 32);
          thrift.boolField(2, false);
        }),
      );
    }
  };
}

function physicalType(type: LeafType): number {
  switch (type) {
    case 'uint8':
    case 'uint32':
      return TYPES.int32;
    case 'int64':
      return TYPES.int64;
    case 'double':
      return TYPES.double;
    case 'bool':
      return TYPES.boolean;
    case 'id8':
    case 'id16':
      return TYPES.fixed;
    case 'text':
      return TYPES.byteArray;
  }
}

type LeafPaths = ReturnType<typeof leafPaths>;

function writeRowGroup(thrift: ThriftWriter, { rows, chunks }: RowGroupMetadata, leaves: LeafPaths): void {
  const sum = (of: (chunk: ChunkMetadata) => number) =>
    chunks.reduce((total, { chunk }) => total + of(chunk), 0);
  thrift.struct(() => {
    const paired = chunks.map((placed, i) => ({ placed, leaf: leaves[i] }));
    thrift.listField(1, THRIFT.struct, paired, ({ placed, leaf }) => writeChunk(thrift, placed, leaf));
    thrift.int64Field(
      2,
      sum((chunk) => chunk.uncompressedBytes),
    );
    thrift.int64Field(3, rows);
    thrift.int64Field(5, firstOffset(chunks[0].chunk));
    thrift.int64Field(
      6,
      sum((chunk) => chunk.compressedBytes),
    );
  });
}

function firstOffset(chunk: ChunkMetadata): number {
  return chunk.dictionaryOffset ?? chunk.pages[0].offset;
}

function writeChunk(
  thrift: ThriftWriter,
  { chunk, index }: PlacedChunk,
  { leaf, path }: LeafPaths[number],
): void {
  thrift.struct(() => {
    // Where the metadata stands a second time: nowhere.
    thrift.int64Field(2, 0);
    thrift.structField(3, () => {
      thrift.int32Field(1, physicalType(leaf.type));
      thrift.listField(2, THRIFT.int32, chunk.encodings, (encoding) => thrift.int(encoding));
      thrift.listField(3, THRIFT.binary, path, (name) => thrift.text(name));
      thrift.int32Field(4, chunk.codec);
      thrift.int64Field(5, chunk.slots);
      thrift.int64Field(6, chunk.uncompressedBytes);
      thrift.int64Field(7, chunk.compressedBytes);
      thrift.int64Field(9, chunk.pages[0].offset);
      if (chunk.dictionaryOffset !== undefined) thrift.int64Field(11, chunk.dictionaryOffset);
      const { nulls, bounds } = chunk.statistics;
      thrift.structField(12, () => {
        thrift.int64Field(3, nulls);
        if (bounds === undefined) return;
        thrift.binaryField(5, bounds.max);
        thrift.binaryField(6, bounds.min);
      });
    });
    thrift.int64Field(4, index.offset);
    thrift.int32Field(5, index.bytes);
  });
}
