import { afterAll, afterEach, expect, test } from 'bun:test';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { CATALOG_FILE, openCatalog } from '../../catalog.ts';
import { OtlpDecodeError } from '../../../otlp/errors.ts';
import { StoreUnavailableError } from '../../span-store.ts';
import { realFileSystem } from '../files/file-system.ts';
import { CORRUPT_FOLDER, LAKE_FOLDER, LOCK_FILE, LOG_FOLDER } from '../files/names.ts';
import { LockDamagedError } from '../lock.ts';
import { requestOf, testRequest, testSpan } from '../testing/requests.ts';
import { FaultyFileSystem } from '../testing/faulty-file-system.ts';
import { spanIds, spanIdsInFiles } from '../testing/stored-ids.ts';
import { CatalogLostError } from './tidy.ts';
import { openLake } from '../lake.ts';
import type { Lake, LakeOptions } from '../lake.ts';
import { Writer } from './writer.ts';
import { rejection } from '../../testing/rejection.ts';

/** One for all tests: starting it takes longer than most of them. */
const writer = new Writer();
afterAll(() => writer.close());

const folders: string[] = [];
const open: Lake[] = [];

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'lake-'));
  folders.push(folder);
  return folder;
}

async function start(dataDir: string, options: Partial<LakeOptions> = {}): Promise<Lake> {
  const side = await openLake({ dataDir, writer, ...options });
  open.push(side);
  return side;
}

/** As a kill -9 would: nothing is flushed, closed or told; only the lock is let go. */
async function abandon(side: Lake): Promise<void> {
  await side.abandon();
}

afterEach(async () => {
  for (const side of open.splice(0)) await side.close();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

const ids = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => testSpan(from + i).spanId);
const request = (from: number, to: number) =>
  testRequest(Array.from({ length: to - from }, (_, i) => testSpan(from + i)));

test('small requests are searchable behind a large one, which has columns of its own', async () => {
  const side = await start(newFolder());
  const large = testRequest([testSpan(0, { name: 'x'.repeat(2 << 20) }), testSpan(1)]);
  await side.append('default', large);
  expect(spanIds(side, 'default')).toEqual(ids(0, 2));
  await side.append('default', request(2, 4));
  expect(spanIds(side, 'default')).toEqual(ids(0, 4));
  await side.append('default', testRequest([testSpan(4, { name: 'y'.repeat(2 << 20) })]));
  await side.append('default', request(5, 7));
  expect(spanIds(side, 'default')).toEqual(ids(0, 7));
  await side.flush();
  expect(await spanIdsInFiles(side, 'default')).toEqual(ids(0, 7));
});

test('what was acknowledged is searchable at once, and after a crash', async () => {
  const folder = newFolder();
  const side = await start(folder);
  expect(side.isEmpty('default')).toBe(true);
  expect(await side.append('default', request(0, 5))).toMatchObject({
    accepted: 5,
    rejected: 0,
    message: '',
  });
  expect(spanIds(side, 'default')).toEqual(ids(0, 5));
  expect(side.isEmpty('default')).toBe(false);
  await side.append('default', request(5, 9));
  await abandon(side);

  const again = await start(folder);
  expect(spanIds(again, 'default')).toEqual(ids(0, 9));
  await again.append('default', request(9, 12));
  await again.flush();
  expect(spanIds(again, 'default')).toEqual([]);
  expect(await spanIdsInFiles(again, 'default')).toEqual(ids(0, 12));
  expect(readdirSync(join(folder, LOG_FOLDER))).toEqual([]);
});

test('a flush keeps projects and days apart, and counts what it wrote', async () => {
  const side = await start(newFolder());
  const dayLater = testSpan(2, { start: testSpan(2).start! + 86_400_000_000_000n });
  await side.append('default', testRequest([testSpan(0), testSpan(1), dayLater]));
  await side.append('shop', request(10, 13));
  await side.flush();
  const snapshot = side.snapshot('default');
  expect(snapshot.files.map((file) => [file.day, file.rows, file.errorCount])).toEqual([
    ['2023-11-14', 2, 0],
    ['2023-11-15', 1, 0],
  ]);
  expect(snapshot.files[0].path).toStartWith('lake/project=default/date=2023-11-14/');
  snapshot.release();
  expect(await spanIdsInFiles(side, 'shop')).toEqual(ids(10, 13));
  expect(side.health()).toMatchObject({ files: 3, fileRows: 6, bufferRows: 0, writable: true });
});

test('a request that fails half way leaves nothing, and nothing is logged for rejected spans alone', async () => {
  const folder = newFolder();
  const side = await start(folder);
  await side.append('default', request(0, 1));
  const bytes = new TextEncoder().encode(
    new TextDecoder().decode(request(1, 3).body).replace(/}]}]}]}$/, '},{"traceId":'),
  );
  const broken = { format: 'json', body: bytes, received: { encoding: 'identity', bytes } } as const;
  expect(await rejection(side.append('default', broken))).toBeInstanceOf(OtlpDecodeError);
  const logBytes = side.health().logBytes;
  const rejected = await side.append('default', testRequest([testSpan(5, { traceId: 'ab' })]));
  expect(rejected).toMatchObject({ accepted: 0, rejected: 1 });
  expect(side.health().logBytes).toBe(logBytes);
  await side.append('default', request(3, 4));
  expect(spanIds(side, 'default')).toEqual([...ids(0, 1), ...ids(3, 4)]);
  await abandon(side);
  const again = await start(folder);
  expect(spanIds(again, 'default')).toEqual([...ids(0, 1), ...ids(3, 4)]);
});

test('an empty request is accepted', async () => {
  const side = await start(newFolder());
  expect(await side.append('default', requestOf({}))).toMatchObject({ accepted: 0, rejected: 0 });
});

test('concurrent appends share their fsyncs', async () => {
  const files = new FaultyFileSystem(realFileSystem);
  const side = await start(newFolder(), { fileSystem: files });
  const appends = Array.from({ length: 200 }, (_, i) => side.append('default', request(i, i + 1)));
  await Promise.all(appends);
  expect(spanIds(side, 'default')).toEqual(ids(0, 200));
  expect(files.count('datasync')).toBeLessThanOrEqual(3);
});

test('a large body is searchable as a whole or not at all', async () => {
  const folder = newFolder();
  const side = await start(folder);
  const large = request(0, 9_000);
  expect(large.body.length).toBeGreaterThan(1024 * 1024);
  const appended = side.append('default', large);
  await side.append('default', request(9_000, 9_001));
  await appended;
  expect(spanIds(side, 'default').length).toBe(9_001);
  const torn = large.body.slice(0, large.body.length - 10);
  const broken = { ...large, body: torn, received: { encoding: 'identity', bytes: torn } } as const;
  expect(await rejection(side.append('default', broken))).toBeInstanceOf(OtlpDecodeError);
  await side.flush();
  expect(await spanIdsInFiles(side, 'default')).toEqual(ids(0, 9_001));
});

test('generations are sealed by rows and by age', async () => {
  let nowMs = 1_000;
  const clock = { wallMs: () => nowMs, monotonicMs: () => nowMs };
  const side = await start(newFolder(), { clock, limits: { rows: 10, ageMs: 5_000 } });
  await side.append('default', request(0, 10));
  await side.flush();
  expect(side.health()).toMatchObject({ files: 1, bufferRows: 0 });
  await side.append('default', request(10, 12));
  expect(side.health()).toMatchObject({ files: 1, bufferRows: 2, logAgeSeconds: 0 });
  nowMs += 5_000;
  expect(side.health().logAgeSeconds).toBe(5);
  while (side.health().files < 2) await Bun.sleep(20);
  expect(await spanIdsInFiles(side, 'default')).toEqual(ids(0, 12));
});

test('a failed fsync ends writing until a restart, and nothing acknowledged is lost', async () => {
  const folder = newFolder();
  const files = new FaultyFileSystem(realFileSystem);
  const side = await start(folder, { fileSystem: files });
  await side.append('default', request(0, 3));
  files.failFrom('datasync', 'EIO');
  const failed = await Promise.allSettled([
    side.append('default', request(3, 5)),
    side.append('default', request(5, 6)),
  ]);
  expect(failed.map((result) => result.status)).toEqual(['rejected', 'rejected']);
  files.heal();
  expect(await rejection(side.append('default', request(6, 7)))).toBeInstanceOf(StoreUnavailableError);
  expect(side.health().writable).toBe(false);
  expect(spanIds(side, 'default')).toEqual(ids(0, 3));
  await side.close();

  const again = await start(folder);
  const recovered = spanIds(again, 'default');
  expect(recovered.slice(0, 3)).toEqual(ids(0, 3));
  expect(ids(0, 6)).toEqual(expect.arrayContaining(recovered));
  await again.append('default', request(7, 8));
  expect(spanIds(again, 'default')).toEqual(expect.arrayContaining(ids(7, 8)));
});

test('a full disk refuses writes, keeps reads, and takes writes again when there is room', async () => {
  let nowMs = 0;
  const clock = { wallMs: () => nowMs, monotonicMs: () => nowMs };
  const folder = newFolder();
  const files = new FaultyFileSystem(realFileSystem);
  const side = await start(folder, { fileSystem: files, clock });
  await side.append('default', request(0, 3));
  files.failFrom('write', 'ENOSPC', 10);
  expect((await rejection(side.append('default', request(3, 4)))).message).toContain('ENOSPC');
  await Bun.sleep(20);
  expect(await rejection(side.append('default', request(4, 5)))).toBeInstanceOf(StoreUnavailableError);
  expect(side.health()).toMatchObject({ writable: false, reason: "the log can't be written (ENOSPC)" });
  expect(spanIds(side, 'default')).toEqual(ids(0, 3));
  files.heal();
  nowMs += 1_001;
  await side.append('default', request(5, 6));
  await side.flush();
  expect(await spanIdsInFiles(side, 'default')).toEqual([...ids(0, 3), ...ids(5, 6)]);
  await side.append('default', request(6, 7));
  await abandon(side);
  const again = await start(folder);
  expect(await spanIdsInFiles(again, 'default')).toEqual([...ids(0, 3), ...ids(5, 6)]);
  expect(spanIds(again, 'default')).toEqual(ids(6, 7));
});

test('a second lake on the same folder is refused, naming who holds it', async () => {
  const folder = newFolder();
  await start(folder);
  expect((await rejection(start(folder))).message).toContain(`${folder} is in use by process ${process.pid}`);
});

test('damage within the log is set aside and the rest is recovered', async () => {
  const folder = newFolder();
  const side = await start(folder);
  for (let n = 0; n < 5; n++) await side.append('default', request(n, n + 1));
  await abandon(side);
  const [name] = readdirSync(join(folder, LOG_FOLDER));
  const path = join(folder, LOG_FOLDER, name);
  const bytes = await realFileSystem.read(path);
  bytes[Math.floor(bytes.length / 2)] ^= 1;
  await Bun.write(path, bytes);
  const problems: string[] = [];
  const again = await start(folder, { report: (problem) => problems.push(problem) });
  expect(spanIds(again, 'default')).toEqual([...ids(0, 2), ...ids(3, 5)]);
  expect(readdirSync(join(folder, CORRUPT_FOLDER)).length).toBe(1);
  expect(problems).toEqual([expect.stringContaining('set aside')]);
});

/** A log of three frames, as a killed process left it. */
async function threeFrames(): Promise<{ folder: string; path: string; whole: Uint8Array }> {
  const folder = newFolder();
  const side = await start(folder);
  for (let n = 0; n < 3; n++) await side.append('default', request(n, n + 1));
  await abandon(side);
  const path = join(folder, LOG_FOLDER, readdirSync(join(folder, LOG_FOLDER))[0]);
  return { folder, path, whole: await realFileSystem.read(path) };
}

test('a torn tail is cut off', async () => {
  const { folder, path, whole } = await threeFrames();
  await Bun.write(path, whole.subarray(0, whole.length - 20));
  const problems: string[] = [];
  const side = await start(folder, { report: (problem) => problems.push(problem) });
  expect(spanIds(side, 'default')).toEqual(ids(0, 2));
  expect(problems).toEqual([expect.stringContaining('cut off')]);
  expect(existsSync(join(folder, CORRUPT_FOLDER))).toBe(false);
});

test('a last frame that is whole and damaged is set aside', async () => {
  const { folder, path, whole } = await threeFrames();
  whole[whole.length - 20] ^= 4;
  await Bun.write(path, whole);
  const side = await start(folder);
  expect(spanIds(side, 'default')).toEqual(ids(0, 2));
  expect(readdirSync(join(folder, CORRUPT_FOLDER)).length).toBe(1);
});

test('a replay takes every encoding that a request may come in', async () => {
  const folder = newFolder();
  const side = await start(folder);
  const encoders = [
    ['gzip', gzipSync],
    ['zstd', zstdCompressSync],
    ['deflate', deflateSync],
    ['deflate', deflateRawSync],
  ] as const;
  for (const [n, [encoding, compress]] of encoders.entries()) {
    const plain = request(n, n + 1);
    await side.append('default', { ...plain, received: { encoding, bytes: compress(plain.body) } });
  }
  await abandon(side);
  const problems: string[] = [];
  const again = await start(folder, { report: (problem) => problems.push(problem) });
  expect(spanIds(again, 'default')).toEqual(ids(0, 4));
  expect(problems).toEqual([]);
});

test('a lost catalog is refused: its files stay where they are, and come back with it', async () => {
  const folder = newFolder();
  const side = await start(folder);
  await side.append('default', request(0, 5));
  await side.flush();
  await side.append('default', request(5, 7));
  await abandon(side);
  const inLake = () => readdirSync(join(folder, LAKE_FOLDER), { recursive: true });
  const before = inLake();
  const saved = openCatalog(folder).serialize();
  for (const end of ['', '-wal', '-shm']) rmSync(join(folder, CATALOG_FILE + end), { force: true });
  const error = await rejection(start(folder));
  expect(error).toBeInstanceOf(CatalogLostError);
  expect(String(error)).toContain('does not know 1 files, as lake/project=default/date=2023-11-14/');
  expect(inLake()).toEqual(before);
  for (const end of ['', '-wal', '-shm']) rmSync(join(folder, CATALOG_FILE + end), { force: true });
  writeFileSync(join(folder, CATALOG_FILE), saved);
  const again = await start(folder);
  await again.flush();
  expect(await spanIdsInFiles(again, 'default')).toEqual(ids(0, 7));
});

test('odd things in the folder of the log do not block a start, and are told where spans may be missing', async () => {
  const folder = newFolder();
  mkdirSync(join(folder, LOG_FOLDER, '000000000009.log'), { recursive: true });
  writeFileSync(join(folder, LOG_FOLDER, '000000000007.log'), '');
  const told: string[] = [];
  const side = await start(folder, { report: (problem) => told.push(problem) });
  expect(told).toEqual(['000000000007.log: empty, as a crash before its first write leaves it']);
  await side.append('default', request(0, 2));
  expect(spanIds(side, 'default')).toEqual(ids(0, 2));
});

test('a damaged lock names its mend', async () => {
  const folder = newFolder();
  writeFileSync(join(folder, LOCK_FILE), 'no database '.repeat(100));
  const error = await rejection(start(folder));
  expect(error).toBeInstanceOf(LockDamagedError);
  expect(String(error)).toContain('lock.sqlite is damaged: remove it');
});

test('a store that refuses writes because files lag behind says so to whoever asks for its health', async () => {
  const side = await start(newFolder(), { limits: { sealedGenerations: 0 } });
  expect(side.health()).toMatchObject({ writable: false, reason: expect.stringContaining('come faster') });
  expect(await rejection(side.append('default', request(0, 1)))).toBeInstanceOf(StoreUnavailableError);
});

test('a file with one flipped bit is found by its hash, left out and told', async () => {
  const folder = newFolder();
  const first = await start(folder);
  await first.append('default', request(0, 5));
  await first.flush();
  await first.append('default', request(5, 7));
  await first.flush();
  await first.close();
  const [path] = readdirSync(join(folder, LAKE_FOLDER), { recursive: true })
    .map(String)
    .filter((name) => name.endsWith('.parquet'))
    .sort();
  const bytes = readFileSync(join(folder, LAKE_FOLDER, path));
  bytes[100] ^= 1;
  writeFileSync(join(folder, LAKE_FOLDER, path), bytes);
  const told: string[] = [];
  const side = await start(folder, { report: (problem) => told.push(problem) });
  while (side.health().quarantined.length === 0) await Bun.sleep(5);
  expect(told).toEqual([
    expect.stringMatching(/its bytes have the hash [0-9a-f]{16}, the catalog has .*leave it out/),
  ]);
  expect(side.health()).toMatchObject({ files: 1, quarantined: [{}] });
  expect(await spanIdsInFiles(side, 'default')).toEqual(ids(5, 7));
});
