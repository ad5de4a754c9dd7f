import { afterAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import type { Span } from '../../../span/span.ts';
import { STATUS_ERROR } from '../../../span/span.ts';
import { newestRows, rehearsedMetrics, rehearsedSearch } from './rehearsal.ts';
import { spanArbitrary } from './testing/arbitrary-spans.ts';
import { TestLake } from './testing/test-lake.ts';

const ROW_GROUP_ROWS = 1000;
const START = 1_700_000_000_000_000_000n;
const LONG_TRACE = 'ab'.repeat(16);

const dataDir = mkdtempSync(join(tmpdir(), 'spanlake-rehearsal-'));
const lake = new TestLake(dataDir);
afterAll(() => {
  lake.reader.close();
  rmSync(dataDir, { recursive: true });
});

/** Each later than the one before. */
function numbered(count: number, more: (i: number) => Partial<Span>): Span[] {
  const [shape] = fc.sample(spanArbitrary, { seed: 1, numRuns: 1 });
  return Array.from({ length: count }, (_, i) => ({
    ...shape,
    traceId: (i + 1).toString(16).padStart(32, '0'),
    spanId: (i + 1).toString(16).padStart(16, '0'),
    startTimeUnixNano: START + BigInt(i),
    durationNano: 1_000_000n + BigInt(i),
    name: 'GET /',
    kind: 2,
    resource: {
      attributes: [{ key: 'service.name', value: { type: 'string', value: 'shop' } }],
      droppedAttributesCount: 0,
      schemaUrl: '',
    },
    ...more(i),
  }));
}

test('rehearsed questions read the newest row group, and no other', async () => {
  lake.clear();
  lake.append(numbered(ROW_GROUP_ROWS * 2, (i) => ({ statusCode: i % 2 === 0 ? STATUS_ERROR : 0 })));
  await lake.flush(ROW_GROUP_ROWS);
  const range = newestRows(lake.files);
  expect(range).toEqual({ startUnixNano: START + 1000n, endUnixNano: START + 2000n });
  for (const question of rehearsedMetrics(range!)) {
    const { complete, scanned } = await lake.reader.metrics('test', question);
    expect({ complete, rows: scanned.rows }).toEqual({ complete: true, rows: ROW_GROUP_ROWS });
  }
  expect((await lake.reader.searchSpans('test', rehearsedSearch(range!))).spans).toHaveLength(100);
  expect(newestRows([])).toBeUndefined();
});

test('of a long trace its rows are read, not its row group', async () => {
  lake.clear();
  const spans = numbered(4000, (i) => (i >= 1000 && i < 3500 ? { traceId: LONG_TRACE } : {}));
  lake.append(spans);
  await lake.flush(10_000);
  const { spans: found, scanned } = await lake.reader.trace('test', LONG_TRACE);
  expect(found.map(({ spanId }) => spanId)).toEqual(spans.slice(1000, 3500).map(({ spanId }) => spanId));
  expect(scanned.rows).toBe(2500);
});
