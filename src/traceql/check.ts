/** Types, checked before a query runs. An attribute has any type: only the span tells. */
import type { BinaryExpression, BinaryOperator, FieldExpression, UnaryExpression } from './ast.ts';
import { TraceqlError } from './error.ts';
import { isArithmetic, isComparison, isLogical, isNil } from './expression.ts';
import { type FieldType, intrinsicType, wordsOfType } from './keywords.ts';
import { printExpression } from './print.ts';
import { RegexError, regexMatcher } from './regex.ts';

/** Throws TraceqlError unless the condition of a selector, which begins at `start`, is sound. */
export function checkCondition(condition: FieldExpression, start: number): void {
  const type = check(condition);
  if (type === 'bool' || type === 'attribute') return;
  throw new TraceqlError(start, type, 'a condition, which is true or false');
}

/** Throws TraceqlError unless a group `by(expression)`, which begins at `start`, can have different values. */
export function checkGroup(expression: FieldExpression, start: number): void {
  const type = check(expression);
  if (type === 'nil') throw new TraceqlError(start, printExpression(expression), GROUP);
  if (!readsSpan(expression)) throw new TraceqlError(start, 'a constant', GROUP);
}

const GROUP = 'a field or a calculation with one in by()';

/** Throws TraceqlError unless the operand of an aggregate, which begins at `start`, is a number of the span. */
export function checkAggregate(operand: FieldExpression, start: number, name: string): void {
  checkNumeric(operand, start, `${name}()`);
  if (readsSpan(operand)) return;
  throw new TraceqlError(start, 'a constant', `a field or a calculation with one in ${name}()`);
}

/** Throws TraceqlError if what is asked for in `where`, beginning at `start`, can't be a number. */
export function checkNumeric(operand: FieldExpression, start: number, where: string): void {
  const type = check(operand);
  if (type === 'attribute' || isNumber(type)) return;
  throw new TraceqlError(start, type, `a number, duration or attribute in ${where}`);
}

function readsSpan(expression: FieldExpression): boolean {
  switch (expression.kind) {
    case 'literal':
      return false;
    case 'attribute':
    case 'intrinsic':
      return true;
    case 'unary':
      return readsSpan(expression.operand);
    case 'binary':
      return readsSpan(expression.left) || readsSpan(expression.right);
  }
}

function check(expression: FieldExpression): FieldType {
  switch (expression.kind) {
    case 'literal':
      if (expression.value.type === 'opaque') throw new Error('a value that has no literal');
      return expression.value.type;
    case 'attribute':
      return 'attribute';
    case 'intrinsic':
      return intrinsicType(expression.name);
    case 'unary':
      return checkUnary(expression);
    case 'binary':
      return checkBinary(expression);
  }
}

function checkUnary({ operator, operand, position }: UnaryExpression): FieldType {
  const type = check(operand);
  if (type === 'attribute' || (operator === '!' ? type === 'bool' : isNumber(type))) return type;
  throw new TraceqlError(
    position,
    type,
    `${operator === '!' ? 'true or false' : 'a number'} after "${operator}"`,
  );
}

function checkBinary(expression: BinaryExpression): FieldType {
  const { operator, left, right, position } = expression;
  const [leftType, rightType] = [check(left), check(right)];
  if (leftType === 'nil' || rightType === 'nil') {
    checkNil(expression);
    return 'bool';
  }
  if (!fit(leftType, rightType)) {
    if (operator === '=' || operator === '!=') {
      checkWord(leftType, right);
      checkWord(rightType, left);
    }
    throw new TraceqlError(
      position,
      `${leftType} and ${rightType}`,
      `operands of one type for "${operator}"`,
    );
  }
  if (!allows(operator, leftType) || !allows(operator, rightType)) {
    throw new TraceqlError(
      position,
      `${leftType} and ${rightType}`,
      `${operandsOf(operator)} for "${operator}"`,
    );
  }
  if (operator === '=~' || operator === '!~') checkRegex(right);
  if (!isArithmetic(operator)) return 'bool';
  return leftType === 'attribute' ? rightType : leftType;
}

/** `kind = "server"`: says which words there are, and that they stand without quotes. */
function checkWord(type: FieldType, other: FieldExpression): void {
  const words = wordsOfType(type);
  if (words === undefined || other.kind !== 'literal') return;
  const quotes = other.value.type === 'string' ? ' without quotes' : '';
  throw new TraceqlError(other.position, printExpression(other), `${words}${quotes} beside ${type}`);
}

/** `x = nil` asks whether x is missing. Intrinsics are never, save the parent; nor is the service's name. */
function checkNil({ operator, left, right, position }: BinaryExpression): void {
  if (operator !== '=' && operator !== '!=') {
    throw new TraceqlError(position, `"${operator}"`, '"=" or "!=" beside nil or parent');
  }
  if (!isNil(left) && !isNil(right))
    throw new TraceqlError(position, 'another value', 'parent = nil or != nil');
  const other = isNil(left) ? right : left;
  if (operator === '!=') return;
  const always =
    (other.kind === 'intrinsic' && other.name !== 'span:parent') ||
    (other.kind === 'attribute' &&
      other.scope === 'resource' &&
      !other.parent &&
      other.key === 'service.name');
  if (always)
    throw new TraceqlError(position, printExpression(other), 'a field that can be missing beside "= nil"');
}

function checkRegex(pattern: FieldExpression): void {
  if (pattern.kind !== 'literal' || pattern.value.type !== 'string') {
    throw new TraceqlError(pattern.position, printExpression(pattern), 'a regular expression in quotes');
  }
  try {
    regexMatcher(pattern.value.value);
  } catch (error) {
    if (!(error instanceof RegexError)) throw error;
    throw new TraceqlError(pattern.position, error.message, 'a regular expression in the syntax of RE2');
  }
}

function isNumber(type: FieldType): boolean {
  return type === 'int' || type === 'float' || type === 'duration';
}

function fit(left: FieldType, right: FieldType): boolean {
  if (left === 'attribute' || right === 'attribute' || left === right) return true;
  return isNumber(left) && isNumber(right);
}

function allows(operator: BinaryOperator, type: FieldType): boolean {
  if (type === 'attribute') return true;
  if (isLogical(operator)) return type === 'bool';
  if (isArithmetic(operator)) return isNumber(type);
  if (!isComparison(operator) || operator === '=' || operator === '!=') return true;
  if (operator === '=~' || operator === '!~') return type === 'string';
  return type === 'string' || isNumber(type);
}

function operandsOf(operator: BinaryOperator): string {
  if (isLogical(operator)) return 'conditions';
  if (isArithmetic(operator)) return 'numbers';
  return operator === '=~' || operator === '!~' ? 'strings' : 'numbers or strings';
}
