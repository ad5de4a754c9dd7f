import { afterAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import type { Span } from '../../../../span/span.ts';
import { parseQuery } from '../../../../traceql/parse.ts';
import { traceIndexPath } from '../../files/names.ts';
import { openTraceIndex } from '../../files/trace-index.ts';
import { spansArbitrary } from '../testing/arbitrary-spans.ts';
import { TestLake } from '../testing/test-lake.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'spanlake-trace-indexes-'));
const lakes: TestLake[] = [];
afterAll(() => {
  for (const lake of lakes) lake.reader.close();
  rmSync(dataDir, { recursive: true });
});

const START = 1_700_000_000_000_000_000n;
const [shape] = fc.sample(
  spansArbitrary.filter(({ length }) => length > 0),
  { seed: 1, numRuns: 1 },
)[0];

function idOf(trace: number): string {
  return Bun.hash.xxHash64(`trace ${trace}`).toString(16).padStart(32, '0');
}

/** One span of each of the traces. */
function spansOf(traces: readonly number[], part: number): Span[] {
  return traces.map((trace) => ({
    ...shape,
    traceId: idOf(trace),
    spanId: (part * 1000 + trace + 1).toString(16).padStart(16, '0'),
    startTimeUnixNano: START + BigInt(trace),
  }));
}

function newLake(report: (message: string) => void = () => {}): TestLake {
  const lake = new TestLake(dataDir, { report });
  lakes.push(lake);
  return lake;
}

describe('in 200 files', () => {
  test('a trace is found in those that have it, an unknown one costs no file', async () => {
    const lake = newLake();
    for (let file = 0; file < 200; file++) {
      lake.append(spansOf([file, 200 + Math.floor(file / 50)], file));
      await lake.flush(1000);
    }
    const one = await lake.reader.trace('test', idOf(17));
    expect(one.spans.map(({ spanId }) => spanId)).toEqual([spansOf([17], 17)[0].spanId]);
    expect(one.scanned.files).toBe(1);
    const wide = await lake.reader.trace('test', idOf(202));
    expect(wide.spans).toHaveLength(50);
    expect(wide.scanned.files).toBe(50);
    const none = await lake.reader.trace('test', 'ab'.repeat(16));
    expect(none.spans).toEqual([]);
    expect(none.scanned).toMatchObject({ files: 0, rowGroups: 0, bytes: 0 });
    const page = await lake.reader.searchTraces('test', {
      query: parseQuery('{}'),
      range: { startUnixNano: 0n, endUnixNano: 1n << 64n },
      order: 'newest',
      limit: 300,
    });
    expect(page.traces.map(({ spanCount }) => spanCount)).toEqual([
      ...Array.from({ length: 4 }, () => 50),
      ...Array.from({ length: 200 }, () => 1),
    ]);
  });

  test('what is kept of files goes with them', async () => {
    const lake = newLake();
    for (const file of [0, 1, 2]) {
      lake.append(spansOf([file], file));
      await lake.flush(1000);
    }
    expect(lake.reader.indexBytesInMemory).toBe(0);
    await lake.reader.warm('test');
    const before = lake.reader.indexBytesInMemory;
    expect(before).toBeGreaterThan(0);
    lake.files = lake.files.slice(0, 1);
    await lake.reader.warm('test');
    expect(lake.reader.indexBytesInMemory).toBe(before / 3);
    expect((await lake.reader.trace('test', idOf(0))).spans).toHaveLength(1);
    expect((await lake.reader.trace('test', idOf(1))).spans).toHaveLength(0);
  });
});

const damages: [string, (path: string, other: string) => void][] = [
  ['is missing', (path) => rmSync(path)],
  ['is empty', (path) => truncateSync(path, 0)],
  ['is cut', (path) => truncateSync(path, readFileSync(path).length - 16)],
  ['is of another file', (path, other) => writeFileSync(path, readFileSync(other))],
  [
    'has its entries zeroed',
    (path) => {
      const bytes = readFileSync(path);
      writeFileSync(path, bytes.fill(0, bytes.length - 10 * 16));
    },
  ],
];

describe('a trace index that', () => {
  for (const [what, damage] of damages) {
    test(`${what} is made anew from the file, told once, and no trace is lacking`, async () => {
      const reports: string[] = [];
      const lake = newLake((message) => reports.push(message));
      const traces = Array.from({ length: 10 }, (_, trace) => trace);
      lake.append(spansOf(traces, 0));
      lake.append(spansOf([1, 2], 1));
      await lake.flush(4);
      await lake.flush(4);
      const path = traceIndexPath(lake.files[0].path);
      damage(join(dataDir, path), join(dataDir, traceIndexPath(lake.files[1].path)));
      const answers = await Promise.all(traces.map((trace) => lake.reader.trace('test', idOf(trace))));
      for (const [trace, answer] of answers.entries()) {
        expect(answer.complete).toBe(true);
        expect(answer.spans).toHaveLength(trace === 1 || trace === 2 ? 2 : 1);
      }
      expect((await lake.reader.trace('test', idOf(99))).spans).toEqual([]);
      expect(reports).toHaveLength(1);
      expect(reports[0]).toStartWith(`${path} can't be used`);
    });
  }

  test('is of format 1 is read whole', async () => {
    const reports: string[] = [];
    const lake = newLake((message) => reports.push(message));
    lake.append(spansOf([3, 4, 5], 0));
    await lake.flush(1000);
    const path = join(dataDir, traceIndexPath(lake.files[0].path));
    const { count, high, low, firstRow, rowCount } = openTraceIndex(readFileSync(path));
    const bytes = new Uint8Array(16 + count * 16);
    bytes.set(new TextEncoder().encode('SLTRACE1'));
    [high, low, firstRow, rowCount].forEach((part, i) =>
      new Uint32Array(bytes.buffer).set(part, 4 + i * count),
    );
    new Uint32Array(bytes.buffer).set([count, crc32(bytes.subarray(16))], 2);
    writeFileSync(path, bytes);
    for (const trace of [3, 4, 5]) {
      expect((await lake.reader.trace('test', idOf(trace))).spans).toHaveLength(1);
    }
    expect(reports).toEqual([]);
  });

  test('is lost with its file is named with it', async () => {
    const reports: string[] = [];
    const lake = newLake((message) => reports.push(message));
    lake.append(spansOf([1], 0));
    await lake.flush(1000);
    const [{ path }] = lake.files;
    rmSync(join(dataDir, path));
    rmSync(join(dataDir, traceIndexPath(path)));
    const answer = await lake.reader.trace('test', idOf(1));
    expect(answer.complete).toMatchObject({ skipped: [path] });
    expect(reports).toEqual([
      expect.stringContaining(`${traceIndexPath(path)} can't be used`),
      expect.stringContaining(`${path} can't be read and is left out of answers`),
    ]);
  });
});
