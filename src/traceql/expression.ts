/** Small questions about a tree that parser, printer and evaluation share. */
import type {
  ArithmeticOperator,
  BinaryOperator,
  ComparisonOperator,
  FieldExpression,
  LogicalOperator,
  ScalarFilter,
  SpansetOperator,
} from './ast.ts';

export function isLogical(operator: BinaryOperator): operator is LogicalOperator {
  return operator === '&&' || operator === '||';
}

export function isComparison(operator: BinaryOperator): operator is ComparisonOperator {
  return !isLogical(operator) && !isArithmetic(operator);
}

export function isArithmetic(operator: BinaryOperator): operator is ArithmeticOperator {
  switch (operator) {
    case '+':
    case '-':
    case '*':
    case '/':
    case '%':
    case '^':
      return true;
    default:
      return false;
  }
}

export function isNil(expression: FieldExpression): boolean {
  return expression.kind === 'literal' && expression.value.type === 'nil';
}

/** TraceQL's: `&&` and `||` bind alike, from left to right, and `!` binds tighter than `+`. */
export function precedence(operator: BinaryOperator): number {
  switch (operator) {
    case '&&':
    case '||':
      return 1;
    case '=':
    case '!=':
    case '>':
    case '>=':
    case '<':
    case '<=':
    case '=~':
    case '!~':
      return 2;
    case '+':
    case '-':
      return 3;
    case '*':
    case '/':
    case '%':
      return 5;
    case '^':
      return 6;
  }
}

/** Of a prefix operator: what follows it is its operand as far as it binds tighter than this. */
export function prefixPrecedence(operator: '!' | '-'): number {
  return operator === '!' ? 4 : 3;
}

const SPANSET_OPERATORS: ReadonlyMap<string, SpansetOperator> = new Map(
  (
    [
      ...(['&&', '||', '>', '>>', '<', '<<', '~'] as const),
      ...(['!>', '!>>', '!<', '!<<', '!~', '&>', '&>>', '&<', '&<<', '&~'] as const),
    ] as const
  ).map((operator) => [operator, operator]),
);

export function spansetOperatorOf(symbol: string): SpansetOperator | undefined {
  return SPANSET_OPERATORS.get(symbol);
}

/** Those of two spansets: `&&` and `||` bind alike, all others tighter and alike; all from left to right. */
export function spansetPrecedence(operator: SpansetOperator): number {
  return operator === '&&' || operator === '||' ? 1 : 2;
}

const ORDERINGS: ReadonlyMap<string, ScalarFilter['operator']> = new Map(
  (['=', '!=', '>', '>=', '<', '<='] as const).map((operator) => [operator, operator]),
);
const ARITHMETIC: ReadonlyMap<string, ArithmeticOperator> = new Map(
  (['+', '-', '*', '/', '%', '^'] as const).map((operator) => [operator, operator]),
);

/** A comparison of numbers. */
export function orderingOf(symbol: string): ScalarFilter['operator'] | undefined {
  return ORDERINGS.get(symbol);
}

export function arithmeticOf(symbol: string): ArithmeticOperator | undefined {
  return ARITHMETIC.get(symbol);
}

/** Of any operator outside of braces; undefined for what is none. */
export function operatorPrecedence(symbol: string): number | undefined {
  const operator = orderingOf(symbol) ?? arithmeticOf(symbol);
  if (operator !== undefined) return precedence(operator);
  const spansets = spansetOperatorOf(symbol);
  return spansets === undefined ? undefined : spansetPrecedence(spansets);
}
