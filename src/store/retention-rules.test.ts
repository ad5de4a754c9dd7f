import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { analyse } from '../traceql/analyse.ts';
import { condition } from '../traceql/arbitrary.ts';
import { printExpression } from '../traceql/print.ts';
import {
  checkPolicy,
  parseAge,
  parseRetentionRules,
  retentionText,
  ruleCondition,
} from './retention-rules.ts';
import { QuestionError } from './span-store.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

test('rules stand one a line or parted by semicolons, with comments', () => {
  const text = `
    # errors stay a month
    { status = error } 30d   # counted from the span's start
    {duration>1s}14d; { span.x = "a;b#c}" } 1.5d
    { .k = \`}\` /* } */ && name != "\\"}" } 2w ;; {} 1y`;
  expect(parseRetentionRules(text)).toEqual([
    { query: '{ status = error }', maxAgeMs: 30 * DAY },
    { query: '{duration>1s}', maxAgeMs: 14 * DAY },
    { query: '{ span.x = "a;b#c}" }', maxAgeMs: 36 * HOUR },
    { query: '{ .k = `}` /* } */ && name != "\\"}" }', maxAgeMs: 14 * DAY },
    { query: '{}', maxAgeMs: 365 * DAY },
  ]);
  expect(parseRetentionRules(' \n;# nothing\n')).toEqual([]);
});

test.each([
  ['30d', 'line 1: expected a selector, as { status = error } or {}, found "30d"', 0],
  ['{}', 'line 1: expected an age such as 12h, 30d, 8w or 1y, found nothing', 2],
  ['{} 7', 'line 1: expected an age such as 12h, 30d, 8w or 1y, found "7"', 3],
  ['{} 30m', 'line 1: expected an age such as 12h, 30d, 8w or 1y, found "30m"', 3],
  ['{} -1d', 'line 1: expected an age such as 12h, 30d, 8w or 1y, found "-1d"', 3],
  ['{} 1e9d', 'line 1: expected an age such as 12h, 30d, 8w or 1y, found "1e9d"', 3],
  ['{}\n7d', 'line 1: expected an age such as 12h, 30d, 8w or 1y, found nothing', 2],
  ['{} 0.5h', 'line 1: an age is between 1h and 100y', 3],
  ['{} 0h', 'line 1: an age is between 1h and 100y', 3],
  ['{} 101y', 'line 1: an age is between 1h and 100y', 3],
  ['{} 1.0001d', 'line 1: an age is a number of whole hours', 3],
  ['{} 7d {} 8d', 'line 1: expected the end of the line after the age', 5],
  ['{} 7d\n{ status = bad } 3d', 'line 2: expected unset, ok or error beside status, found "bad"', 17],
  ['{} 7d\n\n{ status = error 3d\n{} 8d', 'line 3: expected an operator or "}", found "3d"', 24],
  ['{ name = "x } 3d', 'line 1: expected a closing ', 16],
  ['{ name = 1', 'line 1: expected "}" at the end of the selector', 0],
  ['{ parent.x = 1 } 3d', 'line 1: { parent.x = 1 } asks for more than one span can tell', 0],
  ['{ rootName = "x" } 3d', 'line 1: { trace:rootName = "x" } asks for more than one span can tell', 0],
  ['{} && {} 3d', 'line 1: expected an age such as 12h, 30d, 8w or 1y, found "&&"', 3],
  ['{} | count() > 1 3d', 'line 1: expected an age such as 12h, 30d, 8w or 1y, found "|"', 3],
  ['{ name } 3d', 'line 1: expected a condition', 2],
  ['{ name =~ "(" } 3d', 'line 1: expected', 10],
  ['{}\u0000 3d', 'line 1: expected an age', 2],
])('%j is refused', (text, message, position) => {
  const error = refusal(() => parseRetentionRules(text));
  expect(error.message).toStartWith(message);
  expect(error.position).toBe(position);
});

test('more than 50 rules, and long texts, are refused', () => {
  const rule = { query: '{}', maxAgeMs: DAY };
  expect(parseRetentionRules('{} 1d\n'.repeat(50))).toHaveLength(50);
  expect(refusal(() => parseRetentionRules('{} 1d\n'.repeat(51))).message).toBe(
    'line 51: more than 50 rules',
  );
  expect(
    refusal(() => checkPolicy({ rules: Array.from({ length: 51 }, () => rule), maxBytes: undefined }))
      .message,
  ).toBe('more than 50 rules');
  expect(refusal(() => parseRetentionRules('}'.repeat(70_000))).message).toContain('65536 characters');
  const began = performance.now();
  refusal(() => parseRetentionRules('{'.repeat(60_000)));
  refusal(() => parseRetentionRules('{}'.repeat(30_000)));
  refusal(() => parseRetentionRules(`{${'('.repeat(60_000)}} 3d`));
  expect(performance.now() - began).toBeLessThan(1000);
});

test('a policy that did not come as text is checked too', () => {
  const policy = (query: string, maxAgeMs: number) => ({ rules: [{ query, maxAgeMs }], maxBytes: undefined });
  expect(refusal(() => checkPolicy(policy('{} 7d\n{}', DAY))).message).toStartWith(
    'rule 1: expected a selector',
  );
  expect(refusal(() => checkPolicy(policy('status = error', DAY))).message).toStartWith(
    'rule 1: expected a selector',
  );
  expect(refusal(() => checkPolicy(policy('{}', Number.NaN))).message).toBe(
    'rule 1: an age is between 1h and 100y',
  );
  expect(refusal(() => checkPolicy(policy('{ trace:duration > 1s }', DAY))).code).toBe('unsupported_query');
  expect(refusal(() => checkPolicy({ rules: [], maxBytes: 0 })).message).toBe(
    '0 is no number of bytes from 1',
  );
  checkPolicy({ rules: [], maxBytes: 1 });
  // How a query asks for root spans: the span's own missing parent tells.
  checkPolicy(policy('{ nestedSetParent < 0 }', DAY));
});

test('rules read back from text are the same, whatever they ask', () => {
  const answerable = condition.filter((each) => !analyse(each).needsTrace);
  const rule = fc.record({
    query: answerable.map((each) => `{ ${printExpression(each)} }`),
    maxAgeMs: fc.integer({ min: 1, max: 24 * 36_500 }).map((hours) => hours * HOUR),
  });
  fc.assert(
    fc.property(fc.array(rule, { maxLength: 5 }), fc.constantFrom('\n', ';', ' # 9d {\n'), (rules, end) => {
      checkPolicy({ rules, maxBytes: undefined });
      const text = retentionText(rules);
      expect(parseRetentionRules(text)).toEqual(rules);
      expect(parseRetentionRules(rules.map((each) => retentionText([each]) + end).join(''))).toEqual(rules);
      for (const each of rules) ruleCondition(each);
    }),
    { numRuns: 300 },
  );
});

test('ages', () => {
  expect(['1h', '36H', ' 2w ', '1y', '0.5d'].map(parseAge)).toEqual([
    HOUR,
    36 * HOUR,
    14 * DAY,
    365 * DAY,
    12 * HOUR,
  ]);
  expect(['', 'd', '1', '1m', '1 d d', '-1d', '1e3d', '١d', '9999999999d'].map(parseAge)).toEqual(
    Array(9).fill(undefined),
  );
});

function refusal(work: () => unknown): QuestionError {
  try {
    work();
  } catch (error) {
    if (error instanceof QuestionError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}
