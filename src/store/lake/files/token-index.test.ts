import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { SPANS } from '../../../span/schema.ts';
import type { AttributesVector, Block } from '../../../span/vector.ts';
import { spansArbitrary } from '../read/testing/arbitrary-spans.ts';
import { columnsOf } from '../read/testing/test-lake.ts';
import { encodeSpans } from '../write/encode.ts';
import { promote } from '../write/promote.ts';
import { withFile } from './checked-chunks.ts';
import { ParquetReader, compileParquetWasm, initParquet } from './parquet-reader.ts';
import { traceIndexFromFile } from './rebuild-trace-index.ts';
import { TokenIndexBuilder } from './token-builder.ts';
import { readTokenHeader, rowGroupMayHave } from './token-index.ts';
import { keyHashOf, presenceToken, valueToken } from './tokens.ts';
import type { Token } from './tokens.ts';

const folder = mkdtempSync(join(tmpdir(), 'spanlake-tokens-'));
beforeAll(async () => initParquet(await compileParquetWasm()));
afterAll(() => rmSync(folder, { recursive: true }));

function built(
  block: Block,
  rowGroupRows: number,
  promoted: Parameters<TokenIndexBuilder['rowGroup']>[1] = [],
) {
  const builder = new TokenIndexBuilder();
  for (let from = 0; from < block.rows; from += rowGroupRows) {
    builder.rowGroup(block, promoted, from, Math.min(block.rows, from + rowGroupRows));
  }
  return builder.finish();
}

test('the same filters from lists, from promoted columns, and from the Parquet file', async () => {
  const reader = new ParquetReader(SPANS);
  let run = 0;
  await fc.assert(
    fc.asyncProperty(spansArbitrary, fc.constantFrom(3, 7, 1000), async (spans, rowGroupRows) => {
      const block = columnsOf(spans).block();
      const rows = Uint32Array.from({ length: block.rows }, (_, row) => row);
      const { block: split, columns } = promote(block, SPANS, rows);
      expect(built(split, rowGroupRows, columns)).toEqual(built(block, rowGroupRows));
      for (const file of encodeSpans([block], rowGroupRows)) {
        const path = join(folder, `${run++}.parquet`);
        writeFileSync(path, file.parquet);
        const builder = new TokenIndexBuilder();
        for (const group of file.statistics.rowGroups.keys()) {
          await reader.withBlock(path, group, undefined, (each) =>
            builder.rowGroup(each, file.statistics.promoted),
          );
        }
        expect(builder.finish()).toEqual(file.tokenIndex);
        expect(await traceIndexFromFile(reader, path)).toEqual(file.traceIndex);
      }
    }),
    { numRuns: 40 },
  );
});

/** A block of spans of which nothing but these attributes is given: one pair list a row. */
function blockOf(rows: readonly (readonly (readonly [key: string, type: number, value: string])[])[]): Block {
  const texts = [...new Set(rows.flat().flatMap(([key, , value]) => [key, value]))];
  const codes = new Map(texts.map((text, code) => [text, code]));
  const encoded = texts.map((text) => new TextEncoder().encode(text));
  const offsets = new Uint32Array(texts.length + 1);
  encoded.forEach((bytes, i) => (offsets[i + 1] = offsets[i] + bytes.length));
  const dictionary = { count: texts.length, offsets, bytes: new Uint8Array(Buffer.concat(encoded)) };
  const pairs = rows.flat();
  const vector = (lists: readonly { length: number }[]): AttributesVector => {
    const ends = new Uint32Array(lists.length + 1);
    lists.forEach((list, i) => (ends[i + 1] = ends[i] + list.length));
    return {
      kind: 'attributes',
      offsets: ends,
      keys: Uint32Array.from(pairs, ([key]) => codes.get(key)!),
      keyDictionary: dictionary,
      types: Uint8Array.from(pairs, ([, type]) => type),
      values: Uint32Array.from(pairs, ([, , value]) => codes.get(value)!),
      valueDictionary: dictionary,
    };
  };
  const none = rows.map(() => []);
  const children = {
    kind: 'list',
    offsets: new Uint32Array(rows.length + 1),
    children: { attributes: vector([]) },
  };
  return {
    rows: rows.length,
    columns: new Map([
      ['span_attributes', vector(rows)],
      ['resource_attributes', vector(none)],
      ['scope_attributes', vector(none)],
      ['events', children],
      ['links', children],
    ] as [string, AttributesVector][]),
  };
}

function opened<T>(
  bytes: Uint8Array,
  use: (mayHave: (group: number, token: Token) => boolean) => T,
  rows: number[],
) {
  const path = join(folder, 'one.tokens');
  writeFileSync(path, bytes);
  return withFile(path, (file) => {
    const header = readTokenHeader(file, rows);
    return use((group, token) => rowGroupMayHave(file, header, group, token));
  });
}

const [STRING, INT, DOUBLE] = [0, 2, 3];

describe('a filter', () => {
  test('lets less than 2 % of absent values through', () => {
    const block = blockOf(Array.from({ length: 20_000 }, (_, i) => [['user', STRING, `u-${i}`]]));
    const key = keyHashOf('span', 'user');
    opened(
      built(block, 20_000),
      (mayHave) => {
        for (let i = 0; i < 20_000; i++) expect(mayHave(0, valueToken(key, `u-${i}`)!)).toBe(true);
        let passed = 0;
        for (let i = 0; i < 20_000; i++) if (mayHave(0, valueToken(key, `v-${i}`)!)) passed++;
        expect(passed / 20_000).toBeLessThan(0.02);
      },
      [20_000],
    );
  });

  test('tells scopes, keys and types apart, and numbers by their value alone', () => {
    const block = blockOf([
      [
        ['s', STRING, '5'],
        ['i', INT, '-9223372036854775808'],
        ['d', DOUBLE, '5'],
        ['h', DOUBLE, '0.5'],
        ['n', DOUBLE, 'NaN'],
      ],
    ]);
    opened(
      built(block, 1),
      (mayHave) => {
        const has = (
          key: string,
          value: Parameters<typeof valueToken>[1],
          scope: 'span' | 'event' = 'span',
        ) => {
          const token = valueToken(keyHashOf(scope, key), value);
          return token === undefined ? undefined : mayHave(0, token);
        };
        expect([has('s', '5'), has('s', 5n), has('s', '5', 'event'), has('t', '5')]).toEqual([
          true,
          false,
          false,
          false,
        ]);
        expect([has('i', -(1n << 63n)), has('i', -(2 ** 63)), has('i', 5n)]).toEqual([true, true, false]);
        expect([has('d', 5n), has('d', 5), has('d', '5'), has('d', 5.5)]).toEqual([true, true, false, false]);
        expect([has('h', 0.5), has('h', 0n), has('h', 1n)]).toEqual([true, false, false]);
        expect(has('n', Number.NaN)).toBeUndefined();
        const present = ['s', 'n', 'x'].map((key) => mayHave(0, presenceToken(keyHashOf('span', key))));
        expect(present).toEqual([true, true, false]);
      },
      [1],
    );
  });

  test('leaves out the values of the keys that have most, beyond 2 bytes a span', () => {
    const block = blockOf(
      Array.from({ length: 10_000 }, (_, i) => [
        ['a', STRING, `a-${i}`],
        ['b', STRING, `b-${i}`],
        ['c', STRING, `c-${i % 100}`],
      ]),
    );
    const bytes = built(block, 10_000);
    expect(bytes.length / 10_000).toBeLessThan(2);
    opened(
      bytes,
      (mayHave) => {
        const absent = (key: string) =>
          Array.from({ length: 100 }, (_, i) => mayHave(0, valueToken(keyHashOf('span', key), `none-${i}`)!));
        const dropped = ['a', 'b'].filter((key) => absent(key).every(Boolean));
        expect(dropped).toHaveLength(1);
        expect(absent('c').filter(Boolean).length).toBeLessThan(10);
        expect(mayHave(0, presenceToken(keyHashOf('span', dropped[0])))).toBe(true);
        expect(mayHave(0, valueToken(keyHashOf('span', 'c'), 'c-7')!)).toBe(true);
      },
      [10_000],
    );
  });
});

test('a file with any byte changed, or cut anywhere, is refused or says what the whole one says', () => {
  const block = blockOf(Array.from({ length: 40 }, (_, i) => [['user', STRING, `u-${i}`]]));
  const bytes = built(block, 20);
  const tokens = Array.from({ length: 40 }, (_, i) => valueToken(keyHashOf('span', 'user'), `u-${i}`)!);
  const ask = (file: Uint8Array) =>
    opened(file, (mayHave) => tokens.every((token, i) => mayHave(i < 20 ? 0 : 1, token)), [20, 20]);
  expect(ask(bytes)).toBe(true);
  let refused = 0;
  for (let at = 0; at < bytes.length; at++) {
    const broken = bytes.slice();
    broken[at] ^= 1 << (at % 8);
    for (const file of [broken, bytes.slice(0, at)]) {
      try {
        expect(ask(file)).toBe(true);
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        refused++;
      }
    }
  }
  expect(refused).toBe(bytes.length * 2);
  expect(() => opened(bytes, () => 0, [20, 21])).toThrow('a row group of 20 rows, not 21');
  expect(() => opened(bytes, () => 0, [40])).toThrow('2 row groups');
});
