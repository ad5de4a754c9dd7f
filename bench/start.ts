/** P12: how long until the server answers - an empty store, a log to replay - and the size of the binary. */
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Measure } from './measure.ts';
import { atLeast, atMost, figure, median, printMeasures } from './measure.ts';
import { sendAll } from './send.ts';
import { NO_FLUSH, Server, withDataFolder } from './server.ts';
import { requests, START_UNIX_NANO } from './traffic.ts';

const STARTS = 9;
const REPLAYS = 3;
/** A log of 400 MB: a second at the goal. */
const MOST_REPLAYED_SPANS = 500_000;
const REQUESTS_A_PIECE = 200;
const MB = 1_000_000;

export async function measureStarts(spans: number): Promise<Measure[]> {
  const emptyMs = await withDataFolder(startsOf);
  return [
    atMost('P12', 'start, empty store', median(emptyMs), 'ms', 50),
    figure('P12', 'start, empty store, fastest', Math.min(...emptyMs), 'ms'),
    figure('P12', 'spanlake --version', median(versionTimes()), 'ms'),
    ...(await withDataFolder((folder) => measureReplay(folder, Math.min(spans, MOST_REPLAYED_SPANS)))),
    atMost('P12', 'binary', statSync(Server.binary).size / MB, 'MB', 125),
  ];
}

async function startsOf(parent: string): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < STARTS; i++) {
    const folder = join(parent, String(i));
    mkdirSync(folder);
    const server = await Server.start(folder);
    times.push(server.startMs);
    await server.kill();
  }
  return times;
}

function versionTimes(): number[] {
  return Array.from({ length: STARTS }, () => {
    const before = performance.now();
    const run = Bun.spawnSync([Server.binary, '--version'], { stdout: 'ignore' });
    if (!run.success) throw new Error('--version fails');
    return performance.now() - before;
  });
}

/** Killed with a full log: the server is ready when all of it can be searched. */
async function measureReplay(folder: string, spans: number): Promise<Measure[]> {
  const first = await Server.start(folder, NO_FLUSH);
  let piece: Uint8Array[] = [];
  for (const body of requests(spans, { seed: 5, startUnixNano: START_UNIX_NANO })) {
    if (piece.push(body) < REQUESTS_A_PIECE) continue;
    await sendAll(first.url, piece);
    piece = [];
  }
  await sendAll(first.url, piece);
  await first.kill();
  const rates: number[] = [];
  for (let i = 0; i < REPLAYS; i++) {
    const again = await Server.start(folder, NO_FLUSH);
    const seconds = again.startMs / 1000;
    await checkAllThere(again, spans);
    await again.kill();
    rates.push(spans / seconds);
  }
  return [
    atLeast('P12', 'log replay, from start to ready', median(rates), 'spans/s', 500_000),
    figure('P12', `start with ${spans} spans in the log`, (spans / median(rates)) * 1000, 'ms'),
  ];
}

async function checkAllThere({ url }: Server, spans: number): Promise<void> {
  const start = new Date(Number(START_UNIX_NANO / 1_000_000n)).toISOString();
  const end = new Date(Number(START_UNIX_NANO / 1_000_000n) + 24 * 3_600_000).toISOString();
  const answer = await fetch(`${url}/api/v1/services?start=${start}&end=${end}`);
  const { services } = (await answer.json()) as { services: { count: number }[] };
  const found = services.reduce((sum, { count }) => sum + count, 0);
  if (found !== spans) throw new Error(`${found} spans after a replay of ${spans}`);
}

if (import.meta.main) printMeasures(await measureStarts(Number(process.argv[2] ?? 500_000)));
