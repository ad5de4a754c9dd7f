/** The `files` table: entries in and out of the catalog. The commit of a flush is one transaction here. */
import type { Database } from 'bun:sqlite';
import { readMeta, writeMeta } from '../../catalog.ts';
import type { FileEntry, FileService, FileStatistics, RowGroupEntry } from './file-entry.ts';

/** 64-bit columns come back as text: a Number would round them. */
interface FileRow {
  readonly path: string;
  readonly project_id: string;
  readonly day: string;
  readonly rows: number;
  readonly bytes: number;
  readonly hash: string;
  readonly trace_index_bytes: number;
  readonly trace_index_hash: string;
  readonly first_sequence: number;
  readonly last_sequence: number;
  readonly min_start: string;
  readonly max_start: string;
  readonly max_end: string;
  readonly min_duration: string;
  readonly max_duration: string;
  readonly error_count: number;
  readonly statistics: string;
}

const SELECT = `
SELECT path, project_id, day, rows, bytes, hash, trace_index_bytes, trace_index_hash,
  first_sequence, last_sequence,
  CAST(min_start_unix_nano AS TEXT) AS min_start, CAST(max_start_unix_nano AS TEXT) AS max_start,
  CAST(max_end_unix_nano AS TEXT) AS max_end,
  CAST(min_duration_nano AS TEXT) AS min_duration, CAST(max_duration_nano AS TEXT) AS max_duration,
  error_count, statistics
FROM files WHERE table_name = ? ORDER BY first_sequence, path`;

const INSERT = `
INSERT OR REPLACE INTO files (path, table_name, project_id, day, rows, bytes, hash, trace_index_bytes,
  trace_index_hash, first_sequence, last_sequence, min_start_unix_nano, max_start_unix_nano,
  max_end_unix_nano, min_duration_nano, max_duration_nano, error_count, statistics, created_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;

export function loadFiles(db: Database, table: string): FileEntry[] {
  return db.query<FileRow, [string]>(SELECT).all(table).map(entryOf);
}

export interface FlushCommit {
  readonly table: string;
  readonly files: readonly FileEntry[];
  readonly flushedThrough: number;
  readonly nowMs: number;
}

/** After it the files count, and the log up to `flushedThrough` does not. */
export function commitFlush(db: Database, { table, files, flushedThrough, nowMs }: FlushCommit): void {
  const insert = db.query(INSERT);
  db.transaction(() => {
    for (const file of files) insert.run(...valuesOf(file, table, nowMs));
    writeMeta(db, 'flushed_through', String(flushedThrough));
    const highWater = Number(readMeta(db, 'clock_high_water') ?? 0);
    if (nowMs > highWater) writeMeta(db, 'clock_high_water', String(nowMs));
  }).immediate();
}

export function flushedThrough(db: Database): number {
  return Number(readMeta(db, 'flushed_through') ?? 0);
}

function valuesOf(file: FileEntry, table: string, nowMs: number): (string | number | bigint)[] {
  const signed = (value: bigint) => BigInt.asIntN(64, value);
  return [
    file.path,
    table,
    file.projectId,
    file.day,
    file.rows,
    file.bytes,
    file.hash,
    file.traceIndexBytes,
    file.traceIndexHash,
    file.firstSequence,
    file.lastSequence,
    signed(file.minStartUnixNano),
    signed(file.maxStartUnixNano),
    signed(file.maxEndUnixNano),
    signed(file.minDurationNano),
    signed(file.maxDurationNano),
    file.errorCount,
    statisticsText(file),
    nowMs,
  ];
}

function entryOf(row: FileRow): FileEntry {
  const unsigned = (text: string) => BigInt.asUintN(64, BigInt(text));
  return {
    path: row.path,
    projectId: row.project_id,
    day: row.day,
    rows: row.rows,
    bytes: row.bytes,
    hash: row.hash,
    traceIndexBytes: row.trace_index_bytes,
    traceIndexHash: row.trace_index_hash,
    firstSequence: row.first_sequence,
    lastSequence: row.last_sequence,
    minStartUnixNano: unsigned(row.min_start),
    maxStartUnixNano: unsigned(row.max_start),
    maxEndUnixNano: unsigned(row.max_end),
    minDurationNano: BigInt(row.min_duration),
    maxDurationNano: BigInt(row.max_duration),
    errorCount: row.error_count,
    ...statisticsOf(row.statistics),
  };
}

/** BigInts as decimal strings: JSON readers elsewhere would round numbers of 64 bits. */
type Stored<T> = { readonly [K in keyof T]: T[K] extends bigint ? string : T[K] };
type StoredStatistics = Omit<FileStatistics, 'services' | 'rowGroups'> & {
  readonly services: readonly Stored<FileService>[];
  readonly rowGroups: readonly Stored<RowGroupEntry>[];
};

function statisticsText(file: FileEntry): string {
  const stored: StoredStatistics = {
    services: file.services.map((service) => ({
      ...service,
      maxDurationNano: String(service.maxDurationNano),
    })),
    servicesWhole: file.servicesWhole,
    operations: file.operations,
    operationsWhole: file.operationsWhole,
    attributeKeys: file.attributeKeys,
    attributeKeysWhole: file.attributeKeysWhole,
    promoted: file.promoted,
    rowGroups: file.rowGroups.map((group) => ({
      rows: group.rows,
      minStartUnixNano: String(group.minStartUnixNano),
      maxStartUnixNano: String(group.maxStartUnixNano),
      minDurationNano: String(group.minDurationNano),
      maxDurationNano: String(group.maxDurationNano),
      errorCount: group.errorCount,
    })),
  };
  return JSON.stringify(stored);
}

function statisticsOf(text: string): FileStatistics {
  // Written by `statisticsText` alone, in the same transaction as the row that carries it.
  const stored = JSON.parse(text) as StoredStatistics;
  return {
    ...stored,
    services: stored.services.map((service) => ({
      ...service,
      maxDurationNano: BigInt(service.maxDurationNano),
    })),
    rowGroups: stored.rowGroups.map((group) => ({
      rows: group.rows,
      minStartUnixNano: BigInt(group.minStartUnixNano),
      maxStartUnixNano: BigInt(group.maxStartUnixNano),
      minDurationNano: BigInt(group.minDurationNano),
      maxDurationNano: BigInt(group.maxDurationNano),
      errorCount: group.errorCount,
    })),
  };
}
