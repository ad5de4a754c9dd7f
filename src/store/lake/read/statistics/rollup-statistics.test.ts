import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import type { Span } from '../../../../span/span.ts';
import { Rollup } from '../../files/rollup.ts';
import { blockOf } from '../../testing/rollup-blocks.ts';
import { RollupBuilder } from '../../write/rollup-builder.ts';
import { Rollups } from './rollup-cache.ts';
import { planRollup, stepsInside } from './rollup-plan.ts';
import { spansArbitrary } from '../testing/arbitrary-spans.ts';
import { TestLake } from '../testing/test-lake.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'spanlake-rollups-'));
const lake = new TestLake(dataDir);
const without = new TestLake(dataDir);
const MINUTE = 60_000_000_000n;
/** A whole minute, and no whole hour. */
const FIRST = 28_333_333n * MINUTE;
const PER_FILE = 1500;
const FILES = 2;
const [shape] = fc.sample(
  spansArbitrary.filter(({ length }) => length > 0),
  { seed: 1, numRuns: 1 },
)[0];

/** Two operations over five minutes a file: each worth a cell a minute. */
const spans: readonly Span[] = Array.from({ length: PER_FILE * FILES + 200 }, (_, i) => ({
  ...shape,
  traceId: (i + 1).toString(16).padStart(32, '0'),
  spanId: (i + 1).toString(16).padStart(16, '0'),
  parentSpanId: '',
  name: `operation ${i % 2}`,
  kind: 2,
  serviceName: 'shop',
  resource: {
    attributes: [{ key: 'service.name', value: { type: 'string', value: 'shop' } }],
    droppedAttributesCount: 0,
    schemaUrl: '',
  },
  attributes: [],
  events: [],
  links: [],
  statusCode: i % 7 === 0 ? 2 : 0,
  startTimeUnixNano: FIRST + (BigInt(i) * 5n * MINUTE) / BigInt(PER_FILE),
  durationNano: BigInt((i * 7919) % 100_000) - 3n,
}));

beforeAll(async () => {
  for (let file = 0; file < FILES; file++) {
    lake.append(spans.slice(file * PER_FILE, (file + 1) * PER_FILE));
    await lake.flush(100);
  }
  lake.append(spans.slice(PER_FILE * FILES));
  without.buffers = lake.buffers;
  without.files = lake.files;
});
afterAll(() => {
  lake.reader.close();
  without.reader.close();
  rmSync(dataDir, { recursive: true });
});

const LAST = FIRST + 11n * MINUTE;
const time = fc.oneof(
  fc.bigInt(FIRST - MINUTE, LAST),
  fc.bigInt(-1n, 12n).map((minutes) => FIRST + minutes * MINUTE),
);
const range = fc.tuple(time, time).map(([a, b]) => ({
  startUnixNano: a < b ? a : b,
  endUnixNano: (a < b ? b : a) + 1n,
}));

describe('statistics with rollups', () => {
  test('are those of a scan for any range', async () => {
    let spared = 0;
    await fc.assert(
      fc.asyncProperty(range, async (asked) => {
        const found = await lake.reader.serviceStats('test', { range: asked });
        const scanned = await without.reader.serviceStats('test', { range: asked });
        expect(found.complete).toBe(true);
        expect(found.stats).toEqual(scanned.stats);
        const operations = await lake.reader.operationStats('test', 'shop', { range: asked });
        expect(operations.stats).toEqual(
          (await without.reader.operationStats('test', 'shop', { range: asked })).stats,
        );
        const inRange = spans.filter(
          ({ startTimeUnixNano: start }) => start >= asked.startUnixNano && start < asked.endUnixNano,
        );
        expect(operations.stats.reduce((sum, { count }) => sum + count, 0)).toBe(inRange.length);
        if (found.scanned.rows < scanned.scanned.rows) spared++;
      }),
      { numRuns: 40 },
    );
    expect(spared).toBeGreaterThan(10);
  });

  test('read no row of files that lie wholly in the range', async () => {
    const asked = { startUnixNano: 0n, endUnixNano: 1n << 64n };
    const { scanned, stats } = await lake.reader.operationStats('test', 'shop', { range: asked });
    expect(scanned).toMatchObject({ rowGroups: 0, files: 0, rows: 200 });
    expect(stats.map(({ count }) => count)).toEqual([1600, 1600]);
    expect(await lake.reader.operationStats('test', 'cart', { range: asked })).toMatchObject({ stats: [] });
  });
});

describe('rollups in memory', () => {
  test('are read once, and a damaged one is told once and not used', () => {
    const [a, b] = lake.files;
    const damaged = (lake.rollups.get(a.path) ?? new Uint8Array(0)).slice();
    damaged[damaged.length - 1] ^= 1;
    const asked: (readonly string[])[] = [];
    const told: string[] = [];
    const source = {
      read(paths: readonly string[]) {
        asked.push(paths);
        return new Map([
          [a.path, damaged],
          [b.path, lake.rollups.get(b.path) ?? new Uint8Array(0)],
        ]);
      },
    };
    const rollups = new Rollups({ source, report: (message) => told.push(message) });
    for (let i = 0; i < 2; i++) expect([...rollups.of([a, b]).keys()]).toEqual([b]);
    expect(asked).toEqual([[a.path, b.path]]);
    expect(told).toEqual([
      `the rollup of ${a.path} is not used, statistics scan the file: rollup: wrong checksum`,
    ]);
  });

  test('one of another file is not used', () => {
    const [file] = lake.files;
    const told: string[] = [];
    const rollups = new Rollups({
      source: { read: () => lake.rollups },
      report: (message) => told.push(message),
    });
    expect(rollups.of([{ ...file, rows: file.rows + 1 }]).size).toBe(0);
    expect(told[0]).toEndWith(`of ${file.rows} rows, the file has ${file.rows + 1}`);
  });

  test('stay within their bound', () => {
    const builder = new RollupBuilder();
    const row = { service: 's', kind: 1, start: FIRST, duration: 5n, error: false };
    builder.rowGroup(blockOf(Array.from({ length: 5000 }, (_, i) => ({ ...row, name: `name ${i}` }))));
    const data = builder.finish();
    const file = { ...lake.files[0], rows: 5000 };
    const rollups = new Rollups({
      source: { read: (paths) => new Map(paths.map((path) => [path, data])) },
      report() {},
    });
    const { bytesInMemory } = new Rollup(data);
    const limit = 24 * 1024 * 1024;
    for (let i = 0; i * bytesInMemory < limit * 1.5; i++) {
      rollups.of([{ ...file, path: `${i}` }]);
      expect(rollups.bytes).toBeLessThanOrEqual(limit);
    }
    expect(rollups.bytes).toBeGreaterThan(limit / 2);
  });
});

describe('what a rollup answers', () => {
  test('whole steps of a range', () => {
    const steps = (from: bigint, to: bigint) => stepsInside({ startUnixNano: from, endUnixNano: to }, 10n);
    expect(steps(0n, 9n)).toBeUndefined();
    expect(steps(1n, 19n)).toBeUndefined();
    expect(steps(0n, 10n)).toEqual({ startUnixNano: 0n, endUnixNano: 10n });
    expect(steps(1n, 39n)).toEqual({ startUnixNano: 10n, endUnixNano: 30n });
    expect(stepsInside({ startUnixNano: 0n, endUnixNano: 10n }, 0n)).toBeUndefined();
  });

  test('nothing where most rows would be scanned all the same', () => {
    const [file] = lake.files;
    const groups = [...file.rowGroups.keys()];
    const plan = (from: bigint, to: bigint) => {
      const asked = { startUnixNano: FIRST + from, endUnixNano: FIRST + to };
      return planRollup(file, groups, asked, { stepNano: MINUTE });
    };
    expect(plan(0n, 5n * MINUTE)).toEqual({ kind: 'totals' });
    expect(plan(1n, 2n * MINUTE - 1n)).toEqual({ kind: 'scan' });
    expect(plan(MINUTE, 5n * MINUTE)).toMatchObject({
      kind: 'steps',
      steps: { startUnixNano: FIRST + MINUTE, endUnixNano: FIRST + 5n * MINUTE },
      scans: [],
    });
    expect(plan(MINUTE - 1_000_000_000n, 5n * MINUTE)).toMatchObject({
      kind: 'steps',
      scans: [{ rowGroups: [2], range: { endUnixNano: FIRST + MINUTE } }],
    });
  });
});
