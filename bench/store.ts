/**
 * What is kept, the compiled binary over loopback HTTP: log, Parquet and compaction (P3), bytes on disk (P5),
 * memory while taking in and merging (P11), start with spans (P12). Questions are put in query.ts.
 */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Measure } from './measure.ts';
import { atLeast, atMost, figure, median, printMeasures } from './measure.ts';
import { sendAll } from './send.ts';
import { emptyLog, Server, withDataFolder } from './server.ts';
import { requests, START_UNIX_NANO } from './traffic.ts';

const STARTS = 5;

export function measureStore(spans: number): Promise<Measure[]> {
  return withDataFolder((folder) => measureFolder(folder, spans));
}

/** Everything in with the usual flush and compaction, then a restart. */
async function measureFolder(folder: string, spans: number): Promise<Measure[]> {
  const first = await Server.start(folder);
  const cpuBefore = first.cpuSeconds();
  let taken: { readonly seconds: number; readonly peakMiB: number };
  let merged: Merged;
  try {
    const before = performance.now();
    await sendStream(first.url, spans);
    taken = { seconds: (performance.now() - before) / 1000, peakMiB: first.memory().peakMiB };
    merged = await compact(first);
  } finally {
    await first.stop();
  }
  const cpuSeconds = cpuOfStopped(first, cpuBefore) + (await emptyLog(folder));
  const bytes = parquetBytes(join(folder, 'lake'));
  const startsMs: number[] = [];
  for (let i = 0; i < STARTS; i++) {
    const again = await Server.start(folder);
    startsMs.push(again.startMs);
    await again.stop();
  }
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
    atMost('P11', 'memory at most, while taking it all in', taken.peakMiB, 'MiB', 450),
    atMost('P11', 'memory at most, while merging what is left', merged.peakMiB, 'MiB', 768),
    atMost('P12', `start with ${spans} spans on disk`, median(startsMs), 'ms', 200),
  ];
}

/** In pieces, so that a million spans are never in this process at once. */
async function sendStream(url: string, spans: number): Promise<void> {
  let piece: Uint8Array[] = [];
  for (const body of requests(spans, { seed: 4, startUnixNano: START_UNIX_NANO })) {
    piece.push(body);
    if (piece.length < 100) continue;
    await sendAll(url, piece);
    piece = [];
  }
  await sendAll(url, piece);
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
