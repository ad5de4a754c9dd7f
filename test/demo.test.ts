/** The demo's traffic, sent to the compiled binary, comes back as it was sent. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test';
import { endUnixNano, shopTraces } from '../src/demo/model.ts';
import { Sender } from '../src/demo/sender.ts';
import { encodeTracesJson } from '../src/otlp/encode.ts';
import type { Span } from '../src/span/span.ts';
import { TestServer, runBinary } from './support/server.ts';

setDefaultTimeout(60_000);

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start();
});
afterAll(() => server[Symbol.asyncDispose]());

/** OTLP/JSON with every list in one order: resources, scopes, spans, and attributes by key. */
function inOrder(json: unknown): unknown {
  if (Array.isArray(json)) {
    const items = json.map(inOrder).map((item) => ({ item, text: JSON.stringify(item) }));
    return items.toSorted((a, b) => (a.text < b.text ? -1 : 1)).map(({ item }) => item);
  }
  if (typeof json !== 'object' || json === null) return json;
  const entries = Object.entries(json).map(([key, value]) => [key, inOrder(value)] as const);
  return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** One trace of each kind of visit, the first whole and the first with an error. */
function samples(count: number): Span[][] {
  const byKind = new Map<string, Span[]>();
  let seen = 0;
  const startUnixNano = BigInt(Date.now() - 600_000) * 1_000_000n;
  for (const trace of shopTraces({ seed: 11, startUnixNano, tracesPerSecond: 10 })) {
    const failed = trace.some((span) => span.statusCode === 2);
    const kind = `${trace[0].name} ${failed}`;
    if (!byKind.has(kind)) byKind.set(kind, trace);
    if (++seen === count) break;
  }
  return [...byKind.values()];
}

const TRACES = samples(1000);

test('a trace of every kind comes back with every field', async () => {
  expect(TRACES.length).toBeGreaterThan(12);
  const sender = new Sender({ endpoint: server.url });
  for (const trace of TRACES) await sender.send(trace);
  expect(sender.rejectedSpans).toBe(0);
  for (const trace of TRACES) {
    const answer = await server.fetch(`/api/v1/traces/${trace[0].traceId}?format=otlp`);
    expect(answer.status).toBe(200);
    expect(inOrder(await answer.json())).toEqual(inOrder(encodeTracesJson(trace)));
  }
});

test('summaries count the spans and errors of whole traces, and their length', async () => {
  const query = encodeURIComponent('{ resource.service.namespace = "shop" }');
  const answer = await server.fetch(`/api/v1/traces?q=${query}&limit=1000`);
  const found: { traceId: string; spanCount: number; errorCount: number; durationNano: string }[] = (
    await answer.json()
  ).traces;
  const byId = new Map(found.map((summary) => [summary.traceId, summary]));
  for (const trace of TRACES) {
    const start = trace.reduce(
      (first, span) => (span.startTimeUnixNano < first ? span.startTimeUnixNano : first),
      2n ** 63n,
    );
    expect(byId.get(trace[0].traceId)).toMatchObject({
      spanCount: trace.length,
      errorCount: trace.filter((span) => span.statusCode === 2).length,
      durationNano: (endUnixNano(trace) - start).toString(),
    });
  }
});

test('the command fills the past and tells where to look', async () => {
  const words = ['demo', '--endpoint', server.url, '--history', '1m', '--duration', '1s', '--rate', '2'];
  const { code, stdout, stderr } = await runBinary(words);
  expect(stderr).toBe('');
  expect(code).toBe(0);
  const spans = Number(/^Done: \d+ traces, (\d+) spans\./m.exec(stdout)?.[1]);
  expect(spans).toBeGreaterThan(500);
  expect(stdout).toContain(`Look: ${server.url}/search`);
});

test('the command says how to start a server when there is none', async () => {
  const { code, stderr } = await runBinary(['demo', '--endpoint', 'http://127.0.0.1:1']);
  expect(code).toBe(1);
  expect(stderr).toContain('Start one with "spanlake"');
});

test('the button on the first page fills the store', async () => {
  await using own = await TestServer.start();
  const answer = await own.fetch('/demo', {
    method: 'POST',
    headers: { 'Sec-Fetch-Site': 'same-origin', Origin: own.url },
    redirect: 'manual',
  });
  expect(answer.status).toBeLessThan(400);
  for (let tries = 0; ; tries++) {
    const services: unknown[] = (await (await own.fetch('/api/v1/services')).json()).services;
    if (services.length === 14) break;
    expect(tries).toBeLessThan(300);
    await Bun.sleep(100);
  }
});
