import { afterAll, describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import type { Attribute, Span } from '../../../../span/span.ts';
import type { Dependency, TimeRange } from '../../../span-store.ts';
import { naiveDependencies } from '../testing/dependencies-naive.ts';
import { BASE } from '../testing/arbitrary-spans.ts';
import { scratchFolder } from '../testing/scratch-folder.ts';
import { TestLake } from '../testing/test-lake.ts';

const dataDir = scratchFolder('dependencies');
const lakes: TestLake[] = [];
/** One each: a test that runs out of time goes on beside the next. */
function emptyLake(): TestLake {
  const lake = new TestLake(dataDir);
  lakes.push(lake);
  return lake;
}
afterAll(() => {
  for (const lake of lakes) lake.reader.close();
});

const EVERYTHING = { startUnixNano: 0n, endUnixNano: 1n << 64n };
const SECOND = 1_000_000_000n;

const EMPTY = { attributes: [], droppedAttributesCount: 0, schemaUrl: '' };

function span(given: Partial<Span>): Span {
  const serviceName = given.serviceName ?? 'shop';
  const name: Attribute = { key: 'service.name', value: { type: 'string', value: serviceName } };
  return {
    traceId: '1'.repeat(32),
    spanId: '0000000000000001',
    parentSpanId: '',
    traceState: '',
    name: 'a',
    kind: 1,
    startTimeUnixNano: BASE,
    durationNano: 10n,
    statusCode: 0,
    statusMessage: '',
    flags: 0,
    attributes: [],
    droppedAttributesCount: 0,
    events: [],
    droppedEventsCount: 0,
    links: [],
    droppedLinksCount: 0,
    resource: { ...EMPTY, attributes: serviceName === '' ? [] : [name] },
    scope: { ...EMPTY, name: '', version: '' },
    ...given,
    serviceName,
  };
}

const texts = (given: Record<string, string>): Attribute[] =>
  Object.entries(given).map(([key, value]) => ({ key, value: { type: 'string', value } }));

const id = (n: number) => n.toString(16).padStart(16, '0');

/** Spans of few traces, each id once; parents may be missing, later, or of another part. */
const spanArbitrary = fc
  .record({
    trace: fc.integer({ min: 1, max: 6 }),
    parent: fc.integer({ min: 0, max: 14 }),
    service: fc.constantFrom('shop', 'cart', 'pay', 'cart', 'pay', ''),
    kind: fc.integer({ min: 0, max: 5 }),
    start: fc.oneof(
      { weight: 8, arbitrary: fc.bigInt(0n, 40n) },
      fc.constantFrom(-61n * SECOND, -59n * SECOND, 59n * SECOND, 61n * SECOND),
    ),
    duration: fc.constantFrom(0n, 5n, 50n, 300_000n, -1n),
    error: fc.boolean(),
    attributes: fc.constantFrom<Record<string, string>>(
      {},
      {},
      { 'db.system.name': 'postgresql', 'server.address': 'db-1' },
      { 'db.system': 'redis', 'db.namespace': '0' },
      { 'db.name': 'orders', 'db.system': 'mysql' },
      { 'messaging.system': 'kafka', 'messaging.destination.name': 'orders' },
      { 'peer.service': 'bank', 'server.address': 'bank.example' },
      { 'server.address': '' },
    ),
  })
  .map(({ trace, parent, service, kind, start, duration, error, attributes }) =>
    span({
      traceId: String(trace).repeat(32),
      parentSpanId: parent === 0 ? '' : id(parent),
      serviceName: service,
      kind,
      startTimeUnixNano: BASE + start,
      durationNano: duration,
      statusCode: error ? 2 : 0,
      attributes: texts(attributes),
    }),
  );

/** The n-th span of a trace has the id n: parents are often there. */
function numbered(spans: readonly Span[]): Span[] {
  const counts = new Map<string, number>();
  return spans.map((one) => {
    const n = (counts.get(one.traceId) ?? 0) + 1;
    counts.set(one.traceId, n);
    return { ...one, spanId: id(n) };
  });
}

async function ask(lake: TestLake, range: TimeRange) {
  const { dependencies, complete } = await lake.reader.dependencies('test', { range });
  expect(complete).toBe(true);
  return dependencies;
}

/** Without the quantiles, which are within 1 %. */
function comparable(found: readonly Dependency[]) {
  return found.map(({ client, server, connectionType, calls, errors }) => ({
    client,
    server,
    connectionType,
    calls,
    errors,
  }));
}

describe('the service graph', () => {
  test('is that of the naive definition, wherever the spans stand', async () => {
    const lake = emptyLake();
    await fc.assert(
      fc.asyncProperty(
        fc.array(spanArbitrary, { minLength: 1, maxLength: 80, size: 'max' }).map(numbered),
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 0, max: 4 }),
        fc.constantFrom(2, 11, 1000),
        fc.boolean(),
        async (spans, parts, flushed, rowGroupRows, whole) => {
          lake.clear();
          for (let part = 0; part < parts; part++)
            lake.append(spans.filter((_, i) => (i * 7) % parts === part));
          for (let part = 0; part < Math.min(parts, flushed); part++) await lake.flush(rowGroupRows);
          const range = whole ? EVERYTHING : { startUnixNano: BASE + 3n, endUnixNano: BASE + 35n };
          const found = await ask(lake, range);
          const wanted = naiveDependencies(spans, range);
          expect(comparable(found)).toEqual(comparable(wanted));
          found.forEach((edge, i) => {
            for (const key of ['p50Nano', 'p95Nano', 'p99Nano'] as const)
              expectClose(edge[key], wanted[i][key]);
          });
        },
      ),
      // A failure is told as small as it is by then.
      { numRuns: 30, interruptAfterTimeLimit: 60_000 },
    );
  }, 120_000);

  test('long traces and many equal starts', async () => {
    const lake = emptyLake();
    const spans = Array.from({ length: 900 }, (_, i) =>
      span({
        traceId: String(1 + Math.floor(i / 300)).repeat(32),
        spanId: id((i % 300) + 1),
        parentSpanId: i % 300 === 0 ? '' : id(((i * 13) % (i % 300)) + 1),
        serviceName: ['a', 'b', 'c'][i % 3],
        kind: 3,
        startTimeUnixNano: BASE + BigInt(i % 3),
      }),
    );
    lake.append(spans);
    await lake.flush(1000);
    expect(comparable(await ask(lake, EVERYTHING))).toEqual(comparable(naiveDependencies(spans, EVERYTHING)));
  });

  test('a span that was delivered twice is one call, in a file and in a buffer', async () => {
    const lake = emptyLake();
    const [client, server] = [
      span({ kind: 3 }),
      span({ kind: 2, spanId: id(2), parentSpanId: id(1), serviceName: 'cart' }),
    ];
    const others = ['0', '2'].map((digit) =>
      span({ traceId: digit.repeat(31) + '1', startTimeUnixNano: BASE - 5n }),
    );
    const again = { ...server, durationNano: 12n };
    const wanted = [{ client: 'shop', server: 'cart', connectionType: '' as const, calls: 1, errors: 0 }];
    for (const flushed of [false, true]) {
      lake.clear();
      lake.append([...others, client, server, again, { ...client, traceId: '3'.repeat(32) }]);
      if (flushed) await lake.flush(1000);
      expect(comparable(await ask(lake, EVERYTHING))).toEqual(wanted);
    }
  });

  test('a parent whose child came in a later file is no call of somebody silent', async () => {
    const lake = emptyLake();
    const client = span({ kind: 3, attributes: texts({ 'peer.service': 'cart-host' }) });
    const around = ['2', '3'].map((digit) => span({ traceId: digit.repeat(32) }));
    lake.append([
      { ...around[0], startTimeUnixNano: BASE - 1n },
      client,
      { ...around[1], startTimeUnixNano: BASE + 9n },
    ]);
    await lake.flush(1000);
    expect(comparable(await ask(lake, EVERYTHING))).toMatchObject([
      { server: 'cart-host', connectionType: 'virtual_node' },
    ]);
    const children = [2, 3].map((n) =>
      span({
        kind: 2,
        spanId: id(n),
        parentSpanId: id(1),
        serviceName: 'cart',
        startTimeUnixNano: BASE + BigInt(n),
      }),
    );
    const second = around.map((one, i) => ({ ...one, startTimeUnixNano: BASE + BigInt(i * 10) }));
    lake.append([...second, children[0]]);
    const wanted = (calls: number) => [
      { client: 'shop', server: 'cart', connectionType: '' as const, calls, errors: 0 },
    ];
    expect(comparable(await ask(lake, EVERYTHING))).toEqual(wanted(1));
    await lake.flush(1000);
    lake.append([children[1]]);
    expect(comparable(await ask(lake, EVERYTHING))).toEqual(wanted(2));
  });
});

/**
 * Within 1 %. A call that is taken back stays the longest, by which values below zero are told from zero: those may
 * be given as zero.
 */
/** Within 1 %; a negative duration, of a clock that was set back, counts as none. */
function expectClose(found: bigint, exact: bigint): void {
  const wanted = exact < 0n ? 0n : exact;
  expect(Math.abs(Number(found - wanted))).toBeLessThanOrEqual(Number(wanted) * 0.01);
}
