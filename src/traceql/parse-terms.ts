/** Two operands outside of braces and the operator between them: spansets, scalars or metrics. */
import type { Literal, MetricsExpression, ScalarExpression, SpansetExpression } from './ast.ts';
import { TraceqlError } from './error.ts';
import { evaluate } from './evaluate.ts';
import { arithmeticOf, orderingOf, spansetOperatorOf } from './expression.ts';
import { printStatic } from './print.ts';
import type { Token } from './lex.ts';
import type { TokenStream } from './token-stream.ts';

export type Term =
  /** `open`: a comparison of scalars, not in parentheses. It can't be an operand then. */
  | { readonly kind: 'spansets'; readonly expression: SpansetExpression; readonly open: boolean }
  | { readonly kind: 'scalar'; readonly expression: ScalarExpression }
  | { readonly kind: 'metrics'; readonly expression: MetricsExpression };

type SymbolToken = Extract<Token, { kind: 'symbol' }>;

/** `operator` stands between; `start` is the first token of `right`. Throws TraceqlError. */
export function combineTerms(
  tokens: TokenStream,
  operator: SymbolToken,
  left: Term,
  right: Term,
  start: Token,
): Term {
  if ((left.kind === 'spansets' && left.open) || (right.kind === 'spansets' && right.open)) {
    throw tokens.unexpectedAt(
      operator,
      '"|", or parentheses around the comparison, as in (count() > 2) && {}',
    );
  }
  if (left.kind === 'metrics' || right.kind === 'metrics') {
    return combineMetrics(tokens, operator, left, right, start);
  }
  if (left.kind === 'spansets' && right.kind === 'spansets') {
    const spansetOperator = spansetOperatorOf(operator.text);
    if (spansetOperator === undefined) {
      throw tokens.unexpectedAt(operator, 'an operator between spansets, such as &&, || or >>');
    }
    const { position } = operator;
    return {
      kind: 'spansets',
      expression: {
        kind: 'operation',
        operator: spansetOperator,
        left: left.expression,
        right: right.expression,
        position,
      },
      open: false,
    };
  }
  if (left.kind === 'spansets') {
    throw tokens.unexpectedAt(start, `a spanset on the right of "${operator.text}", as on its left`);
  }
  if (right.kind === 'spansets') {
    throw tokens.unexpectedAt(
      start,
      `a number or aggregate on the right of "${operator.text}", as on its left`,
    );
  }
  return combineScalars(tokens, operator, left.expression, right.expression);
}

function combineScalars(
  tokens: TokenStream,
  token: SymbolToken,
  left: ScalarExpression,
  right: ScalarExpression,
): Term {
  const { position } = token;
  const operator = arithmeticOf(token.text);
  if (left.kind === 'literal' && right.kind === 'literal') {
    if (operator === undefined) {
      throw tokens.unexpectedAt(token, 'an aggregate on one side of a comparison, as in count() > 2');
    }
    return { kind: 'scalar', expression: fold(token, left, right) };
  }
  checkAlike(tokens, token, left, right);
  if (operator !== undefined) {
    return { kind: 'scalar', expression: { kind: 'calculation', operator, left, right, position } };
  }
  const comparison = orderingOf(token.text);
  if (comparison === undefined) {
    throw tokens.unexpectedAt(token, 'a comparison or calculation between numbers');
  }
  return {
    kind: 'spansets',
    expression: { kind: 'scalar filter', operator: comparison, left, right, position },
    open: true,
  };
}

/** A number of the spanset at hand and one of another pipeline have no spanset in common. */
function checkAlike(
  tokens: TokenStream,
  token: SymbolToken,
  left: ScalarExpression,
  right: ScalarExpression,
): void {
  const kinds = new Set([...sourcesOf(left), ...sourcesOf(right)]);
  if (kinds.size < 2) return;
  throw tokens.unexpectedAt(token, 'either aggregates alone or pipelines in parentheses on both sides');
}

function sourcesOf(expression: ScalarExpression): ('aggregate' | 'scalar pipeline')[] {
  // Both sides of a calculation are alike, save for literals.
  let rest = expression;
  while (rest.kind === 'calculation') rest = rest.left.kind === 'literal' ? rest.right : rest.left;
  return rest.kind === 'literal' ? [] : [rest.kind];
}

/** Numbers alone are calculated at once. */
function fold(token: SymbolToken, left: Literal, right: Literal): Literal {
  const operator = arithmeticOf(token.text);
  if (operator === undefined) throw new Error(`no arithmetic: ${token.text}`);
  const { position } = left;
  if (left.value.type === 'duration' || right.value.type === 'duration') {
    throw new TraceqlError(token.position, 'a duration', 'plain numbers to calculate with');
  }
  const value = evaluate(
    { kind: 'binary', operator, left, right, position },
    { attribute: () => [], intrinsic: () => [] },
  );
  const finite = value.type === 'int' || (value.type === 'float' && Number.isFinite(value.value));
  if (!finite) throw new TraceqlError(token.position, `the result of "${token.text}"`, 'a finite number');
  return { kind: 'literal', value, position };
}

function combineMetrics(
  tokens: TokenStream,
  token: SymbolToken,
  left: Term,
  right: Term,
  start: Token,
): Term {
  const operator = arithmeticOf(token.text);
  if (operator === undefined || operator === '%' || operator === '^') {
    throw tokens.unexpectedAt(token, '"+", "-", "*" or "/" between metrics');
  }
  const { position } = token;
  return {
    kind: 'metrics',
    expression: {
      kind: 'metrics calculation',
      operator,
      left: metricsOperand(tokens, token, left, token),
      right: metricsOperand(tokens, token, right, start),
      stages: [],
      position,
    },
  };
}

function metricsOperand(
  tokens: TokenStream,
  operator: SymbolToken,
  term: Term,
  at: Token,
): MetricsExpression | Literal {
  if (term.kind === 'metrics') {
    if (term.expression.kind !== 'metrics' || term.expression.aggregate.kind !== 'compare')
      return term.expression;
    throw tokens.unexpectedAt(operator, 'the end of the query: compare() stands alone');
  }
  if (term.kind === 'spansets' || term.expression.kind !== 'literal') {
    throw tokens.unexpectedAt(
      at,
      `metrics, as in ({} | rate()), or a number on both sides of "${operator.text}"`,
    );
  }
  const { value, position } = term.expression;
  if (value.type !== 'duration') return term.expression;
  const expected = `a plain number beside "${operator.text}": metrics of durations are in seconds`;
  throw new TraceqlError(position, printStatic(value), expected);
}
