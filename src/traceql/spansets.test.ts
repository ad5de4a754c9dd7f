import { describe, expect, test } from 'bun:test';
import { parseQuery } from './parse.ts';
import { printExpression } from './print.ts';
import { isMetrics } from './query.ts';
import { spansetsOf } from './spansets.ts';
import { sketch } from './trace-sketch.ts';
import type { SketchedTrace } from './trace-sketch.ts';

/** `names {attributes}` of each spanset. */
function ask(trace: SketchedTrace, query: string): string[] {
  const { expression } = parseQuery(query);
  if (isMetrics(expression)) throw new Error(`${query} is a metrics query`);
  return spansetsOf(expression, trace).map(({ spans, attributes }) => {
    const names = spans.map((span) => trace.spans[span].name).join(' ');
    const values = attributes.map(
      ({ key, value }) =>
        `${key}: ${value.type === 'opaque' ? '?' : printExpression({ kind: 'literal', value, position: 0 })}`,
    );
    return values.length === 0 ? names : `${names} {${values.join(', ')}}`;
  });
}

const SHOP = sketch(`
  web span:duration=100ns n=1
    cart span:duration=40ns n=2 team=blue
      db span:duration=10ns n=4
      db2 span:duration=5ns team=red
    pay span:duration=50ns n=8 team=blue
      bank span:duration=45ns n=1.5
  late ^ span:duration=7ns team=red
`);

const CASES: readonly (readonly [query: string, ...spansets: string[]])[] = [
  ['{}', 'web cart db db2 pay bank late'],
  ['{ name = "nobody" }'],
  ['{ name = "web" } && { name = "db" }', 'web db'],
  ['{ name = "web" } && { name = "nobody" }'],
  ['{ name = "web" } || { name = "nobody" }', 'web'],
  ['{ name = "db" } || { name = "web" } || { name = "db" }', 'web db'],
  ['{ name = "web" } > {}', 'cart pay'],
  ['{ name = "web" } >> {}', 'cart db db2 pay bank'],
  ['{} < { name = "cart" }', 'cart'],
  ['{ name = "db" } < {}', 'cart'],
  ['{ name = "db" } << {}', 'web cart'],
  ['{ name = "db" } ~ {}', 'db2'],
  ['{} ~ {}', 'cart db db2 pay'],
  // None of the left is no reason to give nothing.
  ['{ name = "nobody" } !> {}', 'web cart db db2 pay bank late'],
  ['{ name = "web" } !> {}', 'web db db2 bank late'],
  ['{ name = "web" } !>> {}', 'web late'],
  ['{ name = "db" } !< {}', 'web db db2 pay bank late'],
  ['{ name = "db" } !<< {}', 'db db2 pay bank late'],
  ['{ name = "db" } !~ {}', 'web cart db pay bank late'],
  ['{} !> { name = "nobody" }'],
  ['{ name =~ "web|pay" } &> { name =~ "cart|db" }', 'web cart'],
  ['{ name =~ "web|pay" } &>> { name =~ "db.*|late" }', 'web db db2'],
  ['{ name = "db" } &< {}', 'cart db'],
  ['{ name = "bank" } &<< {}', 'web pay bank'],
  ['{ name = "db" } &~ {}', 'db db2'],
  // A parenthesised side is an expression of its own, a chain goes from left to right.
  ['{ name = "web" } > { name = "cart" } > {}', 'db db2'],
  ['{ name = "web" } > ({ name = "cart" } > {})'],
  ['({ name = "web" } > {}) && { name = "late" }', 'cart pay late'],
];

describe('operators', () => {
  for (const [query, ...expected] of CASES) {
    test(query, () => expect(ask(SHOP, query)).toEqual(expected));
  }
});

const PIPELINES: readonly (readonly [query: string, ...spansets: string[]])[] = [
  ['{} | { name =~ "d.*" } | { name != "db" }', 'db2'],
  ['{} | { name = "web" } > {}', 'cart pay'],
  // The web span is not among what the first stage gives.
  ['{ name != "web" } | { name = "web" } > {}'],
  ['{ name =~ "db.*" } | count() = 2', 'db db2 {count(): 2}'],
  ['{ name =~ "db.*" } | count() > 2'],
  ['{ name = "nobody" } | count() = 0'],
  ['({} | max(span:duration) > 99ns) && { name = "web" }', 'web cart db db2 pay bank late'],
  ['{ span.n != nil } | avg(span.n) > 3', 'web cart db pay bank {avg(span.n): 3.3}'],
  ['{ name =~ "web|cart|db" } | sum(span.n) = 7', 'web cart db {sum(span.n): 7}'],
  ['{ name =~ "db.*" } | min(span.n) = 4', 'db db2 {min(span.n): 4}'],
  // What has no number is no part of an aggregate, and what has none at all keeps no spanset.
  ['{ name = "db2" } | sum(span.n) >= 0'],
  ['{ name = "db2" } | sum(span.n) != 0'],
  ['{ span.team != nil } | avg(span.team) != 0'],
  ['{ name =~ "db.*" } | avg(span:duration) = 7ns', 'db db2 {avg(span:duration): 7ns}'],
  [
    '{ name =~ "db.*" } | count() * 2 + 1 = 5 | sum(span:duration) > 14ns',
    'db db2 {count(): 2, sum(span:duration): 15ns}',
  ],
  [
    '{} | max(span:duration) > avg(span:duration) * 2',
    'web cart db db2 pay bank late {max(span:duration): 100ns, avg(span:duration): 36ns}',
  ],
  [
    '{} | by(span.team)',
    'web db bank {by(span.team): nil}',
    'cart pay {by(span.team): "blue"}',
    'db2 late {by(span.team): "red"}',
  ],
  ['{} | by(span.team) | count() > 2', 'web db bank {by(span.team): nil, count(): 3}'],
  [
    '{ span.team != nil } | by(span.team) | { name != "pay" } | count() = 1',
    'cart {by(span.team): "blue", count(): 1}',
  ],
  ['{} | by(span.team) | max(span:duration) < 50ns | coalesce()', 'db2 late'],
  ['{} | by(span.team) | coalesce()', 'web cart db db2 pay bank late'],
  ['{ name = "nobody" } | by(span.team) | coalesce()'],
  ['{} | by(span.n > 1)', 'web db2 late {by(span.n > 1): false}', 'cart db pay bank {by(span.n > 1): true}'],
  ['{ name = "web" } | select(span.n)', 'web'],
  ['({ name =~ "db.*" } | count() = 2) && { name = "web" }', 'web db db2'],
  ['({ name =~ "db.*" } | count() = 3) || { name = "web" }', 'web'],
  ['({} | by(span.team)) > { name = "db" }', 'db'],
  ['({ name =~ "db.*" } | count()) > ({ name = "web" } | count())', 'web db db2 {count(): 2, count() 2: 1}'],
  ['({ name = "web" } | count()) > ({ name = "nobody" } | count())', 'web {count(): 1, count() 2: 0}'],
  ['({ name = "web" } | max(span:duration)) > ({ name = "nobody" } | max(span:duration))'],
];

describe('pipelines', () => {
  for (const [query, ...expected] of PIPELINES) {
    test(query, () => expect(ask(SHOP, query)).toEqual(expected));
  }
});

describe('numbers that are none', () => {
  // `0.0 / 0.0` has no value, but an overflow less itself is a NaN.
  const nan = '(span.n * 1e308 * 10) - (span.n * 1e308 * 10)';
  const trace = sketch(`
    a n=1 m=5
      b n=0 m=3
      c n=0 m=4
  `);
  test.each(['min', 'max', 'sum', 'avg'])('%s passes over a NaN, wherever it stands', (name) => {
    const [figure] = { min: [3], max: [4], sum: [7], avg: [3.5] }[name] ?? [];
    expect(ask(trace, `{} | ${name}(span.m + (${nan})) = ${figure}`)).toHaveLength(1);
  });
});

describe('what is outside of the range', () => {
  const cut = sketch(`
    a -
      b -
        c
      d
    e
  `);
  test('selects nothing, and yet stands between spans', () => {
    expect(ask(cut, '{}')).toEqual(['c d e']);
    expect(ask(cut, '{ name = "a" } >> {}')).toEqual([]);
    expect(ask(cut, '{ name = "e" } !>> {}')).toEqual(['c d e']);
    expect(ask(cut, '{} | count() = 3')).toEqual(['c d e {count(): 3}']);
  });
  test('a trace of which nothing is in range gives nothing', () => {
    expect(ask(sketch('a -'), '{} !> {}')).toEqual([]);
  });
});

test('siblings share the parent that they name, also one that never came; roots have none', () => {
  expect(ask(sketch('a ^\nb ^\nc\nd'), '{} ~ {}')).toEqual(['a b']);
});
