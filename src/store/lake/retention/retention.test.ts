import { afterAll, afterEach, expect, test } from 'bun:test';
import type { Database } from 'bun:sqlite';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { END_OF_TIME } from '../../../span/time.ts';
import { MATCH_ALL } from '../../../traceql/build.ts';
import { openCatalog } from '../../catalog.ts';
import { parseRetentionRules } from '../../retention-rules.ts';
import { realFileSystem } from '../files/file-system.ts';
import type { FileSystem } from '../files/file-system.ts';
import { traceIndexPath } from '../files/names.ts';
import { openLake } from '../lake.ts';
import type { Lake, LakeOptions } from '../lake.ts';
import { testRequest } from '../testing/requests.ts';
import type { TestSpan } from '../testing/requests.ts';
import { TestClock } from '../testing/test-clock.ts';
import { DEFAULT_POOL, WorkerPool } from '../read/workers/worker-pool.ts';
import { Writer } from '../write/writer.ts';
import { acceptClock } from './clock-guard.ts';
import { Rewriter } from '../merge/rewriter.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** A midnight. */
const START = Date.UTC(2026, 0, 10);

const writer = new Writer();
const rewriter = new Rewriter();
const scanPool = new WorkerPool({ ...DEFAULT_POOL, workers: 1 });
afterAll(() => {
  scanPool.close();
  writer.close();
  rewriter.close();
});

const open: Lake[] = [];
const cleanup: (() => void)[] = [];
afterEach(async () => {
  for (const lake of open.splice(0)) await lake.close();
  for (const each of cleanup.splice(0).reverse()) each();
});

interface World {
  readonly folder: string;
  readonly catalog: Database;
  readonly clock: TestClock;
  readonly problems: string[];
}

function newWorld(): World {
  const folder = mkdtempSync(join(tmpdir(), 'retention-'));
  cleanup.push(() => rmSync(folder, { recursive: true, force: true }));
  const catalog = openCatalog(folder);
  cleanup.push(() => catalog.close());
  return { folder, catalog, clock: new TestClock(START), problems: [] };
}

async function start(world: World, options: Partial<LakeOptions> = {}): Promise<Lake> {
  const { folder, catalog, clock, problems } = world;
  const report = (problem: string) => problems.push(problem);
  const lake = await openLake({
    dataDir: folder,
    catalog,
    clock,
    writer,
    rewriter,
    scanPool,
    background: false,
    report,
    ...options,
  });
  open.push(lake);
  return lake;
}

/** Time passes, and the server did not stand still meanwhile. */
function pass({ catalog, clock }: World, ms: number): void {
  clock.pass(ms);
  acceptClock(catalog, clock.wallMs());
}

const traceId = (n: number) => `ab${n.toString(16).padStart(30, '0')}`;
let nextSpan = 1;

/** A span of the nth trace, `hours` after START. */
function span(n: number, hours: number, more: Readonly<Record<string, unknown>> = {}): TestSpan {
  return {
    traceId: traceId(n),
    spanId: (nextSpan++).toString(16).padStart(16, '0'),
    name: `operation ${n}`,
    start: BigInt(START + hours * HOUR) * 1_000_000n,
    durationNano: 1_000_000n,
    more,
  };
}

const ERROR = { status: { code: 2 } };

async function put(lake: Lake, spans: readonly TestSpan[], flush = true): Promise<void> {
  await lake.append('default', testRequest(spans));
  if (flush) await lake.flush();
}

function setRules(lake: Lake, rules: string, maxBytes?: number): void {
  lake.setRetention('default', { rules: parseRetentionRules(rules), maxBytes });
}

const EVERYTHING = { startUnixNano: 0n, endUnixNano: END_OF_TIME };

/** How many spans of each trace are there, by the number of the trace. */
async function stored(lake: Lake): Promise<Record<number, number>> {
  const question = { query: MATCH_ALL, range: EVERYTHING, order: 'oldest', limit: 10_000 } as const;
  const { spans, complete } = await lake.searchSpans('default', question);
  expect(complete).toBe(true);
  const counts: Record<number, number> = {};
  for (const each of spans) {
    const n = Number.parseInt(each.traceId.slice(2), 16);
    counts[n] = (counts[n] ?? 0) + 1;
  }
  return counts;
}

function files(lake: Lake) {
  const snapshot = lake.snapshot('default');
  snapshot.release();
  return snapshot.files;
}

test('a trace is judged as a whole: its error may stand in another file, day or in memory', async () => {
  const world = newWorld();
  const lake = await start(world);
  setRules(lake, '{ status = error } 10d\n{} 2d');
  // 1: fine; 2: its error is in another file; 3: beyond midnight; 4: in memory.
  await put(lake, [span(1, 1), span(2, 1), span(3, 23), span(4, 1)]);
  await put(lake, [span(2, 2, ERROR)]);
  pass(world, DAY);
  await put(lake, [span(3, 25, ERROR), span(5, 25)]);
  pass(world, 2 * DAY);
  await put(lake, [span(4, 3, ERROR)], false);
  await lake.enforceRetention();
  expect(await stored(lake)).toEqual({ 2: 2, 3: 2, 4: 2, 5: 1 });
  pass(world, DAY);
  await lake.enforceRetention();
  expect(await stored(lake)).toEqual({ 2: 2, 3: 2, 4: 2 });
  await lake.flush();
  pass(world, 7 * DAY);
  await lake.enforceRetention();
  // The errors of 2 and 4 are ten days old, late as 4's came; 3 waits for its last span.
  expect(await stored(lake)).toEqual({ 3: 2 });
  pass(world, DAY);
  await lake.enforceRetention();
  expect(files(lake)).toEqual([]);
  expect(world.problems).toEqual([]);
  const audit = lake.audit('default', 10);
  expect(audit.every(({ action, actor }) => action === 'retention' && actor === 'retention')).toBe(true);
  expect(audit.reduce((sum, { spans }) => sum + spans, 0)).toBe(8);
  expect(audit.at(-1)).toMatchObject({ spans: 1, detail: '{} 2d' });
});

test('what no rule finds stays, and a rule that is first decides even where its age is the shorter', async () => {
  const world = newWorld();
  const lake = await start(world);
  setRules(lake, '{ name = "operation 1" } 1d; { status = error } 5d');
  await put(lake, [span(1, 1), span(1, 2, ERROR), span(2, 1), span(3, 1, ERROR)]);
  pass(world, DAY + 2 * HOUR);
  await lake.enforceRetention();
  expect(await stored(lake)).toEqual({ 2: 1, 3: 1 });
  pass(world, 4 * DAY);
  await lake.enforceRetention();
  expect(await stored(lake)).toEqual({ 2: 1 });
  pass(world, 1000 * DAY);
  await lake.enforceRetention();
  expect(await stored(lake)).toEqual({ 2: 1 });
});

test('a file that every rule let go of is removed without being read', async () => {
  const world = newWorld();
  const lake = await start(world);
  setRules(lake, '{ status = error } 2d\n{} 1d');
  await put(lake, [span(1, 1), span(2, 1, ERROR)]);
  const [{ path, bytes }] = files(lake);
  writeFileSync(join(world.folder, path), new Uint8Array(bytes));
  pass(world, 2 * DAY + 2 * HOUR);
  await lake.enforceRetention();
  expect(files(lake)).toEqual([]);
  expect(world.problems).toEqual([]);
  expect(lake.audit('default', 9)).toMatchObject([{ spans: 2, detail: '{ status = error } 2d; {} 1d' }]);
});

test('of such a file a trace stays that has just got another span', async () => {
  const world = newWorld();
  const lake = await start(world);
  setRules(lake, '{} 1d');
  await put(lake, [span(1, 1), span(2, 1)]);
  pass(world, 2 * DAY);
  await put(lake, [span(1, 47)], false);
  await lake.enforceRetention();
  expect(await stored(lake)).toEqual({ 1: 2 });
});

test('a damaged file loses nothing else, and without its trace index a file is judged all the same', async () => {
  const world = newWorld();
  const lake = await start(world);
  setRules(lake, '{ status = error } 3d\n{} 1d');
  await put(lake, [span(1, 1), span(2, 1, ERROR)]);
  await put(lake, [span(1, 1), span(2, 1), span(3, 1)]);
  for (const { path } of files(lake)) writeFileSync(join(world.folder, traceIndexPath(path)), 'gone');
  pass(world, DAY + 2 * HOUR);
  await lake.enforceRetention();
  expect(await stored(lake)).toEqual({ 2: 2 });

  const [first] = files(lake);
  writeFileSync(join(world.folder, first.path), Buffer.alloc(first.bytes, 'x'));
  await put(lake, [span(2, 20), span(4, 20)]);
  pass(world, 2 * DAY);
  await lake.enforceRetention();
  // Whether 2 has an error is not known where a part of it can't be read.
  expect(files(lake).reduce((sum, file) => sum + file.rows, 0)).toBeGreaterThanOrEqual(3);
  expect(world.problems.join()).toContain("retention can't read");
});

test('files are rewritten once for a rule, and looked at once', async () => {
  const world = newWorld();
  const lake = await start(world);
  setRules(lake, '{ status = error } 3d\n{} 1d');
  await put(lake, [span(1, 1), span(2, 1, ERROR)]);
  await put(lake, [span(3, 1), span(4, 1, ERROR)]);
  pass(world, DAY + 2 * HOUR);
  await lake.enforceRetention();
  const paths = files(lake).map(({ path }) => path);
  expect(files(lake)).toMatchObject([{ level: 1 }, { level: 1 }]);
  // Looked at again it would be told that they can't be read.
  for (const path of paths) writeFileSync(join(world.folder, path), '');
  pass(world, DAY);
  await lake.enforceRetention();
  expect(files(lake).map(({ path }) => path)).toEqual(paths);
  expect(world.problems).toEqual([]);
});

test('pinned traces stay until they are unpinned', async () => {
  const world = newWorld();
  const lake = await start(world);
  setRules(lake, '{} 1d');
  await put(lake, [span(1, 1), span(2, 1)]);
  await put(lake, [span(1, 2), span(3, 1)]);
  lake.pinTrace('default', traceId(1), 'look here', 'somebody');
  pass(world, 3 * DAY);
  await lake.enforceRetention();
  expect(await stored(lake)).toEqual({ 1: 2 });
  expect(lake.pinnedTraces('default')).toEqual([{ traceId: traceId(1), pinnedAt: START, note: 'look here' }]);
  setRules(lake, '{} 1d', 1);
  await lake.enforceRetention();
  expect(await stored(lake)).toEqual({ 1: 2 });
  setRules(lake, '{} 1d');
  lake.unpinTrace('default', traceId(1), 'somebody');
  await lake.enforceRetention();
  expect(await stored(lake)).toEqual({});
  expect(lake.audit('default', 9).map(({ action }) => action)).toEqual([
    'retention',
    'unpin',
    'retention',
    'pin',
  ]);
});

test('beyond the bound of bytes the oldest files go, but for pinned traces', async () => {
  const world = newWorld();
  const lake = await start(world);
  // The newest came first: age is of the spans.
  pass(world, 12 * HOUR);
  for (const hours of [4, 1, 2, 3]) {
    await put(lake, [span(hours, hours), span(10 + hours, hours), span(20 + hours, hours)]);
    pass(world, 12 * HOUR);
  }
  const sizes = files(lake).map((file) => file.bytes + file.traceIndexBytes + file.tokenIndexBytes);
  const total = sizes.reduce((a, b) => a + b, 0);
  setRules(lake, '', total);
  await lake.enforceRetention();
  expect(files(lake)).toHaveLength(4);
  lake.pinTrace('default', traceId(11), '', 'somebody');
  setRules(lake, '', total - sizes[1]);
  await lake.enforceRetention();
  expect(await stored(lake)).toEqual({ 11: 1, 3: 1, 13: 1, 23: 1, 4: 1, 14: 1, 24: 1 });
  setRules(lake, '', 1);
  await lake.enforceRetention();
  await lake.enforceRetention();
  expect(await stored(lake)).toEqual({ 11: 1 });
  expect(files(lake)).toHaveLength(1);
  expect(lake.audit('default', 99).find(({ action }) => action === 'size')).toMatchObject({
    actor: 'retention',
    detail: 'more than 1 bytes',
  });
});

test('nothing goes early: epoch 0, the future, and a clock that jumped', async () => {
  const world = newWorld();
  const lake = await start(world);
  setRules(lake, '{} 2d');
  await put(lake, [{ ...span(1, 0), start: 0n }]);
  await put(lake, [span(2, 24 * 365)]);
  await put(lake, [span(3, 0)]);
  await lake.enforceRetention();
  expect(await stored(lake)).toEqual({ 1: 1, 2: 1, 3: 1 });
  for (const jump of [DAY + HOUR, 365 * DAY, -400 * DAY]) {
    world.clock.jump(jump);
    await lake.enforceRetention();
    expect(lake.health().retentionPaused).toContain('spanlake project clock --accept');
    expect(await stored(lake)).toEqual({ 1: 1, 2: 1, 3: 1 });
    world.clock.jump(-jump);
    await lake.enforceRetention();
    expect(lake.health().retentionPaused).toBe('');
  }
  pass(world, 2 * DAY);
  await lake.enforceRetention();
  expect(await stored(lake)).toEqual({ 2: 1 });
  pass(world, 367 * DAY);
  await lake.enforceRetention();
  expect(await stored(lake)).toEqual({});
});

test('spans that come late are as old as they say, unless their clock can not be right', async () => {
  const world = newWorld();
  const lake = await start(world);
  setRules(lake, '{} 7d');
  await put(lake, [span(1, -24 * 40), span(2, -24 * 6), span(3, -24 * 365)]);
  await lake.enforceRetention();
  expect(await stored(lake)).toEqual({ 2: 1, 3: 1 });
  pass(world, 2 * DAY);
  await lake.enforceRetention();
  expect(await stored(lake)).toEqual({ 3: 1 });
  pass(world, 6 * DAY);
  await lake.enforceRetention();
  expect(await stored(lake)).toEqual({});
});

test('a reader keeps its files while they are removed; the space is free when it is done', async () => {
  const world = newWorld();
  const lake = await start(world);
  setRules(lake, '{ status = error } 9d; {} 1d');
  await put(lake, [span(1, 1), span(2, 1, ERROR)]);
  await put(lake, [span(3, 1)]);
  const held = lake.snapshot('default');
  pass(world, 2 * DAY);
  await lake.enforceRetention();
  expect(await stored(lake)).toEqual({ 2: 1 });
  const paths = held.files.map(({ path }) => join(world.folder, path));
  expect(paths.map((path) => existsSync(path))).toEqual([true, true]);
  held.release();
  for (let i = 0; i < 200 && paths.some((path) => existsSync(path)); i++) await Bun.sleep(10);
  expect(paths.map((path) => existsSync(path))).toEqual([false, false]);
});

test('a trace that went from one file and, by a crash, not from the next goes after it', async () => {
  const world = newWorld();
  const refusing: FileSystem = {
    ...realFileSystem,
    create: (path) =>
      path.includes('date=2026-01-11')
        ? Promise.reject(new Error('no more writes'))
        : realFileSystem.create(path),
  };
  const writing = await start(world);
  // Only the first file has the span by which the trace goes after a day; the second alone would stay.
  setRules(writing, '{ name = "short" } 1d; {} 30d');
  await put(writing, [{ ...span(1, 23), name: 'short' }, span(2, 23)]);
  pass(world, DAY);
  await put(writing, [span(1, 24), span(3, 25)]);
  await writing.close();
  pass(world, 2 * DAY);

  const failing = await start(world, { fileSystem: refusing });
  await failing.enforceRetention();
  expect(world.problems.join()).toContain('no more writes');
  expect(await stored(failing)).toEqual({ 1: 1, 2: 1, 3: 1 });
  await failing.abandon();

  const again = await start(world);
  pass(world, HOUR);
  // Sent late: a trace of its own, as far as anybody can know.
  await put(again, [span(1, 50)]);
  await again.enforceRetention();
  expect(await stored(again)).toEqual({ 1: 1, 2: 1, 3: 1 });
  const days = files(again).map(({ day }) => day);
  expect(days.toSorted()).toEqual(['2026-01-10', '2026-01-11', '2026-01-12']);
  expect(again.audit('default', 9).reduce((sum, { spans }) => sum + spans, 0)).toBe(2);
});

test('rules that were damaged in the catalog remove nothing', async () => {
  const world = newWorld();
  const lake = await start(world);
  await put(lake, [span(1, 1)]);
  world.catalog.run("UPDATE projects SET retention = '{} 1 day'");
  pass(world, 9 * DAY);
  await lake.enforceRetention();
  expect(await stored(lake)).toEqual({ 1: 1 });
  expect(world.problems).toEqual([
    'retention of default failed: line 1: expected an age such as 12h, 30d, 8w or 1y, found "1"',
  ]);
});
