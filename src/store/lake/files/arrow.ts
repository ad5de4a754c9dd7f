/**
 * Vectors as Arrow data, by schema: one Arrow record batch a file. From typed arrays only: Arrow's
 * builders take a microsecond a value. Dictionaries keep just the texts that the file uses.
 */
import {
  Bool,
  Dictionary,
  Field,
  FixedSizeBinary,
  Float64,
  Int32,
  Int64,
  List,
  Map_,
  RecordBatch,
  Schema,
  Struct,
  Table,
  Uint32,
  Uint8,
  Utf8,
  makeData,
  makeVector,
} from 'apache-arrow';
import type { Data } from 'apache-arrow';
import { Interner } from '../../../span/interner.ts';
import type { Column, TableSchema } from '../../../span/schema.ts';
import { TYPE_LETTERS } from '../../../span/value.ts';
import { NULL_CODE } from '../../../span/vector.ts';
import type {
  AttributesVector,
  Block,
  ListVector,
  TextDictionary,
  Validity,
  Vector,
} from '../../../span/vector.ts';
import type { PromotedColumn } from './file-entry.ts';

interface ArrowColumn {
  readonly field: Field;
  readonly data: Data;
}

/** The columns of the schema in its order, each attribute column followed by its types, then the promoted. */
export function arrowTable(block: Block, schema: TableSchema, promoted: readonly PromotedColumn[]): Table {
  const columns = schema.columns.flatMap((column) =>
    arrowColumns(column, typesColumn(column.name), vectorOf(block, column.name), block.rows),
  );
  for (const { name } of promoted) columns.push(plainColumn(name, vectorOf(block, name), block.rows));
  const type = new Struct(columns.map((column) => column.field));
  const children = columns.map((column) => column.data);
  const data = makeData({ type, length: block.rows, nullCount: 0, children });
  return new Table([new RecordBatch(new Schema(type.children), data)]);
}

/** `span_attributes` has its types in `span_attribute_types`, an event's `attributes` in `attribute_types`. */
export function typesColumn(name: string): string {
  return name.replace(/attributes$/, 'attribute_types');
}

function vectorOf(block: Block, name: string): Vector {
  const vector = block.columns.get(name);
  if (vector === undefined) throw new Error(`a block without the column ${name}`);
  return vector;
}

function arrowColumns(column: Column, typesName: string, vector: Vector, rows: number): ArrowColumn[] {
  if (vector.kind === 'attributes') return attributeColumns(column.name, typesName, vector, rows);
  if (vector.kind === 'list') return [listColumn(column, vector, rows)];
  return [plainColumn(column.name, vector, rows)];
}

function plainColumn(name: string, vector: Vector, rows: number): ArrowColumn {
  switch (vector.kind) {
    case 'int64': {
      const data = new BigInt64Array(vector.words.buffer, vector.words.byteOffset, rows);
      return column(
        name,
        makeData({ type: new Int64(), length: rows, data, ...nulls(vector.valid, rows) }),
        vector.valid,
      );
    }
    case 'uint32':
      return column(name, makeData({ type: new Uint32(), length: rows, data: vector.values, nullCount: 0 }));
    case 'uint8':
      return column(name, makeData({ type: new Uint8(), length: rows, data: vector.values, nullCount: 0 }));
    case 'float64': {
      const data = makeData({
        type: new Float64(),
        length: rows,
        data: vector.values,
        ...nulls(vector.valid, rows),
      });
      return column(name, data, vector.valid);
    }
    case 'bool': {
      const data = makeData({
        type: new Bool(),
        length: rows,
        data: bits(vector.values),
        ...nulls(vector.valid, rows),
      });
      return column(name, data, vector.valid);
    }
    case 'fixed': {
      const type = new FixedSizeBinary(vector.width);
      const valid = nonZero(vector.bytes, vector.width, rows);
      return {
        field: new Field(name, type, true),
        data: makeData({ type, length: rows, data: vector.bytes, ...nulls(valid, rows) }),
      };
    }
    case 'text':
      return textColumn(name, vector.codes, vector.dictionary);
    case 'attributes':
    case 'list':
      throw new Error(`${name}: ${vector.kind} is no plain column`);
  }
}

function column(name: string, data: Data, valid?: Validity): ArrowColumn {
  return { field: new Field(name, data.type, valid !== undefined), data };
}

function nulls(valid: Validity, rows: number): { nullCount: number; nullBitmap?: Uint8Array } {
  if (valid === undefined) return { nullCount: 0 };
  let present = 0;
  for (let row = 0; row < rows; row++) present += (valid[row >>> 3] >>> (row & 7)) & 1;
  return present === rows ? { nullCount: 0 } : { nullCount: rows - present, nullBitmap: valid };
}

/** One byte a row to one bit a row. */
function bits(values: Uint8Array): Uint8Array {
  const out = new Uint8Array((values.length + 7) >>> 3);
  for (let row = 0; row < values.length; row++) if (values[row] !== 0) out[row >>> 3] |= 1 << (row & 7);
  return out;
}

/** Ids of zeros are nulls: a root span has no parent. */
function nonZero(bytes: Uint8Array, width: number, rows: number): Uint8Array {
  const valid = new Uint8Array((rows + 7) >>> 3);
  for (let row = 0; row < rows; row++) {
    const from = row * width;
    for (let i = from; i < from + width; i++) {
      if (bytes[i] === 0) continue;
      valid[row >>> 3] |= 1 << (row & 7);
      break;
    }
  }
  return valid;
}

function textColumn(name: string, codes: Uint32Array, dictionary: TextDictionary): ArrowColumn {
  let nullCount = 0;
  const valid = new Uint8Array((codes.length + 7) >>> 3);
  for (let row = 0; row < codes.length; row++) {
    if (codes[row] === NULL_CODE) nullCount++;
    else valid[row >>> 3] |= 1 << (row & 7);
  }
  const { data, type } = textData(
    codes,
    dictionary,
    nullCount === 0 ? undefined : { nullCount, nullBitmap: valid },
  );
  return { field: new Field(name, type, nullCount > 0), data };
}

/** Codes renamed in the order of their first use, with just the texts used. */
function textData(
  codes: Uint32Array,
  dictionary: TextDictionary,
  missing: { nullCount: number; nullBitmap: Uint8Array } = { nullCount: 0, nullBitmap: new Uint8Array(0) },
): { type: Dictionary; data: Data } {
  const renamed = new Int32Array(dictionary.count).fill(-1);
  const used: number[] = [];
  const keys = new Int32Array(codes.length);
  for (let row = 0; row < codes.length; row++) {
    const code = codes[row];
    if (code === NULL_CODE) continue;
    if (renamed[code] < 0) renamed[code] = used.push(code) - 1;
    keys[row] = renamed[code];
  }
  const type = new Dictionary(new Utf8(), new Int32());
  const { nullCount, nullBitmap } = missing;
  const data = makeData({
    type,
    length: codes.length,
    nullCount,
    ...(nullCount > 0 ? { nullBitmap } : {}),
    data: keys,
    dictionary: makeVector(texts(dictionary, used)),
  });
  return { type, data };
}

function texts(dictionary: TextDictionary, codes: readonly number[]): Data<Utf8> {
  const valueOffsets = new Int32Array(codes.length + 1);
  codes.forEach((code, i) => {
    valueOffsets[i + 1] = valueOffsets[i] + dictionary.offsets[code + 1] - dictionary.offsets[code];
  });
  const data = new Uint8Array(valueOffsets[codes.length]);
  codes.forEach((code, i) => {
    data.set(
      dictionary.bytes.subarray(dictionary.offsets[code], dictionary.offsets[code + 1]),
      valueOffsets[i],
    );
  });
  return makeData({ type: new Utf8(), length: codes.length, nullCount: 0, valueOffsets, data });
}

/** A map of texts, and beside it the letters of its values' types. */
function attributeColumns(
  name: string,
  typesName: string,
  vector: AttributesVector,
  rows: number,
): ArrowColumn[] {
  const { offsets, pairs } = expanded(vector, rows);
  const keys = pairs.map((pair) => vector.keys[pair]);
  const values = pairs.map((pair) => vector.values[pair]);
  const key = textData(keys, vector.keyDictionary);
  const value = textData(values, vector.valueDictionary);
  const entry = new Struct([new Field('key', key.type, false), new Field('value', value.type, false)]);
  const type = new Map_(new Field('entries', entry, false) as never, false);
  const child = makeData({
    type: entry,
    length: pairs.length,
    nullCount: 0,
    children: [key.data, value.data],
  });
  const map = makeData({
    type,
    length: rows,
    nullCount: 0,
    valueOffsets: new Int32Array(offsets.buffer, offsets.byteOffset, rows + 1),
    child: child as never,
  });
  const letters = typeLetters(vector.types, offsets, pairs, rows);
  return [
    { field: new Field(name, type, false), data: map as Data },
    textColumn(typesName, letters.codes, letters.dictionary),
  ];
}

/** The lists row by row, as pairs. */
function expanded(vector: AttributesVector, rows: number): { offsets: Uint32Array; pairs: Uint32Array } {
  const { rowIndex } = vector;
  const offsets = new Uint32Array(rows + 1);
  for (let row = 0; row < rows; row++) {
    const list = rowIndex === undefined ? row : rowIndex[row];
    offsets[row + 1] = offsets[row] + vector.offsets[list + 1] - vector.offsets[list];
  }
  const pairs = new Uint32Array(offsets[rows]);
  for (let row = 0, to = 0; row < rows; row++) {
    const list = rowIndex === undefined ? row : rowIndex[row];
    const end = vector.offsets[list + 1];
    for (let entry = vector.offsets[list]; entry < end; entry++) {
      pairs[to++] = vector.pairs === undefined ? entry : vector.pairs[entry];
    }
  }
  return { offsets, pairs };
}

function typeLetters(
  types: Uint8Array,
  offsets: Uint32Array,
  pairs: Uint32Array,
  rows: number,
): { codes: Uint32Array; dictionary: TextDictionary } {
  const codes = new Uint32Array(rows);
  const interner = new Interner();
  const letters = new Uint8Array(pairs.length);
  for (let entry = 0; entry < pairs.length; entry++)
    letters[entry] = TYPE_LETTERS.charCodeAt(types[pairs[entry]]);
  for (let row = 0; row < rows; row++) codes[row] = interner.intern(letters, offsets[row], offsets[row + 1]);
  return { codes, dictionary: interner.dictionary() };
}

function listColumn(parent: Column, vector: ListVector, rows: number): ArrowColumn {
  const { type: columnType } = parent;
  if (typeof columnType !== 'object') throw new Error(`${parent.name} is no list in the schema`);
  const count = vector.offsets[rows];
  const children = columnType.list.flatMap((child) =>
    arrowColumns(child, typesColumn(child.name), vector.children[child.name], count),
  );
  const element = new Struct(children.map((child) => child.field));
  const type = new List(new Field('element', element, false));
  const child = makeData({
    type: element,
    length: count,
    nullCount: 0,
    children: children.map((c) => c.data),
  });
  const data = makeData({
    type,
    length: rows,
    nullCount: 0,
    valueOffsets: new Int32Array(vector.offsets.buffer, vector.offsets.byteOffset, rows + 1),
    child: child as never,
  });
  return { field: new Field(parent.name, type, false), data: data as Data };
}
