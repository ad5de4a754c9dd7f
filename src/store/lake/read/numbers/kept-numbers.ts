/** The number of an operand in a file's rows, from what its column is kept as. */
import type { Field } from '../../../../traceql/analyse.ts';
import { SCAN_PAGE_ROWS } from '../scan/column-row-group.ts';
import type { ColumnSource } from '../scan/column-source.ts';
import { columnOf, isValid } from '../scan/cells.ts';
import { gather } from './kept-codes.ts';

const TWO_32 = 4294967296;

/** To be read behind `load` of their rows. */
export type KeptNumbers =
  | {
      readonly kind: 'words';
      /** By row: every row has a whole number, and below 2^32. */
      readonly words: Uint32Array;
      load(from: number, to: number): void;
    }
  | {
      readonly kind: 'numbers';
      load(from: number, to: number): void;
      /** Sets `out` by place in the list, from which rows without a number go. How many stay. */
      fill(list: Uint32Array, count: number, out: Float64Array): number;
    };

/** Undefined where the operand is no number that stands in a column of its own. */
export function keptNumbers(operand: Field, source: ColumnSource): KeptNumbers | undefined {
  const name = columnNameOf(operand);
  if (name === undefined) return undefined;
  const words = source.narrow(name);
  if (words !== undefined)
    return { kind: 'words', words, load: (from, to) => source.loadKept(name, from, to) };
  return ofCodes(name, source) ?? ofWords(name, source);
}

function columnNameOf(operand: Field): string | undefined {
  if (operand.parent) return undefined;
  if (operand.kind === 'intrinsic') return operand.name === 'span:duration' ? 'duration_nano' : undefined;
  return operand.scope === 'span' || operand.scope === 'resource'
    ? `${operand.scope}.${operand.key}`
    : undefined;
}

function ofCodes(name: string, source: ColumnSource): KeptNumbers | undefined {
  const values = distinctNumbers(name, source);
  const coded = source.coded(name);
  if (values === undefined || coded === undefined) return undefined;
  const codes = new Uint32Array(SCAN_PAGE_ROWS);
  return {
    kind: 'numbers',
    load: (from, to) => source.loadKept(name, from, to),
    fill(list, count, out) {
      gather(coded.codes, list, count, codes);
      let kept = 0;
      for (let i = 0; i < count; i++) {
        const number = values[codes[i]];
        if (!(number === number)) continue;
        out[kept] = number;
        list[kept++] = list[i];
      }
      return kept;
    },
  };
}

/** By code; NaN of a null. */
function distinctNumbers(column: string, source: ColumnSource): Float64Array | undefined {
  const coded = source.coded(column);
  const kind = source.kindOf(column);
  if (coded === undefined || coded.dictionary.kind === 'text') return undefined;
  if (kind !== 'int64' && kind !== 'float64') return undefined;
  const { bytes, count } = coded.dictionary;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const values = new Float64Array(count + 1).fill(Number.NaN);
  for (let code = 0; code < count; code++) {
    values[code] =
      kind === 'int64' ? Number(view.getBigInt64(code * 8, true)) : view.getFloat64(code * 8, true);
  }
  return values;
}

/** Durations of which one is above 4.3 s. */
function ofWords(name: string, source: ColumnSource): KeptNumbers | undefined {
  if (source.coded(name) !== undefined || source.kindOf(name) !== 'int64') return undefined;
  const names = [name];
  const { words, valid } = columnOf(source.block(names), name, 'int64');
  return {
    kind: 'numbers',
    load: (from, to) => source.load(names, from, to),
    fill(list, count, out) {
      let kept = 0;
      for (let i = 0; i < count; i++) {
        const row = list[i];
        if (!isValid(valid, row)) continue;
        // The nearest double: both parts are exact, and their sum is rounded once.
        out[kept] = (words[row * 2 + 1] | 0) * TWO_32 + words[row * 2];
        list[kept++] = row;
      }
      return kept;
    },
  };
}
