import { afterEach, expect, test } from 'bun:test';
import { cpSync, mkdtempSync, readdirSync, rmSync, statSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseQuery } from '../../traceql/parse.ts';
import { catalogSignature, openCatalogReadOnly } from '../read-only-catalog.ts';
import { StoreUnavailableError } from '../span-store.ts';
import { rejection } from '../testing/rejection.ts';
import { openLake } from './lake.ts';
import type { Lake } from './lake.ts';
import { ReadOnlyLake } from './read-only.ts';
import { testRequest, testSpan } from './testing/requests.ts';

const folders: string[] = [];
const lakes: Lake[] = [];

afterEach(async () => {
  for (const lake of lakes.splice(0)) await lake.abandon();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'spanlake-read-only-'));
  folders.push(folder);
  return folder;
}

async function openTest(dataDir: string): Promise<Lake> {
  const lake = await openLake({ dataDir, background: false });
  lakes.push(lake);
  return lake;
}

function spans(from: number, to: number) {
  return Array.from({ length: to - from }, (_, i) => testSpan(from + i));
}

async function idsIn(lake: ReadOnlyLake): Promise<string[]> {
  const page = await lake.searchSpans('default', {
    query: parseQuery('{}'),
    range: { startUnixNano: 0n, endUnixNano: 2n ** 64n - 1n },
    order: 'oldest',
    limit: 10_000,
  });
  expect(page.complete).toBe(true);
  return page.spans.map((span) => span.spanId);
}

const idsOf = (from: number, to: number) => spans(from, to).map((span) => span.spanId);

/** Every file with its size, time and inode: what a write would change. */
function stateOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => {
      const { size, mtimeNs, ino } = statSync(join(folder, name), { bigint: true });
      return `${name} ${size} ${mtimeNs} ${ino}`;
    })
    .sort();
}

test('beside a server: files and log are seen, each span once, also while they become files', async () => {
  const folder = newFolder();
  const server = await openTest(folder);
  await server.append('default', testRequest(spans(0, 20)));
  await server.flush();
  await server.append('default', testRequest(spans(20, 30)));
  const lake = await ReadOnlyLake.open({ dataDir: folder });
  expect(await idsIn(lake)).toEqual(idsOf(0, 30));
  expect(lake.isEmpty('default')).toBe(false);

  await server.append('default', testRequest(spans(30, 33)));
  await lake.refresh();
  expect(await idsIn(lake)).toEqual(idsOf(0, 33));
  await server.flush();
  await lake.refresh();
  expect(await idsIn(lake)).toEqual(idsOf(0, 33));
  expect(lake.health()).toMatchObject({ writable: false, files: 2, bufferRows: 0, fileRows: 33 });
  await lake.close();
});

test('a folder that nobody works on is left as it is, byte for byte', async () => {
  const folder = newFolder();
  const server = await openTest(folder);
  await server.append('default', testRequest(spans(0, 5)));
  lakes.length = 0;
  await server.close();
  const before = stateOf(folder);
  const lake = await ReadOnlyLake.open({ dataDir: folder });
  expect(await idsIn(lake)).toEqual(idsOf(0, 5));
  await lake.close();
  expect(stateOf(folder)).toEqual(before);
});

test('a copy taken in the middle of it all, without the -shm file, is read with what its -wal holds', async () => {
  const folder = newFolder();
  const server = await openTest(folder);
  await server.append('default', testRequest(spans(0, 5)));
  await server.flush();
  await server.append('default', testRequest(spans(5, 7)));
  const copy = newFolder();
  cpSync(folder, copy, { recursive: true });
  unlinkSync(join(copy, 'catalog.sqlite-shm'));
  const before = stateOf(copy);
  const lake = await ReadOnlyLake.open({ dataDir: copy });
  expect(await idsIn(lake)).toEqual(idsOf(0, 7));
  await lake.close();
  expect(stateOf(copy)).toEqual(before);
});

test('writes are refused as something to try elsewhere', async () => {
  const folder = newFolder();
  const server = await openTest(folder);
  await server.append('default', testRequest(spans(0, 1)));
  const lake = await ReadOnlyLake.open({ dataDir: folder });
  const refused = await rejection(lake.append('default', testRequest(spans(1, 2))));
  expect(refused).toBeInstanceOf(StoreUnavailableError);
  expect(() => lake.pinTrace()).toThrow('for reading only');
  await lake.close();
});

test('a missing file is named in answers', async () => {
  const folder = newFolder();
  const server = await openTest(folder);
  await server.append('default', testRequest(spans(0, 2)));
  await server.flush();
  lakes.length = 0;
  await server.close();
  const first = await ReadOnlyLake.open({ dataDir: folder });
  const [file] = first.files();
  await first.close();
  unlinkSync(join(folder, file.path));
  const lake = await ReadOnlyLake.open({ dataDir: folder });
  const answer = await lake.trace('default', testSpan(0).traceId);
  expect(answer.complete).toMatchObject({ skipped: [file.path] });
  await lake.close();
});

test('the catalog: no folder, and the signature of a commit', async () => {
  const folder = newFolder();
  expect(() => openCatalogReadOnly(folder)).toThrow(`${folder} has no catalog.sqlite`);
  const server = await openTest(folder);
  const before = catalogSignature(folder);
  await server.append('default', testRequest(spans(0, 1)));
  await server.flush();
  expect(catalogSignature(folder)).not.toBe(before);
});
