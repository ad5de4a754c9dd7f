/** The number that a field is in each row, NaN where it is none: what metrics add up. */
import { TYPES_BY_TAG, parseValueText } from '../../../../span/value.ts';
import type { Block, Validity } from '../../../../span/vector.ts';
import type { Field } from '../../../../traceql/analyse.ts';
import type { Static } from '../../../../traceql/ast.ts';
import { staticsOf } from '../../../../traceql/compare.ts';
import type { FieldSource } from '../../../../traceql/evaluate.ts';
import { evaluate } from '../../../../traceql/evaluate.ts';
import { intrinsicType } from '../../../../traceql/keywords.ts';
import { BlockRow } from '../scan/block-row.ts';
import { columnOf, isValid } from '../scan/cells.ts';
import { FieldCodes } from './group-codes.ts';
import { MapCodes } from './group-codes-map.ts';
import { NO_CODE } from './group-codes-pairs.ts';

/** Sets `numbers[row]` of the selected rows. */
export type NumberFiller = (selected: Uint8Array, from: number, to: number, numbers: Float64Array) => void;

const TWO_32 = 4294967296;

/** Durations are nanoseconds while they are counted, and answered in seconds. */
export function isDuration(field: Field): boolean {
  return field.kind === 'intrinsic' && intrinsicType(field.name) === 'duration';
}

export function numberOf(value: Static): number {
  switch (value.type) {
    case 'int':
    case 'duration':
      return Number(value.value);
    case 'float':
      return value.value;
    case 'bool':
    case 'kind':
    case 'nil':
    case 'opaque':
    case 'status':
    case 'string':
      return NaN;
  }
}

/** Of any field, in a row that answers for itself: its first value. */
export function numberOfSource(field: Field, row: FieldSource): number {
  return numberOf(evaluate(field, row));
}

/** For a field that a span alone can tell. Call it in the block's turn: what it gives reads its columns. */
export function numberFiller(field: Field, block: Block): NumberFiller {
  if (field.kind === 'intrinsic')
    return field.name === 'span:duration' ? durations(block) : rowByRow(field, block);
  switch (field.scope) {
    case 'span':
    case 'resource':
      return ofAttribute(block, field.scope, field.key);
    case 'instrumentation':
      return inMap(block, 'scope_attributes', field.key);
    case 'any':
      return byCodes(field, block);
    case 'event':
    case 'link':
      return rowByRow(field, block);
  }
}

function durations(block: Block): NumberFiller {
  return (selected, from, to, numbers) => {
    fromWords(columnOf(block, 'duration_nano', 'int64').words, undefined, selected, from, to, numbers);
  };
}

// numbers[row] = high * 2^32 + low, signed
function fromWords(
  words: Uint32Array,
  valid: Validity,
  selected: Uint8Array,
  from: number,
  to: number,
  numbers: Float64Array,
): void {
  for (let row = from; row < to; row++) {
    if (selected[row] === 0) continue;
    numbers[row] = isValid(valid, row) ? (words[row * 2 + 1] | 0) * TWO_32 + words[row * 2] : NaN;
  }
}

function ofAttribute(block: Block, scope: 'span' | 'resource', key: string): NumberFiller {
  const name = `${scope}.${key}`;
  if (!block.columns.has(name)) return inMap(block, `${scope}_attributes`, key);
  return (selected, from, to, numbers) => {
    const own = block.columns.get(name);
    if (own?.kind === 'int64') return fromWords(own.words, own.valid, selected, from, to, numbers);
    for (let row = from; row < to; row++) {
      if (selected[row] === 0) continue;
      numbers[row] = own?.kind === 'float64' && isValid(own.valid, row) ? own.values[row] : NaN;
    }
  };
}

/** Numbers stand in maps as texts: each distinct one is read once for each block. */
function inMap(block: Block, column: string, key: string): NumberFiller {
  const numbersByCode: number[] = [NaN];
  const known = new MapCodes(key, (tag, text) => {
    const value = staticsOf(parseValueText(TYPES_BY_TAG[tag], text))[0];
    return value === undefined ? 0 : numbersByCode.push(numberOf(value)) - 1;
  });
  let codes = new Uint32Array(0);
  return (selected, from, to, numbers) => {
    const vector = block.columns.get(column);
    if (vector?.kind !== 'attributes') {
      numbers.fill(NaN, from, to);
      return;
    }
    if (codes.length < to) codes = new Uint32Array(selected.length);
    known.fill(vector, selected, from, to, codes);
    for (let row = from; row < to; row++) if (selected[row] !== 0) numbers[row] = numbersByCode[codes[row]];
  };
}

/** The span's value, else the resource's, as codes tell them apart. */
function byCodes(field: Field, block: Block): NumberFiller {
  const known = new FieldCodes(field, NO_CODE - 1);
  const fill = known.filler(block);
  let codes = new Uint32Array(0);
  return (selected, from, to, numbers) => {
    if (codes.length < to) codes = new Uint32Array(selected.length);
    fill(selected, from, to, codes);
    for (let row = from; row < to; row++) {
      if (selected[row] !== 0) numbers[row] = numberOf(known.values[codes[row]]);
    }
  };
}

function rowByRow(field: Field, block: Block): NumberFiller {
  const span = new BlockRow(block);
  return (selected, from, to, numbers) => {
    for (let row = from; row < to; row++) {
      if (selected[row] === 0) continue;
      span.row = row;
      numbers[row] = numberOfSource(field, span);
    }
  };
}
