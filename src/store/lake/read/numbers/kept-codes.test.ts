import { describe, expect, test } from 'bun:test';
import { intrinsic } from '../../../../traceql/build.ts';
import { BlockSource } from '../scan/column-source.ts';
import { KeptCounts } from './comparison-kept.ts';
import { FieldCodes } from './group-codes.ts';
import { NO_CODE } from './group-codes-pairs.ts';
import { gather, listRows } from './kept-codes.ts';
import type { KeptField } from './kept-codes.ts';

describe('listed rows', () => {
  test('are the selected ones, the first and the last of a page too', () => {
    const list = new Uint32Array(4);
    expect(listRows(Uint8Array.of(1, 0, 1, 0, 0, 1), 2, 6, list)).toBe(2);
    expect([...list.subarray(0, 2)]).toEqual([2, 5]);
    expect(listRows(new Uint8Array(4).fill(1), 0, 4, list)).toBe(4);
    expect([...list]).toEqual([0, 1, 2, 3]);
  });

  test('have their codes from arrays of any width', () => {
    for (const codes of [Uint8Array.of(7, 8, 9), Uint16Array.of(7, 8, 9), Uint32Array.of(7, 8, 9)]) {
      const out = new Uint32Array(2);
      gather(codes, Uint32Array.of(2, 0), 2, out);
      expect([...out]).toEqual([9, 7]);
    }
  });
});

test('of more values than are told apart the frequent are looked up, the others count together', () => {
  const distinct = 3000;
  // Value 0 in 100 rows, all others in one.
  const codes = new Uint32Array(distinct + 99);
  for (let code = 0; code < distinct; code++) codes[99 + code] = code;
  let made = 0;
  const field: KeptField = {
    column: 'name',
    coded: {
      codes,
      dictionary: { kind: 'plain', count: distinct, width: 4, bytes: new Uint8Array(0) },
      missing: distinct,
      hasMissing: false,
    },
    staticsOf: (code) => {
      made++;
      return [{ type: 'string', value: String(code) }];
    },
  };
  const counted = new Map<number, number>();
  const into = {
    codes: new FieldCodes(intrinsic('span:name'), 2000, 'opaque'),
    add: (code: number, side: number, _bucket: number, count: number) =>
      void counted.set(
        code === NO_CODE ? -1 - side : code,
        (counted.get(code === NO_CODE ? -1 - side : code) ?? 0) + count,
      ),
  };
  const list = Uint32Array.from(codes.keys());
  const rows = {
    list,
    count: list.length,
    sides: new Uint8Array(list.length).fill(1),
    buckets: new Uint32Array(list.length),
  };
  const kept = new KeptCounts(field, false);
  kept.add(new BlockSource({ rows: list.length, columns: new Map() }), rows, 0, list.length, into);
  kept.flush(into);
  expect(made).toBe(1);
  expect(Object.fromEntries(counted)).toEqual({ 1: 100, [-2]: distinct - 1 });
});
