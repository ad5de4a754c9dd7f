/** Each call to the file system fails in turn, or the process dies there, while files are merged. */
import { afterAll, expect, test } from 'bun:test';
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openCatalog } from '../../catalog.ts';
import { loadGarbage } from '../files/catalog-files.ts';
import { realFileSystem } from '../files/file-system.ts';
import { LAKE_FOLDER, LOST_FOLDER, pathsOf } from '../files/names.ts';
import { openLake } from '../lake.ts';
import type { Lake } from '../lake.ts';
import { FaultyFileSystem } from '../testing/faulty-file-system.ts';
import { testRequest, testSpan } from '../testing/requests.ts';
import { spanIds, spanIdsInFiles } from '../testing/stored-ids.ts';
import { Writer } from '../write/writer.ts';
import { Rewriter } from '../merge/rewriter.ts';

const writer = new Writer();
const rewriter = new Rewriter();
const root = mkdtempSync(join(tmpdir(), 'upkeep-faults-'));
afterAll(() => {
  writer.close();
  rewriter.close();
  rmSync(root, { recursive: true });
});

/** After a failed flush the flusher pauses for a second; the run goes on meanwhile. */
const FLUSH_WAIT_MS = 100;

let runs = 0;

const idsOf = (n: number) => [testSpan(2 * n).spanId, testSpan(2 * n + 1).spanId];

async function append(lake: Lake, n: number): Promise<string[]> {
  await lake.append('default', testRequest([testSpan(2 * n), testSpan(2 * n + 1)]));
  return idsOf(n);
}

/** A folder with two flushed files, to be copied for each run: write/faults.test.ts has the faults of flushes. */
async function prepared(): Promise<string> {
  const dataDir = join(root, 'prepared');
  const lake = await openLake({ dataDir, writer, rewriter, background: false });
  for (const n of [0, 1]) {
    await append(lake, n);
    await lake.flush();
  }
  await lake.close();
  return dataDir;
}

const template = prepared();

/** The two files are merged; a third comes, and is merged with them. Answers the ids that were acknowledged. */
async function work(lake: Lake): Promise<string[]> {
  await lake.compact().catch(() => {});
  const acknowledged = await append(lake, 2).catch(() => []);
  await Promise.race([lake.flush(), Bun.sleep(FLUSH_WAIT_MS)]);
  await lake.compact().catch(() => {});
  return [...idsOf(0), ...idsOf(1), ...acknowledged];
}

/** One run with a planned fault, then a healthy start and a look at what is there. */
async function run(plan: (files: FaultyFileSystem) => void, end: 'close' | 'crash') {
  const dataDir = join(root, String(runs++));
  cpSync(await template, dataDir, { recursive: true });
  const files = new FaultyFileSystem(realFileSystem);
  plan(files);
  const lake = await openLake({ dataDir, fileSystem: files, writer, rewriter }).catch(() => undefined);
  let acknowledged = [...idsOf(0), ...idsOf(1)];
  if (lake !== undefined) {
    acknowledged = await work(lake);
    if (end === 'crash') await lake.abandon();
    else await lake.close();
  }
  const outcome = { calls: files.total, failed: files.hasFailed };
  await check(dataDir, acknowledged);
  rmSync(dataDir, { recursive: true });
  return outcome;
}

async function check(dataDir: string, acknowledged: readonly string[]): Promise<void> {
  const sent = [0, 1, 2].flatMap(idsOf);
  const lake = await openLake({ dataDir, writer, rewriter, background: false });
  try {
    expect(lake.health().quarantined).toEqual([]);
    const before = [...spanIds(lake, 'default'), ...(await spanIdsInFiles(lake, 'default'))].sort();
    expect(before).toEqual([...new Set(before)]);
    expect(sent).toEqual(expect.arrayContaining(before));
    expect(before).toEqual(expect.arrayContaining([...acknowledged]));
    await lake.flush();
    expectTidy(lake);
    await lake.compact();
    expect(await spanIdsInFiles(lake, 'default')).toEqual(before);
    expect(lake.health().files).toBe(1);
  } finally {
    await lake.close();
  }
  const catalog = openCatalog(dataDir);
  expect(loadGarbage(catalog)).toEqual([]);
  catalog.close();
}

/** In the lake's folder lies what is listed; what was set aside are flushed files, whose log is there. */
function expectTidy(lake: Lake): void {
  const snapshot = lake.snapshot('default');
  snapshot.release();
  const listed = snapshot.files.flatMap(({ path }) => pathsOf(path)).sort();
  const present = readdirSync(join(lake.dataDir, LAKE_FOLDER), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath.slice(lake.dataDir.length + 1)}/${entry.name}`);
  expect(present.sort()).toEqual(listed);
  const lost = join(lake.dataDir, LOST_FOLDER);
  const setAside = existsSync(lost) ? readdirSync(lost) : [];
  expect(setAside.filter((name) => !/_[0-9a-f]{12}-[0-9a-f]{12}\.\w+$/.test(name))).toEqual([]);
}

test('the run without faults merges twice', async () => {
  const { calls, failed } = await run(() => {}, 'close');
  expect(failed).toBe(false);
  expect(calls).toBeGreaterThan(70);
});

test('any one call fails: nothing acknowledged is lost or doubled, and nothing is left behind', async () => {
  let n = 0;
  for (;;) {
    const at = n++;
    const { failed } = await run((files) => files.failNth(at, at % 2 === 0 ? 'EIO' : 'ENOSPC'), 'close');
    if (!failed) break;
  }
  expect(n).toBeGreaterThan(70);
}, 300_000);

test('the process dies at any call: nothing acknowledged is lost or doubled, and nothing is left behind', async () => {
  let n = 0;
  for (;;) {
    const at = n++;
    const { failed } = await run((files) => files.failNth(at, 'EIO', Infinity), 'crash');
    if (!failed) break;
  }
  expect(n).toBeGreaterThan(70);
}, 300_000);
