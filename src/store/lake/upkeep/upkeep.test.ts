import { afterAll, afterEach, expect, test } from 'bun:test';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CATALOG_FILE, openCatalog } from '../../catalog.ts';
import { rejection } from '../../testing/rejection.ts';
import { loadFiles, loadGarbage } from '../files/catalog-files.ts';
import { realFileSystem } from '../files/file-system.ts';
import type { FileSystem } from '../files/file-system.ts';
import { LAKE_FOLDER, pathsOf, tokenIndexPath, traceIndexPath } from '../files/names.ts';
import { openLake } from '../lake.ts';
import type { Lake, LakeOptions } from '../lake.ts';
import { testRequest, testSpan } from '../testing/requests.ts';
import { spanIdsInFiles } from '../testing/stored-ids.ts';
import { CatalogLostError } from '../write/tidy.ts';
import { Writer } from '../write/writer.ts';
import { realClock } from '../write/clock.ts';
import { Snapshots } from '../files/snapshot.ts';
import { quarantine } from './quarantine.ts';
import { NoRoomError, Rewrites } from './rewrites.ts';
import { Rewriter } from '../merge/rewriter.ts';

const writer = new Writer();
const rewriter = new Rewriter();
afterAll(() => {
  writer.close();
  rewriter.close();
});

const folders: string[] = [];
const open: Lake[] = [];

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'upkeep-'));
  folders.push(folder);
  return folder;
}

async function start(dataDir: string, options: Partial<LakeOptions> = {}): Promise<Lake> {
  const lake = await openLake({ dataDir, writer, rewriter, background: false, ...options });
  open.push(lake);
  return lake;
}

afterEach(async () => {
  for (const lake of open.splice(0)) await lake.close();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

const ids = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => testSpan(from + i).spanId);

/** A file for each: `perFile` spans from `from` on. */
async function flushFiles(lake: Lake, count: number, perFile = 3, from = 0): Promise<void> {
  for (let i = 0; i < count; i++) {
    const first = from + i * perFile;
    await lake.append('default', testRequest(Array.from({ length: perFile }, (_, n) => testSpan(first + n))));
    await lake.flush();
  }
}

function listed(lake: Lake) {
  const snapshot = lake.snapshot('default');
  snapshot.release();
  return snapshot.files;
}

/** Files below the lake's folder, without folders. */
function present(dataDir: string): string[] {
  return readdirSync(join(dataDir, LAKE_FOLDER), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath.slice(dataDir.length + 1)}/${entry.name}`)
    .sort();
}

/** All that should lie in the lake's folder, and nothing else. */
async function expectTidy(lake: Lake): Promise<void> {
  const expected = listed(lake)
    .flatMap(({ path }) => pathsOf(path))
    .sort();
  for (let i = 0; i < 100 && present(lake.dataDir).join() !== expected.join(); i++) await Bun.sleep(10);
  expect(present(lake.dataDir)).toEqual(expected);
}

test('compaction makes one file of a day, keeps each span once, and leaves nothing behind', async () => {
  const folder = newFolder();
  const lake = await start(folder);
  await flushFiles(lake, 5);
  // Delivered again, in other company.
  await lake.append('default', testRequest([testSpan(1), testSpan(20), testSpan(4)]));
  await lake.flush();
  expect(lake.health()).toMatchObject({ files: 6, fileRows: 18, compactions: 0, duplicateSpans: 0 });
  await lake.compact();
  expect(await spanIdsInFiles(lake, 'default')).toEqual([...ids(0, 15), ...ids(20, 21)]);
  expect(listed(lake)).toMatchObject([{ level: 1, rows: 16, firstSequence: 1, lastSequence: 6 }]);
  expect(lake.health()).toMatchObject({
    files: 1,
    fileRows: 16,
    compactions: 1,
    compactedRows: 16,
    duplicateSpans: 2,
    compactionDebtFiles: 0,
  });
  await expectTidy(lake);
  await lake.compact();
  expect(lake.health().compactions).toBe(1);
  await lake.close();
  const catalog = openCatalog(folder);
  expect(loadGarbage(catalog)).toEqual([]);
  catalog.close();
  const again = await start(folder);
  expect(await spanIdsInFiles(again, 'default')).toEqual([...ids(0, 15), ...ids(20, 21)]);
});

test('a span that comes after its file was compacted is dropped when its own file is', async () => {
  const lake = await start(newFolder());
  await flushFiles(lake, 2);
  await lake.compact();
  const [first] = listed(lake);
  await lake.append('default', testRequest([testSpan(2), testSpan(3)]));
  await lake.flush();
  await lake.append('default', testRequest([testSpan(5), testSpan(6)]));
  await lake.flush();
  expect(listed(lake).length).toBe(3);
  await lake.compact();
  expect(await spanIdsInFiles(lake, 'default')).toEqual(ids(0, 7));
  expect(listed(lake)).not.toContain(first);
});

test('a question in progress keeps its files, and their room is free after it', async () => {
  const lake = await start(newFolder());
  await flushFiles(lake, 3);
  const held = lake.snapshot('default');
  const before = present(lake.dataDir);
  await lake.compact();
  for (const path of before) expect(existsSync(join(lake.dataDir, path))).toBe(true);
  expect(held.files.length).toBe(3);
  held.release();
  await expectTidy(lake);
});

test('files that a question held when the process died are gone after the next start', async () => {
  const folder = newFolder();
  const lake = await start(folder);
  await flushFiles(lake, 3);
  lake.snapshot('default');
  await lake.compact();
  await lake.abandon();
  expect(present(folder).length).toBe(12);
  const told: string[] = [];
  const again = await start(folder, { report: (problem) => told.push(problem) });
  await expectTidy(again);
  expect(await spanIdsInFiles(again, 'default')).toEqual(ids(0, 9));
  expect(told).toEqual([]);
});

test('a catalog from before a merge is refused: it would show a store without the merged spans', async () => {
  const folder = newFolder();
  const lake = await start(folder);
  await flushFiles(lake, 3);
  const older = openCatalog(folder);
  const saved = older.serialize();
  older.close();
  await lake.compact();
  await lake.close();
  const before = present(folder);
  for (const end of ['', '-wal', '-shm']) rmSync(join(folder, CATALOG_FILE + end), { force: true });
  writeFileSync(join(folder, CATALOG_FILE), saved);
  const error = await rejection(start(folder));
  expect(error).toBeInstanceOf(CatalogLostError);
  expect(String(error)).toContain('does not know 1 files');
  expect(String(error)).toContain(`spanlake verify --repair --data ${folder}`);
  expect(present(folder)).toEqual(before);
});

test('a damaged input is quarantined for good, and the others are merged', async () => {
  const folder = newFolder();
  const told: string[] = [];
  const lake = await start(folder, { report: (problem) => told.push(problem) });
  await flushFiles(lake, 4);
  const { path } = listed(lake)[1];
  const bytes = readFileSync(join(folder, path));
  bytes[50] ^= 4;
  writeFileSync(join(folder, path), bytes);
  await lake.compact();
  expect(await spanIdsInFiles(lake, 'default')).toEqual([...ids(0, 3), ...ids(6, 12)]);
  const reason = expect.stringMatching(/its bytes have the hash/);
  expect(lake.health().quarantined).toEqual([{ path, reason }]);
  expect(told).toEqual([expect.stringContaining(`${path}: its bytes have the hash`)]);
  expect(lake.health().lastProblem).toContain(path);
  await lake.close();
  // Sound by its size; only its hash tells.
  const again = await start(folder);
  expect(again.health().quarantined).toEqual([{ path, reason }]);
  expect(existsSync(join(folder, path))).toBe(true);
});

test('without room above the reserve nothing is merged', async () => {
  let freeBytes = 10 * 1024 ** 3;
  const fileSystem: FileSystem = {
    ...realFileSystem,
    freeSpace: async () => ({ freeBytes, totalBytes: 100 * 1024 ** 3 }),
  };
  const lake = await start(newFolder(), { fileSystem });
  await flushFiles(lake, 2);
  freeBytes = 1024 ** 3;
  const error = await rejection(lake.compact());
  expect(error).toBeInstanceOf(NoRoomError);
  expect(String(error)).toContain('no room to rewrite 2 files');
  expect(listed(lake).length).toBe(2);
  await expectTidy(lake);
  freeBytes = 2 * 1024 ** 3;
  await lake.compact();
  expect(listed(lake).length).toBe(1);
});

test('indexes that are missing or damaged are made anew in the background', async () => {
  const folder = newFolder();
  const first = await start(folder);
  await flushFiles(first, 3);
  const files = listed(first).map(({ path }) => path);
  const traces = files.map((path) => readFileSync(join(folder, traceIndexPath(path))));
  const tokens = readFileSync(join(folder, tokenIndexPath(files[2])));
  await first.close();
  rmSync(join(folder, traceIndexPath(files[0])));
  writeFileSync(join(folder, traceIndexPath(files[1])), traces[1].subarray(0, 20));
  const flipped = Uint8Array.from(tokens);
  flipped[tokens.length - 1] ^= 1;
  writeFileSync(join(folder, tokenIndexPath(files[2])), flipped);
  const told: string[] = [];
  const lake = await start(folder, { background: true, report: (problem) => told.push(problem) });
  expect(lake.health()).toMatchObject({ files: 3, quarantined: [] });
  const mended = () => told.filter((problem) => problem.includes('were made anew')).length;
  for (let i = 0; i < 500 && mended() < 3; i++) await Bun.sleep(20);
  expect(mended()).toBe(3);
  expect(readFileSync(join(folder, traceIndexPath(files[0])))).toEqual(traces[0]);
  expect(readFileSync(join(folder, traceIndexPath(files[1])))).toEqual(traces[1]);
  expect(readFileSync(join(folder, tokenIndexPath(files[2])))).toEqual(tokens);
  await lake.compact();
  expect(await spanIdsInFiles(lake, 'default')).toEqual(ids(0, 9));
  await expectTidy(lake);
});

test('a day that is over is merged without being asked', async () => {
  let aheadMs = 0;
  const clock = { wallMs: () => Date.now() + aheadMs, monotonicMs: () => performance.now() + aheadMs };
  const lake = await start(newFolder(), { background: true, clock });
  await flushFiles(lake, 3);
  expect(lake.health()).toMatchObject({ files: 3, compactionDebtFiles: 0 });
  aheadMs = 11 * 60_000;
  for (let i = 0; i < 800 && lake.health().files > 1; i++) await Bun.sleep(20);
  expect(lake.health()).toMatchObject({ files: 1, compactions: 1 });
}, 30_000);

test('closing gives up a rewrite, and the next start removes what it left', async () => {
  const folder = newFolder();
  let opened = () => {};
  const writing = new Promise<void>((resolve) => (opened = resolve));
  const fileSystem: FileSystem = {
    ...realFileSystem,
    async create(path) {
      if (path.includes('.1.parquet')) opened();
      return realFileSystem.create(path);
    },
  };
  const lake = await openLake({ dataDir: folder, writer, fileSystem });
  await flushFiles(lake, 3);
  const compacting = rejection(lake.compact());
  await writing;
  await lake.close();
  await compacting;
  const again = await start(folder);
  expect(listed(again).length).toBe(3);
  await expectTidy(again);
  expect(await spanIdsInFiles(again, 'default')).toEqual(ids(0, 9));
});

test('a catalog that is locked at the end of a rewrite leaves no output on the disk', async () => {
  const dataDir = newFolder();
  const catalog = openCatalog(dataDir);
  catalog.run('PRAGMA busy_timeout = 1');
  const other = openCatalog(dataDir);
  class Locking extends Rewriter {
    override async rewrite(...args: Parameters<Rewriter['rewrite']>): ReturnType<Rewriter['rewrite']> {
      const result = await super.rewrite(...args);
      other.run('BEGIN IMMEDIATE');
      return result;
    }
  }
  const locking = new Locking();
  const lake = await start(dataDir, { catalog, rewriter: locking });
  await flushFiles(lake, 3);
  const folder = join(dataDir, LAKE_FOLDER);
  const files = () => readdirSync(folder, { recursive: true, encoding: 'utf8' }).toSorted();
  const before = files();
  for (let round = 0; round < 2; round++) {
    expect(String(await rejection(lake.compact()))).toContain('locked');
    other.run('ROLLBACK');
    expect(files()).toEqual(before);
  }
  expect(await spanIdsInFiles(lake, 'default')).toHaveLength(9);
  await lake.close();
  expect(loadGarbage(catalog)).not.toEqual([]);
  other.close();
  locking.close();
  const again = await start(dataDir, { catalog });
  expect(loadGarbage(catalog)).toEqual([]);
  await again.compact();
  expect(await spanIdsInFiles(again, 'default')).toHaveLength(9);
  await again.close();
  catalog.close();
});

test('a file that proves damaged while it is rewritten is not replaced', async () => {
  const dataDir = newFolder();
  const lake = await start(dataDir);
  await flushFiles(lake, 2);
  await lake.close();
  const catalog = openCatalog(dataDir);
  const entries = loadFiles(catalog, 'spans').map(({ entry }) => entry);
  const snapshots = new Snapshots(() => {});
  snapshots.publish([{ projectId: 'default', addFiles: entries }]);
  const parts = { dataDir, catalog, files: realFileSystem, clock: realClock, snapshots, report: () => {} };
  const rewrites = new Rewrites({
    ...parts,
    rewriter: {
      async rewrite(job, write) {
        const result = await rewriter.rewrite(job, write);
        quarantine(parts, entries[0], 'a flipped bit', true);
        return result;
      },
    },
    reserveBytes: () => 0,
    onDone: () => {},
  });
  const asked = { projectId: 'default', inputs: entries, drop: { kind: 'nothing' } as const };
  expect(await rejection(rewrites.rewrite(asked))).toBeInstanceOf(RangeError);
  expect(snapshots.state('default').files).toEqual([entries[1]]);
  const listedNow = loadFiles(catalog, 'spans').map(({ entry, quarantined }) => [entry.path, quarantined]);
  expect(listedNow).toEqual([
    [entries[0].path, 'a flipped bit'],
    [entries[1].path, undefined],
  ]);
  for (const { path } of entries) expect(existsSync(join(dataDir, path))).toBe(true);
  catalog.close();
});
