/** Export requests for tests of the store: small OTLP/JSON bodies with ids that tell what they are. */
import type { ExportRequest } from '../../span-store.ts';

export interface TestSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly name?: string;
  readonly parentSpanId?: string;
  readonly start?: bigint;
  readonly durationNano?: bigint;
  /** Further fields of the span, as OTLP/JSON has them. */
  readonly more?: Readonly<Record<string, unknown>>;
}

export const TEST_START = 1_700_000_000_000_000_123n;

/** The nth test span: its ids end in n in hex, ten spans to a trace. */
export function testSpan(n: number, more: Partial<TestSpan> = {}): TestSpan {
  return {
    traceId: `ab${(Math.floor(n / 10) + 1).toString(16).padStart(30, '0')}`,
    spanId: (n + 1).toString(16).padStart(16, '0'),
    name: `operation ${n % 7}`,
    start: TEST_START + BigInt(n) * 1_000_000n,
    durationNano: BigInt(n % 100) * 1_000n,
    ...more,
  };
}

export function testRequest(
  spans: readonly TestSpan[],
  resource: Readonly<Record<string, unknown>> = { attributes: [textAttribute('service.name', 'shop')] },
): ExportRequest {
  return requestOf({
    resourceSpans: [{ resource, scopeSpans: [{ scope: { name: 'test' }, spans: spans.map(spanJson) }] }],
  });
}

export function requestOf(message: unknown): ExportRequest {
  const body = new TextEncoder().encode(JSON.stringify(message));
  return { format: 'json', body, received: { encoding: 'identity', bytes: body } };
}

export function textAttribute(key: string, value: string): unknown {
  return { key, value: { stringValue: value } };
}

function spanJson(span: TestSpan): unknown {
  const start = span.start ?? TEST_START;
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    parentSpanId: span.parentSpanId ?? '',
    name: span.name ?? 'operation',
    kind: 2,
    startTimeUnixNano: String(start),
    endTimeUnixNano: String(start + (span.durationNano ?? 0n)),
    ...span.more,
  };
}
