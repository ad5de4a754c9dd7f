/**
 * Fields of a file's rows as the codes that their columns are kept in: what is counted by them is looked up in flat
 * arrays, and a value is made once for a row group, not once for a row.
 */
import type { Vector } from '../../../../span/vector.ts';
import type { Field } from '../../../../traceql/analyse.ts';
import type { Static } from '../../../../traceql/ast.ts';
import type { CodeArray } from '../../files/parquet/page-codes.ts';
import { byteStatics, doubleStatics, int64Statics } from '../scan/column-codes.ts';
import type { StaticsOfCode } from '../scan/column-codes.ts';
import type { CodedColumn, ColumnSource } from '../scan/column-source.ts';
import { Texts } from '../scan/texts.ts';
import { kindStatics, statusStatics } from '../../../../traceql/keywords.ts';

export interface KeptField {
  readonly column: string;
  readonly coded: CodedColumn;
  /** What a code means, that of a null among them. */
  readonly staticsOf: StaticsOfCode;
}

const NOTHING: readonly Static[] = [];
/** A null text of a span is the empty text. */
const EMPTY_TEXT: readonly Static[] = [{ type: 'string', value: '' }];

/** Undefined where the field's column is not kept as codes, or the field is more than one column. */
export function keptField(field: Field, source: ColumnSource): KeptField | undefined {
  const column = columnNameOf(field);
  const coded = column === undefined ? undefined : source.coded(column);
  if (column === undefined || coded === undefined) return undefined;
  const ofMissing = field.kind === 'intrinsic' ? EMPTY_TEXT : NOTHING;
  const ofValue = staticsOfColumn(column, coded, source.kindOf(column));
  if (ofValue === undefined) return undefined;
  return { column, coded, staticsOf: (code) => (code === coded.missing ? ofMissing : ofValue(code)) };
}

function columnNameOf(field: Field): string | undefined {
  if (field.parent) return undefined;
  if (field.kind === 'attribute') {
    return field.scope === 'span' || field.scope === 'resource' ? `${field.scope}.${field.key}` : undefined;
  }
  switch (field.name) {
    case 'span:name':
      return 'name';
    case 'span:statusMessage':
      return 'status_message';
    case 'span:kind':
      return 'kind';
    case 'span:status':
      return 'status_code';
    case 'instrumentation:name':
      return 'scope_name';
    case 'instrumentation:version':
      return 'scope_version';
    default:
      return undefined;
  }
}

function staticsOfColumn(
  column: string,
  coded: CodedColumn,
  kind: Vector['kind'] | undefined,
): StaticsOfCode | undefined {
  const { dictionary } = coded;
  if (dictionary.kind === 'text') {
    const texts = new Texts(dictionary.texts);
    return (code) => [{ type: 'string', value: texts.get(code) }];
  }
  if (column === 'kind') return byteStatics(coded, kindStatics);
  if (column === 'status_code') return byteStatics(coded, statusStatics);
  if (kind === 'int64') return int64Statics(coded, 'int');
  return kind === 'float64' ? doubleStatics(coded) : undefined;
}

/** Lists the selected rows. How many they are; without a branch, which half of the rows would mispredict. */
export function listRows(selected: Uint8Array, from: number, to: number, list: Uint32Array): number {
  let count = 0;
  for (let row = from; row < to; row++) {
    list[count] = row;
    count += selected[row];
  }
  return count;
}

// out[i] = codes[list[i]], once for each kind of array.
export function gather(codes: CodeArray, list: Uint32Array, count: number, out: Uint32Array): void {
  if (codes instanceof Uint8Array) gather8(codes, list, count, out);
  else if (codes instanceof Uint16Array) gather16(codes, list, count, out);
  else gather32(codes, list, count, out);
}

function gather8(codes: Uint8Array, list: Uint32Array, count: number, out: Uint32Array): void {
  for (let i = 0; i < count; i++) out[i] = codes[list[i]];
}

function gather16(codes: Uint16Array, list: Uint32Array, count: number, out: Uint32Array): void {
  for (let i = 0; i < count; i++) out[i] = codes[list[i]];
}

function gather32(codes: Uint32Array, list: Uint32Array, count: number, out: Uint32Array): void {
  for (let i = 0; i < count; i++) out[i] = codes[list[i]];
}
