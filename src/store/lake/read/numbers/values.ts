/** Counts of the distinct values of a field among the matching rows of a block. */
import { TYPES_BY_TAG, TYPE_TAGS, doubleText } from '../../../../span/value.ts';
import { NULL_CODE } from '../../../../span/vector.ts';
import type { AttributesVector, Block, TextVector, Vector } from '../../../../span/vector.ts';
import { KIND_KEYWORDS, STATUS_KEYWORDS } from '../../../../traceql/keywords.ts';
import type { AttributeFieldScope, Intrinsic } from '../../../../traceql/ast.ts';
import type { ValueCount } from '../../../span-store.ts';
import { MISSING, attributeStates, columnStates } from '../scan/attribute-states.ts';
import { BlockRow } from '../scan/block-row.ts';
import { columnOf, int64At, isValid } from '../scan/cells.ts';
import { columnsOfField } from '../scan/fields.ts';
import type { ColumnsAvailable } from '../scan/fields.ts';
import type { Leaf } from '../scan/leaf.ts';
import { codesOfText } from '../scan/texts.ts';
import type { TextCache } from '../scan/texts.ts';
import type { ValueCounts } from './value-counts.ts';

export type ValueField =
  | { readonly kind: 'attribute'; readonly scope: AttributeFieldScope; readonly key: string }
  | { readonly kind: 'intrinsic'; readonly name: Intrinsic };

export function columnsOfValues(field: ValueField, available: ColumnsAvailable): string[] {
  return columnsOfField({ ...field, parent: false, position: 0 }, available);
}

/** The rows from `from` to `to` whose byte is 1. */
export interface RowSet {
  readonly selected: Uint8Array;
  readonly from: number;
  readonly to: number;
  /** Of the block: kept while it is counted slice by slice. */
  readonly texts: TextCache;
}

/** Adds the values in these rows. */
export function countValues(block: Block, field: ValueField, rows: RowSet, into: ValueCounts): void {
  if (field.kind === 'intrinsic') return countIntrinsic(block, field.name, rows, into);
  const { scope, key } = field;
  switch (scope) {
    case 'span':
    case 'resource':
      countAttribute(block, scope, key, rows, into);
      return;
    case 'any':
      countAttribute(block, 'span', key, rows, into);
      countAttribute(block, 'resource', key, withoutAttribute(block, 'span', key, rows), into);
      return;
    case 'instrumentation':
      countAttribute(block, 'scope', key, rows, into);
      return;
    case 'event':
    case 'link':
      countChildren(block, scope, key, rows, into);
      return;
  }
}

/** The rows in which a span itself lacks the attribute: there the resource's counts. */
function withoutAttribute(block: Block, scope: 'span', key: string, rows: RowSet): RowSet {
  const present: Leaf['test'] = () => true;
  const states = new Uint8Array(block.rows);
  const own = block.columns.get(`${scope}.${key}`);
  const map = block.columns.get(`${scope}_attributes`);
  const fill = own
    ? columnStates(own, { comparison: undefined, test: present })
    : map?.kind === 'attributes' && attributeStates(map, key, { comparison: undefined, test: present });
  if (!fill) return rows;
  const { selected, from, to, texts } = rows;
  fill(states, selected, from, to);
  const rest = new Uint8Array(block.rows);
  for (let row = from; row < to; row++) rest[row] = states[row] === MISSING ? selected[row] : 0;
  return { selected: rest, from, to, texts };
}

function countAttribute(
  block: Block,
  scope: 'span' | 'resource' | 'scope',
  key: string,
  rows: RowSet,
  into: ValueCounts,
): void {
  const own = block.columns.get(`${scope}.${key}`);
  if (own) return countColumn(own, rows, into);
  const map = block.columns.get(`${scope}_attributes`);
  if (map?.kind === 'attributes') countMap(map, key, rows, into);
}

function countColumn(vector: Vector, rows: RowSet, into: ValueCounts): void {
  switch (vector.kind) {
    case 'text':
      return countTexts(vector, rows, into);
    case 'int64':
      return countCells(rows, into, 'int', (row) =>
        isValid(vector.valid, row) ? int64At(vector.words, row) : undefined,
      );
    case 'float64':
      return countCells(rows, into, 'double', (row) =>
        isValid(vector.valid, row) ? doubleText(vector.values[row]) : undefined,
      );
    case 'bool':
      return countCells(rows, into, 'bool', (row) =>
        isValid(vector.valid, row) ? vector.values[row] === 1 : undefined,
      );
    case 'attributes':
    case 'fixed':
    case 'list':
    case 'uint32':
    case 'uint8':
      throw new Error(`a promoted column of kind ${vector.kind}`);
  }
}

function countTexts(vector: TextVector, rows: RowSet, into: ValueCounts): void {
  const { selected, from, to } = rows;
  const { codes, dictionary } = vector;
  const texts = rows.texts.of(dictionary);
  if (dictionary.count > to - from) {
    const counts = new Map<number, number>();
    for (let row = from; row < to; row++) {
      if (selected[row] !== 0) counts.set(codes[row], (counts.get(codes[row]) ?? 0) + 1);
    }
    counts.delete(NULL_CODE);
    for (const [code, count] of counts) into.add('string', texts.get(code), count);
    return;
  }
  const counts = new Uint32Array(dictionary.count);
  for (let row = from; row < to; row++) {
    if (selected[row] !== 0 && codes[row] !== NULL_CODE) counts[codes[row]]++;
  }
  texts.expectMany();
  for (let code = 0; code < counts.length; code++) {
    if (counts[code] > 0) into.add('string', texts.get(code), counts[code]);
  }
}

function countCells(
  rows: RowSet,
  into: ValueCounts,
  type: ValueCount['type'],
  valueOf: (row: number) => bigint | string | boolean | undefined,
): void {
  const counts = new Map<bigint | string | boolean, number>();
  for (let row = rows.from; row < rows.to; row++) {
    if (rows.selected[row] === 0) continue;
    const value = valueOf(row);
    if (value !== undefined) counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  for (const [value, count] of counts) into.add(type, String(value), count);
}

/** Types that TraceQL can compare; bytes, arrays and kvlists are no values to choose. */
const COUNTED_TYPES: ReadonlyMap<number, ValueCount['type']> = new Map([
  [TYPE_TAGS.string, 'string'],
  [TYPE_TAGS.bool, 'bool'],
  [TYPE_TAGS.int, 'int'],
  [TYPE_TAGS.double, 'double'],
]);

function countMap(vector: AttributesVector, key: string, rows: RowSet, into: ValueCounts): void {
  const { offsets, rowIndex, pairs, keys, types, values } = vector;
  const keyHits = codesOfText(vector.keyDictionary, key);
  if (!keyHits.includes(1)) return;
  /** By type and value code. */
  const counts = new Map<number, number>();
  for (let row = rows.from; row < rows.to; row++) {
    if (rows.selected[row] === 0) continue;
    const list = rowIndex ? rowIndex[row] : row;
    for (let entry = offsets[list]; entry < offsets[list + 1]; entry++) {
      const at = pairs ? pairs[entry] : entry;
      if (keyHits[keys[at]] === 0) continue;
      const slot = values[at] * TYPES_BY_TAG.length + types[at];
      counts.set(slot, (counts.get(slot) ?? 0) + 1);
      break;
    }
  }
  const texts = rows.texts.of(vector.valueDictionary);
  for (const [slot, count] of counts) {
    const type = COUNTED_TYPES.get(slot % TYPES_BY_TAG.length);
    if (type) into.add(type, texts.get(Math.floor(slot / TYPES_BY_TAG.length)), count);
  }
}

/** A span counts once for each distinct value among its events or links. */
function countChildren(
  block: Block,
  scope: 'event' | 'link',
  key: string,
  rows: RowSet,
  into: ValueCounts,
): void {
  const { offsets } = columnOf(block, scope === 'event' ? 'events' : 'links', 'list');
  const span = new BlockRow(block);
  for (let row = rows.from; row < rows.to; row++) {
    if (rows.selected[row] === 0 || offsets[row] === offsets[row + 1]) continue;
    span.row = row;
    countStatics(span.attribute(scope, key, false), into);
  }
}

function countStatics(values: ReturnType<BlockRow['attribute']>, into: ValueCounts): void {
  const seen = new Set<string>();
  for (const value of values) {
    if (value.type === 'nil' || value.type === 'opaque') continue;
    const text = value.type === 'float' ? doubleText(value.value) : String(value.value);
    if (seen.has(`${value.type} ${text}`)) continue;
    seen.add(`${value.type} ${text}`);
    into.add(countedType(value.type), text, 1);
  }
}

export function countedType(
  type: 'string' | 'int' | 'float' | 'bool' | 'duration' | 'status' | 'kind',
): ValueCount['type'] {
  switch (type) {
    case 'string':
    case 'int':
    case 'bool':
    case 'duration':
      return type;
    case 'float':
      return 'double';
    case 'status':
    case 'kind':
      return 'keyword';
  }
}

function countIntrinsic(block: Block, name: Intrinsic, rows: RowSet, into: ValueCounts): void {
  switch (name) {
    case 'span:name':
      return countTexts(columnOf(block, 'name', 'text'), rows, into);
    case 'span:statusMessage':
      return countTexts(columnOf(block, 'status_message', 'text'), rows, into);
    case 'instrumentation:name':
      return countTexts(columnOf(block, 'scope_name', 'text'), rows, into);
    case 'instrumentation:version':
      return countTexts(columnOf(block, 'scope_version', 'text'), rows, into);
    case 'span:kind':
      return countKeywords(columnOf(block, 'kind', 'uint8').values, KIND_KEYWORDS, rows, into);
    case 'span:status': {
      const { values } = columnOf(block, 'status_code', 'uint8');
      return countKeywords(values, STATUS_KEYWORDS, rows, into);
    }
    default: {
      const span = new BlockRow(block);
      for (let row = rows.from; row < rows.to; row++) {
        if (rows.selected[row] === 0) continue;
        span.row = row;
        countStatics(span.intrinsic(name, false), into);
      }
    }
  }
}

function countKeywords(
  values: Uint8Array,
  keywords: readonly string[],
  rows: RowSet,
  into: ValueCounts,
): void {
  const counts = new Uint32Array(256);
  for (let row = rows.from; row < rows.to; row++) if (rows.selected[row] !== 0) counts[values[row]]++;
  keywords.forEach((keyword, value) => {
    if (counts[value] > 0) into.add('keyword', keyword, counts[value]);
  });
}
