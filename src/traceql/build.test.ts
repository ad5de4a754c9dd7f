import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { query as anyQuery } from './arbitrary-query.ts';
import { condition } from './arbitrary.ts';
import type { Static } from './ast.ts';
import {
  and,
  attributeEquals,
  attributeFromText,
  combine,
  comparison,
  field,
  fieldFromText,
} from './build.ts';
import { fromFilters, intrinsic, MATCH_ALL, or, queryFromText, queryOf } from './build.ts';
import { TraceqlError } from './error.ts';
import { matches } from './evaluate.ts';
import { parseQuery } from './parse.ts';
import { printExpression, printQuery } from './print.ts';

test('filters become one conjunction', () => {
  const filters = {
    service: 'shop "x"',
    operation: 'GET /',
    status: 'error',
    kind: 'server',
    minDuration: 300_000_000n,
    maxDuration: 1_500_000_000n,
    attributes: [
      { key: 'span.http.status_code', value: '500' },
      { key: 'tenant', value: 'a' },
    ],
  } as const;
  expect(queryFromText('', filters).text).toBe(
    '{ resource.service.name = "shop \\"x\\"" && span:name = "GET /" && span:status = error && span:kind = server' +
      ' && span:duration >= 300ms && span:duration <= 1.5s' +
      ' && (span.http.status_code = "500" || span.http.status_code = 500) && .tenant = "a" }',
  );
  expect(fromFilters({})).toBeNull();
  expect(fromFilters({ service: '', operation: '' })).toBeNull();
});

describe('attributeEquals reads the text in every way', () => {
  test.each([
    ['500', '.k = "500" || .k = 500'],
    ['-1', '.k = "-1" || .k = -1'],
    ['0500', '.k = "0500" || .k = 500'],
    ['1.5', '.k = "1.5" || .k = 1.5'],
    ['1e3', '.k = "1e3" || .k = 1000.0'],
    ['true', '.k = "true" || .k = true'],
    ['false', '.k = "false" || .k = false'],
    ['', '.k = ""'],
    ['5s', '.k = "5s"'],
    ['nil', '.k = "nil"'],
    ['1e999', '.k = "1e999"'],
    ['9223372036854775807', '.k = "9223372036854775807" || .k = maxInt'],
    ['9223372036854775808', '.k = "9223372036854775808" || .k = 9223372036854776000.0'],
  ])('%s', (text, printed) => {
    expect(printExpression(attributeEquals(field('any', 'k'), text))).toBe(printed);
  });

  test('and matches both types', () => {
    const row = (value: Static) => ({ attribute: () => [value], intrinsic: () => [] });
    const tree = attributeEquals(field('span', 'k'), '500');
    expect(matches(tree, row({ type: 'string', value: '500' }))).toBe(true);
    expect(matches(tree, row({ type: 'int', value: 500n }))).toBe(true);
    expect(matches(tree, row({ type: 'float', value: 500 }))).toBe(true);
    expect(matches(tree, row({ type: 'string', value: '0500' }))).toBe(false);
    expect(matches(tree, row({ type: 'int', value: 501n }))).toBe(false);
  });
});

test('attributes and fields by their names', () => {
  const cases = ['span.http.route', 'resource.x', 'event.a', 'link.a', 'instrumentation.a'];
  for (const each of cases) expect(printExpression(attributeFromText(each))).toBe(each);
  expect(attributeFromText('http.route')).toEqual(field('any', 'http.route'));
  expect(attributeFromText('.http.route')).toEqual(field('any', 'http.route'));
  expect(attributeFromText('name')).toEqual(field('any', 'name'));
  expect(attributeFromText('span.')).toEqual(field('any', 'span.'));
  expect(attributeFromText('parent.x')).toEqual(field('any', 'parent.x'));
  expect(fieldFromText('name')).toEqual(intrinsic('span:name'));
  expect(fieldFromText('rootServiceName')).toEqual(intrinsic('trace:rootService'));
  expect(fieldFromText('.name')).toEqual(field('any', 'name'));
  expect(fieldFromText('span.name')).toEqual(field('span', 'name'));
  expect(fieldFromText('toString')).toEqual(field('any', 'toString'));
});

test('and, or', () => {
  const [a, b, c] = ['a', 'b', 'c'].map((key) => comparison(field('span', key), '=', true));
  expect(and(null, null)).toBeNull();
  expect(and(null, a)).toBe(a);
  expect(printExpression(and(and(a, b), and(c, a)) ?? a)).toBe(
    'span.a = true && span.b = true && span.c = true && span.a = true',
  );
  expect(printExpression(and(or(a, b), c) ?? a)).toBe('(span.a = true || span.b = true) && span.c = true');
});

test('combine keeps the meaning of both, and its positions count into its own text', () => {
  const extra = comparison(field('resource', 'service.name'), '=', 'x');
  const query = combine(parseQuery('{.a=1||.b}'), extra);
  expect(query.text).toBe('{ (.a = 1 || .b) && resource.service.name = "x" }');
  expect(query).toEqual(parseQuery(query.text));
  expect(combine(query, null)).toBe(query);
  expect(queryOf(extra).text).toBe('{ resource.service.name = "x" }');
  expect(queryOf(null)).toBe(MATCH_ALL);
  expect(MATCH_ALL).toEqual(parseQuery('{}'));
});

describe('a filter narrows any query', () => {
  const extra = comparison(field('span', 'x'), '=', true);
  test.each([
    ['{}', '{ span.x = true }'],
    ['{ .a } with (most_recent=true)', '{ .a && span.x = true } with (most_recent = true)'],
    ['({ .a || .b })', '{ (.a || .b) && span.x = true }'],
    ['{ .a } >> { .b }', '{ .a } >> { .b } | { span.x = true }'],
    ['{ .a } && { .b } || { .c }', '({ .a } && { .b }) || { .c } | { span.x = true }'],
    ['{ .a } | count() > 2', '{ .a } | count() > 2 | { span.x = true }'],
    ['count() > 2', 'count() > 2 | { span.x = true }'],
    ['by(.a) | count() > 2', 'by(.a) | count() > 2 | { span.x = true }'],
    ['{ .a } | select(.b)', '{ .a } | select(.b) | { span.x = true }'],
    ['{ .a } >> { .b } | { .c || .d }', '{ .a } >> { .b } | { (.c || .d) && span.x = true }'],
    ['{ .a } >> { .b } | {}', '{ .a } >> { .b } | { span.x = true }'],
    [
      '({ .a } | count()) > ({ .b } | count())',
      '({ .a } | count()) > ({ .b } | count()) | { span.x = true }',
    ],
    ['{ .a } | rate() by (.b) > 5', '{ .a && span.x = true } | rate() by (.b) > 5'],
    ['{ .a } > { .b } | rate()', '{ .a } > { .b } | { span.x = true } | rate()'],
    ['{ .a } | count() > 1 | rate()', '{ .a } | count() > 1 | { span.x = true } | rate()'],
    ['{} | compare({ .a })', '{ span.x = true } | compare({ .a }, 10)'],
    [
      '100 * ({ .a } | rate()) / ({} | rate()) | topk(3)',
      '100 * ({ .a && span.x = true } | rate()) / ({ span.x = true } | rate()) | topk(3)',
    ],
  ])('%s', (text, narrowed) => {
    const query = combine(parseQuery(text), extra);
    expect(query.text).toBe(narrowed);
    expect(query).toEqual(parseQuery(narrowed));
  });

  test('every query, and the same filter twice over', () => {
    fc.assert(
      fc.property(anyQuery, condition, (query, more) => {
        const once = combine(query, more);
        expect(printQuery(once)).toBe(once.text);
        expect(() => combine(once, more)).not.toThrow();
      }),
      { numRuns: 200 },
    );
  });
});

test('queryFromText', () => {
  expect(queryFromText(' \n ')).toBe(MATCH_ALL);
  expect(queryFromText('{.a}').text).toBe('{.a}');
  expect(printQuery(queryFromText('{.a}', { status: 'ok' }))).toBe('{ .a && span:status = ok }');
  expect(() => queryFromText('{.a', { status: 'ok' })).toThrow(TraceqlError);
});
