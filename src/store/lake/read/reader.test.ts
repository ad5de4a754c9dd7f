import { afterAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import type { Span } from '../../../span/span.ts';
import type { Query } from '../../../traceql/ast.ts';
import { parseQuery } from '../../../traceql/parse.ts';
import type { SearchOrder, TimeRange } from '../../span-store.ts';
import { BASE, spansArbitrary } from './testing/arbitrary-spans.ts';
import { anyQuery } from './testing/random-conditions.ts';
import { byTrace, naiveSpans, naiveTraces, normal } from './testing/naive.ts';
import { TestLake } from './testing/test-lake.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'spanlake-read-'));
const lake = new TestLake(dataDir);
afterAll(() => {
  lake.reader.close();
  rmSync(dataDir, { recursive: true });
});

const EVERYTHING: TimeRange = { startUnixNano: 0n, endUnixNano: 1n << 64n };
const MATCH_ALL = parseQuery('{}');

/** Where the spans stand: the first part in files, the rest in buffers. */
const places = fc.record({
  inFiles: fc.constantFrom(0, 0.5, 1),
  rowGroupRows: fc.constantFrom(5, 1000),
  split: fc.constantFrom(false, false, true),
});

async function store(
  spans: readonly Span[],
  place: { inFiles: number; rowGroupRows: number; split: boolean },
) {
  lake.clear();
  const cut = Math.round(spans.length * place.inFiles);
  const filed = spans.slice(0, cut);
  const parts = place.split
    ? [filed.filter((_, i) => i % 2 === 0), filed.filter((_, i) => i % 2 === 1)]
    : [filed];
  for (const part of parts) lake.append(part);
  while (lake.buffers.length > 0) await lake.flush(place.rowGroupRows);
  lake.append(spans.slice(cut));
}

const orders = fc.constantFrom<SearchOrder>('newest', 'oldest', 'slowest');
const ranges = fc.oneof(
  fc.constant(EVERYTHING),
  fc.tuple(fc.integer({ min: -2, max: 45 }), fc.integer({ min: 0, max: 45 })).map(([from, length]) => ({
    startUnixNano: BASE + BigInt(from),
    endUnixNano: BASE + BigInt(from) + BigInt(length),
  })),
);

async function allSpans(query: Query, range: TimeRange, order: SearchOrder, limit: number): Promise<Span[]> {
  const spans: Span[] = [];
  let cursor: string | undefined;
  do {
    const page = await lake.reader.searchSpans('test', {
      query,
      range,
      order,
      limit,
      ...(cursor ? { cursor } : {}),
    });
    expect(page.complete).toBe(true);
    expect(page.spans.length).toBeLessThanOrEqual(limit);
    spans.push(...page.spans);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return spans;
}

describe('spans', () => {
  test('come back as they were put in, every field and type, from buffer and files', async () => {
    await fc.assert(
      fc.asyncProperty(spansArbitrary, places, async (spans, place) => {
        await store(spans, place);
        const found = await allSpans(MATCH_ALL, EVERYTHING, 'oldest', 1000);
        const expected = naiveSpans(spans, MATCH_ALL, EVERYTHING, 'oldest');
        expect(found.map(normal)).toEqual(expected.map(normal));
      }),
      { numRuns: 15 },
    );
  });

  test('the same rows in the same order as a naive evaluation, page by page', async () => {
    await fc.assert(
      fc.asyncProperty(
        spansArbitrary,
        places,
        anyQuery,
        ranges,
        orders,
        fc.constantFrom(1, 3, 7, 1000),
        async (spans, place, query, range, order, limit) => {
          await store(spans, place);
          const found = await allSpans(query, range, order, limit);
          const expected = naiveSpans(spans, query, range, order);
          expect(found.map(identity)).toEqual(expected.map(identity));
        },
      ),
      { numRuns: 90 },
    );
  });

  test('paging gives each span once while rows move from buffer to files and others arrive', async () => {
    await fc.assert(
      fc.asyncProperty(spansArbitrary, orders, fc.constantFrom(1, 4), async (spans, order, limit) => {
        lake.clear();
        const third = Math.ceil(spans.length / 3);
        for (let from = 0; from < spans.length; from += third) lake.append(spans.slice(from, from + third));
        const found: Span[] = [];
        let cursor: string | undefined;
        do {
          const more = cursor === undefined ? {} : { cursor };
          const question = { query: MATCH_ALL, range: EVERYTHING, order, limit, ...more };
          const page = await lake.reader.searchSpans('test', question);
          found.push(...page.spans);
          cursor = page.nextCursor;
          await lake.flush(3);
        } while (cursor !== undefined);
        expect(found.map(identity)).toEqual(naiveSpans(spans, MATCH_ALL, EVERYTHING, order).map(identity));
      }),
      { numRuns: 12 },
    );
  });
});

function identity(span: Span): string {
  return `${span.startTimeUnixNano} ${span.durationNano} ${span.traceId} ${span.spanId} ${span.kind}`;
}

describe('traces', () => {
  test('the same traces in the same order as a naive evaluation, page by page', async () => {
    await fc.assert(
      fc.asyncProperty(
        spansArbitrary,
        places,
        anyQuery,
        ranges,
        orders,
        fc.constantFrom(1, 2, 100),
        async (spans, place, query, range, order, limit) => {
          await store(spans, place);
          const found = [];
          let cursor: string | undefined;
          do {
            const more = cursor === undefined ? {} : { cursor };
            const page = await lake.reader.searchTraces('test', { query, range, order, limit, ...more });
            expect(page.complete).toBe(true);
            for (const trace of page.traces) {
              const { traceId, startTimeUnixNano, durationNano, spanCount, errorCount, matchedCount } = trace;
              found.push({ traceId, startTimeUnixNano, durationNano, spanCount, errorCount, matchedCount });
              expect(trace.matched.length).toBe(Math.min(3, matchedCount));
            }
            cursor = page.nextCursor;
          } while (cursor !== undefined);
          expect(found).toEqual(naiveTraces(spans, query, range, order));
        },
      ),
      { numRuns: 70 },
    );
  });

  test('by id, in order of start, from wherever its spans stand', async () => {
    await fc.assert(
      fc.asyncProperty(spansArbitrary, places, async (spans, place) => {
        await store(spans, place);
        for (const [traceId, expected] of byTrace(spans)) {
          const { spans: found } = await lake.reader.trace('test', traceId);
          expect(found.map(normal)).toEqual(expected.map(normal));
        }
        expect((await lake.reader.trace('test', '9'.repeat(32))).spans).toEqual([]);
      }),
      { numRuns: 12 },
    );
  });
});
