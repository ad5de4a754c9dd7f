/** Columns kept as codes as the vectors that everyone reads: made for the pages of a scan in which rows are wanted. */
import { NULL_CODE } from '../../../../span/vector.ts';
import type { Vector } from '../../../../span/vector.ts';
import type { FlatColumn } from '../../files/column-flat.ts';
import type { LeafType } from '../../files/parquet/schema.ts';
import type { ArrayPool } from './column-arrays.ts';
import type { CodedColumn } from './column-source.ts';

export interface WideColumn {
  readonly vector: Vector;
  /** Makes the rows `from .. to` of the vector, whose codes are loaded; undefined when they need no making. */
  readonly fill: ((from: number, to: number) => void) | undefined;
  /** What the vector stands in, if that is not the cache's. */
  readonly memory: ArrayBuffer | undefined;
}

export function kindOfLeaf(type: LeafType): Vector['kind'] {
  switch (type) {
    case 'double':
      return 'float64';
    case 'id8':
    case 'id16':
      return 'fixed';
    case 'uint8':
    case 'uint32':
    case 'int64':
    case 'bool':
    case 'text':
      return type;
  }
}

export function wideColumn({ type, values }: FlatColumn, rows: number, arrays: ArrayPool): WideColumn {
  switch (values.kind) {
    case 'coded':
      return wideCodes(type, values, rows, arrays);
    case 'words': {
      const { words, valid } = values;
      if (type === 'int64') return asItIs({ kind: 'int64', words, valid });
      return asItIs({
        kind: 'float64',
        values: new Float64Array(words.buffer, words.byteOffset, rows),
        valid,
      });
    }
    case 'narrow':
      if (type === 'int64') return wideWords(values.words, rows, arrays);
      return asItIs({ kind: 'uint32', values: values.words });
    case 'bytes': {
      const { width, bytes, valid } = values;
      if (width !== 1) return asItIs({ kind: 'fixed', width, bytes });
      return asItIs(
        type === 'bool' ? { kind: 'bool', values: bytes, valid } : { kind: 'uint8', values: bytes },
      );
    }
  }
}

function asItIs(vector: Vector): WideColumn {
  return { vector, fill: undefined, memory: undefined };
}

function wideWords(narrow: Uint32Array, rows: number, arrays: ArrayPool): WideColumn {
  const memory = arrays.take(rows * 8);
  const words = new Uint32Array(memory, 0, rows * 2);
  return {
    vector: { kind: 'int64', words },
    memory,
    fill(from, to) {
      for (let row = from; row < to; row++) {
        words[row * 2] = narrow[row];
        words[row * 2 + 1] = 0;
      }
    },
  };
}

function wideCodes(type: LeafType, coded: CodedColumn, rows: number, arrays: ArrayPool): WideColumn {
  const { dictionary, codes, missing, hasMissing } = coded;
  if (dictionary.kind === 'text') {
    const memory = arrays.take(rows * 4);
    const wide = new Uint32Array(memory, 0, rows);
    return {
      vector: { kind: 'text', codes: wide, dictionary: dictionary.texts },
      memory,
      fill(from, to) {
        wide.set(codes.subarray(from, to), from);
        if (!hasMissing) return;
        for (let row = from; row < to; row++) if (wide[row] === missing) wide[row] = NULL_CODE;
      },
    };
  }
  const valid = hasMissing ? new Uint8Array((rows + 7) >>> 3) : undefined;
  const mark = (from: number, to: number) => {
    if (valid === undefined) return;
    for (let row = from; row < to; row++) if (codes[row] !== missing) valid[row >>> 3] |= 1 << (row & 7);
  };
  const { bytes } = dictionary;
  switch (type) {
    case 'int64':
    case 'double': {
      const memory = arrays.take(rows * 8);
      const wide = new Float64Array(memory, 0, rows);
      const words = new Uint32Array(memory, 0, rows * 2);
      const vector: Vector =
        type === 'int64' ? { kind: 'int64', words, valid } : { kind: 'float64', values: wide, valid };
      const distinct = wordsOf(bytes, (missing + 1) * 2);
      return {
        vector,
        memory,
        fill(from, to) {
          for (let row = from; row < to; row++) {
            words[row * 2] = distinct[codes[row] * 2];
            words[row * 2 + 1] = distinct[codes[row] * 2 + 1];
          }
          mark(from, to);
        },
      };
    }
    case 'uint32':
    case 'uint8': {
      const distinct = wordsOf(bytes, missing + 1);
      const values = type === 'uint8' ? new Uint8Array(rows) : new Uint32Array(rows);
      const vector: Vector =
        values instanceof Uint8Array ? { kind: 'uint8', values } : { kind: 'uint32', values };
      return {
        vector,
        memory: undefined,
        fill(from, to) {
          for (let row = from; row < to; row++) values[row] = distinct[codes[row]];
        },
      };
    }
    case 'id8':
    case 'id16': {
      const width = type === 'id8' ? 8 : 16;
      const wide = new Uint8Array(rows * width);
      return {
        vector: { kind: 'fixed', width, bytes: wide },
        memory: undefined,
        fill(from, to) {
          for (let row = from; row < to; row++) {
            if (codes[row] === missing) continue;
            const at = codes[row] * width;
            for (let i = 0; i < width; i++) wide[row * width + i] = bytes[at + i];
          }
        },
      };
    }
    case 'bool':
    case 'text':
      throw new Error(`codes of a ${type}`);
  }
}

/** Little endian, zeros behind them for the code of a null. */
function wordsOf(bytes: Uint8Array, count: number): Uint32Array {
  const words = new Uint32Array(count);
  new Uint8Array(words.buffer).set(bytes);
  return words;
}
