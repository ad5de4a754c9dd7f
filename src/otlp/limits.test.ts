import { describe, expect, test } from 'bun:test';
import { SpanColumns } from '../span/columns.ts';
import { DEFAULT_SPAN_LIMITS } from '../span/span-limits.ts';
import type { SpanLimits } from '../span/span-limits.ts';
import type { Attribute, Span } from '../span/span.ts';
import { decodeTraces } from './decode.ts';
import type { DecodeResult } from './decode.ts';
import { encodeTracesJson, encodeTracesProtobuf } from './encode.ts';
import { materialise } from './testing/materialise.ts';

const NOW_MS = 1_790_000_000_000;
const MS = 1_000_000n;

function text(key: string, value: string): Attribute {
  return { key, value: { type: 'string', value } };
}

function texts(prefix: string, count: number): Attribute[] {
  return Array.from({ length: count }, (_, i) => text(`${prefix}${i}`, 'v'));
}

let ids = 0;

function span(more: Partial<Span> = {}): Span {
  const id = (++ids).toString(16);
  return {
    traceId: id.padStart(32, '0'),
    spanId: id.padStart(16, '0'),
    parentSpanId: '',
    traceState: '',
    name: 'operation',
    kind: 1,
    startTimeUnixNano: BigInt(NOW_MS) * MS,
    durationNano: MS,
    statusCode: 0,
    statusMessage: '',
    flags: 0,
    attributes: [],
    droppedAttributesCount: 0,
    events: [],
    droppedEventsCount: 0,
    links: [],
    droppedLinksCount: 0,
    serviceName: 'shop',
    resource: { attributes: [text('service.name', 'shop')], droppedAttributesCount: 0, schemaUrl: '' },
    scope: { name: 'scope', version: '', attributes: [], droppedAttributesCount: 0, schemaUrl: '' },
    ...more,
  };
}

function ofService(serviceName: string, more: Partial<Span> = {}): Span {
  const resource = {
    attributes: [text('service.name', serviceName)],
    droppedAttributesCount: 0,
    schemaUrl: '',
  };
  return span({ serviceName, resource, ...more });
}

function event(attributes: Attribute[] = []): Span['events'][number] {
  return { timeUnixNano: 5n, name: 'event', attributes, droppedAttributesCount: 0 };
}

function link(attributes: Attribute[] = []): Span['links'][number] {
  const ends = { traceId: '1'.padStart(32, '0'), spanId: '1'.padStart(16, '0') };
  return { ...ends, traceState: '', attributes, droppedAttributesCount: 0, flags: 0 };
}

function columnsOf(limits: Partial<SpanLimits> = {}): SpanColumns {
  return new SpanColumns(1, { ...DEFAULT_SPAN_LIMITS, ...limits });
}

for (const format of ['protobuf', 'json'] as const) {
  const send = (into: SpanColumns, ...spans: Span[]): DecodeResult => {
    const body =
      format === 'protobuf'
        ? encodeTracesProtobuf(spans)
        : new TextEncoder().encode(JSON.stringify(encodeTracesJson(spans)));
    return decodeTraces({ format, body }, into, NOW_MS);
  };

  describe(format, () => {
    test('attributes, events and links beyond their limits are counted on their owner', () => {
      const into = columnsOf({ attributes: 150, events: 130, links: 140, keys: 1_000 });
      const sent = span({
        attributes: texts('a', 153),
        droppedAttributesCount: 4,
        events: Array.from({ length: 132 }, (_, i) => event(i === 0 ? texts('e', 151) : [])),
        droppedEventsCount: 0xffffffff,
        links: Array.from({ length: 150 }, (_, i) => link(i === 1 ? texts('l', 152) : [])),
      });
      const { accepted, rejected, message, findings } = send(into, sent);
      const [kept] = materialise(into);
      expect({ accepted, rejected }).toEqual({ accepted: 1, rejected: 0 });
      expect(kept.attributes).toEqual(texts('a', 150));
      expect(kept.droppedAttributesCount).toBe(7);
      expect([kept.events.length, kept.droppedEventsCount]).toEqual([130, 0xffffffff]);
      expect([kept.links.length, kept.droppedLinksCount]).toEqual([140, 10]);
      expect([kept.events[0].attributes.length, kept.events[0].droppedAttributesCount]).toEqual([150, 1]);
      expect([kept.links[1].attributes.length, kept.links[1].droppedAttributesCount]).toEqual([150, 2]);
      expect(kept.links[0].droppedAttributesCount).toBe(0);
      expect(findings).toMatchObject({ droppedAttributes: 6, droppedEvents: 2, droppedLinks: 10 });
      expect(message).toBe(
        '6 attributes beyond 150 a span dropped (--max-attributes), ' +
          '2 events beyond 130 a span dropped (--max-events), 10 links beyond 140 a span dropped (--max-links)',
      );
      // The next span has nothing to do with it.
      expect(send(into, span({ attributes: texts('a', 3) })).message).toBe('');
      expect(materialise(into)[1].droppedAttributesCount).toBe(0);
    });

    test('texts and names are cut behind a whole character, each time they come', () => {
      const into = columnsOf({ valueBytes: 4_096 });
      const long = 'é'.repeat(2_100);
      const cut = 'é'.repeat(2_048);
      const name = `${'n'.repeat(4_095)}é`;
      const sent = span({
        name,
        traceState: long,
        statusMessage: long,
        attributes: [
          text('string', long),
          { key: 'bytes', value: { type: 'bytes', value: new Uint8Array(4_000).fill(7) } },
          {
            key: 'array',
            value: {
              type: 'array',
              value: Array.from({ length: 2_100 }, () => ({ type: 'int', value: 7n })),
            },
          },
        ],
        events: [{ ...event(), name }],
      });
      for (const _ of [1, 2]) {
        const { message, findings } = send(into, sent);
        expect(findings?.cutValues).toBe(7);
        expect(message).toBe('5 texts cut to 4,096 bytes (--max-value), 2 names cut to 4,096 bytes');
        const [kept] = materialise(into).slice(-1);
        expect([kept.name, kept.events[0].name]).toEqual(['n'.repeat(4_095), 'n'.repeat(4_095)]);
        expect([kept.traceState, kept.statusMessage]).toEqual([cut, cut]);
        const [string, bytes, array] = kept.attributes.map(({ value }) => value);
        expect(string).toEqual({ type: 'string', value: cut });
        expect(bytes).toEqual({ type: 'bytes', value: new Uint8Array(3_072).fill(7) });
        expect(array).toEqual({
          type: 'array',
          value: Array.from({ length: 2_047 }, () => ({ type: 'int', value: 7n })),
        });
      }
    });

    test('keys beyond the limit, or too long, are dropped; known ones go on', () => {
      const into = columnsOf({ keys: 4 });
      // service.name is the first of the four.
      expect(send(into, span({ attributes: texts('k', 3) })).message).toBe('');
      const { message } = send(into, span({ attributes: [...texts('x', 2), ...texts('k', 3)] }));
      expect(message).toBe(
        '2 attributes dropped with a key that is too long, or new behind 4 others of late (--max-keys)',
      );
      const [, kept] = materialise(into);
      expect([kept.attributes, kept.droppedAttributesCount]).toEqual([texts('k', 3), 2]);
      const tooLong = columnsOf();
      send(tooLong, span({ attributes: [text('k'.repeat(1_025), ''), text('k'.repeat(1_024), '')] }));
      expect(materialise(tooLong)[0]).toMatchObject({
        attributes: [text('k'.repeat(1_024), '')],
        droppedAttributesCount: 1,
      });
    });

    test('a million keys over many requests leave no trace of those that are dropped', () => {
      const into = columnsOf({ keys: 1_000 });
      let [dropped, bytes] = [0, 0];
      for (let request = 0; request < 40; request++) {
        const spans = Array.from({ length: 10 }, (_, i) =>
          span({ attributes: texts(`key.${request}.${i}.`, 50) }),
        );
        dropped += send(into, ...spans).findings?.droppedAttributes ?? 0;
        if (request === 4) bytes = into.pairs.keys.byteLength + into.pairs.values.byteLength;
      }
      expect(dropped).toBe(40 * 10 * 50 - 999);
      expect(into.pairs.keys.count).toBe(1_000);
      expect(into.pairs.keys.byteLength + into.pairs.values.byteLength).toBe(bytes);
    });

    test('spans of one service too many are rejected, all others go on', () => {
      const into = columnsOf({ services: 2 });
      const nameless = span({
        serviceName: '',
        resource: { attributes: [], droppedAttributesCount: 0, schemaUrl: '' },
      });
      const result = send(
        into,
        ofService('a'),
        ofService('b'),
        ofService('c', { attributes: texts('c', 3) }),
        ofService('c'),
        nameless,
      );
      const reason = 'their service.name is new behind 2 others of late (--max-services)';
      expect(result).toMatchObject({
        accepted: 3,
        rejected: 2,
        message: `rejected 2 spans: 2 because ${reason}`,
        findings: { rejections: [{ reason, spans: 2 }], withoutService: 1 },
      });
      expect(materialise(into).map(({ serviceName }) => serviceName)).toEqual(['a', 'b', '']);
      expect(send(into, ofService('a'), ofService('c'))).toMatchObject({ accepted: 1, rejected: 1 });
    });

    test('what is undone counts against no limit', () => {
      const into = columnsOf({ keys: 4, services: 2 });
      send(into, ofService('a', { attributes: texts('k', 1) }));
      const mark = into.mark();
      send(into, ofService('b', { attributes: [...texts('undone', 5), ...texts('k', 2)] }));
      into.truncate(mark);
      expect(into.losses.counts).toEqual(mark.losses);
      // The same bytes mean something else now: keys and service come anew.
      const again = ofService('b', { attributes: [...texts('k', 3), ...texts('undone', 5)] });
      expect(send(into, again).findings?.droppedAttributes).toBe(5);
      const fresh = columnsOf({ keys: 4, services: 2 });
      send(fresh, ofService('a', { attributes: texts('k', 1) }));
      send(fresh, again);
      expect(materialise(into).map(withoutIds)).toEqual(materialise(fresh).map(withoutIds));
      expect(send(into, ofService('c'))).toMatchObject({ rejected: 1 });
    });

    test('a rejected span drops nothing', () => {
      const into = columnsOf({ attributes: 128 });
      const bad = span({ spanId: '0'.repeat(16), attributes: texts('a', 200) });
      const { rejected, findings } = send(into, bad, span());
      expect(rejected).toBe(1);
      expect(findings?.droppedAttributes).toBe(0);
      expect(materialise(into)[0].droppedAttributesCount).toBe(0);
    });

    test('findings about the sender and its clock', () => {
      const into = columnsOf();
      const sdk = { 'telemetry.sdk.name': 'opentelemetry', 'telemetry.sdk.language': 'nodejs' };
      const resource = {
        attributes: [
          ...Object.entries(sdk).map(([key, value]) => text(key, value)),
          text('telemetry.sdk.version', '2.12.1'),
        ],
        droppedAttributesCount: 0,
        schemaUrl: '',
      };
      const at = (ms: number) => ({ startTimeUnixNano: BigInt(NOW_MS + ms) * MS });
      const traceId = (last: string) => `ab${last.padStart(30, '0')}`;
      const { findings } = send(
        into,
        span({ serviceName: '', resource, ...at(-3_600_002), traceId: traceId('20') }),
        span({ serviceName: '', resource, ...at(-3_600_001), traceId: traceId('21') }),
        span({ ...at(600_000), traceId: traceId('01') }),
        span({
          ...at(600_001),
          traceId: traceId('40'),
          spanId: '00000000000000ff',
          parentSpanId: 'f'.repeat(16),
        }),
      );
      expect(findings).toMatchObject({
        withoutService: 2,
        late: 1,
        future: 1,
        sdks: ['opentelemetry nodejs 2.12.1'],
      });
      const family = new Uint8Array(findings?.family.buffer ?? new ArrayBuffer(0));
      expect(family.length).toBe(64);
      expect(Buffer.from(family.subarray(32)).toString('hex')).toBe(
        `${traceId('40')}00000000000000ff${'f'.repeat(16)}`,
      );
    });
  });
}

function withoutIds({ traceId: _, spanId: __, ...rest }: Span): unknown {
  return rest;
}

test('a value of millions of entries is not read beyond what is kept', () => {
  const entries = Array.from({ length: 400_000 }, () => ({ type: 'int', value: 1n }) as const);
  const body = encodeTracesProtobuf([
    span({ attributes: [{ key: 'list', value: { type: 'array', value: entries } }] }),
  ]);
  // What follows the part that is kept is no protobuf; nobody looks.
  body.fill(0xff, body.length - 100_000, body.length - 100);
  const into = new SpanColumns(1);
  expect(decodeTraces({ format: 'protobuf', body }, into)).toMatchObject({ accepted: 1 });
  expect(into.pairs.values.bytes.length).toBeLessThan(1024 * 1024);
});
