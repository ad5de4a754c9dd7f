import { describe, expect, test } from 'bun:test';
import { stackParts } from './stack-parts.ts';

const kinds = (text: string): string[] => stackParts(text).map((part) => `${part.kind} ${part.lines.length}`);

describe('stack traces', () => {
  test('JavaScript', () => {
    const text =
      'TypeError: x is undefined\n    at pay (/app/src/pay.ts:10:3)\n    at Layer.handle (/app/node_modules/express/lib/router.js:9:1)\n    at node:internal/main:1:1';
    expect(kinds(text)).toEqual(['message 1', 'own 1', 'library 2']);
  });
  test('Python, with the source below each frame', () => {
    const text =
      'Traceback (most recent call last):\n  File "/usr/lib/python3/site-packages/django/core.py", line 3, in inner\n    return f()\n  File "/app/shop.py", line 9, in pay\n    raise ValueError("x")\nValueError: x';
    expect(kinds(text)).toEqual(['message 1', 'library 2', 'own 2', 'message 1']);
    expect(
      stackParts(text)
        .find((part) => part.kind === 'own')
        ?.lines.at(-1),
    ).toBe('    raise ValueError("x")');
  });
  test('Java with a cause', () => {
    const text =
      'java.lang.IllegalStateException: no\n\tat shop.Cart.add(Cart.java:7)\n\tat org.springframework.web.Handler.run(Handler.java:1)\nCaused by: java.io.IOException\n\t... 12 more';
    expect(kinds(text)).toEqual(['message 1', 'own 1', 'library 1', 'message 1', 'library 1']);
  });
  test('of libraries alone nothing is folded, and what is no trace is a message', () => {
    expect(kinds('E\n    at a (/x/node_modules/a.js:1:1)')).toEqual(['message 1', 'own 1']);
    expect(kinds('just words')).toEqual(['message 1']);
  });
});
