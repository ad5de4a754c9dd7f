/** Whatever the text, a parse ends soon and within the stack. */
import { expect, test } from 'bun:test';
import {
  MAX_GROUP_FIELDS,
  MAX_HINTS,
  MAX_QUANTILES,
  MAX_QUERY_CHARS,
  MAX_QUERY_DEPTH,
  MAX_QUERY_OPERATORS,
  MAX_QUERY_SELECTORS,
  MAX_QUERY_STAGES,
  MAX_REGEX_COST,
  MAX_SELECT_FIELDS,
} from '../limits.ts';
import { analyse } from './analyse.ts';
import { TraceqlError } from './error.ts';
import { matches } from './evaluate.ts';
import { parseQuery } from './parse.ts';
import { printQuery } from './print.ts';
import { expectCondition } from './query.ts';
import { regexCost } from './regex-cost.ts';

function expectedBy(text: string): string {
  try {
    parseQuery(text);
  } catch (error) {
    if (error instanceof TraceqlError) return error.expected;
    throw error;
  }
  return 'nothing more';
}

test('no text overflows the stack', () => {
  const repeated = ['{(', '{ !', '{ -', '{ !(', '{ 2 ^ (', '{} | by(', '{} | max(', '{} | -', '{} | 2 ^ ('];
  for (const opening of ['(', '!', '-', ...repeated]) {
    expect(() => parseQuery(opening + opening.slice(-1).repeat(60_000))).toThrow(TraceqlError);
  }
  for (const unit of [
    '({',
    '({} | ',
    '| {}',
    '({}) && ',
    '({} | rate()) + (',
    'count() ^ ',
    '{} >> (',
    '-(',
  ]) {
    const text = unit.repeat(60_000 / unit.length);
    expect(() => parseQuery(text)).toThrow(TraceqlError);
    expect(() => parseQuery(`{} ${text}`)).toThrow(TraceqlError);
  }
});

test('nesting and operators have bounds, and up to them everything works', () => {
  const nested = `{ ${'!('.repeat(MAX_QUERY_DEPTH / 2)}.a${')'.repeat(MAX_QUERY_DEPTH / 2)} }`;
  expect(parseQuery(nested).text).toBe(nested);
  expect(expectedBy(`{ ${'('.repeat(MAX_QUERY_DEPTH + 1)}`)).toBe('at most 200 levels of nesting');
  const wrapped = (depth: number): string => `${'('.repeat(depth)}{}${')'.repeat(depth)}`;
  expect(printQuery(parseQuery(wrapped(MAX_QUERY_DEPTH)))).toBe('{}');
  expect(expectedBy(wrapped(MAX_QUERY_DEPTH + 1))).toBe('at most 200 levels of nesting');
  for (const operator of ['&&', '||', '^', '=', '-']) {
    const tail = operator === '^' || operator === '-' ? ' = 1' : '';
    const count = MAX_QUERY_OPERATORS - (tail === '' ? 0 : 1);
    const chain = (links: number): string => `{ .a${` ${operator} .a`.repeat(links)}${tail} }`;
    const query = parseQuery(chain(count));
    expect(parseQuery(printQuery(query)).expression.kind).toBe('filter');
    expect(analyse(expectCondition(query)).fields).toHaveLength(1);
    expect(
      matches(structuredClone(expectCondition(query)), { attribute: () => [], intrinsic: () => [] }),
    ).toBe(false);
    expect(expectedBy(chain(count + 1))).toBe('at most 2000 operators');
  }
  for (const operator of ['+', '^']) {
    const chain = (links: number): string => `count()${` ${operator} count()`.repeat(links)} > 1`;
    const longest = chain(MAX_QUERY_OPERATORS - 1);
    expect(printQuery(parseQuery(longest))).toBe(longest);
    expect(expectedBy(chain(MAX_QUERY_OPERATORS))).toBe('at most 2000 operators');
  }
});

test('what a query can have many of has a bound', () => {
  const cases: [of: (count: number) => string, most: number, what: string][] = [
    [(n) => Array(n).fill('{}').join(' && '), MAX_QUERY_SELECTORS, 'selectors {...}'],
    [(n) => `{}${' | count() > 1'.repeat(n)}`, MAX_QUERY_STAGES, 'pipeline stages'],
    [(n) => `{} | rate()${' | topk(1)'.repeat(n - 1)}`, MAX_QUERY_STAGES, 'pipeline stages'],
    [(n) => `{} | rate()${' > 1'.repeat(n - 1)}`, MAX_QUERY_STAGES, 'pipeline stages'],
    [(n) => `{} | rate() by (${Array(n).fill('.a').join()})`, MAX_GROUP_FIELDS, 'fields in by (...)'],
    [(n) => `{} | select(${Array(n).fill('.a').join()})`, MAX_SELECT_FIELDS, 'fields in select()'],
    [(n) => `{} | quantile_over_time(.a, ${Array(n).fill('.5').join()})`, MAX_QUANTILES, 'quantiles'],
    [(n) => `{} with (${Array(n).fill('a=1').join()})`, MAX_HINTS, 'hints'],
    [(n) => `{}${' with (a=1)'.repeat(n)}`, MAX_HINTS, 'hints'],
  ];
  for (const [of, most, what] of cases) {
    expect(expectedBy(of(most))).toBe('nothing more');
    expect(expectedBy(of(most + 1))).toBe(`at most ${most} ${what}`);
  }
});

const LONG_REGEX = 'regular expressions that are shorter, or have fewer repetitions';

test('regular expressions that would take long to compile are refused before', () => {
  const { length } = '{ .a =~ "x." }';
  const fits = `{ .a =~ "${'x.'.repeat(2_000)}" }`;
  expect(expectedBy(fits)).toBe('nothing more');
  expect(expectedBy(`${fits} && ${fits}`)).toBe(LONG_REGEX);
  expect(expectedBy(`{ .a =~ "${'x.'.repeat((MAX_QUERY_CHARS - length) / 2)}" }`)).toBe(LONG_REGEX);
  // Words need no automaton, however many there are.
  expect(expectedBy(`{ .a =~ "${'4bf92f3577b34da6|'.repeat(3_000)}" }`)).toBe('nothing more');
  for (const pattern of ['(?i:\\\\pL)', '\\\\PN', 'a{999}', '(ab?){99}', '((a{9}){9}){9}', '[^a-z]{500}']) {
    expect(expectedBy(`{ .a =~ "${pattern.repeat(5)}" }`)).toBe('nothing more');
    expect(expectedBy(`{ .a =~ "${pattern.repeat(200)}" }`)).toBe(LONG_REGEX);
  }
});

test('the cost of a regular expression counts what repetitions repeat', () => {
  expect(regexCost('abc')).toBe(3 + 3 / 2);
  expect(regexCost('a{10}')).toBe(5 + 10 / 2);
  expect(regexCost('(ab){2,10}c')).toBe(11 + 41 / 2);
  expect(regexCost('((a{10}){10}){10}')).toBeGreaterThan(500);
  expect(regexCost('[a{9}]\\{9}')).toBeLessThan(20);
  expect(regexCost('[]{9}]')).toBe(6 + 1 / 2);
  expect(regexCost('[[:alpha:]{9}]x{3}')).toBe(18 + 4 / 2);
  expect(regexCost('{9}(){9}){9}')).toBeLessThan(100);
  expect(regexCost('\\pL')).toBeGreaterThan(50);
  expect(regexCost('['.repeat(60_000))).toBeGreaterThan(MAX_REGEX_COST);
});

test('a text is parsed in time linear to its length, up to its bound', () => {
  const inside = ['/', '/*/', '"', '\\', ' ', '1.', 'a ', '.', '`', '&', 'span:', '-'];
  const around = [
    '({',
    '| {}',
    '{} | ',
    '({}) && ',
    'count() + ',
    '({} | rate()) / ',
    '- ',
    '{} | rate() > 1 ',
  ];
  const quoted = ['a|', '.*', '[', '[:', '[[:a', '(', '{9', 'a{9}'];
  const texts = [
    ...inside.map((filler) => (length: number) => '{'.padEnd(length, filler)),
    ...around.map((unit) => (length: number) => unit.repeat(length / unit.length)),
    ...quoted.map((unit) => (length: number) => `{ .a =~ "${unit.repeat(length / unit.length - 10)}(" }`),
  ];
  for (const textOf of texts) {
    // Eight times the length: eightfold, or with a look back from everywhere 64-fold.
    const [short, long] = [fastest(textOf(MAX_QUERY_CHARS / 8)), fastest(textOf(MAX_QUERY_CHARS))];
    expect(long).toBeLessThan(30 * short + 50);
  }
  expect(() => parseQuery(' '.repeat(MAX_QUERY_CHARS + 1))).toThrow(
    'expected a query of at most 65536 characters, found 65537 at position 65536',
  );
});

/** Milliseconds of CPU; of three runs, so that a busy machine does not count. */
function fastest(text: string): number {
  const runs = [0, 1, 2].map(() => {
    const before = process.cpuUsage();
    expectedBy(text);
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1_000;
  });
  return Math.min(...runs);
}
