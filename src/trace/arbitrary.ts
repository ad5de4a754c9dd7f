/** Spans for tests: plain ones by hand, and traces as no decent sender would make them. */
import fc from 'fast-check';
import type { Span } from '../span/span.ts';

export const TRACE_ID = '5b8efff798038103d269b633813fc60c';

export function spanId(n: number): string {
  return n.toString(16).padStart(16, '0');
}

export function makeSpan(fields: Partial<Span>): Span {
  return {
    traceId: TRACE_ID,
    spanId: spanId(1),
    parentSpanId: '',
    traceState: '',
    name: 'GET /cart',
    kind: 1,
    startTimeUnixNano: 1_700_000_000_000_000_000n,
    durationNano: 1_000_000n,
    statusCode: 0,
    statusMessage: '',
    flags: 0,
    attributes: [],
    droppedAttributesCount: 0,
    events: [],
    droppedEventsCount: 0,
    links: [],
    droppedLinksCount: 0,
    serviceName: 'cart',
    resource: { attributes: [], droppedAttributesCount: 0, schemaUrl: '' },
    scope: { name: '', version: '', attributes: [], droppedAttributesCount: 0, schemaUrl: '' },
    ...fields,
  };
}

/** Few ids for many spans: parents that are missing, themselves, in a ring, or several at once. */
export const anyTrace: fc.Arbitrary<Span[]> = fc.array(
  fc
    .record({
      id: fc.integer({ min: 1, max: 12 }),
      parent: fc.integer({ min: 0, max: 14 }),
      kind: fc.integer({ min: 0, max: 5 }),
      start: fc.bigInt({ min: 0n, max: 40n }),
      duration: fc.bigInt({ min: -20n, max: 60n }),
      service: fc.constantFrom('a', 'b'),
      statusCode: fc.integer({ min: 0, max: 2 }),
    })
    .map(({ id, parent, kind, start, duration, service, statusCode }) =>
      makeSpan({
        spanId: spanId(id),
        parentSpanId: parent === 0 ? '' : spanId(parent),
        kind,
        startTimeUnixNano: 1_000n + start,
        durationNano: duration,
        serviceName: service,
        statusCode,
      }),
    ),
  { maxLength: 40 },
);
