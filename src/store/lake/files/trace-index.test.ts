import { afterAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { withFile } from './checked-chunks.ts';
import { orderOfKeys } from './radix-order.ts';
import { buildTraceIndex, findTrace, openTraceIndex, traceIndexOf, traceKeyWords } from './trace-index.ts';
import type { RowRange } from './trace-index.ts';
import { TraceLookup, mayHaveTrace, readTraceFilter, readTraceHeader } from './trace-lookup.ts';

const folder = mkdtempSync(join(tmpdir(), 'spanlake-traces-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** 16 bytes an id, the given low halves; every third has an upper half. */
function idsOf(keys: readonly bigint[]): Uint8Array {
  const ids = new Uint8Array(keys.length * 16);
  const view = new DataView(ids.buffer);
  keys.forEach((key, i) => {
    if (i % 3 === 0) view.setUint32(i * 16, i + 1);
    view.setBigUint64(i * 16 + 8, key);
  });
  return ids;
}

/** Asks the file as a look-up does. Undefined: the filter knows that it is not there. */
function lookUp(bytes: Uint8Array, keys: readonly bigint[]): (RowRange[] | undefined)[] {
  const path = join(folder, 'one.traces');
  writeFileSync(path, bytes);
  return withFile(path, (file) => {
    const header = readTraceHeader(file);
    if (header === undefined) throw new RangeError('format 1');
    const filter = readTraceFilter(file, header);
    const lookup = new TraceLookup(file, header);
    return keys.map((key) => {
      const { high, low } = traceKeyWords(idsOf([key]), 0);
      return mayHaveTrace(filter, high, low) ? lookup.find(high, low) : undefined;
    });
  });
}

const key = fc.oneof(
  fc.bigInt({ min: 0n, max: 2000n }),
  fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
  fc.constantFrom(0n, (1n << 64n) - 1n, 1n << 32n),
);

test('every run is found, by the file and by the whole index in memory; others are not', () => {
  fc.assert(
    fc.property(
      fc.array(key, { maxLength: 3000, size: 'max' }),
      fc.array(key, { maxLength: 20 }),
      (keys, others) => {
        const count = keys.length;
        const firstRow = Uint32Array.from({ length: count }, (_, i) => i * 3);
        const rowCount = new Uint32Array(count).fill(3);
        const bytes = traceIndexOf({ ids: idsOf(keys), firstRow, rowCount, count });
        const wanted = new Map<bigint, RowRange[]>();
        keys.forEach((each, i) => {
          wanted.set(each, [...(wanted.get(each) ?? []), { firstRow: i * 3, rowCount: 3 }]);
        });
        const asked = [...new Set([...keys, ...others])];
        const expected = asked.map((each) => wanted.get(each) ?? []);
        expect(lookUp(bytes, asked).map((found) => found ?? [])).toEqual(expected);
        const index = openTraceIndex(bytes);
        const inMemory = asked.map((each) => {
          const { high, low } = traceKeyWords(idsOf([each]), 0);
          return findTrace(index, high, low);
        });
        expect(inMemory).toEqual(expected);
      },
    ),
    { numRuns: 60 },
  );
});

test('a run of one key may fill several chunks', () => {
  const keys = Array.from({ length: 1500 }, (_, i) => (i < 200 ? 1n : i < 1300 ? 2n : 3n));
  const count = keys.length;
  const firstRow = Uint32Array.from(keys.keys());
  const ids = idsOf(keys);
  const bytes = traceIndexOf({ ids, firstRow, rowCount: new Uint32Array(count).fill(1), count });
  expect(lookUp(bytes, [1n, 2n, 3n]).map((found) => found?.length)).toEqual([200, 1100, 200]);
});

test('from the ids of rows: neighbours that agree are one run', () => {
  const ids = idsOf([7n, 7n, 9n, 7n].map((each) => each));
  ids.copyWithin(16, 0, 16);
  const found = lookUp(buildTraceIndex(ids), [7n, 9n, 8n]);
  expect(found[0]).toEqual([
    { firstRow: 0, rowCount: 2 },
    { firstRow: 3, rowCount: 1 },
  ]);
  expect(found[1]).toEqual([{ firstRow: 2, rowCount: 1 }]);
  expect(found[2] ?? []).toEqual([]);
});

test('less than 3 % of absent traces pass the filter, also where ids are numbers in a row', () => {
  const random = (i: number) => Bun.hash.xxHash64(String(i));
  for (const keyOf of [BigInt, random]) {
    const keys = Array.from({ length: 20_000 }, (_, i) => keyOf(i));
    const firstRow = Uint32Array.from(keys.keys());
    const bytes = traceIndexOf({
      ids: idsOf(keys),
      firstRow,
      rowCount: firstRow.map(() => 1),
      count: 20_000,
    });
    const absent = Array.from({ length: 20_000 }, (_, i) => keyOf(i + 1_000_000));
    const passed = lookUp(bytes, absent).filter((found) => found !== undefined);
    expect(passed.length / absent.length).toBeLessThan(0.03);
  }
});

test('a file with any byte changed, or cut anywhere, is refused', () => {
  const keys = Array.from({ length: 40 }, (_, i) => BigInt(i * i));
  const firstRow = Uint32Array.from(keys.keys());
  const ids = idsOf(keys);
  const bytes = traceIndexOf({ ids, firstRow, rowCount: firstRow.map(() => 1), count: keys.length });
  expect(lookUp(bytes, [4n])).toEqual([[{ firstRow: 2, rowCount: 1 }]]);
  for (let at = 0; at < bytes.length; at++) {
    const broken = bytes.slice();
    broken[at] ^= 1 << (at % 8);
    for (const file of [broken, bytes.slice(0, at)]) {
      expect(() => lookUp(file, keys)).toThrow(RangeError);
      expect(() => openTraceIndex(file)).toThrow(RangeError);
    }
  }
});

test('an index of format 1 is opened whole', () => {
  const body = Uint32Array.of(0, 5, 1, 2, 10, 0, 3, 4);
  const bytes = new Uint8Array(16 + body.byteLength);
  bytes.set(new TextEncoder().encode('SLTRACE1'));
  bytes.set(new Uint8Array(body.buffer), 16);
  const words = new Uint32Array(bytes.buffer);
  words[2] = 2;
  words[3] = crc32(bytes.subarray(16));
  const index = openTraceIndex(bytes);
  expect(findTrace(index, 5, 2)).toEqual([{ firstRow: 0, rowCount: 4 }]);
  expect(findTrace(index, 0, 1)).toEqual([{ firstRow: 10, rowCount: 3 }]);
  expect(findTrace(index, 0, 2)).toEqual([]);
  bytes[20] ^= 1;
  expect(() => openTraceIndex(bytes)).toThrow('wrong checksum');
});

test('keys are ordered as numbers, equal ones as they came', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 6000 }), fc.integer(), fc.boolean(), (count, seed, few) => {
      const word = (i: number) => Number(Bun.hash.xxHash64(`${seed} ${i}`) & (few ? 3n : 0xffffffffn));
      const high = Uint32Array.from({ length: count }, (_, i) => word(i));
      const low = Uint32Array.from({ length: count }, (_, i) => word(i + count));
      const expected = [...high.keys()].sort((a, b) => high[a] - high[b] || low[a] - low[b] || a - b);
      expect([...orderOfKeys(high, low)]).toEqual(expected);
    }),
    { numRuns: 30 },
  );
});
