/** The `files` table: entries in and out of the catalog. The commit of a flush is one transaction here. */
import type { Database } from 'bun:sqlite';
import { CatalogError, readMeta, writeMeta } from '../../catalog.ts';
import type { FileEntry, FileService, FileStatistics, RowGroupEntry } from './file-entry.ts';
import { pathsOf } from './names.ts';
import { numberOfText, numberText, recordChecksum } from './record-checksum.ts';
import { forgetRollups, storeRollups } from './rollup-catalog.ts';
import type { FileRollups } from './rollup-catalog.ts';

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
  readonly level: number;
  readonly token_index_bytes: number;
  readonly token_index_hash: string;
  readonly quarantined: string | null;
  readonly created_at: number;
  readonly table_name: string;
  readonly checksum: string;
}

const COLUMNS = `
SELECT path, project_id, day, rows, bytes, hash, trace_index_bytes, trace_index_hash,
  first_sequence, last_sequence,
  CAST(min_start_unix_nano AS TEXT) AS min_start, CAST(max_start_unix_nano AS TEXT) AS max_start,
  CAST(max_end_unix_nano AS TEXT) AS max_end,
  CAST(min_duration_nano AS TEXT) AS min_duration, CAST(max_duration_nano AS TEXT) AS max_duration,
  error_count, statistics, level, token_index_bytes, token_index_hash, quarantined,
  created_at, table_name, checksum
FROM files`;

const SELECT = `${COLUMNS} WHERE table_name = ?`;
const SELECT_ONE = `${COLUMNS} WHERE path = ?`;

const INSERT = `
INSERT OR REPLACE INTO files (path, table_name, project_id, day, rows, bytes, hash, trace_index_bytes,
  trace_index_hash, first_sequence, last_sequence, min_start_unix_nano, max_start_unix_nano,
  max_end_unix_nano, min_duration_nano, max_duration_nano, error_count, created_at,
  level, token_index_bytes, token_index_hash, statistics, checksum)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;

/** A file of the catalog, and why no answer may use it. */
export interface ListedFile {
  readonly entry: FileEntry;
  readonly quarantined: string | undefined;
  /** False when the entry is not what was written: nothing in it can be relied on. */
  readonly recordIsSound: boolean;
}

const MEND = 'mend it with  spanlake verify --repair';

/**
 * In the order of their sequences: sorted here, since SQLite would copy the statistics to sort the rows.
 * Throws CatalogError for a table that can't be read.
 */
export function loadFiles(db: Database, table: string): ListedFile[] {
  try {
    return db
      .query<FileRow, [string]>(SELECT)
      .all(table)
      .sort((a, b) => a.first_sequence - b.first_sequence || (a.path < b.path ? -1 : 1))
      .map(listedOf);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CatalogError(`catalog.sqlite is damaged (${reason}): ${MEND}`, { cause: error });
  }
}

function listedOf(row: FileRow): ListedFile {
  const recordIsSound = row.checksum === '' || row.checksum === checksumOf(row);
  const damage = recordIsSound ? undefined : `its record in catalog.sqlite is damaged: ${MEND}`;
  return { entry: entryOf(row), quarantined: damage ?? row.quarantined ?? undefined, recordIsSound };
}

/** Of the same values in the same order as `valuesOf` has them. */
function checksumOf(row: FileRow): string {
  const fields = [
    row.path,
    row.table_name,
    row.project_id,
    row.day,
    row.rows,
    row.bytes,
    row.hash,
    row.trace_index_bytes,
    row.trace_index_hash,
    row.first_sequence,
    row.last_sequence,
    row.min_start,
    row.max_start,
    row.max_end,
    row.min_duration,
    row.max_duration,
    row.error_count,
    row.created_at,
    row.level,
    row.token_index_bytes,
    row.token_index_hash,
  ];
  return recordChecksum(fields, row.statistics);
}

/** Its record is damaged: what the file itself says is to be taken. */
export function forgetRecord(db: Database, path: string): void {
  db.query('DELETE FROM files WHERE path = ?').run(path);
  forgetRollups(db, [{ path }]);
}

export interface FlushCommit {
  readonly table: string;
  readonly files: readonly FileEntry[];
  readonly flushedThrough: number;
  /** Of the files, as far as they have one. */
  readonly rollups?: FileRollups;
  /** Further rows of the same transaction. */
  readonly also?: () => void;
}

/** After it the files count, and the log up to `flushedThrough` does not. */
export function commitFlush(db: Database, commit: FlushCommit): void {
  const { table, files, flushedThrough, rollups, also } = commit;
  const insert = db.query(INSERT);
  db.transaction(() => {
    for (const file of files) insert.run(...valuesOf(file, table));
    if (rollups !== undefined) storeRollups(db, rollups);
    writeMeta(db, 'flushed_through', numberText(flushedThrough));
    also?.();
  }).immediate();
}

/** Before the first byte of a rewrite's output is written: a crash leaves nothing that nobody knows. */
export function announceRewrite(db: Database, paths: readonly string[], nowMs: number): void {
  db.transaction(() => addGarbage(db, paths, nowMs)).immediate();
}

export interface RewriteCommit {
  readonly table: string;
  readonly add: readonly FileEntry[];
  readonly remove: readonly FileEntry[];
  /** Of the files that are added, as far as they have one. */
  readonly rollups?: FileRollups;
  readonly nowMs: number;
  /** Further rows of the same transaction: an audit record. */
  readonly also?: () => void;
}

/** The commit point of compaction, retention and deletion: the new files count, and the old do not. */
export function commitRewrite(db: Database, commit: RewriteCommit): void {
  const { table, add, remove, rollups, nowMs, also } = commit;
  const insert = db.query(INSERT);
  const forget = db.query('DELETE FROM files WHERE path = ?');
  db.transaction(() => {
    for (const file of remove) forget.run(file.path);
    forgetRollups(db, remove);
    const removed = remove.flatMap((file) => pathsOf(file.path));
    addGarbage(db, removed, nowMs);
    for (const file of add) insert.run(...valuesOf(file, table));
    if (rollups !== undefined) storeRollups(db, rollups);
    forgetGarbageInside(
      db,
      add.flatMap((file) => pathsOf(file.path)),
    );
    also?.();
  }).immediate();
}

/** Paths that count for nothing, wherever they lie. */
export function loadGarbage(db: Database): string[] {
  return db
    .query<{ path: string }, []>('SELECT path FROM garbage ORDER BY path')
    .all()
    .map(({ path }) => path);
}

/** They are gone. */
export function forgetGarbage(db: Database, paths: readonly string[]): void {
  if (paths.length > 0) db.transaction(() => forgetGarbageInside(db, paths)).immediate();
}

/** No answer uses the file from now on, across restarts; undefined takes it back. */
export function setQuarantined(db: Database, path: string, reason: string | undefined): void {
  db.query('UPDATE files SET quarantined = ? WHERE path = ?').run(reason ?? null, path);
}

/** The indexes beside a file were made anew. */
export function setIndexes(db: Database, file: FileEntry): void {
  db.transaction(() => {
    const row = db.query<FileRow, [string]>(SELECT_ONE).get(file.path);
    if (row === null) return;
    const after = {
      ...row,
      trace_index_bytes: file.traceIndexBytes,
      trace_index_hash: file.traceIndexHash,
      token_index_bytes: file.tokenIndexBytes,
      token_index_hash: file.tokenIndexHash,
    };
    // A record that was damaged before must not become sound by this.
    const checksum = listedOf(row).recordIsSound ? checksumOf(after) : row.checksum;
    db.query(
      `UPDATE files SET trace_index_bytes = ?, trace_index_hash = ?, token_index_bytes = ?, token_index_hash = ?,
         checksum = ? WHERE path = ?`,
    ).run(
      after.trace_index_bytes,
      after.trace_index_hash,
      after.token_index_bytes,
      after.token_index_hash,
      checksum,
      file.path,
    );
  }).immediate();
}

function addGarbage(db: Database, paths: readonly string[], nowMs: number): void {
  const add = db.query('INSERT OR IGNORE INTO garbage (path, since) VALUES (?, ?)');
  for (const path of paths) add.run(path, nowMs);
}

function forgetGarbageInside(db: Database, paths: readonly string[]): void {
  const forget = db.query('DELETE FROM garbage WHERE path = ?');
  for (const path of paths) forget.run(path);
}

/** Throws CatalogError for a number that is damaged: a larger one would drop logs that no file holds. */
export function flushedThrough(db: Database): number {
  const text = readMeta(db, 'flushed_through');
  const isNew = text === undefined && db.query('SELECT 1 FROM files').get() === null;
  if (isNew) return 0;
  const value = numberOfText(text ?? '');
  if (value === undefined) throw new CatalogError(`catalog.sqlite is damaged at flushed_through: ${MEND}`);
  return value;
}

function valuesOf(file: FileEntry, table: string): (string | number | bigint)[] {
  const signed = (value: bigint) => BigInt.asIntN(64, value);
  const statistics = statisticsText(file);
  const fields = [
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
    file.createdAtMs,
    file.level,
    file.tokenIndexBytes,
    file.tokenIndexHash,
  ];
  return [...fields, statistics, recordChecksum(fields, statistics)];
}

/**
 * Lists and zone maps are 20 KB of JSON a file, and half of the time that loading takes: they are parsed
 * when they are first asked for: 400 files load in 15 ms of CPU instead of 60.
 */
function entryOf(row: FileRow): FileEntry {
  const statistics = parsedOnce(row.path, row.statistics);
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
    createdAtMs: row.created_at,
    minStartUnixNano: unsigned(row.min_start),
    maxStartUnixNano: unsigned(row.max_start),
    maxEndUnixNano: unsigned(row.max_end),
    minDurationNano: BigInt(row.min_duration),
    maxDurationNano: BigInt(row.max_duration),
    errorCount: row.error_count,
    level: row.level,
    tokenIndexBytes: row.token_index_bytes,
    tokenIndexHash: row.token_index_hash,
    get services() {
      return statistics().services;
    },
    get servicesWhole() {
      return statistics().servicesWhole;
    },
    get operations() {
      return statistics().operations;
    },
    get operationsWhole() {
      return statistics().operationsWhole;
    },
    get attributeKeys() {
      return statistics().attributeKeys;
    },
    get attributeKeysWhole() {
      return statistics().attributeKeysWhole;
    },
    get promoted() {
      return statistics().promoted;
    },
    get rowGroups() {
      return statistics().rowGroups;
    },
  };
}

/** The text is let go once it is parsed. Throws an Error that names the mend for a text that is damaged. */
function parsedOnce(path: string, text: string): () => FileStatistics {
  let known: string | FileStatistics = text;
  return () => {
    if (typeof known !== 'string') return known;
    try {
      known = statisticsOf(known);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Error(`catalog.sqlite is damaged at ${path} (${reason}): ${MEND}`, { cause: error });
    }
    return known;
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
    // Format 1 did not know the types of keys.
    attributeKeys: stored.attributeKeys.map((key) => ({ ...key, types: key.types ?? '' })),
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
