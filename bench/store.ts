/**
 * What is kept, the compiled binary over loopback HTTP: log, Parquet and compaction (P3), bytes on disk (P5),
 * trace by id (P6), a search (P7), memory while taking in and merging (P11), start with spans (P12).
 */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Measure } from './measure.ts';
import { atLeast, atMost, figure, median, printMeasures, quantile } from './measure.ts';
import { sendAll } from './send.ts';
import { Server, withDataFolder } from './server.ts';
import { requests, START_UNIX_NANO } from './traffic.ts';

/** Traces asked for by their id. */
const ASKED = 100;

export function measureStore(spans: number): Promise<Measure[]> {
  return withDataFolder((folder) => measureFolder(folder, spans));
}

/** Everything in with the usual flush and compaction, then the questions after a restart, from files alone. */
async function measureFolder(folder: string, spans: number): Promise<Measure[]> {
  const first = await Server.start(folder);
  const traceIds: string[] = [];
  const cpuBefore = first.cpuSeconds();
  let unflushed: number[];
  let taken: { readonly seconds: number; readonly peakMiB: number };
  let merged: Merged;
  try {
    const before = performance.now();
    await sendStream(first.url, spans, traceIds);
    taken = { seconds: (performance.now() - before) / 1000, peakMiB: first.memory().peakMiB };
    unflushed = await timed(traceIds.slice(-ASKED), (id) => askTrace(first.url, id));
    merged = await compact(first);
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
      atLeast('P3', 'log, Parquet and compaction, to the end', spans / cpuSeconds, 'spans/CPU s', 100_000),
      atLeast('P3', 'taken in, wall', spans / taken.seconds, 'spans/s', 200_000),
      figure(
        'P3',
        'the last merge, spans rewritten per CPU second',
        merged.rows / merged.cpuSeconds,
        'spans/CPU s',
      ),
      figure('P3', 'written by compaction for each span', merged.rowsInAll / spans, ''),
      atMost('P5', 'Parquet a span, compacted', bytes / spans, 'B', 35),
      figure('P5', 'Parquet files', merged.files, ''),
      atMost('P6', 'trace by id, p50', median(byId), 'ms', 6),
      atMost('P6', 'trace by id, p95', quantile(byId, 0.95), 'ms', 20),
      atMost('P6', 'trace by id, just sent, p50', median(unflushed), 'ms', 2),
      atMost('P6', 'unknown trace id, p50', median(unknown), 'ms', 1),
      atMost('P7', 'service and minimum duration, newest 100, p50', median(search), 'ms', 20),
      atMost('P7', 'service and minimum duration, newest 100, p95', quantile(search, 0.95), 'ms', 90),
      atMost('P11', 'memory at most, while taking it all in', taken.peakMiB, 'MiB', 450),
      atMost('P11', 'memory at most, while merging what is left', merged.peakMiB, 'MiB', 768),
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

function parquetBytes(folder: string): number {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const sizes = files
    .filter((file) => file.endsWith('.parquet'))
    .map((file) => statSync(join(folder, file)).size);
  return sizes.reduce((sum, size) => sum + size, 0);
}

interface Merged {
  readonly rows: number;
  readonly rowsInAll: number;
  readonly files: number;
  readonly cpuSeconds: number;
  readonly peakMiB: number;
}

/** Merges what the server has not merged of its own accord, as it would when the day is over. */
async function compact(server: Server): Promise<Merged> {
  const before = await storage(server.url);
  const cpuBefore = server.cpuSeconds();
  server.forgetPeak();
  const answer = await fetch(`${server.url}/api/v1/storage/compact`, { method: 'POST' });
  if (!answer.ok) throw new Error(`compaction is answered ${answer.status}: ${await answer.text()}`);
  const after = await storage(server.url);
  return {
    rows: after.compactedRows - before.compactedRows,
    rowsInAll: after.compactedRows,
    files: after.files,
    cpuSeconds: server.cpuSeconds() - cpuBefore,
    peakMiB: server.memory().peakMiB,
  };
}

async function storage(url: string): Promise<{ readonly files: number; readonly compactedRows: number }> {
  return (await (await fetch(`${url}/api/v1/storage`)).json()) as { files: number; compactedRows: number };
}

if (import.meta.main) printMeasures(await measureStore(Number(process.argv[2] ?? 1_000_000)));
