import { afterAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import type { Span } from '../../../../span/span.ts';
import type { Query } from '../../../../traceql/ast.ts';
import { parseQuery } from '../../../../traceql/parse.ts';
import { isMetrics } from '../../../../traceql/query.ts';
import { QuestionError } from '../../../span-store.ts';
import type { SearchOrder, TimeRange } from '../../../span-store.ts';
import { rejection } from '../../../testing/rejection.ts';
import { BASE, spanArbitrary } from '../testing/arbitrary-spans.ts';
import { byTrace, naiveSpans, naiveSpansets, naiveTraces } from '../testing/naive.ts';
import { TestLake } from '../testing/test-lake.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'spanlake-spansets-'));
const lake = new TestLake(dataDir);
afterAll(() => {
  lake.reader.close();
  rmSync(dataDir, { recursive: true });
});

const EVERYTHING: TimeRange = { startUnixNano: 0n, endUnixNano: 1n << 64n };

const shape = fc.record({
  span: spanArbitrary,
  trace: fc.integer({ min: 1, max: 8 }),
  parent: fc.nat(),
  name: fc.constantFrom('a', 'b', 'c'),
  start: fc.integer({ min: 0, max: 60 }),
  duration: fc.integer({ min: 0, max: 30 }),
  kind: fc.constantFrom(2, 3),
  status: fc.constantFrom(0, 0, 2),
});

/** Trees as they are sent: ids of their own, a parent that came before, sometimes one that never came. */
const trees: fc.Arbitrary<Span[]> = fc.array(shape, { minLength: 1, maxLength: 60 }).map((shapes) => {
  const sizes = new Map<number, number>();
  return shapes.map(({ span, trace, parent, name, start, duration, kind, status }) => {
    const number = sizes.get(trace) ?? 0;
    sizes.set(trace, number + 1);
    const above = parent % (number + 2);
    return {
      ...span,
      traceId: idOf(trace, 32),
      spanId: idOf(number + 1, 16),
      // 0 is the root of the first span and of some others; one beyond the last never comes.
      parentSpanId: number === 0 || above === 0 ? '' : above > number ? idOf(9999, 16) : idOf(above, 16),
      name,
      kind,
      statusCode: status,
      startTimeUnixNano: BASE + BigInt(trace * 10 + start),
      durationNano: BigInt(duration),
    };
  });
});

function idOf(number: number, digits: number): string {
  return number.toString(16).padStart(digits, '0');
}

const selector = fc.constantFrom(
  '{}',
  '{ name = "a" }',
  '{ name = "b" }',
  '{ status = error }',
  '{ kind = client && name != "c" }',
  '{ span.i > 0 }',
  '{ .s = "a" }',
  '{ duration > 20ns }',
  '{ rootName = "a" }',
  '{ parent.name = "b" }',
  '{ traceDuration > 40ns && status = error }',
  '{ childCount > 1 }',
  '{ nestedSetLeft > 3 }',
);
const operator = fc.constantFrom(
  '&&',
  '||',
  '>',
  '>>',
  '<',
  '<<',
  '~',
  '!>',
  '!>>',
  '!<',
  '!~',
  '&>',
  '&>>',
  '&~',
);
const stage = fc.constantFrom(
  'count() > 1',
  'count() = 1',
  'by(name)',
  'by(span.i) | count() > 1',
  'by(rootName) | max(duration) > 9ns',
  'avg(duration) > 12ns',
  'coalesce()',
  '{ name = "a" }',
  'select(span.i)',
);
const operation = fc
  .tuple(selector, operator, selector, operator, selector)
  .map(([a, first, b, second, c]) => `(${a} ${first} ${b}) ${second} ${c}`);
const queries: fc.Arbitrary<Query> = fc
  .oneof(
    selector,
    fc.tuple(selector, operator, selector).map((parts) => parts.join(' ')),
    operation,
    fc
      .tuple(fc.oneof(selector, operation), stage, stage)
      .map(([source, a, b]) => `(${source}) | ${a} | ${b}`),
    fc.tuple(selector, selector).map(([a, b]) => `(${a} | count()) > (${b} | count())`),
  )
  .map(parseQuery);

const orders = fc.constantFrom<SearchOrder>('newest', 'oldest', 'slowest');
const ranges = fc.oneof(
  fc.constant(EVERYTHING),
  fc.tuple(fc.integer({ min: 0, max: 100 }), fc.integer({ min: 0, max: 80 })).map(([from, length]) => ({
    startUnixNano: BASE + BigInt(from),
    endUnixNano: BASE + BigInt(from) + BigInt(length),
  })),
);

/** How many buffers of spans, in the order they came or trace by trace, and how many of them become files. */
const places = fc.record({
  parts: fc.integer({ min: 1, max: 4 }),
  flushed: fc.integer({ min: 0, max: 4 }),
  rowGroupRows: fc.constantFrom(6, 1000),
  byTrace: fc.boolean(),
});
type Place = typeof places extends fc.Arbitrary<infer T> ? T : never;

async function store(
  spans: readonly Span[],
  { parts, flushed, rowGroupRows, byTrace: whole }: Place,
): Promise<void> {
  lake.clear();
  const sent = whole ? [...byTrace(spans).values()].flat() : spans;
  const size = Math.ceil(sent.length / parts);
  for (let from = 0; from < sent.length; from += size) lake.append(sent.slice(from, from + size));
  for (let i = 0; i < flushed; i++) await lake.flush(rowGroupRows);
}

interface Asked {
  readonly query: Query;
  readonly range: TimeRange;
  readonly order: SearchOrder;
  readonly limit: number;
}

async function pages<T>(
  ask: (cursor: { cursor?: string }) => Promise<{ nextCursor?: string; found: readonly T[] }>,
  limit: number,
  between?: () => Promise<void>,
): Promise<T[]> {
  const all: T[] = [];
  let cursor: string | undefined;
  do {
    const { found, nextCursor } = await ask(cursor === undefined ? {} : { cursor });
    expect(found.length).toBeLessThanOrEqual(limit);
    all.push(...found);
    cursor = nextCursor;
    await between?.();
  } while (cursor !== undefined);
  return all;
}

function allSpans(asked: Asked, between?: () => Promise<void>): Promise<string[]> {
  const ask = async (cursor: { cursor?: string }) => {
    const { spans, nextCursor, complete } = await lake.reader.searchSpans('test', { ...asked, ...cursor });
    expect(complete).toBe(true);
    return { found: spans.map(identity), ...(nextCursor !== undefined && { nextCursor }) };
  };
  return pages(ask, asked.limit, between);
}

function identity({ traceId, spanId, startTimeUnixNano, durationNano }: Span): string {
  return `${Number(traceId)}/${spanId.slice(12)} ${startTimeUnixNano - BASE} ${durationNano}`;
}

function allTraces(asked: Asked, between?: () => Promise<void>) {
  const ask = async (cursor: { cursor?: string }) => {
    const page = await lake.reader.searchTraces('test', { ...asked, ...cursor });
    expect(page.complete).toBe(true);
    return { found: page.traces, ...(page.nextCursor !== undefined && { nextCursor: page.nextCursor }) };
  };
  return pages(ask, asked.limit, between);
}

const limits = fc.constantFrom(1, 3, 100);

describe('any query, wherever the spans of a trace stand', () => {
  test('gives the spans of a naive evaluation in the same order, page by page', async () => {
    await fc.assert(
      fc.asyncProperty(
        trees,
        places,
        queries,
        ranges,
        orders,
        limits,
        async (spans, place, query, range, order, limit) => {
          await store(spans, place);
          const expected = naiveSpans(spans, query, range, order).map(identity);
          expect(await allSpans({ query, range, order, limit })).toEqual(expected);
        },
      ),
      { numRuns: 100 },
    );
  }, 60_000);

  test('gives the traces and spansets of a naive evaluation, page by page', async () => {
    await fc.assert(
      fc.asyncProperty(
        trees,
        places,
        queries,
        ranges,
        orders,
        limits,
        async (spans, place, query, range, order, limit) => {
          await store(spans, place);
          const found = await allTraces({ query, range, order, limit });
          const figures = found.map((trace) => {
            const { traceId, startTimeUnixNano, durationNano, spanCount, errorCount, matchedCount } = trace;
            return { traceId, startTimeUnixNano, durationNano, spanCount, errorCount, matchedCount };
          });
          expect(figures).toEqual(naiveTraces(spans, query, range, order));
          const traces = byTrace(spans);
          for (const { traceId, spansets, matched, rootName, services } of found) {
            const trace = traces.get(traceId) ?? [];
            expect(rootName).toBe(trace.find(({ parentSpanId }) => parentSpanId === '')?.name ?? '');
            expect(services.reduce((sum, { spanCount }) => sum + spanCount, 0)).toBe(trace.length);
            expect(new Set(matched.map(identity)).size).toBe(matched.length);
            if (query.expression.kind === 'filter') {
              expect(spansets).toBeUndefined();
              continue;
            }
            const expected = naiveSpansets(trace, query, range).map((spanset) => ({
              attributes: spanset.attributes,
              matchedCount: spanset.spans.length,
              matched: spanset.spans.slice(0, 3).map((span) => identity(trace[span])),
            }));
            expect(
              spansets?.map((spanset) => ({ ...spanset, matched: spanset.matched.map(identity) })),
            ).toEqual(expected);
          }
        },
      ),
      { numRuns: 80 },
    );
  }, 60_000);

  test('pages neither repeat nor skip while buffers become files', async () => {
    await fc.assert(
      fc.asyncProperty(
        trees,
        queries,
        orders,
        fc.constantFrom(6, 1000),
        async (spans, query, order, rowGroupRows) => {
          const asked = { query, range: EVERYTHING, order, limit: 2 };
          const flush = () => lake.flush(rowGroupRows);
          const place = { parts: 4, flushed: 1, rowGroupRows, byTrace: false };
          await store(spans, place);
          const found = await allSpans(asked, flush);
          expect(found).toEqual(naiveSpans(spans, query, EVERYTHING, order).map(identity));
          await store(spans, place);
          const traces = await allTraces(asked, flush);
          const expected = naiveTraces(spans, query, EVERYTHING, order);
          expect(traces.map(({ traceId }) => traceId)).toEqual(expected.map(({ traceId }) => traceId));
        },
      ),
      { numRuns: 30 },
    );
  }, 60_000);
});

test('whoever counts the spans gets each once', async () => {
  await fc.assert(
    fc.asyncProperty(trees, places, queries, async (spans, place, query) => {
      await store(spans, place);
      const { expression } = query;
      if (isMetrics(expression)) return;
      const aggregate = { kind: 'count_over_time', by: [], position: 0 } as const;
      const counting: Query = {
        ...query,
        expression: { kind: 'metrics', source: expression, aggregate, stages: [], position: 0 },
      };
      const asked = { query: counting, range: EVERYTHING, stepNano: undefined, maxSeries: 10, exemplars: 0 };
      const { series, complete } = await lake.reader.metrics('test', asked);
      expect(complete).toBe(true);
      const counted = series
        .flatMap(({ samples }) => [...samples])
        .reduce((sum, sample) => sum + (sample || 0), 0);
      expect(counted).toBe(naiveSpans(spans, query, EVERYTHING, 'oldest').length);
    }),
    { numRuns: 40 },
  );
}, 60_000);

test('a page that is cut off for lack of time is followed by the rest', async () => {
  const late = new TestLake(dataDir, { timeLimitMs: 0 });
  const spans = fc.sample(trees, { seed: 4, numRuns: 1 })[0];
  for (const text of ['{ name = "a" } !> {}', '{ rootName != "no" }']) {
    for (const order of ['newest', 'oldest', 'slowest'] as const) {
      await store(spans, { parts: 3, flushed: 2, rowGroupRows: 6, byTrace: false });
      late.buffers = lake.buffers;
      late.files = lake.files;
      const asked = { query: parseQuery(text), range: EVERYTHING, order, limit: 5 };
      const cut = await late.reader.searchSpans('test', asked);
      expect(cut.complete).not.toBe(true);
      expect(cut.nextCursor).toBeString();
      let cursor = cut.nextCursor;
      const found = cut.spans.map(identity);
      while (cursor !== undefined) {
        const page = await lake.reader.searchSpans('test', { ...asked, cursor });
        found.push(...page.spans.map(identity));
        cursor = page.nextCursor;
      }
      expect(found).toEqual(naiveSpans(spans, asked.query, EVERYTHING, order).map(identity));
    }
  }
  late.reader.close();
});

test('a metrics query is refused, with what to leave out', async () => {
  const query = parseQuery('{ } | rate()');
  expect(isMetrics(query.expression)).toBe(true);
  const asked = { query, range: EVERYTHING, order: 'newest', limit: 1 } as const;
  for (const refused of [lake.reader.searchSpans('test', asked), lake.reader.searchTraces('test', asked)]) {
    const error = await rejection(refused);
    expect(error).toBeInstanceOf(QuestionError);
    expect(String(error)).toContain('leave out what follows its spansets');
  }
});
