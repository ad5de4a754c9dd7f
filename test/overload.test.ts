/**
 * A server without room for some seconds: real SDKs, over HTTP and over gRPC, are told to come again, do so, and
 * every span is there once; another project is served all the while.
 */
import { Metadata } from '@grpc/grpc-js';
import { OTLPTraceExporter as GrpcExporter } from '@opentelemetry/exporter-trace-otlp-grpc';
import { OTLPTraceExporter as HttpExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-base';
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test';
import { exportBody, mime } from '../src/http/testing/otlp.ts';
import { announce } from './flood/raw.ts';
import type { RawSender } from './flood/raw.ts';
import { runBinary, TestServer } from './support/server.ts';

setDefaultTimeout(60_000);

const SPANS = 300;
/** Some thirty of them fill the part of the project, to less than a small request. */
const STALLED_BYTES = 1000;

let server: TestServer;
let tokens: Readonly<Record<'flooded' | 'reader' | 'other', string>>;

beforeAll(async () => {
  // The budget is then 2.5 bodies.
  server = await TestServer.start({ args: ['--max-body', '100KiB', '--max-ingest-memory', '100KiB'] });
  await runBinary(['project', 'create', 'other', '--data', server.dataDir]);
  const make = async (project: string, scope: string): Promise<string> => {
    const words = ['token', 'create', '--data', server.dataDir, '--project', project, '--scope', scope];
    const { stdout } = await runBinary(words);
    return /slk_\w+_[\w-]+/.exec(stdout)?.[0] ?? '';
  };
  tokens = {
    flooded: await make('default', 'ingest'),
    reader: await make('default', 'read'),
    other: await make('other', 'ingest'),
  };
  // The server sees tokens of another process within a second.
  while ((await sendOne(tokens.other, 'first')).status !== 200) await Bun.sleep(100);
});
afterAll(() => server[Symbol.asyncDispose]());

function sendOne(token: string, name: string): Promise<Response> {
  const body = exportBody('protobuf', [{ name }]) as Uint8Array<ArrayBuffer>;
  const headers = { 'content-type': mime('protobuf'), authorization: `Bearer ${token}` };
  return server.fetch('/v1/traces', { method: 'POST', headers, body });
}

/** Uploads that all but end, and then say nothing, one more until a small request is refused. */
async function fillUp(): Promise<{ readonly senders: readonly RawSender[]; readonly refused: Response }> {
  const senders: RawSender[] = [];
  for (let n = 0; n < 100; n++) {
    const refused = await sendOne(tokens.flooded, `small ${n}`);
    if (refused.status !== 200) return { senders, refused };
    const sender = await announce(server.url, tokens.flooded, STALLED_BYTES);
    sender.write(new Uint8Array(STALLED_BYTES - 1));
    senders.push(sender);
    await Bun.sleep(10);
  }
  throw new Error('there was always room');
}

/** Exports again what was refused, as the gRPC exporter leaves to others. */
class Again implements SpanExporter {
  tries = 0;
  constructor(private readonly inner: SpanExporter) {}

  export(spans: ReadableSpan[], done: Parameters<SpanExporter['export']>[1]): void {
    this.tries += 1;
    this.inner.export(spans, (result) => {
      if (result.error === undefined || this.tries > 40) done(result);
      else setTimeout(() => this.export(spans, done), 500);
    });
  }

  shutdown(): Promise<void> {
    return this.inner.shutdown();
  }
}

function provider(exporter: SpanExporter) {
  const processor = new BatchSpanProcessor(exporter, { scheduledDelayMillis: 100, maxExportBatchSize: 100 });
  return new BasicTracerProvider({ spanProcessors: [processor] });
}

async function countNamed(name: string): Promise<number> {
  const q = encodeURIComponent(`{ name = "${name}" }`);
  const headers = { authorization: `Bearer ${tokens.reader}` };
  const answer = await server.fetch(`/api/v1/spans?q=${q}&limit=1000&since=1h`, { headers });
  const { spans } = (await answer.json()) as { spans: { spanId: string }[] };
  expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(spans.length);
  return spans.length;
}

test('refused for some seconds, sent again, and each span is there once', async () => {
  const authorization = `Bearer ${tokens.flooded}`;
  const metadata = new Metadata();
  metadata.set('authorization', authorization);
  const overGrpc = new Again(new GrpcExporter({ url: server.grpcUrl, metadata }));
  const providers = {
    http: provider(new HttpExporter({ url: `${server.url}/v1/traces`, headers: { authorization } })),
    grpc: provider(overGrpc),
  };
  const { senders, refused } = await fillUp();
  expect(refused.status).toBe(503);
  expect(Number(refused.headers.get('retry-after'))).toBeWithin(1, 8);
  expect(Buffer.from(await refused.arrayBuffer()).toString()).toMatch(
    /too many bytes in progress \(this project's part of 250 KiB\): send again in \d s/,
  );

  const names = ['http', 'grpc'] as const;
  for (const name of names) {
    const tracer = providers[name].getTracer('flood');
    for (let n = 0; n < SPANS; n++) tracer.startSpan(name).end();
  }
  const others: number[] = [];
  for (let n = 0; n < 10; n++) {
    others.push((await sendOne(tokens.other, `other ${n}`)).status);
    await Bun.sleep(50);
  }
  expect(new Set(others)).toEqual(new Set([200]));

  await Promise.all(names.map((name) => providers[name].forceFlush()));
  // A batch that was on its way before the flush is not waited for by it.
  for (const name of names) {
    const deadline = performance.now() + 15_000;
    while ((await countNamed(name)) < SPANS && performance.now() < deadline) await Bun.sleep(100);
    expect([name, await countNamed(name)]).toEqual([name, SPANS]);
  }
  expect(overGrpc.tries).toBeGreaterThan(SPANS / 100);
  // Those who held the room were cut, and told so.
  expect(senders.some((sender) => sender.answer().includes(' 503 '))).toBe(true);
  for (const sender of senders) sender.close();
});
