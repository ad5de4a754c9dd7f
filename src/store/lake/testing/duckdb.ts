/** For tests: Parquet files as DuckDB reads them, down to plain spans. */
import { DuckDBInstance } from '@duckdb/node-api';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { Attribute, AttributeType, Span } from '../../../span/span.ts';
import { TYPES_BY_TAG, TYPE_LETTERS, parseValueText } from '../../../span/value.ts';
import type { PromotedColumn } from '../files/file-entry.ts';

type Row = Record<string, unknown>;

let connection: Promise<DuckDBConnection> | undefined;

/** 64-bit integers are decimal strings. */
export async function duckdbRows(sql: string): Promise<Row[]> {
  connection ??= DuckDBInstance.create(':memory:', { threads: '1' }).then((instance) => instance.connect());
  const result = await (await connection).runAndReadAll(sql);
  return result.getRowObjectsJson();
}

export function pathList(paths: readonly string[]): string {
  return `[${paths.map((path) => `'${path.replaceAll("'", "''")}'`).join(', ')}]`;
}

/** The rows of one file in its order, put together again from columns of their own and maps. */
export async function duckdbSpans(path: string, promoted: readonly PromotedColumn[]): Promise<Span[]> {
  // As text, since JSON has no NaN, and rounds.
  const texts = promoted.map(({ name }) => `CAST(${quoted(name)} AS VARCHAR) AS ${quoted(name)}`);
  const hexIds = `lower(hex(trace_id)) AS trace_id, lower(hex(span_id)) AS span_id,
    lower(hex(parent_span_id)) AS parent_span_id,
    list_transform(links, x -> {'trace_id': lower(hex(x.trace_id)), 'span_id': lower(hex(x.span_id)),
      'trace_state': x.trace_state, 'attributes': x.attributes, 'attribute_types': x.attribute_types,
      'dropped_attributes_count': x.dropped_attributes_count, 'flags': x.flags}) AS links`;
  const columns = [`* REPLACE (${[hexIds, ...texts].join(', ')})`];
  const rows = await duckdbRows(`SELECT ${columns.join(', ')} FROM read_parquet(${pathList([path])})`);
  return rows.map((row) => spanOf(row, promoted));
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function spanOf(row: Row, promoted: readonly PromotedColumn[]): Span {
  const text = (name: string) => String(row[name]);
  const list = (name: string) => row[name] as Row[];
  return {
    traceId: text('trace_id'),
    spanId: text('span_id'),
    parentSpanId: row.parent_span_id === null ? '' : text('parent_span_id'),
    traceState: text('trace_state'),
    name: text('name'),
    kind: Number(row.kind),
    startTimeUnixNano: BigInt.asUintN(64, BigInt(text('start_time_unix_nano'))),
    durationNano: BigInt(text('duration_nano')),
    statusCode: Number(row.status_code),
    statusMessage: text('status_message'),
    flags: Number(row.flags),
    attributes: byKey([...mapOf(row, 'span_attributes'), ...promotedOf(row, promoted, 'span.')]),
    droppedAttributesCount: Number(row.dropped_attributes_count),
    events: list('events').map((event) => ({
      timeUnixNano: BigInt.asUintN(64, BigInt(String(event.time_unix_nano))),
      name: String(event.name),
      attributes: byKey(mapOf(event, 'attributes')),
      droppedAttributesCount: Number(event.dropped_attributes_count),
    })),
    droppedEventsCount: Number(row.dropped_events_count),
    links: list('links').map((link) => ({
      traceId: String(link.trace_id),
      spanId: String(link.span_id),
      traceState: String(link.trace_state),
      attributes: byKey(mapOf(link, 'attributes')),
      droppedAttributesCount: Number(link.dropped_attributes_count),
      flags: Number(link.flags),
    })),
    droppedLinksCount: Number(row.dropped_links_count),
    serviceName: text('service_name'),
    resource: {
      attributes: byKey([...mapOf(row, 'resource_attributes'), ...promotedOf(row, promoted, 'resource.')]),
      droppedAttributesCount: Number(row.resource_dropped_attributes_count),
      schemaUrl: text('resource_schema_url'),
    },
    scope: {
      name: text('scope_name'),
      version: text('scope_version'),
      attributes: byKey(mapOf(row, 'scope_attributes')),
      droppedAttributesCount: Number(row.scope_dropped_attributes_count),
      schemaUrl: text('scope_schema_url'),
    },
  };
}

function mapOf(row: Row, name: string): Attribute[] {
  const entries = row[name] as { key: string; value: string }[];
  const letters = String(row[name.replace(/attributes$/, 'attribute_types')]);
  if (letters.length !== entries.length)
    throw new Error(`${entries.length} attributes with types ${letters}`);
  return entries.map(({ key, value }, i) => ({
    key,
    value: parseValueText(TYPES_BY_TAG[TYPE_LETTERS.indexOf(letters[i])], value),
  }));
}

function promotedOf(row: Row, promoted: readonly PromotedColumn[], prefix: string): Attribute[] {
  return promoted
    .filter(({ name }) => name.startsWith(prefix) && row[name] !== null)
    .map(({ name, type }) => ({
      key: name.slice(prefix.length),
      value: parseValueText(type satisfies AttributeType, plainText(type, String(row[name]))),
    }));
}

/** DuckDB writes doubles that are no numbers in its own way. */
function plainText(type: PromotedColumn['type'], text: string): string {
  return type === 'double' ? text.replace('inf', 'Infinity').replace('nan', 'NaN') : text;
}

/** The order of attributes means nothing in OTLP, and columns do not keep it. */
export function byKey(attributes: readonly Attribute[]): Attribute[] {
  return attributes.toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
}
