/** Each call to the file system fails in turn, or the process dies there: what was acknowledged stays, once. */
import { afterAll, expect, test } from 'bun:test';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { realFileSystem } from '../files/file-system.ts';
import { LOG_FOLDER, LOST_FOLDER } from '../files/names.ts';
import { FaultyFileSystem } from '../testing/faulty-file-system.ts';
import { testRequest, testSpan } from '../testing/requests.ts';
import { spanIds, spanIdsInFiles } from '../testing/stored-ids.ts';
import { openLake } from '../lake.ts';
import type { Lake, LakeOptions } from '../lake.ts';
import { Writer } from './writer.ts';

const writer = new Writer();
const root = mkdtempSync(join(tmpdir(), 'faults-'));
afterAll(() => {
  writer.close();
  rmSync(root, { recursive: true });
});

let runs = 0;

/** Two flushes' worth of appends, one span each; answers the ids that were acknowledged. */
async function work(side: Lake, problem: Promise<void>): Promise<string[]> {
  const acknowledged: string[] = [];
  for (let n = 0; n < 6; n++) {
    const span = testSpan(n);
    try {
      await side.append('default', testRequest([span]));
      acknowledged.push(span.spanId);
    } catch {
      // Not acknowledged: it may be there or not.
    }
    if (n % 3 === 2) await Promise.race([side.flush(), problem]);
  }
  return acknowledged;
}

interface Outcome {
  readonly calls: number;
  readonly failed: boolean;
}

/** One run with a planned fault, then a healthy start and a look at what is there. */
async function run(plan: (files: FaultyFileSystem) => void, end: 'close' | 'crash'): Promise<Outcome> {
  const dataDir = join(root, String(runs++));
  const files = new FaultyFileSystem(realFileSystem);
  plan(files);
  let reported = () => {};
  const problem = new Promise<void>((resolve) => (reported = resolve));
  const options: LakeOptions = { dataDir, fileSystem: files, writer, report: () => reported() };
  let acknowledged: string[] = [];
  const side = await openLake(options).catch(() => undefined);
  if (side !== undefined) {
    acknowledged = await work(side, problem);
    if (end === 'crash') await side.abandon();
    else await side.close();
  }
  const outcome = { calls: files.total, failed: files.hasFailed };
  await check(dataDir, acknowledged);
  rmSync(dataDir, { recursive: true });
  return outcome;
}

async function check(dataDir: string, acknowledged: readonly string[]): Promise<void> {
  const sent = Array.from({ length: 6 }, (_, n) => testSpan(n).spanId);
  const side = await openLake({ dataDir, writer });
  try {
    const before = [...spanIds(side, 'default'), ...(await spanIdsInFiles(side, 'default'))].sort();
    expect(before).toEqual([...new Set(before)]);
    expect(sent).toEqual(expect.arrayContaining(before));
    expect(before).toEqual(expect.arrayContaining([...acknowledged]));
    await side.flush();
    expect(await spanIdsInFiles(side, 'default')).toEqual(before);
    expect(readdirSync(join(dataDir, LOG_FOLDER))).toEqual([]);
  } finally {
    await side.close();
  }
}

test('the run without faults acknowledges everything', async () => {
  const { calls, failed } = await run(() => {}, 'close');
  expect(failed).toBe(false);
  expect(calls).toBeGreaterThan(40);
});

test('any one call fails: nothing acknowledged is lost or doubled', async () => {
  let n = 0;
  for (;;) {
    const at = n++;
    const { failed } = await run((files) => files.failNth(at, at % 2 === 0 ? 'EIO' : 'ENOSPC'), 'close');
    if (!failed) break;
  }
  expect(n).toBeGreaterThan(40);
}, 60_000);

test('the process dies at any call: nothing acknowledged is lost or doubled', async () => {
  let n = 0;
  for (;;) {
    const at = n++;
    const { failed } = await run((files) => files.failNth(at, 'EIO', Infinity), 'crash');
    if (!failed) break;
  }
  expect(n).toBeGreaterThan(40);
}, 60_000);

test('a flush that died between rename and commit is done again under the same name', async () => {
  const dataDir = join(root, 'again');
  const files = new FaultyFileSystem(realFileSystem);
  let reported = () => {};
  const problem = new Promise<void>((resolve) => (reported = resolve));
  const side = await openLake({ dataDir, fileSystem: files, writer, report: () => reported() });
  await side.append('default', testRequest([testSpan(0), testSpan(1)]));
  // The folder is synced after the renames: all files have their names by then.
  files.failFrom('syncFolder', 'EIO');
  const flushing = side.flush();
  await problem;
  await side.abandon();
  await flushing;
  const partition = join(dataDir, 'lake/project=default/date=2023-11-14');
  const left = readdirSync(partition).sort();
  expect(left.length).toBe(3);

  const again = await openLake({ dataDir, writer });
  expect(readdirSync(join(dataDir, LOST_FOLDER)).length).toBe(3);
  await again.flush();
  expect(readdirSync(partition).sort()).toEqual(left);
  expect(await spanIdsInFiles(again, 'default')).toEqual([testSpan(0).spanId, testSpan(1).spanId]);
  await again.close();
});

test('missing, empty and short files are named, and the others are read', async () => {
  const dataDir = join(root, 'quarantine');
  const side = await openLake({ dataDir, writer });
  for (let n = 0; n < 4; n++) {
    await side.append('default', testRequest([testSpan(n)]));
    await side.flush();
  }
  const paths = side.snapshot('default').files.map((file) => join(dataDir, file.path));
  await side.close();
  rmSync(paths[0]);
  await Bun.write(paths[1], '');
  const bytes = await realFileSystem.read(paths[2]);
  await Bun.write(paths[2], bytes.subarray(0, bytes.length - 1));
  const problems: string[] = [];
  const again = await openLake({ dataDir, writer, report: (text) => problems.push(text) });
  const snapshot = again.snapshot('default');
  expect(snapshot.files.length).toBe(1);
  expect(snapshot.quarantined.length).toBe(3);
  expect(problems.length).toBe(3);
  expect(again.health().quarantined.length).toBe(3);
  expect(await spanIdsInFiles(again, 'default')).toEqual([testSpan(3).spanId]);
  await again.close();
});
