import { afterAll, expect, test } from 'bun:test';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import type { Block } from '../../../span/vector.ts';
import { ArrayPool } from '../read/scan/column-arrays.ts';
import { RowGroupSource, SCAN_PAGE_ROWS } from '../read/scan/column-row-group.ts';
import { ColumnFiles } from './column-files.ts';
import { ColumnReader } from './column-reader.ts';
import { ParquetFileWriter } from './parquet-writer.ts';
import { rowsOf } from './parquet/testing/plain-rows.ts';
import type { PlainRow } from './parquet/testing/plain-rows.ts';
import { PROMOTED, TABLE, randomBlock } from './parquet/testing/random-blocks.ts';
import type { Style } from './parquet/testing/random-blocks.ts';

const folder = mkdtempSync(join(tmpdir(), 'columns-'));
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;

function written(blocks: readonly Block[]): string {
  const path = join(folder, `${files++}.parquet`);
  const parts: Uint8Array[] = [];
  const writer = new ParquetFileWriter(TABLE, PROMOTED, (bytes) => parts.push(bytes), new Map(), {});
  for (const block of blocks) writer.rowGroup(block);
  writer.finish();
  writeFileSync(path, Buffer.concat(parts));
  return path;
}

const LARGE = 2 ** 30;

function readerOf(maxBytes = LARGE): ColumnReader {
  return new ColumnReader(new ColumnFiles(), maxBytes);
}

/** What `use` is given is closed behind it. */
function opened<T>(
  reader: ColumnReader,
  path: string,
  rowGroup: number,
  use: (source: RowGroupSource, names: readonly string[]) => T,
): T {
  const group = reader.open(path, rowGroup);
  if (group === undefined) throw new Error(`${path} is not ours`);
  try {
    return use(new RowGroupSource(group, undefined, new ArrayPool()), group.blockNames);
  } finally {
    group.close();
  }
}

/** The rows of the steps, each asked for when it is its turn. */
function rowsOfSteps(reader: ColumnReader, path: string, rowGroup: number, steps: readonly number[]) {
  return opened(reader, path, rowGroup, (source, names) =>
    steps.map((step) => {
      const from = step * SCAN_PAGE_ROWS;
      const to = Math.min(source.rows, from + SCAN_PAGE_ROWS);
      source.load(names, from, to);
      return sampled(source.block(names), from, to);
    }),
  );
}

/** Of many rows those at both ends and some between. */
function sampled(block: Block, from: number, to: number): PlainRow[] {
  const rows = Array.from({ length: to - from }, (_, i) => from + i);
  const some =
    rows.length < 1000 ? rows : rows.filter((_, i) => i < 40 || i > rows.length - 40 || i % 331 === 0);
  return some.map((row) => rowsOf(block, row, row + 1)[0]);
}

const styles: fc.Arbitrary<Style> = fc.record({
  seed: fc.integer(),
  rows: fc.oneof(fc.constantFrom(1, 2, 3, 7, 8, 9, 33, 129), fc.integer({ min: 1, max: 700 })),
  distinct: fc.constantFrom(1, 2, 3, 17, 200, 5000),
  nulls: fc.constantFrom(0, 0.1, 0.5, 0.9, 1),
  entries: fc.constantFrom(0, 1, 4),
  repeats: fc.constantFrom(0, 0.7, 0.99),
});

test('the rows are those of the blocks that were written, read once and read again', () => {
  const reader = readerOf();
  fc.assert(
    fc.property(fc.array(styles, { minLength: 1, maxLength: 3 }), (drawn) => {
      const blocks = drawn.map(randomBlock);
      const path = written(blocks);
      for (const [group, block] of blocks.entries()) {
        const expected = rowsOf(block);
        expect(rowsOfSteps(reader, path, group, [0])).toEqual([expected]);
        expect(rowsOfSteps(reader, path, group, [0])).toEqual([expected]);
      }
      rmSync(path);
    }),
    { numRuns: 60 },
  );
}, 60_000);

test.each([
  ['constant', { distinct: 1, nulls: 0, repeats: 0, entries: 1 }],
  ['few values in runs, with nulls', { distinct: 30, nulls: 0.2, repeats: 0.8, entries: 2 }],
  ['all different', { distinct: 100_000, nulls: 0, repeats: 0, entries: 1 }],
  ['a dictionary of many texts', { distinct: 6000, nulls: 0.1, repeats: 0.2, entries: 1 }],
])(
  'pages in any order, under a cache that keeps nothing and one that keeps all: %s',
  (_, style) => {
    const block = randomBlock({ seed: 7, rows: 40_000, ...style });
    const path = written([block]);
    const expected = [0, 1, 2].map((step) =>
      sampled(block, step * SCAN_PAGE_ROWS, Math.min(40_000, (step + 1) * SCAN_PAGE_ROWS)),
    );
    for (const maxBytes of [0, LARGE]) {
      const reader = readerOf(maxBytes);
      expect(rowsOfSteps(reader, path, 0, [2, 0])).toEqual([expected[2], expected[0]]);
      expect(rowsOfSteps(reader, path, 0, [1, 2])).toEqual([expected[1], expected[2]]);
      expect(reader.bytes > 0).toBe(maxBytes > 0);
    }
  },
  60_000,
);

test('what was read is not read again, and what is no longer asked for goes when the budget is spent', () => {
  const blocks = [1, 2, 3].map((seed) =>
    randomBlock({ seed, rows: 20_000, distinct: 50, nulls: 0, repeats: 0, entries: 0 }),
  );
  const path = written(blocks);
  const costOf = (reader: ColumnReader, rowGroup: number) => {
    const group = reader.open(path, rowGroup);
    if (group === undefined) throw new Error('not ours');
    const source = new RowGroupSource(group, undefined, new ArrayPool());
    source.load(group.blockNames, 0, 20_000);
    group.close();
    return group.cost;
  };
  const reader = readerOf();
  expect(costOf(reader, 0).misses).toBeGreaterThan(0);
  const again = costOf(reader, 0);
  expect({ bytes: again.bytes, misses: again.misses }).toEqual({ bytes: 0, misses: 0 });
  expect(again.hits).toBeGreaterThan(0);
  // Room for two row groups: asked in turn, two stay and the third is read each time.
  const small = readerOf(Math.floor(reader.bytes * 2.5));
  const misses = (rowGroups: readonly number[]) =>
    rowGroups.map((rowGroup) => costOf(small, rowGroup).misses > 0);
  expect(misses([0, 1, 2])).toEqual([true, true, true]);
  expect(misses([0, 1, 2])).toEqual([false, false, true]);
  expect(misses([0, 1, 2])).toEqual([false, false, true]);
  // Asked again while the first is not, it takes its place.
  expect(misses([2, 2, 1, 0])).toEqual([true, false, false, true]);
  expect(small.bytes).toBeLessThanOrEqual(small.maxBytes);
  // A smaller budget holds at once, and for what comes.
  const half = Math.floor(reader.bytes * 1.2);
  expect(small.limit(half)).toBe(true);
  expect(small.bytes).toBeLessThanOrEqual(half);
  expect(small.bytes).toBeGreaterThan(0);
  expect(small.limit(half)).toBe(false);
  expect(misses([0, 1, 2]).filter(Boolean).length).toBeGreaterThan(1);
  expect(small.bytes).toBeLessThanOrEqual(half);
});

test('a flipped bit in a page is an error that names the file and the column, not other rows', () => {
  const block = randomBlock({ seed: 3, rows: 500, distinct: 40, nulls: 0.1, repeats: 0, entries: 2 });
  const path = written([block]);
  const expected = rowsOf(block);
  const bytes = readFileSync(path);
  let errors = 0;
  for (let at = 4; at < bytes.length - 3000; at += 97) {
    const damaged = Buffer.from(bytes);
    damaged[at] ^= 1 << (at & 7);
    writeFileSync(path, damaged);
    try {
      expect(rowsOfSteps(readerOf(), path, 0, [0])).toEqual([expected]);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      expect(error.message).toStartWith(path);
      errors++;
    }
  }
  expect(errors).toBeGreaterThan(20);
});

test('a file made anew under its name is read anew, and one that is gone is an error', () => {
  const [one, two] = [1, 2].map((seed) =>
    randomBlock({ seed, rows: 300, distinct: 20, nulls: 0, repeats: 0, entries: 1 }),
  );
  const path = written([one]);
  const reader = readerOf();
  expect(rowsOfSteps(reader, path, 0, [0])).toEqual([rowsOf(one)]);
  const other = written([two]);
  writeFileSync(path, readFileSync(other));
  expect(rowsOfSteps(reader, path, 0, [0])).toEqual([rowsOf(two)]);
  rmSync(path);
  expect(existsSync(path)).toBe(false);
  expect(() => reader.open(path, 0)).toThrow('ENOENT');
});

test('a file of another writer is left to the other reader', () => {
  const path = join(folder, 'other.parquet');
  writeFileSync(path, 'PAR1 and nothing of ours PAR1');
  expect(readerOf().open(path, 0)).toBeUndefined();
});
