/**
 * One data folder through many lives of the server: start, check, load, kill -9 at a random moment; again.
 * At the end everything is compared once more, through the API and, after a last compaction, as DuckDB
 * reads the files.
 */
import { existsSync } from 'node:fs';
import { Random } from '../../src/demo/random.ts';
import { TestServer } from '../support/server.ts';
import { checkRound, checkTrace } from './api-check.ts';
import { checkFolder, compactFolder } from './folder-check.ts';
import type { FolderFigures } from './folder-check.ts';
import { Keeper } from './keeper.ts';
import { Ledger, Violation } from './ledger.ts';
import { sceneOf } from './scene.ts';
import type { Scene } from './scene.ts';
import { Senders } from './senders.ts';
import type { LoadCounts } from './senders.ts';

export interface CampaignOptions {
  readonly binary: string;
  readonly dataDir: string;
  readonly runs: number;
  readonly seed: number;
  /** Told a line now and then. */
  readonly progress: (line: string) => void;
}

export interface CampaignSummary {
  readonly runs: number;
  readonly killsAtStart: number;
  readonly killsWhileDraining: number;
  readonly scenes: ReadonlyMap<Scene, number>;
  readonly sentSpans: number;
  readonly acknowledgedSpans: number;
  readonly counts: LoadCounts;
  readonly checkedTraces: number;
  readonly merges: number;
  readonly deletions: number;
  readonly deletedSpans: number;
  readonly folder: FolderFigures;
}

/** So small that flush, commit, compaction and their clearing away happen many times a second. */
const SERVER_FLAGS = ['--flush-rows', '300', '--flush-age', '200ms', '--compact-files', '3'];

/** A few milliseconds are a kill in the first fsync; 600 ms are a dozen flushes; one in ten is five times that. */
const LONGEST_LOAD_MS = 600;
const LONGEST_START_MS = 250;
const TRACES_A_RUN = 4;

/** What a server may say after a kill. Anything else that it warns of is a finding. */
const EXPECTED_WARNINGS = [
  /cut off \d+ bytes of a write that was not finished/,
  /empty, as a crash before its first write leaves it/,
  /unknown to the catalog, moved to/,
  /ended before it was drained/,
  /refused project=\S+ reason="503: spans come faster than/,
];

export async function runCampaign(options: CampaignOptions): Promise<CampaignSummary> {
  return new Campaign(options).run();
}

class Campaign {
  private readonly ledger: Ledger;
  private readonly random: Random;
  private readonly senders: Senders;
  private readonly keeper: Keeper;
  private readonly scenes = new Map<Scene, number>();
  private killsAtStart = 0;
  private killsWhileDraining = 0;
  private checkedTraces = 0;

  constructor(private readonly options: CampaignOptions) {
    this.random = new Random(options.seed, BigInt(options.seed));
    this.ledger = new Ledger({
      mark: this.random.hex(4),
      startUnixNano: BigInt(Date.now()) * 1_000_000n,
    });
    this.senders = new Senders({
      ledger: this.ledger,
      random: this.random,
      senders: 4,
      spansPerRequest: 40,
      repeatShare: 0.1,
    });
    this.keeper = new Keeper(this.ledger, this.random, this.senders);
  }

  async run(): Promise<CampaignSummary> {
    const { runs, progress } = this.options;
    for (let run = 0; run < runs; run++) {
      try {
        await this.once();
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        throw new Violation(`run ${run} of seed ${this.options.seed}: ${message}`, { cause: error });
      }
      if ((run + 1) % 25 === 0) {
        progress(`${run + 1} runs, ${this.ledger.acknowledgedCount} spans acknowledged, 0 lost, 0 doubled`);
      }
    }
    const folder = await this.finish();
    return {
      runs,
      killsAtStart: this.killsAtStart,
      killsWhileDraining: this.killsWhileDraining,
      scenes: this.scenes,
      sentSpans: this.ledger.sentCount,
      acknowledgedSpans: this.ledger.acknowledgedCount,
      counts: this.senders.counts,
      checkedTraces: this.checkedTraces,
      merges: this.keeper.merges,
      deletions: this.keeper.deletions,
      deletedSpans: this.ledger.deletedCount,
      folder,
    };
  }

  private async once(): Promise<void> {
    if (this.random.chance(0.2)) await this.killWhileStarting();
    const server = await this.start();
    try {
      const round = this.ledger.beginRound();
      for (const recent of this.roundsToCheck(round)) await checkRound(server.url, this.ledger, recent);
      await this.checkTraces(server.url);
      await this.loadAndKill(server, round);
    } finally {
      await server.kill();
    }
    this.complain(server.log);
    for (const scene of sceneOf(this.options.dataDir)) {
      this.scenes.set(scene, (this.scenes.get(scene) ?? 0) + 1);
    }
  }

  private start(): Promise<TestServer> {
    const { binary, dataDir } = this.options;
    return TestServer.start({ binary, dataDir, args: SERVER_FLAGS });
  }

  /** The two before, since their logs may be just replayed, and an old one. */
  private roundsToCheck(round: number): number[] {
    const wanted = [round - 1, round - 2, this.random.between(0, Math.max(0, round - 1))];
    return [...new Set(wanted)].filter((one) => one >= 0 && one < round);
  }

  private async checkTraces(url: string): Promise<void> {
    const { numbers } = this.ledger;
    if (numbers === 0) return;
    for (let i = 0; i < TRACES_A_RUN; i++) {
      const from = i % 2 === 0 ? Math.max(0, numbers - 2_000) : 0;
      await checkTrace(url, this.ledger, this.random.between(from, numbers - 1));
      this.checkedTraces++;
    }
  }

  private async loadAndKill(server: TestServer, round: number): Promise<void> {
    const load = Promise.all([this.senders.run(server.url, round), this.keeper.run(server.url)]);
    // A violation is thrown below, where the load is awaited.
    load.catch(() => {});
    // Short ones as often as long ones: the first requests of a life make new files.
    const longest = this.random.chance(0.1) ? LONGEST_LOAD_MS * 5 : LONGEST_LOAD_MS;
    const loadMs = this.random.unit() ** 2 * longest;
    await Promise.race([Bun.sleep(loadMs), load]);
    if (this.random.chance(0.1)) {
      this.killsWhileDraining++;
      process.kill(server.pid, 'SIGTERM');
      await Bun.sleep(this.random.between(0, 60));
    }
    await server.kill();
    this.senders.stop();
    this.keeper.stop();
    await load;
  }

  private async killWhileStarting(): Promise<void> {
    this.killsAtStart++;
    const { binary, dataDir } = this.options;
    const words = ['--data', dataDir, '--listen', '127.0.0.1:0', '--grpc-listen', 'off', ...SERVER_FLAGS];
    const child = Bun.spawn([binary, ...words], {
      stdin: 'ignore',
      stdout: 'ignore',
      stderr: 'ignore',
      env: {},
    });
    await Bun.sleep(this.random.between(0, LONGEST_START_MS));
    child.kill('SIGKILL');
    await child.exited;
  }

  private complain(log: string): void {
    const odd = log
      .split('\n')
      .filter((line) => /^\S+Z (warn|error) /.test(line))
      .find((line) => !EXPECTED_WARNINGS.some((expected) => expected.test(line)));
    if (odd !== undefined) throw new Violation(`the server says: ${odd}`);
  }

  private async finish(): Promise<FolderFigures> {
    const { dataDir, progress } = this.options;
    const server = await this.start();
    try {
      await this.senders.drain(server.url);
      const rounds = this.ledger.beginRound();
      for (let round = 0; round < rounds; round++) await checkRound(server.url, this.ledger, round);
      progress(`all ${rounds} rounds compared through the API`);
      const code = await server.terminate();
      if (code !== 0) throw new Violation(`ended with ${code} on SIGTERM`);
    } finally {
      await server.kill();
    }
    this.complain(server.log);
    const problems = await compactFolder(dataDir);
    if (problems.length > 0) throw new Violation(`the last compaction says: ${problems[0]}`);
    if (!existsSync(dataDir)) throw new Violation('the data folder is gone');
    return checkFolder(dataDir, this.ledger);
  }
}
