/** What a kill left behind, so that the summary can show that kills hit every step. Reads only. */
import { Database } from 'bun:sqlite';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

export type Scene =
  | 'unfinished file' // a temporary file: while a flush or a rewrite wrote
  | 'file before commit' // named, and unknown to the catalog
  | 'log after commit' // flushed, and not dropped yet
  | 'garbage' // an announced or committed rewrite that was not cleared away
  | 'several logs' // a sealed generation waited for its flush
  | 'log'; // spans that only the log holds

export function sceneOf(dataDir: string): Scene[] {
  if (!existsSync(join(dataDir, 'catalog.sqlite'))) return [];
  const scenes: Scene[] = [];
  const lake = existsSync(join(dataDir, 'lake'))
    ? readdirSync(join(dataDir, 'lake'), { recursive: true, encoding: 'utf8' })
    : [];
  const wal = join(dataDir, 'wal');
  const logs = existsSync(wal) ? readdirSync(wal).filter((name) => name.endsWith('.log')) : [];
  const { paths, garbage, flushedThrough } = catalogOf(dataDir);
  if (lake.some((name) => name.endsWith('.tmp'))) scenes.push('unfinished file');
  const parquet = lake.filter((name) => name.endsWith('.parquet')).map((name) => `lake/${name}`);
  if (parquet.some((path) => !paths.has(path) && !garbage.has(path))) scenes.push('file before commit');
  if (garbage.size > 0) scenes.push('garbage');
  const full = logs.filter((name) => statSync(join(wal, name)).size > 8);
  if (full.some((name) => Number.parseInt(name, 16) <= flushedThrough)) scenes.push('log after commit');
  if (full.length > 1) scenes.push('several logs');
  if (full.length > 0) scenes.push('log');
  return scenes;
}

function catalogOf(dataDir: string) {
  const catalog = new Database(join(dataDir, 'catalog.sqlite'), { readonly: true });
  try {
    const paths = (sql: string) =>
      new Set(
        catalog
          .query<{ path: string }, []>(sql)
          .all()
          .map(({ path }) => path),
      );
    const through = catalog
      .query<{ value: string }, []>("SELECT value FROM meta WHERE key = 'flushed_through'")
      .get();
    return {
      paths: paths('SELECT path FROM files'),
      garbage: paths('SELECT path FROM garbage'),
      flushedThrough: Number(through?.value ?? 0),
    };
  } catch {
    // Killed while it made the catalog.
    return { paths: new Set<string>(), garbage: new Set<string>(), flushedThrough: 0 };
  } finally {
    catalog.close();
  }
}
