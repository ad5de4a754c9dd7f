import { expect, test } from 'bun:test';
import { longListResponse } from './json-stream.ts';

function respond(count: number, head: object, tail: object): Response {
  const items = Array.from({ length: count }, (_, index) => ({ index, text: `"${index}"` }));
  const textOf = (some: readonly object[]) => some.map((item) => JSON.stringify(item)).join(',');
  return longListResponse({ head, name: 'items', items, textOf, tail }, { 'x-test': 'yes' });
}

test.each([0, 1, 249, 250, 251, 1000, 1001])('%d items are the same JSON as at once', async (count) => {
  for (const head of [{}, { id: 'a,b' }]) {
    for (const tail of [{}, { complete: true, nested: { a: [1] } }]) {
      const response = respond(count, head, tail);
      expect(response.headers.get('content-type')).toContain('application/json');
      expect(response.headers.get('x-test')).toBe('yes');
      const items = Array.from({ length: count }, (_, index) => ({ index, text: `"${index}"` }));
      expect(JSON.parse(await response.text())).toEqual({ ...head, items, ...tail });
    }
  }
});

test('a long answer comes in pieces, and others are served between two of them', async () => {
  let turns = 0;
  const timer = setInterval(() => turns++, 0);
  let pieces = 0;
  for await (const _ of respond(200_000, {}, {}).body ?? []) pieces++;
  clearInterval(timer);
  expect(pieces).toBeGreaterThan(50);
  expect(turns).toBeGreaterThan(5);
});
