/** Random trees for property tests: every tree that a text can give, and only those. */
import fc from 'fast-check';
import type { AttributeFieldScope, BinaryOperator, FieldExpression, Static } from './ast.ts';
import { checkCondition } from './check.ts';
import { isComparison } from './expression.ts';
import { idDigits, INTRINSICS, KIND_KEYWORDS, STATUS_KEYWORDS } from './keywords.ts';

export const SCOPE_LIST: readonly AttributeFieldScope[] = [
  'any',
  'span',
  'resource',
  'event',
  'link',
  'instrumentation',
];
const COMPARISONS = ['=', '!=', '>', '>=', '<', '<='] as const;
const ARITHMETIC = ['+', '-', '*', '/', '%', '^'] as const;

const int64 = fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n });
const smallInt = fc.bigInt({ min: -3n, max: 3n });

export const literalValue: fc.Arbitrary<Static> = fc.oneof(
  fc.record({ type: fc.constant('string' as const), value: fc.string({ unit: 'binary', maxLength: 8 }) }),
  fc.record({ type: fc.constant('int' as const), value: fc.oneof(smallInt, int64) }),
  fc.record({
    type: fc.constant('float' as const),
    value: fc.double({ noNaN: true, noDefaultInfinity: true }),
  }),
  fc.record({ type: fc.constant('bool' as const), value: fc.boolean() }),
  // The smallest duration can't be written.
  fc.record({
    type: fc.constant('duration' as const),
    value: fc.oneof(smallInt, int64).filter((value) => value !== -(1n << 63n)),
  }),
  fc.record({ type: fc.constant('status' as const), value: fc.constantFrom(...STATUS_KEYWORDS) }),
  fc.record({ type: fc.constant('kind' as const), value: fc.constantFrom(...KIND_KEYWORDS) }),
);

const literal = literalValue.map((value): FieldExpression => ({ kind: 'literal', value, position: 0 }));

const key = fc.oneof(
  fc.constantFrom('a', 'http.route', '5xx', 'name', 'span.x', 'x y', 'a"b\\', ''),
  fc.string({ unit: 'binary', maxLength: 6 }),
);

const attribute = fc
  .record({ scope: fc.constantFrom(...SCOPE_LIST), parent: fc.boolean(), key })
  .map(({ scope, parent, key: name }): FieldExpression => {
    const ofParent = parent && (scope === 'any' || scope === 'span' || scope === 'resource');
    return { kind: 'attribute', scope, parent: ofParent, key: name, position: 0 };
  });

const intrinsicField = fc
  .record({ name: fc.constantFrom(...new Set(INTRINSICS.values())), parent: fc.boolean() })
  .map(({ name, parent }): FieldExpression => ({ kind: 'intrinsic', name, parent, position: 0 }));

const NIL: FieldExpression = { kind: 'literal', value: { type: 'nil' }, position: 0 };

function binary(operator: BinaryOperator, left: FieldExpression, right: FieldExpression): FieldExpression {
  return { kind: 'binary', operator, left, right, position: 0 };
}

function isNumberLiteral(expression: FieldExpression): boolean {
  if (expression.kind !== 'literal') return false;
  return ['int', 'float', 'duration'].includes(expression.value.type);
}

function isId(expression: FieldExpression): boolean {
  return expression.kind === 'intrinsic' && idDigits(expression.name) > 0;
}

const { tree } = fc.letrec<{ tree: FieldExpression }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 5, depthSize: 'small' },
    attribute,
    literal,
    intrinsicField,
    fc
      .tuple(
        fc.constantFrom(...COMPARISONS, ...ARITHMETIC, '&&' as const, '||' as const),
        tie('tree'),
        tie('tree'),
      )
      .map(([operator, left, right]) => binary(operator, left, right)),
    fc
      .tuple(
        fc.constantFrom('=~' as const, '!~' as const),
        tie('tree'),
        fc.constantFrom('a.*', '', '(?i)x|y', '.*b'),
      )
      .map(([operator, left, value]) =>
        binary(operator, left, { kind: 'literal', value: { type: 'string', value }, position: 0 }),
      ),
    fc
      .tuple(fc.constantFrom('=' as const, '!=' as const), tie('tree'), fc.boolean())
      .map(([operator, field, first]) =>
        first ? binary(operator, NIL, field) : binary(operator, field, NIL),
      ),
    fc
      .tuple(fc.constantFrom('!' as const, '-' as const), tie('tree'))
      .map(([operator, operand]): FieldExpression => {
        // The sign of a number belongs to its literal.
        if (operator === '-' && isNumberLiteral(operand)) return operand;
        return { kind: 'unary', operator, operand, position: 0 };
      }),
  ),
}));

/** Ids beside ids' literals are completed by the parser: left to its table of cases. */
function hasIdLiteral(expression: FieldExpression): boolean {
  if (expression.kind === 'unary') return hasIdLiteral(expression.operand);
  if (expression.kind !== 'binary') return false;
  const { operator, left, right } = expression;
  if (
    isComparison(operator) &&
    ((isId(left) && right.kind === 'literal') || (isId(right) && left.kind === 'literal'))
  ) {
    return true;
  }
  return hasIdLiteral(left) || hasIdLiteral(right);
}

/** True if the parser gives this very tree, wherever `check` lets it stand. */
export function isSound(
  expression: FieldExpression,
  check: (expression: FieldExpression) => void = (each) => checkCondition(each, 0),
): boolean {
  try {
    check(expression);
    return !hasIdLiteral(expression);
  } catch {
    return false;
  }
}

/** Conditions that pass the type check. */
export const condition: fc.Arbitrary<FieldExpression> = tree.filter((each) => isSound(each));
