/** A real disk that is full, on a small tmpfs of its own: refused with 503, read all the while, taken again. */
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdirSync, rmSync, statfsSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Random } from '../src/demo/random.ts';
import { checkRound } from './crash/api-check.ts';
import { checkFolder, compactFolder } from './crash/folder-check.ts';
import { Ledger } from './crash/ledger.ts';
import { post, prepareRequest } from './crash/senders.ts';
import { TestServer, eventually, temporaryFolder } from './support/server.ts';

const DISK_MIB = 24;
const CYCLES = 20;
/** Reliability case 4. */
const RESUME_WITHIN_MS = 30_000;

const folder = temporaryFolder();
const disk = join(folder, 'disk');
const ballast = join(disk, 'ballast');

/** '' when mounted, or why it can't be. */
function mount(): string {
  mkdirSync(disk);
  const run = Bun.spawnSync(['mount', '-t', 'tmpfs', '-o', `size=${DISK_MIB}m`, 'tmpfs', disk]);
  return run.success ? '' : run.stderr.toString().trim();
}

const whyNot = process.platform === 'linux' ? mount() : 'only Linux has tmpfs';
if (whyNot !== '') console.warn(`SKIPPED: the real full disk needs a tmpfs of its own: ${whyNot}`);

afterAll(() => {
  if (whyNot === '') Bun.spawnSync(['umount', '-l', disk]);
  rmSync(folder, { recursive: true, force: true });
});

/** To the last block. */
function fill(): void {
  const { bavail, bsize } = statfsSync(disk);
  try {
    writeFileSync(ballast, new Uint8Array(bavail * bsize + 1024 * 1024));
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
  }
}

let ledger: Ledger;
let random: Random;

beforeAll(() => {
  random = new Random(7, 7n);
  ledger = new Ledger({ mark: random.hex(4), startUnixNano: BigInt(Date.now()) * 1_000_000n });
});

function start(): Promise<TestServer> {
  return TestServer.start({
    dataDir: join(disk, 'data'),
    args: ['--flush-rows', '200', '--flush-age', '200ms'],
  });
}

/** Sends new spans until the outcome; an exporter sends what was refused again, and so does this. */
async function sendUntil(
  server: TestServer,
  wanted: 'acknowledged' | 'refused',
  round: number,
  timeoutMs: number,
): Promise<number> {
  const began = performance.now();
  let request = prepareRequest({ ledger, random, spansPerRequest: 20 }, round);
  await eventually(
    `a request is ${wanted}`,
    async () => {
      const outcome = await post(server.url, request);
      if (outcome === 'cut') throw new Error(`the server is gone:\n${server.log}`);
      if (outcome === 'acknowledged') {
        ledger.acknowledge(request.from, request.to);
        if (wanted !== outcome) request = prepareRequest({ ledger, random, spansPerRequest: 20 }, round);
      }
      return outcome === wanted ? true : undefined;
    },
    timeoutMs,
  );
  return performance.now() - began;
}

test.skipIf(whyNot !== '')(
  `a disk that fills and empties ${CYCLES} times: 503, reads go on, writes resume, nothing is lost`,
  async () => {
    let slowestMs = 0;
    let server = await start();
    try {
      for (let cycle = 0; cycle < CYCLES; cycle++) {
        const round = ledger.beginRound();
        await sendUntil(server, 'acknowledged', round, RESUME_WITHIN_MS);
        fill();
        await sendUntil(server, 'refused', round, 10_000);
        await checkRound(server.url, ledger, round);
        expect((await server.fetch('/readyz')).status).toBe(503);
        // Every fifth time the full disk meets a crash.
        if (cycle % 5 === 4) {
          await server.kill();
          server = await start();
          await checkRound(server.url, ledger, round);
        }
        truncateSync(ballast, 0);
        slowestMs = Math.max(slowestMs, await sendUntil(server, 'acknowledged', round, RESUME_WITHIN_MS));
        await checkRound(server.url, ledger, round);
      }
      for (let round = 0; round < CYCLES; round++) await checkRound(server.url, ledger, round);
      expect(await server.terminate()).toBe(0);
    } finally {
      await server.kill();
    }
    expect(slowestMs).toBeLessThan(RESUME_WITHIN_MS);
    console.log(
      `writes resumed within ${(slowestMs / 1000).toFixed(1)} s of space returning, at the slowest`,
    );
    await compactFolder(join(disk, 'data'));
    await checkFolder(join(disk, 'data'), ledger);
  },
  600_000,
);
