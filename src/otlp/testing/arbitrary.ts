/** Test support: random spans for fast-check, with the edges of every type among them. */
import fc from 'fast-check';
import type { Attribute, AttributeValue, Resource, Scope, Span } from '../../span/span.ts';

const text = fc.string({ unit: 'binary', maxLength: 12 }).map((value) => value.toWellFormed());
const uint32 = fc.integer({ min: 0, max: 0xffffffff });
const time = fc.oneof(
  fc.bigInt(0n, (1n << 64n) - 1n),
  fc.constantFrom(0n, 1n << 63n, (1n << 64n) - 1n, 999_999_999n, 1_700_000_000_123_456_789n),
);
const duration = fc.oneof(
  fc.bigInt(-(1n << 63n), (1n << 63n) - 1n),
  fc.constantFrom(0n, 1n, -1n, -(1n << 63n), (1n << 63n) - 1n),
);
const int = fc.oneof(
  fc.bigInt(-(1n << 63n), (1n << 63n) - 1n),
  fc.constantFrom(-(1n << 63n), (1n << 63n) - 1n, 0n),
);
const double = fc.oneof(fc.double(), fc.constantFrom(-0, Number.NaN, Infinity, -Infinity, 1e21, 5e-324, 3));

function id(bytes: number): fc.Arbitrary<string> {
  return fc
    .uint8Array({ minLength: bytes, maxLength: bytes })
    .filter((value) => value.some((byte) => byte !== 0))
    .map((value) => Buffer.from(value).toString('hex'));
}

export const valueArbitrary = fc.letrec<{ value: AttributeValue; attribute: Attribute }>((tie) => ({
  attribute: fc.record({ key: text, value: tie('value') }),
  value: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    fc.record({ type: fc.constant('string' as const), value: text }),
    fc.record({ type: fc.constant('bool' as const), value: fc.boolean() }),
    fc.record({ type: fc.constant('int' as const), value: int }),
    fc.record({ type: fc.constant('double' as const), value: double }),
    fc.record({ type: fc.constant('bytes' as const), value: fc.uint8Array({ maxLength: 9 }) }),
    fc.record({ type: fc.constant('empty' as const) }),
    fc.record({ type: fc.constant('array' as const), value: fc.array(tie('value'), { maxLength: 4 }) }),
    fc.record({ type: fc.constant('kvlist' as const), value: fc.array(tie('attribute'), { maxLength: 4 }) }),
  ),
})).value;

const attributes: fc.Arbitrary<Attribute[]> = fc.uniqueArray(
  fc.record({
    key: fc.oneof(text, fc.constantFrom('http.route', 'gen_ai.system', '')),
    value: valueArbitrary,
  }),
  { maxLength: 5, selector: (attribute) => attribute.key },
);

const resource: fc.Arbitrary<Resource> = fc.record({
  attributes,
  droppedAttributesCount: uint32,
  schemaUrl: text,
});
const scope: fc.Arbitrary<Scope> = fc.record({
  name: text,
  version: text,
  attributes,
  droppedAttributesCount: uint32,
  schemaUrl: text,
});

const event = fc.record({ timeUnixNano: time, name: text, attributes, droppedAttributesCount: uint32 });
const link = fc.record({
  traceId: id(16),
  spanId: id(8),
  traceState: text,
  attributes,
  droppedAttributesCount: uint32,
  flags: uint32,
});

const span: fc.Arbitrary<Omit<Span, 'serviceName' | 'resource' | 'scope'>> = fc.record({
  traceId: id(16),
  spanId: id(8),
  parentSpanId: fc.oneof(fc.constant(''), id(8)),
  traceState: text,
  name: text,
  kind: fc.integer({ min: 0, max: 5 }),
  startTimeUnixNano: time,
  durationNano: duration,
  statusCode: fc.integer({ min: 0, max: 2 }),
  statusMessage: text,
  flags: uint32,
  attributes,
  droppedAttributesCount: uint32,
  events: fc.array(event, { maxLength: 3 }),
  droppedEventsCount: uint32,
  links: fc.array(link, { maxLength: 3 }),
  droppedLinksCount: uint32,
});

function serviceNameOf(from: Resource): string {
  const found = from.attributes.find((attribute) => attribute.key === 'service.name')?.value;
  return found?.type === 'string' ? found.value : '';
}

/** Spans of several resources and scopes, in the order in which a request groups them. */
export const requestArbitrary: fc.Arbitrary<Span[]> = fc
  .array(fc.tuple(resource, fc.array(fc.tuple(scope, fc.array(span, { maxLength: 3 })), { maxLength: 2 })), {
    maxLength: 3,
  })
  .map((groups) =>
    groups.flatMap(([ofResource, scopes]) =>
      scopes.flatMap(([ofScope, spans]) =>
        spans.map((own) => ({
          ...own,
          serviceName: serviceNameOf(ofResource),
          resource: ofResource,
          scope: ofScope,
        })),
      ),
    ),
  );
