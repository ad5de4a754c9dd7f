/**
 * The compiled binary over loopback HTTP: what a durable span costs the server (P2), the latency of an
 * acknowledgement (P4), bytes on disk (P5), trace by id (P6), a search (P7), memory (P11), start (P12).
 */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Measure } from './measure.ts';
import { atLeast, atMost, figure, median, printMeasures, quantile } from './measure.ts';
import { Server, withDataFolder } from './server.ts';
import { asGzip, requests, SPANS_PER_REQUEST } from './traffic.ts';

const START_UNIX_NANO = 1_790_000_000_000_000_000n;
/** Requests under way at a time: enough to fill group commits, few enough to be one Collector. */
const SENDERS = 8;
/** Sent before P2 is measured: the compiler has then seen the hot loops. */
const WARM_UP_SPANS = 150_000;
/** The flush is kept out of P2, which ends at the log. */
const NO_FLUSH = ['--flush-rows', '4194304', '--flush-bytes', '1GiB', '--flush-age', '1h'];
const PACED_SPANS_PER_SECOND = 50_000;
const PACED_SECONDS = 4;
const ASKED = 100;

export async function measureIngest(spans: number): Promise<Measure[]> {
  const logSpans = Math.min(spans, 300_000);
  const plain = await withDataFolder((folder) => measureLog(folder, logSpans, false));
  const gzip = await withDataFolder((folder) => measureLog(folder, logSpans, true));
  const acknowledgement = await withDataFolder(measureAcknowledgement);
  const stored = await withDataFolder((folder) => measureStore(folder, spans));
  return [...plain, ...gzip, ...acknowledgement, ...stored];
}

/** Accepted and on disk in the log, per CPU second of the server. */
async function measureLog(folder: string, spans: number, isGzip: boolean): Promise<Measure[]> {
  const server = await Server.start(folder, NO_FLUSH);
  try {
    const idle = server.memory().nowMiB;
    const bodies = [...requests(spans + WARM_UP_SPANS, { seed: 2, startUnixNano: START_UNIX_NANO })];
    const sent = isGzip ? bodies.map(asGzip) : bodies;
    await sendAll(server.url, sent.splice(0, WARM_UP_SPANS / SPANS_PER_REQUEST), isGzip);
    const cpuBefore = server.cpuSeconds();
    const before = performance.now();
    await sendAll(server.url, sent, isGzip);
    const seconds = (performance.now() - before) / 1000;
    const cpuSeconds = server.cpuSeconds() - cpuBefore;
    const form = isGzip ? 'gzip' : 'plain';
    const perCpuSecond = atLeast(
      'P2',
      `durable ingest, ${form}`,
      spans / cpuSeconds,
      'spans/CPU s',
      isGzip ? 300_000 : 400_000,
    );
    const wall = figure('P2', `durable ingest, ${form}, wall`, spans / seconds, 'spans/s');
    if (isGzip) return [perCpuSecond, wall];
    const start = atMost('P12', 'start, empty store', server.startMs, 'ms', 50);
    return [start, atMost('P11', 'memory, idle', idle, 'MiB', 90), perCpuSecond, wall];
  } finally {
    await server.stop();
  }
}

async function sendAll(url: string, bodies: readonly Uint8Array[], isGzip: boolean): Promise<void> {
  let next = 0;
  const sender = async (): Promise<void> => {
    while (next < bodies.length) await send(url, bodies[next++], isGzip);
  };
  await Promise.all(Array.from({ length: SENDERS }, sender));
}

async function send(url: string, body: Uint8Array, isGzip = false): Promise<void> {
  const headers: Record<string, string> = { 'content-type': 'application/x-protobuf' };
  if (isGzip) headers['content-encoding'] = 'gzip';
  const answer = await fetch(`${url}/v1/traces`, {
    method: 'POST',
    headers,
    body: body as Uint8Array<ArrayBuffer>,
  });
  const { byteLength } = await answer.arrayBuffer();
  if (!answer.ok || byteLength > 0)
    throw new Error(`an export was answered ${answer.status} with ${byteLength} bytes`);
}

/** Requests leave on a fixed clock, so that a slow answer does not slow the next request down. */
async function measureAcknowledgement(folder: string): Promise<Measure[]> {
  const server = await Server.start(folder, NO_FLUSH);
  try {
    const total = PACED_SPANS_PER_SECOND * PACED_SECONDS;
    const bodies = [...requests(total, { seed: 3, startUnixNano: START_UNIX_NANO })];
    await sendAll(server.url, bodies.slice(0, 100), false);
    const everyMs = (1000 * SPANS_PER_REQUEST) / PACED_SPANS_PER_SECOND;
    const latencies: number[] = [];
    const begin = performance.now();
    await Promise.all(
      bodies.map(async (body, i) => {
        await Bun.sleep(Math.max(0, begin + i * everyMs - performance.now()));
        const before = performance.now();
        await send(server.url, body);
        latencies.push(performance.now() - before);
      }),
    );
    return [
      atMost('P4', 'acknowledgement p50 at 50k spans/s', median(latencies), 'ms', 5),
      atMost('P4', 'acknowledgement p99 at 50k spans/s', quantile(latencies, 0.99), 'ms', 20),
    ];
  } finally {
    await server.stop();
  }
}

/** Everything in with the usual flush, then the questions after a restart, from files alone. */
async function measureStore(folder: string, spans: number): Promise<Measure[]> {
  const first = await Server.start(folder);
  const traceIds: string[] = [];
  const cpuBefore = first.cpuSeconds();
  let unflushed: number[];
  try {
    await sendStream(first.url, spans, traceIds);
    unflushed = await timed(traceIds.slice(-ASKED), (id) => askTrace(first.url, id));
  } finally {
    await first.stop();
  }
  const cpuSeconds = cpuOfStopped(first, cpuBefore);
  const bytes = parquetBytes(join(folder, 'lake'));
  const again = await Server.start(folder);
  try {
    const step = Math.max(1, Math.floor(traceIds.length / ASKED));
    const ids = traceIds.filter((_, i) => i % step === 0);
    const byId = await timed(ids, (id) => askTrace(again.url, id));
    const unknown = await timed(ids, (id) => askUnknownTrace(again.url, id));
    const search = await timed(
      Array.from({ length: 30 }, (_, i) => i),
      () => askSearch(again.url),
    );
    return [
      atLeast('P3', 'log and Parquet, to the end of SIGTERM', spans / cpuSeconds, 'spans/CPU s', 100_000),
      atMost('P5', 'Parquet a span, as flushed', bytes / spans, 'B', 35),
      atMost('P6', 'trace by id, p50', median(byId), 'ms', 6),
      atMost('P6', 'trace by id, p95', quantile(byId, 0.95), 'ms', 20),
      atMost('P6', 'trace by id, just sent, p50', median(unflushed), 'ms', 2),
      atMost('P6', 'unknown trace id, p50', median(unknown), 'ms', 1),
      atMost('P7', 'service and minimum duration, newest 100, p50', median(search), 'ms', 20),
      atMost('P7', 'service and minimum duration, newest 100, p95', quantile(search, 0.95), 'ms', 90),
      atMost('P11', 'memory at most, while taking it all in', peakOf(first), 'MiB', 450),
      atMost('P12', `start with ${spans} spans on disk`, again.startMs, 'ms', 200),
    ];
  } finally {
    await again.stop();
  }
}

/** In pieces, so that a million spans are never in this process at once. Collects an id a request. */
async function sendStream(url: string, spans: number, traceIds: string[]): Promise<void> {
  let piece: Uint8Array[] = [];
  for (const body of requests(spans, { seed: 4, startUnixNano: START_UNIX_NANO })) {
    traceIds.push(firstTraceId(body));
    piece.push(body);
    if (piece.length < 100) continue;
    await sendAll(url, piece, false);
    piece = [];
  }
  await sendAll(url, piece, false);
}

/** The traffic's spans begin with their trace id: tag 0x0a, length 16, and a span id behind it. */
function firstTraceId(body: Uint8Array): string {
  for (let at = 0; at + 28 < body.length; at++) {
    if (body[at] === 0x0a && body[at + 1] === 16 && body[at + 18] === 0x12 && body[at + 19] === 8) {
      return Buffer.from(body.subarray(at + 2, at + 18)).toString('hex');
    }
  }
  throw new Error('a request without spans');
}

async function timed<T>(items: readonly T[], ask: (item: T) => Promise<void>): Promise<number[]> {
  const times: number[] = [];
  for (const item of items) {
    const before = performance.now();
    await ask(item);
    times.push(performance.now() - before);
  }
  return times;
}

async function askTrace(url: string, id: string): Promise<void> {
  const spans = await askSpans(`${url}/api/v1/traces/${id}`);
  if (spans !== 10) throw new Error(`trace ${id} has ${spans} spans, 10 were sent`);
}

/** An id that nobody sent: the bytes of one that somebody did, the other way round. */
async function askUnknownTrace(url: string, id: string): Promise<void> {
  const answer = await fetch(`${url}/api/v1/traces/${Buffer.from(id, 'hex').reverse().toString('hex')}`);
  const body = await answer.text();
  if (answer.status !== 404 && !body.includes('"spans":[]'))
    throw new Error(`an unknown id is answered ${answer.status}`);
}

async function askSearch(url: string): Promise<void> {
  const range = 'start=2026-09-01T00:00:00Z&end=2026-12-01T00:00:00Z';
  const spans = await askSpans(
    `${url}/api/v1/spans?service=checkout&minDuration=20ms&order=newest&limit=100&${range}`,
  );
  if (spans !== 100) throw new Error(`the search found ${spans} of 100 spans`);
}

async function askSpans(url: string): Promise<number> {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url} is answered ${answer.status}: ${await answer.text()}`);
  const { spans } = (await answer.json()) as { spans: unknown[] };
  return spans.length;
}

/** A process that ended tells the kernel's account of it, which /proc no longer has. */
function cpuOfStopped(server: Server, before: number): number {
  const usage = server.process.resourceUsage();
  if (!usage) throw new Error('the server has not ended');
  return Number(usage.cpuTime.total) / 1e6 - before;
}

function peakOf(server: Server): number {
  const usage = server.process.resourceUsage();
  return (usage?.maxRSS ?? Number.NaN) / 1024 / 1024;
}

function parquetBytes(folder: string): number {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const sizes = files
    .filter((file) => file.endsWith('.parquet'))
    .map((file) => statSync(join(folder, file)).size);
  return sizes.reduce((sum, size) => sum + size, 0);
}

if (import.meta.main) printMeasures(await measureIngest(Number(process.argv[2] ?? 1_000_000)));
