import { describe, expect, test } from 'bun:test';
import { parseQuery } from '../../../traceql/parse.ts';
import type { FileEntry, RowGroupEntry } from '../files/file-entry.ts';
import { planScan, scanUnits } from './plan.ts';
import type { PruneReason } from './pruning.ts';
import { picksOfRanges } from './trace-rows.ts';

function group(minStart: bigint, maxStart: bigint, more: Partial<RowGroupEntry> = {}): RowGroupEntry {
  return {
    rows: 100,
    minStartUnixNano: minStart,
    maxStartUnixNano: maxStart,
    minDurationNano: 0n,
    maxDurationNano: 1000n,
    errorCount: 1,
    ...more,
  };
}

function file(path: string, rowGroups: readonly RowGroupEntry[], more: Partial<FileEntry> = {}): FileEntry {
  const of = <T>(pick: (group: RowGroupEntry) => T) => rowGroups.map(pick);
  const least = (values: bigint[]) => values.reduce((a, b) => (a < b ? a : b));
  const most = (values: bigint[]) => values.reduce((a, b) => (a > b ? a : b));
  return {
    path,
    projectId: 'default',
    day: '2026-01-01',
    rows: of((each) => each.rows).reduce((a, b) => a + b, 0),
    bytes: 1000,
    hash: '',
    traceIndexBytes: 0,
    traceIndexHash: '',
    tokenIndexBytes: 0,
    tokenIndexHash: '',
    level: 0,
    firstSequence: 0,
    lastSequence: 0,
    createdAtMs: 0,
    minStartUnixNano: least(of((each) => each.minStartUnixNano)),
    maxStartUnixNano: most(of((each) => each.maxStartUnixNano)),
    maxEndUnixNano: 0n,
    minDurationNano: least(of((each) => each.minDurationNano)),
    maxDurationNano: most(of((each) => each.maxDurationNano)),
    errorCount: of((each) => each.errorCount).reduce((a, b) => a + b, 0),
    services: [
      { name: 'shop', spanCount: 50, errorCount: 1, maxDurationNano: 1000n },
      { name: 'cart', spanCount: 50, errorCount: 0, maxDurationNano: 10n },
    ],
    operations: [
      { serviceName: 'shop', name: 'GET /', kind: 2, spanCount: 50 },
      { serviceName: 'cart', name: 'add', kind: 1, spanCount: 50 },
    ],
    attributeKeys: [
      { scope: 'span', key: 'http.route', spanCount: 10, types: 's' },
      { scope: 'resource', key: 'service.name', spanCount: 100, types: 's' },
    ],
    promoted: [],
    rowGroups,
    servicesWhole: true,
    operationsWhole: true,
    attributeKeysWhole: true,
    ...more,
  };
}

const DAY = { startUnixNano: 0n, endUnixNano: 1000n };

function plan(files: readonly FileEntry[], query: string, range = DAY) {
  return planScan(files, range, parseQuery(query).spanset.condition);
}

describe('files', () => {
  const one = file('one', [group(0n, 99n), group(100n, 199n)]);
  const cases: [query: string, expected: PruneReason | true][] = [
    ['{}', true],
    ['{ resource.service.name = "shop" }', true],
    ['{ resource.service.name = "none" }', 'services'],
    ['{ resource.service.name =~ "sh.*" }', true],
    ['{ resource.service.name =~ "x.*" }', 'services'],
    ['{ resource.service.name != "shop" }', true],
    ['{ .service.name = "none" }', true],
    ['{ resource.service.name = "cart" && duration > 10ns }', 'duration'],
    ['{ resource.service.name = "cart" && duration >= 10ns }', true],
    ['{ resource.service.name = "shop" && duration > 10ns }', true],
    ['{ duration > 1us }', 'duration'],
    ['{ duration >= 1us }', true],
    ['{ duration < 0ns }', 'duration'],
    ['{ name = "GET /" }', true],
    ['{ name = "POST /" }', 'operations'],
    ['{ kind = client }', 'operations'],
    ['{ kind != server }', true],
    ['{ status = error }', true],
    ['{ span.http.route = "/" }', true],
    ['{ span.http.method = "GET" }', 'keys'],
    ['{ resource.http.route = "/" }', 'keys'],
    ['{ .http.route = "/" }', true],
    ['{ .http.method != nil }', 'keys'],
    ['{ .http.method = nil }', true],
    ['{ event.x = 1 }', 'keys'],
    ['{ !(span.http.method = "GET") }', true],
    ['{ span.http.method = "GET" || name = "add" }', true],
    ['{ span.http.method = "GET" || name = "none" }', 'keys'],
    ['{ (name = "none" || kind = client) && status = error }', 'operations'],
    ['{ parent.span.http.method = "GET" }', true],
    ['{ span.http.route = span.nowhere }', true],
  ];
  for (const [query, expected] of cases) {
    test(`${query}: ${expected === true ? 'scanned' : `pruned by ${expected}`}`, () => {
      const made = plan([one], query);
      const wanted: typeof made =
        expected === true
          ? { scan: [{ file: one, rowGroups: [0, 1] }], pruned: [], prunedRowGroups: 0, prunedBytes: 0 }
          : { scan: [], pruned: [{ path: 'one', reason: expected }], prunedRowGroups: 2, prunedBytes: 1000 };
      expect(made).toEqual(wanted);
    });
  }

  test('lists that were cut prove nothing', () => {
    const cut = { ...one, servicesWhole: false, operationsWhole: false, attributeKeysWhole: false };
    for (const query of ['{ resource.service.name = "none" }', '{ name = "none" }', '{ span.none = 1 }']) {
      expect(plan([cut], query).scan).toHaveLength(1);
    }
  });

  test('a nameless service may have a service.name that is no string', () => {
    const nameless = { ...one, services: [{ ...one.services[0], name: '' }] };
    expect(plan([nameless], '{ resource.service.name = "none" }').scan).toHaveLength(1);
  });

  test('without errors, status = error is pruned, and != error where all are errors', () => {
    expect(plan([file('f', [group(0n, 1n, { errorCount: 0 })])], '{ status = error }').pruned).toEqual([
      { path: 'f', reason: 'status' },
    ]);
    expect(plan([file('f', [group(0n, 1n, { errorCount: 100 })])], '{ status != error }').pruned).toEqual([
      { path: 'f', reason: 'status' },
    ]);
  });
});

describe('row groups', () => {
  const one = file('one', [
    group(0n, 99n, { maxDurationNano: 5n }),
    group(100n, 199n, { errorCount: 0 }),
    group(150n, 299n),
  ]);
  const groupsOf = (query: string, range = DAY) => plan([one], query, range).scan[0]?.rowGroups ?? [];

  test('by time, duration and status', () => {
    expect(groupsOf('{}', { startUnixNano: 100n, endUnixNano: 150n })).toEqual([1]);
    expect(groupsOf('{}', { startUnixNano: 99n, endUnixNano: 151n })).toEqual([0, 1, 2]);
    expect(groupsOf('{ duration > 5ns }')).toEqual([1, 2]);
    expect(groupsOf('{ status = error }')).toEqual([0, 2]);
    expect(groupsOf('{ status = error && duration > 5ns }')).toEqual([2]);
  });

  test('time prunes a file outside of the range and says so', () => {
    expect(plan([one], '{}', { startUnixNano: 300n, endUnixNano: 400n }).pruned).toEqual([
      { path: 'one', reason: 'time' },
    ]);
  });

  test('a file none of whose row groups is left is pruned', () => {
    const gap = file('gap', [group(0n, 9n), group(90n, 99n)]);
    expect(plan([gap], '{}', { startUnixNano: 20n, endUnixNano: 80n })).toEqual({
      scan: [],
      pruned: [{ path: 'gap', reason: 'row groups' }],
      prunedRowGroups: 2,
      prunedBytes: 1000,
    });
  });
});

test('units come best first for each order', () => {
  const old = file('old', [group(0n, 99n, { maxDurationNano: 9000n }), group(100n, 199n)]);
  const fresh = file('fresh', [group(200n, 299n)]);
  const { scan } = plan([old, fresh], '{}');
  const order = (by: 'newest' | 'oldest' | 'slowest') =>
    scanUnits(scan, by).map((unit) => `${unit.file.path} ${unit.rowGroups.map(({ index }) => index).join()}`);
  expect(order('newest')).toEqual(['fresh 0', 'old 1,0']);
  expect(order('oldest')).toEqual(['old 0,1', 'fresh 0']);
  expect(order('slowest')).toEqual(['old 0,1', 'fresh 0']);
});

test('a large file makes several units', () => {
  const large = file(
    'large',
    Array.from({ length: 10 }, (_, i) => group(BigInt(i), BigInt(i), { rows: 100_000 })),
  );
  const units = scanUnits(plan([large], '{}').scan, 'oldest');
  expect(units.map((unit) => unit.rowGroups.map(({ index }) => index))).toEqual([
    [0, 1],
    [2, 3],
    [4, 5],
    [6, 7],
    [8, 9],
  ]);
});

test('ranges of rows become rows of row groups', () => {
  const one = file('one', [group(0n, 1n), group(1n, 2n), group(2n, 3n)]);
  const picks = picksOfRanges(one, [
    { firstRow: 250, rowCount: 2 },
    { firstRow: 98, rowCount: 4 },
    { firstRow: 98, rowCount: 4 },
  ]);
  expect(picks).toEqual([
    { rowGroup: 0, rows: Uint32Array.of(98, 99) },
    { rowGroup: 1, rows: Uint32Array.of(0, 1) },
    { rowGroup: 2, rows: Uint32Array.of(50, 51) },
  ]);
});
