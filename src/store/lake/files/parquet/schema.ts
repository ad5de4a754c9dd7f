/**
 * A table's columns as Parquet's tree of fields and, of the same, its leaves: the columns that hold values. A
 * column of attributes is a map of texts and, beside it, a text of type letters.
 */
import type { Column, ColumnType, TableSchema } from '../../../../span/schema.ts';
import type { PromotedColumn } from '../file-entry.ts';
import { typesColumn } from '../parquet-vectors.ts';

/** How the values of a leaf stand in memory and in the file. */
export type LeafType = 'uint8' | 'uint32' | 'int64' | 'double' | 'bool' | 'id8' | 'id16' | 'text';

export interface Leaf {
  readonly kind: 'leaf';
  readonly name: string;
  readonly type: LeafType;
  readonly optional: boolean;
}

/** A map's key and value, or the fields of a list's elements. */
export interface Group {
  readonly kind: 'map' | 'list';
  readonly name: string;
  readonly fields: readonly Field[];
}

export type Field = Leaf | Group;

/** The fields of a file: the schema's columns in its order, then those of promoted attributes. */
export function parquetFields(schema: TableSchema, promoted: readonly PromotedColumn[]): Field[] {
  return [...schema.columns.flatMap(fieldsOf), ...promoted.map(promotedField)];
}

function fieldsOf({ name, type }: Column): Field[] {
  if (type === 'attributes') return [mapField(name), leaf(typesColumn(name), 'text')];
  if (typeof type === 'object') return [{ kind: 'list', name, fields: type.list.flatMap(fieldsOf) }];
  return [leaf(name, type)];
}

function mapField(name: string): Group {
  return { kind: 'map', name, fields: [leaf('key', 'text'), leaf('value', 'text')] };
}

/** Ids of zeros are nulls: a root span has no parent. Texts and numbers of the schema are always there. */
function leaf(name: string, type: Exclude<ColumnType, 'attributes' | object>): Leaf {
  return { kind: 'leaf', name, type, optional: type === 'id8' || type === 'id16' };
}

const PROMOTED_TYPES: Readonly<Record<PromotedColumn['type'], LeafType>> = {
  string: 'text',
  int: 'int64',
  double: 'double',
  bool: 'bool',
};

/** Always optional: a later row group may have rows without the attribute. */
function promotedField({ name, type }: PromotedColumn): Leaf {
  return { kind: 'leaf', name, type: PROMOTED_TYPES[type], optional: true };
}

/** The leaves of a tree, depth first, each with its path in the file. */
export function leafPaths(fields: readonly Field[]): { leaf: Leaf; path: readonly string[] }[] {
  return fields.flatMap((field) => {
    if (field.kind === 'leaf') return [{ leaf: field, path: [field.name] }];
    const between = field.kind === 'map' ? [field.name, 'entries'] : [field.name, 'list', 'element'];
    return leafPaths(field.fields).map(({ leaf, path }) => ({ leaf, path: [...between, ...path] }));
  });
}
