/**
 * SQL for DuckDB: a view in which every attribute is reached the same way, whether its file has a column for
 * it or not. It names no attribute: the columns are found when it is asked, so it stays right while files
 * come and go with other columns.
 */
import { SPANS } from '../span/schema.ts';
import type { Column, PromotedFrom } from '../span/schema.ts';
import { typesColumn } from '../store/lake/files/parquet-vectors.ts';

export interface ViewQuestion {
  /** Absolute path of the data folder. */
  readonly dataDir: string;
  /** Undefined: all. */
  readonly projectId: string | undefined;
  /** DuckDB refuses to read no file: a view over none has no rows, and is to be made anew. */
  readonly isEmpty: boolean;
}

export function duckdbView({ dataDir, projectId, isEmpty }: ViewQuestion): string {
  const project = projectId ?? '*';
  const path = `${globQuoted(dataDir)}/lake/project=${project}/date=*/*.parquet`;
  const source = `read_parquet(${text(path)}, union_by_name = true, hive_partitioning = true,
    hive_types = {'project': VARCHAR, 'date': DATE})`;
  const columns = [
    'project',
    'date',
    ...SPANS.columns.filter((column) => column.type !== 'attributes').map(({ name }) => name),
  ];
  const maps = SPANS.columns.filter((column) => column.type === 'attributes');
  const outer = [...columns, ...maps.map((map) => `${folded(map)} AS ${mapName(map)}`)];
  return `-- Every attribute is in a map: attributes['http.route'], resource['host.name'], scope_attributes['k'].
-- Values are texts, as DuckDB writes them: attributes['retries']::BIGINT. Ids: lower(hex(trace_id)).
CREATE OR REPLACE VIEW spans AS
SELECT ${outer.join(',\n  ')}
FROM (
  SELECT *, ${SPANS.promoted.map(inColumns).join(',\n    ')}
  FROM (${isEmpty ? emptyRows() : `SELECT ${inner()}\n  FROM ${source}`})
);
`;
}

/** Columns of attributes as texts, the others as they are. */
function inner(): string {
  const asText = `${isPromoted('c')} OR c = 'trace_state'`;
  return `COLUMNS(c -> NOT (${asText})),\n    COLUMNS(c -> ${asText})::VARCHAR`;
}

function isPromoted(name: string): string {
  return SPANS.promoted.map(({ prefix }) => `starts_with(${name}, '${prefix}')`).join(' OR ');
}

/** `span_attributes` is the one that people mean by attributes. */
function mapName({ name }: Column): string {
  if (name === 'span_attributes') return 'attributes';
  return name === 'resource_attributes' ? 'resource' : name;
}

/** The map with the columns of their own in it. */
function folded({ name }: Column): string {
  const from = SPANS.promoted.find(({ column }) => column === name);
  if (from === undefined) return name;
  return `map_concat(${name}, map_from_entries(list_transform(
    list_filter(${name}_in_columns, e -> e[2] IS NOT NULL AND starts_with(e[1], '${from.prefix}')),
    e -> {'key': substr(e[1], ${from.prefix.length + 1}), 'value': e[2]})))`;
}

/**
 * Names and values of the columns of their own. COLUMNS must find something even where no file has one, so
 * trace_state comes along, and is left out by its name. A pattern, since DuckDB takes two lambdas for two
 * different choices of columns.
 */
function inColumns({ column, prefix }: PromotedFrom): string {
  const chosen = `*COLUMNS('^(${prefix.replace('.', '[.]')}|trace_state$)')`;
  return `list_zip(struct_keys(struct_pack(${chosen})), list_value(${chosen})) AS ${column}_in_columns`;
}

function emptyRows(): string {
  const columns = SPANS.columns.flatMap((column) => {
    const typed = [`NULL::${sqlType(column.type)} AS ${column.name}`];
    if (column.type === 'attributes') typed.push(`NULL::VARCHAR AS ${typesColumn(column.name)}`);
    return typed;
  });
  return `SELECT NULL::VARCHAR AS project, NULL::DATE AS date, ${columns.join(', ')} WHERE false`;
}

/** As DuckDB reads the column. */
export function sqlType(type: Column['type']): string {
  switch (type) {
    case 'int64':
      return 'BIGINT';
    case 'uint32':
      return 'UINTEGER';
    case 'uint8':
      return 'UTINYINT';
    case 'id8':
    case 'id16':
      return 'BLOB';
    case 'text':
      return 'VARCHAR';
    case 'attributes':
      return 'MAP(VARCHAR, VARCHAR)';
    default: {
      const fields = type.list.flatMap((column) => {
        const field = [`${column.name} ${sqlType(column.type)}`];
        if (column.type === 'attributes') field.push(`${typesColumn(column.name)} VARCHAR`);
        return field;
      });
      return `STRUCT(${fields.join(', ')})[]`;
    }
  }
}

function text(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}

/** A folder's own *, ? and [ mean themselves. */
function globQuoted(path: string): string {
  return path.replace(/[*?[]/g, (sign) => `[${sign}]`);
}
