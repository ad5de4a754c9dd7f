import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import type { Block } from '../../../span/vector.ts';
import { duckdbRows, pathList } from '../testing/duckdb.ts';
import { ParquetReader, compileParquetWasm, initParquet } from './parquet-reader.ts';
import { COMPACTED_LEVEL, ParquetFileWriter } from './parquet-writer.ts';
import { duckdbPlainRows, rowsOf } from './parquet/testing/plain-rows.ts';
import type { PlainRow } from './parquet/testing/plain-rows.ts';
import { PROMOTED, TABLE, dictionaryOf, randomBlock } from './parquet/testing/random-blocks.ts';
import type { Style } from './parquet/testing/random-blocks.ts';

const folder = mkdtempSync(join(tmpdir(), 'parquet-'));
const reader = new ParquetReader(TABLE);
beforeAll(async () => initParquet(await compileParquetWasm()));
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;

/** Rows of a block, as one row group. */
type Part = readonly [block: Block, from: number, to: number];

async function written(parts: readonly Part[], level?: number): Promise<string> {
  const path = join(folder, `${files++}.parquet`);
  const chunks: Uint8Array[] = [];
  const options = level === undefined ? {} : { level };
  const writer = new ParquetFileWriter(TABLE, PROMOTED, (bytes) => chunks.push(bytes), new Map(), options);
  for (const [block, from, to] of parts) writer.rowGroup(block, from, to);
  writer.finish();
  const bytes = Buffer.concat(chunks);
  expect(writer.bytesWritten).toBe(bytes.length);
  await Bun.write(path, bytes);
  return path;
}

function bytesOf(block: Block): number {
  let bytes = 0;
  const writer = new ParquetFileWriter(TABLE, PROMOTED, (part) => (bytes += part.length));
  writer.rowGroup(block);
  writer.finish();
  return bytes;
}

async function ownRows(path: string): Promise<PlainRow[]> {
  const rows: PlainRow[] = [];
  const sizes = await reader.rowGroupRows(path);
  for (let group = 0; group < sizes.length; group++) {
    const { value } = await reader.withBlock(path, group, undefined, (block) => rowsOf(block));
    rows.push(...value);
  }
  return rows;
}

/** Both readers see what the blocks hold. */
async function expectReadBack(parts: readonly Part[], level?: number): Promise<string> {
  const path = await written(parts, level);
  const expected = parts.flatMap(([block, from, to]) => rowsOf(block, from, to));
  expectSameRows(await ownRows(path), expected);
  expectSameRows(await duckdbPlainRows(path, TABLE, PROMOTED), expected);
  return path;
}

/** Cell by cell: the difference of two lists of 40,000 rows takes minutes to show. */
function expectSameRows(rows: readonly PlainRow[], expected: readonly PlainRow[]): void {
  expect(rows.length).toBe(expected.length);
  expected.forEach((row, i) => {
    if (Bun.deepEquals(rows[i], row)) return;
    for (const [name, cell] of Object.entries(row)) expect([i, name, rows[i][name]]).toEqual([i, name, cell]);
  });
}

const styles: fc.Arbitrary<Style> = fc.record({
  seed: fc.integer(),
  rows: fc.oneof(fc.constantFrom(1, 2, 7, 8, 9, 33, 129), fc.integer({ min: 1, max: 700 })),
  distinct: fc.constantFrom(1, 2, 3, 17, 200, 5000),
  nulls: fc.constantFrom(0, 0.1, 0.9, 1),
  entries: fc.constantFrom(0, 1, 4),
  repeats: fc.constantFrom(0, 0.7, 0.99),
});

test('our reader and DuckDB read back every type, of row groups cut anywhere out of blocks', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(styles, fc.double({ min: 0, max: 1, noNaN: true })), { minLength: 1, maxLength: 3 }),
      async (drawn) => {
        const parts = drawn.flatMap(([style, share]): Part[] => {
          const cut = Math.floor(style.rows * share);
          const block = randomBlock(style);
          return [
            [block, 0, cut],
            [block, cut, style.rows],
          ];
        });
        rmSync(await expectReadBack(parts));
      },
    ),
    { numRuns: 40 },
  );
}, 120_000);

test.each([
  ['constant', { distinct: 1, nulls: 0, repeats: 0 }],
  ['few values in runs, with nulls', { distinct: 30, nulls: 0.2, repeats: 0.8 }],
  ['all different', { distinct: 100_000, nulls: 0, repeats: 0 }],
])('a row group of several pages: %s', async (_, style) => {
  const block = randomBlock({ seed: 7, rows: 20_000, entries: 1, ...style });
  await expectReadBack([[block, 100, 20_000]], COMPACTED_LEVEL);
});

test('few rows of a row group are read out of its pages', async () => {
  const block = randomBlock({ seed: 8, rows: 40_000, distinct: 5000, nulls: 0.1, entries: 2, repeats: 0.5 });
  const path = await written([[block, 0, 40_000]]);
  for (const from of [0, 16_380, 16_384, 39_990]) {
    const span = { from, count: 10 };
    const { value } = await reader.withBlock(path, 0, undefined, (read) => rowsOf(read), span);
    expectSameRows(value, rowsOf(block, from, from + 10));
  }
});

test('texts of a MiB, as dictionary and as plain values', async () => {
  const long = Array.from({ length: 6 }, (_, n) => `${n}`.repeat(1 << 20));
  const base = randomBlock({ seed: 9, rows: 30, distinct: 2, nulls: 0, entries: 1, repeats: 0 });
  for (const distinct of [3, 6]) {
    const codes = Uint32Array.from({ length: distinct === 6 ? 6 : 30 }, (_, row) => row % distinct);
    const columns = new Map(base.columns);
    columns.set('title', { kind: 'text', codes, dictionary: dictionaryOf(long) });
    await expectReadBack([[{ rows: codes.length, columns }, 0, codes.length]]);
  }
});

test('texts come back as codes of a dictionary, not as one text a row', async () => {
  const block = randomBlock({ seed: 10, rows: 5000, distinct: 20, nulls: 0.3, entries: 2, repeats: 0.5 });
  const path = await written([[block, 0, 5000]]);
  const kinds = await reader.withBlock(path, 0, undefined, ({ columns }) => {
    const counts: number[] = [];
    for (const vector of columns.values()) {
      if (vector.kind === 'text') counts.push(vector.dictionary.count);
      if (vector.kind === 'attributes') counts.push(vector.keyDictionary.count, vector.valueDictionary.count);
    }
    return counts;
  });
  expect(kinds.value.length).toBeGreaterThan(5);
  for (const count of kinds.value) expect(count).toBeLessThan(100);
});

test('a file without rows is a file', async () => {
  const path = await written([]);
  expect(await reader.rowGroupRows(path)).toEqual([]);
  expect(await duckdbPlainRows(path, TABLE, PROMOTED)).toEqual([]);
});

test('what the caller says of the file stands in the footer', async () => {
  const path = join(folder, 'metadata.parquet');
  const parts: Uint8Array[] = [];
  const metadata = new Map([['spanlake.é', '{"a":"\u{1f600}"}']]);
  const writer = new ParquetFileWriter(TABLE, PROMOTED, (bytes) => parts.push(bytes), metadata);
  writer.finish();
  await Bun.write(path, Buffer.concat(parts));
  const rows = await duckdbRows(
    `SELECT decode(key) AS key, decode(value) AS value FROM parquet_kv_metadata(${pathList([path])})`,
  );
  expect(rows).toContainEqual({ key: 'spanlake.é', value: '{"a":"\u{1f600}"}' });
});

test('bounds and nulls of a column chunk are those of its values', async () => {
  const block = randomBlock({ seed: 11, rows: 300, distinct: 5, nulls: 0, entries: 1, repeats: 0 });
  const columns = new Map(block.columns);
  const times = [5n, -(2n ** 40n), 2n ** 40n];
  const words = new Uint32Array(BigInt64Array.from({ length: 300 }, (_, row) => times[row % 3]).buffer);
  columns.set('time', { kind: 'int64', words });
  columns.set('count', { kind: 'uint32', values: new Uint32Array(300).map((_, row) => 0x80000000 + row) });
  const doubles = new Float64Array(300).map((_, row) => -row);
  const valid = new Uint8Array(38).fill(0xf0);
  columns.set(PROMOTED[2].name, { kind: 'float64', values: doubles, valid });
  const title = dictionaryOf(['b', 'a', 'ключ', 'unused', 'b'.repeat(3)]);
  const codes = new Uint32Array(300).map((_, row) => [0, 1, 2, 4][row % 4]);
  columns.set('title', { kind: 'text', codes, dictionary: title });
  const path = await written([[{ rows: 300, columns }, 0, 300]]);
  const rows = await duckdbRows(
    `SELECT path_in_schema AS name, stats_min_value AS min, stats_max_value AS max, stats_null_count AS nulls
     FROM parquet_metadata(${pathList([path])})`,
  );
  const of = (name: string) => rows.find((row) => row.name === name);
  expect(of('time')).toMatchObject({ min: String(-(2n ** 40n)), max: String(2n ** 40n), nulls: '0' });
  expect(of('count')).toMatchObject({ min: '2147483648', max: '2147483947' });
  expect(of('title')).toMatchObject({ min: 'a', max: 'ключ' });
  expect(of(PROMOTED[2].name)).toMatchObject({ min: '-295.0', max: '-4.0', nulls: '152' });
});

test('a column that says the same in every row costs next to nothing', () => {
  const same = (rows: number) =>
    randomBlock({ seed: 12, rows, distinct: 1, nulls: 0, entries: 0, repeats: 0 });
  // Booleans are a bit a row, which zstd shrinks.
  expect(bytesOf(same(30_000)) - bytesOf(same(100))).toBeLessThan(200);
});

test('a block that does not fit the schema is refused', () => {
  const block = randomBlock({ seed: 13, rows: 3, distinct: 2, nulls: 1, entries: 1, repeats: 0 });
  const withColumn = (name: string, vector: Parameters<typeof block.columns.get>[0] | undefined) => {
    const columns = new Map(block.columns);
    const other = vector === undefined ? undefined : block.columns.get(vector);
    if (other === undefined) columns.delete(name);
    else columns.set(name, other);
    return { rows: 3, columns };
  };
  const write = (bad: Block) => () => bytesOf(bad);
  expect(write(withColumn('time', undefined))).toThrow('a block without the column time');
  expect(write(withColumn('time', 'title'))).toThrow('time is a text, no int64');
  expect(write(withColumn('title', PROMOTED[0].name))).toThrow('title has no value in row 0');
  expect(write(withColumn('parts', 'title'))).toThrow('parts is a text, no list');
  const writer = new ParquetFileWriter(TABLE, PROMOTED, () => undefined);
  expect(() => writer.rowGroup(block, 2, 4)).toThrow('rows 2 to 4 of a block of 3');
  writer.finish();
  expect(() => writer.rowGroup(block)).toThrow('a row group behind the footer');
});
