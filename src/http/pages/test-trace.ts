/** A small trace of three spans in OTLP JSON, as the button "Send a test trace" sends it. */
import { randomHex } from './respond.ts';

const MS = 1_000_000n;

interface TestSpan {
  readonly name: string;
  readonly kind: number;
  /** Milliseconds after the trace's start. */
  readonly at: bigint;
  readonly lasts: bigint;
}

const SPANS: readonly TestSpan[] = [
  { name: 'GET /hello', kind: 2, at: 0n, lasts: 120n },
  { name: 'compose greeting', kind: 1, at: 8n, lasts: 95n },
  { name: 'SELECT greetings', kind: 3, at: 20n, lasts: 64n },
];

export function testTraceBody(now: bigint): { readonly traceId: string; readonly body: Uint8Array } {
  const traceId = randomHex(32);
  const start = now - 130n * MS;
  let parentSpanId = '';
  const spans = SPANS.map(({ name, kind, at, lasts }) => {
    const spanId = randomHex(16);
    const span = {
      traceId,
      spanId,
      parentSpanId,
      name,
      kind,
      startTimeUnixNano: String(start + at * MS),
      endTimeUnixNano: String(start + (at + lasts) * MS),
      attributes: [text('test.origin', 'the button on the first page')],
    };
    parentSpanId = spanId;
    return span;
  });
  const resource = { attributes: [text('service.name', 'spanlake-test')] };
  const scopeSpans = [{ scope: { name: 'spanlake' }, spans }];
  const request = { resourceSpans: [{ resource, scopeSpans }] };
  return { traceId, body: new TextEncoder().encode(JSON.stringify(request)) };
}

function text(key: string, stringValue: string) {
  return { key, value: { stringValue } };
}
