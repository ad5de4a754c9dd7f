import { expect, test } from 'bun:test';
import { decodeTraces } from '../src/otlp/decode.ts';
import { materialise } from '../src/otlp/testing/materialise.ts';
import { SpanColumns } from '../src/span/columns.ts';
import type { Span } from '../src/span/span.ts';
import { Stamps } from './stamps.ts';
import { SPANS_PER_REQUEST } from './traffic.ts';

const START = 1_800_000_000_000_000_000n;

function spansOf(body: Uint8Array): Span[] {
  const columns = new SpanColumns();
  expect(decodeTraces({ format: 'protobuf', body }, columns)).toMatchObject({ rejected: 0 });
  return materialise(columns);
}

test('a request is its template with other ids and times; everything else stays', () => {
  const stamps = new Stamps(2);
  const [first, second] = [7, 9].map((stamp) => spansOf(stamps.request(stamp, START)));
  expect(first).toHaveLength(SPANS_PER_REQUEST);
  for (const [i, span] of first.entries()) {
    const { traceId, spanId, parentSpanId, ...rest } = second[i];
    expect(rest).toEqual({ ...rest, ...withoutIds(span) });
    expect([span.traceId.slice(0, 8), traceId.slice(0, 8)]).toEqual(['00000007', '00000009']);
    expect(traceId.slice(8, 16)).toBe(span.traceId.slice(8, 16));
    expect(traceId.slice(16, 24)).not.toBe(span.traceId.slice(16, 24));
    expect(traceId.slice(24)).toBe(span.traceId.slice(24));
    expect(spanId).not.toBe(span.spanId);
    expect(spanId.slice(8)).toBe(span.spanId.slice(8));
    expect(parentSpanId === '').toBe(span.parentSpanId === '');
  }
});

test('a request keeps its bytes while others of its template are made', () => {
  const stamps = new Stamps(1);
  const first = stamps.request(1, START);
  const before = Bun.hash(first);
  expect(Bun.hash(stamps.request(2, START))).not.toBe(before);
  expect(Bun.hash(first)).toBe(before);
  expect(Bun.hash(stamps.request(1, START))).toBe(before);
});

test('parents are still spans of the same trace', () => {
  const spans = spansOf(new Stamps(1).request(123_456, START));
  const known = new Set(spans.map(({ traceId, spanId }) => traceId + spanId));
  const children = spans.filter(({ parentSpanId }) => parentSpanId !== '');
  expect(children.length).toBeGreaterThan(SPANS_PER_REQUEST / 2);
  for (const { traceId, parentSpanId } of children) expect(known.has(traceId + parentSpanId)).toBe(true);
});

test('times are moved to the start that is asked for, durations stay', () => {
  // Both words of the sum overflow or borrow for some of these.
  for (const start of [START, START + 0xffff_ffffn, 1n << 63n, 1_000_000_000n]) {
    const [moved, plain] = [start, START].map((at) => spansOf(new Stamps(1).request(1, at)));
    for (const [i, span] of moved.entries()) {
      expect(BigInt.asIntN(64, span.startTimeUnixNano - start)).toBe(plain[i].startTimeUnixNano - START);
      expect(span.durationNano).toBe(plain[i].durationNano);
    }
  }
});

test('what a checker needs to know of a request follows from its stamp', () => {
  const stamps = new Stamps(3);
  const spans = spansOf(stamps.request(5, START));
  expect(stamps.templateOf(5)).toBe(stamps.templateOf(2));
  expect(spans.map(({ spanId }) => spanId.slice(8)).toSorted()).toEqual(stamps.spanIdEnds(5).toSorted());
  expect(spans.filter(({ traceId }) => traceId === stamps.traceId(5))).toHaveLength(10);
});

function withoutIds({ traceId: _trace, spanId: _span, parentSpanId: _parent, ...rest }: Span) {
  return rest;
}
