/** What gRPC answers, as blocks of headers and messages. */
import { statusBody } from '../otlp/response.ts';
import { grpcCode } from './errors.ts';
import type { Problem } from './errors.ts';
import type { Answer } from './http2/outbox.ts';
import { encodeHeaders } from './http2/hpack.ts';

const UNAVAILABLE = 14;
/** Of grpc-message: some proxies bound headers at 8 KiB. */
const MAX_MESSAGE_CHARS = 1_000;

const STATUS_200 = [':status', '200'] as const;
const GRPC_TYPE = ['content-type', 'application/grpc'] as const;

const OK_HEAD = encodeHeaders([STATUS_200, GRPC_TYPE]);
const OK_TRAILERS = encodeHeaders([['grpc-status', '0']]);

/** An empty message. */
export const PLAIN_ANSWER: Answer = { head: OK_HEAD, body: new Uint8Array(5), trailers: OK_TRAILERS };

/** gRPC asks for this where the content type is another one. */
export const WRONG_TYPE: Answer = { head: encodeHeaders([[':status', '415']]) };

/** `message`: an ExportTraceServiceResponse. */
export function answerOf(message: Uint8Array): Answer {
  const body = Buffer.alloc(5 + message.length);
  body.writeUInt32BE(message.length, 1);
  body.set(message, 5);
  return { head: OK_HEAD, body, trailers: OK_TRAILERS };
}

/** Headers alone, as gRPC answers what has no message. `more`: further headers. */
export function failure(
  code: number,
  message: string,
  more: readonly (readonly [name: string, value: string])[] = [],
): Answer {
  const words = encodeURI(message.slice(0, MAX_MESSAGE_CHARS).toWellFormed());
  return {
    head: encodeHeaders([
      STATUS_200,
      GRPC_TYPE,
      ['grpc-status', String(code)],
      ['grpc-message', words.replaceAll('%20', ' ')],
      ...more,
    ]),
  };
}

/** With RetryInfo where a sender may come again, as OTLP asks: its exporters wait so long. */
export function problemStatus(problem: Problem): Answer {
  const code = grpcCode(problem.status);
  const seconds = Number(problem.headers['retry-after'] ?? 0);
  if (code !== UNAVAILABLE || seconds <= 0) return failure(code, problem.message, encodingsOf(problem));
  const details = retryDetails(code, problem.message, seconds).toString('base64').replaceAll('=', '');
  return failure(code, problem.message, [['grpc-status-details-bin', details]]);
}

/** Whoever compresses in an unknown way hears the known ones. */
function encodingsOf({ code }: Problem): readonly (readonly [string, string])[] {
  return code === 'unsupported_encoding' ? [['grpc-accept-encoding', 'identity,gzip,deflate,zstd']] : [];
}

const RETRY_INFO = Buffer.from('type.googleapis.com/google.rpc.RetryInfo', 'latin1');

/** google.rpc.Status with one detail: Any { type_url 1, value 2 } of RetryInfo { retry_delay 1 { seconds 1 } }. */
function retryDetails(code: number, message: string, seconds: number): Buffer {
  const info = field(1, Buffer.from([(1 << 3) | 0, Math.min(0x7f, seconds)]));
  const detail = Buffer.concat([field(1, RETRY_INFO), field(2, info)]);
  return Buffer.concat([statusBody('protobuf', code, message.slice(0, MAX_MESSAGE_CHARS)), field(3, detail)]);
}

/** Length-delimited; `content` is shorter than 128 bytes. */
function field(number: number, content: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([(number << 3) | 2, content.length]), content]);
}
