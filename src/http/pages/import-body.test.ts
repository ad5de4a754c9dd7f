import { describe, expect, test } from 'bun:test';
import { importBodies, traceIdsIn } from './import-body.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const texts = (text: string): string[] =>
  importBodies(bytes(text)).map((body) => new TextDecoder().decode(body));

describe('what is handed in', () => {
  test('one body, with a mark and white space before it', () => {
    expect(texts('\ufeff \n{"resourceSpans":[]}')).toEqual(['{"resourceSpans":[]}']);
  });
  test('a body a line', () => {
    expect(texts('{"resourceSpans":[1]}\n{"resourceSpans":[2]}\n')).toEqual([
      '{"resourceSpans":[1]}',
      '{"resourceSpans":[2]}\n',
    ]);
  });
  test('Tempo’s wrappings', () => {
    expect(texts('{"batches":[1]}')).toEqual(['{"resourceSpans":[1]}']);
    expect(texts('{ "trace": {"resourceSpans":[1]} }')).toEqual(['{"resourceSpans":[1]} ']);
  });
  test('what it is instead', () => {
    for (const [text, words] of [
      ['', 'empty'],
      ['[{"traceId":"1"}]', 'Zipkin'],
      ['{"data":[{"traceID":"1"}]}', 'Jaeger'],
      ['<html>', 'no JSON'],
    ] as const)
      expect(() => texts(text)).toThrow(words);
  });
  test('trace ids, each once', () => {
    const [a, b] = ['a'.repeat(32), 'B'.repeat(32)];
    const body = bytes(`{"traceId":"${a}"},{"traceId" : "${b}"},{"traceId":"${a}"},{"traceId":"x"}`);
    expect(traceIdsIn(body, 5)).toEqual([a, b.toLowerCase()]);
    expect(traceIdsIn(body, 1)).toEqual([a]);
  });
});
