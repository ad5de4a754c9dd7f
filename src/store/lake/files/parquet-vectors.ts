/**
 * Arrow arrays of a Parquet file's row group as the vectors of `span/vector.ts`. Where Arrow's layout is
 * the vector's own, the vector is a view over wasm memory (see ffi.ts); nulls of texts and ids, bits,
 * and the letters of attribute types are rewritten into memory of ours.
 */
import type { ColumnType } from '../../../span/schema.ts';
import { TYPE_LETTERS } from '../../../span/value.ts';
import { NULL_CODE } from '../../../span/vector.ts';
import type {
  AttributesVector,
  FixedVector,
  ListVector,
  TextDictionary,
  TextVector,
  Validity,
  Vector,
} from '../../../span/vector.ts';
import type { ArrowArray } from './ffi.ts';

/** The column of type letters that stands beside a column of attributes. */
export function typesColumn(attributesColumn: string): string {
  return attributesColumn.replace(/s$/, '_types');
}

/** `siblings`: the arrays beside this one, among which attributes find their types. */
export function vectorOf(
  memory: ArrayBufferLike,
  array: ArrowArray,
  type: ColumnType | undefined,
  siblings: ReadonlyMap<string, ArrowArray>,
): Vector {
  if (type === 'attributes') {
    const types = siblings.get(typesColumn(array.name));
    if (!types) throw new Error(`column ${array.name} has no ${typesColumn(array.name)} beside it`);
    return attributesVector(memory, array, textVector(memory, types));
  }
  if (typeof type === 'object') return listVector(memory, array, type);
  return plainVector(memory, array);
}

/** By the Arrow type alone: promoted columns are in no schema. */
function plainVector(memory: ArrayBufferLike, array: ArrowArray): Vector {
  if (array.dictionary) return textVector(memory, array);
  const { format, length, offset, buffers } = array;
  switch (format) {
    case 'l':
    case 'L':
      return int64Vector(memory, array);
    case 'I':
    case 'i':
      return { kind: 'uint32', values: words(memory, buffers[1] + offset * 4, length) };
    case 'C':
    case 'c':
      return { kind: 'uint8', values: new Uint8Array(memory, buffers[1] + offset, length) };
    case 'g':
      return {
        kind: 'float64',
        values: doubles(memory, buffers[1] + offset * 8, length),
        ...validityOf(memory, array),
      };
    case 'b':
      return {
        kind: 'bool',
        values: bitsToBytes(memory, buffers[1], offset, length),
        ...validityOf(memory, array),
      };
    case 'w:8':
      return fixedVector(memory, array, 8);
    case 'w:16':
      return fixedVector(memory, array, 16);
    case 'u':
    case 'U':
      return textVector(memory, array);
    default:
      throw new Error(`column ${array.name} has the unknown Arrow format ${format}`);
  }
}

function int64Vector(memory: ArrayBufferLike, array: ArrowArray): Vector {
  const { length, offset, buffers } = array;
  const values = words(memory, buffers[1] + offset * 8, length * 2);
  return { kind: 'int64', words: values, ...validityOf(memory, array) };
}

function words(memory: ArrayBufferLike, address: number, length: number): Uint32Array {
  if (length === 0) return new Uint32Array(0);
  if (address % 4 === 0) return new Uint32Array(memory, address, length);
  return new Uint32Array(memory.slice(address, address + length * 4));
}

function doubles(memory: ArrayBufferLike, address: number, length: number): Float64Array {
  if (length === 0) return new Float64Array(0);
  if (address % 8 === 0) return new Float64Array(memory, address, length);
  return new Float64Array(memory.slice(address, address + length * 8));
}

function validityOf(memory: ArrayBufferLike, array: ArrowArray): { valid?: Validity } {
  const { nullCount, length, offset, buffers } = array;
  if (nullCount === 0 || buffers[0] === 0) return {};
  const bytes = (offset + length + 7) >> 3;
  const bits = new Uint8Array(memory, buffers[0], bytes);
  if (offset % 8 === 0) return { valid: bits.subarray(offset >> 3) };
  const shifted = new Uint8Array((length + 7) >> 3);
  for (let row = 0; row < length; row++) {
    const at = offset + row;
    if (bits[at >> 3] & (1 << (at & 7))) shifted[row >> 3] |= 1 << (row & 7);
  }
  return { valid: shifted };
}

function bitsToBytes(memory: ArrayBufferLike, address: number, offset: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  if (length === 0) return bytes;
  const bits = new Uint8Array(memory, address, (offset + length + 7) >> 3);
  for (let row = 0; row < length; row++) {
    const at = offset + row;
    bytes[row] = (bits[at >> 3] >> (at & 7)) & 1;
  }
  return bytes;
}

function fixedVector(memory: ArrayBufferLike, array: ArrowArray, width: 8 | 16): FixedVector {
  const { length, offset, buffers } = array;
  if (length === 0) return { kind: 'fixed', width, bytes: new Uint8Array(0) };
  const bytes = new Uint8Array(memory, buffers[1] + offset * width, length * width);
  const { valid } = validityOf(memory, array);
  if (!valid) return { kind: 'fixed', width, bytes };
  // What stands in a null's place is whatever the decoder left there.
  const zeroed = bytes.slice();
  for (let row = 0; row < length; row++) {
    if (!(valid[row >> 3] & (1 << (row & 7)))) zeroed.fill(0, row * width, row * width + width);
  }
  return { kind: 'fixed', width, bytes: zeroed };
}

function textVector(memory: ArrayBufferLike, array: ArrowArray): TextVector {
  const { dictionary, length } = array;
  const codes = dictionary ? codesOf(memory, array) : Uint32Array.from({ length }, (_, row) => row);
  const { valid } = validityOf(memory, array);
  if (!valid) return { kind: 'text', codes, dictionary: textDictionary(memory, dictionary ?? array) };
  const nullable = codes.slice();
  for (let row = 0; row < length; row++) {
    if (!(valid[row >> 3] & (1 << (row & 7)))) nullable[row] = NULL_CODE;
  }
  return { kind: 'text', codes: nullable, dictionary: textDictionary(memory, dictionary ?? array) };
}

function codesOf(memory: ArrayBufferLike, array: ArrowArray): Uint32Array {
  const { format, length, offset, buffers } = array;
  if (length === 0) return new Uint32Array(0);
  switch (format) {
    case 'i':
    case 'I':
      return words(memory, buffers[1] + offset * 4, length);
    case 's':
    case 'S':
      return Uint32Array.from(new Uint16Array(memory, buffers[1] + offset * 2, length));
    case 'c':
    case 'C':
      return Uint32Array.from(new Uint8Array(memory, buffers[1] + offset, length));
    default:
      throw new Error(`column ${array.name} has dictionary codes of the Arrow format ${format}`);
  }
}

function textDictionary(memory: ArrayBufferLike, array: ArrowArray): TextDictionary {
  const { format, length, offset, buffers } = array;
  if (length === 0) return { count: 0, offsets: new Uint32Array(1), bytes: new Uint8Array(0) };
  if (format !== 'u') throw new Error(`column ${array.name} has texts of the Arrow format ${format}`);
  const offsets = words(memory, buffers[1] + offset * 4, length + 1);
  return { count: length, offsets, bytes: new Uint8Array(memory, buffers[2], offsets[length]) };
}

function offsetsOf(memory: ArrayBufferLike, array: ArrowArray): Uint32Array {
  const { length, offset, buffers } = array;
  return length === 0 ? new Uint32Array(1) : words(memory, buffers[1] + offset * 4, length + 1);
}

/** The one child of a list or a map. A slice of it would shift its fields: nothing here makes one. */
function structOf(list: ArrowArray): ArrowArray {
  const [entries] = list.children;
  if (entries.offset !== 0) throw new Error(`list ${list.name} is a slice from ${entries.offset}`);
  return entries;
}

function attributesVector(memory: ArrayBufferLike, map: ArrowArray, letters: TextVector): AttributesVector {
  const [keys, values] = structOf(map).children;
  const keyVector = textVector(memory, keys);
  const valueVector = textVector(memory, values);
  const offsets = offsetsOf(memory, map);
  return {
    kind: 'attributes',
    offsets,
    keys: keyVector.codes,
    keyDictionary: keyVector.dictionary,
    types: typeTags(letters, offsets),
    values: valueVector.codes,
    valueDictionary: valueVector.dictionary,
  };
}

const TAG_OF_BYTE = new Uint8Array(256);
for (let tag = 0; tag < TYPE_LETTERS.length; tag++) TAG_OF_BYTE[TYPE_LETTERS.charCodeAt(tag)] = tag;

/** `sis` in row r is the types of its three entries. A text that is too short leaves strings. */
export function typeTags(letters: TextVector, offsets: Uint32Array): Uint8Array {
  const rows = offsets.length - 1;
  const tags = new Uint8Array(offsets[rows]);
  const { codes, dictionary } = letters;
  for (let row = 0; row < rows; row++) {
    const code = codes[row];
    if (code === NULL_CODE) continue;
    const end = Math.min(
      offsets[row + 1],
      offsets[row] + dictionary.offsets[code + 1] - dictionary.offsets[code],
    );
    let at = dictionary.offsets[code];
    for (let entry = offsets[row]; entry < end; entry++) tags[entry] = TAG_OF_BYTE[dictionary.bytes[at++]];
  }
  return tags;
}

function listVector(
  memory: ArrayBufferLike,
  array: ArrowArray,
  type: Exclude<ColumnType, string>,
): ListVector {
  const fields = new Map(structOf(array).children.map((child) => [child.name, child]));
  const children: Record<string, Vector> = {};
  for (const column of type.list) {
    const child = fields.get(column.name);
    if (!child) throw new Error(`list ${array.name} has no field ${column.name}`);
    children[column.name] = vectorOf(memory, child, column.type, fields);
  }
  return { kind: 'list', offsets: offsetsOf(memory, array), children };
}
