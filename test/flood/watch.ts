/** Those who must not notice a flood: a person who asks, a probe, another project's sender; and the server's memory. */
import { readFileSync } from 'node:fs';
import { exportBody } from '../../src/http/testing/otlp.ts';
import type { TestServer } from '../support/server.ts';

const ASK_EVERY_MS = 100;

export interface Watched {
  /** Milliseconds, sorted. */
  readonly queries: readonly number[];
  readonly probes: readonly number[];
  readonly sends: readonly number[];
  /** Answers other than 200, `what status`. */
  readonly failures: readonly string[];
  readonly peakMiB: number;
}

/** A quantile of sorted numbers; 0 of none. */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted.length === 0 ? 0 : sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

export class Watch {
  readonly #queries: number[] = [];
  readonly #probes: number[] = [];
  readonly #sends: number[] = [];
  readonly #failures: string[] = [];
  readonly #timers: ReturnType<typeof setInterval>[];
  readonly #underWay = new Set<Promise<void>>();
  #sent = 0;

  /** `token`: of the project that sends in peace; `reader` may ask about it. */
  constructor(
    private readonly server: TestServer,
    private readonly token: string,
    private readonly reader: string,
  ) {
    this.#timers = [
      this.#every(() => this.#ask('query', '/api/v1/spans?since=1h&limit=20', this.#queries)),
      this.#every(() => this.#ask('probe', '/healthz', this.#probes)),
      this.#every(() => this.#send()),
    ];
  }

  async stop(): Promise<Watched> {
    for (const timer of this.#timers) clearInterval(timer);
    await Promise.all(this.#underWay);
    const sorted = (numbers: readonly number[]) => numbers.toSorted((a, b) => a - b);
    return {
      queries: sorted(this.#queries),
      probes: sorted(this.#probes),
      sends: sorted(this.#sends),
      failures: this.#failures,
      peakMiB: peakMiB(this.server.pid),
    };
  }

  #every(what: () => Promise<void>): ReturnType<typeof setInterval> {
    return setInterval(() => {
      const done = what();
      this.#underWay.add(done);
      void done.finally(() => this.#underWay.delete(done));
    }, ASK_EVERY_MS);
  }

  #ask(what: string, path: string, times: number[]): Promise<void> {
    const headers = { authorization: `Bearer ${this.reader}` };
    return this.#timed(what, times, () => this.server.fetch(path, { headers }));
  }

  #send(): Promise<void> {
    const spanId = (++this.#sent).toString(16).padStart(16, '0');
    const body = exportBody('protobuf', [{ spanId }]) as Uint8Array<ArrayBuffer>;
    const headers = { 'content-type': 'application/x-protobuf', authorization: `Bearer ${this.token}` };
    return this.#timed('send', this.#sends, () =>
      this.server.fetch('/v1/traces', { method: 'POST', headers, body }),
    );
  }

  async #timed(what: string, times: number[], ask: () => Promise<Response>): Promise<void> {
    const before = performance.now();
    try {
      const answer = await ask();
      await answer.arrayBuffer();
      if (answer.status !== 200) this.#failures.push(`${what} ${answer.status}`);
    } catch (error) {
      this.#failures.push(`${what} ${error instanceof Error ? error.message : String(error)}`);
    }
    times.push(performance.now() - before);
  }
}

/** The most memory that the process ever had, as Linux says. */
export function peakMiB(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024;
}
