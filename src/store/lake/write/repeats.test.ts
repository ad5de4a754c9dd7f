/** The same request again: in flight, after it, across restarts, after a failure. */
import { afterAll, afterEach, expect, test } from 'bun:test';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { AppendResult, ExportRequest } from '../../span-store.ts';
import { rejection } from '../../testing/rejection.ts';
import { realFileSystem } from '../files/file-system.ts';
import type { FileSystem } from '../files/file-system.ts';
import { LOG_FOLDER } from '../files/names.ts';
import { FaultyFileSystem } from '../testing/faulty-file-system.ts';
import { requestOf, testRequest, testSpan } from '../testing/requests.ts';
import { WriteHalf } from '../testing/write-half.ts';
import { encodeFrame } from './log-frame.ts';
import { Writer } from './writer.ts';

const writer = new Writer();
afterAll(() => writer.close());

const folders: string[] = [];
const running: WriteHalf[] = [];
afterEach(async () => {
  for (const half of running.splice(0)) await half.end('kill');
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'repeats-'));
  folders.push(folder);
  return folder;
}

async function start(dataDir: string, files: FileSystem = realFileSystem): Promise<WriteHalf> {
  const half = await WriteHalf.start(dataDir, files, { writer });
  running.push(half);
  return half;
}

const requestNumber = (n: number) => testRequest([testSpan(n)]);
const id = (n: number) => testSpan(n).spanId;

const REPEATED = { accepted: 0, rejected: 0, duplicate: true, message: '' };

test('five times the same: once while it lives, and across restarts before and after a flush', async () => {
  const folder = newFolder();
  let lake = await start(folder);
  const answers: AppendResult[] = [];
  for (let i = 0; i < 5; i++) answers.push(await lake.append(1));
  expect(answers).toEqual([
    { accepted: 1, rejected: 0, message: '', findings: expect.anything() },
    REPEATED,
    REPEATED,
    REPEATED,
    REPEATED,
  ]);
  expect(lake.side.figures().duplicateRequests).toBe(4);
  expect(await lake.ids()).toEqual([id(1)]);
  // From the log.
  await lake.end('kill');
  lake = await start(folder);
  expect(await lake.append(1)).toEqual(REPEATED);
  // In a file, the log gone; then from the catalog.
  await lake.side.flush();
  expect(readdirSync(join(folder, LOG_FOLDER))).toEqual([]);
  expect(await lake.append(1)).toEqual(REPEATED);
  for (const how of ['kill', 'close'] as const) {
    await lake.end(how);
    lake = await start(folder);
    expect(await lake.append(1)).toEqual(REPEATED);
    expect(await lake.ids()).toEqual([id(1)]);
  }
  expect(await lake.append(2)).toMatchObject({ accepted: 1 });
});

test('five at a time: one is written, the others wait for it', async () => {
  const lake = await start(newFolder());
  const answers = await Promise.all(Array.from({ length: 5 }, () => lake.append(1)));
  expect(answers.filter((answer) => answer.duplicate === true).length).toBe(4);
  expect(answers.filter((answer) => answer.accepted === 1).length).toBe(1);
  expect(await lake.ids()).toEqual([id(1)]);
});

test('large requests and small ones alike', async () => {
  const lake = await start(newFolder());
  const spans = Array.from({ length: 6000 }, (_, n) => testSpan(n));
  const large = testRequest(spans);
  expect(large.body.length).toBeGreaterThan(1024 * 1024);
  const answers = await Promise.all([1, 2, 3].map(() => lake.side.append('default', large)));
  expect(answers.map(({ accepted }) => accepted).toSorted((a, b) => a - b)).toEqual([0, 0, 6000]);
  expect((await lake.ids()).length).toBe(6000);
});

test('the bytes after decompression count, whatever they were compressed with', async () => {
  const folder = newFolder();
  let lake = await start(folder);
  const plain = requestNumber(1);
  const gzip: ExportRequest = { ...plain, received: { encoding: 'gzip', bytes: gzipSync(plain.body) } };
  expect(await lake.side.append('default', gzip)).toMatchObject({ accepted: 1 });
  expect(await lake.side.append('default', plain)).toEqual(REPEATED);
  await lake.end('kill');
  lake = await start(folder);
  expect(await lake.side.append('default', plain)).toEqual(REPEATED);
  // Asked for another way it is another request.
  const answer = await lake.side.append('default', { ...plain, genAiOnly: true });
  expect(answer).toMatchObject({ accepted: 0, rejected: 1 });
  expect(answer.duplicate).toBeUndefined();
});

test('other projects take the same request as their own', async () => {
  const folder = newFolder();
  let lake = await start(folder);
  for (const project of ['one', 'two', 'one']) await lake.append(1, project);
  await lake.side.flush();
  await lake.end('kill');
  lake = await start(folder);
  expect(await lake.append(1, 'three')).toMatchObject({ accepted: 1 });
  expect(await lake.append(1, 'two')).toEqual(REPEATED);
  for (const project of ['one', 'two', 'three']) expect(await lake.ids(project)).toEqual([id(1)]);
});

test('what could not be written is no repeat when it is tried again', async () => {
  const files = new FaultyFileSystem(realFileSystem);
  const lake = await start(newFolder(), files);
  files.failFrom('write', 'ENOSPC');
  const failed = await Promise.all([1, 2, 3].map(() => rejection(lake.append(1))));
  expect(failed.map(({ message }) => message)).toEqual(Array(3).fill("the log can't be written (ENOSPC)"));
  files.heal();
  await Bun.sleep(1_050);
  expect(await lake.append(1)).toMatchObject({ accepted: 1 });
  expect(await lake.append(1)).toEqual(REPEATED);
  expect(await lake.ids()).toEqual([id(1)]);
});

test('a request that kept nothing is not remembered', async () => {
  const lake = await start(newFolder());
  const empty = requestOf({ resourceSpans: [] });
  const broken = { ...empty, body: new TextEncoder().encode('{') };
  for (let i = 0; i < 2; i++) {
    expect(await lake.side.append('default', empty)).toMatchObject({ accepted: 0, rejected: 0, message: '' });
    expect((await rejection(lake.side.append('default', broken))).name).toBe('OtlpDecodeError');
  }
  expect(lake.side.figures().duplicateRequests).toBe(0);
});

test('after its project was forgotten a request is taken again, whether it was flushed or not', async () => {
  const folder = newFolder();
  let lake = await start(folder);
  await lake.append(1);
  await lake.side.flush();
  await lake.append(2);
  lake.side.deliveries.forget('default');
  for (const n of [1, 2]) expect(await lake.append(n)).toMatchObject({ accepted: 1 });
  await lake.side.flush();
  await lake.end('kill');
  lake = await start(folder);
  for (const n of [1, 2]) expect(await lake.append(n)).toEqual(REPEATED);
});

test('a log that was flushed and not dropped adds nothing', async () => {
  const folder = newFolder();
  const files = new FaultyFileSystem(realFileSystem);
  let lake = await start(folder, files);
  await lake.append(1);
  files.failFrom('unlink', 'EIO');
  await lake.side.flush();
  expect(readdirSync(join(folder, LOG_FOLDER)).length).toBe(1);
  await lake.end('kill');
  lake = await start(folder);
  expect(await lake.ids()).toEqual([id(1)]);
  expect(await lake.append(1)).toEqual(REPEATED);
  expect(readdirSync(join(folder, LOG_FOLDER))).toEqual([]);
});

test('two frames of a log with the same body were both acknowledged, and both come back', async () => {
  const folder = newFolder();
  let lake = await start(folder);
  await lake.append(1);
  await lake.end('kill');
  const [name] = readdirSync(join(folder, LOG_FOLDER));
  const path = join(folder, LOG_FOLDER, name);
  expect(existsSync(path)).toBe(true);
  const { body } = requestNumber(1);
  const frame = encodeFrame({
    sequence: 2,
    projectId: 'default',
    format: 'json',
    encoding: 'identity',
    genAiOnly: false,
    bodyBytes: body.length,
    receivedAtMs: Date.now(),
    payload: body,
  });
  await Bun.write(path, Buffer.concat([await realFileSystem.read(path), ...frame]));
  lake = await start(folder);
  expect(await lake.ids()).toEqual([id(1), id(1)]);
  expect(await lake.append(1)).toEqual(REPEATED);
});
