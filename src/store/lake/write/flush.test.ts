import { afterAll, afterEach, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeTraces } from '../../../otlp/decode.ts';
import { rejection } from '../../testing/rejection.ts';
import { realFileSystem } from '../files/file-system.ts';
import { openLake } from '../lake.ts';
import type { Lake } from '../lake.ts';
import { HeldWriter } from '../retention/testing/held-writer.ts';
import { FaultyFileSystem } from '../testing/faulty-file-system.ts';
import { testRequest, testSpan, textAttribute } from '../testing/requests.ts';
import { WriteHalf } from '../testing/write-half.ts';
import { deepestFirst } from './flush-output.ts';
import { Generation } from './generation.ts';
import { LogSegment } from './log-segment.ts';
import { Writer } from './writer.ts';

const inner = new Writer();
const writer = new HeldWriter(inner);
afterAll(() => inner.close());
const open: Lake[] = [];
const halves: WriteHalf[] = [];
const folders: string[] = [];
afterEach(async () => {
  writer.allow(Infinity);
  for (const lake of open.splice(0)) await lake.close();
  for (const half of halves.splice(0)) await half.end('kill');
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'flush-'));
  folders.push(folder);
  return folder;
}

async function startHalf(files: FaultyFileSystem): Promise<WriteHalf> {
  const half = await WriteHalf.start(newFolder(), files, { writer });
  halves.push(half);
  return half;
}

test('projects flushed together sync the folders that they share once', async () => {
  const files = new FaultyFileSystem(realFileSystem);
  const half = await startHalf(files);
  const projects = Array.from({ length: 20 }, (_, n) => `shop${n}`);
  for (const [n, project] of projects.entries()) await half.append(n, project);
  const before = files.count('syncFolder');
  await half.side.flush();
  // Of each the day's and its own; lake/ and the data folder.
  expect(files.count('syncFolder') - before).toBe(projects.length * 2 + 2);
  expect(half.side.figures().bufferRows).toBe(0);
  for (const n of [0, 7, 8, 19]) expect(await half.ids(`shop${n}`)).toEqual([testSpan(n).spanId]);
});

test('when the files of one project fail, the whole generation stays in the log and is tried again', async () => {
  const files = new FaultyFileSystem(realFileSystem);
  const half = await startHalf(files);
  const projects = ['a1', 'b1', 'c1'];
  for (const [n, project] of projects.entries()) await half.append(n, project);
  files.failFrom('rename', 'EIO');
  await half.side.tryFlush();
  expect(half.problems.length).toBe(1);
  expect(half.side.figures().bufferRows).toBe(3);
  files.heal();
  await half.side.flush();
  expect(half.side.figures().bufferRows).toBe(0);
  for (const [n, project] of projects.entries()) {
    expect(await half.ids(project)).toEqual([testSpan(n).spanId]);
  }
});

test('few large spans that wait for their files are as many as bytes allow', async () => {
  writer.allow(0);
  const limits = { bytes: 1 << 20, sealedGenerations: 1000 };
  const lake = await openLake({ dataDir: newFolder(), writer, limits });
  open.push(lake);
  const large = (n: number) =>
    testRequest(
      Array.from({ length: 40 }, (_, i) =>
        testSpan(n * 40 + i, {
          more: { attributes: [textAttribute('prompt', `${n} ${i} `.padEnd(250_000, 'x'))] },
        }),
      ),
    );
  let taken = 0;
  const refused = await rejection(
    (async () => {
      for (; taken < 20; taken++) await lake.append('default', large(taken));
    })(),
  );
  expect(refused.message).toBe('spans come faster than they can be written to files');
  // 32 MiB of 10 MB each.
  expect(taken).toBe(4);
  writer.allow(Infinity);
  await lake.flush();
  expect((await lake.append('default', large(taken))).accepted).toBe(40);
});

test('the size of a generation is that of its columns, however they were filled', () => {
  const generation = new Generation(new LogSegment(realFileSystem, '/nowhere/log', '/nowhere'));
  const naive = () => {
    const all = [...generation.buffers.values()].flat();
    const sum = (of: (columns: (typeof all)[number]) => number) => all.reduce((a, c) => a + of(c), 0);
    return { rows: sum((columns) => columns.rows), bytes: sum((columns) => columns.byteLength) };
  };
  for (let n = 0; n < 30; n++) {
    const project = `p${n % 4}`;
    if (n % 7 === 6) {
      const own = generation.newColumns();
      decodeTraces(testRequest([testSpan(n)]), own);
      generation.add(project, own);
    } else
      decodeTraces(
        testRequest([testSpan(n)]),
        generation.columnsFor(project, () => {}),
      );
    if (n % 3 === 0) expect(generation.size).toEqual(naive());
  }
  const columns = generation.columnsFor('p9', () => {});
  generation.discard('p9', columns);
  expect(generation.size).toEqual(naive());
});

test('folders are synced before those that name them', () => {
  expect(deepestFirst(['.', 'lake/a', 'lake', 'lake/a/b', 'lake/c/d'])).toEqual([
    'lake/a/b',
    'lake/c/d',
    'lake/a',
    'lake',
    '.',
  ]);
});
