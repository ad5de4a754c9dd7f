/**
 * The tables of the lake, as data. Files, buffer and scan work from this description, so that a
 * second table (logs) is a second constant. On disk it is documented in data/README.md.
 */

/** How a column is kept in memory (`vector.ts`) and in Parquet (`store/lake/files/parquet/schema.ts`). */
export type ColumnType =
  | 'int64'
  | 'uint32'
  | 'uint8'
  | 'id8'
  | 'id16'
  | 'text'
  | 'attributes'
  | { readonly list: readonly Column[] };

export interface Column {
  readonly name: string;
  readonly type: ColumnType;
}

/** A column of attributes whose frequent keys become columns of their own, named `prefix + key`. */
export interface PromotedFrom {
  readonly column: string;
  readonly prefix: string;
}

export interface TableSchema {
  readonly name: string;
  readonly columns: readonly Column[];
  /** Unsigned nanoseconds since the epoch: decides the partition's day and the order. */
  readonly timeColumn: string;
  /** Rows with the same value stand together in a file. */
  readonly groupColumn: string;
  /**
   * Rows of a group that agree in these are one row delivered again. For spans: id, kind (client and server
   * spans that share an id stay two) and start. The one with the largest `versionColumn` stays.
   */
  readonly identityColumns: readonly string[];
  readonly versionColumn: string;
  readonly promoted: readonly PromotedFrom[];
}

export const SPANS: TableSchema = {
  name: 'spans',
  columns: [
    { name: 'trace_id', type: 'id16' },
    { name: 'span_id', type: 'id8' },
    { name: 'parent_span_id', type: 'id8' },
    { name: 'trace_state', type: 'text' },
    { name: 'name', type: 'text' },
    { name: 'kind', type: 'uint8' },
    { name: 'start_time_unix_nano', type: 'int64' },
    { name: 'duration_nano', type: 'int64' },
    { name: 'status_code', type: 'uint8' },
    { name: 'status_message', type: 'text' },
    { name: 'flags', type: 'uint32' },
    { name: 'service_name', type: 'text' },
    { name: 'dropped_attributes_count', type: 'uint32' },
    { name: 'dropped_events_count', type: 'uint32' },
    { name: 'dropped_links_count', type: 'uint32' },
    { name: 'span_attributes', type: 'attributes' },
    { name: 'resource_attributes', type: 'attributes' },
    { name: 'resource_dropped_attributes_count', type: 'uint32' },
    { name: 'resource_schema_url', type: 'text' },
    { name: 'scope_name', type: 'text' },
    { name: 'scope_version', type: 'text' },
    { name: 'scope_attributes', type: 'attributes' },
    { name: 'scope_dropped_attributes_count', type: 'uint32' },
    { name: 'scope_schema_url', type: 'text' },
    {
      name: 'events',
      type: {
        list: [
          { name: 'time_unix_nano', type: 'int64' },
          { name: 'name', type: 'text' },
          { name: 'attributes', type: 'attributes' },
          { name: 'dropped_attributes_count', type: 'uint32' },
        ],
      },
    },
    {
      name: 'links',
      type: {
        list: [
          { name: 'trace_id', type: 'id16' },
          { name: 'span_id', type: 'id8' },
          { name: 'trace_state', type: 'text' },
          { name: 'attributes', type: 'attributes' },
          { name: 'dropped_attributes_count', type: 'uint32' },
          { name: 'flags', type: 'uint32' },
        ],
      },
    },
  ],
  timeColumn: 'start_time_unix_nano',
  groupColumn: 'trace_id',
  identityColumns: ['span_id', 'kind', 'start_time_unix_nano'],
  versionColumn: 'duration_nano',
  promoted: [
    { column: 'span_attributes', prefix: 'span.' },
    { column: 'resource_attributes', prefix: 'resource.' },
  ],
};
