import { expect, test } from 'bun:test';
import { realFileSystem } from '../files/file-system.ts';
import type { DiskSpace } from '../files/file-system.ts';
import { DEFAULT_RESERVE, DiskReserve } from './disk-space.ts';
import type { ReserveSize } from './disk-space.ts';

const GIB = 1024 ** 3;

class TestDisk {
  asked = 0;
  space: DiskSpace | Error = { freeBytes: 50 * GIB, totalBytes: 100 * GIB };
  nowMs = 0;
  readonly reports: string[] = [];
  readonly reserve: DiskReserve;

  constructor(size: ReserveSize = DEFAULT_RESERVE) {
    const freeSpace = (): Promise<DiskSpace> => {
      this.asked++;
      return this.space instanceof Error ? Promise.reject(this.space) : Promise.resolve(this.space);
    };
    this.reserve = new DiskReserve({
      files: { ...realFileSystem, freeSpace },
      path: '/data',
      clock: { wallMs: () => 0, monotonicMs: () => this.nowMs },
      size,
      report: (problem) => this.reports.push(problem),
    });
  }

  async free(bytes: number): Promise<string> {
    this.space = { freeBytes: bytes, totalBytes: 100 * GIB };
    await this.reserve.check();
    return this.reserve.refusal;
  }
}

test('the reserve is a share of the disk up to a bound, or a size', async () => {
  const cases: [ReserveSize, number, number][] = [
    [DEFAULT_RESERVE, 8 * 1024 ** 2, 419_430],
    [DEFAULT_RESERVE, 10 * GIB, GIB / 2],
    [DEFAULT_RESERVE, 4096 * GIB, GIB],
    [{ bytes: 7 }, 4096 * GIB, 7],
  ];
  for (const [size, totalBytes, expected] of cases) {
    const disk = new TestDisk(size);
    disk.space = { freeBytes: 0, totalBytes };
    await disk.reserve.check();
    expect(disk.reserve.reserveBytes).toBe(expected);
  }
});

test('below the reserve no writes are taken; a little above it they are again', async () => {
  const disk = new TestDisk();
  expect(await disk.free(GIB)).toBe('');
  expect(await disk.free(GIB - 1)).toBe('the disk has 1024.0 MiB free, less than the reserve of 1.0 GiB');
  expect(await disk.free(GIB / 4)).toBe('the disk has 256.0 MiB free, less than the reserve of 1.0 GiB');
  expect(await disk.free(GIB + 64 * 1024 ** 2 - 1)).not.toBe('');
  expect(await disk.free(GIB + 64 * 1024 ** 2)).toBe('');
  expect(await disk.free(GIB + 1)).toBe('');
  expect(disk.reports.length).toBe(2);
});

test('the disk is asked once a second, however often it is looked at', async () => {
  const disk = new TestDisk();
  for (; disk.nowMs < 10_000; disk.nowMs += 100) {
    disk.reserve.tick();
    disk.reserve.spend(1);
    await Bun.sleep(0);
  }
  expect(disk.asked).toBe(10);
});

test('a burst between two looks is counted, and makes it look at once', async () => {
  const disk = new TestDisk();
  await disk.free(GIB + 1000);
  disk.reserve.spend(900);
  expect([disk.asked, disk.reserve.freeBytes]).toEqual([1, GIB + 100]);
  disk.space = { freeBytes: GIB - 5, totalBytes: 100 * GIB };
  disk.reserve.spend(200);
  await Bun.sleep(0);
  expect(disk.asked).toBe(2);
  expect(disk.reserve.refusal).not.toBe('');
});

test('a disk that does not answer changes nothing, and is told once', async () => {
  const disk = new TestDisk();
  await disk.free(GIB / 2);
  disk.space = new Error('EIO');
  await disk.reserve.check();
  await disk.reserve.check();
  expect(disk.reserve.refusal).not.toBe('');
  expect(disk.reports.slice(1)).toEqual(["can't tell the free space of /data: EIO"]);
  expect(await disk.free(2 * GIB)).toBe('');
});

test('this machine tells what its disk has', async () => {
  const { freeBytes, totalBytes } = await realFileSystem.freeSpace(import.meta.dir);
  expect(totalBytes).toBeGreaterThan(freeBytes);
  expect(freeBytes).toBeGreaterThan(0);
});
