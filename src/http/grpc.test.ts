import { Client, compressionAlgorithms, credentials, Metadata, status as Code } from '@grpc/grpc-js';
import type { ServiceError } from '@grpc/grpc-js';
import { expect, test } from 'bun:test';
import protobuf from 'protobufjs';
import { StoreUnavailableError } from '../store/span-store.ts';
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
