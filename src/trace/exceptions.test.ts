/** Which messages are the same one. */
import { expect, test } from 'bun:test';
import { normaliseMessage, patternRegex } from './exceptions.ts';

const CASES: readonly (readonly [message: string, pattern: string])[] = [
  ['order 4711 not found', 'order <n> not found'],
  ['order u-3cp not found', 'order <id> not found'],
  ['no answer within 2000 ms', 'no answer within <n> ms'],
  ['took 1.5s of 30s', 'took <n>s of <n>s'],
  ['user 7f0c1d22-1111-4222-8333-abcdefabcdef is gone', 'user <uuid> is gone'],
  ['connect ECONNREFUSED 10.0.0.7:5432', 'connect ECONNREFUSED <address>'],
  ['connect to [fe80::1:2]:80 failed', 'connect to <address> failed'],
  ['segfault at 0x7ffe12', 'segfault at <hex>'],
  ['object deadbeef01 is locked', 'object <hex> is locked'],
  ['key "a-17" is taken', 'key <id> is taken'],
  [
    "Cannot read properties of undefined (reading 'name')",
    "Cannot read properties of undefined (reading 'name')",
  ],
  ['at 2026-01-31T12:00:00.123Z it broke', 'at <time> it broke'],
  ['mail to a.b@example.com bounced', 'mail to <email> bounced'],
  ['', ''],
];

for (const [message, pattern] of CASES) {
  test(`"${message}"`, () => {
    expect(normaliseMessage(message)).toBe(pattern);
    // As TraceQL has them: anchored, with a dot that takes newlines.
    expect(new RegExp(`^(?:${patternRegex(pattern)})$`, 's').test(message)).toBeTrue();
  });
}

test('a message of a megabyte is looked at in no time', () => {
  const startedMs = performance.now();
  for (const piece of ['a', '1', 'a1-', '"', '::', '0x']) normaliseMessage(piece.repeat(500_000));
  expect(performance.now() - startedMs).toBeLessThan(500);
});
