import { describe, expect, test } from 'bun:test';
import { parseQuery } from '../../../../traceql/parse.ts';
import type { FileEntry, RowGroupEntry } from '../../files/file-entry.ts';
import { FileIndexes, commonRuns } from './file-index.ts';
import { drain, planScan, planSteps } from './plan.ts';
import type { Plan } from './plan.ts';
import { PRUNE_REASONS } from './pruning.ts';
import type { PruneReason } from './pruning.ts';
import { rankOf } from '../scan/row-key.ts';
import { UnitQueue } from './scan-units.ts';
import type { ScanUnit } from './scan-units.ts';
import { picksOfRanges } from '../search/trace-rows.ts';
import { expectCondition } from '../../../../traceql/query.ts';

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
  return planScan(files, range, expectCondition(parseQuery(query)));
}

/** All of a plan but the condition that it is of. */
function told(files: readonly FileEntry[], query: string, range = DAY): Omit<Plan, 'condition'> {
  const { condition: _, ...rest } = plan(files, query, range);
  return rest;
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
      expect(told([one], query)).toEqual({
        scan: expected === true ? [{ file: one, rowGroups: [0, 1] }] : [],
        pruned: expected === true ? {} : { [expected]: 1 },
        prunedInFiles: [],
        prunedRowGroups: expected === true ? 0 : 2,
        prunedBytes: expected === true ? 0 : 1000,
        verdicts: Uint8Array.of(expected === true ? 0 : 1 + PRUNE_REASONS.indexOf(expected)),
      });
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
    const [none, all] = [0, 100].map((errorCount) => [file('f', [group(0n, 1n, { errorCount })])]);
    expect(plan(none, '{ status = error }').pruned).toEqual({ status: 1 });
    expect(plan(all, '{ status != error }').pruned).toEqual({ status: 1 });
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
    expect(plan([one], '{}', { startUnixNano: 300n, endUnixNano: 400n }).pruned).toEqual({ time: 1 });
  });

  test('a file none of whose row groups is left is pruned', () => {
    const gap = file('gap', [group(0n, 9n), group(90n, 99n)]);
    expect(told([gap], '{}', { startUnixNano: 20n, endUnixNano: 80n })).toEqual({
      scan: [],
      pruned: { 'row groups': 1 },
      prunedInFiles: [],
      prunedRowGroups: 2,
      prunedBytes: 1000,
      verdicts: Uint8Array.of(1 + PRUNE_REASONS.indexOf('row groups')),
    });
  });

  test('what is left out of a file that is read is told with its reason', () => {
    const range = { startUnixNano: 150n, endUnixNano: 1000n };
    expect(told([one], '{ status = error }', range)).toEqual({
      scan: [{ file: one, rowGroups: [2] }],
      pruned: {},
      prunedInFiles: [
        { file: one, index: 1, reason: 'status' },
        { file: one, index: 0, reason: 'time' },
      ],
      prunedRowGroups: 2,
      prunedBytes: 667,
      verdicts: Uint8Array.of(0),
    });
  });

  test('beyond what doubles can tell apart', () => {
    const start = 1_769_860_800_123_456_789n;
    const exact = file('exact', [group(start, start + 1n)]);
    const isRead = (from: bigint, to: bigint) =>
      plan([exact], '{}', { startUnixNano: from, endUnixNano: to }).scan.length === 1;
    expect(isRead(start + 2n, start + 9n)).toBe(false);
    expect(isRead(start + 1n, start + 9n)).toBe(true);
    expect(isRead(start - 9n, start)).toBe(false);
    expect(isRead(start - 9n, start + 1n)).toBe(true);
  });
});

describe('an index of many files', () => {
  const many = Array.from({ length: 40 }, (_, i) =>
    file(`f${i}`, [
      group(BigInt(i * 10), BigInt(i * 10 + 15), { errorCount: i % 3, maxDurationNano: BigInt(i) }),
      group(BigInt(i * 10 + 3), BigInt(i * 10 + 20), { errorCount: i % 2 }),
    ]),
  );
  const queries = ['{}', '{ status = error }', '{ duration > 20ns }', '{ name = "none" }', '{ event.x = 1 }'];
  const ranges = [DAY, { startUnixNano: 95n, endUnixNano: 200n }];

  test('plans the same with what it remembers, after files came and went', () => {
    const indexes = new FileIndexes();
    const versions = [
      many.slice(0, 30),
      [...many.slice(0, 5), ...many.slice(9, 30), many[35]],
      many.slice(3),
    ];
    for (const files of [...versions, ...versions]) {
      const index = drain(indexes.of('project', files));
      for (const range of ranges) {
        for (const query of queries) {
          const condition = expectCondition(parseQuery(query));
          for (let time = 0; time < 2; time++) {
            const made = drain(planSteps(index, range, condition));
            expect(made).toEqual(planScan(files, range, condition));
          }
        }
      }
    }
  });

  test('an index of the same files is not made again', () => {
    const indexes = new FileIndexes();
    expect(drain(indexes.of('project', many))).toBe(drain(indexes.of('project', many)));
  });

  test('finds what two lists of files have in common', () => {
    const [a, b, c, d, e] = many;
    expect(commonRuns([a, b, c, d], [a, b, e])).toEqual([{ before: 0, now: 0, count: 2 }]);
    expect(commonRuns([a, b, c, d], [a, c, d, e])).toEqual([
      { before: 0, now: 0, count: 1 },
      { before: 2, now: 1, count: 2 },
    ]);
    expect(commonRuns([a, b, c], [a, e, c])).toEqual([
      { before: 0, now: 0, count: 1 },
      { before: 2, now: 2, count: 1 },
    ]);
    expect(commonRuns([], [a])).toEqual([]);
  });
});

function unitsOf(queue: UnitQueue): string[] {
  const taken: ScanUnit[] = [];
  for (let unit = queue.take(); unit; unit = queue.take()) taken.push(unit);
  return taken.map((unit) => `${unit.file.path} ${unit.rowGroups.map(({ index }) => index).join()}`);
}

describe('units', () => {
  const old = file('old', [group(0n, 99n, { maxDurationNano: 9000n }), group(100n, 199n)]);
  const fresh = file('fresh', [group(200n, 299n)]);
  const { scan } = plan([old, fresh], '{}');

  test('come best first for each order', () => {
    const order = (by: 'newest' | 'oldest' | 'slowest') => unitsOf(new UnitQueue(scan, by));
    expect(order('newest')).toEqual(['fresh 0', 'old 1,0']);
    expect(order('oldest')).toEqual(['old 0,1', 'fresh 0']);
    expect(order('slowest')).toEqual(['old 0,1', 'fresh 0']);
  });

  test('tell how many row groups are left', () => {
    const queue = new UnitQueue(scan, 'newest');
    expect([queue.rowGroupsLeft, queue.take()?.best, queue.rowGroupsLeft]).toEqual([
      3,
      rankOf('newest', 299n),
      2,
    ]);
  });

  test('leave out what all ranks before the page', () => {
    expect(unitsOf(new UnitQueue(scan, 'newest', rankOf('newest', 150n)))).toEqual(['old 1,0']);
    expect(unitsOf(new UnitQueue(scan, 'oldest', rankOf('oldest', 150n)))).toEqual(['old 1', 'fresh 0']);
    const quick = file('quick', [group(0n, 1n, { minDurationNano: 2000n, maxDurationNano: 3000n })]);
    const slowest = new UnitQueue(plan([old, quick], '{}').scan, 'slowest', rankOf('slowest', 1999n));
    expect(unitsOf(slowest)).toEqual(['old 0,1']);
  });

  test('of many files come in the order of all their row groups, however they overlap', () => {
    const files = Array.from({ length: 200 }, (_, i) => {
      const at = BigInt((i * 7919) % 1000) * 1_000_003n;
      return file(`f${i}`, [group(at, at + BigInt(i * 1_000_000), { rows: 300_000 })]);
    });
    const queue = new UnitQueue(
      plan(files, '{}', { startUnixNano: 0n, endUnixNano: 1n << 62n }).scan,
      'newest',
    );
    const starts: bigint[] = [];
    for (let unit = queue.take(); unit; unit = queue.take()) starts.push(unit.file.maxStartUnixNano);
    expect(starts).toEqual(files.map((each) => each.maxStartUnixNano).sort((a, b) => (a < b ? 1 : -1)));
  });

  test('a large file makes several', () => {
    const large = file(
      'large',
      Array.from({ length: 10 }, (_, i) => group(BigInt(i), BigInt(i), { rows: 100_000 })),
    );
    const units = unitsOf(new UnitQueue(plan([large], '{}').scan, 'oldest'));
    expect(units).toEqual(['large 0,1', 'large 2,3', 'large 4,5', 'large 6,7', 'large 8,9']);
  });
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
