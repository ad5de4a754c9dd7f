/** Price tables: what they mean, and what is wrong with them in words. */
import { expect, test } from 'bun:test';
import { costOf, parsePriceTable } from './gen-ai-prices.ts';

const TABLE = parsePriceTable(
  '{"currency":"USD","asOf":"2026-01-31","models":{"m":{"input":1,"output":2},"m-large":{"input":10,"output":20}}}',
);
const TOKENS = { input: 1_000_000, output: 500_000 };

test('the longest beginning counts, the answering model first', () => {
  expect(costOf(TABLE, { request: 'm-large-2026', response: '' }, TOKENS)).toBe(20);
  expect(costOf(TABLE, { request: 'm-large', response: 'm-small-1' }, TOKENS)).toBe(2);
  expect(costOf(TABLE, { request: 'm', response: 'other' }, TOKENS)).toBe(2);
});

test('an unknown model costs nothing that anybody knows', () => {
  expect(costOf(TABLE, { request: 'x', response: 'y' }, TOKENS)).toBeUndefined();
  expect(costOf(undefined, { request: 'm', response: 'm' }, TOKENS)).toBeUndefined();
});

const WRONG: readonly (readonly [text: string, message: string])[] = [
  ['[]', 'is no JSON object'],
  ['{"models":{}}', 'needs "currency"'],
  ['{"currency":"USD"}', 'needs "models"'],
  ['{"currency":"USD","asOf":"May","models":{}}', 'no date'],
  ['{"currency":"USD","prices":{}}', 'unknown field "prices"'],
  ['{"currency":"USD","models":{"m":{"input":-1,"output":1}}}', 'model "m" needs "input"'],
  ['{', 'is no JSON'],
];

for (const [text, message] of WRONG) {
  test(`refused: ${text}`, () => expect(() => parsePriceTable(text)).toThrow(message));
}
