/** What rollups tell of counts over time is what a scan of the rows tells. */
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import type { Span } from '../../../../span/span.ts';
import { parseQuery } from '../../../../traceql/parse.ts';
import { spansArbitrary } from '../testing/arbitrary-spans.ts';
import { TestLake } from '../testing/test-lake.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'spanlake-metrics-rollups-'));
const lake = new TestLake(dataDir);
const without = new TestLake(dataDir);
const MINUTE = 60_000_000_000n;
const FIRST = 28_333_333n * MINUTE;
/** Enough that a cell a minute is worth it for three operations. */
const PER_FILE = 2200;
const [shape] = fc.sample(
  spansArbitrary.filter(({ length }) => length > 0),
  { seed: 1, numRuns: 1 },
)[0];

const spans: readonly Span[] = Array.from({ length: PER_FILE * 2 + 100 }, (_, i) => ({
  ...shape,
  traceId: (i + 1).toString(16).padStart(32, '0'),
  spanId: (i + 1).toString(16).padStart(16, '0'),
  parentSpanId: '',
  name: `operation ${i % 3}`,
  kind: 1 + (i % 3),
  serviceName: 'shop',
  resource: {
    attributes: [{ key: 'service.name', value: { type: 'string', value: i % 3 === 0 ? 'cart' : 'shop' } }],
    droppedAttributesCount: 0,
    schemaUrl: '',
  },
  attributes: [],
  events: [],
  links: [],
  statusCode: (i % 7) % 3,
  startTimeUnixNano: FIRST + (BigInt(i) * 5n * MINUTE) / BigInt(PER_FILE),
  durationNano: BigInt(i),
}));

beforeAll(async () => {
  for (const from of [0, PER_FILE]) {
    lake.append(spans.slice(from, from + PER_FILE));
    await lake.flush(500);
  }
  lake.append(spans.slice(PER_FILE * 2));
  without.buffers = lake.buffers;
  without.files = lake.files;
});
afterAll(() => {
  lake.reader.close();
  without.reader.close();
  rmSync(dataDir, { recursive: true });
});

const time = fc.oneof(
  fc.bigInt(FIRST - MINUTE, FIRST + 12n * MINUTE),
  fc.bigInt(-1n, 12n).map((minutes) => FIRST + minutes * MINUTE),
);
const range = fc
  .tuple(time, time)
  .map(([a, b]) => ({ startUnixNano: a < b ? a : b, endUnixNano: (a < b ? b : a) + 1n }));
/** What rollups can tell comes more often than what only a scan can. */
const mostly = <T>(told: readonly T[], scanned: readonly T[]) =>
  fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom(...told) },
    { weight: 1, arbitrary: fc.constantFrom(...scanned) },
  );
const step = mostly([MINUTE, 2n * MINUTE, 5n * MINUTE], [undefined, MINUTE / 2n, (MINUTE * 3n) / 2n]);
const condition = mostly(
  [
    '{}',
    '{ status = error }',
    '{ resource.service.name = "shop" }',
    '{ name =~ "operation [12]" && status = error }',
    '{ name != "operation 1" || kind = internal }',
  ],
  ['{ status != error }', '{ status = ok }', '{ span.x = nil }'],
);
const measure = fc.constantFrom('rate()', 'count_over_time()');
const by = mostly(['', 'by (resource.service.name)', 'by (name)', 'by (name, kind)'], ['by (status)']);

test('rollups and scans give the same samples of the same series, for any range and step', async () => {
  let spared = 0;
  await fc.assert(
    fc.asyncProperty(range, step, condition, measure, by, async (asked, stepNano, select, figure, groups) => {
      const query = parseQuery(`${select} | ${figure} ${groups}`);
      const question = { query, range: asked, stepNano, maxSeries: 100, exemplars: 0 };
      const found = await lake.reader.metrics('test', question);
      const scanned = await without.reader.metrics('test', question);
      expect(found.complete).toBe(true);
      expect(found.series).toEqual(scanned.series);
      if (found.scanned.rows < scanned.scanned.rows) spared++;
    }),
    { numRuns: 60 },
  );
  expect(spared).toBeGreaterThan(8);
});

test('a whole range needs no row, and the answer tells so', async () => {
  const question = {
    query: parseQuery('{} | rate() by (resource.service.name)'),
    range: { startUnixNano: 0n, endUnixNano: 1n << 64n },
    stepNano: MINUTE,
    maxSeries: 100,
    exemplars: 0,
    explain: true,
  };
  const { scanned, explain } = await lake.reader.metrics('test', question);
  expect(scanned).toMatchObject({ rowGroups: 0, files: 0, rows: 100 });
  expect(explain?.files.pruned).toEqual({ rollups: 2 });
  expect(explain?.stages.map(({ name }) => name)).toContain('rollups');
  // Examples are rows.
  const examples = await lake.reader.metrics('test', { ...question, exemplars: 1 });
  expect(examples.scanned.files).toBe(2);
});

test('long names are matched in slices: the loop turns', async () => {
  const NAMES = 40;
  const long = new TestLake(dataDir);
  long.append(
    Array.from({ length: NAMES * 140 }, (_, i) => ({
      ...spans[i % spans.length],
      spanId: (i + 1).toString(16).padStart(16, '0'),
      name: `${String(i % NAMES)}${mixed(3000, i % NAMES)}`,
      startTimeUnixNano: FIRST + BigInt(i),
    })),
  );
  await long.flush(10_000);
  let turns = 0;
  const count = setInterval(() => turns++, 0);
  const { scanned, series } = await long.reader.metrics('test', {
    // Each character makes a state of its own: 1.5 us.
    query: parseQuery('{ name =~ ".*a(a|b){60}c" || name =~ "7.*" } | count_over_time()'),
    range: { startUnixNano: 0n, endUnixNano: 1n << 64n },
    stepNano: MINUTE,
    maxSeries: 1,
    exemplars: 0,
  });
  clearInterval(count);
  long.reader.close();
  expect(scanned.rows).toBe(0);
  expect(series[0].samples.reduce((sum, sample) => sum + sample, 0)).toBe(140);
  expect(turns).toBeGreaterThan(20);
});

function mixed(length: number, seed: number): string {
  let state = seed + 1;
  let text = '';
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    text += state >>> 31 === 0 ? 'a' : 'b';
  }
  return text;
}
