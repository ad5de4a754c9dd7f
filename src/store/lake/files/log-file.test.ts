import { afterAll, expect, test } from 'bun:test';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rejection } from '../../testing/rejection.ts';
import { realFileSystem } from './file-system.ts';
import { logOver, NotSyncedError } from './log-file.ts';
import type { LogFile } from './log-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'log-file-'));
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;
const newPath = () => join(folder, `${files++}.log`);

const KINDS: [string, (path: string) => Promise<LogFile>][] = [
  ['as the system has it', (path) => realFileSystem.createLog(path)],
  ['over a plain file', async (path) => logOver(await realFileSystem.create(path))],
];

test.each(KINDS)('parts stand behind one another, and are cut back: %s', async (_, create) => {
  const path = newPath();
  const log = await create(path);
  const parts = [new Uint8Array([1, 2]), new Uint8Array(100_000).fill(3), new Uint8Array([4])];
  await log.append(parts, 0);
  await log.append([new Uint8Array([5, 6])], 100_003);
  const whole = Buffer.concat([...parts, new Uint8Array([5, 6])]);
  expect(readFileSync(path).equals(whole)).toBe(true);
  await log.cutBack(100_003);
  expect(readFileSync(path).equals(whole.subarray(0, 100_003))).toBe(true);
  await log.close();
});

test.each(KINDS)('more parts than the system takes in a call: %s', async (_, create) => {
  const path = newPath();
  const log = await create(path);
  const parts = Array.from({ length: 2_500 }, (_part, i) => new Uint8Array(1 + (i % 7)).fill(i));
  await log.append(parts, 0);
  expect(readFileSync(path).equals(Buffer.concat(parts))).toBe(true);
  await log.close();
});

test.skipIf(process.platform !== 'linux')(
  'a write that the system refuses is told as what it is',
  async () => {
    // /dev/full takes nothing for want of room, and its sync is an error of another kind.
    const full = await realFileSystem.createLog('/dev/full');
    const refused = await rejection(full.append([new Uint8Array([1])], 0));
    expect(refused).not.toBeInstanceOf(NotSyncedError);
    expect(refused).toHaveProperty('code', 'ENOSPC');
    await full.close();
    const closed = await realFileSystem.createLog(newPath());
    await closed.close();
    // Whatever it is, nobody knows what is on the disk.
    expect(await rejection(closed.append([new Uint8Array([1])], 0))).toBeInstanceOf(NotSyncedError);
  },
);

test('a sync that fails leaves it open what is on the disk', async () => {
  const file = await realFileSystem.create(newPath());
  const datasync = () => Promise.reject(Object.assign(new Error('EIO'), { code: 'EIO' }));
  const log = logOver({
    write: (bytes, position) => file.write(bytes, position),
    datasync,
    truncate: (size) => file.truncate(size),
    close: () => file.close(),
  });
  expect(await rejection(log.append([new Uint8Array([1])], 0))).toBeInstanceOf(NotSyncedError);
  await log.close();
});
