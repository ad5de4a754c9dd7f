/**
 * Columns of a block, some rows at a time, in arrays that are filled anew each time: a whole file's columns
 * take 100 MB, those of a row group 8, and fresh memory costs as much as filling it.
 */
import type { FixedVector, Int64Vector, TextVector, Vector } from '../../../span/vector.ts';
import { take } from '../files/take.ts';

/** Rows `indices` of a vector, in that order. Plain columns hold until the next call. */
export type Gather = (indices: Uint32Array) => Vector;

/** `maxRows`: what the longest call asks for. */
export function gatherOf(vector: Vector, maxRows: number): Gather {
  switch (vector.kind) {
    case 'text':
      return textGather(vector, maxRows);
    case 'uint32': {
      const gather = wordsGather(vector.values, maxRows);
      return (indices) => ({ kind: 'uint32', values: gather(indices) });
    }
    case 'uint8': {
      const { values } = vector;
      const out = new Uint8Array(maxRows);
      return (indices) => {
        for (let i = 0; i < indices.length; i++) out[i] = values[indices[i]];
        return { kind: 'uint8', values: out.subarray(0, indices.length) };
      };
    }
    case 'int64':
      return int64Gather(vector, maxRows);
    case 'fixed':
      return fixedGather(vector, maxRows);
    case 'float64':
    case 'bool':
    case 'attributes':
    case 'list':
      return (indices) => take(vector, indices);
  }
}

function textGather({ codes, dictionary }: TextVector, maxRows: number): Gather {
  const gather = wordsGather(codes, maxRows);
  return (indices) => ({ kind: 'text', codes: gather(indices), dictionary });
}

/** Most columns of most senders hold one value throughout: those are filled once. */
function wordsGather(values: Uint32Array, maxRows: number): (indices: Uint32Array) => Uint32Array {
  const out = new Uint32Array(maxRows);
  if (isConstant(values)) {
    out.fill(values[0]);
    return (indices) => out.subarray(0, indices.length);
  }
  return (indices) => {
    for (let i = 0; i < indices.length; i++) out[i] = values[indices[i]];
    return out.subarray(0, indices.length);
  };
}

function isConstant(values: Uint32Array): boolean {
  const first = values[0];
  let at = 1;
  while (at < values.length && values[at] === first) at++;
  return at >= values.length;
}

function int64Gather(vector: Int64Vector, maxRows: number): Gather {
  const { words, valid } = vector;
  if (valid !== undefined) return (indices) => take(vector, indices);
  const out = new Uint32Array(maxRows * 2);
  return (indices) => {
    for (let i = 0; i < indices.length; i++) {
      const row = indices[i] * 2;
      out[i * 2] = words[row];
      out[i * 2 + 1] = words[row + 1];
    }
    return { kind: 'int64', words: out.subarray(0, indices.length * 2) };
  };
}

function fixedGather(vector: FixedVector, maxRows: number): Gather {
  const { width, bytes } = vector;
  if (bytes.byteOffset % 4 !== 0) return (indices) => take(vector, indices);
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >>> 2);
  const out = new Uint32Array((maxRows * width) / 4);
  const outBytes = new Uint8Array(out.buffer);
  const gather = width === 16 ? gatherFours : gatherTwos;
  return (indices) => {
    gather(words, indices, out);
    return { kind: 'fixed', width, bytes: outBytes.subarray(0, indices.length * width) };
  };
}

function gatherFours(words: Uint32Array, indices: Uint32Array, out: Uint32Array): void {
  for (let i = 0, to = 0; i < indices.length; i++, to += 4) {
    const from = indices[i] * 4;
    out[to] = words[from];
    out[to + 1] = words[from + 1];
    out[to + 2] = words[from + 2];
    out[to + 3] = words[from + 3];
  }
}

function gatherTwos(words: Uint32Array, indices: Uint32Array, out: Uint32Array): void {
  for (let i = 0, to = 0; i < indices.length; i++, to += 2) {
    const from = indices[i] * 2;
    out[to] = words[from];
    out[to + 1] = words[from + 1];
  }
}
