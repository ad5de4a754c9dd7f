/**
 * Each file system call of a store's whole life fails, once or from then on: nothing acknowledged is lost,
 * nothing is doubled, nobody waits longer than 5 s.
 */
import { afterAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { realFileSystem } from './files/file-system.ts';
import { openLake } from './lake.ts';
import { FaultyFileSystem } from './testing/faulty-file-system.ts';
import { scaled } from './testing/scale.ts';
import { Life, LifeRecord, idsInFiles, recoveredIds, within } from './testing/whole-life.ts';
import { Rewriter } from './merge/rewriter.ts';
import { Writer } from './write/writer.ts';

/** One in so many calls; the long form has each. */
const STEP = scaled('faultstep', 23);

const CODES = ['EIO', 'ENOSPC', 'EMFILE'] as const;

const writer = new Writer();
const rewriter = new Rewriter();
const root = mkdtempSync(join(tmpdir(), 'faults-'));
afterAll(() => {
  writer.close();
  rewriter.close();
  rmSync(root, { recursive: true });
});

let runs = 0;

interface Outcome {
  readonly calls: number;
  readonly failed: boolean;
}

async function run(plan: (files: FaultyFileSystem) => void): Promise<Outcome> {
  const dataDir = join(root, String(runs++));
  const files = new FaultyFileSystem(realFileSystem);
  plan(files);
  const record = await live(dataDir, files);
  const outcome = { calls: files.total, failed: files.hasFailed };
  record.check(await recoveredIds(dataDir, { writer, rewriter }));
  rmSync(dataDir, { recursive: true });
  return outcome;
}

async function live(dataDir: string, files: FaultyFileSystem): Promise<LifeRecord> {
  let reported = () => {};
  const problem = new Promise<void>((resolve) => (reported = resolve));
  const opening = openLake({ dataDir, fileSystem: files, writer, rewriter, report: () => reported() });
  const lake = await within('a start', opening).catch(() => undefined);
  if (lake === undefined) return new LifeRecord();
  const life = new Life(lake, problem);
  await life.write();
  await life.maintain();
  await within(
    'close',
    lake.close().catch(() => {}),
    10_000,
  );
  return life.record;
}

test('without a fault everything is there', async () => {
  const { calls, failed } = await run(() => {});
  expect(failed).toBe(false);
  expect(calls).toBeGreaterThan(100);
});

test.each([
  ['once', 1],
  ['for good', Infinity],
] as const)(
  'a call fails %s',
  async (how, times) => {
    let n = times === 1 ? 0 : Math.floor(STEP / 2);
    let tried = 0;
    while ((await run((files) => files.failNth(n, CODES[tried % CODES.length], times))).failed) {
      n += STEP;
      tried++;
    }
    console.log(`${tried} of ${n} calls failed ${how}`);
    expect(n).toBeGreaterThan(100);
  },
  3_600_000,
);

test('DuckDB reads every file after each kind of rewrite, and counts the same', async () => {
  const dataDir = join(root, 'counts');
  const lake = await openLake({ dataDir, writer, rewriter, background: false });
  const life = new Life(lake, new Promise(() => {}));
  await life.write();
  await lake.flush();
  const rows = async () => (await idsInFiles(dataDir)).length;
  expect(await rows()).toBe(lake.health().fileRows);
  const { duplicateSpans } = lake.health();
  const before = await rows();
  await lake.compact();
  // Two spans came again in requests of their own.
  expect(lake.health().duplicateSpans - duplicateSpans).toBe(2);
  expect(await rows()).toBe(before - 2);
  await life.deleteTrace(10);
  expect(await rows()).toBe(before - 4);
  await life.deleteNamed('operation 2');
  expect(await rows()).toBe(lake.health().fileRows);
  life.record.check(await idsInFiles(dataDir));
  await lake.close();
  life.record.check(await recoveredIds(dataDir, { writer, rewriter }));
});
