/**
 * What an expression means for one span. The reference for every faster way to answer: kernels, SQL.
 *
 * A field may have several values (elements of an array, a span's events or links). A comparison is true
 * if any value satisfies it; `!=` and `!~` on an array want it of each element, on events and links of
 * one of them. A missing field has no value: every comparison with it is false, also `!=`.
 */
import type {
  ArithmeticOperator,
  AttributeFieldScope,
  BinaryExpression,
  ComparisonOperator,
  FieldExpression,
  Intrinsic,
  Static,
} from './ast.ts';
import { compareStatics, compileComparison, holdsForEvery, isNumeric, negate } from './compare.ts';
import { isComparison, isLogical, isNil } from './expression.ts';

/** The fields of one span. A missing one has no values; `staticsOf` gives those of an attribute. */
export interface FieldSource {
  /** `scope` is never `any`: `.x` asks for the span's, then, if it has none, the resource's. */
  attribute(scope: Exclude<AttributeFieldScope, 'any'>, key: string, parent: boolean): readonly Static[];
  /**
   * Ids as lower-case hex of full length; `span:parentID` of a root span is ''. `span:parent` has a value,
   * whichever, if the span has a parent's id. With `parent`, of the parent span: nothing if it is unknown.
   */
  intrinsic(name: Intrinsic, parent: boolean): readonly Static[];
}

const TRUE: Static = { type: 'bool', value: true };
const FALSE: Static = { type: 'bool', value: false };
const NIL: Static = { type: 'nil' };

/** A null condition, `{}`, matches every span. */
export function matches(condition: FieldExpression | null, row: FieldSource): boolean {
  return condition === null || holds(condition, row);
}

/** The value of an expression; of several, the first; of none, nil. */
export function evaluate(expression: FieldExpression, row: FieldSource): Static {
  return values(expression, row)[0] ?? NIL;
}

function bool(value: boolean): Static {
  return value ? TRUE : FALSE;
}

/** True only for the boolean true: a bare attribute that is missing or of another type is not. */
function holds(expression: FieldExpression, row: FieldSource): boolean {
  if (expression.kind !== 'binary') return values(expression, row).some(isTrue);
  const { operator, left, right } = expression;
  if (operator === '&&') return holds(left, row) && holds(right, row);
  if (operator === '||') return holds(left, row) || holds(right, row);
  if (isComparison(operator)) return compare(expression, operator, row);
  return false;
}

function isTrue(value: Static): boolean {
  return value.type === 'bool' && value.value;
}

function values(expression: FieldExpression, row: FieldSource): readonly Static[] {
  switch (expression.kind) {
    case 'literal':
      return expression.value.type === 'nil' ? [] : [expression.value];
    case 'intrinsic':
      return row.intrinsic(expression.name, expression.parent);
    case 'attribute':
      return attributeValues(expression.scope, expression.key, expression.parent, row);
    case 'unary':
      return unary(expression.operator, values(expression.operand, row));
    case 'binary':
      if (isLogical(expression.operator) || isComparison(expression.operator)) {
        return [bool(holds(expression, row))];
      }
      return arithmetic(expression.operator, values(expression.left, row), values(expression.right, row));
  }
}

function attributeValues(
  scope: AttributeFieldScope,
  key: string,
  parent: boolean,
  row: FieldSource,
): readonly Static[] {
  if (scope !== 'any') return row.attribute(scope, key, parent);
  const own = row.attribute('span', key, parent);
  return own.length > 0 ? own : row.attribute('resource', key, parent);
}

function unary(operator: '!' | '-', operands: readonly Static[]): readonly Static[] {
  const results: Static[] = [];
  for (const operand of operands) {
    if (operator === '!' && operand.type === 'bool') results.push(bool(!operand.value));
    if (operator === '-' && isNumeric(operand)) results.push(negate(operand));
  }
  return results;
}

function compare(expression: BinaryExpression, operator: ComparisonOperator, row: FieldSource): boolean {
  const { left, right } = expression;
  if (isNil(right)) return !isNil(left) && values(left, row).length > 0 === (operator === '!=');
  if (isNil(left)) return values(right, row).length > 0 === (operator === '!=');
  const leftValues = values(left, row);
  if (leftValues.length === 0) return false;
  const every = holdsForEvery(operator) && !repeats(left) && !repeats(right);
  if (right.kind === 'literal') {
    const satisfies = compiled(expression, operator, right.value);
    return every ? leftValues.every(satisfies) : leftValues.some(satisfies);
  }
  const rightValues = values(right, row);
  if (rightValues.length === 0) return false;
  const satisfies = (l: Static): boolean =>
    every
      ? rightValues.every((r) => compareStatics(operator, l, r))
      : rightValues.some((r) => compareStatics(operator, l, r));
  return every ? leftValues.every(satisfies) : leftValues.some(satisfies);
}

/** True if the values come from a span's events or links, each asked on its own: `!=` wants one of them. */
export function repeats(expression: FieldExpression): boolean {
  switch (expression.kind) {
    case 'literal':
      return false;
    case 'attribute':
      return expression.scope === 'event' || expression.scope === 'link';
    case 'intrinsic':
      return expression.name.startsWith('event:') || expression.name.startsWith('link:');
    case 'unary':
      return repeats(expression.operand);
    case 'binary':
      return repeats(expression.left) || repeats(expression.right);
  }
}

/** Trees are never changed, so a comparison's compiled form lives as long as its node. */
const compiledComparisons = new WeakMap<BinaryExpression, (value: Static) => boolean>();

function compiled(
  expression: BinaryExpression,
  operator: ComparisonOperator,
  literal: Static,
): (value: Static) => boolean {
  let predicate = compiledComparisons.get(expression);
  if (predicate === undefined) {
    predicate = compileComparison(operator, literal);
    compiledComparisons.set(expression, predicate);
  }
  return predicate;
}

/** Of several values with one, each; several with several have no result, nor have other types. */
function arithmetic(
  operator: ArithmeticOperator,
  left: readonly Static[],
  right: readonly Static[],
): readonly Static[] {
  if (left.length > 1 && right.length > 1) return [];
  const results: Static[] = [];
  for (const l of left) {
    for (const r of right) {
      const result = calculate(operator, l, r);
      if (result !== null) results.push(result);
    }
  }
  return results;
}

/** int with int stays int (64 bits, wrapping; "/" cuts); any other pair of numbers gives a float. */
export function calculate(operator: ArithmeticOperator, left: Static, right: Static): Static | null {
  if (!isNumeric(left) || !isNumeric(right)) return null;
  if (left.type === 'int' && right.type === 'int') return calculateInts(operator, left.value, right.value);
  return { type: 'float', value: calculateFloats(operator, Number(left.value), Number(right.value)) };
}

function calculateFloats(operator: ArithmeticOperator, left: number, right: number): number {
  switch (operator) {
    case '+':
      return left + right;
    case '-':
      return left - right;
    case '*':
      return left * right;
    case '/':
      return left / right;
    case '%':
      return left % right;
    case '^':
      return left ** right;
  }
}

function calculateInts(operator: ArithmeticOperator, left: bigint, right: bigint): Static | null {
  if ((operator === '/' || operator === '%') && right === 0n) return null;
  switch (operator) {
    case '+':
      return int(left + right);
    case '-':
      return int(left - right);
    case '*':
      return int(left * right);
    case '/':
      return int(left / right);
    case '%':
      return int(left % right);
    case '^':
      return intPower(left, right);
  }
}

function int(value: bigint): Static {
  return { type: 'int', value: BigInt.asIntN(64, value) };
}

/** Exact while it fits; a float beyond, and for a negative exponent. */
function intPower(base: bigint, exponent: bigint): Static {
  const power = Number(base) ** Number(exponent);
  if (exponent < 0n || !(Math.abs(power) < 2 ** 63)) return { type: 'float', value: power };
  return int(base ** (exponent > 63n ? 63n + (exponent % 2n === 0n ? 1n : 0n) : exponent));
}
