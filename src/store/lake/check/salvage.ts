/** A catalog that can't be used any more: set aside, and what can still be read of it taken into a new one. */
import { Database } from 'bun:sqlite';
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { CATALOG_FILE, openCatalog } from '../../catalog.ts';
import { LOST_FOLDER } from '../files/names.ts';

/** Tables that no Parquet file could tell anew, in the order of their references. */
const KEPT_TABLES = ['projects', 'tokens', 'saved_searches', 'pinned_traces', 'audit', 'deliveries'] as const;

export interface Salvage {
  readonly catalog: Database;
  /** Rows by table; undefined for a table that could not be read. */
  readonly kept: ReadonlyMap<string, number | undefined>;
  /** What the old one said of files, as far as it could be read: path and hash. */
  readonly hashes: ReadonlyMap<string, string>;
  /** Where the old one lies now, below the data folder; undefined when there was none. */
  readonly setAside: string | undefined;
}

export function renewCatalog(dataDir: string, now: Date): Salvage {
  const setAside = moveAside(dataDir, now);
  const catalog = openCatalog(dataDir);
  const kept = new Map<string, number | undefined>();
  const hashes = new Map<string, string>();
  const old = setAside === undefined ? undefined : openDamaged(join(dataDir, setAside));
  for (const table of KEPT_TABLES) kept.set(table, old && copyTable(old, catalog, table));
  try {
    const rows = old?.query<{ path: string; hash: string }, []>('SELECT path, hash FROM files').all() ?? [];
    for (const { path, hash } of rows) hashes.set(path, hash);
  } catch {
    // The files tell themselves; their hashes would only have told flipped bits.
  }
  old?.close();
  return { catalog, kept, hashes, setAside };
}

function moveAside(dataDir: string, now: Date): string | undefined {
  if (!existsSync(join(dataDir, CATALOG_FILE))) return undefined;
  mkdirSync(join(dataDir, LOST_FOLDER), { recursive: true });
  const name = `${LOST_FOLDER}/${now.toISOString().replaceAll(':', '-')}-${CATALOG_FILE}`;
  for (const suffix of ['', '-wal', '-shm']) {
    const path = join(dataDir, CATALOG_FILE + suffix);
    if (existsSync(path)) renameSync(path, join(dataDir, name + suffix));
  }
  return name;
}

function openDamaged(path: string): Database | undefined {
  try {
    return new Database(path, { readonly: true });
  } catch {
    return undefined;
  }
}

/** Row by row, so that a damaged page costs what stands behind it and no more. */
function copyTable(from: Database, to: Database, table: string): number | undefined {
  let rows = 0;
  try {
    const columns = to
      .query<{ name: string }, []>(`PRAGMA table_info(${table})`)
      .all()
      .map(({ name }) => name);
    for (const row of from
      .query<Record<string, string | number | null>, []>(`SELECT * FROM ${table}`)
      .iterate()) {
      const known = columns.filter((name) => name in row);
      const places = known.map(() => '?').join(', ');
      to.query(`INSERT OR REPLACE INTO ${table} (${known.join(', ')}) VALUES (${places})`).run(
        ...known.map((name) => row[name]),
      );
      rows++;
    }
    return rows;
  } catch {
    return rows === 0 ? undefined : rows;
  }
}
