/**
 * The way in, the compiled binary over loopback: what a durable span costs the server over HTTP and gRPC, in
 * all encodings, and what small requests cost (P2). Latencies and memory are in ingest-pace.ts, starts in start.ts.
 */
import { GrpcSender } from './grpc-send.ts';
import { measurePaced } from './ingest-pace.ts';
import type { Measure } from './measure.ts';
import { atLeast, figure, median, printMeasures } from './measure.ts';
import type { SendOne } from './send.ts';
import { send, sendEach } from './send.ts';
import { NO_FLUSH, Server, withDataFolder } from './server.ts';
import { measureStarts } from './start.ts';
import { asGzip, asJson, requests, START_UNIX_NANO } from './traffic.ts';

const ROUNDS = 5;
/** A round of protobuf: a quarter of a second of CPU at the goal, read to 10 ms. */
const ROUND_SPANS = 100_000;
/**
 * Sent before anything is measured. Until some 400,000 spans have come the compiler takes a quarter of the CPU, and code
 * runs that it has not seen often: 207k to 231k spans a CPU second there, 330k to 470k behind.
 */
const WARM_UP_SPANS = 500_000;
/** JSON takes the server three times as long, and this program ten times as long to write. */
const JSON_SHARE = 0.4;
const SMALL_REQUEST_SPANS = 10;
const SMALL_SHARE = 0.3;

/** One way of sending, measured on a server of its own. */
interface Way {
  readonly name: string;
  readonly goal?: number;
  /** Of the spans of a round of protobuf. */
  readonly share: number;
  readonly spansPerRequest?: number;
  readonly encode: (body: Uint8Array) => Uint8Array;
  readonly grpc?: boolean;
  readonly sender: (server: Server) => Promise<{ readonly send: SendOne; close(): void }>;
}

const asIs = (body: Uint8Array): Uint8Array => body;

function http(encoding: 'protobuf' | 'gzip' | 'json'): Way['sender'] {
  return ({ url }) => Promise.resolve({ send: (body) => send(url, body, encoding), close: () => {} });
}

async function grpc({ grpcUrl = '' }: Server): ReturnType<Way['sender']> {
  const sender = await GrpcSender.connect(grpcUrl);
  return { send: (body) => sender.send(body), close: () => sender.close() };
}

const WAYS = {
  plain: { name: 'plain', goal: 400_000, share: 1, encode: asIs, sender: http('protobuf') },
  gzip: { name: 'gzip', goal: 300_000, share: 1, encode: asGzip, sender: http('gzip') },
  json: { name: 'JSON', share: JSON_SHARE, encode: asJson, sender: http('json') },
  grpc: { name: 'gRPC', share: 1, encode: asIs, grpc: true, sender: grpc },
  small: {
    name: `requests of ${SMALL_REQUEST_SPANS} spans`,
    share: SMALL_SHARE,
    spansPerRequest: SMALL_REQUEST_SPANS,
    encode: asIs,
    sender: http('protobuf'),
  },
} as const satisfies Record<string, Way>;

interface Rates {
  /** Spans a CPU second of the server, and a second of the clock. */
  readonly perCpuSecond: number;
  readonly perSecond: number;
}

export async function measureIngest(spans: number): Promise<Measure[]> {
  return [...(await measureLog(spans)), ...(await measurePaced(spans)), ...(await measureStarts(spans))];
}

/** P2: accepted and on disk in the log. */
export async function measureLog(spans: number): Promise<Measure[]> {
  const plain = await measureWay(WAYS.plain, spans);
  const gzip = await measureWay(WAYS.gzip, spans);
  const json = await measureWay(WAYS.json, spans);
  const grpcRates = await measureWay(WAYS.grpc, spans);
  const small = await measureWay(WAYS.small, spans);
  const measures = [
    ...shown(WAYS.plain, plain),
    ...shown(WAYS.gzip, gzip),
    ...shown(WAYS.json, json),
    ...shown(WAYS.grpc, grpcRates),
    atLeast('P2', 'gRPC beside plain HTTP', grpcRates.perCpuSecond / plain.perCpuSecond, 'x', 0.7),
    ...shown(WAYS.small, small),
    figure(
      'P2',
      `durable ingest, ${WAYS.small.name}, requests`,
      small.perCpuSecond / SMALL_REQUEST_SPANS,
      'requests/CPU s',
    ),
  ];
  return measures;
}

function shown(way: Way, { perCpuSecond, perSecond }: Rates): Measure[] {
  const name = `durable ingest, ${way.name}`;
  return [
    way.goal === undefined
      ? figure('P2', name, perCpuSecond, 'spans/CPU s')
      : atLeast('P2', name, perCpuSecond, 'spans/CPU s', way.goal),
    figure('P2', `${name}, wall`, perSecond, 'spans/s'),
  ];
}

/** Medians of rounds. What a round sends is made before it begins. */
function measureWay(way: Way, spans: number): Promise<Rates> {
  return withDataFolder(async (folder) => {
    const server = await Server.start(folder, NO_FLUSH, { grpc: way.grpc ?? false });
    const sender = await way.sender(server);
    try {
      const roundSpans = Math.ceil((Math.min(ROUND_SPANS, spans / 5) * way.share) / 500) * 500;
      const warmUp = Math.min(WARM_UP_SPANS * way.share, spans);
      await sendEach(sender.send, bodiesOf(way, warmUp, 0));
      const cpu: number[] = [];
      const wall: number[] = [];
      for (let round = 1; round <= ROUNDS; round++) {
        const bodies = bodiesOf(way, roundSpans, round);
        const cpuBefore = server.cpuSeconds();
        const before = performance.now();
        await sendEach(sender.send, bodies);
        wall.push(roundSpans / ((performance.now() - before) / 1000));
        cpu.push(roundSpans / (server.cpuSeconds() - cpuBefore));
      }
      return { perCpuSecond: median(cpu), perSecond: median(wall) };
    } finally {
      sender.close();
      await server.stop();
    }
  });
}

/** Another seed each round: bytes that came before would be told as a delivery repeated. */
function bodiesOf({ encode, spansPerRequest }: Way, spans: number, round: number): Uint8Array[] {
  const options = { seed: 100 + round, startUnixNano: START_UNIX_NANO };
  const bodies = requests(spans, spansPerRequest === undefined ? options : { ...options, spansPerRequest });
  return Array.from(bodies, encode);
}

if (import.meta.main) printMeasures(await measureIngest(Number(process.argv[2] ?? 1_000_000)));
