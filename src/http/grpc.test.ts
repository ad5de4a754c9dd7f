import { Client, compressionAlgorithms, credentials, Metadata, status as Code } from '@grpc/grpc-js';
import type { ServiceError } from '@grpc/grpc-js';
import { expect, test } from 'bun:test';
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import protobuf from 'protobufjs';
import { StoreUnavailableError } from '../store/span-store.ts';
import { listenGrpc, Peer } from './grpc.ts';
import { FLAG, frame, FRAME, PREFACE, wordFrame } from './http2/frames.ts';
import { encodeHeaders } from './http2/hpack.ts';
import type { Receiver } from './receiver.ts';
import { exportBody, TRACE_ID } from './testing/otlp.ts';
import { TestServers } from './testing/servers.ts';

const EXPORT = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';
const asIs = (bytes: Buffer): Buffer => bytes;

interface Outcome {
  readonly code: number;
  readonly details: string;
  readonly answer: Buffer | undefined;
}

interface CallOptions {
  readonly authorization?: string;
  readonly gzip?: boolean;
  readonly path?: string;
}

async function call(address: string, body: Uint8Array, options: CallOptions = {}): Promise<Outcome> {
  const client = new Client(address, credentials.createInsecure(), {
    'grpc.default_compression_algorithm': options.gzip
      ? compressionAlgorithms.gzip
      : compressionAlgorithms.identity,
  });
  const metadata = new Metadata();
  if (options.authorization !== undefined) metadata.set('authorization', options.authorization);
  try {
    return await new Promise<Outcome>((resolve) => {
      client.makeUnaryRequest(
        options.path ?? EXPORT,
        asIs,
        asIs,
        Buffer.from(body),
        metadata,
        (error: ServiceError | null, answer?: Buffer) =>
          resolve({ code: error?.code ?? Code.OK, details: error?.details ?? '', answer }),
      );
    });
  } finally {
    client.close();
  }
}

function partialSuccess(bytes: Buffer | undefined): unknown {
  const partial = new protobuf.Type('Partial')
    .add(new protobuf.Field('rejectedSpans', 1, 'int64'))
    .add(new protobuf.Field('errorMessage', 2, 'string'));
  const type = new protobuf.Type('Response').add(new protobuf.Field('partialSuccess', 1, 'Partial'));
  new protobuf.Root().add(partial).add(type);
  return type.toObject(type.decode(bytes ?? new Uint8Array()), { longs: String }).partialSuccess;
}

test('spans arrive, plain and with gzip; an empty request is OK', async () => {
  await using servers = await TestServers.start();
  for (const gzip of [false, true]) {
    const sent = await call(servers.grpcAddress, exportBody('protobuf', [{}]), { gzip });
    expect([sent.code, sent.answer?.length]).toEqual([Code.OK, 0]);
  }
  expect((await call(servers.grpcAddress, new Uint8Array())).code).toBe(Code.OK);
  const trace = await servers.get<{ spans: { name: string }[] }>(`/api/v1/traces/${TRACE_ID}`);
  expect(trace.spans[0].name).toBe('operation');
});

test('rejected spans are told in partial_success', async () => {
  await using servers = await TestServers.start();
  const sent = await call(servers.grpcAddress, exportBody('protobuf', [{}, { traceId: '01' }]));
  expect(sent.code).toBe(Code.OK);
  expect(partialSuccess(sent.answer)).toEqual({
    rejectedSpans: '1',
    errorMessage: expect.stringMatching(/trace id/i),
  });
});

test('garbage: INVALID_ARGUMENT', async () => {
  await using servers = await TestServers.start();
  const sent = await call(servers.grpcAddress, Buffer.from('garbage'));
  expect([sent.code, sent.details]).toEqual([Code.INVALID_ARGUMENT, expect.stringMatching(/byte \d/)]);
});

test('larger than the limit, also after decompression: RESOURCE_EXHAUSTED', async () => {
  await using servers = await TestServers.start({ config: { maxBodyBytes: 64 * 1024 } });
  for (const gzip of [false, true]) {
    const sent = await call(servers.grpcAddress, new Uint8Array(64 * 1024 + 1), { gzip });
    expect([gzip, sent.code]).toEqual([gzip, Code.RESOURCE_EXHAUSTED]);
  }
});

test('who may send', async () => {
  await using servers = await TestServers.start();
  const body = exportBody('protobuf', [{}]);
  const send = async (authorization?: string) =>
    (await call(servers.grpcAddress, body, authorization === undefined ? {} : { authorization })).code;
  expect(await send()).toBe(Code.OK);
  expect(await send('Bearer unknown')).toBe(Code.UNAUTHENTICATED);
  servers.projects.createProject('shop');
  const ingest = servers.projects.createToken('shop', 'ingest', 'i');
  const read = servers.projects.createToken('shop', 'read', 'r');
  expect(await send()).toBe(Code.UNAUTHENTICATED);
  expect(await send(`Bearer ${read.token}`)).toBe(Code.PERMISSION_DENIED);
  expect(await send(`Bearer%20${ingest.token}`)).toBe(Code.OK);
  const headers = { authorization: `Bearer ${read.token}` };
  expect((await servers.fetch(`/api/v1/traces/${TRACE_ID}`, { headers })).status).toBe(200);
  servers.projects.revokeToken(ingest.id);
  expect(await send(`Bearer ${ingest.token}`)).toBe(Code.UNAUTHENTICATED);
});

test('a store that takes nothing, and an unforeseen error: UNAVAILABLE, which senders repeat', async () => {
  for (const [error, details] of [
    [new StoreUnavailableError('the disk is full', 7), /^the disk is full$/],
    [new Error('secret'), /^(?!.*secret)/],
  ] as const) {
    await using servers = await TestServers.start({
      wrap: (lake) => ({ ...lake, append: () => Promise.reject(error) }),
    });
    const sent = await call(servers.grpcAddress, exportBody('protobuf', [{}]));
    expect([sent.code, sent.details]).toEqual([Code.UNAVAILABLE, expect.stringMatching(details)]);
  }
});

test('logs and metrics are not taken: UNIMPLEMENTED', async () => {
  await using servers = await TestServers.start();
  const path = '/opentelemetry.proto.collector.logs.v1.LogsService/Export';
  expect((await call(servers.grpcAddress, new Uint8Array(), { path })).code).toBe(Code.UNIMPLEMENTED);
});

test('a gRPC client on the HTTP port hears which port it wants, and so does the first page', async () => {
  await using servers = await TestServers.start();
  const sent = await call(new URL(servers.url).host, exportBody('protobuf', [{}]));
  const port = servers.grpcAddress.split(':')[1];
  expect([sent.code, sent.details]).toEqual([
    Code.UNIMPLEMENTED,
    `this port takes OTLP over HTTP; gRPC goes to port ${port}`,
  ]);
  expect(await (await servers.fetch('/start')).text()).toContain(`gRPC goes to port ${port}`);
});

/** A client that does what no library lets it. */
async function rawClient(address: string): Promise<Socket> {
  const [host, port] = address.split(':');
  const socket = connect(Number(port), host);
  socket.on('error', () => {});
  await new Promise((resolve) => socket.once('connect', resolve));
  socket.write(Buffer.concat([PREFACE, frame(FRAME.SETTINGS, 0, 0, new Uint8Array(0))]));
  return socket;
}

function callHeaders(id: number, path = EXPORT, isEnd = false): Uint8Array {
  const block = encodeHeaders([
    [':method', 'POST'],
    [':path', path],
    ['content-type', 'application/grpc'],
    ['grpc-encoding', 'gzip'],
  ]);
  return frame(FRAME.HEADERS, FLAG.END_HEADERS | (isEnd ? FLAG.END_STREAM : 0), id, block);
}

/** A whole call with this message, compressed. */
function exportCall(id: number, message: Uint8Array): Buffer {
  const gzip = gzipSync(message);
  const body = Buffer.concat([Buffer.alloc(5), gzip]);
  body[0] = 1;
  body.writeUInt32BE(gzip.length, 1);
  const frames = [callHeaders(id)];
  for (let at = 0; at < body.length; at += 16_384) {
    const isLast = at + 16_384 >= body.length;
    frames.push(frame(FRAME.DATA, isLast ? FLAG.END_STREAM : 0, id, body.subarray(at, at + 16_384)));
  }
  return Buffer.concat(frames);
}

/** Too long to be decompressed on the loop: a field that nobody knows, of bytes that don't compress. */
function longMessage(): Buffer {
  const bytes = randomBytes(2 * 1024 ** 2);
  return Buffer.concat([Buffer.from([0x7a, 0x80, 0x80, 0x80, 0x01]), bytes]);
}

async function inProgress(servers: TestServers): Promise<number> {
  const text = await (await servers.fetch('/metrics')).text();
  return Number(/^spanlake_export_in_progress\S* (\d+)/m.exec(text)?.[1]);
}

test('a client that leaves while its message is decompressed leaves nothing counted', async () => {
  await using servers = await TestServers.start();
  const message = longMessage();
  const reset = await rawClient(servers.grpcAddress);
  for (let n = 0; n < 4; n++) {
    const id = 2 * n + 1;
    reset.write(Buffer.concat([exportCall(id, message), wordFrame(FRAME.RST_STREAM, id, 8)]));
    const closing = await rawClient(servers.grpcAddress);
    closing.write(exportCall(1, message), () => closing.destroy());
  }
  for (let n = 0; n < 100 && ((await inProgress(servers)) > 0 || n < 10); n++) await Bun.sleep(20);
  expect(await inProgress(servers)).toBe(0);
  reset.destroy();
});

test('a call that is taken back counts as long as the store has its bytes', async () => {
  const stored = Promise.withResolvers<never>();
  stored.promise.catch(() => {});
  let appended = 0;
  await using servers = await TestServers.start({
    wrap: (lake) => {
      lake.append = () => {
        appended += 1;
        return stored.promise;
      };
      return lake;
    },
  });
  const client = await rawClient(servers.grpcAddress);
  const bytes = exportCall(1, exportBody('protobuf', [{}]));
  client.write(Buffer.concat([bytes, wordFrame(FRAME.RST_STREAM, 1, 8)]));
  await until(() => appended > 0);
  expect([appended, (await inProgress(servers)) > 0]).toEqual([1, true]);
  stored.reject(new StoreUnavailableError('late', 1));
  for (let n = 0; n < 100 && (await inProgress(servers)) > 0; n++) await Bun.sleep(10);
  expect(await inProgress(servers)).toBe(0);
  client.destroy();
});

test('gRPC on the HTTP port: for calls to this host alone', async () => {
  await using servers = await TestServers.start();
  const type = { 'content-type': 'application/grpc' };
  expect((await servers.fetch('/healthz', { headers: type })).headers.get('grpc-status')).toBeNull();
  const foreign = await servers.fetch(EXPORT, { method: 'POST', headers: { ...type, host: 'evil.example' } });
  expect([foreign.status, foreign.headers.get('grpc-status')]).toEqual([403, null]);
  expect(await (await servers.fetch('/start')).text()).not.toContain('gRPC goes to port');
});

test('what a sender makes up is no news: paths and content types are told to the sender alone', async () => {
  await using servers = await TestServers.start();
  const news = () => servers.logged.filter((line) => line.includes('refused')).length;
  const client = new Client(servers.grpcAddress, credentials.createInsecure());
  const ask = (path: string) =>
    new Promise<string>((resolve) => {
      client.makeUnaryRequest(path, asIs, asIs, Buffer.alloc(0), (error) => resolve(error?.details ?? ''));
    });
  for (let n = 0; n < 20; n++) expect(await ask(`/made.Up/Number${n}`)).toContain(`/made.Up/Number${n}`);
  expect(news()).toBe(1);
  for (let n = 0; n < 20; n++) {
    const headers = { 'content-type': `made/up${n}` };
    const answer = await servers.fetch('/v1/traces', { method: 'POST', headers, body: 'x' });
    expect(await answer.text()).toContain(`made/up${n}`);
  }
  expect(news()).toBe(2);
  // Who may not send learns nothing of methods, and leaves nothing in the project's list.
  servers.projects.createToken('default', 'ingest', 'i');
  expect(await ask('/made.Up/Late')).toContain('wants a token');
  client.close();
});

/** Lets everybody in, and has no room. */
const FULL = {
  letIn: () => {},
  place: () => {
    throw new Error('full');
  },
  refused: () => ({ status: 503, code: 'unavailable', message: 'x'.repeat(900), headers: {} }),
} as unknown as Receiver;
const LOCAL = { host: '127.0.0.1', port: 0 };
const LIMITS = { maxBodyBytes: 1000 };

async function until(isSo: () => boolean, ms = 10_000): Promise<void> {
  for (const end = performance.now() + ms; !isSo() && performance.now() < end;) await Bun.sleep(20);
  expect(isSo()).toBe(true);
}

test('who asks and never reads is let go once too much is unread', async () => {
  const listener = await listenGrpc(LOCAL, FULL, LIMITS);
  const client = await rawClient(`127.0.0.1:${listener.port}`);
  client.pause();
  await until(() => listener.connections === 1);
  let calls = 0;
  for (; calls < 30_000 && listener.connections > 0; calls += 100) {
    const ids = Array.from({ length: 100 }, (_, n) => 2 * (calls + n) + 1);
    client.write(Buffer.concat(ids.map((id) => callHeaders(id, EXPORT, true))));
    await Bun.sleep(0);
  }
  await until(() => listener.connections === 0);
  expect(calls).toBeGreaterThan(1_000);
  client.destroy();
  await listener.stop();
});

/** A peer whose client takes `takes` of each write, and what became of its socket. */
function peerOf(takes: (bytes: Uint8Array) => number) {
  const done: string[] = [];
  const socket = {
    write: takes,
    end: () => done.push('end'),
    terminate: () => done.push('terminate'),
  } as unknown as ConstructorParameters<typeof Peer>[0];
  return { peer: new Peer(socket, FULL, 1000), done };
}

test('a client that takes nothing for a while is over, one that takes a little is not', () => {
  const { peer: stuck } = peerOf(() => 0);
  const { peer: slow } = peerOf(() => 1);
  for (const { connection } of [stuck, slow]) connection.receive(new Uint8Array(PREFACE));
  const start = performance.now();
  for (let second = 0; second < 20; second++) {
    // Not idle.
    for (const { connection } of [stuck, slow])
      connection.receive(new Uint8Array(callHeaders(2 * second + 1, EXPORT, true)));
    slow.drained();
    expect([stuck, slow].map((peer) => peer.tick(start + second * 1000))).toEqual([true, true]);
  }
  slow.drained();
  expect([stuck, slow].map((peer) => peer.tick(start + 20_500))).toEqual([false, true]);
});

test('an end waits for seconds until the client has all, and for nobody who left too much unread', () => {
  const { peer, done } = peerOf(() => 0);
  peer.connection.receive(new Uint8Array(PREFACE));
  peer.connection.drain();
  const start = performance.now();
  expect([peer.tick(start + 4_000), peer.tick(start + 6_000), done]).toEqual([true, false, []]);
  const { peer: flooded, done: cut } = peerOf(() => 0);
  flooded.write(new Uint8Array(1));
  expect(flooded.write(new Uint8Array(1024 ** 2))).toBe(false);
  flooded.end();
  expect(cut).toEqual(['terminate']);
});

test('when all connections are taken, the one that is idle longest makes room, guests first', async () => {
  const listener = await listenGrpc(LOCAL, FULL, LIMITS, 3);
  const closed: string[] = [];
  const join = async (name: string, hasCall: boolean) => {
    const client = await rawClient(`127.0.0.1:${listener.port}`);
    client.resume();
    client.on('close', () => closed.push(name));
    if (hasCall) client.write(callHeaders(1, EXPORT, true));
    await Bun.sleep(50);
    return client;
  };
  const clients = [await join('caller', true), await join('guest', false), await join('late guest', false)];
  clients.push(await join('new', true));
  await until(() => closed.length > 0);
  clients.push(await join('newer', true));
  await until(() => closed.length > 1);
  expect([closed, listener.connections]).toEqual([['guest', 'late guest'], 3]);
  for (const client of clients) client.destroy();
  await listener.stop();
});
