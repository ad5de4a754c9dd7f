/**
 * OTLP over HTTP: bytes -> store -> answer, by the table of the OTLP specification. PostHog's paths are
 * aliases. Every error is a google.rpc.Status in the request's encoding; an unforeseen one answers 503,
 * since SDKs throw spans away at a 500.
 */
import { exportResponse, statusBody } from '../otlp/response.ts';
import type { OtlpFormat } from '../otlp/response.ts';
import { StoreUnavailableError } from '../store/span-store.ts';
import type { AppendResult, SpanStore } from '../store/span-store.ts';
import type { Log } from '../log.ts';
import { DEFAULT_PROJECT } from '../store/catalog.ts';
import { bearerToken } from './access.ts';
import type { Access, AccessError, Gate } from './access.ts';
import { OverloadError } from './admission.ts';
import type { Admission, Hold } from './admission.ts';
import { announcedBytes, contentEncoding, decompress, freeBody, readBody } from './body.ts';
import type { ContentEncoding } from './body.ts';
import { grpcCode, grpcName, HttpError, knownProblem } from './errors.ts';
import type { Problem } from './errors.ts';
import { nowUnixNano } from './deps.ts';
import type { Metrics, Transport } from './metrics.ts';
import type { Refusals } from './refusals.ts';
import { secured, securedHeaders } from './security.ts';
import type { Senders } from './senders/senders.ts';

export const TRACE_PATHS = ['/v1/traces', '/i/v1/traces'] as const;
/** Gen-AI spans only. */
export const AI_PATHS = ['/i/v0/ai/otel', '/i/v0/ai/otel/v1/traces'] as const;
/** Signals that an SDK may be set to send and that are not kept in this version. */
export const OTHER_SIGNALS = ['/v1/logs', '/i/v1/logs', '/v1/metrics', '/i/v1/metrics'] as const;

export interface ReceiverDeps {
  readonly store: SpanStore;
  readonly gate: Gate;
  readonly metrics: Metrics;
  readonly refusals: Refusals;
  readonly senders: Senders;
  readonly log: Log;
  readonly maxBodyBytes: number;
  readonly admission: Admission;
}

/** An export request as far as it is known: filled in while it is read. */
export interface Arrival {
  readonly transport: Transport;
  readonly format: OtlpFormat;
  encoding: ContentEncoding;
  /** Whose page tells of a refusal: the sender's log may be far away from the person at the page. */
  projectId: string;
  /** Undefined until the sender is let in. */
  access: Access | undefined;
  /** '' when the sender told none. */
  readonly userAgent: string;
  bytes: number;
}

export class Receiver {
  readonly #deps: ReceiverDeps;

  constructor(deps: ReceiverDeps) {
    this.#deps = deps;
  }

  /** `isOpen`: what the gate said of itself a moment ago. */
  async export(request: Request, genAiOnly: boolean, isOpen?: boolean): Promise<Response> {
    const format = formatOf(request) ?? 'protobuf';
    const arrival: Arrival = {
      transport: 'http',
      format,
      encoding: 'identity',
      projectId: DEFAULT_PROJECT,
      access: undefined,
      userAgent: request.headers.get('user-agent') ?? '',
      bytes: 0,
    };
    let hold: Hold | undefined;
    try {
      this.letIn(arrival, senderToken(request), isOpen);
      arrival.encoding = checkHeaders(request);
      // What is not let in is not read: Bun drops it as it comes, so the sender hears the answer.
      hold = this.place(arrival, announcedBytes(request));
      const received = await readBody(request, this.#deps.maxBodyBytes, hold);
      const result = await this.keep(arrival, received, hold, genAiOnly);
      return takenAnswer(format, result);
    } catch (error) {
      hold?.release();
      return problemAnswer(this.refused(arrival, error), format);
    }
  }

  /**
   * OTLP JSON that a person hands in at a page: the way of an export, whose errors the page puts into words. Throws
   * what `letIn`, `place` and `keep` throw.
   */
  async take(request: Request, body: Uint8Array, token: string | undefined): Promise<AppendResult> {
    const arrival: Arrival = {
      transport: 'http',
      format: 'json',
      encoding: 'identity',
      projectId: DEFAULT_PROJECT,
      access: undefined,
      userAgent: request.headers.get('user-agent') ?? '',
      bytes: 0,
    };
    let hold: Hold | undefined;
    try {
      this.letIn(arrival, token);
      hold = this.place(arrival, body.length);
      hold.arrive(body.length);
      hold.complete();
      return await this.keep(arrival, body, hold);
    } catch (error) {
      hold?.release();
      this.refused(arrival, error);
      throw error;
    }
  }

  /** Throws AccessError. */
  letIn(arrival: Arrival, token: string | undefined, isOpen?: boolean): void {
    arrival.access = this.#deps.gate.admit(token, 'ingest', isOpen);
    arrival.projectId = arrival.access.projectId;
  }

  /**
   * Room for a request that was let in. Throws StoreUnavailableError while the store takes nothing, OverloadError
   * when there is no room.
   */
  place(arrival: Arrival, announced: number | undefined): Hold {
    const { admission, maxBodyBytes, store } = this.#deps;
    const refusal = store.refusal();
    // As many seconds again at random, or all that were refused would come back at once.
    if (refusal !== undefined) {
      const spread = Math.floor(Math.random() * (refusal.retryAfterSeconds + 1));
      throw new StoreUnavailableError(refusal.message, refusal.retryAfterSeconds + spread);
    }
    // What is too long is refused as such by whoever reads it.
    return admission.place(
      arrival.projectId,
      announced === undefined ? undefined : Math.min(announced, maxBodyBytes),
    );
  }

  /** From a body as it was received to what the store says of it. `hold` is released when the store is done with it. */
  async keep(arrival: Arrival, received: Uint8Array, hold: Hold, genAiOnly = false): Promise<AppendResult> {
    const { maxBodyBytes, store } = this.#deps;
    arrival.bytes = received.length;
    const body = await decompress(received, arrival.encoding, maxBodyBytes, hold);
    const appended = store.append(arrival.projectId, {
      format: arrival.format,
      body,
      received: { encoding: arrival.encoding, bytes: received },
      ...(genAiOnly ? { genAiOnly } : {}),
    });
    const result = await hold.untilStored(appended, () => {
      freeBody(received);
      freeBody(body);
    });
    this.taken(arrival, result);
    return result;
  }

  /** A request that was stored, wholly or in part. */
  taken(arrival: Arrival, result: AppendResult): void {
    const { accepted, rejected, message } = result;
    this.#deps.senders.taken(arrival, result);
    const status = arrival.transport === 'http' ? '200' : 'OK';
    this.#deps.metrics.exported({ ...arrival, status, accepted, rejected });
    if (rejected > 0)
      this.#tell(arrival.projectId, `${rejected} ${rejected === 1 ? 'span' : 'spans'} rejected: ${message}`);
  }

  /** A request that was not: what to answer. */
  refused(arrival: Arrival, error: unknown): Problem {
    const known = knownProblem(error);
    if (known === undefined) {
      this.#deps.log.error('export failed', {
        transport: arrival.transport,
        error: error instanceof Error ? (error.stack ?? error.message) : String(error),
      });
    }
    const problem = known ?? {
      status: 503,
      code: 'unavailable',
      message: 'an error of this server; send again',
      headers: { 'retry-after': '1' },
    };
    const status = arrival.transport === 'http' ? String(problem.status) : grpcName(problem.status);
    this.#deps.metrics.exported({ ...arrival, status, accepted: 0, rejected: 0 });
    const hasReason = error instanceof OverloadError || error instanceof HttpError;
    // Without seconds or the sender's words, so that the same reason is told once.
    const reason = `${problem.status}: ${hasReason ? error.reason : problem.message}`;
    this.#deps.senders.refused(arrival, reason);
    this.#tell(arrival.projectId, reason);
    return problem;
  }

  /**
   * The answer to a gRPC client that came to the HTTP port. gRPC reads the code and the words from the
   * headers when there is no message.
   */
  async wrongPort(grpcPort: number | undefined, userAgent: string): Promise<Response> {
    const where = grpcPort === undefined ? 'which this server has switched off' : `port ${grpcPort}`;
    const message = `this port takes OTLP over HTTP; gRPC goes to ${where}`;
    const told = { transport: 'grpc', format: 'protobuf', encoding: 'identity', bytes: 0 } as const;
    this.#deps.senders.refused({ ...told, access: undefined, userAgent }, message);
    this.#tell(DEFAULT_PROJECT, message);
    const headers = { 'grpc-status': String(grpcCode(501)), 'grpc-message': message };
    return secured(
      new Response(null, { status: 200, headers: { ...headers, 'content-type': 'application/grpc' } }),
    );
  }

  /** Something was sent to a path where nothing takes spans: told like any refusal, or nobody would find out. */
  wrongPath(reason: string): void {
    this.#tell(DEFAULT_PROJECT, reason);
  }

  #tell(projectId: string, reason: string): void {
    const isNews = this.#deps.refusals.add(projectId, { timeUnixNano: nowUnixNano(), reason });
    if (isNews) this.#deps.log.warn('refused', { project: projectId, reason });
  }
}

/** Throws HttpError. */
function checkHeaders(request: Request): ContentEncoding {
  if (formatOf(request) === undefined) {
    const type = request.headers.get('content-type') ?? 'none';
    const wanted = 'the content type is application/x-protobuf or application/json';
    const message = `${wanted}, not ${type.slice(0, 100)}`;
    throw new HttpError(415, 'unsupported_media_type', message, {}, `${wanted}, not another one`);
  }
  const encoding = contentEncoding(request.headers.get('content-encoding'));
  if (encoding === undefined) {
    throw new HttpError(415, 'unsupported_encoding', 'the content encoding is gzip, zstd, deflate, or none');
  }
  return encoding;
}

/** MIME parameters are free: `application/json; charset=utf-8`. */
function formatOf(request: Request): OtlpFormat | undefined {
  const type = (request.headers.get('content-type') ?? '').split(';')[0].trim().toLowerCase();
  if (type === 'application/x-protobuf' || type === 'application/protobuf') return 'protobuf';
  return type === 'application/json' ? 'json' : undefined;
}

const MIME = { protobuf: 'application/x-protobuf', json: 'application/json' } as const;
const HEADERS = {
  protobuf: securedHeaders({ 'content-type': MIME.protobuf }),
  json: securedHeaders({ 'content-type': MIME.json }),
};
/** Of nearly every request: nothing rejected, nothing to say. */
const ALL_TAKEN = { protobuf: exportResponse('protobuf', 0, ''), json: exportResponse('json', 0, '') };

function takenAnswer(format: OtlpFormat, { rejected, message }: AppendResult): Response {
  const isPlain = rejected === 0 && message === '';
  const body = isPlain ? ALL_TAKEN[format] : exportResponse(format, rejected, message);
  return new Response(body as Uint8Array<ArrayBuffer>, { headers: HEADERS[format] });
}

function problemAnswer(problem: Problem, format: OtlpFormat): Response {
  const body = statusBody(format, grpcCode(problem.status), problem.message);
  const headers = { ...problem.headers, 'content-type': MIME[format] };
  return secured(new Response(body as Uint8Array<ArrayBuffer>, { status: problem.status, headers }));
}

/** An answer to an export that goes to no receiver, or that a receiver does not take at all. */
export function refuseExport(request: Request, error: HttpError | AccessError): Response {
  const problem = knownProblem(error) ?? {
    status: 404,
    code: 'not_found',
    message: error.message,
    headers: {},
  };
  return problemAnswer(problem, formatOf(request) ?? 'json');
}

export function isGrpc(request: Request): boolean {
  if (request.method !== 'POST') return false;
  return request.headers.get('content-type')?.startsWith('application/grpc') ?? false;
}

/** From the header or, as PostHog's documentation allows its senders, `?token=`. */
function senderToken(request: Request): string | undefined {
  const header = bearerToken(request.headers.get('authorization'));
  if (header !== undefined || !request.url.includes('token=')) return header;
  return new URL(request.url).searchParams.get('token') ?? undefined;
}

/** True for the paths that answer as OTLP does, whatever the method. */
export function isReceiver(path: string): boolean {
  return [...TRACE_PATHS, ...AI_PATHS, ...OTHER_SIGNALS].some((known) => known === path);
}

/** The URL that somebody meant who posts to `path`; undefined when it does not look like an export. */
export function wrongExportPath(path: string): string | undefined {
  const known = /^\/?$|^\/i\/?$|\/v1\/traces?\/?$|\/opentelemetry\.proto\.collector/.test(path);
  if (!known) return undefined;
  return (
    `no receiver at ${path.slice(0, 200)}: set OTEL_EXPORTER_OTLP_TRACES_ENDPOINT to <this server>/i/v1/traces, ` +
    'or OTEL_EXPORTER_OTLP_ENDPOINT to <this server> alone, to which SDKs add /v1/traces'
  );
}
