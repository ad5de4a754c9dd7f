/** Rows of a column picked out and reordered. Dictionaries and pair tables are shared, never copied. */
import type {
  AttributesVector,
  FixedVector,
  Int64Vector,
  ListVector,
  Validity,
  Vector,
} from '../../../span/vector.ts';

/** Row i of the result is row `indices[i]` of the vector. */
export function take(vector: Vector, indices: Uint32Array): Vector {
  switch (vector.kind) {
    case 'int64':
      return takeInt64(vector, indices);
    case 'uint32':
      return { kind: 'uint32', values: takeWords(vector.values, indices) };
    case 'uint8':
      return { kind: 'uint8', values: takeBytes(vector.values, indices) };
    case 'float64': {
      const values = new Float64Array(indices.length);
      for (let i = 0; i < indices.length; i++) values[i] = vector.values[indices[i]];
      return { kind: 'float64', values, valid: takeValidity(vector.valid, indices) };
    }
    case 'bool':
      return {
        kind: 'bool',
        values: takeBytes(vector.values, indices),
        valid: takeValidity(vector.valid, indices),
      };
    case 'fixed':
      return takeFixed(vector, indices);
    case 'text':
      return { kind: 'text', codes: takeWords(vector.codes, indices), dictionary: vector.dictionary };
    case 'attributes':
      return takeAttributes(vector, indices);
    case 'list':
      return takeList(vector, indices);
  }
}

/** `values[indices[i]]` of each i. */
export function takeWords(values: Uint32Array, indices: Uint32Array): Uint32Array {
  const out = new Uint32Array(indices.length);
  for (let i = 0; i < indices.length; i++) out[i] = values[indices[i]];
  return out;
}

function takeBytes(values: Uint8Array, indices: Uint32Array): Uint8Array {
  const out = new Uint8Array(indices.length);
  for (let i = 0; i < indices.length; i++) out[i] = values[indices[i]];
  return out;
}

function takeValidity(valid: Validity, indices: Uint32Array): Validity {
  if (valid === undefined) return undefined;
  const out = new Uint8Array((indices.length + 7) >>> 3);
  for (let i = 0; i < indices.length; i++) {
    const row = indices[i];
    if ((valid[row >>> 3] >>> (row & 7)) & 1) out[i >>> 3] |= 1 << (i & 7);
  }
  return out;
}

function takeInt64(vector: Int64Vector, indices: Uint32Array): Int64Vector {
  const words = new Uint32Array(indices.length * 2);
  for (let i = 0; i < indices.length; i++) {
    words[i * 2] = vector.words[indices[i] * 2];
    words[i * 2 + 1] = vector.words[indices[i] * 2 + 1];
  }
  return { kind: 'int64', words, valid: takeValidity(vector.valid, indices) };
}

function takeFixed(vector: FixedVector, indices: Uint32Array): FixedVector {
  const { width, bytes } = vector;
  const out = new Uint8Array(indices.length * width);
  if (bytes.byteOffset % 4 === 0) takeFixedWords(wordsOf(bytes), indices, width / 4, wordsOf(out));
  else {
    for (let i = 0, to = 0; i < indices.length; i++) {
      const from = indices[i] * width;
      for (let j = 0; j < width; j++) out[to++] = bytes[from + j];
    }
  }
  return { kind: 'fixed', width, bytes: out };
}

function wordsOf(bytes: Uint8Array): Uint32Array {
  return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >>> 2);
}

/** 16 bytes are four steps instead of sixteen: a third of the time. */
function takeFixedWords(words: Uint32Array, indices: Uint32Array, width: number, out: Uint32Array): void {
  for (let i = 0, to = 0; i < indices.length; i++) {
    const from = indices[i] * width;
    for (let j = 0; j < width; j++) out[to++] = words[from + j];
  }
}

/** Lists that rows share stay shared; others are gathered, with the old entries as their pair table. */
function takeAttributes(vector: AttributesVector, indices: Uint32Array): AttributesVector {
  const { rowIndex, ...lists } = vector;
  if (rowIndex !== undefined) return { ...lists, rowIndex: takeWords(rowIndex, indices) };
  const { offsets, children } = takeRanges(vector.offsets, indices);
  const { pairs } = vector;
  return { ...lists, offsets, pairs: pairs === undefined ? children : takeWords(pairs, children) };
}

function takeList(vector: ListVector, indices: Uint32Array): ListVector {
  const { offsets, children: picked } = takeRanges(vector.offsets, indices);
  const children: Record<string, Vector> = {};
  for (const [name, child] of Object.entries(vector.children)) children[name] = take(child, picked);
  return { kind: 'list', offsets, children };
}

/** The offsets of the picked rows' lists, and which children stand in them. */
function takeRanges(
  offsets: Uint32Array,
  indices: Uint32Array,
): { offsets: Uint32Array; children: Uint32Array } {
  const out = new Uint32Array(indices.length + 1);
  for (let i = 0; i < indices.length; i++) {
    out[i + 1] = out[i] + offsets[indices[i] + 1] - offsets[indices[i]];
  }
  const children = new Uint32Array(out[indices.length]);
  for (let i = 0, to = 0; i < indices.length; i++) {
    const end = offsets[indices[i] + 1];
    for (let child = offsets[indices[i]]; child < end; child++) children[to++] = child;
  }
  return { offsets: out, children };
}
