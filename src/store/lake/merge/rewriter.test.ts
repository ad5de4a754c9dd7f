import { afterAll, expect, test } from 'bun:test';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SPANS } from '../../../span/schema.ts';
import type { Span } from '../../../span/span.ts';
import { decodeTraces } from '../../../otlp/decode.ts';
import { SpanColumns } from '../../../span/columns.ts';
import { rejection } from '../../testing/rejection.ts';
import { contentHash } from '../files/hash.ts';
import { ParquetReader } from '../files/parquet-reader.ts';
import { testRequest, testSpan } from '../testing/requests.ts';
import { encodeSpans } from '../write/encode.ts';
import type { RewriteInput } from './rewrite-job.ts';
import { RewriteError, Rewriter } from './rewriter.ts';
import { jobOf, readSpans, rewrite } from './testing/merged.ts';

const folder = mkdtempSync(join(tmpdir(), 'rewriter-'));
const rewriter = new Rewriter();
afterAll(() => {
  rewriter.close();
  rmSync(folder, { recursive: true });
});

async function fileOf(name: string, from: number, to: number): Promise<RewriteInput> {
  const columns = new SpanColumns();
  const spans = Array.from({ length: to - from }, (_, n) => testSpan(from + n));
  decodeTraces(testRequest(spans), columns);
  columns.publishedRows = columns.rows;
  const [{ rows, parquet, statistics }] = encodeSpans([columns.block()], 100);
  const path = join(folder, name);
  await Bun.write(path, parquet);
  return { ...statistics, path, rows };
}

async function spansOf(chunks: readonly Uint8Array[]): Promise<Span[]> {
  const path = join(folder, 'out.parquet');
  await Bun.write(path, Buffer.concat(chunks));
  return readSpans(new ParquetReader(SPANS), path);
}

test('a job in the worker is what it is in this thread, chunk by chunk', async () => {
  const inputs = [await fileOf('a.parquet', 0, 300), await fileOf('b.parquet', 200, 500)];
  const job = jobOf(inputs, { rowGroupRows: 64, metadata: new Map([['spanlake.level', '1']]) });
  const chunks: Uint8Array[] = [];
  let writing = 0;
  const result = await rewriter.rewrite(job, async (bytes) => {
    expect(++writing).toBe(1);
    await Bun.sleep(1);
    chunks.push(bytes);
    writing--;
  });
  const here = await rewrite(folder, job);
  expect({ ...result, bytes: 0, hash: '' }).toEqual({ ...here.result, bytes: 0, hash: '' });
  expect(result).toMatchObject({ rows: 500, duplicates: 100, hash: contentHash(Buffer.concat(chunks)) });
  expect(await spansOf(chunks)).toEqual([...here.spans]);
  expect(Buffer.concat(chunks).includes('spanlake.level')).toBe(true);
});

test('jobs wait for each other', async () => {
  const input = await fileOf('c.parquet', 0, 50);
  let chunksOfFirst = 0;
  const first = rewriter.rewrite(jobOf([input]), async () => {
    await Bun.sleep(20);
    chunksOfFirst++;
  });
  const second = rewriter.rewrite(jobOf([input]), async () => {
    expect(chunksOfFirst).toBeGreaterThan(0);
  });
  expect((await Promise.all([first, second])).map(({ rows }) => rows)).toEqual([50, 50]);
});

test('a damaged input fails the job and is named, and the next job works', async () => {
  const good = await fileOf('good.parquet', 0, 50);
  const damages: [string, (path: string) => void][] = [
    ['cut', (path) => truncateSync(path, 1000)],
    ['empty', (path) => truncateSync(path, 0)],
    ['missing', (path) => rmSync(path)],
    ['flipped', flipPages],
  ];
  for (const [name, damage] of damages) {
    const path = join(folder, `${name}.parquet`);
    copyFileSync(good.path, path);
    damage(path);
    const error = await rejection(rewriter.rewrite(jobOf([good, { ...good, path }]), async () => {}));
    expect(error).toBeInstanceOf(RewriteError);
    expect((error as RewriteError).path).toBe(path);
    expect(error.message).toStartWith(`${path}: `);
    expect((await rewriter.rewrite(jobOf([good]), async () => {})).rows).toBe(50);
  }
}, 60_000);

/** All of the first column's pages. */
function flipPages(path: string): void {
  const bytes = readFileSync(path);
  for (let at = 4; at < 400; at++) bytes[at] ^= 0xff;
  writeFileSync(path, bytes);
}

test('what the disk refuses fails the job, and the next one works', async () => {
  const input = await fileOf('d.parquet', 0, 50);
  const full = rewriter.rewrite(jobOf([input]), async () => {
    throw new Error('ENOSPC');
  });
  expect((await rejection(full)).message).toBe('ENOSPC');
  expect((await rewriter.rewrite(jobOf([input]), async () => {})).rows).toBe(50);
});

test('a worker that does nothing is replaced; a slow disk is no reason', async () => {
  let limitMs = 1;
  const impatient = new Rewriter({ stallLimitMs: () => limitMs });
  const input = await fileOf('e.parquet', 0, 50);
  const stalled = await rejection(impatient.rewrite(jobOf([input]), async () => {}));
  expect(stalled.message).toBe('the rewrite worker did nothing for 1 ms');
  limitMs = 10_000;
  const done = impatient.rewrite(jobOf([input]), async () => {
    limitMs = 2000;
    await Bun.sleep(2500);
  });
  expect((await done).rows).toBe(50);
  impatient.close();
}, 30_000);

test('it tells when its worker comes and goes', async () => {
  const told: boolean[] = [];
  const watched = new Rewriter({ onWorker: (isThere) => told.push(isThere) });
  const input = await fileOf('g.parquet', 0, 50);
  for (let i = 0; i < 2; i++) await watched.rewrite(jobOf([input]), async () => {});
  expect(told).toEqual([true]);
  watched.close();
  watched.close();
  expect(told).toEqual([true, false]);
});

test('closing gives up the job under way and those that wait', async () => {
  const closed = new Rewriter();
  const input = await fileOf('f.parquet', 0, 50);
  const stuck = rejection(closed.rewrite(jobOf([input]), () => new Promise(() => {})));
  const waiting = rejection(closed.rewrite(jobOf([input]), async () => {}));
  await Bun.sleep(300);
  closed.close();
  expect((await stuck).message).toBe('the rewriter was closed');
  expect((await waiting).message).toBe('the rewriter was closed');
});
