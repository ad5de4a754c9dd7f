/** Test support: rows as plain values, from vectors and from DuckDB, so that they can be compared. */
import type { Column, TableSchema } from '../../../../../span/schema.ts';
import { TYPE_LETTERS, doubleText } from '../../../../../span/value.ts';
import { NULL_CODE } from '../../../../../span/vector.ts';
import type { Block, TextDictionary, Vector } from '../../../../../span/vector.ts';
import { duckdbRows, pathList } from '../../../testing/duckdb.ts';
import type { PromotedColumn } from '../../file-entry.ts';
import { typesColumn } from '../../parquet-vectors.ts';

/** Texts, numbers, booleans and null; a map as a list of [key, value], a list as a list of rows. */
export type Cell = string | number | boolean | null | readonly Cell[] | { readonly [name: string]: Cell };
export type PlainRow = Record<string, Cell>;

/** 64-bit integers, doubles and ids are texts. */
export function rowsOf(block: Block, from = 0, to: number = block.rows): PlainRow[] {
  return Array.from({ length: to - from }, (_, i) => rowOf([...block.columns], from + i));
}

function rowOf(columns: readonly (readonly [string, Vector])[], row: number): PlainRow {
  const out: PlainRow = {};
  for (const [name, vector] of columns) {
    out[name] = cellOf(vector, row);
    if (vector.kind === 'attributes') {
      out[typesColumn(name)] = entriesOf(vector, row)
        .map((pair) => TYPE_LETTERS[vector.types[pair]])
        .join('');
    }
  }
  return out;
}

function cellOf(vector: Vector, row: number): Cell {
  switch (vector.kind) {
    case 'int64': {
      const { words } = vector;
      const value = (BigInt(words[row * 2 + 1]) << 32n) | BigInt(words[row * 2]);
      return isValid(vector.valid, row) ? String(BigInt.asIntN(64, value)) : null;
    }
    case 'float64':
      return isValid(vector.valid, row) ? doubleText(vector.values[row]) : null;
    case 'bool':
      return isValid(vector.valid, row) ? vector.values[row] === 1 : null;
    case 'uint8':
    case 'uint32':
      return vector.values[row];
    case 'fixed': {
      const id = Buffer.from(vector.bytes.subarray(row * vector.width, (row + 1) * vector.width));
      return id.some((byte) => byte !== 0) ? id.toString('hex') : null;
    }
    case 'text':
      return vector.codes[row] === NULL_CODE ? null : textOf(vector.dictionary, vector.codes[row]);
    case 'attributes':
      return entriesOf(vector, row).map((pair) => [
        textOf(vector.keyDictionary, vector.keys[pair]),
        textOf(vector.valueDictionary, vector.values[pair]),
      ]);
    case 'list': {
      const children = Object.entries(vector.children);
      return range(vector.offsets, row).map((child) => rowOf(children, child));
    }
  }
}

function entriesOf(vector: Extract<Vector, { kind: 'attributes' }>, row: number): number[] {
  const entries = range(vector.offsets, vector.rowIndex === undefined ? row : vector.rowIndex[row]);
  return entries.map((entry) => (vector.pairs === undefined ? entry : vector.pairs[entry]));
}

function range(offsets: Uint32Array, row: number): number[] {
  return Array.from({ length: offsets[row + 1] - offsets[row] }, (_, i) => offsets[row] + i);
}

function isValid(valid: Uint8Array | undefined, row: number): boolean {
  return valid === undefined || ((valid[row >>> 3] >>> (row & 7)) & 1) === 1;
}

function textOf({ offsets, bytes }: TextDictionary, code: number): string {
  return Buffer.from(bytes.subarray(offsets[code], offsets[code + 1])).toString();
}

/** The rows of a file in its order, in the form of `rowsOf`. */
export async function duckdbPlainRows(
  path: string,
  schema: TableSchema,
  promoted: readonly PromotedColumn[],
): Promise<PlainRow[]> {
  const columns = schema.columns.flatMap((column) =>
    expressions(column, (name) => `"${name.replaceAll('"', '""')}"`),
  );
  for (const { name, type } of promoted) {
    const column = `"${name.replaceAll('"', '""')}"`;
    columns.push([name, type === 'double' || type === 'int' ? `${column}::VARCHAR` : column]);
  }
  const list = columns.map(([, expression], i) => `${expression} AS c${i}`).join(', ');
  const rows = await duckdbRows(`SELECT ${list} FROM read_parquet(${pathList([path])})`);
  const doubles = new Set(promoted.filter(({ type }) => type === 'double').map(({ name }) => name));
  return rows.map((row) =>
    Object.fromEntries(
      columns.map(([name], i) => {
        const cell = cellOfDuckdb(row[`c${i}`]);
        return [name, doubles.has(name) && typeof cell === 'string' ? duckdbDouble(cell) : cell];
      }),
    ),
  );
}

/** Name and expression of each column that a column of the schema has in a file. */
function expressions({ name, type }: Column, of: (name: string) => string): [string, string][] {
  if (type === 'attributes') {
    const entries = `list_transform(map_entries(${of(name)}), e -> [e.key, e.value])`;
    return [
      [name, entries],
      [typesColumn(name), of(typesColumn(name))],
    ];
  }
  if (typeof type === 'object') {
    const fields = type.list.flatMap((field) =>
      expressions(field, (child) => `struct_extract(x, '${child}')`),
    );
    const struct = fields.map(([child, expression]) => `'${child}': ${expression}`).join(', ');
    return [[name, `list_transform(${of(name)}, x -> {${struct}})`]];
  }
  if (type === 'id8' || type === 'id16') return [[name, `lower(hex(${of(name)}))`]];
  return [[name, type === 'int64' ? `${of(name)}::VARCHAR` : of(name)]];
}

/** DuckDB writes doubles that are no numbers in its own way. */
function duckdbDouble(text: string): string {
  return doubleText(Number(text.replace('inf', 'Infinity').replace('nan', 'NaN')));
}

function cellOfDuckdb(value: unknown): Cell {
  return value === undefined ? null : (value as Cell);
}
