/** Single cells of vectors, for the few rows that are looked at one by one. */
import type { AttributeValue } from '../../../../span/span.ts';
import { NULL_CODE } from '../../../../span/vector.ts';
import type {
  AttributesVector,
  Block,
  FixedVector,
  Int64Vector,
  ListVector,
  TextVector,
  Uint32Vector,
  Uint8Vector,
  Validity,
  Vector,
} from '../../../../span/vector.ts';
import type { Texts } from './texts.ts';

export function isValid(valid: Validity, row: number): boolean {
  return !valid || ((valid[row >> 3] >> (row & 7)) & 1) === 1;
}

const TWO_32 = 4294967296n;

/** Signed. */
export function int64At(words: Uint32Array, row: number): bigint {
  return BigInt.asIntN(64, uint64At(words, row));
}

export function uint64At(words: Uint32Array, row: number): bigint {
  return BigInt(words[row * 2 + 1]) * TWO_32 + BigInt(words[row * 2]);
}

/** The list of attributes of a row. */
export function attributesRange(vector: AttributesVector, row: number): { from: number; to: number } {
  const list = vector.rowIndex ? vector.rowIndex[row] : row;
  return { from: vector.offsets[list], to: vector.offsets[list + 1] };
}

/** The value in a promoted column; undefined for a null. */
export function promotedValue(
  vector: Vector,
  texts: Texts | undefined,
  row: number,
): AttributeValue | undefined {
  switch (vector.kind) {
    case 'text':
      return vector.codes[row] === NULL_CODE || !texts
        ? undefined
        : { type: 'string', value: texts.get(vector.codes[row]) };
    case 'int64':
      return isValid(vector.valid, row) ? { type: 'int', value: int64At(vector.words, row) } : undefined;
    case 'float64':
      return isValid(vector.valid, row) ? { type: 'double', value: vector.values[row] } : undefined;
    case 'bool':
      return isValid(vector.valid, row) ? { type: 'bool', value: vector.values[row] === 1 } : undefined;
    case 'attributes':
    case 'fixed':
    case 'list':
    case 'uint32':
    case 'uint8':
      throw new Error(`a promoted column of kind ${vector.kind}`);
  }
}

interface VectorsByKind {
  int64: Int64Vector;
  uint32: Uint32Vector;
  uint8: Uint8Vector;
  fixed: FixedVector;
  text: TextVector;
  attributes: AttributesVector;
  list: ListVector;
}

/** The named column, which the caller asked for and the schema gives this kind. */
export function columnOf<K extends keyof VectorsByKind>(
  block: Block,
  name: string,
  kind: K,
): VectorsByKind[K] {
  return ofKind(block.columns.get(name), name, kind);
}

export function childOf<K extends keyof VectorsByKind>(
  list: ListVector,
  name: string,
  kind: K,
): VectorsByKind[K] {
  return ofKind(list.children[name], name, kind);
}

function ofKind<K extends keyof VectorsByKind>(
  vector: Vector | undefined,
  name: string,
  kind: K,
): VectorsByKind[K] {
  if (vector?.kind !== kind) throw new Error(`column ${name} is ${vector?.kind ?? 'missing'}, not ${kind}`);
  return vector as VectorsByKind[K];
}
