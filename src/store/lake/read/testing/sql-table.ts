/**
 * Test support: spans of Parquet files as one table of DuckDB in which TraceQL can be said in SQL. Built by
 * data/README.md alone, so that it shares nothing with the product's own way of reading.
 *
 * An attribute is `{k, v}` with its values as TraceQL sees them: those of an array's elements, none for an
 * empty value. A value is `val`: its type's letter with a text (`s`, `k` kind, `t` status), an integer (`i`,
 * `n` duration, `b` bool) or a double (`d`); `o` is there and yet compares with nothing.
 */
import { duckdbRows, pathList } from '../../testing/duckdb.ts';

const TWO_63 = '9223372036854775808::HUGEINT';
const TWO_64 = '18446744073709551616::HUGEINT';

/** Macros are put in as text: a lambda's name in one must be none of its arguments'. */
const MACROS = [
  `CREATE TYPE val AS STRUCT(t VARCHAR, s VARCHAR, i BIGINT, d DOUBLE)`,
  `CREATE MACRO no_vals() AS []::val[]`,
  `CREATE MACRO text_val(t, x) AS {'t': t, 's': x, 'i': NULL, 'd': NULL}::val`,
  `CREATE MACRO int_val(t, x) AS {'t': t, 's': NULL, 'i': x, 'd': NULL}::val`,
  `CREATE MACRO double_val(x) AS {'t': 'd', 's': NULL, 'i': NULL, 'd': x}::val`,
  `CREATE MACRO opaque() AS text_val('o', NULL)`,
  `CREATE MACRO wrap64(x) AS
    (((x::HUGEINT + ${TWO_63}) % ${TWO_64} + ${TWO_64}) % ${TWO_64} - ${TWO_63})::BIGINT`,
  `CREATE MACRO unsigned(x) AS ((x::HUGEINT % ${TWO_64} + ${TWO_64}) % ${TWO_64})`,
  // -1, 0 or 1 of numbers, exactly, whichever of them are integers; null where one is no number or NaN.
  `CREATE MACRO compare_int_double(i, d) AS CASE
    WHEN isnan(d) THEN NULL
    WHEN d >= 9223372036854775808.0 THEN -1
    WHEN d < -9223372036854775808.0 THEN 1
    WHEN i < TRY_CAST(floor(d) AS BIGINT) THEN -1
    WHEN i > TRY_CAST(floor(d) AS BIGINT) THEN 1
    WHEN d > floor(d) THEN -1 ELSE 0 END`,
  `CREATE MACRO compare_numbers(a, b) AS CASE
    WHEN a.t NOT IN ('i', 'n', 'd') OR b.t NOT IN ('i', 'n', 'd') THEN NULL
    WHEN a.t != 'd' AND b.t != 'd' THEN CASE WHEN a.i < b.i THEN -1 WHEN a.i > b.i THEN 1 ELSE 0 END
    WHEN a.t != 'd' THEN compare_int_double(a.i, b.d)
    WHEN b.t != 'd' THEN -compare_int_double(b.i, a.d)
    WHEN isnan(a.d) OR isnan(b.d) THEN NULL
    WHEN a.d < b.d THEN -1 WHEN a.d > b.d THEN 1 ELSE 0 END`,
  `CREATE MACRO number_of(a) AS CASE WHEN a.t = 'd' THEN a.d ELSE a.i::DOUBLE END`,
  `CREATE MACRO both_numbers(a, b) AS a.t IN ('i', 'n', 'd') AND b.t IN ('i', 'n', 'd')`,
  `CREATE MACRO json_val(j) AS CASE
    WHEN json_type(j) = 'VARCHAR' THEN text_val('s', j ->> '$')
    WHEN json_type(j) IN ('BIGINT', 'UBIGINT') THEN int_val('i', TRY_CAST(j AS BIGINT))
    WHEN json_type(j) = 'DOUBLE' THEN double_val(TRY_CAST(j AS DOUBLE))
    WHEN json_type(j) = 'BOOLEAN' THEN int_val('b', CASE WHEN j::VARCHAR = 'true' THEN 1 ELSE 0 END)
    WHEN json_type(j) = 'OBJECT' AND json_type(j, '$."$double"') = 'VARCHAR'
      THEN double_val(TRY_CAST(j ->> '$."$double"' AS DOUBLE))
    ELSE NULL END`,
  `CREATE MACRO array_vals(x) AS CASE
    WHEN len(list_filter(list_transform(json_extract(x, '$[*]'), lambda mj: json_val(mj)),
      lambda mv: mv IS NOT NULL)) = 0 THEN [opaque()]
    ELSE list_filter(list_transform(json_extract(x, '$[*]'), lambda mj: json_val(mj)),
      lambda mv: mv IS NOT NULL) END`,
  `CREATE MACRO vals(letter, x) AS CASE letter
    WHEN 's' THEN [text_val('s', x)]
    WHEN 'i' THEN [int_val('i', TRY_CAST(x AS BIGINT))]
    WHEN 'd' THEN [double_val(TRY_CAST(x AS DOUBLE))]
    WHEN 'b' THEN [int_val('b', CASE WHEN x = 'true' THEN 1 ELSE 0 END)]
    WHEN 'a' THEN array_vals(CASE WHEN letter = 'a' THEN x ELSE '[]' END)
    WHEN 'e' THEN no_vals()
    ELSE [opaque()] END`,
  `CREATE MACRO attributes(m, letters) AS
    list_transform(map_entries(m), lambda me, mi: {'k': me.key, 'v': vals(substr(letters, mi, 1), me.value)})`,
  `CREATE MACRO attr(list, key) AS coalesce(list_filter(list, lambda ma: ma.k = key)[1].v, no_vals())`,
];

let prepared: Promise<void> | undefined;

/** Once a process: the connection is one for all tests. */
async function prepare(): Promise<void> {
  for (const macro of MACROS) await duckdbRows(macro);
}

/**
 * Rows of the tables, by a plan that is carried out as it is written: with some forty rows, planning is all the
 * work, and a third of it is optimizing. The optimizer is on again for the other tests of the process.
 */
export async function plainRows(sql: string): ReturnType<typeof duckdbRows> {
  await duckdbRows('PRAGMA disable_optimizer');
  try {
    return await duckdbRows(sql);
  } finally {
    await duckdbRows('PRAGMA enable_optimizer');
  }
}

/** Makes the table `spans`, and with it what is asked of parents and traces. The files have no span twice. */
export async function loadTable(paths: readonly string[]): Promise<void> {
  prepared ??= prepare();
  await prepared;
  const selects: string[] = [];
  for (const path of paths) selects.push(await selectOf(path));
  await plainRows(`CREATE OR REPLACE TEMP TABLE raw AS ${selects.join('\nUNION ALL BY NAME\n')}`);
  await plainRows(ROWS_TABLE);
  await plainRows(SPANS_TABLE);
  await plainRows(RELATED_TABLE);
}

/**
 * A parent is the first other span, by start, that has the id, and its children are all that name it. `newest`, `oldest` and `slowest` are each row's
 * place in that order.
 */
const SPANS_TABLE = `CREATE OR REPLACE TEMP TABLE spans AS
  WITH parents AS (
    SELECT c.rid AS child, min(p.rid) AS rid
    FROM rows c JOIN rows p ON p.trace_id = c.trace_id AND p.span_id = c.parent_span_id AND p.rid != c.rid
    GROUP BY c.rid),
  children AS (
    SELECT p.rid, count(*) AS n
    FROM rows p JOIN rows c ON p.trace_id = c.trace_id AND p.span_id = c.parent_span_id AND p.rid != c.rid
    GROUP BY p.rid),
  traces AS (
    SELECT trace_id, min(start) AS first, max(unsigned(start + duration)) AS last,
      min(rid) FILTER (parent_span_id = '') AS root
    FROM rows GROUP BY trace_id)
  SELECT r.*, p.rid AS parent_rid, coalesce(c.n, 0) AS child_count,
    greatest(least(t.last - t.first, ${TWO_63} - 1), 1 - ${TWO_63})::BIGINT AS trace_duration,
    root.name AS root_name, root.service_name AS root_service,
    row_number() OVER (ORDER BY r.start DESC, r.trace_id, r.span_id, r.kind) AS newest,
    row_number() OVER (ORDER BY r.start, r.trace_id, r.span_id, r.kind) AS oldest,
    row_number() OVER (ORDER BY r.duration DESC, r.trace_id, r.span_id, r.start, r.kind) AS slowest
  FROM rows r
  LEFT JOIN parents p ON p.child = r.rid
  LEFT JOIN children c ON c.rid = r.rid
  JOIN traces t ON t.trace_id = r.trace_id
  LEFT JOIN rows root ON root.rid = t.root`;

/**
 * Pairs of spans of a trace, `r` standing to `l` so. Descendants are reached by steps from parent to parent;
 * nothing stands so to itself, also in a circle of parents. Siblings name the same parent, though it never came.
 */
const RELATED_TABLE = `CREATE OR REPLACE TEMP TABLE related AS
  WITH RECURSIVE steps(low, high) AS (
    SELECT rid, parent_rid FROM spans WHERE parent_rid IS NOT NULL
    UNION
    SELECT a.low, s.parent_rid FROM steps a JOIN spans s ON s.rid = a.high WHERE s.parent_rid IS NOT NULL)
  SELECT '>' AS relation, parent_rid AS l, rid AS r FROM spans WHERE parent_rid IS NOT NULL
  UNION ALL SELECT '<', rid, parent_rid FROM spans WHERE parent_rid IS NOT NULL
  UNION ALL SELECT '>>', high, low FROM steps WHERE low != high
  UNION ALL SELECT '<<', low, high FROM steps WHERE low != high
  UNION ALL SELECT '~', a.rid, b.rid FROM spans a JOIN spans b ON a.trace_id = b.trace_id
    AND a.parent_span_id = b.parent_span_id AND a.parent_span_id != '' AND a.rid != b.rid`;

const hex = (name: string): string => `lower(hex(${name}))`;

const ROWS_TABLE = `CREATE OR REPLACE TEMP TABLE rows AS
  SELECT ${hex('trace_id')} AS trace_id, ${hex('span_id')} AS span_id,
    coalesce(${hex('parent_span_id')}, '') AS parent_span_id, name, kind,
    unsigned(start_time_unix_nano) AS start, duration_nano AS duration, status_code, status_message,
    service_name, scope_name, scope_version,
    list_concat(attributes(span_attributes, span_attribute_types), own_span) AS span_attributes,
    list_concat(attributes(resource_attributes, resource_attribute_types), own_resource) AS resource_attributes,
    attributes(scope_attributes, scope_attribute_types) AS scope_attributes,
    list_transform(events, lambda e: {'time': unsigned(e.time_unix_nano), 'name': e.name,
      'attributes': attributes(e.attributes, e.attribute_types)}) AS events,
    list_transform(links, lambda e: {'trace_id': ${hex('e.trace_id')}, 'span_id': ${hex('e.span_id')},
      'attributes': attributes(e.attributes, e.attribute_types)}) AS links,
    row_number() OVER (ORDER BY ${hex('trace_id')}, unsigned(start_time_unix_nano), ${hex('span_id')}, kind) AS rid
  FROM raw`;

/** The columns that every file has, and the attributes with a column of their own in two lists. */
async function selectOf(path: string): Promise<string> {
  const source = `read_parquet(${pathList([path])}, hive_partitioning = false)`;
  const columns = await plainRows(`DESCRIBE SELECT * FROM ${source}`);
  const isOwn = (name: string) => name.startsWith('span.') || name.startsWith('resource.');
  const shared = columns.map(({ column_name }) => String(column_name)).filter((name) => !isOwn(name));
  const own = (prefix: string) =>
    columns
      .filter(({ column_name }) => String(column_name).startsWith(prefix))
      .map(({ column_name, column_type }) => ownAttribute(String(column_name), String(column_type), prefix));
  const list = (prefix: string) =>
    `list_filter([${own(prefix).join(', ')}]::STRUCT(k VARCHAR, v val[])[], lambda e: len(e.v) > 0)`;
  return `SELECT ${shared.join(', ')}, ${list('span.')} AS own_span, ${list('resource.')} AS own_resource
    FROM ${source}`;
}

/** An attribute that has a column of its own; without values where the span has none. */
function ownAttribute(name: string, type: string, prefix: string): string {
  const column = `"${name.replaceAll('"', '""')}"`;
  const key = `'${name.slice(prefix.length).replaceAll("'", "''")}'`;
  return `{'k': ${key}, 'v': CASE WHEN ${column} IS NULL THEN no_vals() ELSE [${ownValue(column, type)}] END}`;
}

function ownValue(column: string, type: string): string {
  switch (type) {
    case 'VARCHAR':
      return `text_val('s', ${column})`;
    case 'BIGINT':
      return `int_val('i', ${column})`;
    case 'DOUBLE':
      return `double_val(${column})`;
    case 'BOOLEAN':
      return `int_val('b', CASE WHEN ${column} THEN 1 ELSE 0 END)`;
    default:
      throw new Error(`attribute column ${column} of type ${type}`);
  }
}
