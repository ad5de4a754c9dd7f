import { expect, test } from 'bun:test';
import { Snapshots } from './files/snapshot.ts';
import type { FileEntry } from './files/file-entry.ts';
import { FileStatus } from './health.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const NOW = Date.parse('2026-03-10T12:00:00Z');

function file(path: string, more: Partial<FileEntry> = {}): FileEntry {
  return {
    path,
    projectId: 'default',
    day: '2026-03-10',
    rows: 10,
    bytes: 1_000,
    hash: '',
    traceIndexBytes: 100,
    traceIndexHash: '',
    tokenIndexBytes: 20,
    tokenIndexHash: '',
    level: 0,
    firstSequence: 1,
    lastSequence: 1,
    createdAtMs: NOW,
    minStartUnixNano: 5n,
    maxStartUnixNano: 9n,
    maxEndUnixNano: 9n,
    minDurationNano: 0n,
    maxDurationNano: 0n,
    errorCount: 0,
    services: [],
    servicesWhole: true,
    operations: [],
    operationsWhole: true,
    attributeKeys: [],
    attributeKeysWhole: true,
    promoted: [],
    rowGroups: [],
    ...more,
  };
}

function statusOf(files: readonly FileEntry[]) {
  const snapshots = new Snapshots(() => {});
  snapshots.publish([{ projectId: 'default', addFiles: files }]);
  return { snapshots, status: new FileStatus(snapshots, () => NOW) };
}

test('figures are sums over all projects, and follow every change', () => {
  const { snapshots, status } = statusOf([file('a'), file('b')]);
  expect(status.figures()).toEqual({
    files: 2,
    fileRows: 20,
    fileBytes: 2_000,
    indexBytes: 240,
    quarantined: [],
  });
  expect(status.figures()).toBe(status.figures());
  const quarantined = { path: 'a', reason: 'empty' };
  snapshots.publish([
    { projectId: 'default', quarantine: [quarantined] },
    { projectId: 'shop', addFiles: [file('c', { projectId: 'shop', rows: 5 })] },
  ]);
  expect(status.figures()).toMatchObject({ files: 2, fileRows: 15, quarantined: [quarantined] });
});

test('usage is that of one project', () => {
  const { status } = statusOf([file('a'), file('b', { minStartUnixNano: 2n, maxStartUnixNano: 3n })]);
  expect(status.usage('default')).toEqual({
    projectId: 'default',
    files: 2,
    rows: 20,
    bytes: 2_240,
    oldestUnixNano: 2n,
    newestUnixNano: 9n,
  });
  expect(status.usage('none')).toMatchObject({ files: 0, rows: 0, bytes: 0, oldestUnixNano: undefined });
});

test('days left at the pace of the last seven days, or since the first file came', () => {
  const days = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
  const daily = days.map((day) => file(`${day}`, { createdAtMs: NOW - day * DAY_MS }));
  expect(statusOf(daily).status.daysLeft(11_200)).toBeCloseTo(10);
  // 1,120 bytes within the two hours since the first file.
  const young = [file('a', { createdAtMs: NOW - 2 * HOUR_MS }), file('b')];
  expect(statusOf(young).status.daysLeft(11_200)).toBeCloseTo(10 / 12);
  expect(statusOf(young).status.daysLeft(-5)).toBe(0);
});

test('days left are not guessed from less than an hour, from nothing, or from what came long ago', () => {
  expect(statusOf([file('a', { createdAtMs: NOW - HOUR_MS + 1 })]).status.daysLeft(1)).toBeUndefined();
  expect(statusOf([]).status.daysLeft(1)).toBeUndefined();
  expect(statusOf([file('a', { createdAtMs: NOW - 30 * DAY_MS })]).status.daysLeft(1)).toBeUndefined();
});
