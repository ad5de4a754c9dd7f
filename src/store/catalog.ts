/**
 * `catalog.sqlite`: projects, hashed tokens, the files of the lake with their statistics, and what the
 * store must remember between starts. Other processes (the command line) may open it beside the server:
 * WAL mode and a busy timeout let them. Documented in data/README.md.
 */
import { Database } from 'bun:sqlite';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

export const CATALOG_FILE = 'catalog.sqlite';

/** Raised with every change of the tables or files that an older program would misread. */
export const FORMAT_VERSION = 3;

export const DEFAULT_PROJECT = 'default';

/** Ids of projects stand in paths, so they can hold no `/`, `.` or upper case (some disks fold it). */
export const PROJECT_ID = /^[a-z0-9][a-z0-9_-]{0,62}$/;

/** Waiting for another process's write: a token being made takes milliseconds. */
const BUSY_TIMEOUT_MS = 5_000;

/** While SQLite waits the thread stands still, and a server's must not: it tries again later, or answers 503. */
const SERVER_BUSY_TIMEOUT_MS = 100;

/** The data folder was written by a newer program, or is damaged in a way that a person must decide on. */
export class CatalogError extends Error {
  override readonly name = 'CatalogError';
}

/**
 * Times are Unix milliseconds. Starts are unsigned and durations signed nanoseconds, both stored as the
 * same 64 bits in SQLite's signed INTEGER.
 */
const SCHEMA = `
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS projects (
  id TEXT PRIMARY KEY,            -- in paths: ^[a-z0-9][a-z0-9_-]{0,62}$
  name TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  retention TEXT NOT NULL DEFAULT '', -- rules, one a line, as '{status=error} 30d'; '' keeps everything
  max_bytes INTEGER               -- of its Parquet files; null: no bound
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS tokens (
  id TEXT PRIMARY KEY,            -- public, names the token when it is revoked
  hash BLOB NOT NULL UNIQUE,      -- SHA-256 of the token; the token itself is stored nowhere
  project_id TEXT NOT NULL REFERENCES projects (id),
  scope TEXT NOT NULL CHECK (scope IN ('ingest', 'read', 'admin')),
  name TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  last_used_at INTEGER,
  revoked_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS files (
  path TEXT PRIMARY KEY,          -- below the data folder
  table_name TEXT NOT NULL,       -- 'spans'
  project_id TEXT NOT NULL,       -- no reference: a flush must not fail for a project that went
  day TEXT NOT NULL,              -- UTC, YYYY-MM-DD
  rows INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  hash TEXT NOT NULL,             -- of the file, see files/hash.ts
  trace_index_bytes INTEGER NOT NULL,
  trace_index_hash TEXT NOT NULL,
  first_sequence INTEGER NOT NULL,
  last_sequence INTEGER NOT NULL,
  min_start_unix_nano INTEGER NOT NULL,
  max_start_unix_nano INTEGER NOT NULL,
  max_end_unix_nano INTEGER NOT NULL,
  min_duration_nano INTEGER NOT NULL,
  max_duration_nano INTEGER NOT NULL,
  error_count INTEGER NOT NULL,
  statistics TEXT NOT NULL,       -- JSON: services, operations, attribute keys, promoted columns, row groups
  created_at INTEGER NOT NULL,
  level INTEGER NOT NULL DEFAULT 0,   -- 0: as flushed; else one more than the highest of its inputs
  token_index_bytes INTEGER NOT NULL DEFAULT 0,
  token_index_hash TEXT NOT NULL DEFAULT '',  -- '': the file has none
  quarantined TEXT,               -- why no answer uses the file; null: it is sound
  checksum TEXT NOT NULL DEFAULT ''   -- of this row, see files/record-checksum.ts; '': written by format 1
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS saved_searches (
  id TEXT PRIMARY KEY,
  project_id TEXT NOT NULL REFERENCES projects (id),
  name TEXT NOT NULL,
  url TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Files that may lie in the lake and count for nothing: outputs of a rewrite that is not committed, inputs
-- of one that is. A start removes them.
CREATE TABLE IF NOT EXISTS garbage (path TEXT PRIMARY KEY, since INTEGER NOT NULL) STRICT, WITHOUT ROWID;

-- Requests whose spans are in files, so that one delivered again is told across restarts. A row a flush.
CREATE TABLE IF NOT EXISTS deliveries (
  project_id TEXT NOT NULL,
  first_sequence INTEGER NOT NULL,
  received_at INTEGER NOT NULL,   -- of its latest request
  requests BLOB NOT NULL,         -- see lake/write/deliveries.ts
  PRIMARY KEY (project_id, first_sequence)
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS pinned_traces (
  project_id TEXT NOT NULL,
  trace_id TEXT NOT NULL,         -- 32 hex digits
  pinned_at INTEGER NOT NULL,
  note TEXT NOT NULL,
  PRIMARY KEY (project_id, trace_id)
) STRICT, WITHOUT ROWID;

-- What retention found when it last looked at a file, so that it looks again only when there may be
-- something to do. Harmless to lose: files are looked at once more.
CREATE TABLE IF NOT EXISTS retention_checked (
  path TEXT PRIMARY KEY,
  project_id TEXT NOT NULL,
  rules TEXT NOT NULL,            -- those it was judged by
  due_at INTEGER NOT NULL         -- nothing can go before
) STRICT, WITHOUT ROWID;

-- Traces on their way out of more than one file: what is left of one could be judged otherwise.
CREATE TABLE IF NOT EXISTS retention_going (
  project_id TEXT PRIMARY KEY,
  rules TEXT NOT NULL,
  planned_at INTEGER NOT NULL,    -- the last log sequence in files then
  trace_ids BLOB NOT NULL         -- 16 bytes each
) STRICT, WITHOUT ROWID;

-- Counts and durations of a file's spans by operation and time: see lake/files/rollup.ts. A file without is scanned.
CREATE TABLE IF NOT EXISTS rollups (path TEXT PRIMARY KEY, data BLOB NOT NULL) STRICT;

-- What was removed, when, by whom and why. Only added to; the figures of an entry grow while its removal
-- goes through several files.
CREATE TABLE IF NOT EXISTS audit (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,
  project_id TEXT NOT NULL,
  action TEXT NOT NULL,           -- AuditAction of store-upkeep.ts
  actor TEXT NOT NULL,            -- a token's id, 'local' without tokens, 'retention', 'command line'
  detail TEXT NOT NULL,           -- the trace, query or rule
  spans INTEGER NOT NULL,
  bytes INTEGER NOT NULL
) STRICT;
`;

/** What turns a catalog of the version before into this one; [n] leads from n to n + 1. */
const MIGRATIONS: ReadonlyMap<number, string> = new Map([
  [
    1,
    `
ALTER TABLE projects ADD COLUMN retention TEXT NOT NULL DEFAULT '';
ALTER TABLE projects ADD COLUMN max_bytes INTEGER;
ALTER TABLE files ADD COLUMN level INTEGER NOT NULL DEFAULT 0;
ALTER TABLE files ADD COLUMN token_index_bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE files ADD COLUMN token_index_hash TEXT NOT NULL DEFAULT '';
ALTER TABLE files ADD COLUMN quarantined TEXT;
ALTER TABLE files ADD COLUMN checksum TEXT NOT NULL DEFAULT '';
UPDATE files SET hash = 'plain:' || hash WHERE bytes > 4194304;
UPDATE files SET trace_index_hash = 'plain:' || trace_index_hash WHERE trace_index_bytes > 4194304;
ALTER TABLE tokens RENAME TO tokens_1;
CREATE TABLE tokens (
  id TEXT PRIMARY KEY,
  hash BLOB NOT NULL UNIQUE,
  project_id TEXT NOT NULL REFERENCES projects (id),
  scope TEXT NOT NULL CHECK (scope IN ('ingest', 'read', 'admin')),
  name TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  last_used_at INTEGER,
  revoked_at INTEGER
) STRICT, WITHOUT ROWID;
INSERT INTO tokens SELECT * FROM tokens_1;
DROP TABLE tokens_1;
`,
  ],
  [2, 'CREATE TABLE rollups (path TEXT PRIMARY KEY, data BLOB NOT NULL) STRICT;'],
]);

/**
 * Opens or creates the catalog of a data folder; the project `default` always exists. Throws
 * CatalogError for a newer format or an unreadable file.
 */
export function openCatalog(dataDir: string): Database {
  mkdirSync(dataDir, { recursive: true });
  const path = join(dataDir, CATALOG_FILE);
  const db = new Database(path, { create: true, strict: true });
  try {
    prepare(db);
  } catch (error) {
    db.close();
    if (error instanceof CatalogError) throw error;
    const mend =
      hasCode(error, 'SQLITE_NOTADB') || hasCode(error, 'SQLITE_CORRUPT')
        ? `; put back a copy of it, or make it anew with  spanlake verify --repair --data ${dataDir}`
        : '';
    throw new CatalogError(
      `can't open ${path}: ${error instanceof Error ? error.message : String(error)}${mend}`,
    );
  }
  return db;
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

/** For a catalog that was opened to serve. */
export function waitBriefly(db: Database): void {
  db.run(`PRAGMA busy_timeout = ${SERVER_BUSY_TIMEOUT_MS}`);
}

function prepare(db: Database): void {
  db.run(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
  const existing = formatVersion(db);
  if (existing !== undefined && existing > FORMAT_VERSION) {
    throw new CatalogError(
      `the data folder has format ${existing}, this program knows ${FORMAT_VERSION} and older: use a newer one`,
    );
  }
  db.run('PRAGMA journal_mode = WAL');
  // FULL syncs the WAL at each commit: a file may be dropped from the log only after that.
  db.run('PRAGMA synchronous = FULL');
  db.run('PRAGMA foreign_keys = ON');
  if (existing === FORMAT_VERSION) return;
  db.transaction(() => {
    for (let version = existing ?? FORMAT_VERSION; version < FORMAT_VERSION; version++) {
      db.run(MIGRATIONS.get(version) ?? '');
    }
    db.run(SCHEMA);
    writeMeta(db, 'format_version', String(FORMAT_VERSION));
    db.query('INSERT OR IGNORE INTO projects (id, name, created_at) VALUES (?, ?, ?)').run(
      DEFAULT_PROJECT,
      DEFAULT_PROJECT,
      Date.now(),
    );
  }).immediate();
}

/** Undefined for a new catalog. Read before anything is written, so that a refusal changes nothing. */
function formatVersion(db: Database): number | undefined {
  const hasMeta = db.query("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'meta'").get();
  if (hasMeta === null) return undefined;
  const value = readMeta(db, 'format_version');
  return value === undefined ? undefined : Number(value);
}

/** `flushed_through`: the last log sequence whose spans are in files. `clock_high_water`: Unix ms, the latest time that was trusted. */
export type MetaKey = 'format_version' | 'flushed_through' | 'clock_high_water';

export function readMeta(db: Database, key: MetaKey): string | undefined {
  const row = db.query<{ value: string }, [string]>('SELECT value FROM meta WHERE key = ?').get(key);
  return row?.value;
}

export function writeMeta(db: Database, key: MetaKey, value: string): void {
  db.query(
    'INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
  ).run(key, value);
}
