import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { parseQuery } from '../../src/traceql/parse.ts';
import { printQuery } from '../../src/traceql/print.ts';
import { FilterError, filtersOf, NO_FILTERS, queryOfForm } from './query-filters.ts';
import type { FilterFields } from './query-filters.ts';

function form(fields: FilterFields): URLSearchParams {
  const { attributes, ...texts } = fields;
  const params = new URLSearchParams(texts);
  for (const { key, value } of attributes) params.append('attr', `${key}=${value}`);
  return params;
}

describe('a query as the form shows it', () => {
  const cases: [string, Partial<FilterFields>][] = [
    ['{}', {}],
    ['{ resource.service.name = "cart" }', { service: 'cart' }],
    [
      '{ name = "GET /" && status = error && kind = server }',
      { operation: 'GET /', status: 'error', kind: 'server' },
    ],
    ['{ duration >= 1.5s && duration <= 2m }', { minDuration: '1.5s', maxDuration: '2m' }],
    ['{ span.http.route = "/cart" }', { attributes: [{ key: 'span.http.route', value: '/cart' }] }],
    [
      '{ (.code = "500" || .code = 500) && status = error }',
      { status: 'error', attributes: [{ key: '.code', value: '500' }] },
    ],
    ['{ .code = 500 }', { rest: '.code = 500' }],
    ['{ duration > 1s && duration < 2s }', { minDuration: '>1s', maxDuration: '<2s' }],
    ['{ duration > 1s && duration > 2s }', { minDuration: '>1s', rest: 'span:duration > 2s' }],
    ['{ duration = 1s }', { rest: 'span:duration = 1s' }],
    ['{ name = "a" && name = "b" }', { operation: 'a', rest: 'span:name = "b"' }],
    ['{ status = error || .x = 1 }', { rest: 'span:status = error || .x = 1' }],
    ['{ status != error && (.a = 1 || .b = 2) }', { rest: 'span:status != error && (.a = 1 || .b = 2)' }],
  ];
  for (const [text, fields] of cases) {
    test(text, () => expect(filtersOf(parseQuery(text))).toEqual({ ...NO_FILTERS, ...fields }));
    test(`${text} survives the form`, () => {
      const again = queryOfForm(form(filtersOf(parseQuery(text))), parseQuery);
      expect(filtersOf(again)).toEqual(filtersOf(parseQuery(text)));
    });
  }

  for (const text of [
    '{ .a } >> { .b }',
    'count() > 2',
    '{ .a } | by(name) | count() > 1',
    '{} | rate() by (name)',
  ]) {
    test(`${text} is more than the form can show`, () => {
      expect(filtersOf(parseQuery(text))).toEqual({ ...NO_FILTERS, whole: text });
    });
  }

  test('whatever is typed into the fields comes back in them', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 12 }).map((typed) => typed.trim());
    fc.assert(
      fc.property(text, text, text, (service, operation, value) => {
        const fields = { ...NO_FILTERS, service, operation, attributes: [{ key: 'span.k', value }] };
        expect(filtersOf(queryOfForm(form(fields), parseQuery))).toEqual(fields);
      }),
    );
  });

  test('a field that cannot be meant says so', () => {
    const refused: [string, string][] = [
      ['minDuration=fast', 'the minimum duration reads like 300ms, 1.2s or 2m, not "fast"'],
      ['status=bad', 'status is one of unset, ok, error, not "bad"'],
      ['attr=novalue', 'an attribute filter reads like http.route=/cart, not "novalue"'],
    ];
    for (const [params, message] of refused) {
      expect(() => queryOfForm(new URLSearchParams(params), parseQuery)).toThrow(new FilterError(message));
    }
  });

  test('an empty form is every span', () => {
    expect(printQuery(queryOfForm(new URLSearchParams(), parseQuery))).toBe('{}');
  });
});
