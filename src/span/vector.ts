/**
 * Columns of a block of rows as typed arrays. The one form in which the write buffer, the Parquet
 * reader, the scan kernels, and the Parquet writer hand columns to each other. Everything here is
 * plain data, so it crosses to a worker by structured clone or transfer.
 */

/** Distinct texts, each UTF-8 in `bytes[offsets[code] .. offsets[code + 1])`. */
export interface TextDictionary {
  readonly count: number;
  readonly offsets: Uint32Array | Int32Array;
  readonly bytes: Uint8Array;
}

/** Arrow's validity bitmap, least significant bit first; a set bit is a present value. Absent: all present. */
export type Validity = Uint8Array | undefined;

/** 64-bit integers as two 32-bit words a row, low word first. Signed or unsigned is the column's to say. */
export interface Int64Vector {
  readonly kind: 'int64';
  readonly words: Uint32Array;
  readonly valid?: Validity;
}
export interface Uint32Vector {
  readonly kind: 'uint32';
  readonly values: Uint32Array;
}
export interface Uint8Vector {
  readonly kind: 'uint8';
  readonly values: Uint8Array;
}
export interface Float64Vector {
  readonly kind: 'float64';
  readonly values: Float64Array;
  readonly valid?: Validity;
}
/** One byte a row, 0 or 1. */
export interface BoolVector {
  readonly kind: 'bool';
  readonly values: Uint8Array;
  readonly valid?: Validity;
}
/** `width` bytes a row. A null is all zeros. */
export interface FixedVector {
  readonly kind: 'fixed';
  readonly width: 8 | 16;
  readonly bytes: Uint8Array;
}
/** A dictionary code a row; NULL_CODE is a null. */
export interface TextVector {
  readonly kind: 'text';
  readonly codes: Uint32Array;
  readonly dictionary: TextDictionary;
}

/** The code of a missing text. Read from an Int32Array it is -1. */
export const NULL_CODE = 0xffffffff;

/**
 * A list of attributes a row: row r has the entries `offsets[r] .. offsets[r + 1]`. With `rowIndex`,
 * row r has those of `rowIndex[r]` instead: many rows share few lists (a buffer's resources, scopes).
 * Entry e has the key `keys[e]` in `keyDictionary`, a type (TYPE_TAGS) and a value, always a text
 * (see value.ts) `values[e]` in `valueDictionary`. With `pairs`, `keys`, `types` and `values` are
 * indexed by `pairs[e]` instead of by e: each distinct key=value stands once (a buffer).
 */
export interface AttributesVector {
  readonly kind: 'attributes';
  readonly offsets: Uint32Array;
  readonly rowIndex?: Uint32Array;
  readonly pairs?: Uint32Array;
  readonly keys: Uint32Array;
  readonly keyDictionary: TextDictionary;
  readonly types: Uint8Array;
  readonly values: Uint32Array;
  readonly valueDictionary: TextDictionary;
}

/** A list of structs a row: row r has the children `offsets[r] .. offsets[r + 1]`. */
export interface ListVector {
  readonly kind: 'list';
  readonly offsets: Uint32Array;
  readonly children: Readonly<Record<string, Vector>>;
}

export type Vector =
  | Int64Vector
  | Uint32Vector
  | Uint8Vector
  | Float64Vector
  | BoolVector
  | FixedVector
  | TextVector
  | AttributesVector
  | ListVector;

/** Some rows with some of their columns, by the names of `schema.ts`. */
export interface Block {
  readonly rows: number;
  readonly columns: ReadonlyMap<string, Vector>;
}
