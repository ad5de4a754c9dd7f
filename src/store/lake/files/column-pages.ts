/** A data page of a column at the top of the tree, decoded whole to its place among the rows of the row group. */
import type { ColumnValues } from './column-flat.ts';
import { readAllDeltas, readNarrowDeltas } from './parquet/page-deltas.ts';
import { ENCODINGS } from './parquet/encodings.ts';
import { readAllCodes } from './parquet/page-codes.ts';
import type { CodeArray } from './parquet/page-codes.ts';
import { definitionOf } from './parquet/page-levels.ts';
import { PLAIN_BYTES } from './parquet/page-values.ts';
import type { LeafType } from './parquet/schema.ts';

/** Where a page's rows go. */
export interface PageSink {
  readonly type: LeafType;
  readonly values: ColumnValues;
  readonly firstRow: number;
  readonly rows: number;
  readonly isOptional: boolean;
}

/** The code that all rows have, if it is one. Throws RangeError when the body does not hold what it should. */
export function decodePage(body: Uint8Array, encoding: number, sink: PageSink): number | undefined {
  const { rows, firstRow, values } = sink;
  const levels = sink.isOptional ? definitionOf(body, rows) : undefined;
  const present = levels?.present;
  const from = levels?.end ?? 0;
  const count = levels?.count ?? rows;
  if (values.kind !== 'coded') {
    if (count > 0) decodePlain(body, from, count, encoding, sink);
    if (present) spreadPlain(values, present, firstRow, count);
    else if (values.kind === 'words' || values.kind === 'bytes') markAll(values.valid, firstRow, rows);
    return undefined;
  }
  const { codes, missing } = values;
  if (count === 0) {
    codes.fill(missing, firstRow, firstRow + rows);
    return missing;
  }
  if (encoding !== ENCODINGS.rleDictionary) throw new RangeError(`codes of the encoding ${encoding}`);
  if (from >= body.length) throw new RangeError('a page without the width of its codes');
  const constant = readAllCodes(body, from + 1, body.length, body[from], codes, firstRow, count);
  if (present === undefined) return constant;
  spreadCodes(codes, present, firstRow, count, missing);
  return undefined;
}

function decodePlain(
  body: Uint8Array,
  from: number,
  count: number,
  encoding: number,
  { type, values, firstRow }: PageSink,
): void {
  if (encoding === ENCODINGS.deltaBinaryPacked && values.kind === 'words') {
    readAllDeltas(body, from, count, values.words, firstRow);
    return;
  }
  if (encoding === ENCODINGS.deltaBinaryPacked && values.kind === 'narrow') {
    readNarrowDeltas(body, from, count, values.words, firstRow);
    return;
  }
  if (encoding !== ENCODINGS.plain || type === 'text') {
    throw new RangeError(`a ${type} of the encoding ${encoding}`);
  }
  const bytes = type === 'bool' ? Math.ceil(count / 8) : count * PLAIN_BYTES[type];
  if (body.length - from !== bytes) throw new RangeError(`${count} values in ${body.length - from} bytes`);
  switch (values.kind) {
    case 'words':
    case 'narrow': {
      const { words } = values;
      const width = values.kind === 'words' ? 8 : 4;
      if (values.kind === 'narrow' && type === 'int64') {
        const view = new DataView(body.buffer, body.byteOffset + from, bytes);
        for (let i = 0; i < count; i++) words[firstRow + i] = view.getUint32(i * 8, true);
        return;
      }
      const out = new Uint8Array(words.buffer, words.byteOffset + firstRow * width, bytes);
      out.set(body.subarray(from));
      return;
    }
    case 'bytes': {
      const { width } = values;
      const out = values.bytes;
      if (type === 'bool') {
        for (let i = 0; i < count; i++) out[firstRow + i] = (body[from + (i >>> 3)] >>> (i & 7)) & 1;
      } else if (type === 'uint8') {
        for (let i = 0; i < count; i++) out[firstRow + i] = body[from + i * 4];
      } else out.set(body.subarray(from), firstRow * width);
      return;
    }
    case 'coded':
      throw new RangeError('plain values for codes');
  }
}

function markAll(valid: Uint8Array | undefined, firstRow: number, rows: number): void {
  if (valid === undefined) return;
  for (let row = firstRow; row < firstRow + rows; row++) valid[row >>> 3] |= 1 << (row & 7);
}

/** The values stand at the begin of their page: each goes to its row, the last one first. */
function spreadCodes(
  codes: CodeArray,
  present: Uint8Array,
  firstRow: number,
  count: number,
  missing: number,
): void {
  if (codes instanceof Uint8Array) spread8(codes, present, firstRow, count, missing);
  else if (codes instanceof Uint16Array) spread16(codes, present, firstRow, count, missing);
  else spread32(codes, present, firstRow, count, missing);
}

function spread8(out: Uint8Array, present: Uint8Array, first: number, count: number, missing: number) {
  for (let row = present.length - 1, at = first + count - 1; row >= 0; row--) {
    out[first + row] = present[row] === 1 ? out[at--] : missing;
  }
}

function spread16(out: Uint16Array, present: Uint8Array, first: number, count: number, missing: number) {
  for (let row = present.length - 1, at = first + count - 1; row >= 0; row--) {
    out[first + row] = present[row] === 1 ? out[at--] : missing;
  }
}

function spread32(out: Uint32Array, present: Uint8Array, first: number, count: number, missing: number) {
  for (let row = present.length - 1, at = first + count - 1; row >= 0; row--) {
    out[first + row] = present[row] === 1 ? out[at--] : missing;
  }
}

function spreadPlain(values: ColumnValues, present: Uint8Array, firstRow: number, count: number): void {
  switch (values.kind) {
    case 'words':
      spreadWords(values.words, values.valid, present, firstRow, count);
      return;
    case 'bytes':
      spreadBytes(values.bytes, values.width, values.valid, present, firstRow, count);
      return;
    case 'narrow':
    case 'coded':
      throw new RangeError(`nulls among ${values.kind}`);
  }
}

function spreadWords(
  words: Uint32Array,
  valid: Uint8Array | undefined,
  present: Uint8Array,
  first: number,
  count: number,
): void {
  if (valid === undefined) throw new RangeError('nulls where the footer has none');
  for (let i = present.length - 1, at = first + count - 1; i >= 0; i--) {
    const row = first + i;
    if (present[i] === 0) {
      words[row * 2] = 0;
      words[row * 2 + 1] = 0;
      continue;
    }
    words[row * 2] = words[at * 2];
    words[row * 2 + 1] = words[at * 2 + 1];
    valid[row >>> 3] |= 1 << (row & 7);
    at--;
  }
}

/** A null id is all zeros. */
function spreadBytes(
  bytes: Uint8Array,
  width: number,
  valid: Uint8Array | undefined,
  present: Uint8Array,
  first: number,
  count: number,
): void {
  for (let i = present.length - 1, at = first + count - 1; i >= 0; i--) {
    const row = first + i;
    if (present[i] === 0) {
      for (let j = 0; j < width; j++) bytes[row * width + j] = 0;
      continue;
    }
    for (let j = 0; j < width; j++) bytes[row * width + j] = bytes[at * width + j];
    if (valid !== undefined) valid[row >>> 3] |= 1 << (row & 7);
    at--;
  }
}
