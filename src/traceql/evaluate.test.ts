import { describe, expect, test } from 'bun:test';
import type { AttributeValue } from '../span/span.ts';
import type { AttributeFieldScope, Intrinsic, Static } from './ast.ts';
import { staticsOf } from './compare.ts';
import { evaluate, type FieldSource, matches } from './evaluate.ts';
import { parseQuery } from './parse.ts';
import { expectCondition } from './query.ts';

type Values = Readonly<Record<string, readonly Static[]>>;

/** Keys as the language writes them: `span.a`, `parent.resource.b`, `span:name`. */
class Row implements FieldSource {
  constructor(private readonly values: Values) {}

  attribute(scope: Exclude<AttributeFieldScope, 'any'>, key: string, parent: boolean): readonly Static[] {
    return this.values[`${parent ? 'parent.' : ''}${scope}.${key}`] ?? [];
  }

  intrinsic(name: Intrinsic, parent: boolean): readonly Static[] {
    return this.values[(parent ? 'parent.' : '') + name] ?? [];
  }
}

const text = (value: string): AttributeValue => ({ type: 'string', value });
const int = (value: bigint | number): AttributeValue => ({ type: 'int', value: BigInt(value) });
const double = (value: number): AttributeValue => ({ type: 'double', value });
const yes = (value: boolean): AttributeValue => ({ type: 'bool', value });
const array = (...value: AttributeValue[]): AttributeValue => ({ type: 'array', value });
const duration = (value: bigint): Static[] => [{ type: 'duration', value }];

const ROW = new Row({
  'span.text': staticsOf(text('GET')),
  'span.blank': staticsOf(text('')),
  'span.int': staticsOf(int(500)),
  'span.big': staticsOf(int(9_007_199_254_740_993n)),
  'span.float': staticsOf(double(2.5)),
  'span.nan': staticsOf(double(NaN)),
  'span.yes': staticsOf(yes(true)),
  'span.no': staticsOf(yes(false)),
  'span.digits': staticsOf(text('500')),
  'span.list': staticsOf(array(text('a'), text('b'))),
  'span.numbers': staticsOf(array(int(1), int(5))),
  'span.mixed': staticsOf(array(text('a'), int(5))),
  'span.emptyList': staticsOf(array()),
  'span.bytes': staticsOf({ type: 'bytes', value: new Uint8Array([1]) }),
  'span.map': staticsOf({ type: 'kvlist', value: [{ key: 'k', value: int(1) }] }),
  'span.empty': staticsOf({ type: 'empty' }),
  'span.both': staticsOf(text('span')),
  'span.lines': staticsOf(text('one\ntwo')),
  'resource.both': staticsOf(text('resource')),
  'resource.only': staticsOf(text('resource')),
  'resource.empty': staticsOf(text('resource')),
  'resource.service.name': staticsOf(text('shop')),
  'parent.resource.service.name': staticsOf(text('web')),
  'parent.span.text': staticsOf(text('POST')),
  'event.x': [...staticsOf(text('a')), ...staticsOf(text('b'))],
  'span:name': staticsOf(text('GET /')),
  'span:duration': duration(1_500_000_000n),
  'span:status': [{ type: 'status', value: 'error' }],
  'span:kind': [{ type: 'kind', value: 'server' }],
  'span:parent': staticsOf(text('00f067aa0ba902b7')),
  'event:name': [...staticsOf(text('exception')), ...staticsOf(text('retry'))],
  'event:timeSinceStart': [...duration(10n), ...duration(3_000_000n)],
  'parent.span:name': staticsOf(text('POST /')),
});

function holds(condition: string): boolean {
  return matches(expectCondition(parseQuery(`{ ${condition} }`)), ROW);
}

const TABLE: readonly (readonly [meaning: string, yes: readonly string[], no: readonly string[]])[] = [
  [
    'strings compare with strings',
    [
      '.text = "GET"',
      '.text != "POST"',
      '.text > "GE"',
      '.text <= "GET"',
      '"A" < .text',
      '.blank = ""',
      '.digits >= "200"',
    ],
    ['.text = "get"', '.text != "GET"', '.text < "GET"', '.blank != ""', '.text > "get"'],
  ],
  [
    'another type never matches, whatever the operator',
    [],
    [
      '.digits = 500',
      '.digits != 500',
      '.int = "500"',
      '.int != "500"',
      '.text > 1',
      '.yes = "true"',
      '.yes != 1',
      '.text = error',
      '.int = 1 && .text',
      '.text =~ "G.*" = .text',
    ],
  ],
  [
    'int, float and duration compare as numbers',
    [
      '.int = 500',
      '.int = 500.0',
      '.int = 500ns',
      '.int < 500.5',
      '.float > 2',
      '.float >= 2.5',
      '.float < 3ns',
      'duration > 1s',
      'duration = 1500000000',
      'duration = 1.5e9',
      'duration >= 1500ms',
      'duration != 1s',
      '1s < duration',
    ],
    ['.int != 500.0', '.int > 500', '.float = 2', 'duration < 1.5s', 'duration = 1.5'],
  ],
  [
    '64 bits compare exactly',
    [
      '.big = 9007199254740993',
      '.big != 9007199254740992',
      '.big > 9007199254740992.0',
      '.big != 9007199254740992.0',
    ],
    ['.big = 9007199254740992', '.big = 9007199254740992.0', '.big <= 9007199254740992.0'],
  ],
  ['NaN is in no order', ['.nan != 1', '.nan != 1.0'], ['.nan = 1', '.nan > 1', '.nan <= 1', '.nan = .nan']],
  [
    'booleans and enums',
    [
      '.yes',
      '.yes = true',
      '!.no',
      '.no = false',
      '.yes != false',
      'status = error',
      'status != ok',
      'kind = server',
      'error = status',
      '!(.no)',
      '.yes = .yes',
    ],
    ['.no', '!.yes', '.yes = false', 'status = ok', 'status != error', 'kind != server', '.yes = .no'],
  ],
  [
    'a missing attribute compares with nothing',
    [
      '.gone = nil',
      '.empty = nil || true',
      'span.empty = nil',
      '!(.gone = 1)',
      '!(.gone != 1)',
      '.text != nil',
      'nil != .text',
      'nil = .gone',
      'name != nil',
      'parent != nil',
    ],
    [
      '.gone',
      '!.gone',
      '.gone = 1',
      '.gone != 1',
      '.gone !~ "x"',
      '.gone = .gone',
      '.gone != .text',
      '.text != .gone',
      '.gone != nil',
      '.text = nil',
      'parent = nil',
      'nil = nil',
      'nil != nil',
      '.gone + 1 = 1',
      '-.gone = 0',
      '.gone && true',
    ],
  ],
  [
    'regular expressions match the whole text',
    [
      '.text =~ "GET"',
      '.text =~ "G.*"',
      '.text =~ ".*T"',
      '.text =~ ".*E.*"',
      '.text =~ "GET|POST"',
      '.text =~ "(?i)get"',
      '.text !~ "E"',
      '.text =~ "[A-Z]{3}"',
      '.lines =~ "one.two"',
      '.lines =~ "one.*"',
      'name =~ "GET /"',
      '.blank =~ ""',
      '.blank =~ ".*"',
    ],
    [
      '.text =~ "E"',
      '.text =~ "GE"',
      '.text !~ "G.*"',
      '.text =~ "get"',
      '.text =~ "POST|PUT"',
      '.int =~ "5.*"',
      '.int !~ "6.*"',
      '.text =~ ""',
    ],
  ],
  [
    'an array matches by any element, and by every one for != and !~',
    [
      '.list = "a"',
      '.list = "b"',
      '.list =~ "a|x"',
      '.list != "c"',
      '.list !~ "c.*"',
      '.list > "a"',
      '.list != nil',
      '.numbers > 4',
      '.numbers < 2',
      '"b" = .list',
      '"c" != .list',
      '.mixed = "a"',
      '.mixed = 5',
      '.list = .list',
      '.numbers + 1 = 6',
      '-.numbers = -5',
    ],
    [
      '.list = "c"',
      '.list != "a"',
      '.list !~ "a"',
      '.list = nil',
      '.numbers > 5',
      '"a" != .list',
      '.list != .list',
      '.mixed != "b"',
      '.numbers + .numbers = 2',
    ],
  ],
  [
    'events and links match one by one',
    [
      'event:name = "exception"',
      'event:name = "retry"',
      'event:name != "exception"',
      'event:name !~ "exc.*"',
      'event:timeSinceStart > 1ms',
      'event:timeSinceStart < 1us',
      'event.x != "a"',
      'event:timeSinceStart * 2 > 5ms',
    ],
    [
      'event:name = "other"',
      'event:name !~ "exception|retry"',
      'event.y != "a"',
      'link:spanID != "x"',
      'event:timeSinceStart > 1s',
    ],
  ],
  [
    'bytes, kvlists and empty arrays are there and equal nothing',
    ['.bytes != nil', '.map != nil', '.emptyList != nil'],
    [
      '.bytes = nil',
      '.bytes = "AQ=="',
      '.bytes != "x"',
      '.map = "{}"',
      '.map != 1',
      '.emptyList != "x"',
      '.emptyList = ""',
      '.bytes = .bytes',
      '.bytes',
    ],
  ],
  [
    "an unscoped attribute is the span's, else the resource's",
    [
      '.both = "span"',
      '.only = "resource"',
      'resource.both = "resource"',
      '.empty = "resource"',
      '.service.name = "shop"',
    ],
    ['.both = "resource"', 'span.only = "resource"', 'span.only != nil', '.x = "a"', 'resource.text = "GET"'],
  ],
  [
    'the parent span',
    [
      'parent.text = "POST"',
      'parent.span.text = "POST"',
      'parent.service.name = "web"',
      'resource.service.name != parent.resource.service.name',
      'parent.name = "POST /"',
    ],
    [
      'parent.text = "GET"',
      'parent.span.gone = nil && false',
      'parent.duration > 0s',
      'parent.resource.text = "POST"',
    ],
  ],
  [
    'logic takes only true for true',
    [
      '.yes && .int = 500',
      '.no || .yes',
      '.text || .yes',
      '!(.text && .yes)',
      '.a || .yes && .yes',
      '.yes = (.int = 500)',
      '(.int = 1) = false',
    ],
    ['.text && .yes', '.int && true', '.yes && .no', '.text || .no', '.yes || .yes && .no'],
  ],
  [
    'arithmetic',
    [
      '.int + 1 = 501',
      '.int - 1 = 499',
      '.int * 2 = 1000',
      '.int / 3 = 166',
      '.int % 7 = 3',
      '-7 % 3 = -1',
      '-7 / 2 = -3',
      '2 ^ 10 = 1024',
      '2 ^ 3 ^ 2 = 512',
      '2 ^ -1 = 0.5',
      '(-2) ^ 3 = -8',
      '2 ^ 64 > maxInt',
      '0 ^ 0 = 1',
      '(-1) ^ maxInt = -1',
      '(-1) ^ (maxInt - 1) = 1',
      'maxInt + 1 = minInt',
      '.float * 2 = 5',
      '1 / 2 = 0',
      '1.0 / 2 = 0.5',
      '5.5 % 2 = 1.5',
      'duration * 2 = 3s',
      'duration / 2 > 700ms',
      'duration - 500ms = 1s',
      '-duration < 0s',
      '1 + 2 * 3 = 7',
      '10 - 3 - 2 = 5',
      '-.int = -500',
      '-2 ^ 2 = -4',
    ],
    [
      '.int / 0 = 0',
      '.int % 0 = 0',
      '.int / 0 = nil && false',
      '.text + 1 = 1',
      '.text + .text = "GETGET"',
      '.yes + 1 = 2',
      '-.text = "x"',
      '.int / 2 = 250.5',
    ],
  ],
];

describe.each(TABLE)('%s', (_meaning, yesCases, noCases) => {
  test.each(yesCases.map((each) => [each]))('%s', (condition) => expect(holds(condition)).toBe(true));
  test.each(noCases.map((each) => [each]))('not %s', (condition) => expect(holds(condition)).toBe(false));
});

test('{} matches every span', () => {
  expect(matches(expectCondition(parseQuery('{}')), ROW)).toBe(true);
  expect(matches(null, new Row({}))).toBe(true);
});

test('evaluate gives the value of an expression', () => {
  const value = (expression: string): Static => {
    const condition = expectCondition(parseQuery(`{ ${expression} = nil }`));
    if (condition?.kind !== 'binary') throw new Error('no comparison');
    return evaluate(condition.left, ROW);
  };
  expect(value('.int + 1')).toEqual({ type: 'int', value: 501n });
  expect(value('.int + 1.0')).toEqual({ type: 'float', value: 501 });
  expect(value('.list')).toEqual({ type: 'string', value: 'a' });
  expect(value('.gone')).toEqual({ type: 'nil' });
  expect(value('-.float')).toEqual({ type: 'float', value: -2.5 });
  expect(value('(.int = 500)')).toEqual({ type: 'bool', value: true });
  expect(value('2 ^ 63')).toEqual({ type: 'float', value: 2 ** 63 });
});
