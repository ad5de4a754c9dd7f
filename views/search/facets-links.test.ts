import { describe, expect, test } from 'bun:test';
import { fieldFromText } from '../../src/traceql/build.ts';
import { parseQuery } from '../../src/traceql/parse.ts';
import { QueryEdits, valueCondition } from './facets-links.ts';

const edits = (text: string): QueryEdits => new QueryEdits(parseQuery(text));
const equals = (field: string, value: string, type: 'string' | 'int' | 'keyword' = 'string') =>
  valueCondition(fieldFromText(field), { type, value })!;

describe('a query with one condition more or less', () => {
  test('a value is added, and taken out again', () => {
    const route = equals('span.http.route', '/cart "x"');
    const added = edits('{ status = error || .a = 1 }').with(route);
    expect(added).toBe('{ (span:status = error || .a = 1) && span.http.route = "/cart \\"x\\"" }');
    expect(edits(added).without(route)).toBe('{ span:status = error || .a = 1 }');
    expect(edits('{}').with(route)).toBe('{ span.http.route = "/cart \\"x\\"" }');
    expect(edits('{}').without(route)).toBeUndefined();
  });

  test('a condition without a scope is the same value, as text or as number', () => {
    expect(edits('{ .code = "a" && status = error }').without(equals('span.code', 'a'))).toBe(
      '{ span:status = error }',
    );
    expect(edits('{ .code = "500" || .code = 500 }').without(equals('span.code', '500'))).toBe('');
  });

  test('what is no selector is narrowed at its end', () => {
    expect(edits('{ .a } >> { .b }').with(equals('status', 'error', 'keyword'))).toContain(
      'span:status = error',
    );
  });

  test('a range of durations replaces the one before', () => {
    const before = edits('{ duration > 1s && status = error && duration <= 2s }');
    expect(before.withDuration(4_000_000n, 8_000_000n)).toBe(
      '{ span:status = error && span:duration >= 4ms && span:duration < 8ms }',
    );
    expect(before.withDuration(undefined, undefined)).toBe('{ span:status = error }');
  });

  test('the attributes that are asked for', () => {
    const { attributes } = edits('{ span.a = 1 && (.b = "2" || .b = 2) && status = error && parent.c = 3 }');
    expect(attributes).toEqual(['span.a', '.b']);
  });

  test('each condition can be dropped', () => {
    expect(edits('{ .a = 1 && .b = 2 && .c = 3 }').conditions).toEqual([
      { text: '.a = 1', without: '{ .b = 2 && .c = 3 }' },
      { text: '.b = 2', without: '{ .a = 1 && .c = 3 }' },
      { text: '.c = 3', without: '{ .a = 1 && .b = 2 }' },
    ]);
    expect(edits('{ .a } >> { .b }').conditions).toEqual([]);
  });
});
