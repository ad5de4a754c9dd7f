/**
 * The `rollups` table: a rollup (rollup.ts) by its file. It is read when a question needs it, never at start:
 * of 100 million spans they are 20 MB. A file without one is scanned.
 */
import type { Database } from 'bun:sqlite';

/** By the path of its Parquet file; no bytes: there is none. */
export type FileRollups = ReadonlyMap<string, Uint8Array>;

/** Where a reader finds rollups. */
export interface RollupSource {
  /** What there is of the files with these paths. */
  read(paths: readonly string[]): FileRollups;
}

/** Inside the transaction that commits the files. */
export function storeRollups(db: Database, rollups: FileRollups): void {
  const store = db.query('INSERT OR REPLACE INTO rollups (path, data) VALUES (?, ?)');
  for (const [path, data] of rollups) if (data.length > 0) store.run(path, data);
}

/** Inside the transaction that forgets the files. */
export function forgetRollups(db: Database, files: readonly { readonly path: string }[]): void {
  const forget = db.query('DELETE FROM rollups WHERE path = ?');
  for (const { path } of files) forget.run(path);
}

export function readRollups(db: Database, paths: readonly string[]): FileRollups {
  const find = db.query<{ data: Uint8Array }, [string]>('SELECT data FROM rollups WHERE path = ?');
  const found = new Map<string, Uint8Array>();
  for (const path of paths) {
    const row = find.get(path);
    if (row !== null) found.set(path, row.data);
  }
  return found;
}
