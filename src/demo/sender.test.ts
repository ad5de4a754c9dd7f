import { afterEach, describe, expect, test } from 'bun:test';
import protobuf from 'protobufjs/minimal.js';
import { decodeTraces } from '../otlp/decode.ts';
import { SpanColumns } from '../span/columns.ts';
import type { Span } from '../span/span.ts';
import { startDemo } from './main.ts';
import { shopTraces } from './model.ts';
import { DemoError, Sender, tracesUrl } from './sender.ts';

type Answer = () => Response;

/** A server on the loopback that answers by a script, the last line again and again. */
class Receiver {
  readonly bodies: Uint8Array[] = [];
  readonly tokens: (string | null)[] = [];
  readonly #server: Bun.Server<undefined>;

  constructor(script: readonly Answer[]) {
    let at = 0;
    this.#server = Bun.serve({
      hostname: '127.0.0.1',
      port: 0,
      fetch: async (request) => {
        this.tokens.push(request.headers.get('Authorization'));
        expect(request.headers.get('Content-Type')).toBe('application/x-protobuf');
        expect(request.headers.get('Content-Encoding')).toBe('gzip');
        this.bodies.push(Bun.gunzipSync(await request.bytes()));
        const answer = script[Math.min(at++, script.length - 1)];
        return answer === undefined ? new Response() : answer();
      },
    });
  }

  get base(): string {
    return `http://127.0.0.1:${this.#server.port}`;
  }

  stop(): Promise<void> {
    return this.#server.stop(true);
  }
}

let receiver: Receiver | undefined;

function listen(...script: Answer[]): Receiver {
  receiver = new Receiver(script);
  return receiver;
}

afterEach(async () => {
  await receiver?.stop();
  receiver = undefined;
});

const answerWith = (bytes: Uint8Array, status = 200, headers: Record<string, string> = {}) =>
  new Response(new Uint8Array(bytes), {
    status,
    headers: { 'Content-Type': 'application/x-protobuf', ...headers },
  });

const ok: Answer = () => answerWith(new Uint8Array());
const failed = (status: number, message: string, headers?: Record<string, string>): Answer => {
  return () =>
    answerWith(
      protobuf.Writer.create().uint32(8).int32(13).uint32(18).string(message).finish(),
      status,
      headers,
    );
};

function someSpans(): Span[] {
  return shopTraces({ seed: 3, startUnixNano: 1_764_000_000_000_000_000n }).next().value;
}

async function failureOf(promise: Promise<unknown>): Promise<string> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(DemoError);
  return error instanceof Error ? error.message : '';
}

describe('Sender', () => {
  test('sends OTLP that decodes to as many spans, with the token', async () => {
    const { base, bodies, tokens } = listen(ok);
    const spans = someSpans();
    const sender = new Sender({ endpoint: base, token: 'abc' });
    await sender.send(spans);
    const columns = new SpanColumns();
    const body = bodies[0] ?? new Uint8Array();
    expect(decodeTraces({ format: 'protobuf', body }, columns)).toMatchObject({
      accepted: spans.length,
      rejected: 0,
    });
    expect(tokens).toEqual(['Bearer abc']);
    expect(sender.sentSpans).toBe(spans.length);
  });

  test('waits as Retry-After says and sends the same bytes again', async () => {
    const { base, bodies } = listen(
      failed(503, 'disk full', { 'Retry-After': '0' }),
      failed(429, 'quota'),
      ok,
    );
    const sender = new Sender({ endpoint: base });
    await sender.send(someSpans());
    expect(bodies.length).toBe(3);
    expect(bodies[2]).toEqual(bodies[0] ?? new Uint8Array());
    expect(sender.sentSpans).toBe(someSpans().length);
  });

  test('counts what a partial success rejects', async () => {
    const inner = protobuf.Writer.create()
      .uint32(8)
      .int64(2)
      .uint32(18)
      .string('trace id of 15 bytes')
      .finish();
    const { base } = listen(() => answerWith(protobuf.Writer.create().uint32(10).bytes(inner).finish()));
    const sender = new Sender({ endpoint: base });
    await sender.send(someSpans());
    expect(sender.rejectedSpans).toBe(2);
    expect(sender.sentSpans).toBe(someSpans().length - 2);
    expect(sender.rejectedMessage).toBe('trace id of 15 bytes');
  });

  test('says how to start a server when none listens', async () => {
    const { base } = listen(ok);
    await receiver?.stop();
    const message = await failureOf(new Sender({ endpoint: base }).send(someSpans()));
    expect(message).toContain(`no server answers at ${base}/v1/traces`);
    expect(message).toContain('npm start');
  });

  test('says which token is wanted', async () => {
    const { base } = listen(failed(401, 'unknown token'));
    expect(await failureOf(new Sender({ endpoint: base }).send(someSpans()))).toContain(
      'wants a token (401 unknown token)',
    );
    const wrong = new Sender({ endpoint: base, token: 'x' }).send(someSpans());
    expect(await failureOf(wrong)).toContain('refuses this token (401 unknown token)');
  });

  test('does not try again what can not succeed', async () => {
    const { base, bodies } = listen(() => new Response('<h1>nginx</h1>', { status: 400 }));
    expect(await failureOf(new Sender({ endpoint: base }).send(someSpans()))).toContain('400 <h1>nginx</h1>');
    expect(bodies.length).toBe(1);
  });

  test('ends without an error when stopped while it waits', async () => {
    const stop = new AbortController();
    const { base } = listen(() => {
      stop.abort();
      return failed(503, 'busy', { 'Retry-After': '60' })();
    });
    const sender = new Sender({ endpoint: base, signal: stop.signal });
    await sender.send(someSpans());
    expect(sender.sentSpans).toBe(0);
  });

  test('tracesUrl adds the path to a base and keeps one that is given', () => {
    expect(tracesUrl('http://localhost:4318')).toBe('http://localhost:4318/v1/traces');
    expect(tracesUrl('http://localhost:4318/i/v1/traces')).toBe('http://localhost:4318/i/v1/traces');
    expect(() => tracesUrl('localhost:4318')).toThrow('"localhost:4318" is no URL');
  });
});

test('startDemo fills the last quarter of an hour and ends', async () => {
  const { base, bodies } = listen(ok);
  const before = BigInt(Date.now()) * 1_000_000n;
  const totals = await startDemo({ endpoint: base }).done;
  expect(totals.traces).toBeGreaterThan(250);
  expect(totals.rejectedSpans).toBe(0);
  const columns = new SpanColumns();
  for (const body of bodies) decodeTraces({ format: 'protobuf', body }, columns);
  expect(columns.rows).toBe(totals.spans);
  expect(columns.minStart).toBeGreaterThan(before - 901_000_000_000n);
  expect(columns.maxStart).toBeLessThan(before + 60_000_000_000n);
});

test('stop ends startDemo early', async () => {
  const { base } = listen(ok);
  const demo = startDemo({ endpoint: base });
  demo.stop();
  expect((await demo.done).traces).toBeLessThan(100);
});
