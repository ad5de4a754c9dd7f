import { expect, test } from 'bun:test';
import { completionAt } from './completion.ts';
import type { Completion } from './completion.ts';

/** `^` is the caret. */
function at(marked: string): Completion | undefined {
  const caret = marked.indexOf('^');
  return completionAt(marked.replace('^', ''), caret);
}

test('fields where an operand begins, also without braces, and the whole word is replaced', () => {
  expect(at('^')).toMatchObject({ from: 0, to: 0, typed: '', fields: true });
  expect(at('sta^')).toMatchObject({ from: 0, to: 3, typed: 'sta', fields: true });
  expect(at('{ http.ro^')).toMatchObject({ from: 2, to: 9, typed: 'http.ro', fields: true });
  expect(at('{ span.^')).toMatchObject({ from: 2, typed: 'span.', fields: true });
  expect(at('{ trace:ro^')).toMatchObject({ from: 2, typed: 'trace:ro', fields: true });
  expect(at('{ span.ht^tp.route = "x" }')).toMatchObject({ from: 2, to: 17, typed: 'span.ht', fields: true });
  expect(at('{} | rate() by(resource.se^')).toMatchObject({ from: 15, fields: true, words: [] });
  expect(at('{} | select(^')).toMatchObject({ fields: true });
});

test('operators that suit the field', () => {
  expect(at('{ name ^')?.words).toEqual(['=', '!=', '>', '>=', '<', '<=', '=~', '!~']);
  expect(at('{ duration ^')?.words).toEqual(['=', '!=', '>', '>=', '<', '<=']);
  expect(at('{ status ^')?.words).toEqual(['=', '!=']);
  expect(at('{ status = error ^')?.words).toEqual(['&&', '||', '}']);
  expect(at('status = error ^')?.words).toEqual(['&&', '||']);
});

test('values, with the quote that is there, among what the conditions before leave', () => {
  expect(at('{ name = ^')?.values).toMatchObject({ field: { name: 'span:name' }, type: 'string', quote: '' });
  expect(at('{ name =^')).toMatchObject({ from: 8, to: 8 });
  expect(at('{ .x != `ab^')).toMatchObject({ from: 8, typed: 'ab', values: { quote: '`' } });
  expect(at('{ name = "ch^eck" && kind = server }')).toMatchObject({ from: 9, to: 16, typed: 'ch' });
  // The quote behind the caret may be another text's.
  expect(at('{ name = "ch^ && .b = "x" }')).toMatchObject({ from: 9, to: 12 });
  expect(at('{ span.a = 1 && name = "^')?.values?.among.text).toBe('{ span.a = 1 }');
  expect(at('{ span.a = 1 || name = "^')?.values?.among.text).toBe('{}');
  expect(at('{ status = er^')?.values).toMatchObject({ type: 'status' });
  expect(at('{ .x =~ "^')?.values).toMatchObject({ isPattern: true, isEquality: false });
});

test('stages and what joins selectors', () => {
  expect(at('{} ^')?.words).toEqual(['&&', '||', '|', '>>', '>', '~', '<<', '<']);
  expect(at('{} >> ^')?.words).toEqual(['{']);
  expect(at('{} | ra^')?.words).toContain('rate()');
  expect(at('{} | rate() ^')?.words).toContain('by(');
  expect(at('{} | rate() | ^')?.words).toEqual(['topk(', 'bottomk(']);
});

test('silent in comments, behind texts, in what is no TraceQL, and in what is too long', () => {
  for (const query of ['// x^', '{ name = "x"^', "{ name = ' ^", '{ name = "x" name ^']) {
    expect({ query, found: at(query) }).toEqual({ query, found: undefined });
  }
  expect(completionAt(' '.repeat(5_000), 10)).toBeUndefined();
  expect(completionAt('{}', 9)).toBeUndefined();
});
