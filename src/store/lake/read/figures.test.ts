import { afterAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import type { Span } from '../../../span/span.ts';
import { parseQuery } from '../../../traceql/parse.ts';
import { Histogram } from './statistics/histogram.ts';
import { BASE, spansArbitrary } from './testing/arbitrary-spans.ts';
import { naiveSpans } from './testing/naive.ts';
import { TestLake } from './testing/test-lake.ts';
import { ValueCounts } from './numbers/value-counts.ts';
import { naiveValues } from './testing/values-naive.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'spanlake-figures-'));
const lake = new TestLake(dataDir);
afterAll(() => {
  lake.reader.close();
  rmSync(dataDir, { recursive: true });
});

const EVERYTHING = { startUnixNano: 0n, endUnixNano: 1n << 64n };
const MATCH_ALL = parseQuery('{}');

/** Half in a file, half in a buffer. */
async function store(spans: readonly Span[]): Promise<void> {
  lake.clear();
  lake.append(spans.filter((_, i) => i % 2 === 0));
  await lake.flush(7);
  lake.append(spans.filter((_, i) => i % 2 === 1));
}

describe('statistics', () => {
  test('counts and errors are exact, quantiles within 1 %, by service and by operation', async () => {
    await fc.assert(
      fc.asyncProperty(spansArbitrary, async (spans) => {
        await store(spans);
        const range = { startUnixNano: BASE, endUnixNano: BASE + 30n };
        const inRange = naiveSpans(spans, MATCH_ALL, range, 'oldest');
        const { stats } = await lake.reader.serviceStats('test', { range });
        expect(stats.reduce((sum, each) => sum + each.count, 0)).toBe(inRange.length);
        for (const each of stats) {
          const own = inRange.filter((span) => span.serviceName === each.serviceName);
          checkFigures(each, own);
          const operations = await lake.reader.operationStats('test', each.serviceName, { range });
          expect(operations.stats.reduce((sum, { count }) => sum + count, 0)).toBe(own.length);
          for (const operation of operations.stats) {
            const { name, kind } = operation;
            checkFigures(
              operation,
              own.filter((span) => span.name === name && span.kind === kind),
            );
          }
        }
      }),
      { numRuns: 12 },
    );
  });

  test('a histogram is within 1 % at any size, and exact below 64', () => {
    fc.assert(
      fc.property(
        fc.array(fc.bigInt(-5n, (1n << 63n) - 1n), { minLength: 1 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (values, q) => {
          const histogram = new Histogram();
          for (const value of values) {
            const bits = BigInt.asUintN(64, value);
            histogram.add(Number(bits >> 32n), Number(bits & 0xffffffffn));
          }
          const sorted = values.toSorted((a, b) => (a < b ? -1 : 1));
          const exact = sorted[Math.max(1, Math.ceil(q * values.length)) - 1];
          expectClose(histogram.quantileNano(q), exact);
          expect(histogram.maxNano).toBe(sorted[sorted.length - 1]);
        },
      ),
    );
  });
});

interface Figures {
  readonly count: number;
  readonly errorCount: number;
  readonly p50Nano: bigint;
  readonly p95Nano: bigint;
  readonly p99Nano: bigint;
  readonly maxNano: bigint;
}

function checkFigures(figures: Figures, spans: readonly Span[]): void {
  expect(figures.count).toBe(spans.length);
  expect(figures.errorCount).toBe(spans.filter((span) => span.statusCode === 2).length);
  const sorted = spans.map((span) => span.durationNano).sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  const max = sorted[sorted.length - 1];
  const at = (q: number) => sorted[Math.ceil(q * sorted.length) - 1];
  expectClose(figures.p50Nano, at(0.5));
  expectClose(figures.p95Nano, at(0.95));
  expectClose(figures.p99Nano, at(0.99));
  expect(figures.maxNano).toBe(max);
}

/** Durations of zero and below are one bucket: their quantile is 0. */
function expectClose(value: bigint, exact: bigint): void {
  if (exact <= 0n) expect(value).toBe(0n);
  else if (exact < 64n) expect(value).toBe(exact);
  else expect(Math.abs(Number(value - exact))).toBeLessThanOrEqual(Number(exact) * 0.01);
}

describe('names', () => {
  test('values are counted exactly, wherever the attribute stands', async () => {
    await fc.assert(
      fc.asyncProperty(
        spansArbitrary,
        fc.constantFrom('s', 'i', 'd', 'b', 'm', 'service.name'),
        fc.constantFrom('span' as const, 'resource' as const, 'any' as const),
        fc.constantFrom('{}', '{ duration > 5ns }', '{ status = error && span.i != nil }'),
        async (spans, key, scope, text) => {
          await store(spans);
          const query = parseQuery(text);
          const matching = naiveSpans(spans, query, EVERYTHING, 'oldest');
          const field = scope === 'any' ? `.${key}` : `${scope}.${key}`;
          const { values } = await lake.reader.attributeValues('test', field, {
            query,
            range: EVERYTHING,
            prefix: '',
            limit: 1000,
          });
          const found = values.map(({ type, value, count }) => `${type} ${value}: ${count}`).sort();
          expect(found).toEqual(naiveValues(matching, scope, key));
        },
      ),
      { numRuns: 25 },
    );
  });

  test('the top values are those of a whole sort', () => {
    const entries = fc.array(
      fc.record({ value: fc.string({ maxLength: 2 }), count: fc.integer({ min: 1, max: 4 }) }),
    );
    fc.assert(
      fc.property(entries, fc.integer({ min: 1, max: 20 }), (added, limit) => {
        const counts = new ValueCounts('');
        const sums = new Map<string, number>();
        for (const { value, count } of added) {
          counts.add('string', value, count);
          sums.set(value, (sums.get(value) ?? 0) + count);
        }
        const sorted = [...sums].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)).slice(0, limit);
        expect(counts.top(limit).map(({ value, count }) => [value, count])).toEqual(sorted);
      }),
    );
  });

  test('intrinsics, prefix and limit', async () => {
    const spans = fc.sample(spansArbitrary, { seed: 3, numRuns: 1 })[0];
    await store(spans);
    const ask = { query: MATCH_ALL, range: EVERYTHING, prefix: '', limit: 100 };
    const names = (await lake.reader.attributeValues('test', 'name', ask)).values;
    for (const { value, count } of names)
      expect(spans.filter((span) => span.name === value)).toHaveLength(count);
    expect(names.reduce((sum, { count }) => sum + count, 0)).toBe(spans.length);
    const statuses = (await lake.reader.attributeValues('test', 'status', ask)).values;
    const errors = statuses.find(({ value }) => value === 'error');
    expect(errors).toEqual({
      type: 'keyword',
      value: 'error',
      count: spans.filter((span) => span.statusCode === 2).length,
    });
    const some = (await lake.reader.attributeValues('test', 'name', { ...ask, prefix: 'GET', limit: 1 }))
      .values;
    expect(some.map(({ value }) => value)).toEqual(['GET /x']);
    const roots = (await lake.reader.attributeValues('test', 'rootName', ask)).values;
    expect(roots.reduce((sum, { count }) => sum + count, 0)).toBe(
      spans.filter((span) => span.parentSpanId === '').length,
    );
  });

  test('keys with the spans that carry them', async () => {
    await fc.assert(
      fc.asyncProperty(spansArbitrary, async (spans) => {
        await store(spans);
        const ask = { query: MATCH_ALL, range: EVERYTHING, prefix: '', limit: 1000 };
        const { keys } = await lake.reader.attributeKeys('test', ask);
        const count = (scope: string, key: string) =>
          keys.find((each) => each.scope === scope && each.key === key)?.count ?? 0;
        const carrying = (has: (span: Span) => boolean) => spans.filter(has).length;
        for (const key of ['s', 'i', 'd', 'b', 'm']) {
          const carries = (list: Span['attributes']) => list.some((attribute) => attribute.key === key);
          expect(count('span', key)).toBe(carrying((span) => carries(span.attributes)));
          expect(count('resource', key)).toBe(carrying((span) => carries(span.resource.attributes)));
          expect(count('instrumentation', key)).toBe(carrying((span) => carries(span.scope.attributes)));
          expect(count('event', key)).toBe(
            carrying((span) => span.events.some((each) => carries(each.attributes))),
          );
          expect(count('link', key)).toBe(
            carrying((span) => span.links.some((each) => carries(each.attributes))),
          );
        }
        expect(count('intrinsic', 'name')).toBe(spans.length);
      }),
      { numRuns: 10 },
    );
  });
});
