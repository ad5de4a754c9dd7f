/** Export requests and their answers in both encodings, through protobufjs as the independent party. */
import protobuf from 'protobufjs';
import { encodeTracesProtobuf } from '../../otlp/encode.ts';
import type { Span } from '../../span/span.ts';
import type { OtlpFormat } from '../../otlp/response.ts';

export const FORMATS: readonly OtlpFormat[] = ['protobuf', 'json'];

const status = new protobuf.Type('Status')
  .add(new protobuf.Field('code', 1, 'int32'))
  .add(new protobuf.Field('message', 2, 'string'));
const partial = new protobuf.Type('Partial')
  .add(new protobuf.Field('rejectedSpans', 1, 'int64'))
  .add(new protobuf.Field('errorMessage', 2, 'string'));
const response = new protobuf.Type('Response').add(new protobuf.Field('partialSuccess', 1, 'Partial'));
new protobuf.Root().add(status).add(partial).add(response);

export interface DecodedAnswer {
  readonly code?: number;
  readonly message?: string;
  readonly partialSuccess?: { readonly rejectedSpans?: string; readonly errorMessage?: string };
}

/** A google.rpc.Status or, for a 200, an ExportTraceServiceResponse. Throws when it is not in `format`. */
export async function decodeAnswer(answer: Response, format: OtlpFormat): Promise<DecodedAnswer> {
  const type = format === 'json' ? 'application/json' : 'application/x-protobuf';
  if (answer.headers.get('content-type') !== type) {
    throw new Error(`answered as ${answer.headers.get('content-type')}: ${await answer.text()}`);
  }
  const bytes = await answer.bytes();
  if (format === 'json') return JSON.parse(new TextDecoder().decode(bytes)) as DecodedAnswer;
  const message = answer.status === 200 ? response : status;
  return message.toObject(message.decode(bytes), { longs: String });
}

export function mime(format: OtlpFormat): string {
  return format === 'json' ? 'application/json' : 'application/x-protobuf';
}

export interface SmallSpan {
  readonly traceId?: string;
  readonly spanId?: string;
  readonly name?: string;
  readonly attributes?: Readonly<Record<string, string>>;
}

export const TRACE_ID = '0102030405060708090a0b0c0d0e0f10';
export const START = 1_700_000_000_123_456_789n;

/** An export request of spans with ids of any length, so that invalid ones can be sent. */
export function exportBody(format: OtlpFormat, spans: readonly SmallSpan[]): Uint8Array {
  const whole = spans.map(toSpan);
  if (format === 'protobuf') return encodeTracesProtobuf(whole);
  const list = whole.map((span) => ({
    traceId: span.traceId,
    spanId: span.spanId,
    name: span.name,
    startTimeUnixNano: String(span.startTimeUnixNano),
    endTimeUnixNano: String(span.startTimeUnixNano + span.durationNano),
    attributes: span.attributes.map(({ key, value }) => ({
      key,
      value: { stringValue: value.type === 'string' ? value.value : '' },
    })),
  }));
  return new TextEncoder().encode(JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: list }] }] }));
}

function toSpan(small: SmallSpan, index: number): Span {
  const attributes = Object.entries(small.attributes ?? {}).map(([key, value]) => ({
    key,
    value: { type: 'string', value } as const,
  }));
  return {
    traceId: small.traceId ?? TRACE_ID,
    spanId: small.spanId ?? (index + 1).toString(16).padStart(16, '0'),
    parentSpanId: '',
    traceState: '',
    name: small.name ?? 'operation',
    kind: 1,
    startTimeUnixNano: START,
    durationNano: 1_000_000n,
    statusCode: 0,
    statusMessage: '',
    flags: 0,
    attributes,
    droppedAttributesCount: 0,
    events: [],
    droppedEventsCount: 0,
    links: [],
    droppedLinksCount: 0,
    serviceName: '',
    resource: { attributes: [], droppedAttributesCount: 0, schemaUrl: '' },
    scope: { name: '', version: '', attributes: [], droppedAttributesCount: 0, schemaUrl: '' },
  };
}
