import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { jsonNodes } from './json-nodes.ts';
import type { JsonNode } from './json-nodes.ts';

function print(node: JsonNode): string {
  switch (node.kind) {
    case 'scalar':
      return node.text;
    case 'array':
      return `[${node.items.map(print).join(',')}]`;
    case 'object':
      return `{${node.entries.map(([key, value]) => `${key}:${print(value)}`).join(',')}}`;
  }
}

describe('JSON as a tree', () => {
  test('numbers stay as they were written', () => {
    const node = jsonNodes('{"id": 12345678901234567890, "x": 1.50, "a": [ ]}');
    expect(node && print(node)).toBe('{"id":12345678901234567890,"x":1.50,"a":[]}');
  });

  test('what is no object, array or JSON at all is none', () => {
    for (const text of ['1', '"x"', '{', '{a:1}', 'text', '', `${'['.repeat(99)}${']'.repeat(99)}`])
      expect(jsonNodes(text)).toBeUndefined();
  });

  test('any JSON comes out with the same meaning', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
        const text = JSON.stringify([value], null, 1);
        const node = jsonNodes(text);
        expect(node && print(node)).toBe(JSON.stringify([value]));
      }),
    );
  });
});
