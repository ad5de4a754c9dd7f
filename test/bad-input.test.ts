/**
 * Bodies that no honest sender makes, against the binary: each has its documented answer, nothing that was
 * sent before is lost, the loop that answers HTTP goes on, and memory stays. The server's own `/metrics`
 * measure the last two, since this process is busy making bombs.
 */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test';
import { gzipSync } from 'node:zlib';
import { exportBody, mime, TRACE_ID } from '../src/http/testing/otlp.ts';
import { bombs } from './support/bombs.ts';
import type { Bomb } from './support/bombs.ts';
import { TestServer } from './support/server.ts';

setDefaultTimeout(60_000);

const DEPTH = 200_000;
const MIB = 1024 * 1024;
/** The promise. The figure is the server's own, and another process may hold its core meanwhile. */
const LONGEST_STALL_SECONDS = 0.05;

let server: TestServer;
let made: readonly Bomb[];

beforeAll(async () => {
  made = bombs();
  server = await TestServer.start();
  expect(await statusOf(exportBody('json', [{ name: 'the one that stays' }]), 'json')).toBe(200);
});
afterAll(async () => {
  const trace = (await (await server.fetch(`/api/v1/traces/${TRACE_ID}`)).json()) as { spans: unknown[] };
  expect(trace.spans).toHaveLength(1);
  expect(await statusOf(exportBody('protobuf', [{ name: 'and another' }]), 'protobuf')).toBe(200);
  expect(server.log).not.toContain('export failed');
  expect(server.log).not.toContain('unexpected error');
  await server[Symbol.asyncDispose]();
});

type Format = 'protobuf' | 'json';

async function statusOf(body: Uint8Array | string, format: Format, encoding = 'identity'): Promise<number> {
  const headers = { 'content-type': mime(format), 'content-encoding': encoding };
  const content = typeof body === 'string' ? body : (body as Uint8Array<ArrayBuffer>);
  const answer = await server.fetch('/v1/traces', { method: 'POST', headers, body: content });
  const answered = answer.headers.get('content-type');
  if (answered !== mime(format)) throw new Error(`answered as ${answered}: ${await answer.text()}`);
  await answer.arrayBuffer();
  return answer.status;
}

async function gauge(name: string): Promise<number> {
  const text = await (await server.fetch('/metrics')).text();
  const found = new RegExp(`^${name} (\\S+)$`, 'm').exec(text);
  if (found === null) throw new Error(`no ${name} in /metrics`);
  return Number(found[1]);
}

/**
 * What is held when nothing is going on: the allocator gives freed memory back within some hundred milliseconds, so
 * that two looks at a working process differ by a whole body.
 */
async function memoryAtRest(): Promise<number> {
  let least = Infinity;
  for (let look = 0; look < 10; look++) {
    await Bun.sleep(100);
    least = Math.min(least, await gauge('process_resident_memory_bytes'));
  }
  return least;
}

/** The longest stall of the server's loop while `work` runs; the best of three, for a machine with neighbours. */
async function stallOf(work: () => Promise<void>): Promise<number> {
  let least = Infinity;
  for (let run = 0; run < 3 && least > LONGEST_STALL_SECONDS; run++) {
    await gauge('spanlake_event_loop_lag_seconds');
    await work();
    least = Math.min(least, await gauge('spanlake_event_loop_lag_seconds'));
  }
  return least;
}

/** A length-delimited protobuf field of these bytes. */
function field(number: number, content: Uint8Array): Buffer {
  return Buffer.concat([varint((number << 3) | 2), varint(content.length), content]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return Buffer.from([...bytes, rest]);
}

function jsonSpan(fields: string): string {
  return `{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"${TRACE_ID}","spanId":"0102030405060708",${fields}}]}]}]}`;
}

/** An AnyValue in an array in an AnyValue, and so on, built from the inside out. */
function deepProtobuf(): Uint8Array {
  // Each level is two length-delimited fields; lengths are written back to front to stay linear.
  const parts: Buffer[] = [];
  let length = 0;
  for (let level = 0; level < DEPTH; level++) {
    const values = Buffer.concat([varint((1 << 3) | 2), varint(length)]);
    const array = Buffer.concat([varint((5 << 3) | 2), varint(length + values.length)]);
    parts.push(values, array);
    length += values.length + array.length;
  }
  const value = Buffer.concat(parts.toReversed());
  const attribute = Buffer.concat([field(1, Buffer.from('k')), field(2, value)]);
  const ids = Buffer.concat([field(1, Buffer.alloc(16, 1)), field(2, Buffer.alloc(8, 1))]);
  const span = Buffer.concat([ids, field(9, attribute)]);
  return field(1, field(2, field(2, span)));
}

const whole = exportBody('protobuf', [{}, { name: 'second' }]);

const REFUSED: readonly (readonly [what: string, format: Format, body: Uint8Array | string])[] = [
  ['garbage', 'protobuf', crypto.getRandomValues(new Uint8Array(4096)).fill(0xff, 0, 16)],
  ['garbage', 'json', 'garbage'],
  ['JSON as protobuf', 'protobuf', '{"resourceSpans":[]}'],
  ['protobuf as JSON', 'json', whole],
  ['truncated protobuf', 'protobuf', whole.subarray(0, whole.length - 3)],
  ['truncated JSON', 'json', jsonSpan('"name":"x"').slice(0, -4)],
  ['a list instead of an object', 'json', '[]'],
  ['a name that is a number', 'json', jsonSpan('"name":5')],
  ['attributes that are an object', 'json', jsonSpan('"attributes":{"a":1}')],
  ['a time that is a word', 'json', jsonSpan('"startTimeUnixNano":"yesterday"')],
  ['a field of another wire type', 'protobuf', Buffer.from([0x08, 0x01])],
  ['a length beyond the end', 'protobuf', Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f])],
  ['deep JSON', 'json', '['.repeat(DEPTH)],
  [
    'deep values in JSON',
    'json',
    jsonSpan(`"attributes":[{"key":"k","value":${'{"arrayValue":{"values":['.repeat(DEPTH)}`),
  ],
  ['deep JSON in an unknown field', 'json', `{"x":${'['.repeat(DEPTH)}${']'.repeat(DEPTH)}}`],
  ['deep protobuf', 'protobuf', deepProtobuf()],
  ['deep groups of an unknown field', 'protobuf', Buffer.alloc(DEPTH, (15 << 3) | 3)],
];

test.each(REFUSED)('%s as %s: 400', async (_what, format, body) => {
  let status = 0;
  const stall = await stallOf(async () => {
    status = await statusOf(body, format);
  });
  expect(status).toBe(400);
  expect(stall).toBeLessThan(LONGEST_STALL_SECONDS);
});

const TAKEN: readonly (readonly [what: string, format: Format, body: Uint8Array | string])[] = [
  ['nothing', 'protobuf', ''],
  ['no spans', 'json', '{}'],
  ['null for a list', 'json', '{"resourceSpans":null}'],
  ['an unknown field', 'protobuf', Buffer.concat([field(1, Buffer.alloc(0)), field(99, Buffer.from('x'))])],
  ['unknown fields', 'json', '{"future":{"a":[1,{"b":null}]},"resourceSpans":[{"more":1}]}'],
  ['ids of a wrong length', 'protobuf', exportBody('protobuf', [{ traceId: '01' }, { spanId: '01' }])],
  ['ids of a wrong length', 'json', exportBody('json', [{ traceId: '01' }, { spanId: '01' }])],
];

test.each(TAKEN)('%s in %s: 200', async (_what, format, body) => {
  expect(await statusOf(body, format)).toBe(200);
});

test('an empty body is no JSON: 400', async () => {
  expect(await statusOf('', 'json')).toBe(400);
});

test.each(['gzip', 'deflate', 'zstd'] as const)(
  '10 GiB in %s: 413, at once and chunked',
  async (encoding) => {
    const body = made.find((bomb) => bomb.encoding === encoding)?.body ?? new Uint8Array();
    const chunked = () => new Blob([body]).stream() as unknown as Uint8Array;
    // The first one grows the heap to what a body of the largest size takes.
    await statusOf(gzipSync(new Uint8Array(60 * MIB)), 'protobuf', 'gzip');
    const before = await memoryAtRest();
    const statuses: number[] = [];
    const grown: number[] = [];
    const stall = await stallOf(async () => {
      for (const [sent, format] of [
        [body, 'protobuf'],
        [chunked(), 'json'],
      ] as const) {
        statuses.push(await statusOf(sent, format, encoding));
        grown.push((await gauge('process_resident_memory_bytes')) - before);
      }
    });
    expect(new Set(statuses)).toEqual(new Set([413]));
    expect(stall).toBeLessThan(LONGEST_STALL_SECONDS);
    // On the way the largest body, and the half of it that it grew from, of which the allocator keeps one a while.
    expect(Math.max(...grown)).toBeLessThan(192 * MIB);
    expect((await memoryAtRest()) - before).toBeLessThan(32 * MIB);
  },
);

test('a sender that leaves half way is no error of the server', async () => {
  const { port } = new URL(server.url);
  const socket = await Bun.connect({ hostname: '127.0.0.1', port: Number(port), socket: { data() {} } });
  socket.write('POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n');
  socket.write('Content-Length: 1000\r\n\r\n{"resourceSpans":');
  socket.flush();
  await Bun.sleep(50);
  socket.terminate();
  await Bun.sleep(50);
  expect((await server.fetch('/healthz')).status).toBe(200);
});
