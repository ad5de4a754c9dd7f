import { afterAll, afterEach, expect, test } from 'bun:test';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { END_OF_TIME } from '../../../span/time.ts';
import { openCatalog } from '../../catalog.ts';
import { MATCH_ALL } from '../../../traceql/build.ts';
import { parseQuery } from '../../../traceql/parse.ts';
import { QuestionError, StoreUnavailableError } from '../../span-store.ts';
import { rejection } from '../../testing/rejection.ts';
import { realFileSystem } from '../files/file-system.ts';
import { openLake } from '../lake.ts';
import type { Lake, LakeOptions } from '../lake.ts';
import { TEST_START, testRequest, testSpan, textAttribute } from '../testing/requests.ts';
import { spanIds, spanIdsInFiles } from '../testing/stored-ids.ts';
import { DEFAULT_POOL, WorkerPool } from '../read/workers/worker-pool.ts';
import { Writer } from '../write/writer.ts';
import { NoRoomError } from '../upkeep/rewrites.ts';
import { Rewriter } from '../merge/rewriter.ts';

const writer = new Writer();
const rewriter = new Rewriter();
const scanPool = new WorkerPool({ ...DEFAULT_POOL, workers: 1 });
afterAll(() => {
  scanPool.close();
  writer.close();
  rewriter.close();
});

const open: Lake[] = [];
const folders: string[] = [];
afterEach(async () => {
  for (const lake of open.splice(0)) await lake.close();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

async function start(options: Partial<LakeOptions> = {}): Promise<Lake> {
  const folder = mkdtempSync(join(tmpdir(), 'deletion-'));
  folders.push(folder);
  const lake = await openLake({ dataDir: folder, writer, rewriter, scanPool, background: false, ...options });
  open.push(lake);
  return lake;
}

const ALWAYS = { startUnixNano: 0n, endUnixNano: END_OF_TIME };
const DAY_NANO = 86_400_000_000_000n;
const spanId = (n: number) => testSpan(n).spanId;
const request = (...numbers: readonly number[]) => testRequest(numbers.map((n) => testSpan(n)));

/** Everything in files and buffers, by ids. */
async function all(lake: Lake): Promise<string[]> {
  return [...(await spanIdsInFiles(lake, 'default')), ...spanIds(lake, 'default')].sort();
}

test('a trace goes from memory and every file, of other days too, and may come again', async () => {
  const lake = await start();
  const first = request(1, 12);
  await lake.append('default', first);
  await lake.flush();
  await lake.append('default', request(2, 3));
  await lake.flush();
  const nextDay = testSpan(4, { start: TEST_START + DAY_NANO });
  await lake.append('default', testRequest([nextDay, testSpan(15)]));
  await lake.flush();
  await lake.append('default', request(5, 16));
  const { traceId } = testSpan(1);
  const done = await lake.deleteTrace('default', traceId, 'token 7');
  expect(done.spans).toBe(5);
  expect(done.bytes).toBeGreaterThan(0);
  expect((await lake.trace('default', traceId)).spans).toEqual([]);
  expect(await all(lake)).toEqual([12, 15, 16].map(spanId).sort());
  expect(lake.audit('default', 9)).toMatchObject([
    { action: 'delete trace', actor: 'token 7', detail: traceId, ...done },
  ]);
  expect(await lake.deleteTrace('default', traceId, 'token 7')).toEqual({ spans: 0, bytes: 0 });
  expect(await lake.deleteTrace('default', 'ef'.repeat(16), 'token 7')).toEqual({ spans: 0, bytes: 0 });
  expect(lake.audit('default', 9)).toHaveLength(1);
  // The same bytes: taken as if for the first time.
  expect(await lake.append('default', first)).toMatchObject({ accepted: 2 });
  expect((await lake.trace('default', traceId)).spans.map((span) => span.spanId)).toEqual([spanId(1)]);
});

test('ids that share their lower half are told apart, and projects too', async () => {
  const lake = await start();
  const half = '00000000000000ff';
  const twins = ['aa', 'bb'].map((byte, i) => testSpan(i, { traceId: byte.repeat(8) + half }));
  await lake.append('default', testRequest(twins));
  await lake.append('other', testRequest(twins));
  expect((await lake.deleteTrace('default', twins[0].traceId, 'x')).spans).toBe(1);
  expect(await all(lake)).toEqual([twins[1].spanId]);
  expect((await lake.trace('other', twins[0].traceId)).spans).toHaveLength(1);
});

test('a deletion by query takes the spans that match and leaves their traces, and pinned ones', async () => {
  const lake = await start();
  const slow = { durationNano: 5_000_000_000n };
  const spans = [testSpan(1, slow), testSpan(2), testSpan(12, slow), testSpan(13), testSpan(22)];
  await lake.append('default', testRequest(spans.slice(0, 3)));
  await lake.flush();
  await lake.append('default', testRequest(spans.slice(3)));
  await lake.flush();
  const [, untouched] = files(lake);
  await lake.append('default', testRequest([testSpan(23, slow)]));
  lake.pinTrace('default', testSpan(12).traceId, '', 'x');
  const query = parseQuery('{ duration > 1s }');
  const done = await lake.deleteSpans('default', query, ALWAYS, 'local');
  expect(done.spans).toBe(2);
  expect(await all(lake)).toEqual([2, 12, 13, 22].map(spanId).sort());
  // A file without such spans is not written again.
  expect(files(lake)).toContain(untouched);
  expect(lake.audit('default', 1)).toMatchObject([
    { action: 'delete spans', detail: '{ span:duration > 1s }', actor: 'local', spans: 2 },
  ]);
  // Asked for by its id even a pinned trace goes, and is not pinned any more.
  expect((await lake.deleteTrace('default', testSpan(12).traceId, 'x')).spans).toBe(2);
  expect(lake.pinnedTraces('default')).toEqual([]);
});

test('a deletion by query keeps to its range, and knows attributes with and without a column', async () => {
  const lake = await start();
  const tenant = (n: number, name: string) =>
    testSpan(n, { more: { attributes: [textAttribute('tenant', name)] } });
  await lake.append('default', testRequest([tenant(1, 'a'), tenant(2, 'b'), tenant(500, 'a')]));
  await lake.append('default', testRequest([testSpan(30), testSpan(31), tenant(32, 'a')]));
  const range = { startUnixNano: 0n, endUnixNano: testSpan(100).start ?? 0n };
  const done = await lake.deleteSpans('default', parseQuery('{ span.tenant = "a" }'), range, 'x');
  expect(done.spans).toBe(2);
  expect(await all(lake)).toEqual([2, 500, 30, 31].map(spanId).sort());
  expect(lake.audit('default', 1)[0].detail).toBe('{ span.tenant = "a" } to 2023-11-14T22:13:20.100000123Z');
  expect((await lake.deleteSpans('default', MATCH_ALL, ALWAYS, 'x')).spans).toBe(4);
  expect(files(lake)).toEqual([]);
});

test('what one span can not tell, and what is no id, is refused', async () => {
  const lake = await start();
  for (const text of ['{ parent.name = "x" }', '{ rootName = "x" }', '{ trace:duration > 1s }']) {
    const error = await rejection(lake.deleteSpans('default', parseQuery(text), ALWAYS, 'x'));
    expect(error).toBeInstanceOf(QuestionError);
    expect(error.message).toContain('only ask for fields of the span itself');
  }
  for (const id of ['', '../..', 'AB'.repeat(16), `${'a'.repeat(31)}'`]) {
    expect(await rejection(lake.deleteTrace('default', id, 'x'))).toBeInstanceOf(QuestionError);
    expect(() => lake.pinTrace('default', id, '', 'x')).toThrow(QuestionError);
  }
  expect(() => lake.pinTrace('default', 'ab'.repeat(16), 'x'.repeat(501), 'x')).toThrow('at most 500');
});

test('what was done before a failure is in the audit, and asking again does the rest', async () => {
  let creations = Infinity;
  const lake = await start({
    fileSystem: {
      ...realFileSystem,
      create: (path) =>
        path.includes('/lake/') && creations-- <= 0
          ? Promise.reject(new Error('no more files'))
          : realFileSystem.create(path),
    },
  });
  for (const n of [1, 2, 3]) {
    await lake.append('default', request(n, 10 + n));
    await lake.flush();
  }
  // One rewrite makes three files: Parquet and two indexes.
  creations = 3;
  const { traceId } = testSpan(1);
  expect((await rejection(lake.deleteTrace('default', traceId, 'x'))).message).toContain('no more files');
  expect(lake.audit('default', 9)).toMatchObject([{ spans: 1 }]);
  expect((await lake.trace('default', traceId)).spans).toHaveLength(2);
  creations = Infinity;
  expect((await lake.deleteTrace('default', traceId, 'x')).spans).toBe(2);
  expect(lake.audit('default', 9).map(({ spans }) => spans)).toEqual([2, 1]);
  expect(await all(lake)).toEqual([11, 12, 13].map(spanId).sort());
});

test('without room on the disk, or with spans that can not be flushed, it says so and deletes nothing', async () => {
  let freeBytes = 10 ** 12;
  const lake = await start({
    fileSystem: {
      ...realFileSystem,
      freeSpace: () => Promise.resolve({ freeBytes, totalBytes: 10 ** 12 }),
    },
  });
  await lake.append('default', request(1, 12));
  await lake.flush();
  freeBytes = 0;
  const error = await rejection(lake.deleteTrace('default', testSpan(1).traceId, 'x'));
  expect(error).toBeInstanceOf(StoreUnavailableError);
  expect(error).not.toBeInstanceOf(NoRoomError);
  expect(error.message).toContain('no room');
  expect(lake.audit('default', 9)).toEqual([]);
  expect(await all(lake)).toEqual([1, 12].map(spanId).sort());
});

test('many at once, while compaction is asked for, each take their own', async () => {
  const lake = await start();
  for (let n = 0; n < 40; n += 4) {
    await lake.append('default', request(n, n + 1, n + 2, n + 3));
    await lake.flush();
  }
  const deletions = [1, 11, 21].map((n) => lake.deleteTrace('default', testSpan(n).traceId, 'x'));
  const [done] = await Promise.all([Promise.all(deletions), lake.compact()]);
  expect(done.map(({ spans }) => spans)).toEqual([10, 10, 10]);
  expect(await all(lake)).toEqual(Array.from({ length: 10 }, (_, i) => spanId(30 + i)).sort());
});

function files(lake: Lake) {
  const snapshot = lake.snapshot('default');
  snapshot.release();
  return snapshot.files;
}

test('a trace that is pinned while files are rewritten stays', async () => {
  let onRewrite = () => {};
  class Slow extends Rewriter {
    override rewrite(...args: Parameters<Rewriter['rewrite']>): ReturnType<Rewriter['rewrite']> {
      onRewrite();
      onRewrite = () => {};
      return super.rewrite(...args);
    }
  }
  const slow = new Slow();
  const lake = await start({ rewriter: slow });
  await lake.append('default', request(1, 12));
  await lake.flush();
  const { traceId } = testSpan(1);
  onRewrite = () => lake.pinTrace('default', traceId, '', 'x');
  expect((await lake.deleteSpans('default', parseQuery('{}'), ALWAYS, 'x')).spans).toBe(1);
  expect(await all(lake)).toEqual([spanId(1)]);
  expect(lake.audit('default', 9)).toMatchObject([{ action: 'delete spans', spans: 1 }, { action: 'pin' }]);
  slow.close();
});

test('a damaged file, which may hold what was to go, is named in the answer', async () => {
  const lake = await start();
  await lake.append('default', request(1));
  await lake.flush();
  const { path } = listedFile(lake);
  const bytes = readFileSync(join(lake.dataDir, path));
  bytes[bytes.length >> 1] ^= 1;
  writeFileSync(join(lake.dataDir, path), bytes);
  const done = { spans: 0, bytes: 0, quarantined: [path] };
  expect(await lake.deleteTrace('default', testSpan(1).traceId, 'x')).toEqual(done);
  expect(await lake.deleteSpans('default', parseQuery('{}'), ALWAYS, 'x')).toEqual(done);
  expect(await lake.deleteTrace('other', testSpan(1).traceId, 'x')).toEqual({ spans: 0, bytes: 0 });
});

test('spans go only together with the memory of their requests', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'deletion-'));
  folders.push(folder);
  const catalog = openCatalog(folder);
  const lake = await openLake({ dataDir: folder, catalog, writer, rewriter, scanPool, background: false });
  await lake.append('default', request(1));
  await lake.flush();
  catalog.run("CREATE TRIGGER t BEFORE DELETE ON deliveries BEGIN SELECT RAISE(ABORT, 'not now'); END");
  const failure = await rejection(lake.deleteTrace('default', testSpan(1).traceId, 'x'));
  expect(String(failure)).toContain('not now');
  expect(await all(lake)).toEqual([spanId(1)]);
  await lake.close();
  catalog.close();
});

test('closing does not wait for a deletion to look into every file', async () => {
  const pool = new WorkerPool({ ...DEFAULT_POOL, workers: 1 });
  const lake = await start({ scanPool: pool });
  for (let n = 0; n < 6; n++) {
    await lake.append('default', request(n * 10));
    await lake.flush();
  }
  let scans = 0;
  let closed: Promise<void> | undefined;
  const run = pool.run.bind(pool);
  pool.run = (...args) => {
    scans++;
    closed ??= lake.close();
    return run(...args);
  };
  const failure = await rejection(
    lake.deleteSpans('default', parseQuery('{ statusMessage = "no" }'), ALWAYS, 'x'),
  );
  expect(failure).toBeInstanceOf(StoreUnavailableError);
  await closed;
  expect(scans).toBe(1);
  pool.close();
});

function listedFile(lake: Lake) {
  const snapshot = lake.snapshot('default');
  snapshot.release();
  return snapshot.files[0];
}
