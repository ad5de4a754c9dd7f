import { Database } from 'bun:sqlite';
import { expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { flushedThrough, loadFiles } from './lake/files/catalog-files.ts';
import { CATALOG_FILE, CatalogError, FORMAT_VERSION, openCatalog, readMeta, writeMeta } from './catalog.ts';

function inFolder(run: (folder: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), 'catalog-'));
  try {
    run(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('a new catalog has the default project and survives a reopen', () =>
  inFolder((folder) => {
    const db = openCatalog(folder);
    expect(db.query('SELECT id FROM projects').values()).toEqual([['default']]);
    writeMeta(db, 'flushed_through', '17');
    db.close();
    const again = openCatalog(folder);
    expect(readMeta(again, 'flushed_through')).toBe('17');
    expect(readMeta(again, 'format_version')).toBe(String(FORMAT_VERSION));
    expect(again.query('SELECT count(*) FROM projects').values()).toEqual([[1]]);
    again.close();
  }));

test('two connections work beside each other', () =>
  inFolder((folder) => {
    const server = openCatalog(folder);
    const command = openCatalog(folder);
    command.query("INSERT INTO projects (id, name, created_at) VALUES ('shop', 'Shop', 1)").run();
    expect(server.query("SELECT name FROM projects WHERE id = 'shop'").values()).toEqual([['Shop']]);
    command.close();
    server.close();
  }));

test('a newer format is refused and left as it was', () =>
  inFolder((folder) => {
    const db = openCatalog(folder);
    writeMeta(db, 'format_version', String(FORMAT_VERSION + 1));
    db.close();
    expect(() => openCatalog(folder)).toThrow(
      new CatalogError(
        `the data folder has format ${FORMAT_VERSION + 1}, this program knows ${FORMAT_VERSION} and older: use a newer one`,
      ),
    );
    const raw = new Database(join(folder, CATALOG_FILE), { readonly: true });
    expect(readMeta(raw, 'format_version')).toBe(String(FORMAT_VERSION + 1));
    raw.close();
  }));

test('a file that is no database is refused by name', () =>
  inFolder((folder) => {
    writeFileSync(
      join(folder, CATALOG_FILE),
      'not a database at all, long enough to be read as a header '.repeat(9),
    );
    expect(() => openCatalog(folder)).toThrow(CATALOG_FILE);
  }));

/** As the program before deletions, retention and compaction made them. */
const FORMAT_1 = `
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE projects (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE tokens (
  id TEXT PRIMARY KEY,
  hash BLOB NOT NULL UNIQUE,
  project_id TEXT NOT NULL REFERENCES projects (id),
  scope TEXT NOT NULL CHECK (scope IN ('ingest', 'read')),
  name TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  last_used_at INTEGER,
  revoked_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE TABLE files (
  path TEXT PRIMARY KEY,
  table_name TEXT NOT NULL,
  project_id TEXT NOT NULL,
  day TEXT NOT NULL,
  rows INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  hash TEXT NOT NULL,
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
  statistics TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE saved_searches (
  id TEXT PRIMARY KEY,
  project_id TEXT NOT NULL REFERENCES projects (id),
  name TEXT NOT NULL,
  url TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO meta VALUES ('format_version', '1'), ('flushed_through', '4'), ('clock_high_water', '1700000000000');
INSERT INTO projects VALUES ('default', 'default', 1), ('shop', 'Shop', 2);
INSERT INTO tokens VALUES ('t1', x'01', 'shop', 'read', 'dashboard', 3, 4, NULL);
INSERT INTO saved_searches VALUES ('s1', 'shop', 'slow', '/search?q=x', 5);
INSERT INTO files VALUES
  ('lake/a.parquet', 'spans', 'shop', '2026-01-01', 2, 4194304, 'aa', 48, 'bb', 1, 2, -1, 7, 9, -3, 5, 1,
   '{"services":[{"name":"cart","spanCount":2,"errorCount":1,"maxDurationNano":"5"}],"servicesWhole":true,
     "operations":[],"operationsWhole":true,
     "attributeKeys":[{"scope":"span","key":"http.route","spanCount":1}],"attributeKeysWhole":true,"promoted":[],
     "rowGroups":[{"rows":2,"minStartUnixNano":"3","maxStartUnixNano":"7","minDurationNano":"-3",
       "maxDurationNano":"5","errorCount":1}]}', 11),
  ('lake/b.parquet', 'spans', 'shop', '2026-01-01', 2, 4194305, 'cc', 4194305, 'dd', 3, 4, 3, 7, 9, -3, 5, 1,
   '{"services":[],"servicesWhole":true,"operations":[],"operationsWhole":true,"attributeKeys":[],
     "attributeKeysWhole":true,"promoted":[],"rowGroups":[]}', 12);
`;

test('a catalog of format 1 becomes one of this format, with all that it holds', () =>
  inFolder((folder) => {
    const old = new Database(join(folder, CATALOG_FILE), { create: true });
    old.run('PRAGMA journal_mode = WAL');
    old.run(FORMAT_1);
    old.close();
    const db = openCatalog(folder);
    expect(readMeta(db, 'format_version')).toBe(String(FORMAT_VERSION));
    expect(flushedThrough(db)).toBe(4);
    const [first, second] = loadFiles(db, 'spans');
    expect(first).toMatchObject({
      quarantined: undefined,
      entry: {
        path: 'lake/a.parquet',
        hash: 'aa',
        traceIndexHash: 'bb',
        minStartUnixNano: 2n ** 64n - 1n,
        createdAtMs: 11,
        level: 0,
        tokenIndexBytes: 0,
        tokenIndexHash: '',
        services: [{ name: 'cart', maxDurationNano: 5n }],
        attributeKeys: [{ scope: 'span', key: 'http.route', spanCount: 1, types: '' }],
        rowGroups: [{ rows: 2, minDurationNano: -3n }],
      },
    });
    // Larger than a block of today's hashes, and hashed in one piece.
    expect(second.entry).toMatchObject({ hash: 'plain:cc', traceIndexHash: 'plain:dd' });
    expect(db.query('SELECT * FROM projects ORDER BY id').all()).toEqual([
      { id: 'default', name: 'default', created_at: 1, retention: '', max_bytes: null },
      { id: 'shop', name: 'Shop', created_at: 2, retention: '', max_bytes: null },
    ]);
    const token = {
      id: 't1',
      hash: new Uint8Array([1]),
      project_id: 'shop',
      scope: 'read',
      name: 'dashboard',
    };
    const times = { created_at: 3, last_used_at: 4, revoked_at: null };
    expect(db.query('SELECT * FROM tokens').all()).toEqual([{ ...token, ...times }]);
    db.run("INSERT INTO tokens VALUES ('t2', x'02', 'shop', 'admin', '', 3, NULL, NULL)");
    expect(() =>
      db.run("INSERT INTO tokens VALUES ('t3', x'03', 'none', 'read', '', 3, NULL, NULL)"),
    ).toThrow();
    expect(db.query('SELECT name FROM saved_searches').values()).toEqual([['slow']]);
    // What a new one has, it has.
    const schema = (of: Database) => of.query('SELECT name FROM sqlite_master ORDER BY name').values();
    const columns = (of: Database) =>
      ['projects', 'tokens', 'files'].map((table) =>
        of.query(`SELECT name FROM pragma_table_info('${table}')`).values(),
      );
    inFolder((other) => {
      const fresh = openCatalog(other);
      expect(schema(db)).toEqual(schema(fresh));
      expect(columns(db)).toEqual(columns(fresh));
      fresh.close();
    });
    db.close();
    const again = openCatalog(folder);
    expect(loadFiles(again, 'spans').length).toBe(2);
    again.close();
  }));
