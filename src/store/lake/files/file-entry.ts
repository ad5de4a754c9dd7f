/**
 * What the catalog knows of one Parquet file: where it is and what a plan may conclude from it without
 * opening it. Entries are immutable; a rewrite makes a new file with a new entry.
 */

/** A service's share of a file. */
export interface FileService {
  readonly name: string;
  readonly spanCount: number;
  readonly errorCount: number;
  readonly maxDurationNano: bigint;
}

/** One operation: a span name and kind of a service. */
export interface FileOperation {
  readonly serviceName: string;
  readonly name: string;
  readonly kind: number;
  readonly spanCount: number;
}

export interface FileAttributeKey {
  /** As `AttributeScope` of `span-store.ts`. */
  readonly scope: 'span' | 'resource' | 'event' | 'link' | 'instrumentation';
  readonly key: string;
  /** Spans that carry it (an event's or link's key counts once a span). */
  readonly spanCount: number;
  /** The letters (TYPE_LETTERS) of its values' types, sorted; '' where it is not known. */
  readonly types: string;
}

/** An attribute key with a column of its own: `prefix + key` of the schema's `promoted`. */
export interface PromotedColumn {
  /** The column in the file, e.g. `span.http.route`. */
  readonly name: string;
  readonly type: 'string' | 'int' | 'double' | 'bool';
}

/** Zone map of one row group; rows are in the order of their traces' first start. */
export interface RowGroupEntry {
  readonly rows: number;
  readonly minStartUnixNano: bigint;
  readonly maxStartUnixNano: bigint;
  readonly minDurationNano: bigint;
  readonly maxDurationNano: bigint;
  readonly errorCount: number;
}

/** `operations` and `attributeKeys` are cut at MAX_STATISTICS_ENTRIES, the most frequent first. */
export interface FileStatistics {
  readonly services: readonly FileService[];
  readonly operations: readonly FileOperation[];
  readonly attributeKeys: readonly FileAttributeKey[];
  readonly promoted: readonly PromotedColumn[];
  readonly rowGroups: readonly RowGroupEntry[];
  /** False when a list above was cut: then what it lacks may still be in the file. */
  readonly servicesWhole: boolean;
  readonly operationsWhole: boolean;
  readonly attributeKeysWhole: boolean;
}

export interface FileEntry extends FileStatistics {
  /** Below the data folder, with `/`: `lake/project=ID/date=YYYY-MM-DD/NAME.parquet`. */
  readonly path: string;
  readonly projectId: string;
  /** UTC, `YYYY-MM-DD`, or Hive's name of no value for rows of many days (write/partition.ts). */
  readonly day: string;
  readonly rows: number;
  /** Size of the Parquet file. */
  readonly bytes: number;
  /** Of the Parquet file's bytes and of the indexes beside it (`hash.ts`). */
  readonly hash: string;
  readonly traceIndexBytes: number;
  readonly traceIndexHash: string;
  /** Of the token filters; 0 and '' for a file without. */
  readonly tokenIndexBytes: number;
  readonly tokenIndexHash: string;
  /** 0: as flushed, spans delivered twice included. A rewrite has one more than the highest of its inputs. */
  readonly level: number;
  /** The range of log frames whose spans the file may hold. */
  readonly firstSequence: number;
  readonly lastSequence: number;
  /** Unix milliseconds of the flush that wrote its newest row; a rewrite keeps the largest of its inputs. */
  readonly createdAtMs: number;
  /** Starts and ends are unsigned, durations signed nanoseconds. */
  readonly minStartUnixNano: bigint;
  readonly maxStartUnixNano: bigint;
  readonly maxEndUnixNano: bigint;
  readonly minDurationNano: bigint;
  readonly maxDurationNano: bigint;
  readonly errorCount: number;
}
