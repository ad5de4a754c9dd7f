/** What sends: a fixed pace, the same bytes again until they are acknowledged, and a ledger of it all. */
import { post } from '../send.ts';
import type { Stamps } from '../stamps.ts';
import { SPANS_PER_REQUEST } from '../traffic.ts';
import { pace } from '../pace.ts';

/** Longer than any answer may take. */
const ANSWER_TIMEOUT_MS = 30_000;
const AGAIN_AFTER_CUT_MS = 100;
const SENT = 1;
const ACKNOWLEDGED = 2;

export interface LoadCounts {
  sent: number;
  acknowledged: number;
  /** Answered 503, to be sent again. */
  refused: number;
  /** No answer: the server was killed. */
  cut: number;
  /** By status: what no exporter should get. */
  readonly wrong: Map<number, number>;
}

export class Load {
  readonly counts: LoadCounts = { sent: 0, acknowledged: 0, refused: 0, cut: 0, wrong: new Map() };
  /** Milliseconds from a request's first byte to its acknowledgement, since they were last taken. */
  #latencies: number[] = [];
  /** A byte a request: 90,000 in 15 minutes. */
  readonly #states: Uint8Array;
  #latest: number | undefined;

  /** `url` may be another after a restart. */
  constructor(
    readonly stamps: Stamps,
    readonly url: () => string,
    readonly most: number,
  ) {
    this.#states = new Uint8Array(most);
  }

  /** Resolves when all that was sent is acknowledged. */
  async run(requestsPerSecond: number, seconds: number, isOver: () => boolean): Promise<void> {
    await pace({ requestsPerSecond, seconds, isOver }, (stamp) => this.#deliver(stamp));
  }

  takeLatencies(): number[] {
    const taken = this.#latencies;
    this.#latencies = [];
    return taken;
  }

  /** A request that was just acknowledged; undefined before the first. */
  get latest(): number | undefined {
    return this.#latest;
  }

  /** Stamps of what was acknowledged. */
  *acknowledged(): Generator<number> {
    for (let stamp = 0; stamp < this.most; stamp++) if (this.#states[stamp] === ACKNOWLEDGED) yield stamp;
  }

  async #deliver(stamp: number): Promise<void> {
    const body = this.stamps.request(stamp, BigInt(Date.now()) * 1_000_000n);
    this.#states[stamp] = SENT;
    this.counts.sent += SPANS_PER_REQUEST;
    for (;;) {
      const before = performance.now();
      const waitMs = await this.#attempt(body);
      if (waitMs === 'given up') return;
      if (waitMs === 0) {
        this.#latencies.push(performance.now() - before);
        break;
      }
      await Bun.sleep(waitMs);
    }
    this.#states[stamp] = ACKNOWLEDGED;
    this.counts.acknowledged += SPANS_PER_REQUEST;
    this.#latest = stamp;
  }

  /** Milliseconds until the next attempt, 0 for an acknowledgement. */
  async #attempt(body: Uint8Array): Promise<number | 'given up'> {
    const answer = await this.#answer(body);
    if (answer === undefined) {
      this.counts.cut++;
      return AGAIN_AFTER_CUT_MS;
    }
    if (answer.status === 200) return 0;
    if (answer.status === 503) {
      this.counts.refused++;
      return Math.max(1, Number(answer.headers.get('retry-after') ?? 1) * 1000);
    }
    this.counts.wrong.set(answer.status, (this.counts.wrong.get(answer.status) ?? 0) + 1);
    return 'given up';
  }

  async #answer(body: Uint8Array): Promise<Response | undefined> {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const timer = setTimeout(() => resolve(undefined), ANSWER_TIMEOUT_MS);
    try {
      const answer = await Promise.race([post(this.url(), body), promise]);
      await answer?.arrayBuffer();
      return answer;
    } catch {
      return undefined;
    } finally {
      clearTimeout(timer);
    }
  }
}
