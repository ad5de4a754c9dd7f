import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { RE2JS } from 're2js';
import { Automaton } from './regex-automaton.ts';
import { PacedSteps, SHARE_UNITS } from './regex-pace.ts';

function compiled(pattern: string): RE2JS {
  return RE2JS.compile(pattern, RE2JS.DOTALL);
}

const CHARS = ['a', 'b', 'K', '_', '7', ' ', '\n', 'é', 'ſ', '\u212a', '\u{1f600}', '\ud800', '\udc00'];
const ATOMS = [...CHARS.slice(0, 11), '.', '[a-k]', '[^b]', '\\w', '\\D', '\\pL', '(?i:k)', '(?i:s)'];
const ASSERTIONS = ['^', '$', '\\b', '\\B', '\\A', '\\z', '(?m:^)', '(?m:$)', '(?-s:.)'];

const { pattern: patterns } = fc.letrec<{ pattern: string }>((tie) => ({
  pattern: fc.oneof(
    { depthSize: 'small' },
    { weight: 4, arbitrary: fc.constantFrom(...ATOMS) },
    { weight: 1, arbitrary: fc.constantFrom(...ASSERTIONS) },
    { weight: 4, arbitrary: fc.tuple(tie('pattern'), tie('pattern')).map((parts) => parts.join('')) },
    { weight: 2, arbitrary: fc.tuple(tie('pattern'), tie('pattern')).map(([a, b]) => `(${a}|${b})`) },
    {
      weight: 2,
      arbitrary: fc
        .tuple(tie('pattern'), fc.constantFrom('*', '+', '?', '*?', '{2,3}'))
        .map(([a, b]) => `(?:${a})${b}`),
    },
  ),
}));
const texts = fc.array(fc.constantFrom(...CHARS), { maxLength: 12 }).map((chars) => chars.join(''));

test('says of any text what RE2JS says', () => {
  const said = { yes: 0, no: 0 };
  fc.assert(
    fc.property(patterns, fc.array(texts, { minLength: 10, maxLength: 30 }), (pattern, asked) => {
      const reference = compiled(pattern);
      const automaton = new Automaton(reference);
      for (const text of asked) {
        const verdict = reference.matches(text);
        said[verdict ? 'yes' : 'no']++;
        expect(automaton.matches(text)).toBe(verdict);
      }
    }),
    { numRuns: 1000 },
  );
  expect(said.yes).toBeGreaterThan(500);
  expect(said.no).toBeGreaterThan(1000);
}, 60_000);

/** Nearly each character makes a state that was not there before. */
const HOSTILE = '.*a(a|b){60}c';

function mixed(length: number, last: string): string {
  let seed = 1;
  const chars = Array.from({ length }, () => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    return seed >>> 31 === 0 ? 'a' : 'b';
  });
  return `${chars.join('')}${last}`;
}

test('patterns that outgrow their memory are simulated, with the same verdict', () => {
  const automaton = new Automaton(compiled(HOSTILE));
  const long = mixed(20_000, '');
  expect(automaton.matches(`${long}a${'b'.repeat(60)}c`)).toBe(true);
  expect(automaton.matches(`${long}b${'b'.repeat(60)}c`)).toBe(
    compiled(HOSTILE).matches(`${long}b${'b'.repeat(60)}c`),
  );
  expect(automaton.matches(long)).toBe(false);
  expect(automaton.matches(`a${'b'.repeat(60)}c`)).toBe(true);
});

describe('at a pace', () => {
  const text = mixed(50_000, `a${'b'.repeat(60)}c`);

  test('a long match takes breaks, each share no longer than said, and then has its verdict', async () => {
    let breaks = 0;
    const steps = new PacedSteps(async () => {
      breaks++;
      return true;
    });
    const automaton = new Automaton(compiled(HOSTILE));
    expect(await steps.do(() => automaton.matches(text))).toBe(true);
    // 60 instructions and more a character, two units each.
    expect(breaks).toBeGreaterThan((text.length * 60 * 2) / SHARE_UNITS);
    expect(steps.unjudged).toBe(0);
    expect(automaton.matches(text)).toBe(true);
  });

  test('many short ones take breaks together, and the step comes to its end though it begins anew', async () => {
    let breaks = 0;
    const steps = new PacedSteps(async () => {
      breaks++;
      return true;
    });
    const automaton = new Automaton(compiled('[a-y ]*z?'));
    const asked = Array.from(
      { length: 200 },
      (_, i) => `${'x'.repeat(40_000 + i)}${i % 2 === 0 ? 'z' : '7'}`,
    );
    const all = await steps.do(() => asked.map((each) => automaton.matches(each)));
    expect(all).toEqual(asked.map((_, i) => i % 2 === 0));
    expect(breaks).toBeGreaterThanOrEqual(Math.floor((200 * 40_000) / SHARE_UNITS) - 1);
  });

  test('once time is up long texts have no verdict, which is counted; short ones have theirs', async () => {
    const steps = new PacedSteps(async () => false);
    const automaton = new Automaton(compiled(HOSTILE));
    const verdicts = await steps.do(() => [text, `${text}x`, 'abc'].map((each) => automaton.matches(each)));
    expect(verdicts).toEqual([undefined, undefined, false]);
    expect(steps.unjudged).toBe(2);
  });

  test('a break that throws ends the step', async () => {
    const steps = new PacedSteps(async () => {
      throw new Error('nobody waits');
    });
    const automaton = new Automaton(compiled(HOSTILE));
    const reason: unknown = await steps.do(() => automaton.matches(text)).catch((error: unknown) => error);
    expect(reason).toEqual(new Error('nobody waits'));
  });
});
