import { expect, test } from 'bun:test';
import { ExportRoute } from './export-route.ts';
import { exportBody, mime, TRACE_ID } from './testing/otlp.ts';
import { TestServers } from './testing/servers.ts';

const asked = (url: string, method = 'POST') => new ExportRoute().genAiOnly(new Request(url, { method }));

test('an export is known by method and path, whatever the query', () => {
  const cases: [string, boolean | undefined][] = [
    ['http://localhost:4318/v1/traces', false],
    ['http://localhost:4318/i/v1/traces?token=a/b', false],
    ['http://[::1]:4318/i/v0/ai/otel', true],
    ['http://localhost/i/v0/ai/otel/v1/traces?x=1', true],
    ['http://localhost/v1/traces/', undefined],
    ['http://localhost/v1/tracesx', undefined],
    ['http://localhost/v1/logs', undefined],
    ['http://localhost/x?y=/v1/traces', undefined],
    ['http://localhost/', undefined],
  ];
  for (const [url, genAiOnly] of cases) expect([url, asked(url)]).toEqual([url, genAiOnly]);
  expect(asked('http://localhost/v1/traces', 'GET')).toBeUndefined();
  expect(asked('http://localhost/v1/traces', 'PUT')).toBeUndefined();
});

test('a URL that does not parse is none, after many that do as well', () => {
  const route = new ExportRoute();
  const of = (url: string) => route.genAiOnly({ method: 'POST', url } as Request);
  for (let i = 0; i < 200; i++) expect(of(`http://host-${i % 100}:1/v1/traces`)).toBe(false);
  expect(of('http://a b/v1/traces')).toBeUndefined();
  expect(of('http:///v1/traces')).toBeUndefined();
  expect(of('http://a?/v1/traces')).toBeUndefined();
  expect(of('http://a\\b/v1/traces')).toBeUndefined();
  expect(of('/v1/traces')).toBeUndefined();
});

test('exports are answered with the headers of every answer, for other hosts too in the encoding of the sender', async () => {
  await using servers = await TestServers.start();
  const headers = { 'content-type': mime('protobuf') };
  const page = await servers.fetch('/healthz');
  const body = exportBody('protobuf', [{}]) as Uint8Array<ArrayBuffer>;
  const security = [...page.headers.keys()].filter((name) => !/^(content-(type|length)|date)$/.test(name));
  expect(security).toContain('content-security-policy');
  for (const sent of [body, 'no protobuf']) {
    for (const path of ['/v1/traces', '/v1/traces?x=1', '/v1/traces/']) {
      const answer = await servers.fetch(path, { method: 'POST', headers, body: sent });
      expect(answer.status).toBe(sent === body ? 200 : 400);
      expect(answer.headers.get('content-type')).toBe(mime('protobuf'));
      for (const name of security) expect(answer.headers.get(name)).toBe(page.headers.get(name));
    }
  }
  const foreign = { ...headers, host: 'evil.example' };
  const refused = await servers.fetch('/v1/traces', { method: 'POST', headers: foreign, body });
  expect([refused.status, refused.headers.get('content-type')]).toEqual([403, mime('protobuf')]);
  // google.rpc.Status: code 7, PERMISSION_DENIED.
  expect([...Buffer.from(await refused.arrayBuffer()).subarray(0, 2)]).toEqual([8, 7]);
  for (const path of ['/v1/traces', '/v1/logs']) {
    const json = { 'content-type': 'application/json', host: 'evil.example' };
    const answer = await servers.fetch(path, { method: 'POST', headers: json, body: '{}' });
    expect([path, answer.status, await answer.json()]).toMatchObject([path, 403, { code: 7 }]);
  }
  const trace = await servers.get<{ spans: unknown[] }>(`/api/v1/traces/${TRACE_ID}`);
  expect(trace.spans).toHaveLength(1);
});
