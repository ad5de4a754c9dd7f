/**
 * What every store of spans must do, whichever it is: one suite, run by each store's own test file.
 * `open` opens the store on a place that outlives it, so that a reopen sees what was stored.
 */
import { expect, test } from 'bun:test';
import { encodeTracesProtobuf } from '../otlp/encode.ts';
import { OtlpDecodeError } from '../otlp/errors.ts';
import type { Attribute, Span } from '../span/span.ts';
import { parseQuery } from '../traceql/parse.ts';
import type { ExportRequest, SearchQuestion, TimeRange } from './span-store.ts';
import type { Store } from './store-upkeep.ts';
import { rejection } from './testing/rejection.ts';

export interface StorePlace {
  open(): Promise<Store>;
  /** Ends the store as a killed process would: nothing is drained. */
  kill(store: Store): Promise<void>;
  /** Moves what the store holds in memory to where it stays. */
  settle(store: Store): Promise<void>;
  remove(): Promise<void>;
}

const EVER: TimeRange = { startUnixNano: 0n, endUnixNano: 2n ** 64n - 1n };
const START = 1_700_000_000_123_456_789n;

function text(key: string, value: string): Attribute {
  return { key, value: { type: 'string', value } };
}

/** The nth span of the suite: three to a trace, services in turn, every fifth an error. */
function suiteSpan(n: number): Span {
  const serviceName = ['checkout', 'cart', 'payment'][n % 3];
  return {
    traceId: (0xabc0000 + Math.floor(n / 3)).toString(16).padStart(32, '7'),
    spanId: (n + 1).toString(16).padStart(16, '0'),
    parentSpanId: n % 3 === 0 ? '' : (n - (n % 3) + 1).toString(16).padStart(16, '0'),
    traceState: 'vendor=1',
    name: `operation ${n % 2}`,
    kind: 1 + (n % 5),
    startTimeUnixNano: START + BigInt(n) * 1_000_000n,
    durationNano: BigInt(n + 1) * 1_000n,
    statusCode: n % 5 === 0 ? 2 : 0,
    statusMessage: n % 5 === 0 ? 'it broke' : '',
    flags: 257,
    attributes: [
      text('http.route', `/route/${n % 4}`),
      { key: 'attempt', value: { type: 'int', value: BigInt(n) } },
      { key: 'list', value: { type: 'array', value: [{ type: 'double', value: 1 }, { type: 'empty' }] } },
    ],
    droppedAttributesCount: 1,
    events: [
      {
        timeUnixNano: START + 7n,
        name: 'exception',
        attributes: [text('exception.type', 'Oops')],
        droppedAttributesCount: 2,
      },
    ],
    droppedEventsCount: 3,
    links: [
      {
        traceId: 'f'.repeat(32),
        spanId: 'e'.repeat(16),
        traceState: '',
        attributes: [text('why', 'because')],
        droppedAttributesCount: 4,
        flags: 1,
      },
    ],
    droppedLinksCount: 5,
    serviceName,
    resource: {
      attributes: [text('service.name', serviceName)],
      droppedAttributesCount: 6,
      schemaUrl: 'https://r',
    },
    scope: {
      name: 'suite',
      version: '1',
      attributes: [text('s', 't')],
      droppedAttributesCount: 7,
      schemaUrl: 'https://s',
    },
  };
}

function suiteSpans(from: number, to: number): Span[] {
  return Array.from({ length: to - from }, (_, i) => suiteSpan(from + i));
}

function requestOf(spans: readonly Span[]): ExportRequest {
  const body = encodeTracesProtobuf(spans);
  return { format: 'protobuf', body, received: { encoding: 'identity', bytes: body } };
}

function question(query: string, more: Partial<SearchQuestion> = {}): SearchQuestion {
  return { query: parseQuery(query), range: EVER, order: 'oldest', limit: 1_000, ...more };
}

/** The order of attributes means nothing in OTLP, and a store need not keep it. */
function comparable(span: Span): Span {
  return { ...span, attributes: span.attributes.toSorted((a, b) => (a.key < b.key ? -1 : 1)) };
}

async function foundIds(store: Store, query: string, more: Partial<SearchQuestion> = {}): Promise<string[]> {
  const page = await store.searchSpans('default', question(query, more));
  expect(page.complete).toBe(true);
  return page.spans.map((span) => span.spanId);
}

const ids = (spans: readonly Span[]) => spans.map((span) => span.spanId);

/** `name` is the store's; `newPlace` makes an empty place for each test. */
export function spanStoreSuite(name: string, newPlace: () => Promise<StorePlace>): void {
  function check(what: string, body: (store: Store, place: StorePlace) => Promise<Store | void>): void {
    test(`${name}: ${what}`, async () => {
      const place = await newPlace();
      const store = await place.open();
      let last: Store = store;
      try {
        last = (await body(store, place)) ?? store;
      } finally {
        await last.close();
        await place.remove();
      }
    });
  }

  check('starts empty, and is not after the first span', async (store) => {
    expect(store.isEmpty('default')).toBe(true);
    expect(await foundIds(store, '{}')).toEqual([]);
    expect(await store.append('default', requestOf(suiteSpans(0, 2)))).toMatchObject({
      accepted: 2,
      rejected: 0,
      message: '',
    });
    expect(store.isEmpty('default')).toBe(false);
    expect(store.isEmpty('shop')).toBe(true);
  });

  check('gives spans back as they came: before, while and after they settle', async (store, place) => {
    const spans = suiteSpans(0, 9);
    await store.append('default', requestOf(spans));
    for (const settled of [false, true]) {
      if (settled) await place.settle(store);
      const page = await store.searchSpans('default', question('{}'));
      expect(page.spans.map(comparable)).toEqual(spans.map(comparable));
      const trace = await store.trace('default', spans[4].traceId);
      expect(trace.spans.map(comparable)).toEqual(spans.slice(3, 6).map(comparable));
    }
  });

  check('keeps what it acknowledged when the process is killed', async (store, place) => {
    await store.append('default', requestOf(suiteSpans(0, 4)));
    await place.settle(store);
    await store.append('default', requestOf(suiteSpans(4, 7)));
    await place.kill(store);
    const again = await place.open();
    expect(await foundIds(again, '{}')).toEqual(ids(suiteSpans(0, 7)));
    return again;
  });

  check('keeps what it acknowledged when it is closed', async (store, place) => {
    await store.append('default', requestOf(suiteSpans(0, 4)));
    await store.close();
    const again = await place.open();
    expect(await foundIds(again, '{}')).toEqual(ids(suiteSpans(0, 4)));
    return again;
  });

  check('keeps projects apart', async (store, place) => {
    await store.append('default', requestOf(suiteSpans(0, 3)));
    await store.append('shop', requestOf(suiteSpans(3, 6)));
    for (const settled of [false, true]) {
      if (settled) await place.settle(store);
      expect(await foundIds(store, '{}')).toEqual(ids(suiteSpans(0, 3)));
      expect((await store.trace('default', suiteSpan(3).traceId)).spans).toEqual([]);
      expect((await store.trace('shop', suiteSpan(3).traceId)).spans.length).toBe(3);
    }
  });

  check('takes a request as a whole or not at all', async (store) => {
    const whole = requestOf(suiteSpans(0, 3)).body;
    const body = whole.subarray(0, whole.length - 5);
    const torn: ExportRequest = { format: 'protobuf', body, received: { encoding: 'identity', bytes: body } };
    expect(await rejection(store.append('default', torn))).toBeInstanceOf(OtlpDecodeError);
    expect(await foundIds(store, '{}')).toEqual([]);
    expect(store.isEmpty('default')).toBe(true);
  });

  check('refuses writes and nothing else once it closes', async (store) => {
    await store.append('default', requestOf(suiteSpans(0, 1)));
    const closing = store.close();
    expect((await rejection(store.append('default', requestOf(suiteSpans(1, 2))))).message).toContain(
      'closing',
    );
    await closing;
  });

  check('reports its own state', async (store, place) => {
    await store.append('default', requestOf(suiteSpans(0, 5)));
    expect(store.health()).toMatchObject({ writable: true, reason: '', quarantined: [] });
    await place.settle(store);
    const { bufferRows, fileRows } = store.health();
    expect(bufferRows + fileRows).toBe(5);
  });

  check('finds spans over memory and files at once, each once', async (store, place) => {
    await store.append('default', requestOf(suiteSpans(0, 10)));
    await place.settle(store);
    await store.append('default', requestOf(suiteSpans(10, 20)));
    const all = suiteSpans(0, 20);
    expect(await foundIds(store, '{}')).toEqual(ids(all));
    expect(await foundIds(store, '{ status = error }')).toEqual(
      ids(all.filter((span) => span.statusCode === 2)),
    );
    const cart = all.filter((span) => span.serviceName === 'cart');
    expect(await foundIds(store, '{ resource.service.name = "cart" }')).toEqual(ids(cart));
    const slow = all.filter((span) => span.durationNano > 10_000n);
    expect(await foundIds(store, '{ duration > 10us }', { order: 'newest' })).toEqual(ids(slow).reverse());
    const range = { startUnixNano: all[5].startTimeUnixNano, endUnixNano: all[12].startTimeUnixNano };
    expect(await foundIds(store, '{}', { range })).toEqual(ids(all.slice(5, 12)));
  });

  check(
    'answers the same once files are merged, and a span that was delivered twice is one',
    async (store, place) => {
      const all = suiteSpans(0, 12);
      for (const part of [all.slice(0, 6), all.slice(6), [...all.slice(2, 4), ...all.slice(8, 9)]]) {
        await store.append('default', requestOf(part));
        await place.settle(store);
      }
      const before = await store.searchSpans('default', question('{}', { order: 'oldest' }));
      expect(ids(before.spans)).toEqual(ids(all));
      await store.compact();
      const after = await store.searchSpans('default', question('{}', { order: 'oldest' }));
      expect(after.spans.map(comparable)).toEqual(all.map(comparable));
      const { spans } = await store.trace('default', all[3].traceId);
      expect(spans.map(comparable)).toEqual(all.slice(3, 6).map(comparable));
      expect(store.usage('default')).toMatchObject({
        projectId: 'default',
        rows: 12,
        oldestUnixNano: all[0].startTimeUnixNano,
        newestUnixNano: all[11].startTimeUnixNano,
      });
      expect(store.usage('shop').rows).toBe(0);
    },
  );

  check('pages through everything while memory settles, each span once', async (store, place) => {
    const all = suiteSpans(0, 20);
    await store.append('default', requestOf(all.slice(0, 12)));
    await place.settle(store);
    await store.append('default', requestOf(all.slice(12)));
    for (const order of ['newest', 'oldest', 'slowest'] as const) {
      const found: string[] = [];
      let cursor: string | undefined;
      do {
        const more = cursor === undefined ? {} : { cursor };
        const page = await store.searchSpans('default', question('{}', { order, limit: 3, ...more }));
        found.push(...ids(page.spans));
        cursor = page.nextCursor;
        await place.settle(store);
      } while (cursor !== undefined);
      expect(found).toEqual(ids(order === 'oldest' ? all : all.toReversed()));
    }
  });

  check('refuses a cursor of another question', async (store) => {
    await store.append('default', requestOf(suiteSpans(0, 9)));
    const { nextCursor } = await store.searchSpans('default', question('{}', { limit: 2 }));
    const other = question('{ status = error }', { limit: 2, cursor: nextCursor! });
    expect(await rejection(store.searchSpans('default', other))).toMatchObject({ code: 'invalid_cursor' });
  });

  check('summarises traces that lie in memory and files', async (store, place) => {
    const all = suiteSpans(0, 9);
    await store.append('default', requestOf(all.filter((_, n) => n % 2 === 0)));
    await place.settle(store);
    await store.append('default', requestOf(all.filter((_, n) => n % 2 === 1)));
    const ask = question('{ resource.service.name = "cart" }', { order: 'newest', limit: 2 });
    const page = await store.searchTraces('default', ask);
    expect(page.complete).toBe(true);
    expect(page.traces.map(({ matched, ...summary }) => ({ ...summary, matched: ids(matched) }))).toEqual(
      [6, 3].map((first) => ({
        traceId: all[first].traceId,
        rootServiceName: 'checkout',
        rootName: all[first].name,
        startTimeUnixNano: all[first].startTimeUnixNano,
        durationNano: 2_000_000n + all[first + 2].durationNano,
        spanCount: 3,
        errorCount: [first, first + 1, first + 2].filter((n) => n % 5 === 0).length,
        services: [first, first + 1, first + 2].map((n) => ({
          name: all[n].serviceName,
          spanCount: 1,
          errorCount: n % 5 === 0 ? 1 : 0,
        })),
        matchedCount: 1,
        matched: [all[first + 1].spanId],
      })),
    );
    const rest = await store.searchTraces('default', { ...ask, cursor: page.nextCursor! });
    expect(rest.traces.map(({ traceId }) => traceId)).toEqual([all[0].traceId]);
    expect(rest.nextCursor).toBeUndefined();
    const byRoot = question('{ rootName = "operation 1" && parent != nil }', { limit: 10 });
    const rooted = await store.searchTraces('default', byRoot);
    expect(rooted.traces.map(({ traceId, matchedCount }) => ({ traceId, matchedCount }))).toEqual([
      { traceId: all[3].traceId, matchedCount: 2 },
    ]);
  });

  check('counts services, operations, keys and values', async (store, place) => {
    const all = suiteSpans(0, 20);
    await store.append('default', requestOf(all.slice(0, 12)));
    await place.settle(store);
    await store.append('default', requestOf(all.slice(12)));
    const { stats } = await store.serviceStats('default', { range: EVER });
    for (const each of stats) {
      const own = all.filter(({ serviceName }) => serviceName === each.serviceName);
      expect(each).toMatchObject({
        name: '',
        kind: 0,
        count: own.length,
        errorCount: own.filter(({ statusCode }) => statusCode === 2).length,
        maxNano: own[own.length - 1].durationNano,
      });
    }
    expect(stats.map(({ serviceName }) => serviceName).sort()).toEqual(['cart', 'checkout', 'payment']);
    const operations = (await store.operationStats('default', 'cart', { range: EVER })).stats;
    expect(operations.reduce((sum, { count }) => sum + count, 0)).toBe(7);
    const ask = { query: parseQuery('{}'), range: EVER, prefix: 'http.', limit: 10 };
    const { keys } = await store.attributeKeys('default', ask);
    expect(keys).toEqual([{ scope: 'span', key: 'http.route', count: 20 }]);
    const { values } = await store.attributeValues('default', 'span.http.route', {
      ...ask,
      prefix: '/route/',
    });
    expect(values).toEqual(
      ['0', '1', '2', '3'].map((n) => ({ type: 'string', value: `/route/${n}`, count: 5 })),
    );
    const errors = { ...ask, query: parseQuery('{ status = error }'), prefix: '' };
    expect((await store.attributeValues('default', 'status', errors)).values).toEqual([
      { type: 'keyword', value: 'error', count: 4 },
    ]);
  });
}
