import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { analyse, fieldsOf } from './analyse.ts';
import { condition, literalValue } from './arbitrary.ts';
import type { FieldExpression, Static } from './ast.ts';
import { type FieldSource, matches } from './evaluate.ts';
import { parseQuery } from './parse.ts';
import { printExpression } from './print.ts';
import { expectCondition } from './query.ts';

function analysed(text: string): { fields: string[]; scan: string | null; needsTrace: boolean } {
  const { fields, scan, needsTrace } = analyse(expectCondition(parseQuery(text)));
  return {
    fields: fields.map(printExpression),
    scan: scan === null ? null : printExpression(scan),
    needsTrace,
  };
}

describe('the part that a span decides', () => {
  test.each([
    ['{}', null, false],
    ['{ .a = 1 && name = "x" }', '.a = 1 && span:name = "x"', false],
    ['{ trace:id = "1" }', `trace:id = "${'1'.padStart(32, '0')}"`, false],
    ['{ parent = nil }', 'parent = nil', false],
    ['{ nestedSetParent < 0 }', 'parent = nil', false],
    ['{ -1 = nestedSetParent }', 'parent = nil', false],
    ['{ !(nestedSetParent < 0) && .a }', '!(parent = nil) && .a', false],
    ['{ 1 = 1 }', '1 = 1', false],
    ['{ nestedSetParent > 0 }', null, true],
    ['{ traceDuration > 1s }', null, true],
    ['{ traceDuration > 1s && .a = 1 }', '.a = 1', true],
    ['{ .a = 1 && rootName = "x" && .b = 2 }', '.a = 1 && .b = 2', true],
    ['{ traceDuration > 1s || .a = 1 }', null, true],
    ['{ !(traceDuration > 1s || .a = 1) }', '!(.a = 1)', true],
    ['{ !(traceDuration > 1s && .a = 1) }', null, true],
    ['{ !(traceDuration > 1s || .a) }', '!(.a = true)', true],
    ['{ !(!(traceDuration > 1s && .a)) }', '!!(.a = true)', true],
    ['{ !parent.a && .b }', '.b = true', true],
    ['{ (childCount > 1) = (.a = 1) }', null, true],
    ['{ parent.duration > duration }', null, true],
    ['{ (.a || parent.b) && (.c || .d) }', '.c || .d', true],
    ['{ false || (rootName = "x" && false) }', 'false || false = true', true],
  ])('%s', (text, scan, needsTrace) => {
    expect(analysed(text)).toMatchObject({ scan, needsTrace });
  });
});

test('fields are named once, those of the scan apart', () => {
  const { fields } = analysed('{ .a = 1 && (.a = 2 || span.a = .b) && traceDuration > duration && 1 = 1 }');
  expect(fields).toEqual(['.a', 'span.a', '.b', 'trace:duration', 'span:duration']);
  const { scanFields } = analyse(expectCondition(parseQuery('{ .a = 1 && rootName = span.b }')));
  expect(scanFields.map(printExpression)).toEqual(['.a']);
});

/** A random row: what each field of a condition holds. Booleans are frequent, so that conditions vary. */
const value = fc.oneof(
  { weight: 3, arbitrary: fc.boolean().map((each): Static => ({ type: 'bool', value: each })) },
  { weight: 2, arbitrary: literalValue },
  { weight: 1, arbitrary: fc.constant<Static>({ type: 'opaque' }) },
);
const columns = fc.array(fc.array(value, { maxLength: 2 }), { minLength: 8, maxLength: 8 });

class RandomRow implements FieldSource {
  /** `trace` shifts what lies outside of the span. */
  constructor(
    private readonly columns: readonly (readonly Static[])[],
    private readonly outside: (name: string) => boolean,
    private readonly trace: number,
  ) {}

  attribute(scope: string, key: string, parent: boolean): readonly Static[] {
    return this.pick(`${parent ? 'parent.' : ''}${scope}.${key}`, parent);
  }

  intrinsic(name: string, parent: boolean): readonly Static[] {
    return this.pick(name, parent || this.outside(name));
  }

  private pick(name: string, outside: boolean): readonly Static[] {
    let hash = outside ? this.trace : 0;
    for (const each of name) hash = (hash * 31 + (each.codePointAt(0) ?? 0)) % 9_973;
    return this.columns[hash % this.columns.length];
  }
}

const OUTSIDE = /^(trace:(duration|root)|nestedSet|span:childCount)/;

/** `scan` rewrites `nestedSetParent < 0`, whose truth a random row does not tie to the parent's. */
function readsNestedSet(tree: FieldExpression): boolean {
  return fieldsOf(tree).some((field) => field.kind === 'intrinsic' && field.name === 'nestedSetParent');
}

/** Logic over leaves of which about every second lies outside of the span. */
const LEAVES = [
  '.a',
  'span.b',
  '.a = .b',
  'span.c != false',
  'parent.a',
  'parent.b = true',
  'childCount != 1',
]
  .concat(['rootName = "x"', 'true', 'false', 'duration > traceDuration', 'parent.c != nil'])
  .map((text) => expectCondition(parseQuery(`{ ${text} }`)))
  .filter((leaf) => leaf !== null);
const { logic } = fc.letrec<{ logic: FieldExpression }>((tie) => ({
  logic: fc.oneof(
    { maxDepth: 6 },
    fc.constantFrom(...LEAVES),
    fc
      .tuple(fc.constantFrom('&&' as const, '||' as const), tie('logic'), tie('logic'))
      .map(([operator, left, right]) => ({ kind: 'binary' as const, operator, left, right, position: 0 })),
    tie('logic').map((operand) => ({ kind: 'unary' as const, operator: '!' as const, operand, position: 0 })),
  ),
}));

test('the scan passes every span that the condition matches, whatever the rest of the trace', () => {
  let [narrowed, refused] = [0, 0];
  fc.assert(
    fc.property(fc.oneof(condition, logic), columns, fc.nat(100), (tree, cells, trace) => {
      fc.pre(!readsNestedSet(tree));
      const rowOf = (shift: number) => new RandomRow(cells, (name) => OUTSIDE.test(name), shift);
      const { scan, needsTrace } = analyse(tree);
      const [passes, wanted] = [matches(scan, rowOf(trace)), matches(tree, rowOf(trace))];
      if (wanted) expect(passes).toBe(true);
      if (!needsTrace) expect(passes).toBe(wanted);
      expect(matches(scan, rowOf(trace + 1))).toBe(passes);
      if (needsTrace && scan !== null) narrowed++;
      if (needsTrace && !passes) refused++;
    }),
    { numRuns: 4_000 },
  );
  // The property would hold for a scan that passes everything.
  expect(narrowed).toBeGreaterThan(200);
  expect(refused).toBeGreaterThan(50);
});
