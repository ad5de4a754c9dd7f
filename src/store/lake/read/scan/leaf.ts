/**
 * A condition on one field, as a test of that field's value: what a kernel asks once per dictionary entry
 * instead of once per row. The test is TraceQL's own evaluation, so a kernel can't mean something else.
 */
import { fieldsOf } from '../../../../traceql/analyse.ts';
import type { Field } from '../../../../traceql/analyse.ts';
import type { ComparisonOperator, FieldExpression, Static } from '../../../../traceql/ast.ts';
import { flip } from '../../../../traceql/compare.ts';
import { matches } from '../../../../traceql/evaluate.ts';
import type { FieldSource } from '../../../../traceql/evaluate.ts';
import { isComparison } from '../../../../traceql/expression.ts';

export interface Leaf {
  readonly expression: FieldExpression;
  readonly field: Field;
  /** The leaf is `field operator literal`, perhaps written the other way round. */
  readonly comparison: { readonly operator: ComparisonOperator; readonly literal: Static } | undefined;
  /** `values`: those of the field in a row; empty when it is missing. */
  test(values: readonly Static[]): boolean;
}

/** Undefined unless the expression is about exactly one field of the span itself. */
export function leafOf(expression: FieldExpression): Leaf | undefined {
  const fields = fieldsOf(expression);
  if (fields.length !== 1 || fields[0].parent) return undefined;
  let values: readonly Static[] = [];
  const source: FieldSource = { attribute: () => values, intrinsic: () => values };
  return {
    expression,
    field: fields[0],
    comparison: comparisonOf(expression),
    test(given) {
      values = given;
      return matches(expression, source);
    },
  };
}

/** The parts that have to hold all together. */
export function conjuncts(expression: FieldExpression): FieldExpression[] {
  return expression.kind === 'binary' && expression.operator === '&&'
    ? [...conjuncts(expression.left), ...conjuncts(expression.right)]
    : [expression];
}

function comparisonOf(expression: FieldExpression): Leaf['comparison'] {
  if (expression.kind !== 'binary') return undefined;
  const { operator, left, right } = expression;
  if (!isComparison(operator)) return undefined;
  if (isField(left) && right.kind === 'literal' && right.value.type !== 'nil') {
    return { operator, literal: right.value };
  }
  const swaps = operator !== '=~' && operator !== '!~';
  if (left.kind !== 'literal' || left.value.type === 'nil' || !isField(right) || !swaps) return undefined;
  return { operator: flip(operator), literal: left.value };
}

function isField(expression: FieldExpression): boolean {
  return expression.kind === 'attribute' || expression.kind === 'intrinsic';
}
