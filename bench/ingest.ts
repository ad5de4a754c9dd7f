/**
 * The way in, the compiled binary over loopback HTTP: what a durable span costs the server (P2), the latency
 * of an acknowledgement (P4), memory when idle (P11), start of an empty store (P12).
 */
import type { Measure } from './measure.ts';
import { atLeast, atMost, figure, median, printMeasures, quantile } from './measure.ts';
import { send, sendAll } from './send.ts';
import { Server, withDataFolder } from './server.ts';
import { asGzip, requests, SPANS_PER_REQUEST, START_UNIX_NANO } from './traffic.ts';

/** Sent before P2 is measured: the compiler has then seen the hot loops. */
const WARM_UP_SPANS = 150_000;
/** The flush is kept out of P2, which ends at the log. */
const NO_FLUSH = ['--flush-rows', '4194304', '--flush-bytes', '1GiB', '--flush-age', '1h'];
const PACED_SPANS_PER_SECOND = 50_000;
const PACED_SECONDS = 4;

export async function measureIngest(spans: number): Promise<Measure[]> {
  const logSpans = Math.min(spans, 300_000);
  const plain = await withDataFolder((folder) => measureLog(folder, logSpans, false));
  const gzip = await withDataFolder((folder) => measureLog(folder, logSpans, true));
  const acknowledgement = await withDataFolder(measureAcknowledgement);
  return [...plain, ...gzip, ...acknowledgement];
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

if (import.meta.main) printMeasures(await measureIngest(Number(process.argv[2] ?? 1_000_000)));
