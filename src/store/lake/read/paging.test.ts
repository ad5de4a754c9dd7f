/**
 * Pages of a real lake in which spans arrive, arrive again, are flushed and merged between two pages: what
 * was there at the first page comes exactly once, and nothing comes twice.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { END_OF_TIME } from '../../../span/time.ts';
import { parseQuery } from '../../../traceql/parse.ts';
import type { SearchOrder } from '../../span-store.ts';
import { openLake } from '../lake.ts';
import type { Lake } from '../lake.ts';
import { Rewriter } from '../merge/rewriter.ts';
import { TEST_START, testRequest, textAttribute } from '../testing/requests.ts';
import { TestLake, columnsOf } from './testing/test-lake.ts';
import { makeSpan } from '../../../trace/arbitrary.ts';

const RANGE = { startUnixNano: 0n, endUnixNano: END_OF_TIME };
const ORDERS: readonly SearchOrder[] = ['newest', 'oldest', 'slowest'];

const folder = mkdtempSync(join(tmpdir(), 'paging-'));
const rewriter = new Rewriter();
afterAll(() => {
  rewriter.close();
  rmSync(folder, { recursive: true });
});

interface TestTrace {
  readonly start: number;
  readonly durations: readonly number[];
}

/** Few values, so that many rows tie. */
const traces: fc.Arbitrary<TestTrace[]> = fc.array(
  fc.record({ start: fc.nat(12), durations: fc.array(fc.nat(4), { minLength: 1, maxLength: 4 }) }),
  { minLength: 1, maxLength: 5 },
);

type Event = 'arrive' | 'arrive again' | 'flush' | 'merge';
const events = fc.array(
  fc.array(fc.constantFrom<Event>('arrive', 'arrive', 'arrive again', 'flush', 'merge'), { maxLength: 2 }),
  { minLength: 8, maxLength: 8 },
);

class Traffic {
  readonly #sent: Parameters<typeof testRequest>[0][] = [];
  #next = 0;

  constructor(
    readonly lake: Lake,
    readonly project: string,
  ) {}

  async send(batch: readonly TestTrace[]): Promise<void> {
    for (const { start, durations } of batch) {
      const trace = this.#next++;
      const spans = durations.map((duration, i) => ({
        traceId: `ab${(trace * 7919).toString(16).padStart(30, '0')}`,
        spanId: (trace * 16 + i + 1).toString(16).padStart(16, '0'),
        start: TEST_START + BigInt(start + (i % 2)) * 1_000_000n,
        durationNano: BigInt(duration) * 1_000n,
      }));
      this.#sent.push(spans);
      await this.#append(spans);
    }
  }

  /** The spans of the first trace in a request of another size: no request that came before. */
  async sendAgain(): Promise<void> {
    const [first] = this.#sent;
    await this.#append([...first, first[0]]);
  }

  async #append(spans: Parameters<typeof testRequest>[0]): Promise<void> {
    const resource = { attributes: [textAttribute('service.name', 'shop')] };
    await this.lake.append(this.project, testRequest(spans, resource));
  }

  async happen(event: Event, more: readonly TestTrace[]): Promise<void> {
    switch (event) {
      case 'arrive':
        return this.send(more);
      case 'arrive again':
        return this.sendAgain();
      case 'flush':
        return this.lake.flush();
      case 'merge':
        await this.lake.flush();
        return this.lake.compact();
    }
  }
}

/** Every identity that a search gives, page by page; `between` runs after each page. */
async function walk(
  lake: Lake,
  project: string,
  asked: { readonly what: 'spans' | 'traces'; readonly order: SearchOrder; readonly limit: number },
  between: (page: number) => Promise<void>,
): Promise<string[]> {
  const found: string[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < 200; page++) {
    const question = {
      query: parseQuery('{ resource.service.name = "shop" }'),
      range: RANGE,
      order: asked.order,
      limit: asked.limit,
      ...(cursor === undefined ? {} : { cursor }),
    };
    if (asked.what === 'spans') {
      const answer = await lake.searchSpans(project, question);
      found.push(...answer.spans.map((span) => `${span.traceId} ${span.spanId}`));
      cursor = answer.nextCursor;
    } else {
      const answer = await lake.searchTraces(project, question);
      found.push(...answer.traces.map((trace) => trace.traceId));
      cursor = answer.nextCursor;
    }
    if (cursor === undefined) return found;
    await between(page);
  }
  throw new Error('the pages have no end');
}

let lake: Lake;
let nextProject = 0;
beforeAll(async () => {
  lake = await openLake({ dataDir: join(folder, 'lake'), background: false, rewriter });
});
afterAll(() => lake.close());

test('nothing is skipped and nothing repeated while spans arrive, are flushed and merged', async () => {
  const asked = fc.record({
    what: fc.constantFrom('spans' as const, 'traces' as const),
    order: fc.constantFrom(...ORDERS),
    limit: fc.integer({ min: 1, max: 4 }),
  });
  await fc.assert(
    fc.asyncProperty(
      asked,
      traces,
      traces,
      traces,
      events,
      async (question, old, fresh, more, happenings) => {
        const project = `p${nextProject++}`;
        const traffic = new Traffic(lake, project);
        await traffic.send(old);
        await lake.flush();
        await traffic.send(fresh);
        const there = await walk(lake, project, { ...question, limit: 1000 }, async () => {});
        expect(new Set(there).size).toBe(there.length);
        const found = await walk(lake, project, question, async (page) => {
          for (const event of happenings[page] ?? []) await traffic.happen(event, more.slice(0, 2));
        });
        expect(found.length - new Set(found).size).toBe(0);
        const wanted = new Set(there);
        // In the order of the first look, and all of it.
        expect(found.filter((identity) => wanted.has(identity))).toEqual(there);
      },
    ),
    { numRuns: 25 },
  );
}, 60_000);

describe('a search that is cut by time', () => {
  const spans = Array.from({ length: 60 }, (_, i) =>
    makeSpan({
      traceId: (i * 104_729 + 1).toString(16).padStart(32, '0'),
      spanId: (i + 1).toString(16).padStart(16, '0'),
      startTimeUnixNano: TEST_START + BigInt((i * 13) % 40),
      durationNano: BigInt((i * 7) % 30),
    }),
  );

  test.each(ORDERS)('leads on from where it stopped: %s', async (order) => {
    const hurried = new TestLake(mkdtempSync(join(folder, 'hurried-')), { timeLimitMs: 0 });
    const patient = new TestLake(hurried.dataDir);
    try {
      for (let from = 0; from < 50; from += 10) {
        hurried.append(spans.slice(from, from + 10));
        await hurried.flush(4);
      }
      hurried.buffers.push(columnsOf(spans.slice(50)));
      [patient.files, patient.buffers] = [hurried.files, hurried.buffers];
      const question = { query: parseQuery('{}'), range: RANGE, order, limit: 25 };
      const { spans: whole } = await patient.reader.searchSpans('test', { ...question, limit: 1000 });
      const found: string[] = [];
      let cursor: string | undefined;
      let pages = 0;
      let cut = 0;
      do {
        if (++pages > 100) throw new Error('the pages have no end');
        const page = await hurried.reader.searchSpans('test', { ...question, ...(cursor ? { cursor } : {}) });
        found.push(...page.spans.map(({ spanId }) => spanId));
        if (page.complete !== true) cut++;
        cursor = page.nextCursor;
      } while (cursor !== undefined);
      expect(found).toEqual(whole.map(({ spanId }) => spanId));
      expect(cut).toBeGreaterThan(0);
    } finally {
      hurried.reader.close();
      patient.reader.close();
    }
  });
});
