/** Errors -> answers, for the API and for receivers. What is not known here is told to the log alone. */
import type { Log } from '../log.ts';
import { OtlpDecodeError } from '../otlp/errors.ts';
import { QuestionError, StoreUnavailableError } from '../store/span-store.ts';
import { TraceqlError } from '../traceql/error.ts';
import { AccessError } from './access.ts';
import { OverloadError, StalledUploadError } from './admission.ts';
import { BodyError, BodyTooLargeError } from './body.ts';

/** A request that is answered with an error on purpose. */
export class HttpError extends Error {
  override readonly name = 'HttpError';
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly headers: Readonly<Record<string, string>> = {},
    /** The message without what the sender wrote, so that refusals of the same kind are told once. */
    readonly reason: string = message,
  ) {
    super(message);
  }
}

export interface Problem {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  /** Offset into the query text. */
  readonly position?: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** gRPC's codes, which google.rpc.Status carries over HTTP too. */
const GRPC = {
  INVALID_ARGUMENT: 3,
  NOT_FOUND: 5,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  UNIMPLEMENTED: 12,
  UNAVAILABLE: 14,
  UNAUTHENTICATED: 16,
} as const;

/** The code of gRPC that says the same as an HTTP status. */
export function grpcName(status: number): keyof typeof GRPC {
  switch (status) {
    case 401:
      return 'UNAUTHENTICATED';
    case 403:
      return 'PERMISSION_DENIED';
    case 404:
      return 'NOT_FOUND';
    case 405:
    case 501:
      return 'UNIMPLEMENTED';
    case 413:
      return 'RESOURCE_EXHAUSTED';
    case 400:
    case 415:
      return 'INVALID_ARGUMENT';
    default:
      return 'UNAVAILABLE';
  }
}

export function grpcCode(status: number): number {
  return GRPC[grpcName(status)];
}

/** Undefined for an error that nobody foresaw: its message may hold anything. */
export function knownProblem(error: unknown): Problem | undefined {
  const headers = {};
  if (error instanceof HttpError) return error;
  if (error instanceof TraceqlError) {
    return { status: 400, code: error.code, message: error.message, position: error.position, headers };
  }
  if (error instanceof QuestionError) {
    const at = error.position === undefined ? {} : { position: error.position };
    return { status: 400, code: error.code, message: error.message, ...at, headers };
  }
  if (error instanceof OtlpDecodeError)
    return { status: 400, code: 'undecodable', message: error.message, headers };
  if (error instanceof BodyError)
    return { status: 400, code: 'undecodable', message: error.message, headers };
  if (error instanceof BodyTooLargeError)
    return { status: 413, code: 'too_large', message: error.message, headers };
  if (error instanceof AccessError) {
    const challenge: Problem['headers'] =
      error.status === 401 ? { 'www-authenticate': 'Bearer realm="spanlake"' } : {};
    const code = error.status === 401 ? 'unauthenticated' : 'forbidden';
    return { status: error.status, code, message: error.message, headers: challenge };
  }
  // Its connection has the rest of the body in it, which nobody waits for. Exporters throw away at a 408 what an
  // honest sender on a bad network would send again.
  if (error instanceof StalledUploadError)
    return {
      status: 503,
      code: 'unavailable',
      message: error.message,
      headers: { connection: 'close', 'retry-after': '1' },
    };
  if (error instanceof StoreUnavailableError || error instanceof OverloadError) {
    const retry = { 'retry-after': String(error.retryAfterSeconds) };
    return { status: 503, code: 'unavailable', message: error.message, headers: retry };
  }
  // Of the request's own signal: nobody reads this answer, and nothing went wrong.
  if (error instanceof DOMException && error.name === 'AbortError') {
    return { status: 499, code: 'cancelled', message: 'the client left', headers };
  }
  if (error instanceof Error && 'code' in error && PASSING.has(String(error.code))) {
    const message = 'the catalog is in use by another process, or its disk is full';
    return { status: 503, code: 'unavailable', message, headers: { 'retry-after': '5' } };
  }
  return undefined;
}

/** SQLite's codes for what may go well the next time: nothing was written. */
const PASSING: ReadonlySet<string> = new Set(['SQLITE_BUSY', 'SQLITE_BUSY_SNAPSHOT', 'SQLITE_FULL']);

/** `knownProblem`, or a 500 that says nothing, with the error in the log. */
export function problemOf(error: unknown, log: Log, what: string): Problem {
  const known = knownProblem(error);
  if (known !== undefined) return known;
  log.error('unexpected error', {
    what,
    error: error instanceof Error ? (error.stack ?? error.message) : String(error),
  });
  return {
    status: 500,
    code: 'internal',
    message: 'an error of this server; its log says more',
    headers: {},
  };
}

/** `{"error":{"code","message","position"?}}`, as every error of the API. */
export function jsonProblem(problem: Problem): Response {
  const { status, code, message, position, headers } = problem;
  const error = position === undefined ? { code, message } : { code, message, position };
  return Response.json({ error }, { status, headers: { ...headers, 'cache-control': 'no-store' } });
}
