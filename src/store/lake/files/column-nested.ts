/** A map or a list of a row group as the vectors of its rows. Its parts are of no use alone, so it is read whole. */
import type { Vector } from '../../../span/vector.ts';
import type { ReadCost } from './column-flat.ts';
import { isAlwaysEmpty } from './column-files.ts';
import type { ColumnFile, FieldOfFile, LeafOfFile, PageBytes } from './column-files.ts';
import { ENCODINGS } from './parquet/encodings.ts';
import { readPages } from './parquet/footer-reader.ts';
import { LeafReader, LevelsMemo, rowsWithoutValues } from './parquet/leaf-reader.ts';
import type { LeafRows, OpenPage } from './parquet/leaf-reader.ts';
import { openPage } from './parquet/page-open.ts';
import { unshred } from './parquet/unshred.ts';

export class NestedColumn {
  /** The column's own and, of a map, its letters of types. */
  readonly vectors: ReadonlyMap<string, Vector>;
  /** Of memory. */
  readonly bytes: number;

  constructor(file: PageBytes, known: ColumnFile, rowGroup: number, column: FieldOfFile, cost: ReadCost) {
    const parts = column.types === undefined ? [column] : [column, column.types];
    const group = known.layout.rowGroups[rowGroup];
    const { rows } = group;
    if (isAlwaysEmpty(column, group)) {
      const empty = emptyVector(column, rows);
      this.vectors = new Map([[column.field.name, empty]]);
      this.bytes = memoryOf(empty);
      return;
    }
    const levels = new LevelsMemo();
    const leaves = parts.flatMap((part) => {
      const isEmpty = isAlwaysEmpty(part, group);
      return part.leaves.map((each) =>
        isEmpty
          ? rowsWithoutValues(each.leaf, each.depth, rows)
          : leafRows(file, known, rowGroup, each, cost, levels),
      );
    });
    const fields = parts.map(({ field }) => field);
    this.vectors = unshred(fields, leaves, rows);
    this.bytes = [...this.vectors.values()].reduce((sum, vector) => sum + memoryOf(vector), 0);
  }
}

/** A map or a list without anything in any row: most are, since frequent attributes have columns of their own. */
function emptyVector({ field, leaves, types }: FieldOfFile, rows: number): Vector {
  const parts = types === undefined ? [field] : [field, types.field];
  const all = types === undefined ? leaves : [...leaves, ...types.leaves];
  const none = all.map(({ leaf, depth }) => rowsWithoutValues(leaf, depth, 0));
  const vector = unshred(parts, none, 0).get(field.name);
  if (vector?.kind !== 'attributes' && vector?.kind !== 'list')
    throw new RangeError(`${field.name} is no list`);
  return { ...vector, offsets: new Uint32Array(rows + 1) };
}

function leafRows(
  file: PageBytes,
  known: ColumnFile,
  rowGroup: number,
  { leaf, depth, index }: LeafOfFile,
  cost: ReadCost,
  levels: LevelsMemo,
): LeafRows {
  const { rows, chunks } = known.layout.rowGroups[rowGroup];
  const chunk = chunks[index];
  const pages = readPages(known.tail, chunk, rows);
  const begin = chunk.dictionaryOffset ?? chunk.dataOffset;
  const bytes = file.read(begin, chunk.bytes);
  const open = (from: number, count: number): OpenPage =>
    openPage(bytes.subarray(from - begin, from - begin + count), chunk.codec);
  const reader = new LeafReader(leaf, depth, chunk.encoding, levels);
  for (const [i, page] of pages.entries()) {
    const count = (pages[i + 1]?.firstRow ?? rows) - page.firstRow;
    reader.page(open(page.offset, page.bytes), count, [{ from: 0, to: count }]);
  }
  cost.bytes += chunk.bytes;
  cost.misses += pages.length;
  if (chunk.dictionaryOffset === undefined) return reader.rows(undefined);
  const dictionary = open(chunk.dictionaryOffset, chunk.dataOffset - chunk.dictionaryOffset);
  if (dictionary.header.kind !== 'dictionary' || dictionary.header.encoding !== ENCODINGS.plain) {
    throw new RangeError('no dictionary where it should be');
  }
  return reader.rows(dictionary);
}

function memoryOf(vector: Vector): number {
  switch (vector.kind) {
    case 'text':
      return (
        vector.codes.byteLength + vector.dictionary.bytes.byteLength + vector.dictionary.offsets.byteLength
      );
    case 'attributes': {
      const { offsets, keys, types, values, keyDictionary, valueDictionary } = vector;
      return [
        offsets,
        keys,
        types,
        values,
        keyDictionary.bytes,
        valueDictionary.bytes,
        valueDictionary.offsets,
      ]
        .map((part) => part.byteLength)
        .reduce((sum, part) => sum + part, 0);
    }
    case 'list':
      return Object.values(vector.children).reduce(
        (sum, child) => sum + memoryOf(child),
        vector.offsets.byteLength,
      );
    case 'int64':
      return vector.words.byteLength;
    case 'fixed':
      return vector.bytes.byteLength;
    case 'uint32':
    case 'uint8':
    case 'float64':
    case 'bool':
      return vector.values.byteLength;
  }
}
