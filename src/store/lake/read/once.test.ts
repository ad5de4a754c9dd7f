import { afterAll, beforeEach, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import type { Span } from '../../../span/span.ts';
import { parseQuery } from '../../../traceql/parse.ts';
import type { SearchOrder } from '../../span-store.ts';
import { orderedOnce } from './search/order-spans.ts';
import { spansArbitrary } from './testing/arbitrary-spans.ts';
import { TestLake } from './testing/test-lake.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'spanlake-once-'));
const lake = new TestLake(dataDir);
beforeEach(() => lake.clear());
afterAll(() => {
  lake.reader.close();
  rmSync(dataDir, { recursive: true });
});

const EVERYTHING = { startUnixNano: 0n, endUnixNano: 1n << 64n };
const [shape] = fc.sample(
  spansArbitrary.filter(({ length }) => length > 0),
  { seed: 1, numRuns: 1 },
)[0];

const span: fc.Arbitrary<Span> = fc
  .record({
    traceId: fc.constantFrom('1'.repeat(32), '2'.repeat(32)),
    spanId: fc.constantFrom('00000000000000aa', '00000000000000ab'),
    kind: fc.constantFrom(2, 3),
    startTimeUnixNano: fc.constantFrom(1_700_000_000_000_000_001n, 1_700_000_000_000_000_002n),
    durationNano: fc.constantFrom(5n, 6n),
    statusCode: fc.constantFrom(0, 2),
  })
  .map((each) => ({ ...shape, ...each, parentSpanId: '' }));

/** What a delivery changes: the same span may come with another duration. */
const deliveries = fc.array(fc.array(span, { minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 4 });

async function store(parts: readonly (readonly Span[])[], flushed: number): Promise<void> {
  lake.clear();
  for (const part of parts) lake.append(part);
  for (let i = 0; i < Math.min(flushed, parts.length); i++) await lake.flush(4);
}

function identity({ traceId, spanId, kind, startTimeUnixNano }: Span): string {
  return `${traceId} ${spanId} ${kind} ${startTimeUnixNano}`;
}

/** By identity, the longest duration. */
function longest(spans: readonly Span[]): Map<string, bigint> {
  const found = new Map<string, bigint>();
  for (const each of spans) {
    const known = found.get(identity(each)) ?? 0n;
    found.set(identity(each), each.durationNano > known ? each.durationNano : known);
  }
  return found;
}

async function pages(order: SearchOrder, limit: number, query: string): Promise<Span[]> {
  const found: Span[] = [];
  let cursor: string | undefined;
  do {
    const question = { query: parseQuery(query), range: EVERYTHING, order, limit };
    const page = await lake.reader.searchSpans('test', { ...question, ...(cursor ? { cursor } : {}) });
    expect(page.complete).toBe(true);
    found.push(...page.spans);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return found;
}

test('spans delivered again show once, in every order, also across pages', async () => {
  await fc.assert(
    fc.asyncProperty(
      deliveries,
      fc.integer({ min: 0, max: 4 }),
      fc.constantFrom(1, 3, 100),
      fc.constantFrom('{}', '{ rootName != "no" }'),
      async (parts, flushed, limit, query) => {
        // The same span each time: what it lasted is its identity's own here.
        const same = parts.map((part) =>
          part.map((each) => ({ ...each, durationNano: BigInt(each.kind) + (each.startTimeUnixNano % 10n) })),
        );
        await store(same, flushed);
        const wanted = longest(same.flat());
        for (const order of ['newest', 'oldest', 'slowest'] as const) {
          const found = await pages(order, limit, query);
          expect(found.map(identity).toSorted()).toEqual([...wanted.keys()].toSorted());
        }
      },
    ),
    { numRuns: 25 },
  );
});

test('of versions that lasted differently the longest shows', async () => {
  await fc.assert(
    fc.asyncProperty(deliveries, fc.integer({ min: 0, max: 4 }), async (parts, flushed) => {
      await store(parts, flushed);
      const wanted = [...longest(parts.flat())].map(([id, duration]) => `${id} ${duration}`).toSorted();
      for (const order of ['newest', 'oldest', 'slowest'] as const) {
        const found = await pages(order, 100, '{}');
        expect(found.map((each) => `${identity(each)} ${each.durationNano}`).toSorted()).toEqual(wanted);
      }
      // Judged trace by trace, a shorter version is on no later page either.
      const judged = await pages('slowest', 1, '{ rootName != "no" }');
      expect(judged.map((each) => `${identity(each)} ${each.durationNano}`).toSorted()).toEqual(wanted);
    }),
    { numRuns: 20 },
  );
});

test('a trace and its summary count a span once', async () => {
  await fc.assert(
    fc.asyncProperty(deliveries, fc.integer({ min: 0, max: 4 }), async (parts, flushed) => {
      await store(parts, flushed);
      const question = { query: parseQuery('{}'), range: EVERYTHING, order: 'newest' as const, limit: 10 };
      for (const order of ['newest', 'slowest'] as const) {
        const { traces } = await lake.reader.searchTraces('test', { ...question, order });
        expect(traces).toHaveLength(new Set(parts.flat().map(({ traceId }) => traceId)).size);
        for (const trace of traces) {
          const spans = orderedOnce(parts.flat().filter(({ traceId }) => traceId === trace.traceId));
          expect(trace).toMatchObject({ spanCount: spans.length, matchedCount: spans.length });
          expect(trace.services.reduce((sum, { spanCount }) => sum + spanCount, 0)).toBe(spans.length);
          const whole = await lake.reader.trace('test', trace.traceId);
          expect(whole.spans.map(identity)).toEqual(spans.map(identity));
        }
      }
    }),
    { numRuns: 20 },
  );
});
