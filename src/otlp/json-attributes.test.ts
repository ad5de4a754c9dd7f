import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { SpanColumns } from '../span/columns.ts';
import { DEFAULT_SPAN_LIMITS } from '../span/span-limits.ts';
import { valueText } from '../span/value.ts';
import { decodeTraces } from './decode.ts';
import { OtlpDecodeError } from './errors.ts';
import { materialise } from './testing/materialise.ts';

const IDS = '"traceId":"0102030405060708090a0b0c0d0e0f10","spanId":"1112131415161718"';

/** A span a list, each list the texts of its attributes. */
function request(lists: readonly (readonly string[])[], fields = ''): Uint8Array {
  const spans = lists.map((list) => `{${IDS},"attributes":[${list.join(',')}]${fields}}`);
  return new TextEncoder().encode(`{"resourceSpans":[{"scopeSpans":[{"spans":[${spans.join(',')}]}]}]}`);
}

function decoded(body: Uint8Array, into = new SpanColumns(1)): SpanColumns {
  decodeTraces({ format: 'json', body }, into);
  return into;
}

function attribute(key: string, value: string): string {
  return `{"key":"${key}","value":${value}}`;
}

function textsOf(into: SpanColumns): string[][] {
  return materialise(into).map((span) =>
    span.attributes.map(({ key, value }) => `${key}:${value.type}:${valueText(value)}`),
  );
}

describe('attributes that look like one before', () => {
  /** Behind a known one, so that the decoder guesses; what each is, and what it must not be taken for. */
  const cases: readonly (readonly [string, string, string])[] = [
    ['an escaped quote', '{"stringValue":"a\\"}}"}', 'string:a"}}'],
    ['an escape at the end', '{"stringValue":"ab\\\\"}', 'string:ab\\'],
    ['a second member', '{"stringValue":"a","intValue":"7"}', 'int:7'],
    ['an unknown field behind', '{"stringValue":"a","x":1}', 'string:a'],
    ['text that is null', '{"stringValue":null}', 'empty:'],
    ['an int with leading zeros', '{"intValue":"007"}', 'int:7'],
    ['an int of -0', '{"intValue":"-0"}', 'int:0'],
    ['an int with an exponent', '{"intValue":1e3}', 'int:1000'],
    ['the least int', '{"intValue":"-9223372036854775808"}', 'int:-9223372036854775808'],
    ['a double with digits to spare', '{"doubleValue":1.50}', 'double:1.5'],
    ['a double that is a text', '{"doubleValue":"Infinity"}', 'double:Infinity'],
    ['a bare second member', '{"intValue":1,"stringValue":"a}}"}', 'string:a}}'],
  ];
  for (const [name, value, expected] of cases) {
    test(name, () => {
      const known = ['{"stringValue":"a"}', '{"intValue":"5"}', '{"intValue":5}', '{"doubleValue":2}'];
      const lists = known.map((one) => [attribute('first', '{"boolValue":true}'), attribute('k', one)]);
      const into = decoded(request([...lists, ...lists, [lists[0][0], attribute('k', value)]]));
      const again = [lists[0][0], attribute('k', value)];
      decoded(request([again, again]), into);
      for (const list of textsOf(into).slice(-3)) expect(list).toEqual(['first:bool:true', `k:${expected}`]);
    });
  }

  test('ways to write one value make one pair', () => {
    const ways = ['{"intValue":"7"}', '{"intValue":"007"}', '{"intValue":7}', '{"intValue":7.0}'];
    const into = decoded(request([...ways, ...ways, ...ways].map((way) => [attribute('k', way)])));
    expect(into.pairs.count).toBe(1);
  });

  test('what is wrong stays wrong', () => {
    const good = attribute('k', '{"intValue":"5"}');
    for (const bad of [
      '{"intValue":"5x"}',
      '{"intValue":"9223372036854775808"}',
      '{"intValue":"5"]',
      '{"intValue":"5"}}',
    ]) {
      const into = decoded(request([[good], [good]]));
      for (let i = 0; i < 2; i++) {
        expect(() => decoded(request([[attribute('k', bad)]]), into)).toThrow(OtlpDecodeError);
      }
    }
  });

  test('more keys than there are shapes, in any order', () => {
    const keys = Array.from({ length: 20_000 }, (_, i) => `key ${i}`);
    const into = new SpanColumns(1, { ...DEFAULT_SPAN_LIMITS, keys: keys.length });
    for (let start = 0; start < keys.length * 2; start += 500) {
      const first = start % keys.length;
      const list = keys.slice(first, first + 500).map((key) => attribute(key, `{"stringValue":"of ${key}"}`));
      decoded(request([start < keys.length ? list : list.toReversed()]), into);
    }
    const texts = textsOf(into);
    expect(new Set(texts.flat())).toEqual(new Set(keys.map((key) => `${key}:string:of ${key}`)));
    expect(into.pairs.count).toBe(keys.length);
  });

  test('an attribute beyond the limit of keys is dropped each time', () => {
    const into = new SpanColumns(1, { ...DEFAULT_SPAN_LIMITS, keys: 1 });
    const lists = [[attribute('a', '{"intValue":1}'), attribute('b', '{"intValue":2}')]];
    decoded(request([...lists, ...lists, ...lists]), into);
    expect(textsOf(into)).toEqual([['a:int:1'], ['a:int:1'], ['a:int:1']]);
    expect([...into.droppedAttributes.subarray(0, 3)]).toEqual([1, 1, 1]);
  });
});

test('a comma that lacks is missed, whatever was read before', () => {
  const good = new TextDecoder().decode(request([[], []], ',"kind":2,"name":"n","flags":1'));
  const into = decoded(new TextEncoder().encode(good));
  const rows = into.rows;
  for (let at = good.indexOf(','); at >= 0; at = good.indexOf(',', at + 1)) {
    const bad = new TextEncoder().encode(good.slice(0, at) + good.slice(at + 1));
    const mark = into.mark();
    expect(() => decoded(bad, into)).toThrow(OtlpDecodeError);
    into.truncate(mark);
  }
  expect(into.rows).toBe(rows);
});

test('times of any number of digits are exact', () => {
  const time = fc.oneof(fc.bigInt(0n, (1n << 64n) - 1n), fc.bigInt(10n ** 18n, 10n ** 19n - 1n));
  fc.assert(
    fc.property(time, fc.boolean(), (nanoseconds, quoted) => {
      const text = quoted ? `"${nanoseconds}"` : `${nanoseconds}`;
      const into = decoded(request([[]], `,"startTimeUnixNano":${text}`));
      expect(materialise(into)[0].startTimeUnixNano).toBe(nanoseconds);
    }),
    { numRuns: 100 },
  );
});

test('null in the place of a resource, a scope, an element', () => {
  const text = `{"resourceSpans":[null,{"resource":null,"scopeSpans":[null,{"scope":null,"spans":[{${IDS},"events":[null]}]}]}]}`;
  const [span] = materialise(decoded(new TextEncoder().encode(text)));
  expect(span).toMatchObject({ serviceName: '', scope: { name: '' }, events: [{ name: '' }] });
});
