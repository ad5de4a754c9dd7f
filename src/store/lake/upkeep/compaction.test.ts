import { describe, expect, test } from 'bun:test';
import * as fc from 'fast-check';
import type { FileEntry } from '../files/file-entry.ts';
import { DEFAULT_COMPACTION, planCompaction } from './compaction.ts';
import type { Group, PlanOptions } from './compaction.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const NOON = Date.parse('2026-03-10T12:00:00Z');
const FLUSHED = 131_072;
const MAX_ROWS = 4_194_304;

let sequence = 1;

/** A file of 40 bytes a row; `startMs`: of its first span, of a second's worth. */
function file(rows: number, more: Partial<FileEntry> & { readonly startMs?: number } = {}): FileEntry {
  const { startMs = NOON - HOUR_MS, ...fields } = more;
  const own = sequence++;
  return {
    path: `lake/project=default/date=2026-03-10/${own}.parquet`,
    projectId: 'default',
    day: new Date(startMs).toISOString().slice(0, 10),
    rows,
    bytes: rows * 40,
    hash: '',
    traceIndexBytes: 0,
    traceIndexHash: '',
    tokenIndexBytes: 0,
    tokenIndexHash: '',
    level: 0,
    firstSequence: own,
    lastSequence: own,
    createdAtMs: startMs,
    minStartUnixNano: BigInt(startMs) * 1_000_000n,
    maxStartUnixNano: BigInt(startMs + 1_000) * 1_000_000n,
    maxEndUnixNano: BigInt(startMs + 1_000) * 1_000_000n,
    minDurationNano: 0n,
    maxDurationNano: 0n,
    errorCount: 0,
    services: [],
    servicesWhole: true,
    operations: [],
    operationsWhole: true,
    attributeKeys: [],
    attributeKeysWhole: true,
    promoted: [],
    rowGroups: [],
    ...fields,
  };
}

function times<T>(count: number, make: (i: number) => T): T[] {
  return Array.from({ length: count }, (_, i) => make(i));
}

function plan(files: readonly FileEntry[], options: Partial<PlanOptions> = {}) {
  return planCompaction(files, { ...DEFAULT_COMPACTION, nowMs: NOON, ...options });
}

const sizes = (groups: readonly Group[]) => groups.map(({ inputs }) => inputs.length);

/** What a rewrite of the group gives. */
function merged({ inputs, projectId, day }: Group): FileEntry {
  const starts = inputs.map((one) => one.minStartUnixNano).sort((a, b) => (a < b ? -1 : 1));
  const ends = inputs.map((one) => one.maxStartUnixNano).sort((a, b) => (a < b ? -1 : 1));
  return {
    ...file(inputs.reduce((sum, one) => sum + one.rows, 0)),
    projectId,
    day,
    level: Math.max(...inputs.map((one) => one.level)) + 1,
    createdAtMs: Math.max(...inputs.map((one) => one.createdAtMs)),
    minStartUnixNano: starts[0],
    maxStartUnixNano: ends[ends.length - 1],
  };
}

describe('a day that goes on', () => {
  test('small files of a size wait until they are eight, or as many as are asked for', () => {
    const files = times(17, (i) => file(3_000 + i, { startMs: NOON - 600_000 + i * 1_000 }));
    expect(plan(files.slice(0, 7)).groups).toEqual([]);
    expect(plan(files.slice(0, 8)).groups).toEqual([
      { projectId: 'default', day: '2026-03-10', inputs: files.slice(0, 8) },
    ]);
    expect(sizes(plan(files).groups)).toEqual([8, 8]);
    expect(plan(files)).toMatchObject({ debtFiles: 16, debtRows: 16 * 3_000 + (15 * 16) / 2 });
    expect(sizes(plan(files, { filesPerMerge: 3 }).groups)).toEqual([3, 3, 3, 3, 3]);
    expect(sizes(plan(files, { filesPerMerge: 17 }).groups)).toEqual([17]);
  });

  test('inputs of a merge are neighbours in time, in whatever order they came', () => {
    const files = times(16, (i) => file(100, { startMs: NOON - HOUR_MS + ((i * 5) % 16) * 1_000 }));
    const [first, second] = plan(files).groups;
    const lastOfFirst = first.inputs[7].minStartUnixNano;
    expect(second.inputs.every((one) => one.minStartUnixNano > lastOfFirst)).toBe(true);
  });

  test('full flushes wait until they make a full file, and are merged in one go', () => {
    const flushes = times(32, (i) => file(FLUSHED, { startMs: NOON - HOUR_MS + i * 1_000 }));
    expect(plan(flushes.slice(0, 22)).groups).toEqual([]);
    expect(sizes(plan(flushes).groups)).toEqual([32]);
    // Flushes are a little over their bound, and an output must not be.
    const over = times(32, (i) => file(FLUSHED + 300, { startMs: NOON - HOUR_MS + i * 1_000 }));
    expect(sizes(plan(over).groups)).toEqual([31]);
  });

  test('projects and days stay apart', () => {
    const files = [
      ...times(8, () => file(10)),
      ...times(8, () => file(10, { projectId: 'shop' })),
      ...times(8, () => file(10, { startMs: NOON + DAY_MS })),
    ];
    for (const { projectId, day, inputs } of plan(files).groups) {
      expect(inputs.every((one) => one.projectId === projectId && one.day === day)).toBe(true);
    }
    expect(sizes(plan(files).groups)).toEqual([8, 8, 8]);
  });

  test('files of huge spans do not make an endless one', () => {
    const files = times(16, () => file(1_000, { bytes: 128 * 1024 * 1024 }));
    expect(sizes(plan(files).groups)).toEqual([4, 4, 4, 4]);
  });
});

describe('a day that is over', () => {
  const yesterday = NOON - DAY_MS;

  test('what is left is merged an hour after midnight, once nothing has come for ten minutes', () => {
    const files = [
      file(500_000, { startMs: yesterday, level: 1 }),
      ...times(3, () => file(90_000, { startMs: yesterday })),
    ];
    const midnight = Date.parse('2026-03-10T00:00:00Z');
    expect(plan(files, { nowMs: midnight + HOUR_MS - 1 }).groups).toEqual([]);
    expect(sizes(plan(files, { nowMs: midnight + HOUR_MS }).groups)).toEqual([4]);
    const late = [...files, file(90_000, { startMs: yesterday, createdAtMs: NOON - 9 * 60_000 })];
    expect(plan(late).groups).toEqual([]);
    expect(sizes(plan(late, { nowMs: NOON + 61_000 }).groups)).toEqual([5]);
  });

  test('a file as it was flushed is rewritten alone, a rewritten one is left', () => {
    const flushed = file(2_000, { startMs: yesterday });
    expect(plan([flushed]).groups).toMatchObject([{ inputs: [flushed] }]);
    expect(plan([merged(plan([flushed]).groups[0])]).groups).toEqual([]);
    const full = file(MAX_ROWS, { startMs: yesterday });
    expect(plan([full]).groups).toMatchObject([{ inputs: [full] }]);
  });

  test('late spans, a few at a time, do not have the whole day rewritten each time', () => {
    let files = [file(3_000_000, { startMs: yesterday, level: 2 })];
    let rewritten = 0;
    for (let i = 0; i < 200; i++) {
      files.push(file(1_000, { startMs: yesterday }));
      for (let { groups } = plan(files); groups.length > 0; { groups } = plan(files)) {
        for (const group of groups) {
          rewritten += group.inputs.reduce((sum, one) => sum + one.rows, 0);
          files = [...files.filter((one) => !group.inputs.includes(one)), merged(group)];
        }
      }
    }
    expect(files.length).toBeLessThanOrEqual(9);
    expect(rewritten).toBeLessThan(200_000 * 18);
  });

  test('clocks gone wild do not cause a rewrite for each of their days', () => {
    const scattered = times(2_000, (i) =>
      file(3, { startMs: Date.parse('2001-01-01') + i * DAY_MS, createdAtMs: 0 }),
    );
    expect(plan(scattered).groups).toEqual([]);
    expect(plan(scattered.slice(0, 64)).groups.length).toBe(64);
    expect(plan(scattered, { everything: true }).groups.length).toBe(2_000);
    const more = times(8, () => file(3, { startMs: Date.parse('2001-01-01'), createdAtMs: 0 }));
    expect(sizes(plan([...scattered, ...more]).groups)).toEqual([8]);
    // Other projects are not kept from their merges.
    const own = times(3, () => file(3, { projectId: 'shop', startMs: yesterday }));
    expect(plan([...scattered, ...own]).groups.map(({ projectId }) => projectId)).toEqual(['shop']);
  });

  test('a day that lies ahead, or is none, is merged when nothing has come for a day', () => {
    for (const day of ['2262-01-01', '__HIVE_DEFAULT_PARTITION__']) {
      const files = times(3, () => file(3, { day, createdAtMs: NOON - DAY_MS }));
      expect(sizes(plan(files).groups)).toEqual([3]);
    }
    const ahead = times(3, () => file(3, { day: '2262-01-01', createdAtMs: NOON - HOUR_MS }));
    expect(plan(ahead).groups).toEqual([]);
  });
});

/** Flushes of a day at a steady rate, merged as the policy says whenever it says so. */
function simulate(flushes: number, rowsPerFlush: (i: number) => number) {
  const stepMs = Math.floor((DAY_MS - 10_000) / flushes);
  const start = Date.parse('2026-03-10T00:00:00Z');
  let files: FileEntry[] = [];
  let written = 0;
  let rewritten = 0;
  let most = 0;
  const settle = (nowMs: number) => {
    for (let { groups } = plan(files, { nowMs }); groups.length > 0; { groups } = plan(files, { nowMs })) {
      for (const group of groups) {
        rewritten += group.inputs.reduce((sum, one) => sum + one.rows, 0);
        const gone = new Set(group.inputs);
        files = [...files.filter((one) => !gone.has(one)), merged(group)];
      }
    }
  };
  for (let i = 0; i < flushes; i++) {
    const rows = rowsPerFlush(i);
    written += rows;
    files.push(file(rows, { startMs: start + i * stepMs }));
    settle(start + i * stepMs);
    most = Math.max(most, files.length);
  }
  settle(start + 2 * DAY_MS);
  return { files, most, amplification: rewritten / written };
}

describe('a simulated day', () => {
  test('at 10,000 spans/s: each span is rewritten once, and the day is full files', () => {
    const { files, most, amplification } = simulate(3_300, () => FLUSHED + 250);
    expect(amplification).toBeLessThan(1.1);
    expect(files.length).toBeLessThanOrEqual(222);
    expect(most).toBeLessThan(240);
    // Some of each flush is of another project or day.
    expect(simulate(3_300, () => Math.floor(FLUSHED * 0.95)).amplification).toBeLessThan(1.1);
  });

  test('at 100 spans/s: three rewrites, never more than some tens of files, three in the end', () => {
    const { files, most, amplification } = simulate(2_880, (i) => 2_000 + ((i * 797) % 2_000));
    expect(amplification).toBeLessThan(3.6);
    expect(most).toBeLessThan(60);
    expect(files.length).toBeLessThanOrEqual(3);
  });

  test('at 1 span/s: one file in the end', () => {
    const { files, most } = simulate(2_880, () => 30);
    expect(files.length).toBe(1);
    expect(most).toBeLessThan(40);
  });
});

test('whatever the files are, merging comes to an end with every file rewritten, and keeps to the bounds', () => {
  const arbitrary = fc.record({
    rows: fc.oneof(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: 1_500 })),
    level: fc.integer({ min: 0, max: 2 }),
    hour: fc.integer({ min: -60, max: 60 }),
    projectId: fc.constantFrom('default', 'shop'),
    createdAtMs: fc.constantFrom(0, NOON - HOUR_MS, NOON, NOON + 365 * DAY_MS),
  });
  const property = fc.property(
    fc.array(arbitrary, { maxLength: 60 }),
    fc.integer({ min: 2, max: 20 }),
    fc.boolean(),
    (specs, filesPerMerge, everything) => {
      let files = specs.map(({ hour, rows, ...rest }) =>
        file(rows, { ...rest, startMs: NOON + hour * HOUR_MS }),
      );
      const rowsBefore = files.reduce((sum, one) => sum + one.rows, 0);
      const options = { filesPerMerge, everything, maxRows: 1_000 };
      let rounds = 0;
      for (let { groups } = plan(files, options); groups.length > 0; { groups } = plan(files, options)) {
        expect(rounds++).toBeLessThan(20);
        const inputs = groups.flatMap((group) => group.inputs);
        expect(new Set(inputs).size).toBe(inputs.length);
        for (const group of groups) {
          const rows = group.inputs.reduce((sum, one) => sum + one.rows, 0);
          expect(group.inputs.length === 1 ? group.inputs[0].level : 0).toBe(0);
          if (group.inputs.length > filesPerMerge) expect(rows).toBeLessThanOrEqual(1_000);
          expect(new Set(group.inputs.map((one) => `${one.projectId}/${one.day}`)).size).toBe(1);
          files = [...files.filter((one) => !group.inputs.includes(one)), merged(group)];
        }
      }
      expect(files.reduce((sum, one) => sum + one.rows, 0)).toBe(rowsBefore);
      if (everything) expect(files.every((one) => one.level > 0)).toBe(true);
    },
  );
  fc.assert(property, { numRuns: 300 });
});
