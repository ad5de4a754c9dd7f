/** Test support: random spans from few ids, times and values, so that they collide. */
import fc from 'fast-check';
import type { Attribute, AttributeValue, Resource, Scope, Span } from '../../../../span/span.ts';

/** The last two share the half by which a trace index finds them. */
const TRACE_IDS = [
  '11111111111111111111111111111111',
  '22222222222222222222222222222222',
  '0000000000000000aaaaaaaaaaaaaaaa',
  'ffffffffffffffffaaaaaaaaaaaaaaaa',
];
const SPAN_IDS = ['0000000000000001', '0000000000000002', '00000000000000ff', 'ffffffffffffffff'];

/** An hour before midnight UTC, so that files of two days are made. */
export const BASE = 1_700_000_000_000_000_000n;

const text = fc.constantFrom('', 'a', 'GET /x', 'ü', '\u{1f600}', '500', 'true');
const value: fc.Arbitrary<AttributeValue> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ type: fc.constant('string' as const), value: text }) },
  fc.record({
    type: fc.constant('int' as const),
    value: fc.constantFrom(0n, 1n, -1n, 500n, (1n << 63n) - 1n),
  }),
  fc.record({ type: fc.constant('double' as const), value: fc.constantFrom(0, -0, 1, 1.5, 500, Number.NaN) }),
  fc.record({ type: fc.constant('bool' as const), value: fc.boolean() }),
  fc.constant<AttributeValue>({ type: 'empty' }),
  fc.constant<AttributeValue>({ type: 'bytes', value: new Uint8Array([1, 2]) }),
  fc.constant<AttributeValue>({
    type: 'array',
    value: [
      { type: 'string', value: 'a' },
      { type: 'int', value: 1n },
    ],
  }),
  fc.constant<AttributeValue>({ type: 'array', value: [] }),
  fc.constant<AttributeValue>({
    type: 'kvlist',
    value: [{ key: 'k', value: { type: 'bool', value: true } }],
  }),
);

/** `s`, `i`, `d`, `b` hold one type, so that files promote them; `m` any, so that they don't. */
const attributes: fc.Arbitrary<Attribute[]> = fc
  .record({
    s: fc.option(fc.record({ type: fc.constant('string' as const), value: text }), { nil: undefined }),
    i: fc.option(
      fc.record({
        type: fc.constant('int' as const),
        value: fc.constantFrom(0n, 1n, -5n, 500n, -(1n << 63n)),
      }),
      { nil: undefined },
    ),
    d: fc.option(
      fc.record({ type: fc.constant('double' as const), value: fc.constantFrom(0, -0, 1, 0.5, Number.NaN) }),
      { nil: undefined },
    ),
    b: fc.option(fc.record({ type: fc.constant('bool' as const), value: fc.boolean() }), { nil: undefined }),
    m: fc.option(value, { nil: undefined }),
  })
  .map((record) =>
    Object.entries(record).flatMap(([key, each]) => (each === undefined ? [] : [{ key, value: each }])),
  );

const resource: fc.Arbitrary<Resource> = fc
  .record({
    service: fc.constantFrom<AttributeValue | undefined>(
      { type: 'string', value: 'shop' },
      { type: 'string', value: 'cart' },
      { type: 'string', value: '' },
      { type: 'int', value: 7n },
      undefined,
    ),
    rest: attributes,
    dropped: fc.constantFrom(0, 3),
    schemaUrl: fc.constantFrom('', 'https://x/1'),
  })
  .map(({ service, rest, dropped, schemaUrl }) => ({
    attributes: [...(service ? [{ key: 'service.name', value: service }] : []), ...rest],
    droppedAttributesCount: dropped,
    schemaUrl,
  }));

const scope: fc.Arbitrary<Scope> = fc.record({
  name: text,
  version: fc.constantFrom('', '1.0'),
  attributes,
  droppedAttributesCount: fc.constantFrom(0, 1),
  schemaUrl: fc.constantFrom('', 'https://x/2'),
});

const near = fc.integer({ min: 0, max: 40 }).map((n) => BASE + BigInt(n));
const DAYS_BESIDE = [BASE + 86_400_000_000_000n, BASE - 86_400_000_000_000n];
const ENDS_OF_TIME = [0n, (1n << 63n) + 5n, (1n << 64n) - 1n];
const time = fc.oneof(
  { weight: 8, arbitrary: near },
  { weight: 2, arbitrary: fc.constantFrom(...DAYS_BESIDE) },
  fc.constantFrom(...ENDS_OF_TIME),
);
const duration = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 0, max: 30 }).map(BigInt) },
  fc.constantFrom(-1n, 4_294_967_296n, -(1n << 63n), 1_000_000_000n),
);

const event = fc.record({
  timeUnixNano: time,
  name: fc.constantFrom('', 'exception', 'a'),
  attributes,
  droppedAttributesCount: fc.constantFrom(0, 2),
});
const link = fc.record({
  traceId: fc.constantFrom(...TRACE_IDS),
  spanId: fc.constantFrom(...SPAN_IDS),
  traceState: fc.constantFrom('', 'k=v'),
  attributes,
  droppedAttributesCount: fc.constantFrom(0, 2),
  flags: fc.constantFrom(0, 257),
});

export const spanArbitrary: fc.Arbitrary<Span> = spanStarting(time);

function spanStarting(start: fc.Arbitrary<bigint>): fc.Arbitrary<Span> {
  return fc
    .record({
      traceId: fc.constantFrom(...TRACE_IDS),
      spanId: fc.constantFrom(...SPAN_IDS),
      parentSpanId: fc.constantFrom('', '', ...SPAN_IDS),
      traceState: fc.constantFrom('', 'a=b'),
      name: text,
      kind: fc.constantFrom(0, 1, 2, 3),
      startTimeUnixNano: start,
      durationNano: duration,
      statusCode: fc.constantFrom(0, 1, 2, 2),
      statusMessage: text,
      flags: fc.constantFrom(0, 1, 0xffffffff),
      attributes,
      droppedAttributesCount: fc.constantFrom(0, 4),
      events: fc.array(event, { maxLength: 2 }),
      droppedEventsCount: fc.constantFrom(0, 5),
      links: fc.array(link, { maxLength: 2 }),
      droppedLinksCount: fc.constantFrom(0, 6),
      resource,
      scope,
    })
    .map((span) => ({ ...span, serviceName: serviceNameOf(span.resource) }));
}

function serviceNameOf({ attributes: list }: Resource): string {
  const value = list.find(({ key }) => key === 'service.name')?.value;
  return value?.type === 'string' ? value.value : '';
}

/** Spans as a store holds them: an id and kind once, since what comes again is the same span. */
export const spansArbitrary: fc.Arbitrary<Span[]> = spansOf(spanArbitrary, 1, 12);

/**
 * Up to 40: several of each trace, more than one row group in a file, and an answer to most questions. Each day
 * is a file, so most have few days.
 */
export const manySpansArbitrary: fc.Arbitrary<Span[]> = fc.oneof(
  { withCrossShrink: true },
  { weight: 1, arbitrary: spansOf(spanArbitrary, 1, 40) },
  { weight: 2, arbitrary: spansOf(spanStarting(near), 20, 40) },
  { weight: 2, arbitrary: spansOf(spanStarting(mostlyNear(DAYS_BESIDE)), 20, 40) },
  { weight: 1, arbitrary: spansOf(spanStarting(mostlyNear(ENDS_OF_TIME)), 20, 40) },
);

function mostlyNear(others: readonly bigint[]): fc.Arbitrary<bigint> {
  return fc.oneof({ weight: 5, arbitrary: near }, { weight: 1, arbitrary: fc.constantFrom(...others) });
}

function spansOf(span: fc.Arbitrary<Span>, minLength: number, maxLength: number): fc.Arbitrary<Span[]> {
  return fc.uniqueArray(span, {
    minLength,
    maxLength,
    size: 'max',
    selector: ({ traceId, spanId, kind }) => `${traceId} ${spanId} ${kind}`,
  });
}
