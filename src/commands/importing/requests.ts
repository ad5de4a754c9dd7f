/** Items of an import as export requests of a size that every server takes. */
import { decodeTraces } from '../../otlp/decode.ts';
import { encodeTracesProtobuf } from '../../otlp/encode.ts';
import { SpanColumns } from '../../span/columns.ts';
import { NO_SPAN_LIMITS } from '../../span/span-limits.ts';
import type { Span } from '../../span/span.ts';
import { SpanReader } from '../../store/lake/read/scan/block-spans.ts';
import type { ExportRequest } from '../../store/span-store.ts';
import type { Item } from './items.ts';

/** gRPC's default limit for one message, and what OTLP receivers in front of a server may enforce. */
const MAX_REQUEST_BYTES = 4 * 1024 * 1024 - 64 * 1024;

/** Of 400 B to 4 kB a span. */
const SPANS_PER_REQUEST = 1_000;

export interface Split {
  readonly requests: Iterable<ExportRequest>;
  /** Spans that the decoder refuses, of an item that was taken apart. */
  readonly rejected: number;
  readonly message: string;
}

/** A small item goes as it came, so that the server can tell it when it comes again. Throws OtlpDecodeError. */
export function requestsOf({ format, body }: Item): Split {
  if (body.length <= MAX_REQUEST_BYTES)
    return { requests: [requestOf(format, body)], rejected: 0, message: '' };
  const columns = new SpanColumns(undefined, NO_SPAN_LIMITS);
  const { rejected, message } = decodeTraces({ format, body }, columns);
  return { requests: requestsOfColumns(columns), rejected, message };
}

function* requestsOfColumns(columns: SpanColumns): Generator<ExportRequest> {
  const reader = new SpanReader(columns.block(undefined, columns.rows));
  for (let from = 0; from < columns.rows; from += SPANS_PER_REQUEST) {
    const count = Math.min(SPANS_PER_REQUEST, columns.rows - from);
    yield* requestsOfSpans(Array.from({ length: count }, (_, i) => reader.span(from + i)));
  }
}

export function* requestsOfSpans(spans: readonly Span[]): Generator<ExportRequest> {
  const body = encodeTracesProtobuf(spans);
  if (body.length <= MAX_REQUEST_BYTES || spans.length === 1) {
    yield requestOf('protobuf', body);
    return;
  }
  const half = spans.length >> 1;
  yield* requestsOfSpans(spans.slice(0, half));
  yield* requestsOfSpans(spans.slice(half));
}

function requestOf(format: Item['format'], body: Uint8Array): ExportRequest {
  return { format, body, received: { encoding: 'identity', bytes: body } };
}
