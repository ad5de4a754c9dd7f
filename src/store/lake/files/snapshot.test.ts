import { expect, test } from 'bun:test';
import { SpanColumns } from '../../../span/columns.ts';
import type { FileEntry } from './file-entry.ts';
import { Snapshots } from './snapshot.ts';

function file(path: string): FileEntry {
  return {
    path,
    projectId: 'default',
    day: '2026-01-01',
    rows: 1,
    bytes: 1,
    hash: '',
    traceIndexBytes: 0,
    traceIndexHash: '',
    tokenIndexBytes: 0,
    tokenIndexHash: '',
    level: 0,
    firstSequence: 1,
    lastSequence: 1,
    createdAtMs: 0,
    minStartUnixNano: 0n,
    maxStartUnixNano: 0n,
    maxEndUnixNano: 0n,
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
  };
}

test('a reader keeps what it acquired while the lake goes on', () => {
  const snapshots = new Snapshots(() => {});
  const buffer = new SpanColumns();
  snapshots.publish([{ projectId: 'default', addBuffers: [buffer] }]);
  const before = snapshots.acquire('default');
  snapshots.publish([{ projectId: 'default', removeBuffers: [buffer], addFiles: [file('a')] }]);
  const after = snapshots.acquire('default');
  expect([before.buffers, before.files]).toEqual([[buffer], []]);
  expect([after.buffers, after.files.map(({ path }) => path)]).toEqual([[], ['a']]);
  expect(after.version).toBeGreaterThan(before.version);
  expect(snapshots.acquire('other').files).toEqual([]);
});

test('a replaced file is unlinked when its last reader is done, and not before', () => {
  const unlinked: string[] = [];
  const snapshots = new Snapshots((paths) => unlinked.push(...paths));
  const [a, b, c] = ['a', 'b', 'c'].map(file);
  snapshots.publish([{ projectId: 'default', addFiles: [a, b] }]);
  const first = snapshots.acquire('default');
  const second = snapshots.acquire('default');
  snapshots.publish([{ projectId: 'default', removeFiles: [a], addFiles: [c] }]);
  const third = snapshots.acquire('default');
  snapshots.publish([{ projectId: 'default', removeFiles: [b] }]);
  first.release();
  first.release();
  expect(unlinked).toEqual([]);
  second.release();
  expect(unlinked).toEqual(['a']);
  third.release();
  expect(unlinked).toEqual(['a', 'b']);
  snapshots.publish([{ projectId: 'default', removeFiles: [c] }]);
  expect(unlinked).toEqual(['a', 'b', 'c']);
});

test('a quarantined file is named and no longer listed', () => {
  const snapshots = new Snapshots(() => {});
  snapshots.publish([{ projectId: 'default', addFiles: [file('a'), file('b')] }]);
  snapshots.publish([{ projectId: 'default', quarantine: [{ path: 'a', reason: 'empty' }] }]);
  const { files, quarantined } = snapshots.acquire('default');
  expect(files.map(({ path }) => path)).toEqual(['b']);
  expect(quarantined).toEqual([{ path: 'a', reason: 'empty' }]);
});

test('a file that gets another entry keeps its place, and is not unlinked', () => {
  const unlinked: string[] = [];
  const snapshots = new Snapshots((paths) => unlinked.push(...paths));
  const [a, b] = ['a', 'b'].map(file);
  snapshots.publish([{ projectId: 'default', addFiles: [a, b] }]);
  const mended = { ...a, traceIndexBytes: 7 };
  snapshots.publish([{ projectId: 'default', replaceFiles: new Map([[a, mended]]) }]);
  expect(snapshots.state('default').files).toEqual([mended, b]);
  expect(snapshots.version).toBe(2);
  expect(unlinked).toEqual([]);
});
