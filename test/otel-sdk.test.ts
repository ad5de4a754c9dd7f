/**
 * The real OpenTelemetry SDK with each of its exporters, plain and with gzip, against the binary: a trace
 * with every kind of attribute, events, links and statuses comes back over the API as it was sent.
 */
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace, TraceFlags } from '@opentelemetry/api';
import type { HrTime, Link, SpanContext } from '@opentelemetry/api';
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test';
import { createProvider, OTLP_PROTOCOLS } from './support/otel.ts';
import type { OtlpProtocol } from './support/otel.ts';
import { runBinary, TestServer } from './support/server.ts';

setDefaultTimeout(60_000);

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start();
});
afterAll(() => server[Symbol.asyncDispose]());

/** Nanoseconds that a double does not hold. */
const SECONDS = 1_700_000_000;
const at = (nanos: number): HrTime => [SECONDS, nanos];
const unixNano = (nanos: number): string => String(BigInt(SECONDS) * 1_000_000_000n + BigInt(nanos));

const REMOTE: SpanContext = {
  traceId: 'aabbccddeeff00112233445566778899',
  spanId: '0011223344556677',
  traceFlags: TraceFlags.SAMPLED,
  isRemote: true,
};

const ATTRIBUTES = {
  text: 'grüße 👋 "quoted" \\ \n',
  empty: '',
  integer: 42,
  negative: -7,
  largest: Number.MAX_SAFE_INTEGER,
  double: 0.1,
  yes: true,
  no: false,
  texts: ['a', '', 'c'],
  integers: [1, 2, 3],
  doubles: [1.5, 2.5],
  booleans: [true, false],
  'http.route': '/cart/{id}',
};

const EXPECTED_ATTRIBUTES = {
  text: { stringValue: ATTRIBUTES.text },
  empty: { stringValue: '' },
  integer: { intValue: '42' },
  negative: { intValue: '-7' },
  largest: { intValue: '9007199254740991' },
  double: { doubleValue: 0.1 },
  yes: { boolValue: true },
  no: { boolValue: false },
  texts: { arrayValue: { values: [{ stringValue: 'a' }, { stringValue: '' }, { stringValue: 'c' }] } },
  integers: { arrayValue: { values: [{ intValue: '1' }, { intValue: '2' }, { intValue: '3' }] } },
  doubles: { arrayValue: { values: [{ doubleValue: 1.5 }, { doubleValue: 2.5 }] } },
  booleans: { arrayValue: { values: [{ boolValue: true }, { boolValue: false }] } },
  'http.route': { stringValue: '/cart/{id}' },
};

interface Sent {
  readonly traceId: string;
  readonly rootId: string;
  readonly childId: string;
}

async function sendTrace(protocol: OtlpProtocol, gzip: boolean): Promise<Sent> {
  const url = protocol === 'grpc' ? server.grpcUrl : `${server.url}/i/v1/traces`;
  const provider = createProvider({
    protocol,
    url,
    gzip,
    resource: { 'service.name': 'cart', 'host.cpu.count': 8, 'process.command_args': ['bun', 'run'] },
  });
  const link: Link = { context: REMOTE, attributes: { why: 'queue', hop: 2 } };
  const root = provider.tracer.startSpan(
    'GET /cart',
    { kind: SpanKind.SERVER, startTime: at(123_456_789), attributes: ATTRIBUTES, links: [link] },
    ROOT_CONTEXT,
  );
  const inRoot = trace.setSpan(ROOT_CONTEXT, root);
  const kinds = [SpanKind.INTERNAL, SpanKind.CLIENT, SpanKind.PRODUCER, SpanKind.CONSUMER];
  const [child] = kinds.map((kind, n) => {
    const one = provider.tracer.startSpan(`child ${n}`, { kind, startTime: at(200_000_001 + n) }, inRoot);
    if (n === 1) one.setStatus({ code: SpanStatusCode.OK });
    if (n === 0) {
      one.addEvent('cache miss', { key: 'cart:1', tries: 2 }, at(200_000_007));
      one.recordException(
        { name: 'RangeError', message: 'out of stock', stack: 'RangeError: …\n  at x' },
        at(200_000_009),
      );
      one.setStatus({ code: SpanStatusCode.ERROR, message: 'out of stock' });
    }
    one.end(at(300_000_001 + n));
    return one;
  });
  root.end(at(999_999_999));
  await provider.send();
  return {
    traceId: root.spanContext().traceId,
    rootId: root.spanContext().spanId,
    childId: child.spanContext().spanId,
  };
}

interface KeyValue {
  readonly key: string;
  readonly value: unknown;
}
interface SpanAnswer {
  readonly spanId: string;
  readonly name: string;
  readonly attributes: readonly KeyValue[];
  readonly resource: { readonly attributes: readonly KeyValue[] };
  readonly [field: string]: unknown;
}

function byKey(attributes: readonly KeyValue[]): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, value]));
}

async function readTrace(traceId: string): Promise<readonly SpanAnswer[]> {
  const answer = await server.fetch(`/api/v1/traces/${traceId}`);
  expect(answer.status).toBe(200);
  return ((await answer.json()) as { spans: SpanAnswer[] }).spans;
}

const WAYS = OTLP_PROTOCOLS.flatMap((protocol) => [
  [protocol, 'plain'] as const,
  [protocol, 'gzip'] as const,
]);

test.each(WAYS)('%s, %s: exact to the nanosecond', async (protocol, compression) => {
  const sent = await sendTrace(protocol, compression === 'gzip');
  const spans = await readTrace(sent.traceId);
  expect(spans).toHaveLength(5);
  const root = spans.find(({ spanId }) => spanId === sent.rootId);
  const child = spans.find(({ spanId }) => spanId === sent.childId);
  if (root === undefined || child === undefined) throw new Error('spans are missing');

  expect(root).toMatchObject({
    traceId: sent.traceId,
    parentSpanId: '',
    name: 'GET /cart',
    kind: 2,
    serviceName: 'cart',
    startTimeUnixNano: unixNano(123_456_789),
    endTimeUnixNano: unixNano(999_999_999),
    durationNano: String(999_999_999 - 123_456_789),
    status: { code: 0, message: '' },
    events: [],
    scope: { name: 'test-tracer', version: '1.2.3' },
  });
  expect(byKey(root.attributes)).toEqual(EXPECTED_ATTRIBUTES);
  expect(byKey(root.resource.attributes)).toMatchObject({
    'service.name': { stringValue: 'cart' },
    'host.cpu.count': { intValue: '8' },
    'process.command_args': { arrayValue: { values: [{ stringValue: 'bun' }, { stringValue: 'run' }] } },
  });
  expect(root.links).toMatchObject([
    {
      traceId: REMOTE.traceId,
      spanId: REMOTE.spanId,
      attributes: [
        { key: 'why', value: { stringValue: 'queue' } },
        { key: 'hop', value: { intValue: '2' } },
      ],
    },
  ]);

  expect(child).toMatchObject({
    parentSpanId: sent.rootId,
    kind: 1,
    status: { code: 2, message: 'out of stock' },
    startTimeUnixNano: unixNano(200_000_001),
    endTimeUnixNano: unixNano(300_000_001),
    events: [
      {
        name: 'cache miss',
        timeUnixNano: unixNano(200_000_007),
        attributes: [
          { key: 'key', value: { stringValue: 'cart:1' } },
          { key: 'tries', value: { intValue: '2' } },
        ],
      },
      { name: 'exception', timeUnixNano: unixNano(200_000_009) },
    ],
  });
  const [, exception] = child.events as { attributes: KeyValue[] }[];
  expect(byKey(exception.attributes)).toEqual({
    'exception.type': { stringValue: 'RangeError' },
    'exception.message': { stringValue: 'out of stock' },
    'exception.stacktrace': { stringValue: 'RangeError: …\n  at x' },
  });
  const statuses = Object.fromEntries(spans.map(({ name, kind, status }) => [name, [kind, status]]));
  expect(statuses['child 1']).toEqual([3, { code: 1, message: '' }]);
  expect([statuses['child 2'][0], statuses['child 3'][0]]).toEqual([4, 5]);
});

test('what was sent is found by service, status, duration and attributes', async () => {
  const sent = await sendTrace('http/protobuf', false);
  for (const query of [
    '{ resource.service.name = "cart" && span.http.route = "/cart/{id}" }',
    '{ span.integer = 42 && span.yes = true }',
    '{ duration > 800ms }',
    '{ status = error && event:name = "exception" }',
    '{ span.texts = "c" }',
  ]) {
    const answer = await server.fetch(`/api/v1/traces?q=${encodeURIComponent(query)}`);
    const { traces } = (await answer.json()) as { traces: { traceId: string }[] };
    expect([query, traces.map(({ traceId }) => traceId)]).toEqual([
      query,
      expect.arrayContaining([sent.traceId]),
    ]);
  }
});

test('with a token, spans go to its project; a wrong one makes the SDK fail, not forget', async () => {
  const { dataDir } = server;
  await using other = await TestServer.start();
  const made = async (scope: string) => {
    const { stdout, stderr } = await runBinary([
      'token',
      'create',
      '--data',
      other.dataDir,
      '--project',
      'default',
      '--scope',
      scope,
    ]);
    const token = /slk_\w+_[\w-]+/.exec(stdout)?.[0];
    if (token === undefined) throw new Error(`no token in: ${stdout}${stderr}`);
    return token;
  };
  expect(other.dataDir).not.toBe(dataDir);
  const ingest = await made('ingest');
  const read = await made('read');
  for (const protocol of OTLP_PROTOCOLS) {
    const url = protocol === 'grpc' ? other.grpcUrl : `${other.url}/v1/traces`;
    const good = createProvider({ protocol, url, token: ingest });
    const span = good.tracer.startSpan('with a token');
    span.end();
    await good.send();
    const headers = { authorization: `Bearer ${read}` };
    const path = `/api/v1/traces/${span.spanContext().traceId}`;
    expect((await other.fetch(path, { headers })).status).toBe(200);
    expect((await other.fetch(path)).status).toBe(401);

    const bad = createProvider({ protocol, url, token: 'slk_ingest_wrong' });
    bad.tracer.startSpan('lost').end();
    const failed = await bad.send().then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(failed).toBeDefined();
  }
});
