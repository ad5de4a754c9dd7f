/**
 * Senders as exporters are: several at once, both formats, all encodings, the same bytes again after a 503
 * or a lost answer, in this life of the server or the next.
 */
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { encodeTracesJson, encodeTracesProtobuf } from '../../src/otlp/encode.ts';
import type { Random } from '../../src/demo/random.ts';
import { Violation } from './ledger.ts';
import type { Ledger } from './ledger.ts';
import { spanOf } from './spans.ts';

/** No answer may take longer: reliability case 3. */
const ANSWER_TIMEOUT_MS = 5_000;

export interface PreparedRequest {
  readonly from: number;
  readonly to: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array<ArrayBuffer>;
}

export interface LoadOptions {
  readonly ledger: Ledger;
  readonly random: Random;
  readonly senders: number;
  readonly spansPerRequest: number;
  /** Of acknowledged requests that are sent once more, as if their answer had been lost. */
  readonly repeatShare: number;
}

/** `cut`: no answer came. */
export type Outcome = 'acknowledged' | 'refused' | 'cut';

export interface LoadCounts {
  requests: number;
  acknowledged: number;
  refused: number;
  cut: number;
  repeated: number;
}

/** A request of new spans, in any format and encoding. */
export function prepareRequest(
  { ledger, random, spansPerRequest }: Pick<LoadOptions, 'ledger' | 'random' | 'spansPerRequest'>,
  round: number,
): PreparedRequest {
  const { from, to } = ledger.take(random.between(1, spansPerRequest));
  const spans = Array.from({ length: to - from }, (_, i) => spanOf(ledger.family, from + i, round));
  const isJson = random.chance(0.3);
  const plain = isJson
    ? new TextEncoder().encode(JSON.stringify(encodeTracesJson(spans)))
    : encodeTracesProtobuf(spans);
  const encoding = random.pick(['identity', 'gzip', 'zstd'] as const);
  const body = encoding === 'gzip' ? gzipSync(plain) : encoding === 'zstd' ? zstdCompressSync(plain) : plain;
  return {
    from,
    to,
    headers: {
      'content-type': isJson ? 'application/json' : 'application/x-protobuf',
      ...(encoding === 'identity' ? {} : { 'content-encoding': encoding }),
    },
    body: new Uint8Array(body),
  };
}

/** One load after the other on one data folder; what was not acknowledged waits for the next. */
export class Senders {
  readonly counts: LoadCounts = { requests: 0, acknowledged: 0, refused: 0, cut: 0, repeated: 0 };
  /** Not acknowledged, or to be repeated: from earlier lives of the server. */
  private waiting: PreparedRequest[] = [];
  private readonly underWay = new Set<PreparedRequest>();
  private stopped = true;

  constructor(private readonly options: LoadOptions) {}

  /** True for a span that will be sent again. */
  holds(n: number): boolean {
    return [...this.waiting, ...this.underWay].some(({ from, to }) => n >= from && n < to);
  }

  /** Sends until `stop`; resolves when all senders have ended. Throws Violation. */
  async run(url: string, round: number): Promise<void> {
    this.stopped = false;
    await Promise.all(Array.from({ length: this.options.senders }, () => this.sendOn(url, round)));
  }

  stop(): void {
    this.stopped = true;
  }

  /** Until everything that an exporter would still try is acknowledged. */
  async drain(url: string): Promise<void> {
    this.stopped = false;
    // An acknowledged one may be sent once more, and then waits again.
    for (let request = this.waiting.shift(); request !== undefined; request = this.waiting.shift()) {
      await this.sendWhole(url, request);
      if (this.stopped) throw new Violation('a server that nobody killed gave no answer');
    }
    this.stopped = true;
  }

  private async sendOn(url: string, round: number): Promise<void> {
    while (!this.stopped) {
      const request = this.waiting.shift() ?? prepareRequest(this.options, round);
      this.underWay.add(request);
      await this.sendWhole(url, request);
      this.underWay.delete(request);
    }
  }

  /** With retries, as long as the server lives. */
  private async sendWhole(url: string, request: PreparedRequest): Promise<void> {
    const { ledger, random, repeatShare } = this.options;
    for (;;) {
      const outcome = await this.post(url, request);
      switch (outcome) {
        case 'acknowledged': {
          ledger.acknowledge(request.from, request.to);
          if (!random.chance(repeatShare)) return;
          // At once, or after what may be a restart.
          this.counts.repeated++;
          if (random.chance(0.5)) continue;
          this.waiting.push(request);
          return;
        }
        case 'refused': {
          if (this.stopped) {
            this.waiting.push(request);
            return;
          }
          await Bun.sleep(random.between(5, 50));
          continue;
        }
        case 'cut': {
          // One in five senders dies with its request: what it sent may be there or not.
          if (!random.chance(0.2)) this.waiting.push(request);
          this.stopped = true;
          return;
        }
      }
    }
  }

  private async post(url: string, request: PreparedRequest): Promise<Outcome> {
    const outcome = await post(url, request);
    this.counts.requests++;
    this.counts[outcome]++;
    return outcome;
  }
}

/** One attempt. Throws Violation for an answer that no exporter should get. */
export async function post(url: string, { headers, body }: PreparedRequest): Promise<Outcome> {
  let answer: Response;
  let said: string;
  try {
    answer = await fetch(`${url}/v1/traces`, {
      method: 'POST',
      headers,
      body,
      signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
    });
    said = await answer.text();
  } catch (error) {
    if (error instanceof Error && error.name === 'TimeoutError') {
      throw new Violation(`a request was not answered within ${ANSWER_TIMEOUT_MS} ms`);
    }
    return 'cut';
  }
  if (answer.status === 200) {
    if (said !== '' && said !== '{}') throw new Violation(`sound spans were answered with ${said}`);
    return 'acknowledged';
  }
  if (answer.status !== 503) throw new Violation(`an export request was answered ${answer.status}: ${said}`);
  if (answer.headers.get('retry-after') === null) throw new Violation('a 503 without Retry-After');
  return 'refused';
}
