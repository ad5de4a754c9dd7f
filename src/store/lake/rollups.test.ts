/** Rollups through the life of a folder: they come and go with their files, and whoever lacks them scans. */
import { afterAll, afterEach, expect, test } from 'bun:test';
import { Database } from 'bun:sqlite';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CATALOG_FILE, openCatalog, readMeta, writeMeta } from '../catalog.ts';
import { repairLake } from './check/repair.ts';
import { commitFlush, commitRewrite, loadFiles } from './files/catalog-files.ts';
import { realFileSystem } from './files/file-system.ts';
import { readRollups } from './files/rollup-catalog.ts';
import { Rollup } from './files/rollup.ts';
import { openLake } from './lake.ts';
import type { Lake } from './lake.ts';
import { Rewriter } from './merge/rewriter.ts';
import { ReadOnlyLake } from './read-only.ts';
import { testRequest, testSpan } from './testing/requests.ts';
import { Writer } from './write/writer.ts';

const workers = { writer: new Writer(), rewriter: new Rewriter() };
const root = mkdtempSync(join(tmpdir(), 'rollups-'));
const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});
afterAll(() => {
  workers.writer.close();
  workers.rewriter.close();
  rmSync(root, { recursive: true });
});

const RANGE = { range: { startUnixNano: 0n, endUnixNano: 1n << 64n } };
let folders = 0;

async function start(dataDir: string, report?: (problem: string) => void): Promise<Lake> {
  const lake = await openLake({ dataDir, ...workers, background: false, ...(report && { report }) });
  open.push(lake);
  return lake;
}

/** Files of 20 spans each. */
async function filled(files: number): Promise<{ folder: string; lake: Lake }> {
  const folder = join(root, String(folders++));
  const lake = await start(folder);
  for (let i = 0; i < files; i++) {
    const some = Array.from({ length: 20 }, (_, n) => testSpan(i * 20 + n));
    await lake.append('default', testRequest(some));
    await lake.flush();
  }
  return { folder, lake };
}

async function end(lake: Lake): Promise<void> {
  await lake.close();
  open.splice(open.indexOf(lake), 1);
}

/** Listed files, and the rows of their rollups by path. */
function catalogOf(folder: string): { paths: string[]; rollups: Map<string, Uint8Array> } {
  const db = openCatalog(folder);
  try {
    const paths = loadFiles(db, 'spans').map(({ entry }) => entry.path);
    const kept = db.query<{ path: string }, []>('SELECT path FROM rollups ORDER BY path').all();
    return {
      paths,
      rollups: new Map(
        readRollups(
          db,
          kept.map(({ path }) => path),
        ),
      ),
    };
  } finally {
    db.close();
  }
}

test('they come and go with their files, and tell what the rows tell', async () => {
  const { folder, lake } = await filled(3);
  const before = await lake.operationStats('default', 'shop', RANGE);
  expect(before).toMatchObject({ complete: true, scanned: { rows: 0 } });
  expect(before.stats.reduce((sum, { count }) => sum + count, 0)).toBe(60);
  await lake.append('default', testRequest([testSpan(0), testSpan(60)]));
  await lake.flush();
  await lake.compact();
  const after = await lake.operationStats('default', 'shop', RANGE);
  expect(after.scanned.rows).toBe(0);
  // One of the two came again, and stands once in the file that was made.
  expect(after.stats.reduce((sum, { count }) => sum + count, 0)).toBe(61);
  await lake.deleteTrace('default', testSpan(0).traceId, 'local');
  const left = await lake.serviceStats('default', RANGE);
  expect(left).toMatchObject({ scanned: { rows: 0 }, stats: [{ serviceName: 'shop', count: 51 }] });
  await end(lake);
  const { paths, rollups } = catalogOf(folder);
  expect([...rollups.keys()]).toEqual(paths);
  expect([...rollups.values()].map((data) => new Rollup(data).rows)).toEqual([51]);
});

test('a folder that is only read uses them', async () => {
  const { folder, lake } = await filled(2);
  const reader = await ReadOnlyLake.open({ dataDir: folder });
  open.push(reader);
  const asked = await lake.serviceStats('default', RANGE);
  expect(await reader.serviceStats('default', RANGE)).toMatchObject({
    stats: asked.stats,
    scanned: { rows: 0 },
  });
});

test('a catalog of format 2 gets the table, its files are scanned, and a merge makes their rollup', async () => {
  const { folder, lake } = await filled(3);
  const wanted = await lake.operationStats('default', 'shop', RANGE);
  await end(lake);
  const old = openCatalog(folder);
  old.run('DROP TABLE rollups');
  writeMeta(old, 'format_version', '2');
  old.close();
  const reader = await ReadOnlyLake.open({ dataDir: folder });
  open.push(reader);
  expect(await reader.operationStats('default', 'shop', RANGE)).toMatchObject({ stats: wanted.stats });
  // Whoever only reads changes nothing.
  expect(formatOf(folder)).toBe('2');
  const again = await start(folder);
  const scanned = await again.operationStats('default', 'shop', RANGE);
  expect(scanned).toMatchObject({ stats: wanted.stats, scanned: { rows: 60 } });
  await again.compact();
  expect(await again.operationStats('default', 'shop', RANGE)).toMatchObject({
    stats: wanted.stats,
    scanned: { rows: 0 },
  });
  expect(formatOf(folder)).toBe('3');
});

function formatOf(folder: string): string | undefined {
  const db = new Database(join(folder, CATALOG_FILE), { readonly: true });
  try {
    return readMeta(db, 'format_version');
  } finally {
    db.close();
  }
}

test('a lost catalog is made anew with the same rollups', async () => {
  const { folder, lake } = await filled(2);
  await lake.compact();
  await lake.append('default', testRequest([testSpan(100), testSpan(101)]));
  await end(lake);
  const before = catalogOf(folder);
  expect(before.rollups.size).toBe(2);
  for (const suffix of ['', '-wal', '-shm']) rmSync(join(folder, CATALOG_FILE + suffix), { force: true });
  await repairLake({ dataDir: folder, files: realFileSystem, now: () => new Date() });
  expect(catalogOf(folder)).toEqual(before);
});

test('a damaged rollup is told, and its file scanned', async () => {
  const { folder, lake } = await filled(2);
  const { stats } = await lake.serviceStats('default', RANGE);
  await end(lake);
  const catalog = openCatalog(folder);
  const [path] = loadFiles(catalog, 'spans').map(({ entry }) => entry.path);
  catalog.query("UPDATE rollups SET data = x'00112233' WHERE path = ?").run(path);
  catalog.close();
  const told: string[] = [];
  const again = await start(folder, (problem) => told.push(problem));
  for (let i = 0; i < 2; i++) {
    expect(await again.serviceStats('default', RANGE)).toMatchObject({
      complete: true,
      stats,
      scanned: { rows: 20 },
    });
  }
  expect(told).toEqual([
    `the rollup of ${path} is not used, statistics scan the file: rollup: 4 bytes that are none`,
  ]);
});

test('what a transaction does not commit has no rollup, and one that goes takes it along', async () => {
  const { folder, lake } = await filled(1);
  await end(lake);
  const catalog = openCatalog(folder);
  open.push({ close: async () => catalog.close() });
  const [{ entry }] = loadFiles(catalog, 'spans');
  const kept = () => catalog.query<{ path: string }, []>('SELECT path FROM rollups').all();
  const other = { ...entry, path: 'lake/other.parquet' };
  const fail = () => {
    throw new Error('the power went');
  };
  const rollups = new Map([[other.path, new Uint8Array([1])]]);
  const flush = { table: 'spans', files: [other], flushedThrough: 9, rollups };
  expect(() => commitFlush(catalog, { ...flush, also: fail })).toThrow('the power went');
  const rewrite = { table: 'spans', add: [other], remove: [entry], nowMs: 1, rollups };
  expect(() => commitRewrite(catalog, { ...rewrite, also: fail })).toThrow('the power went');
  expect(kept()).toEqual([{ path: entry.path }]);
  commitRewrite(catalog, rewrite);
  expect(kept()).toEqual([{ path: other.path }]);
  // A file that has none leaves no empty one.
  commitRewrite(catalog, {
    ...rewrite,
    add: [entry],
    remove: [other],
    rollups: new Map([[entry.path, new Uint8Array(0)]]),
  });
  expect(kept()).toEqual([]);
});
