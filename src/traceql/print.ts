/**
 * A tree as text, in one canonical form: parsed again it gives the same tree, but for positions. Two
 * queries that print alike mean the same, so the text serves as an identity too.
 */
import { formatDurationExact } from '../span/time.ts';
import type {
  AttributeField,
  BinaryExpression,
  FieldExpression,
  Query,
  Static,
  UnaryExpression,
} from './ast.ts';
import { isLogical, precedence } from './expression.ts';
import { INTRINSICS, intrinsicText, MAX_INT, MIN_INT } from './keywords.ts';

export function printQuery(query: Query): string {
  const { condition } = query.spanset;
  return condition === null ? '{}' : `{ ${printExpression(condition)} }`;
}

export function printExpression(expression: FieldExpression): string {
  switch (expression.kind) {
    case 'literal':
      return printStatic(expression.value);
    case 'intrinsic':
      return (expression.parent ? 'parent.' : '') + intrinsicText(expression.name);
    case 'attribute':
      return printAttribute(expression);
    case 'unary':
      return printUnary(expression);
    case 'binary':
      return printBinary(expression);
  }
}

function printUnary({ operator, operand }: UnaryExpression): string {
  const text = printExpression(operand);
  return operator + (operand.kind === 'binary' ? `(${text})` : text);
}

function printBinary({ operator, left, right }: BinaryExpression): string {
  const leftText = needsParentheses(operator, left, 'left')
    ? `(${printExpression(left)})`
    : printExpression(left);
  const rightText = needsParentheses(operator, right, 'right')
    ? `(${printExpression(right)})`
    : printExpression(right);
  return `${leftText} ${operator} ${rightText}`;
}

function needsParentheses(
  operator: BinaryExpression['operator'],
  child: FieldExpression,
  side: 'left' | 'right',
): boolean {
  // A prefix operator, also the sign of a number, reaches over a tighter operator behind it.
  if (child.kind === 'unary' || isNegative(child)) return precedence(operator) > precedence('+');
  if (child.kind !== 'binary') return false;
  // "a || b && c" needs none, and yet nobody reads it as TraceQL does.
  if (isLogical(operator) && isLogical(child.operator) && operator !== child.operator) return true;
  const difference = precedence(child.operator) - precedence(operator);
  if (difference !== 0) return difference < 0;
  return (side === 'left') === (operator === '^');
}

function isNegative(expression: FieldExpression): boolean {
  return expression.kind === 'literal' && printStatic(expression.value).startsWith('-');
}

const BARE_KEY = /^[A-Za-z0-9_.:/@-]+$/;

function printAttribute({ scope, parent, key }: AttributeField): string {
  const prefix = `${parent ? 'parent.' : ''}${scope === 'any' ? '' : `${scope}.`}`;
  return (prefix === '' ? '.' : prefix) + (isBareKey(scope, parent, key) ? key : quoteKey(key));
}

/** Unquoted, `.5xx` is a number, and `parent.span.x` and `parent.name` mean something else. */
function isBareKey(scope: AttributeField['scope'], parent: boolean, key: string): boolean {
  if (!BARE_KEY.test(key)) return false;
  if (scope !== 'any') return true;
  if (!parent) return !/^\d/.test(key);
  return !INTRINSICS.has(key) && !/^(span|resource)\./.test(key);
}

function quoteKey(key: string): string {
  return `"${key.replace(/["\\]/g, '\\$&')}"`;
}

export function printStatic(value: Static): string {
  switch (value.type) {
    case 'string':
      return JSON.stringify(value.value);
    case 'int':
      return value.value === MIN_INT ? 'minInt' : value.value === MAX_INT ? 'maxInt' : value.value.toString();
    case 'float':
      return printFloat(value.value);
    case 'bool':
      return value.value ? 'true' : 'false';
    case 'duration':
      return formatDurationExact(value.value);
    case 'status':
    case 'kind':
      return value.value;
    case 'nil':
      return 'nil';
    case 'opaque':
      throw new Error('a value that has no literal');
  }
}

/** With a "." or an exponent, so that it stays a float. */
function printFloat(value: number): string {
  if (!Number.isFinite(value)) throw new Error(`no literal for the number ${value}`);
  const text = Object.is(value, -0) ? '-0' : String(value);
  return /[.e]/.test(text) ? text : `${text}.0`;
}
