/**
 * One span as a plain object: what a reader gets back. Names and units are OpenTelemetry's
 * (opentelemetry-proto, trace/v1/trace.proto). Ingest never makes these; it fills `SpanColumns`.
 */

/** An OTLP `AnyValue`. `int` is a signed 64-bit integer; `empty` is an AnyValue with nothing set. */
export type AttributeValue =
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'bool'; readonly value: boolean }
  | { readonly type: 'int'; readonly value: bigint }
  | { readonly type: 'double'; readonly value: number }
  | { readonly type: 'bytes'; readonly value: Uint8Array }
  | { readonly type: 'array'; readonly value: readonly AttributeValue[] }
  | { readonly type: 'kvlist'; readonly value: readonly Attribute[] }
  | { readonly type: 'empty' };

export type AttributeType = AttributeValue['type'];

export interface Attribute {
  readonly key: string;
  readonly value: AttributeValue;
}

export interface Resource {
  readonly attributes: readonly Attribute[];
  readonly droppedAttributesCount: number;
  readonly schemaUrl: string;
}

/** An instrumentation scope; `schemaUrl` is that of its ScopeSpans. */
export interface Scope {
  readonly name: string;
  readonly version: string;
  readonly attributes: readonly Attribute[];
  readonly droppedAttributesCount: number;
  readonly schemaUrl: string;
}

export interface SpanEvent {
  readonly timeUnixNano: bigint;
  readonly name: string;
  readonly attributes: readonly Attribute[];
  readonly droppedAttributesCount: number;
}

/** `traceId` is 32, `spanId` 16 lower-case hex digits. */
export interface SpanLink {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceState: string;
  readonly attributes: readonly Attribute[];
  readonly droppedAttributesCount: number;
  readonly flags: number;
}

export interface Span {
  /** 32 lower-case hex digits. */
  readonly traceId: string;
  /** 16 lower-case hex digits. */
  readonly spanId: string;
  /** 16 lower-case hex digits, or '' for a root span. */
  readonly parentSpanId: string;
  readonly traceState: string;
  readonly name: string;
  /** 0 unspecified, 1 internal, 2 server, 3 client, 4 producer, 5 consumer. */
  readonly kind: number;
  /** Unsigned 64-bit. */
  readonly startTimeUnixNano: bigint;
  /** end - start as a signed 64-bit integer: negative when the sender's end lies before its start. */
  readonly durationNano: bigint;
  /** 0 unset, 1 ok, 2 error. */
  readonly statusCode: number;
  readonly statusMessage: string;
  readonly flags: number;
  readonly attributes: readonly Attribute[];
  readonly droppedAttributesCount: number;
  readonly events: readonly SpanEvent[];
  readonly droppedEventsCount: number;
  readonly links: readonly SpanLink[];
  readonly droppedLinksCount: number;
  /** The resource attribute `service.name`, or '' when it is missing or no string. */
  readonly serviceName: string;
  readonly resource: Resource;
  readonly scope: Scope;
}

export const STATUS_ERROR = 2;
