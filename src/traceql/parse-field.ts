/** The language inside of a selector's braces: conditions over fields and values. */
import type {
  AttributeField,
  BinaryOperator,
  FieldExpression,
  IntrinsicField,
  SpansetFilter,
} from './ast.ts';
import { checkCondition } from './check.ts';
import { isNumeric, negate } from './compare.ts';
import { TraceqlError } from './error.ts';
import { isComparison, isNil, precedence, prefixPrecedence } from './expression.ts';
import { CONSTANTS, idDigits, INTRINSICS, intrinsicType, wordsOfType } from './keywords.ts';
import type { Token } from './lex.ts';
import { compileCost } from './regex.ts';
import type { TokenStream } from './token-stream.ts';

const BINARY_OPERATORS: ReadonlyMap<string, BinaryOperator> = new Map(
  (['&&', '||', '=', '!=', '>', '>=', '<', '<=', '=~', '!~', '+', '-', '*', '/', '%', '^'] as const).map(
    (operator) => [operator, operator],
  ),
);

const OPERAND = 'a value or field';
const SCOPE_HINT = 'an attribute begins with ".", "span." or "resource."';
const WORD_HINT = `text stands in quotes, ${SCOPE_HINT}`;
export const EQUAL_SIGN = 'one "=", which compares';
const FIELD = 'a field, such as resource.service.name or duration';

/** `{ condition }`. */
export function parseSelector(tokens: TokenStream): SpansetFilter {
  const { position } = tokens.token;
  tokens.countSelector();
  tokens.expectSymbol('{');
  if (tokens.takeSymbol('}')) return { kind: 'filter', condition: null, position };
  const start = tokens.token.position;
  const condition = parseFieldExpression(tokens);
  tokens.expectSymbol('}', closing(tokens, '}'));
  checkCondition(condition, start);
  return { kind: 'filter', condition, position };
}

/** What may stand behind an operand; for what other languages write there, TraceQL's own. */
function closing(tokens: TokenStream, bracket: string): string {
  if (tokens.isWord('and')) return '"&&"';
  if (tokens.isWord('or') || tokens.isSymbol('|')) return '"||"';
  return `an operator or "${bracket}"`;
}

/** Not checked for its types. */
export function parseFieldExpression(tokens: TokenStream): FieldExpression {
  return expression(tokens, 1);
}

/** An attribute or intrinsic alone, as `by` of metrics and `select` take it. */
export function parseField(tokens: TokenStream): AttributeField | IntrinsicField {
  const { token } = tokens;
  const field = token.kind === 'word' && CONSTANTS.has(token.text) ? null : fieldOf(token);
  if (field === null) throw tokens.unexpected(token.kind === 'word' ? `${FIELD}; ${SCOPE_HINT}` : FIELD);
  if (field.kind === 'intrinsic' && field.name === 'span:parent') {
    throw tokens.unexpected('a field of the parent, such as parent.name');
  }
  tokens.skip();
  return field;
}

function fieldOf(token: Token): AttributeField | IntrinsicField | null {
  switch (token.kind) {
    case 'attribute': {
      const { kind, scope, parent, key, position } = token;
      return { kind, scope, parent, key, position };
    }
    case 'intrinsic': {
      const { kind, name, parent, position } = token;
      return { kind, name, parent, position };
    }
    case 'word': {
      const name = INTRINSICS.get(token.text);
      return name === undefined ? null : { kind: 'intrinsic', name, parent: false, position: token.position };
    }
    case 'symbol':
    case 'literal':
    case 'end':
      return null;
  }
}

/** Operators that bind as tight as `minimum` or tighter. `words`: that may stand first, for who writes another. */
function expression(tokens: TokenStream, minimum: number, words?: string): FieldExpression {
  let left = operand(tokens, words);
  for (;;) {
    const { token } = tokens;
    const operator = token.kind === 'symbol' ? BINARY_OPERATORS.get(token.text) : undefined;
    if (operator === undefined) return left;
    const binds = precedence(operator);
    if (binds < minimum) return left;
    tokens.countOperator();
    tokens.skip();
    // "^" groups from the right, all others from the left.
    const right = expression(tokens, operator === '^' ? binds : binds + 1, wordsBeside(left, operator));
    if (operator === '=~' || operator === '!~') countPattern(tokens, right);
    left = binary(operator, left, right, token.position);
  }
}

function wordsBeside(field: FieldExpression, operator: BinaryOperator): string | undefined {
  if (field.kind !== 'intrinsic' || !isComparison(operator)) return undefined;
  const type = intrinsicType(field.name);
  const words = wordsOfType(type);
  return words && `${words} beside ${type}`;
}

/** Before the check compiles it. */
function countPattern(tokens: TokenStream, pattern: FieldExpression): void {
  if (pattern.kind !== 'literal' || pattern.value.type !== 'string') return;
  tokens.countRegex(compileCost(pattern.value.value), pattern.position);
}

function operand(tokens: TokenStream, words: string | undefined): FieldExpression {
  const { token } = tokens;
  if (token.kind === 'symbol') return symbolOperand(tokens, token.text, token.position);
  if (token.kind === 'literal') {
    tokens.skip();
    return { kind: 'literal', value: token.value, position: token.position };
  }
  const value = token.kind === 'word' ? CONSTANTS.get(token.text) : undefined;
  if (token.kind === 'end') throw tokens.unexpected(OPERAND);
  const found: FieldExpression | null =
    value === undefined ? fieldOf(token) : { kind: 'literal', value, position: token.position };
  if (found === null) {
    throw tokens.unexpected(tokens.isWord('not') ? '"!"' : (words ?? `${OPERAND}; ${WORD_HINT}`));
  }
  tokens.skip();
  return found;
}

function symbolOperand(tokens: TokenStream, symbol: string, position: number): FieldExpression {
  if (symbol === '!' || symbol === '-') {
    tokens.enter();
    tokens.countOperator();
    tokens.skip();
    const inner = expression(tokens, prefixPrecedence(symbol) + 1);
    tokens.leave();
    return unary(symbol, inner, position);
  }
  if (symbol !== '(') throw tokens.unexpected(tokens.isSecondEqualSign ? EQUAL_SIGN : OPERAND);
  tokens.enter();
  tokens.skip();
  const inner = expression(tokens, 1);
  if (isNil(inner)) {
    throw new TraceqlError(inner.position, 'nil in parentheses', 'nil right beside "=" or "!="');
  }
  tokens.expectSymbol(')', closing(tokens, ')'));
  tokens.leave();
  return inner;
}

/** The sign of a number belongs to it: `-1` is a literal. */
function unary(operator: '!' | '-', operand: FieldExpression, position: number): FieldExpression {
  if (operator === '-' && operand.kind === 'literal' && isNumeric(operand.value)) {
    return { kind: 'literal', value: negate(operand.value), position };
  }
  return { kind: 'unary', operator, operand, position };
}

function binary(
  operator: BinaryOperator,
  left: FieldExpression,
  right: FieldExpression,
  position: number,
): FieldExpression {
  if (!isComparison(operator) || operator === '=~' || operator === '!~') {
    return { kind: 'binary', operator, left, right, position };
  }
  return { kind: 'binary', operator, left: wholeId(left, right), right: wholeId(right, left), position };
}

/** Ids may be written without their leading zeros and in upper case; the tree has them as they are stored. */
function wholeId(expression: FieldExpression, other: FieldExpression): FieldExpression {
  if (expression.kind !== 'literal' || expression.value.type !== 'string') return expression;
  const digits = other.kind === 'intrinsic' ? idDigits(other.name) : 0;
  const { value } = expression.value;
  if (digits === 0 || !/^[0-9a-fA-F]+$/.test(value)) return expression;
  return { ...expression, value: { type: 'string', value: value.toLowerCase().padStart(digits, '0') } };
}
