/** The values of a leaf, without its nulls: what the encodings work from. */
import { NULL_CODE } from '../../../../span/vector.ts';
import type { TextDictionary, Vector } from '../../../../span/vector.ts';
import type { Leaf, LeafType } from './schema.ts';

export type LeafValues =
  /** `width` 32-bit words a value, low first: 1 for integers of up to 32 bits, 2 for int64 and double. */
  | { readonly kind: 'words'; readonly width: 1 | 2; readonly words: Uint32Array }
  /** One byte a value, 0 or 1. */
  | { readonly kind: 'bool'; readonly values: Uint8Array }
  /** `width` bytes a value. */
  | { readonly kind: 'fixed'; readonly width: 8 | 16; readonly bytes: Uint8Array }
  /** No code is NULL_CODE. */
  | { readonly kind: 'text'; readonly codes: Uint32Array; readonly dictionary: TextDictionary };

export function countOf(values: LeafValues): number {
  switch (values.kind) {
    case 'words':
      return values.words.length / values.width;
    case 'bool':
      return values.values.length;
    case 'fixed':
      return values.bytes.length / values.width;
    case 'text':
      return values.codes.length;
  }
}

/** One byte a row of `from .. to`, 1 where there is a value. Undefined: all rows have one. */
export function presence(vector: Vector, from: number, to: number): Uint8Array | undefined {
  switch (vector.kind) {
    case 'int64':
    case 'float64':
    case 'bool':
      return vector.valid === undefined ? undefined : ofBits(vector.valid, from, to);
    case 'text':
      return ofCodes(vector.codes, from, to);
    case 'fixed':
      return ofIds(vector.bytes, vector.width, from, to);
    case 'uint32':
    case 'uint8':
    case 'attributes':
    case 'list':
      return undefined;
  }
}

function ofBits(valid: Uint8Array, from: number, to: number): Uint8Array | undefined {
  const present = new Uint8Array(to - from);
  let count = 0;
  for (let row = from; row < to; row++) count += present[row - from] = (valid[row >>> 3] >>> (row & 7)) & 1;
  return count === present.length ? undefined : present;
}

function ofCodes(codes: Uint32Array, from: number, to: number): Uint8Array | undefined {
  if (!codes.subarray(from, to).includes(NULL_CODE)) return undefined;
  const present = new Uint8Array(to - from);
  let count = 0;
  for (let row = from; row < to; row++) count += present[row - from] = codes[row] === NULL_CODE ? 0 : 1;
  return count === present.length ? undefined : present;
}

/** A null id is all zeros. */
function ofIds(bytes: Uint8Array, width: number, from: number, to: number): Uint8Array | undefined {
  const present = new Uint8Array(to - from);
  let count = 0;
  for (let row = from; row < to; row++) {
    let i = row * width;
    const end = i + width;
    while (i < end && bytes[i] === 0) i++;
    count += present[row - from] = i < end ? 1 : 0;
  }
  return count === present.length ? undefined : present;
}

/** The values of the rows `from .. to`, those of `present` alone. Throws if the vector is not of the leaf's type. */
export function densePlain(
  leaf: Leaf,
  vector: Vector,
  from: number,
  to: number,
  present: Uint8Array | undefined,
): LeafValues {
  if (!holds(leaf.type, vector)) throw new Error(`${leaf.name} is a ${vector.kind}, no ${leaf.type}`);
  switch (vector.kind) {
    case 'int64':
      return { kind: 'words', width: 2, words: denseWords(vector.words, 2, from, to, present) };
    case 'float64': {
      const { buffer, byteOffset, length } = vector.values;
      const words = new Uint32Array(buffer, byteOffset, length * 2);
      return { kind: 'words', width: 2, words: denseWords(words, 2, from, to, present) };
    }
    case 'uint32':
      return { kind: 'words', width: 1, words: denseWords(vector.values, 1, from, to, present) };
    case 'uint8':
      return { kind: 'words', width: 1, words: Uint32Array.from(vector.values.subarray(from, to)) };
    case 'bool':
      return { kind: 'bool', values: denseBytes(vector.values, 1, from, to, present) };
    case 'fixed': {
      const bytes = denseBytes(vector.bytes, vector.width, from, to, present);
      return { kind: 'fixed', width: vector.width, bytes };
    }
    case 'text': {
      const codes = denseWords(vector.codes, 1, from, to, present);
      return { kind: 'text', codes, dictionary: vector.dictionary };
    }
    case 'attributes':
    case 'list':
      throw new Error(`${leaf.name} is a ${vector.kind}, no leaf`);
  }
}

function holds(type: LeafType, vector: Vector): boolean {
  switch (type) {
    case 'double':
      return vector.kind === 'float64';
    case 'id8':
      return vector.kind === 'fixed' && vector.width === 8;
    case 'id16':
      return vector.kind === 'fixed' && vector.width === 16;
    case 'uint8':
    case 'uint32':
    case 'int64':
    case 'bool':
    case 'text':
      return vector.kind === type;
  }
}

function denseWords(
  words: Uint32Array,
  width: number,
  from: number,
  to: number,
  present: Uint8Array | undefined,
): Uint32Array {
  const part = words.subarray(from * width, to * width);
  if (present === undefined) return part;
  const out = new Uint32Array(presentIn(present) * width);
  for (let row = 0, at = 0; row < present.length; row++) {
    if (present[row] === 0) continue;
    for (let i = 0; i < width; i++) out[at++] = part[row * width + i];
  }
  return out;
}

function denseBytes(
  bytes: Uint8Array,
  width: number,
  from: number,
  to: number,
  present: Uint8Array | undefined,
): Uint8Array {
  const part = bytes.subarray(from * width, to * width);
  if (present === undefined) return part;
  const out = new Uint8Array(presentIn(present) * width);
  for (let row = 0, at = 0; row < present.length; row++) {
    if (present[row] === 0) continue;
    for (let i = 0; i < width; i++) out[at++] = part[row * width + i];
  }
  return out;
}

function presentIn(present: Uint8Array): number {
  let count = 0;
  for (let row = 0; row < present.length; row++) count += present[row];
  return count;
}
