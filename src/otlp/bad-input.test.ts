import { describe, expect, test } from 'bun:test';
import protobuf from 'protobufjs/minimal.js';
import { SpanColumns } from '../span/columns.ts';
import { decodeTraces } from './decode.ts';
import { OtlpDecodeError } from './errors.ts';
import { materialise } from './testing/materialise.ts';
import { ExportRequestType, withBinaryIds } from './testing/oracle.ts';

const TRACE_ID = '0102030405060708090a0b0c0d0e0f10';
const SPAN_ID = '1112131415161718';

function decodeJson(text: string | Uint8Array, genAiOnly = false) {
  const into = new SpanColumns(1);
  const body = typeof text === 'string' ? new TextEncoder().encode(text) : text;
  return { result: decodeTraces({ format: 'json', body, genAiOnly }, into), spans: materialise(into) };
}

function decodeProtobuf(body: Uint8Array) {
  const into = new SpanColumns(1);
  return { result: decodeTraces({ format: 'protobuf', body }, into), spans: materialise(into) };
}

/** A request with one span, from the text of further fields. */
function request(fields: string, ids = `"traceId":"${TRACE_ID}","spanId":"${SPAN_ID}"`): string {
  return `{"resourceSpans":[{"scopeSpans":[{"spans":[{${ids}${fields === '' ? '' : `,${fields}`}}]}]}]}`;
}

function attributeRequest(value: string): string {
  return request(`"attributes":[{"key":"k","value":${value}}]`);
}

/** A message that holds `inner` as field `field`. */
function wrap(field: number, inner: Uint8Array): Uint8Array {
  return protobuf.Writer.create()
    .uint32((field << 3) | 2)
    .bytes(inner)
    .finish();
}

/** A request whose only span has these bytes behind its ids. */
function spanOf(...parts: Uint8Array[]): Uint8Array {
  const ids = [wrap(1, Buffer.from(TRACE_ID, 'hex')), wrap(2, Buffer.from(SPAN_ID, 'hex'))];
  return wrap(1, wrap(2, wrap(2, Buffer.concat([...ids, ...parts]))));
}

function errorOf(run: () => unknown): OtlpDecodeError {
  try {
    run();
  } catch (error) {
    if (error instanceof OtlpDecodeError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('protobuf that is no request', () => {
  const cases: readonly (readonly [string, Uint8Array, string])[] = [
    ['text', new TextEncoder().encode('hello, world'), 'at byte'],
    [
      'a length beyond the end',
      new Uint8Array([0x0a, 0x05, 0x00]),
      '5 bytes announced, fewer present at byte 1',
    ],
    ['a lone tag', new Uint8Array([0x0a]), 'at byte 1'],
    ['field number 0', new Uint8Array([0x00, 0x00]), 'field number 0 at byte 0'],
    ['wire type 7', new Uint8Array([0x17, 0x00]), 'wire type 7'],
    [
      'resource_spans as a number',
      new Uint8Array([0x08, 0x01]),
      'field 1 of ExportTraceServiceRequest has wire type 0',
    ],
    ['a name that is a number', spanOf(new Uint8Array([0x28, 0x01])), 'field 5 of Span has wire type 0'],
    ['a start time that is a text', spanOf(new Uint8Array([0x3a, 0x00])), 'field 7 of Span has wire type 2'],
    ['a time cut off', spanOf(new Uint8Array([0x39, 1, 2, 3])), 'ends behind its message'],
    [
      'an endless varint',
      spanOf(new Uint8Array([0x30, ...Array.from({ length: 12 }, () => 0xff)])),
      'invalid varint',
    ],
    ['a group without an end', spanOf(new Uint8Array([0xa3, 0x06])), 'a group does not end'],
    ['the end of no group', spanOf(new Uint8Array([0xa4, 0x06])), 'a group that did not begin'],
    [
      'groups in groups',
      spanOf(new Uint8Array(400).map((_, i) => (i % 2 === 0 ? 0xa3 : 0x06))),
      'groups nest deeper than 100',
    ],
    [
      'an attribute with a key of type int',
      spanOf(wrap(9, new Uint8Array([0x08, 1]))),
      'field 1 of KeyValue has wire type 0',
    ],
  ];
  for (const [name, body, message] of cases) {
    test(name, () => expect(errorOf(() => decodeProtobuf(body)).message).toContain(message));
  }

  test('every cut of a valid request but those between two whole fields', () => {
    const body = spanOf(wrap(5, new TextEncoder().encode('name')));
    for (let length = 1; length < body.length; length++) {
      expect(() => decodeProtobuf(body.slice(0, length))).toThrow(OtlpDecodeError);
    }
  });
});

describe('protobuf that is taken', () => {
  test('nothing at all', () => {
    expect(decodeProtobuf(new Uint8Array(0)).result).toEqual({ accepted: 0, rejected: 0, message: '' });
  });

  test('unknown fields of every wire type', () => {
    const unknown = [
      new Uint8Array([0xa0, 0x06, 0xff, 0xff, 0x03]),
      new Uint8Array([0xa1, 0x06, 1, 2, 3, 4, 5, 6, 7, 8]),
      new Uint8Array([0xa2, 0x06, 2, 9, 9]),
      new Uint8Array([0xa3, 0x06, 0xa8, 0x06, 0x01, 0xa4, 0x06]),
      new Uint8Array([0xa5, 0x06, 1, 2, 3, 4]),
    ];
    const { spans } = decodeProtobuf(spanOf(...unknown, wrap(5, new TextEncoder().encode('after'))));
    expect(spans[0].name).toBe('after');
  });

  test('text that is no UTF-8 gets replacement characters', () => {
    const { spans } = decodeProtobuf(spanOf(wrap(5, new Uint8Array([0x61, 0xff, 0x62]))));
    expect(spans[0].name).toBe('a\ufffdb');
  });

  test('a resource in two pieces, and a schema URL before it', () => {
    const piece = (key: string): Uint8Array => wrap(1, wrap(1, wrap(1, new TextEncoder().encode(key))));
    const span = wrap(
      2,
      Buffer.concat([wrap(1, Buffer.from(TRACE_ID, 'hex')), wrap(2, Buffer.from(SPAN_ID, 'hex'))]),
    );
    const parts = [wrap(3, new TextEncoder().encode('url')), piece('a'), wrap(2, span), piece('b')];
    const { spans } = decodeProtobuf(wrap(1, Buffer.concat(parts)));
    expect(spans[0].resource.attributes.map((attribute) => attribute.key)).toEqual(['a', 'b']);
    expect(spans[0].resource.schemaUrl).toBe('url');
  });
});

describe('spans that are rejected', () => {
  const id = (trace: string, span: string, parent = '') =>
    `"traceId":"${trace}","spanId":"${span}","parentSpanId":"${parent}"`;
  const cases: readonly (readonly [string, string, string])[] = [
    ['a short trace id', id('0102', SPAN_ID), 'the trace id is not 16 bytes long'],
    ['no trace id', `"spanId":"${SPAN_ID}"`, 'the trace id is not 16 bytes long'],
    ['a trace id of zeros', id('0'.repeat(32), SPAN_ID), 'the trace id is all zeros'],
    ['a long span id', id(TRACE_ID, `${SPAN_ID}00`), 'the span id is not 8 bytes long'],
    ['a span id of zeros', id(TRACE_ID, '0'.repeat(16)), 'the span id is all zeros'],
    ['a short parent id', id(TRACE_ID, SPAN_ID, '01'), 'the parent span id is not 8 bytes long'],
  ];
  for (const [name, ids, reason] of cases) {
    test(name, () => {
      const body = request('', ids).replace('"spans":[', `"spans":[{${id(TRACE_ID, SPAN_ID)}},`);
      const expected = { accepted: 1, rejected: 1, message: `rejected 1 span: 1 because ${reason}` };
      expect(decodeJson(body).result).toEqual(expected);
      const binary = ExportRequestType.fromObject(withBinaryIds(JSON.parse(body)) as Record<string, unknown>);
      const { result, spans } = decodeProtobuf(ExportRequestType.encode(binary).finish());
      expect(result).toEqual(expected);
      expect(spans).toHaveLength(1);
    });
  }

  test('an id that is no hex is rejected in JSON', () => {
    expect(decodeJson(request('', id('g'.repeat(32), SPAN_ID))).result.rejected).toBe(1);
  });

  test('a parent of zeros is none', () => {
    expect(decodeJson(request('', id(TRACE_ID, SPAN_ID, '0'.repeat(16)))).spans[0].parentSpanId).toBe('');
  });

  test('what is not gen-AI, where only that is taken', () => {
    const { result } = decodeJson(request('"attributes":[{"key":"http.route"}]'), true);
    expect(result).toMatchObject({ accepted: 0, rejected: 1 });
    expect(result.message).toContain('gen-AI spans only');
    expect(decodeJson(request('"attributes":[{"key":"gen_ai.system"}]'), true).result.accepted).toBe(1);
  });
});

describe('JSON that is no request', () => {
  const cases: readonly (readonly [string, string, string])[] = [
    ['nothing', '', 'the body is not a JSON object at byte 0'],
    ['an array', '[]', 'the body is not a JSON object at byte 0'],
    ['two objects', '{}{}', 'something follows the object at byte 2'],
    ['a trailing comma', '{"a":1,}', 'expected a key'],
    ['brackets that do not match', '{"a":[1}', 'expected , or ]'],
    ['brackets in an attribute that do not match', attributeRequest('{"arrayValue":[}}'), 'at byte'],
    ['an unknown field with a bad number', '{"a":01}', 'is not a number'],
    ['a control character', '{"a":"\n"}', 'control character'],
    ['a wrong escape', request('"name":"\\x"'), 'a wrong escape'],
    ['a name that is a number', request('"name":1'), 'name is not a string'],
    ['attributes that are an object', request('"attributes":{}'), 'attributes is not an array'],
    ['a time with a fraction', request('"startTimeUnixNano":1.5'), 'startTimeUnixNano is not an integer'],
    ['a time before 1970', request('"startTimeUnixNano":"-1"'), 'is not an unsigned 64-bit integer'],
    [
      'a time of 2^64',
      request('"startTimeUnixNano":"18446744073709551616"'),
      'is not an unsigned 64-bit integer',
    ],
    ['a count of 2^32', request('"droppedLinksCount":4294967296'), 'is not an unsigned 32-bit integer'],
    ['an unknown kind', request('"kind":"SPAN_KIND_X"'), 'kind is not an integer'],
    [
      'an int of 2^63',
      attributeRequest('{"intValue":"9223372036854775808"}'),
      'intValue is not a 64-bit integer',
    ],
    ['a bool that is a text', attributeRequest('{"boolValue":"yes"}'), 'boolValue is not true or false'],
    ['bytes that are no base64', attributeRequest('{"bytesValue":"*"}'), 'bytesValue is not base64'],
  ];
  for (const [name, text, message] of cases) {
    test(name, () => expect(errorOf(() => decodeJson(text)).message).toContain(message));
  }

  test('every cut of a valid request', () => {
    const text = request('"name":"a\\u0062","startTimeUnixNano":"12","flags":3');
    for (let length = 0; length < text.length; length++) {
      expect(() => decodeJson(text.slice(0, length))).toThrow(OtlpDecodeError);
    }
  });
});

describe('JSON that is taken', () => {
  test('numbers or texts for numbers, without loss', () => {
    for (const time of ['1700000000123456789', '"1700000000123456789"', '1.700000000123456789e18']) {
      const { spans } = decodeJson(
        request(`"startTimeUnixNano":${time},"endTimeUnixNano":"18446744073709551615"`),
      );
      expect(spans[0].startTimeUnixNano).toBe(1_700_000_000_123_456_789n);
    }
    const { spans } = decodeJson(
      request('"kind":"SPAN_KIND_SERVER","status":{"code":"STATUS_CODE_ERROR"},"flags":"257"'),
    );
    expect(spans[0]).toMatchObject({ kind: 2, statusCode: 2, flags: 257 });
  });

  test('null for any field, escapes, ids of any case, white space', () => {
    const fields = [
      'name',
      'kind',
      'attributes',
      'events',
      'links',
      'status',
      'flags',
      'startTimeUnixNano',
      'parentSpanId',
    ];
    const nulls = fields.map((field) => `"${field}" : null`).join(' ,\n');
    const { spans } = decodeJson(
      request(
        `${nulls}, "na\\u006de":"a\\ud83d\\ude00\\ud800"`,
        `"traceId":"${TRACE_ID.toUpperCase()}","spanId":"${SPAN_ID}"`,
      ),
    );
    expect(spans[0]).toMatchObject({ traceId: TRACE_ID, name: 'a\u{1f600}\ufffd', kind: 0, attributes: [] });
  });

  test('of equal keys the last one, at the place of the first', () => {
    const list = [1, 2, 3]
      .map((n) => `{"key":"${n === 2 ? 'other' : 'k'}","value":{"intValue":${n}}}`)
      .join(',');
    const { spans } = decodeJson(request(`"attributes":[${list}]`));
    expect(spans[0].attributes).toEqual([
      { key: 'k', value: { type: 'int', value: 3n } },
      { key: 'other', value: { type: 'int', value: 2n } },
    ]);
  });

  test('a resource and a schema URL behind the spans', () => {
    const text = `{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"${TRACE_ID}","spanId":"${SPAN_ID}"}],"schemaUrl":"s","scope":{"name":"n"}}],"schemaUrl":"r","resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]}}]}`;
    const { spans } = decodeJson(text);
    expect(spans[0]).toMatchObject({
      serviceName: 'shop',
      scope: { name: 'n', schemaUrl: 's' },
      resource: { schemaUrl: 'r' },
    });
  });
});

describe('nesting', () => {
  const DEEP = 200_000;

  /** Each level is an ArrayValue in an AnyValue. Written from the inside, since lengths come first. */
  function nestedProtobuf(depth: number): Uint8Array {
    const heads: Uint8Array[] = [];
    let length = 0;
    for (let i = 0; i < depth; i++) {
      for (const field of [1, 5]) {
        const head = protobuf.Writer.create()
          .uint32((field << 3) | 2)
          .uint32(length)
          .finish();
        heads.push(head);
        length += head.length;
      }
    }
    return spanOf(wrap(9, wrap(2, Buffer.concat(heads.reverse()))));
  }

  test('64 levels are taken, 65 are not', () => {
    const levels = (depth: number) =>
      attributeRequest('{"arrayValue":{"values":['.repeat(depth) + '{}' + ']}}'.repeat(depth));
    expect(decodeJson(levels(63)).result.accepted).toBe(1);
    expect(() => decodeJson(levels(64))).toThrow('nest deeper than 64');
    expect(decodeProtobuf(nestedProtobuf(63)).result.accepted).toBe(1);
    expect(() => decodeProtobuf(nestedProtobuf(64))).toThrow('nest deeper than 64');
  });

  test('200,000 levels end at once', () => {
    const bodies = [
      attributeRequest('{"arrayValue":{"values":['.repeat(DEEP)),
      `{"unknown":${'['.repeat(DEEP)}`,
      request(`"unknown":${'{"a":'.repeat(DEEP)}`),
      '['.repeat(DEEP),
    ];
    for (const body of bodies) expect(() => decodeJson(body)).toThrow(OtlpDecodeError);
    expect(() => decodeProtobuf(nestedProtobuf(DEEP))).toThrow('nest deeper than 64');
  });
});
