/** Less room on the disk than the reserve: with a double, and on a real small disk where one can be mounted. */
import { afterAll, afterEach, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StoreUnavailableError } from '../../span-store.ts';
import { rejection } from '../../testing/rejection.ts';
import { realFileSystem } from '../files/file-system.ts';
import type { DiskSpace } from '../files/file-system.ts';
import { FaultyFileSystem } from '../testing/faulty-file-system.ts';
import { testSpan } from '../testing/requests.ts';
import { WriteHalf } from '../testing/write-half.ts';
import { Writer } from './writer.ts';

const writer = new Writer();
const root = mkdtempSync(join(tmpdir(), 'watermark-'));
const disk = join(root, 'disk');
mkdirSync(disk);
const mount =
  process.platform === 'linux'
    ? Bun.spawnSync(['mount', '-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', disk])
    : undefined;
const isMounted = mount?.success === true;
if (!isMounted) console.warn('SKIPPED: the small disk needs a tmpfs of its own');

const running: WriteHalf[] = [];
afterEach(async () => {
  for (const half of running.splice(0)) await half.end('close');
});
afterAll(() => {
  writer.close();
  if (isMounted) Bun.spawnSync(['umount', '-l', disk]);
  rmSync(root, { recursive: true });
});

const id = (n: number) => testSpan(n).spanId;

async function until(what: string, isSo: () => boolean): Promise<void> {
  const deadline = performance.now() + 50_000;
  while (!isSo()) {
    if (performance.now() > deadline) throw new Error(`not within 50 s: ${what}`);
    await Bun.sleep(20);
  }
}

class LowDisk extends FaultyFileSystem {
  space: DiskSpace = { freeBytes: 500, totalBytes: 1000 };
  override freeSpace(): Promise<DiskSpace> {
    return Promise.resolve(this.space);
  }
}

test('below the reserve writes are refused, repeats answered, spans flushed; above it writes go on', async () => {
  const files = new LowDisk(realFileSystem);
  const options = { writer, reserve: { bytes: 100 } };
  const half = await WriteHalf.start(join(root, 'double'), files, options);
  running.push(half);
  await half.append(1);
  expect(half.side.figures()).toMatchObject({
    writable: true,
    diskFreeBytes: expect.any(Number),
    diskTotalBytes: 1000,
    diskReserveBytes: 100,
  });
  files.space = { freeBytes: 99, totalBytes: 1000 };
  await until('refused', () => !half.side.figures().writable);
  const refused = await rejection(half.append(2));
  expect(refused).toBeInstanceOf(StoreUnavailableError);
  expect(refused).toMatchObject({ retryAfterSeconds: 5, message: half.side.figures().reason });
  expect(refused.message).toContain('less than the reserve');
  expect(await half.append(1)).toMatchObject({ duplicate: true });
  await half.side.flush();
  expect(await half.ids()).toEqual([id(1)]);
  files.space = { freeBytes: 200, totalBytes: 1000 };
  await until('taken again', () => half.side.figures().writable);
  expect(await half.append(2)).toMatchObject({ accepted: 1 });
  expect(await half.ids()).toEqual([id(1), id(2)]);
});

test('a start on a disk that is low refuses from the first request on', async () => {
  const files = new LowDisk(realFileSystem);
  files.space = { freeBytes: 10, totalBytes: 1000 };
  const half = await WriteHalf.start(join(root, 'low'), files, { writer, reserve: { bytes: 100 } });
  running.push(half);
  expect(await rejection(half.append(1))).toBeInstanceOf(StoreUnavailableError);
});

test.skipIf(!isMounted)(
  'a disk of 8 MiB: the default reserve stays free, and is given to a flush',
  async () => {
    const half = await WriteHalf.start(join(disk, 'data'), realFileSystem, { writer });
    running.push(half);
    await half.append(1);
    const { diskTotalBytes, diskReserveBytes } = half.side.figures();
    expect([diskTotalBytes, diskReserveBytes]).toEqual([8 * 1024 ** 2, Math.floor((8 * 1024 ** 2) / 20)]);
    const { freeBytes } = await realFileSystem.freeSpace(disk);
    writeFileSync(join(disk, 'ballast'), new Uint8Array(freeBytes - diskReserveBytes / 2));
    await until('refused', () => !half.side.figures().writable);
    expect((await rejection(half.append(2))).message).toContain('less than the reserve of 0.4 MiB');
    await half.side.flush();
    expect(half.problems.filter((problem) => problem.startsWith("can't flush"))).toEqual([]);
    rmSync(join(disk, 'ballast'));
    await until('taken again', () => half.side.figures().writable);
    expect(await half.append(2)).toMatchObject({ accepted: 1 });
    expect(await half.ids()).toEqual([id(1), id(2)]);
  },
);
