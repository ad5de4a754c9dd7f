/** The short form of `npm run crash`, and a drain under load. */
import { expect, test } from 'bun:test';
import { join } from 'node:path';
import { rmSync } from 'node:fs';
import { Random } from '../src/demo/random.ts';
import { checkRound } from './crash/api-check.ts';
import { runCampaign } from './crash/campaign.ts';
import { checkFolder, compactFolder } from './crash/folder-check.ts';
import { Ledger } from './crash/ledger.ts';
import { Senders } from './crash/senders.ts';
import { TestServer, compiledBinary, temporaryFolder } from './support/server.ts';

/** As the last summary of the long form says; `npm run crash` runs a thousand. */
const RUNS = 30;

test(`${RUNS} kills with -9 under load: every acknowledged span is there once, and nothing else`, async () => {
  const home = temporaryFolder();
  const seed = Date.now() % 1_000_000_000;
  const summary = await runCampaign({
    binary: compiledBinary(),
    dataDir: join(home, 'data'),
    runs: RUNS,
    seed,
    progress: () => {},
  });
  // A campaign that never met a kill in the middle of something has shown nothing.
  expect(summary.acknowledgedSpans).toBeGreaterThan(1_000);
  expect(summary.counts.cut).toBeGreaterThan(RUNS / 3);
  expect(summary.scenes.get('log') ?? 0).toBeGreaterThan(RUNS / 3);
  rmSync(home, { recursive: true });
}, 240_000);

test('SIGTERM under load drains within 10 s, and nothing is lost', async () => {
  const home = temporaryFolder();
  const dataDir = join(home, 'data');
  const random = new Random(11, 11n);
  const ledger = new Ledger({ mark: random.hex(4), startUnixNano: BigInt(Date.now()) * 1_000_000n });
  const senders = new Senders({ ledger, random, senders: 4, spansPerRequest: 40, repeatShare: 0.1 });
  for (let round = 0; round < 3; round++) {
    await using server = await TestServer.start({ dataDir, args: ['--flush-rows', '2000'] });
    ledger.beginRound();
    const load = senders.run(server.url, round);
    await Bun.sleep(700);
    const began = performance.now();
    expect(await server.terminate()).toBe(0);
    expect(performance.now() - began).toBeLessThan(10_000);
    await load;
  }
  await using server = await TestServer.start({ dataDir });
  await senders.drain(server.url);
  for (let round = 0; round < 3; round++) await checkRound(server.url, ledger, round);
  expect(await server.terminate()).toBe(0);
  await compactFolder(dataDir);
  const { rows } = await checkFolder(dataDir, ledger);
  expect(rows).toBeGreaterThan(1_000);
  rmSync(home, { recursive: true });
}, 120_000);
