import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { SPANS } from '../../../span/schema.ts';
import type { Span } from '../../../span/span.ts';
import type { Block, TextDictionary, Vector } from '../../../span/vector.ts';
import { SpanReader } from '../read/scan/block-spans.ts';
import { spansArbitrary } from '../read/testing/arbitrary-spans.ts';
import { columnsOf } from '../read/testing/test-lake.ts';
import { encodeSpans } from '../write/encode.ts';
import { ParquetReader, compileParquetWasm, initParquet } from './parquet-reader.ts';
import { COMPACTED_LEVEL, ParquetFileWriter } from './parquet-writer.ts';
import { rowsOf } from './parquet/testing/plain-rows.ts';
import type { Cell } from './parquet/testing/plain-rows.ts';
import { PROMOTED, TABLE, dictionaryOf, randomBlock } from './parquet/testing/random-blocks.ts';
import type { Style } from './parquet/testing/random-blocks.ts';
import { PointReader } from './point-reader.ts';

const folder = mkdtempSync(join(tmpdir(), 'points-'));
beforeAll(async () => initParquet(await compileParquetWasm()));
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;

function written(blocks: readonly Block[], level?: number): string {
  const path = join(folder, `${files++}.parquet`);
  const parts: Uint8Array[] = [];
  const options = level === undefined ? {} : { level };
  const writer = new ParquetFileWriter(TABLE, PROMOTED, (bytes) => parts.push(bytes), new Map(), options);
  for (const block of blocks) writer.rowGroup(block);
  writer.finish();
  writeFileSync(path, Buffer.concat(parts));
  return path;
}

function pointRead(path: string, group: number, rows: readonly number[], names?: readonly string[]): Block {
  const read = new PointReader().block(path, group, names, Uint32Array.from(rows));
  if (read === undefined) throw new Error(`${path} is not ours`);
  return read.value;
}

const styles: fc.Arbitrary<Style> = fc.record({
  seed: fc.integer(),
  rows: fc.oneof(fc.constantFrom(1, 2, 7, 8, 9, 33, 129), fc.integer({ min: 1, max: 700 })),
  distinct: fc.constantFrom(1, 2, 3, 17, 200, 5000),
  nulls: fc.constantFrom(0, 0.1, 0.9, 1),
  entries: fc.constantFrom(0, 1, 4),
  repeats: fc.constantFrom(0, 0.7, 0.99),
});

/** Shares of a row group's rows, as ascending rows. */
function rowsAt(shares: readonly number[], count: number): number[] {
  return [...new Set(shares.map((share) => Math.min(count - 1, Math.floor(share * count))))].sort(
    (a, b) => a - b,
  );
}

const share = fc.double({ min: 0, max: 1, noNaN: true });

test('any rows of any row group are those of the blocks that were written', () => {
  fc.assert(
    fc.property(
      fc.array(styles, { minLength: 1, maxLength: 3 }),
      fc.array(share, { maxLength: 12 }),
      fc.tuple(share, share),
      (drawn, shares, span) => {
        const blocks = drawn.map(randomBlock);
        const path = written(blocks);
        blocks.forEach((block, group) => {
          const [from, to] = span.map((each) => Math.floor(each * block.rows)).sort((a, b) => a - b);
          const whole = Array.from({ length: to - from }, (_, i) => from + i);
          for (const rows of [rowsAt(shares, block.rows), whole]) {
            const expected = rows.map((row) => rowsOf(block, row, row + 1)[0]);
            expect(rowsOf(pointRead(path, group, rows))).toEqual(expected);
          }
        });
        rmSync(path);
      },
    ),
    { numRuns: 120 },
  );
}, 120_000);

test.each([
  ['constant', { distinct: 1, nulls: 0, repeats: 0, entries: 1 }],
  ['few values in runs, with nulls', { distinct: 30, nulls: 0.2, repeats: 0.8, entries: 2 }],
  ['all different', { distinct: 100_000, nulls: 0, repeats: 0, entries: 1 }],
  ['a dictionary of many texts', { distinct: 6000, nulls: 0.1, repeats: 0.2, entries: 1 }],
])('rows on both sides of the cuts between pages: %s', (_, style) => {
  const block = randomBlock({ seed: 7, rows: 40_000, ...style });
  const path = written([block], COMPACTED_LEVEL);
  const cuts = [0, 16_384, 32_768, 40_000];
  const rows = cuts
    .flatMap((cut) => [cut - 2, cut - 1, cut, cut + 1])
    .filter((row) => row >= 0 && row < 40_000);
  const around = Array.from({ length: 30 }, (_, i) => 16_370 + i);
  for (const picked of [rows, around, [39_999], [20_000, 20_002, 20_003]]) {
    const expected = picked.map((row) => rowsOf(block, row, row + 1)[0]);
    expect(rowsOf(pointRead(path, 0, picked))).toEqual(expected);
  }
});

test('spans and vectors are what the reader of whole row groups gives', async () => {
  const reader = new ParquetReader(SPANS);
  await fc.assert(
    fc.asyncProperty(
      spansArbitrary,
      fc.constantFrom(1, 7, 1000),
      share,
      share,
      async (spans, rowGroupRows, begin, length) => {
        for (const file of encodeSpans([columnsOf(spans).block()], rowGroupRows)) {
          const path = join(folder, `${files++}.parquet`);
          writeFileSync(path, file.parquet);
          const sizes = await reader.rowGroupRows(path);
          for (const [group, size] of sizes.entries()) {
            const from = Math.min(size - 1, Math.floor(begin * size));
            const count = Math.max(1, Math.floor(length * (size - from)));
            const rows = Array.from({ length: count }, (_, i) => from + i);
            const own = pointRead(path, group, rows);
            const use = (block: Block) => ({ spans: spansOf(block), columns: plainColumns(block) });
            const { value } = await reader.withBlock(path, group, undefined, use, { from, count });
            expect(spansOf(own)).toEqual(value.spans);
            expect(plainColumns(own)).toEqual(value.columns);
          }
          reader.close();
          rmSync(path);
        }
      },
    ),
    { numRuns: 60 },
  );
}, 120_000);

function spansOf(block: Block): Span[] {
  const reader = new SpanReader(block);
  return Array.from({ length: block.rows }, (_, row) => reader.span(row));
}

/** Vectors with texts for codes, since the numbers of codes mean nothing. */
function plainColumns({ columns }: Block): Map<string, unknown> {
  return new Map([...columns].map(([name, vector]) => [name, plainVector(vector)]));
}

function plainVector(vector: Vector): unknown {
  switch (vector.kind) {
    case 'text':
      return Array.from(vector.codes, (code) => textAt(vector.dictionary, code));
    case 'attributes':
      return {
        offsets: Array.from(vector.offsets, (offset) => offset - vector.offsets[0]),
        keys: Array.from(vector.keys, (code) => textAt(vector.keyDictionary, code)),
        values: Array.from(vector.values, (code) => textAt(vector.valueDictionary, code)),
        types: [...vector.types],
      };
    case 'list':
      return {
        offsets: [...vector.offsets],
        children: Object.entries(vector.children).map(([name, child]) => [name, plainVector(child)]),
      };
    case 'int64': {
      const values = new BigInt64Array(vector.words.slice().buffer);
      return { kind: vector.kind, values: presentValues([...values], vector.valid) };
    }
    case 'float64':
    case 'bool':
      return { kind: vector.kind, values: presentValues([...vector.values], vector.valid) };
    case 'fixed':
      return { ...vector, bytes: [...vector.bytes] };
    case 'uint8':
    case 'uint32':
      return { ...vector, values: [...vector.values] };
  }
}

function textAt({ offsets, bytes }: TextDictionary, code: number): string | undefined {
  return offsets[code + 1] === undefined
    ? undefined
    : Buffer.from(bytes.subarray(offsets[code], offsets[code + 1])).toString();
}

/** What stands in a null's place is anything. */
function presentValues<T>(values: readonly T[], valid: Uint8Array | undefined): (T | undefined)[] {
  return values.map((value, row) =>
    !valid || ((valid[row >> 3] >> (row & 7)) & 1) === 1 ? value : undefined,
  );
}

test('of named columns only those are read, attributes with their types', () => {
  const block = randomBlock({ seed: 4, rows: 500, distinct: 20, nulls: 0.1, entries: 2, repeats: 0.3 });
  const path = written([block]);
  const names = ['title', 'own_attributes', 'parts', 'nowhere', PROMOTED[1].name];
  const read = pointRead(path, 0, [3, 4, 77], names);
  expect([...read.columns.keys()]).toEqual(
    ['title', 'own_attributes', 'own_attribute_types', 'parts'].concat(PROMOTED[1].name),
  );
  const columns = new Map([...block.columns].filter(([name]) => read.columns.has(name)));
  expect(rowsOf(read)).toMatchObject(
    [3, 4, 77].map((row) => rowsOf({ rows: 500, columns }, row, row + 1)[0]),
  );
  const all = new PointReader().block(path, 0, undefined, Uint32Array.of(3));
  const one = new PointReader().block(path, 0, ['small'], Uint32Array.of(3));
  expect(one?.bytes).toBeGreaterThan(0);
  expect(one?.bytes).toBeLessThan((all?.bytes ?? 0) / 5);
});

test('a text of a MiB comes whole, and texts before it are stepped over', () => {
  const base = randomBlock({ seed: 9, rows: 6, distinct: 2, nulls: 0, entries: 1, repeats: 0 });
  const long = dictionaryOf(Array.from({ length: 6 }, (_, n) => `${n}`.repeat(1 << 20)));
  const codes = Uint32Array.of(0, 1, 2, 3, 4, 5);
  const columns = new Map(base.columns).set('title', { kind: 'text', codes, dictionary: long });
  const title = pointRead(written([{ rows: 6, columns }]), 0, [4], ['title']).columns.get('title');
  expect(title?.kind === 'text' && textAt(title.dictionary, title.codes[0])).toBe('4'.repeat(1 << 20));
});

test('a file of another writer, or none at all, is left to the other reader', () => {
  const path = written([randomBlock({ seed: 1, rows: 5, distinct: 2, nulls: 0, entries: 1, repeats: 0 })]);
  const bytes = readFileSync(path);
  const at = bytes.indexOf('spanlake.tail_crc32');
  for (const [what, other] of [
    ['without checksum', Buffer.concat([bytes.subarray(0, at), Buffer.from('x'), bytes.subarray(at + 1)])],
    ['cut', bytes.subarray(0, bytes.length - 20)],
    ['short', bytes.subarray(0, 11)],
    ['empty', Buffer.alloc(0)],
  ] as const) {
    const otherPath = join(folder, `${what}.parquet`);
    writeFileSync(otherPath, other);
    expect(new PointReader().block(otherPath, 0, undefined, Uint32Array.of(0))).toBeUndefined();
  }
  expect(() => new PointReader().block(join(folder, 'gone'), 0, undefined, Uint32Array.of(0))).toThrow(
    'ENOENT',
  );
});

test('a file that is made anew under its name is read anew', () => {
  const style = { distinct: 40, nulls: 0, entries: 1, repeats: 0 };
  const [first, second] = [30, 60].map((rows) => randomBlock({ seed: rows, rows, ...style }));
  const reader = new PointReader();
  const path = written([first]);
  const titles = (): Cell | undefined => {
    const title = reader.block(path, 0, ['title'], Uint32Array.of(7))?.value.columns.get('title');
    return title?.kind === 'text' && textAt(title.dictionary, title.codes[0]);
  };
  const before = rowsOf(first, 7, 8)[0].title;
  expect(titles()).toBe(before);
  writeFileSync(path, readFileSync(written([second])));
  expect(titles()).toBe(rowsOf(second, 7, 8)[0].title);
});

test('rows and row groups that are not there are refused', () => {
  const path = written([randomBlock({ seed: 1, rows: 5, distinct: 2, nulls: 0, entries: 1, repeats: 0 })]);
  expect(() => pointRead(path, 0, [5])).toThrow(`${path}: row group 0: row 5 of 5`);
  expect(() => pointRead(path, 1, [0])).toThrow('row group 1: one of 1');
  expect(() => pointRead(path, 0, [2, 1])).toThrow('row 1 behind 2');
  expect(pointRead(path, 0, []).rows).toBe(0);
});

/** What a damaged file gives: the same rows, nothing for another reader to try, or an error. */
function outcome(path: string, rows: readonly number[]): unknown {
  try {
    const read = new PointReader().block(path, 0, undefined, Uint32Array.from(rows));
    return read && rowsOf(read.value);
  } catch (error) {
    return error instanceof Error ? error : undefined;
  }
}

test('no flipped bit gives other rows', () => {
  const block = randomBlock({ seed: 3, rows: 90, distinct: 40, nulls: 0.2, entries: 3, repeats: 0.3 });
  const path = written([block]);
  const bytes = readFileSync(path);
  const rows = [0, 5, 6, 40, 89];
  const expected = outcome(path, rows);
  expect(expected).toEqual(rows.map((row) => rowsOf(block, row, row + 1)[0]));
  const flippedPath = join(folder, 'flipped.parquet');
  let errors = 0;
  let at = 0;
  for (; at < bytes.length; at++) {
    const flipped = Buffer.from(bytes);
    flipped[at] ^= 1 << ((at * 5) % 8);
    writeFileSync(flippedPath, flipped);
    const found = outcome(flippedPath, rows);
    if (found instanceof Error) errors++;
    else if (found !== undefined) expect([at, Bun.deepEquals(found, expected)]).toEqual([at, true]);
  }
  // All but those of the magic bytes, of the checksum's key, and of how many texts a dictionary has.
  expect(errors).toBeGreaterThan(at - 90);
}, 120_000);

test('bytes overwritten, cut out or put in give an error or the same rows', () => {
  const block = randomBlock({ seed: 5, rows: 300, distinct: 300, nulls: 0.2, entries: 2, repeats: 0.3 });
  const path = written([block]);
  const bytes = readFileSync(path);
  const rows = [0, 150, 299];
  const expected = outcome(path, rows);
  const damagedPath = join(folder, 'damaged.parquet');
  fc.assert(
    fc.property(share, fc.uint8Array({ maxLength: 40 }), fc.nat(40), (place, put, cut) => {
      const at = Math.floor(place * bytes.length);
      writeFileSync(damagedPath, Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at + cut)]));
      const found = outcome(damagedPath, rows);
      if (!(found instanceof Error) && found !== undefined)
        expect(Bun.deepEquals(found, expected)).toBe(true);
    }),
    { numRuns: 1500 },
  );
}, 120_000);
