/** `spanlake demo`, and the first page's button: the shop's traffic, sent. */
import { setImmediate } from 'node:timers/promises';
import type { Span } from '../span/span.ts';
import { endUnixNano, shopTraces } from './model.ts';
import { Sender, sleep } from './sender.ts';

export interface DemoOptions {
  /** The server, as `http://localhost:4318`. */
  readonly endpoint: string;
  readonly token?: string;
  /** Visits a second while live. */
  readonly tracesPerSecond: number;
  /** How long to go on live; 0 sends only the past, Infinity ends by the signal alone. */
  readonly durationMs: number;
  /** How much of the past is filled first. */
  readonly historyMs: number;
  /** Left out: another traffic at every run. */
  readonly seed?: number;
  readonly signal?: AbortSignal;
  /** Lines for a person: `progress` replaces the one before. */
  readonly print?: (line: string, progress: boolean) => void;
}

export interface DemoTotals {
  readonly traces: number;
  readonly spans: number;
  readonly rejectedSpans: number;
}

/** The past is to look alive, not to fill the disk: 1,500 traces are some 30,000 spans. */
const MOST_HISTORY_TRACES = 1500;
/** About an SDK's batch (512 spans): small enough that encoding one does not stall a server's loop. */
const BATCH_SPANS = 500;
/** The newest trace of the past ends by now: few traces last longer. */
const MARGIN_MS = 5_000;
const PROGRESS_MS = 1_000;
const NANOS_PER_MS = 1_000_000n;

/** Fills the past, then goes on live. Throws DemoError; resolves when the time is up or the signal raised. */
export async function runDemo(options: DemoOptions): Promise<DemoTotals> {
  const { print = () => {} } = options;
  const traffic = new Traffic(options);
  const page = new URL(options.endpoint).origin;
  const perSecond = historyRate(options);
  if (options.historyMs > 0 && perSecond > 0) {
    await traffic.fillPast(options.historyMs, perSecond);
    print(`${traffic.describe()} of the last ${lengthText(options.historyMs)}. Look: ${page}/search`, false);
  }
  if (options.durationMs > 0 && options.signal?.aborted !== true) {
    print(`Now ${options.tracesPerSecond} visits a second, live. Ctrl-C stops.`, false);
    await traffic.goLive(options.durationMs, options.tracesPerSecond, (line) => print(line, true));
  }
  print(`Done: ${traffic.describe()}. Look: ${page}/search`, false);
  if (traffic.sender.rejectedSpans > 0) {
    print(`${traffic.sender.rejectedSpans} spans were rejected: ${traffic.sender.rejectedMessage}`, false);
  }
  return traffic.totals();
}

export interface RunningDemo {
  /** Ends after the request under way. */
  stop(): void;
  readonly done: Promise<DemoTotals>;
}

/** The button's traffic: finite, some hundred traces of the last quarter of an hour, within seconds. */
export function startDemo(target: { readonly endpoint: string; readonly token?: string }): RunningDemo {
  const controller = new AbortController();
  const historyMs = 15 * 60_000;
  const tracesPerSecond = 400 / (historyMs / 1000);
  const done = runDemo({ ...target, tracesPerSecond, durationMs: 0, historyMs, signal: controller.signal });
  return { stop: () => controller.abort(), done };
}

function historyRate(options: DemoOptions): number {
  return Math.min(options.tracesPerSecond, MOST_HISTORY_TRACES / (options.historyMs / 1000));
}

class Traffic {
  readonly sender: Sender;
  #traces = 0;
  readonly #seed: number;
  readonly #signal: AbortSignal | undefined;

  constructor(options: DemoOptions) {
    const { endpoint, token, signal } = options;
    this.sender = new Sender({
      endpoint,
      ...(token === undefined ? {} : { token }),
      ...(signal === undefined ? {} : { signal }),
    });
    this.#signal = signal;
    this.#seed = options.seed ?? crypto.getRandomValues(new Uint32Array(1))[0] ?? 1;
  }

  async fillPast(historyMs: number, tracesPerSecond: number): Promise<void> {
    const startUnixNano = nowUnixNano() - BigInt(Math.round(historyMs)) * NANOS_PER_MS;
    const latestUnixNano = nowUnixNano() - BigInt(MARGIN_MS) * NANOS_PER_MS;
    const batch = new Batch();
    for (const trace of shopTraces({ seed: this.#seed, startUnixNano, tracesPerSecond })) {
      if (this.#stopped() || (trace[0]?.startTimeUnixNano ?? latestUnixNano) >= latestUnixNano) break;
      batch.add(trace);
      if (batch.spans.length >= BATCH_SPANS) await this.#send(batch);
      // On a server's own loop: its requests come between any two traces.
      await setImmediate();
    }
    await this.#send(batch);
  }

  /** Each trace is sent when it has ended, as a service would. */
  async goLive(durationMs: number, tracesPerSecond: number, progress: (line: string) => void): Promise<void> {
    const startedMs = performance.now();
    const startUnixNano = nowUnixNano();
    const waiting: Span[][] = [];
    const arrivals = shopTraces({ seed: this.#seed, startUnixNano, tracesPerSecond });
    let next: Span[] = arrivals.next().value;
    let lineAtMs = startedMs;
    while (!this.#stopped() && performance.now() - startedMs < durationMs) {
      const now = nowUnixNano();
      for (; (next[0]?.startTimeUnixNano ?? 0n) <= now; next = arrivals.next().value) waiting.push(next);
      await this.#sendEnded(waiting, now);
      if (performance.now() - lineAtMs >= PROGRESS_MS) {
        lineAtMs = performance.now();
        progress(`${this.describe()} sent, ${Math.round((lineAtMs - startedMs) / 1000)} s`);
      }
      await sleep(100, this.#signal);
    }
  }

  async #sendEnded(waiting: Span[][], now: bigint): Promise<void> {
    const batch = new Batch();
    const ended = waiting.filter((trace) => endUnixNano(trace) <= now);
    for (const trace of ended) {
      waiting.splice(waiting.indexOf(trace), 1);
      batch.add(trace);
      if (batch.spans.length >= BATCH_SPANS) await this.#send(batch);
    }
    await this.#send(batch);
  }

  async #send(batch: Batch): Promise<void> {
    if (batch.spans.length === 0) return;
    const before = this.sender.sentSpans;
    await this.sender.send(batch.spans);
    if (this.sender.sentSpans > before) this.#traces += batch.traces;
    batch.clear();
  }

  #stopped(): boolean {
    return this.#signal?.aborted === true;
  }

  describe(): string {
    return `${this.#traces} traces, ${this.sender.sentSpans} spans`;
  }

  totals(): DemoTotals {
    return { traces: this.#traces, spans: this.sender.sentSpans, rejectedSpans: this.sender.rejectedSpans };
  }
}

class Batch {
  traces = 0;
  spans: Span[] = [];

  add(trace: readonly Span[]): void {
    this.traces += 1;
    this.spans.push(...trace);
  }

  clear(): void {
    this.traces = 0;
    this.spans = [];
  }
}

function nowUnixNano(): bigint {
  return BigInt(Math.round((performance.timeOrigin + performance.now()) * 1000)) * 1000n;
}

function lengthText(ms: number): string {
  if (ms < 120_000) return `${Math.round(ms / 1000)} seconds`;
  return ms < 7_200_000 ? `${Math.round(ms / 60_000)} minutes` : `${Math.round(ms / 3_600_000)} hours`;
}
