/** One soak: server, load and questions together, a line a minute, and verdicts. */
import { join } from 'node:path';
import { median, quantile } from '../measure.ts';
import { emptyLog, folderSize, Server } from '../server.ts';
import { Stamps } from '../stamps.ts';
import { SPANS_PER_REQUEST } from '../traffic.ts';
import { Load } from './load.ts';
import { Questions } from './questions.ts';
import { spansByApi, spansInFiles } from './truth.ts';
import { countVerdict, memoryVerdicts, noneOf } from './verdicts.ts';
import type { Verdict } from './verdicts.ts';

export interface SoakOptions {
  readonly dataDir: string;
  /** Of the server. */
  readonly flags: readonly string[];
  readonly seconds: number;
  readonly spansPerSecond: number;
  readonly kill: boolean;
  readonly print: (line: string) => void;
}

/** What a minute came to, times in milliseconds. */
export interface Minute {
  readonly second: number;
  readonly sent: number;
  readonly acknowledged: number;
  readonly refused: number;
  readonly cut: number;
  readonly acknowledgedMs: { readonly p50: number; readonly p99: number };
  readonly answeredMs: { readonly p50: number; readonly p99: number };
  readonly failedQuestions: number;
  readonly residentMiB: number;
  readonly peakMiB: number;
  readonly cpuSeconds: number;
  readonly files: number;
  readonly lakeBytes: number;
  readonly logBytes: number;
}

export interface SoakResult {
  readonly minutes: readonly Minute[];
  readonly verdicts: readonly Verdict[];
}

/** Since the soak began. */
type Totals = Pick<Minute, 'sent' | 'acknowledged' | 'refused' | 'cut' | 'cpuSeconds'>;

/** 50,000 different spans, 20 MB. */
const TEMPLATES = 100;
const MINUTE_SECONDS = 60;
/** Parquet 36 B a span and its indexes; all of it a second time while the largest files are merged. */
const DISK_BYTES_PER_SPAN = 2 * 40;
/** Log of some generations, garbage between two looks, the reserve that ingest leaves free. */
const DISK_BYTES_BESIDE = 2_500_000_000;
const MIB = 1024 ** 2;

export function diskNeeded(spans: number): number {
  return spans * DISK_BYTES_PER_SPAN + DISK_BYTES_BESIDE;
}

export async function soak(options: SoakOptions): Promise<SoakResult> {
  return new Soak(options).run();
}

class Soak {
  readonly #options: SoakOptions;
  readonly #load: Load;
  readonly #questions: Questions;
  readonly #minutes: Minute[] = [];
  readonly #residentMiB: number[] = [];
  #server: Server | undefined;
  #isAway = false;
  #isOver = false;
  #peakMiB = 0;
  /** CPU of a server that was killed. */
  #cpuBefore = 0;
  #kills = 0;

  constructor(options: SoakOptions) {
    this.#options = options;
    const most = Math.ceil((options.spansPerSecond / SPANS_PER_REQUEST) * options.seconds) + 1;
    this.#load = new Load(new Stamps(TEMPLATES), () => this.#running.url, most);
    this.#questions = new Questions(
      this.#load,
      () => this.#running.url,
      () => this.#isAway,
      () => this.#kills,
    );
  }

  get #running(): Server {
    if (this.#server === undefined) throw new Error('the server does not run');
    return this.#server;
  }

  async run(): Promise<SoakResult> {
    const { dataDir, flags, seconds, spansPerSecond, kill } = this.#options;
    this.#server = await Server.start(dataDir, flags);
    const startMs = Date.now();
    const isOver = () => this.#isOver;
    const watching = this.#watch();
    const asking = this.#questions.run(isOver);
    const killing = kill ? this.#killHalfWay() : Promise.resolve();
    try {
      await this.#load.run(spansPerSecond / SPANS_PER_REQUEST, seconds, isOver);
      await killing;
    } finally {
      this.#isOver = true;
      await Promise.all([watching, asking]);
    }
    const byApi = await spansByApi(this.#running.url, startMs);
    const drainSeconds = await this.#running.stop();
    const code = this.#running.process.exitCode;
    await emptyLog(dataDir, flags);
    return { minutes: this.#minutes, verdicts: await this.#judge(byApi, drainSeconds, code) };
  }

  async #judge(byApi: number, drainSeconds: number, code: number | null): Promise<Verdict[]> {
    const { dataDir } = this.#options;
    const { counts } = this.#load;
    const files = await spansInFiles(dataDir, this.#load);
    for (const fault of files.faults.slice(0, 5)) this.#options.print(fault);
    return [
      ...memoryVerdicts({ residentMiB: this.#residentMiB, peakMiB: this.#peakMiB }),
      countVerdict('acknowledged in the end', counts.acknowledged, counts.sent),
      countVerdict('found by the API', byApi, counts.acknowledged),
      countVerdict('found in the files by DuckDB', files.rows, counts.acknowledged),
      {
        name: 'each span once, as it was sent',
        passed: files.faults.length === 0,
        told: `${files.faults.length} requests otherwise; ${files.files} files, ${(files.bytes / Math.max(1, files.rows)).toFixed(1)} B a span`,
      },
      noneOf('exports answered other than 200 and 503', counts.wrong),
      { name: 'exports answered 503', passed: true, told: `${counts.refused}, sent again` },
      {
        name: 'exports without an answer',
        passed: counts.cut === 0 || this.#kills > 0,
        told: `${counts.cut}, with ${this.#kills} kills`,
      },
      noneOf('failed questions', this.#questions.counts.failed),
      {
        name: 'questions',
        passed: this.#questions.counts.answered > 0,
        told: `${this.#questions.counts.answered} answered, ${this.#questions.counts.incomplete} with less than all`,
      },
      {
        name: 'drained at SIGTERM',
        passed: code === 0,
        told: `${drainSeconds.toFixed(1)} s, exit code ${code}`,
      },
    ];
  }

  async #killHalfWay(): Promise<void> {
    const { dataDir, flags, seconds, print } = this.#options;
    await Bun.sleep((seconds * 1000) / 2);
    this.#isAway = true;
    this.#cpuBefore += this.#running.cpuSeconds();
    this.#kills++;
    await this.#running.kill();
    // Its log is replayed before it answers.
    this.#server = await Server.start(dataDir, flags);
    print(`  killed with -9, ready again after ${this.#server.startMs.toFixed(0)} ms`);
    this.#isAway = false;
  }

  /** Memory each second, a line each minute and one at the end. */
  async #watch(): Promise<void> {
    const begin = performance.now();
    let last = this.#totals();
    for (let second = 1; !this.#isOver; second++) {
      await Bun.sleep(Math.max(0, begin + second * 1000 - performance.now()));
      if (!this.#isAway) {
        const { nowMiB, peakMiB } = this.#running.memory();
        this.#residentMiB.push(nowMiB);
        this.#peakMiB = Math.max(this.#peakMiB, peakMiB);
      }
      if ((second % MINUTE_SECONDS === 0 || this.#isOver) && !this.#isAway) {
        last = this.#tellMinute(second, last);
      }
    }
  }

  #totals(): Totals {
    const { sent, acknowledged, refused, cut } = this.#load.counts;
    return { sent, acknowledged, refused, cut, cpuSeconds: this.#cpuBefore + this.#running.cpuSeconds() };
  }

  #tellMinute(second: number, last: Totals): Totals {
    const now = this.#totals();
    const { dataDir, print } = this.#options;
    const lake = folderSize(join(dataDir, 'lake'));
    const quantiles = (values: readonly number[]) =>
      values.length === 0 ? { p50: 0, p99: 0 } : { p50: median(values), p99: quantile(values, 0.99) };
    const failed = [...this.#questions.counts.failed.values()].reduce((sum, times) => sum + times, 0);
    const minute: Minute = {
      second,
      sent: now.sent - last.sent,
      acknowledged: now.acknowledged - last.acknowledged,
      refused: now.refused - last.refused,
      cut: now.cut - last.cut,
      acknowledgedMs: quantiles(this.#load.takeLatencies()),
      answeredMs: quantiles(this.#questions.takeLatencies()),
      failedQuestions: failed,
      residentMiB: this.#residentMiB.at(-1) ?? 0,
      peakMiB: this.#peakMiB,
      cpuSeconds: now.cpuSeconds - last.cpuSeconds,
      files: folderSize(join(dataDir, 'lake'), '.parquet').files,
      lakeBytes: lake.bytes,
      logBytes: folderSize(join(dataDir, 'wal')).bytes,
    };
    this.#minutes.push(minute);
    print(lineOf(minute));
    return now;
  }
}

function lineOf(minute: Minute): string {
  const ms = ({ p50, p99 }: { p50: number; p99: number }) => `${p50.toFixed(1)}/${p99.toFixed(1)} ms`;
  return [
    `${String(minute.second).padStart(5)} s`,
    `sent ${minute.sent}`,
    `acknowledged ${minute.acknowledged} in ${ms(minute.acknowledgedMs)}`,
    `503 ${minute.refused}`,
    `cut ${minute.cut}`,
    `questions ${ms(minute.answeredMs)}, ${minute.failedQuestions} failed so far`,
    `memory ${minute.residentMiB.toFixed(0)} (${minute.peakMiB.toFixed(0)}) MiB`,
    `CPU ${minute.cpuSeconds.toFixed(1)} s`,
    `${minute.files} files, ${(minute.lakeBytes / MIB).toFixed(0)} MiB + log ${(minute.logBytes / MIB).toFixed(0)}`,
  ].join('  ');
}
