/** Sends spans as an SDK's exporter does: OTLP/HTTP protobuf, gzip, back-off on what may be tried again. */
import protobuf from 'protobufjs/minimal.js';
import { encodeTracesProtobuf } from '../otlp/encode.ts';
import type { Span } from '../span/span.ts';

export interface SendTarget {
  /** A base (`http://localhost:4318`) gets `/v1/traces`; a URL with a path is taken as it is. */
  readonly endpoint: string;
  readonly token?: string;
  readonly signal?: AbortSignal;
}

/** The traffic can't go on, for a reason that the user can act on. */
export class DemoError extends Error {
  override readonly name = 'DemoError';
}

/** OTLP's retryable answers. */
const RETRYABLE: ReadonlySet<number> = new Set([429, 502, 503, 504]);
/** Enough for a server to restart or a disk to be tidied; then a person should know. */
const GIVE_UP_MS = 60_000;
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 5_000;
/** The OpenTelemetry SDKs' default. */
const REQUEST_TIMEOUT_MS = 10_000;

type Answer =
  | { readonly kind: 'accepted'; readonly rejected: number; readonly message: string }
  | { readonly kind: 'later'; readonly why: string; readonly afterMs?: number }
  | { readonly kind: 'unreachable'; readonly why: string };

export class Sender {
  readonly url: string;
  sentSpans = 0;
  rejectedSpans = 0;
  /** The server's last words about rejected spans. */
  rejectedMessage = '';
  readonly #target: SendTarget;
  #reached = false;

  constructor(target: SendTarget) {
    this.#target = target;
    this.url = tracesUrl(target.endpoint);
  }

  /** Resolves when the server has acknowledged the spans, or without that when the signal was raised. */
  async send(spans: readonly Span[]): Promise<void> {
    const body = Bun.gzipSync(new Uint8Array(encodeTracesProtobuf(spans)), { level: 1 });
    const deadline = performance.now() + GIVE_UP_MS;
    for (let pauseMs = FIRST_PAUSE_MS; !this.#stopped(); pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      const answer = await this.#post(body);
      if (this.#stopped() && answer.kind !== 'accepted') return;
      if (answer.kind === 'accepted') {
        this.#count(spans.length, answer.rejected, answer.message);
        return;
      }
      if (answer.kind === 'unreachable' && !this.#reached) throw new DemoError(this.#howToStart(answer.why));
      if (performance.now() > deadline) {
        throw new DemoError(`gave up after ${GIVE_UP_MS / 1000} s of trying ${this.url}: ${answer.why}`);
      }
      await sleep(answer.kind === 'later' ? (answer.afterMs ?? pauseMs) : pauseMs, this.#target.signal);
    }
  }

  #stopped(): boolean {
    return this.#target.signal?.aborted === true;
  }

  #count(spans: number, rejected: number, message: string): void {
    this.#reached = true;
    this.sentSpans += spans - rejected;
    this.rejectedSpans += rejected;
    if (message !== '') this.rejectedMessage = message;
  }

  async #post(body: Uint8Array<ArrayBuffer>): Promise<Answer> {
    const timeout = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
    const { signal, token } = this.#target;
    const headers: Record<string, string> = {
      'Content-Type': 'application/x-protobuf',
      'Content-Encoding': 'gzip',
      'User-Agent': 'spanlake-demo',
      ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
    };
    let response: Response;
    let answered: Uint8Array;
    try {
      const signals = signal === undefined ? timeout : AbortSignal.any([signal, timeout]);
      response = await fetch(this.url, {
        method: 'POST',
        headers,
        body,
        signal: signals,
        redirect: 'manual',
      });
      answered = await response.bytes();
    } catch (error) {
      return { kind: 'unreachable', why: error instanceof Error ? error.message : String(error) };
    }
    return this.#judge(response, answered);
  }

  #judge(response: Response, body: Uint8Array): Answer {
    const { status } = response;
    if (status === 200) return partialSuccess(body);
    const message = errorMessage(response, body);
    if (RETRYABLE.has(status)) {
      const seconds = Number(response.headers.get('Retry-After') ?? Number.NaN);
      const why = `the server answers ${status} ${message}`;
      return Number.isFinite(seconds)
        ? { kind: 'later', why, afterMs: seconds * 1000 }
        : { kind: 'later', why };
    }
    throw new DemoError(this.#refused(status, message));
  }

  #refused(status: number, message: string): string {
    switch (status) {
      case 401:
      case 403:
        return this.#target.token === undefined
          ? `${this.url} wants a token (${status} ${message}). Make one: spanlake token create --project default --scope ingest; then: spanlake demo --token TOKEN`
          : `${this.url} refuses this token (${status} ${message}). It must be an ingest token of that server: spanlake token create --project default --scope ingest`;
      case 404:
        return `${this.url} takes no spans (404 ${message}). Give the server's base, such as --endpoint http://localhost:4318`;
      default:
        return `${this.url} refused the spans: ${status} ${message}`;
    }
  }

  #howToStart(why: string): string {
    const secure = this.url.startsWith('https:') ? ' Is it https?' : '';
    const reason = why.startsWith('ECONNREFUSED') ? '' : ` (${why})`;
    return `no server answers at ${this.url}${reason}.${secure} Start one with "spanlake" (or "npm start"), or name it: --endpoint http://HOST:PORT`;
  }
}

export function tracesUrl(endpoint: string): string {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    throw new DemoError(`"${endpoint}" is no URL; give one such as http://localhost:4318`);
  }
  if (url.pathname === '/') url.pathname = '/v1/traces';
  return url.href;
}

/** ExportTraceServiceResponse {1: partial_success {1: rejected_spans, 2: error_message}}. */
function partialSuccess(body: Uint8Array): Answer {
  let rejected = 0;
  let message = '';
  const reader = protobuf.Reader.create(body);
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag === PARTIAL_SUCCESS) reader.uint32();
    else if (tag === REJECTED_SPANS) rejected = reader.uint32();
    else if (tag === TEXT_MESSAGE) message = reader.string();
    else reader.skipType(tag & 7);
  }
  return { kind: 'accepted', rejected, message };
}

/**
 * Tags are `field << 3 | wire type`. The nested message's fields follow its length, so one loop reads both.
 * An int64 on the wire; a request has some 500 spans, so its low 32 bits are all of it.
 */
const PARTIAL_SUCCESS = (1 << 3) | 2;
const REJECTED_SPANS = (1 << 3) | 0;
const TEXT_MESSAGE = (2 << 3) | 2;

/** google.rpc.Status {2: message}; a proxy in between answers as it likes. */
function errorMessage(response: Response, body: Uint8Array): string {
  if (response.headers.get('Content-Type')?.startsWith('application/x-protobuf') !== true) {
    return new TextDecoder().decode(body.subarray(0, 200)).trim();
  }
  try {
    const reader = protobuf.Reader.create(body);
    while (reader.pos < reader.len) {
      const tag = reader.uint32();
      if (tag === TEXT_MESSAGE) return reader.string();
      reader.skipType(tag & 7);
    }
  } catch {
    // A body that is no Status has nothing to say.
  }
  return '';
}

/** Ends early, without an error, when the signal is raised. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) return resolve();
    const timer = setTimeout(finish, ms);
    signal?.addEventListener('abort', finish, { once: true });
    function finish(): void {
      clearTimeout(timer);
      signal?.removeEventListener('abort', finish);
      resolve();
    }
  });
}
