/** Small questions about a tree that parser, printer and evaluation share. */
import type {
  ArithmeticOperator,
  BinaryOperator,
  ComparisonOperator,
  FieldExpression,
  LogicalOperator,
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
