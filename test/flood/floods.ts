/** The floods: each takes as long as it is told, and says what it was answered. */
import { Client, compressionAlgorithms, credentials, Metadata } from '@grpc/grpc-js';
import type { ServiceError } from '@grpc/grpc-js';
import { requests, SPANS_PER_REQUEST } from '../../bench/traffic.ts';
import { exportBody } from '../../src/http/testing/otlp.ts';
import { bombs } from '../support/bombs.ts';
import { announce } from './raw.ts';
import type { RawSender } from './raw.ts';

/** How often each answer came. */
export type Answers = Map<string, number>;

export interface FloodOptions {
  /** As `TestServer` has them. */
  readonly url: string;
  readonly grpcUrl: string;
  readonly token: string;
  readonly seconds: number;
}

const EXPORT = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';
const MIB = 1024 ** 2;

function count(answers: Answers, answer: string): void {
  answers.set(answer, (answers.get(answer) ?? 0) + 1);
}

async function post(
  options: FloodOptions,
  body: Uint8Array,
  answers: Answers,
  encoding = 'identity',
): Promise<void> {
  const headers = {
    'content-type': 'application/x-protobuf',
    'content-encoding': encoding,
    authorization: `Bearer ${options.token}`,
  };
  try {
    const answer = await fetch(`${options.url}/v1/traces`, {
      method: 'POST',
      headers,
      body: body as Uint8Array<ArrayBuffer>,
    });
    await answer.arrayBuffer();
    count(answers, String(answer.status));
  } catch (error) {
    count(answers, error instanceof Error && 'code' in error ? String(error.code) : String(error));
  }
}

/** `lanes` senders, each with the next request as soon as the last one is answered. */
async function inLanes(
  options: FloodOptions,
  lanes: number,
  send: (lane: number) => Promise<void>,
): Promise<void> {
  const end = performance.now() + options.seconds * 1000;
  const lane = async (_: unknown, index: number): Promise<void> => {
    while (performance.now() < end) await send(index);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

/** One span a request over 64 connections. */
async function manySmall(options: FloodOptions): Promise<Answers> {
  const answers: Answers = new Map();
  let sent = 0;
  await inLanes(options, 64, () => {
    const spanId = (0x1_0000_0000 + sent++).toString(16).padStart(16, '0');
    return post(options, exportBody('protobuf', [{ spanId }]), answers);
  });
  return answers;
}

/** A request of about `mib` MiB: spans with an attribute of 64 KiB, another one each time. */
function largeBody(mib: number, seed: number): Uint8Array {
  const value = `${seed} `.padEnd(65_536, 'x');
  const spans = Array.from({ length: mib * 16 - 1 }, (_, n) => ({
    spanId: (seed * 65_536 + n + 1).toString(16).padStart(16, '0'),
    attributes: { large: value },
  }));
  return exportBody('protobuf', spans);
}

/** 60 MiB at a time, 20 at once. */
async function fewHuge(options: FloodOptions): Promise<Answers> {
  const answers: Answers = new Map();
  const body = largeBody(60, 1);
  await inLanes(options, 20, () => post(options, body, answers));
  return answers;
}

/** Thousands of connections that send a byte a second of what they announced. */
async function slowSenders(options: FloodOptions, connections = 5_000): Promise<Answers> {
  const answers: Answers = new Map();
  const senders: RawSender[] = [];
  // Half of them announce a usual batch, half the largest that is legal.
  for (let n = 0; n < connections; n++) {
    senders.push(await announce(options.url, options.token, n % 2 === 0 ? 200_000 : 64 * MIB));
  }
  const end = performance.now() + options.seconds * 1000;
  while (performance.now() < end) {
    for (const sender of senders) sender.write('\n');
    await Bun.sleep(1000);
  }
  for (const sender of senders) {
    count(answers, sender.answer().split(' ')[1] ?? (sender.isOpen() ? 'none' : 'closed'));
    sender.close();
  }
  return answers;
}

/** 10 GiB in some MB, in each encoding over HTTP, eight at once. */
async function httpBombs(options: FloodOptions): Promise<Answers> {
  const answers: Answers = new Map();
  const made = bombs();
  await inLanes(options, 8, (lane) => {
    const { body, encoding } = made[lane % made.length];
    return post(options, body, answers, encoding);
  });
  return answers;
}

/** The same as gRPC messages in gzip, eight at once. */
async function grpcBombs(options: FloodOptions): Promise<Answers> {
  const answers: Answers = new Map();
  const plain = Buffer.alloc(512 * MIB);
  const client = grpcClient(options, true);
  await inLanes(options, 8, () => grpcCall(client, options.token, plain, answers));
  client.close();
  return answers;
}

function grpcClient({ grpcUrl }: FloodOptions, gzip: boolean): Client {
  return new Client(new URL(grpcUrl).host, credentials.createInsecure(), {
    'grpc.max_send_message_length': -1,
    'grpc.default_compression_algorithm': gzip ? compressionAlgorithms.gzip : compressionAlgorithms.identity,
  });
}

function grpcCall(client: Client, token: string, body: Buffer, answers: Answers): Promise<void> {
  const asIs = (bytes: Buffer): Buffer => bytes;
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${token}`);
  return new Promise((resolve) => {
    client.makeUnaryRequest(EXPORT, asIs, asIs, body, metadata, (error: ServiceError | null) => {
      count(answers, error === null ? 'OK' : String(error.code));
      resolve();
    });
  });
}

/** Usual batches of 500 spans as fast as 16 connections take them. */
async function overload(options: FloodOptions): Promise<Answers> {
  const answers: Answers = new Map();
  const startUnixNano = BigInt(Date.now()) * 1_000_000n;
  // More than is sent in that time, made as they are needed.
  const bodies = requests(SPANS_PER_REQUEST * 1_000_000, { seed: 7, startUnixNano });
  await inLanes(options, 16, async () => {
    const next = bodies.next();
    if (!next.done) await post(options, next.value, answers);
  });
  return answers;
}

/** Nobody sends: what the bystanders wait on this machine without a flood. */
async function calm({ seconds }: FloodOptions): Promise<Answers> {
  await Bun.sleep(seconds * 1000);
  return new Map();
}

export const CALM = 'calm';
export const FLOODS: ReadonlyMap<string, (options: FloodOptions) => Promise<Answers>> = new Map([
  [CALM, calm],
  ['many small', manySmall],
  ['few huge', fewHuge],
  ['slow senders', (options: FloodOptions) => slowSenders(options)],
  ['bombs over HTTP', httpBombs],
  ['bombs over gRPC', grpcBombs],
  ['overload', (options: FloodOptions) => overload({ ...options, seconds: options.seconds * 6 })],
]);
