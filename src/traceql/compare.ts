/**
 * What a comparison of two values means. Typed: a string never equals a number, and a comparison of types
 * that don't fit is false whatever the operator. int, float and duration compare as numbers, exactly.
 */
import type { AttributeValue } from '../span/span.ts';
import type { ComparisonOperator, Static } from './ast.ts';
import { regexMatcher } from './regex.ts';

/** The values of an attribute: those of an array's elements, none for an empty value. */
export function staticsOf(value: AttributeValue): Static[] {
  switch (value.type) {
    case 'string':
      return [{ type: 'string', value: value.value }];
    case 'bool':
      return [{ type: 'bool', value: value.value }];
    case 'int':
      return [{ type: 'int', value: value.value }];
    case 'double':
      return [{ type: 'float', value: value.value }];
    case 'array':
      return elementStatics(value.value);
    case 'bytes':
    case 'kvlist':
      return [{ type: 'opaque' }];
    case 'empty':
      return [];
  }
}

/** A list may have 100,000 elements: nothing is made for each that need not be. */
function elementStatics(elements: readonly AttributeValue[]): Static[] {
  const found: Static[] = [];
  for (const element of elements) {
    switch (element.type) {
      case 'string':
      case 'bool':
      case 'int':
        found.push(element);
        break;
      case 'double':
        found.push({ type: 'float', value: element.value });
        break;
      case 'array':
      case 'bytes':
      case 'kvlist':
      case 'empty':
    }
  }
  return found.length === 0 ? [{ type: 'opaque' }] : found;
}

/** `left operator right` for single values. `right` of `=~` and `!~` is the pattern. */
export function compareStatics(operator: ComparisonOperator, left: Static, right: Static): boolean {
  if (left.type === 'string') {
    return right.type === 'string' && compareStrings(operator, left.value, right.value);
  }
  if (isNumeric(left)) return isNumeric(right) && compareNumbers(operator, left.value, right.value);
  if (left.type === 'nil' || left.type === 'opaque' || left.type !== right.type) return false;
  if (operator === '=') return left.value === right.value;
  return operator === '!=' && left.value !== right.value;
}

type Numeric = Extract<Static, { type: 'int' | 'float' | 'duration' }>;

export function isNumeric(value: Static): value is Numeric {
  return value.type === 'int' || value.type === 'float' || value.type === 'duration';
}

export function negate(value: Numeric): Static {
  if (value.type === 'float') return { type: 'float', value: -value.value };
  return { type: value.type, value: BigInt.asIntN(64, -value.value) };
}

function compareStrings(operator: ComparisonOperator, left: string, right: string): boolean {
  switch (operator) {
    case '=':
      return left === right;
    case '!=':
      return left !== right;
    case '=~':
      return regexMatcher(right)(left) === true;
    case '!~':
      return regexMatcher(right)(left) === false;
    case '>':
      return compareText(left, right) > 0;
    case '>=':
      return compareText(left, right) >= 0;
    case '<':
      return compareText(left, right) < 0;
    case '<=':
      return compareText(left, right) <= 0;
  }
}

/** Order of the UTF-8 bytes, so that whoever compares bytes gets the same answer. */
export function compareText(left: string, right: string): number {
  const shared = Math.min(left.length, right.length);
  for (let at = 0; at < shared; at++) {
    const [l, r] = [left.charCodeAt(at), right.charCodeAt(at)];
    if (l !== r) return byteOrder(l) - byteOrder(r);
  }
  return left.length - right.length;
}

/** Surrogates stand for code points above U+FFFF and sort behind U+E000 to U+FFFF. */
function byteOrder(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}

/** JavaScript orders a bigint and a number exactly; a NaN is in no order and only unequal. */
function compareNumbers(
  operator: ComparisonOperator,
  left: bigint | number,
  right: bigint | number,
): boolean {
  switch (operator) {
    case '=':
      return left <= right && left >= right;
    case '!=':
      return !(left <= right && left >= right);
    case '>':
      return left > right;
    case '>=':
      return left >= right;
    case '<':
      return left < right;
    case '<=':
      return left <= right;
    case '=~':
    case '!~':
      return false;
  }
}

/**
 * `value operator literal`, made once and asked often: once per dictionary entry in a scan. Whether one or
 * every value of a field has to satisfy it, `holdsForEvery` tells. Presence (`= nil`, `!= nil`) is no
 * comparison of values: it is false here.
 */
export function compileComparison(operator: ComparisonOperator, literal: Static): (value: Static) => boolean {
  if (literal.type === 'string' && (operator === '=~' || operator === '!~')) {
    const matches = regexMatcher(literal.value);
    const wanted = operator === '=~';
    return (value) => value.type === 'string' && matches(value.value) === wanted;
  }
  return (value) => compareStatics(operator, value, literal);
}

/** `!=` and `!~` say "none of them": each element of an array has to satisfy them. Others: any. */
export function holdsForEvery(operator: ComparisonOperator): boolean {
  return operator === '!=' || operator === '!~';
}

/** `a < b` is `flip('<')` of b and a. A regular expression's sides can't be swapped. */
export function flip(operator: ComparisonOperator): ComparisonOperator {
  switch (operator) {
    case '>':
      return '<';
    case '>=':
      return '<=';
    case '<':
      return '>';
    case '<=':
      return '>=';
    case '=':
    case '!=':
    case '=~':
    case '!~':
      return operator;
  }
}
