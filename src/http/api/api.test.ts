/** Each route of the API over a real lake; each answer, good or bad, against its schema in /openapi.json. */
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { encodeTracesProtobuf } from '../../otlp/encode.ts';
import { CART, DescribedApi, NOW, ORDER, SECOND, SPANS } from '../testing/described.ts';
import type { Json } from '../testing/described.ts';
import { FIGURE_ROUTES } from './figures.ts';
import { parameterKey } from './openapi-parameters.ts';

let api: DescribedApi;
beforeAll(async () => {
  api = await DescribedApi.start();
});
afterAll(() => api[Symbol.asyncDispose]());

function ask<T = Json>(path: string, status?: number, method = 'GET'): Promise<T> {
  return api.ask<T>(path, status, { method });
}

interface SpanAnswer {
  readonly traceId: string;
  readonly spanId: string;
  readonly name: string;
  readonly attributes: readonly { readonly key: string }[];
  readonly resource: { readonly attributes: readonly { readonly key: string }[] };
}
interface Page extends Json {
  readonly spans: readonly SpanAnswer[];
  readonly nextCursor?: string;
}

async function names(query: string): Promise<string[]> {
  const page = await ask<Page>(`/api/v1/spans?${query}`);
  return page.spans.map((one) => one.name);
}

test('every field of a span comes back exact', async () => {
  const trace = await ask<Page>(`/api/v1/traces/${CART}`);
  expect(trace.traceId).toBe(CART);
  expect(trace.complete).toBe(true);
  expect(trace.spans[0]).toEqual({
    traceId: CART,
    spanId: '0000000000000001',
    parentSpanId: '',
    traceState: 'a=b',
    flags: 0x101,
    name: 'GET /cart',
    kind: 2,
    serviceName: 'cart',
    startTimeUnixNano: String(NOW - 60n * SECOND),
    endTimeUnixNano: String(NOW - 60n * SECOND + 5_000_000n),
    durationNano: '5000000',
    status: { code: 0, message: '' },
    attributes: [
      { key: 'http.route', value: { stringValue: '/cart/{id}' } },
      { key: 'int', value: { intValue: '-9223372036854775808' } },
      { key: 'double', value: { doubleValue: 0.1 } },
      { key: 'not a number', value: { doubleValue: 'NaN' } },
      { key: 'flag', value: { boolValue: false } },
      { key: 'bytes', value: { bytesValue: 'AP8=' } },
      { key: 'empty', value: {} },
      { key: 'list', value: { arrayValue: { values: [{ intValue: '1' }, {}] } } },
      { key: 'map', value: { kvlistValue: { values: [{ key: 'a/b', value: { stringValue: 'c' } }] } } },
      { key: 'path/with/slash', value: { stringValue: 'x' } },
    ],
    droppedAttributesCount: 3,
    events: [
      {
        timeUnixNano: String(NOW),
        name: 'exception',
        attributes: [{ key: 'exception.type', value: { stringValue: 'E' } }],
        droppedAttributesCount: 6,
      },
    ],
    droppedEventsCount: 4,
    links: [
      {
        traceId: ORDER,
        spanId: '00000000000000ff',
        traceState: 'c=d',
        attributes: [{ key: 'why', value: { stringValue: 'queue' } }],
        droppedAttributesCount: 7,
        flags: 1,
      },
    ],
    droppedLinksCount: 5,
    resource: {
      attributes: [{ key: 'service.name', value: { stringValue: 'cart' } }],
      droppedAttributesCount: 1,
      schemaUrl: 'https://x/1',
    },
    scope: {
      name: 'lib',
      version: '2',
      attributes: [{ key: 'scope.key', value: { stringValue: 'v' } }],
      droppedAttributesCount: 2,
      schemaUrl: 'https://x/2',
    },
  } as never);
});

test('a trace by any way of writing its id, and as OTLP that the receiver takes back', async () => {
  for (const id of [CART.toUpperCase(), 'abc', '0ABC']) {
    expect((await ask<Page>(`/api/v1/traces/${id}`)).spans).toHaveLength(2);
  }
  const otlp = await ask(`/api/v1/traces/${CART}?format=otlp`);
  const headers = { 'content-type': 'application/json' };
  const again = await api.servers.fetch('/v1/traces', {
    method: 'POST',
    headers,
    body: JSON.stringify(otlp),
  });
  expect([again.status, await again.json()]).toEqual([200, {}]);
});

test('TraceQL and the plain filters mean the same, alone and together', async () => {
  const cases: [string, string[]][] = [
    ['', ['SELECT', 'GET /cart', 'POST /order']],
    ['q={}', ['SELECT', 'GET /cart', 'POST /order']],
    [`q=${encodeURIComponent('{ status = error }')}`, ['POST /order']],
    ['status=error', ['POST /order']],
    ['status=unset', ['SELECT', 'GET /cart']],
    ['service=cart', ['SELECT', 'GET /cart']],
    ['operation=SELECT', ['SELECT']],
    ['kind=client', ['SELECT']],
    ['minDuration=500ms', ['SELECT']],
    ['maxDuration=5ms', ['GET /cart', 'POST /order']],
    ['minDuration=5ms&maxDuration=0.005s', ['GET /cart']],
    ['attr=http.route%3D%2Forder', ['POST /order']],
    ['attr=span.http.route=/order', ['POST /order']],
    ['attr=code=500', ['POST /order']],
    ['attr=code=500&attr=http.route=/order', ['POST /order']],
    ['attr=code=500&attr=http.route=/cart', []],
    ['attr=int=-9223372036854775808', ['GET /cart']],
    ['attr=flag=false', ['GET /cart']],
    [`service=cart&q=${encodeURIComponent('{ kind = client }')}`, ['SELECT']],
    [`service=order&q=${encodeURIComponent('{ kind = client }')}`, []],
    [`service=${encodeURIComponent('" || true || "')}`, []],
  ];
  for (const [query, expected] of cases) {
    const found = [...new Set(await names(query))];
    expect([query, found.toSorted()]).toEqual([query, expected.toSorted()]);
  }
});

test('the range: everything unless narrowed, in each way of writing a time', async () => {
  const hourAgo = NOW - 3600n * SECOND;
  const iso = new Date(Number(hourAgo / 1_000_000n)).toISOString();
  for (const start of [
    iso,
    iso.replace('Z', '+00:00'),
    String(hourAgo),
    String(hourAgo / 1000n),
    String(hourAgo / 1_000_000n),
    String(hourAgo / SECOND),
  ]) {
    expect(new Set(await names(`start=${start}`))).toEqual(new Set(['SELECT', 'GET /cart']));
    expect(await names(`end=${encodeURIComponent(start)}`)).toEqual(['POST /order']);
  }
  expect(await names('since=30m')).not.toContain('POST /order');
  expect(await names('since=3h')).toContain('POST /order');
  // Half open: a span that starts at `end` is out.
  expect(await names(`start=${NOW - 60n * SECOND + 1n}&end=${NOW - 60n * SECOND + 2n}`)).toEqual(['SELECT']);
});

test('order, limit and cursor walk everything once', async () => {
  for (const [order, first] of [
    ['newest', 'SELECT'],
    ['oldest', 'POST /order'],
    ['slowest', 'SELECT'],
  ]) {
    const seen: string[] = [];
    let cursor = '';
    do {
      const page = await ask<Page>(`/api/v1/spans?order=${order}&limit=1&cursor=${cursor}`);
      seen.push(...page.spans.map(({ traceId, spanId }) => traceId + spanId));
      if (seen.length === 1) expect(page.spans[0].name).toBe(first);
      cursor = page.nextCursor ?? '';
    } while (cursor !== '' && seen.length < 20);
    expect(new Set(seen).size).toBe(seen.length);
    expect(new Set(seen)).toEqual(new Set(SPANS.map(({ traceId, spanId }) => traceId + spanId)));
  }
});

test('select leaves the other attributes out, and the fields in', async () => {
  for (const select of ['http.route', 'span.http.route', '.http.route, nothing']) {
    const query = `operation=${encodeURIComponent('GET /cart')}&select=${encodeURIComponent(select)}`;
    const { spans } = await ask<Page>(`/api/v1/spans?${query}`);
    expect(spans[0].attributes.map(({ key }) => key)).toEqual(['http.route']);
    expect(spans[0].resource.attributes).toEqual([]);
    expect(spans[0].name).toBe('GET /cart');
  }
  const trace = await ask<Page>(`/api/v1/traces/${CART}?select=resource.service.name`);
  expect(trace.spans[0].attributes).toEqual([]);
  expect(trace.spans[0].resource.attributes.map(({ key }) => key)).toEqual(['service.name']);
});

test('traces in a search, with the figures of the whole trace', async () => {
  const page = await ask<{ traces: Json[] } & Json>('/api/v1/traces?kind=client');
  expect(page.traces).toMatchObject([
    {
      traceId: CART,
      rootServiceName: 'cart',
      rootName: 'GET /cart',
      startTimeUnixNano: String(NOW - 60n * SECOND),
      durationNano: '900000001',
      spanCount: 2,
      errorCount: 0,
      services: [{ name: 'cart', spanCount: 2, errorCount: 0 }],
      matchedCount: 1,
      spans: [{ name: 'SELECT' }],
    },
  ]);
});

test('services, operations, attribute keys and values', async () => {
  const services = await ask<{ services: Json[] } & Json>('/api/v1/services');
  expect(services.services.map(({ name }) => name)).toEqual(expect.arrayContaining(['cart', 'order']));
  const order = await ask<{ operations: Json[] } & Json>('/api/v1/operations?service=order');
  expect(order.operations).toMatchObject([{ name: 'POST /order', kind: 2, errorCount: 1 }]);
  const keys = await ask<{ attributes: Json[] } & Json>('/api/v1/attributes?prefix=http.');
  expect(keys.attributes).toMatchObject([{ scope: 'span', key: 'http.route' }]);
  const cases: [string, string[]][] = [
    ['http.route', ['/cart/{id}', '/order']],
    ['span.http.route', ['/cart/{id}', '/order']],
    ['resource.http.route', []],
    ['resource.service.name', ['cart', 'order']],
    ['path%2Fwith%2Fslash', ['x']],
    ['span.path%2Fwith%2Fslash', ['x']],
    ['status', ['error', 'unset']],
    ['kind', ['client', 'server']],
    ['name', ['GET /cart', 'POST /order', 'SELECT']],
  ];
  for (const [key, expected] of cases) {
    const { values } = await ask<{ values: { value: string }[] } & Json>(`/api/v1/attributes/${key}/values`);
    expect([key, values.map(({ value }) => value).toSorted()]).toEqual([key, expected]);
  }
  const narrowed = await ask<{ values: Json[] } & Json>(
    '/api/v1/attributes/http.route/values?service=order&prefix=/o&limit=5',
  );
  expect(narrowed.values).toMatchObject([{ type: 'string', value: '/order' }]);
});

test('a query that does not read: 400 with the position', async () => {
  const { error } = await ask<{ error: Json }>(`/api/v1/spans?q=${encodeURIComponent('{ name = }')}`, 400);
  expect(error).toMatchObject({ code: 'invalid_query', position: 9 });
});

const REFUSED: string[] = [
  '/spans?status=broken',
  '/spans?kind=nothing',
  '/spans?minDuration=5',
  '/spans?minDuration=fast',
  '/spans?attr=novalue',
  '/spans?attr=%3Dx',
  '/spans?start=yesterday',
  '/spans?since=soon',
  '/spans?since=5m&start=0',
  '/spans?start=200&end=100',
  '/spans?limit=0',
  '/spans?limit=-1',
  '/spans?limit=1e3',
  '/spans?limit=99999999999999999999',
  '/spans?order=random',
  '/spans?cursor=nonsense',
  '/spans?q=x',
  '/spans?serivce=typo',
  '/traces?q=%7B',
  '/traces/xyz',
  '/traces/..%2f..%2fcatalog.sqlite',
  `/traces/${'a'.repeat(33)}`,
  `/traces/${CART}?format=xml`,
  '/services?q=%7B%7D',
  '/operations',
];
test.each(REFUSED)('%s: 400', async (path) => {
  const { error } = await ask<{ error: { message: string } }>(`/api/v1${path}`, 400);
  expect(error.message.length).toBeGreaterThan(8);
});

test('an unknown trace: 404; an unknown path: 404 in JSON', async () => {
  await ask(`/api/v1/traces/${'1'.repeat(32)}`, 404);
  const answer = await api.servers.fetch('/api/v1/nothing');
  expect([answer.status, await answer.json()]).toEqual([
    404,
    { error: { code: 'not_found', message: 'there is nothing at /api/v1/nothing' } },
  ]);
});

test('HEAD is GET without the body', async () => {
  const answer = await api.servers.fetch('/api/v1/services', { method: 'HEAD' });
  expect([answer.status, await answer.text()]).toEqual([200, '']);
  expect(answer.headers.get('content-type')).toStartWith('application/json');
});

test('a wide question is clamped, not refused', async () => {
  await ask('/api/v1/spans?limit=2147483648&start=0&end=18446744073709551615');
});

test('every route of the API is described, with each of its parameters, and nothing else is', async () => {
  const { API_ROUTES } = await import('./routes.ts');
  const documented = Object.entries(api.description.paths)
    .filter(([path]) => path.startsWith('/api/v1'))
    .flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`));
  const routes = API_ROUTES.map(({ method, path }) => `${method} /api/v1${path}`);
  expect(documented.toSorted()).toEqual(routes.toSorted());
  for (const { method, path, params } of API_ROUTES) {
    const parameters = api.description.paths[`/api/v1${path}`][method.toLowerCase()].parameters ?? [];
    const found = parameters.map((one) =>
      '$ref' in one ? api.description.components.parameters[one.$ref.split('/').at(-1) ?? ''] : one,
    );
    const inQuery = found.filter((one) => one.in === 'query').map(({ name }) => name);
    expect(inQuery.toSorted()).toEqual([...params].toSorted());
  }
  for (const path of ['/v1/traces', '/i/v1/traces', '/i/v0/ai/otel', '/healthz', '/readyz', '/metrics']) {
    expect(Object.keys(api.description.paths)).toContain(path);
  }
});

test('an export is answered as described too', async () => {
  for (const [body, status, schema] of [
    ['{}', 200, 'ExportTraceServiceResponse'],
    ['{"resourceSpans":[{"scopeSpans":[{"spans":[{}]}]}]}', 200, 'ExportTraceServiceResponse'],
    ['nonsense', 400, 'Status'],
  ] as const) {
    const headers = { 'content-type': 'application/json' };
    const answer = await api.servers.fetch('/v1/traces', { method: 'POST', headers, body });
    expect(answer.status).toBe(status);
    api.check(`/components/schemas/${schema}`, await answer.json(), body);
  }
});

test('the examples of the description hold', async () => {
  const { description, servers } = api;
  const content = (path: string, method: string) => description.paths[path][method] as unknown as Json;
  const { requestBody } = content('/v1/traces', 'post') as { requestBody: { content: Record<string, Json> } };
  const headers = { 'content-type': 'application/json' };
  const body = JSON.stringify(requestBody.content['application/json'].example);
  const sent = await servers.fetch('/v1/traces', { method: 'POST', headers, body });
  expect([sent.status, await sent.json()]).toEqual([200, {}]);
  const trace = await ask<Page>('/api/v1/traces/5b8efff798038103d269b633813fc60c');
  expect(trace.spans[0].name).toBe('GET /cart');

  const { responses } = content('/api/v1/spans', 'get') as { responses: Record<string, Json> };
  const refused = responses['400'].content as Record<string, Json>;
  const answer = await ask(`/api/v1/spans?q=${encodeURIComponent('{ name = }')}`, 400);
  expect(refused['application/json'].example).toEqual(answer);
  const { API_ROUTES } = await import('./routes.ts');
  for (const [key, { name, example, in: place }] of Object.entries(description.components.parameters)) {
    if (example === undefined || place === 'path') continue;
    const values = [example]
      .flat()
      .map((value) => (typeof value === 'string' ? value : JSON.stringify(value)));
    const route = API_ROUTES.find(
      ({ method, path, params }) =>
        method !== 'DELETE' && params.includes(name) && parameterKey(path, name) === key,
    );
    if (route === undefined) throw new Error(`no route takes ${key}`);
    // What only figures take is asked in figures.test.ts, with what else they need.
    if (FIGURE_ROUTES.includes(route)) continue;
    const query = new URLSearchParams(values.map((value) => [name, value]));
    const path = route.path.replace('{traceId}', CART).replace('{key}', 'http.route');
    await ask(`/api/v1${path}?${query}`, 200, route.method);
  }
});

test('an open range takes in the last nanosecond that a broken clock can send', async () => {
  const END = 2n ** 64n - 1n;
  const span = { ...SPANS[0], traceId: 'fe'.repeat(16), name: 'at the end of time' };
  const body = encodeTracesProtobuf([{ ...span, startTimeUnixNano: END, durationNano: 0n }]);
  const headers = { 'content-type': 'application/x-protobuf' };
  await api.servers.fetch('/v1/traces', { method: 'POST', headers, body: body as Uint8Array<ArrayBuffer> });
  expect(await names('operation=at%20the%20end%20of%20time')).toEqual(['at the end of time']);
});
