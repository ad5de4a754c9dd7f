/** What a condition needs, and the part of it that a span alone can decide. */
import type {
  AttributeField,
  BinaryExpression,
  BinaryOperator,
  FieldExpression,
  IntrinsicField,
} from './ast.ts';
import { flip } from './compare.ts';
import { isComparison, isLogical } from './expression.ts';
import { needsTrace } from './keywords.ts';
import { printExpression } from './print.ts';

export type Field = AttributeField | IntrinsicField;

interface Analysis {
  /** Fields that the whole condition reads, each once, in the order of the text. */
  readonly fields: readonly Field[];
  /** Those of `scan`, the only columns that a scan has to decode. */
  readonly scanFields: readonly Field[];
  /** True if some field lies outside of the span: then `scan` is only a superset. */
  readonly needsTrace: boolean;
  /**
   * True for every span for which the condition is true, and asks for nothing but the span itself. The
   * same as the condition unless `needsTrace`. Null: every span.
   */
  readonly scan: FieldExpression | null;
}

export function analyse(condition: FieldExpression | null): Analysis {
  if (condition === null) return { fields: [], scanFields: [], needsTrace: false, scan: null };
  const rewritten = rewriteRootTests(condition);
  const outside = readsTrace(rewritten);
  const upper = outside ? bound(rewritten, true) : rewritten;
  const scan = upper === true ? null : upper === false ? NEVER : upper;
  return {
    fields: fieldsOf(condition),
    scanFields: scan === null ? [] : fieldsOf(scan),
    needsTrace: outside,
    scan,
  };
}

const NEVER: FieldExpression = { kind: 'literal', value: { type: 'bool', value: false }, position: 0 };

export function fieldsOf(expression: FieldExpression): readonly Field[] {
  const found = new Map<string, Field>();
  collectFields(expression, found);
  return [...found.values()];
}

function collectFields(expression: FieldExpression, found: Map<string, Field>): void {
  switch (expression.kind) {
    case 'literal':
      return;
    case 'attribute':
    case 'intrinsic': {
      const text = printExpression(expression);
      if (!found.has(text)) found.set(text, expression);
      return;
    }
    case 'unary':
      return collectFields(expression.operand, found);
    case 'binary':
      collectFields(expression.left, found);
      return collectFields(expression.right, found);
  }
}

function readsTrace(expression: FieldExpression): boolean {
  switch (expression.kind) {
    case 'literal':
      return false;
    case 'attribute':
      return expression.parent;
    case 'intrinsic':
      return expression.parent || needsTrace(expression.name);
    case 'unary':
      return readsTrace(expression.operand);
    case 'binary':
      return readsTrace(expression.left) || readsTrace(expression.right);
  }
}

/**
 * `nestedSetParent < 0` is how queries ask for root spans. The span's own missing parent id says the same,
 * so it need not wait for the trace.
 */
function rewriteRootTests(expression: FieldExpression): FieldExpression {
  switch (expression.kind) {
    case 'literal':
    case 'attribute':
    case 'intrinsic':
      return expression;
    case 'unary':
      return { ...expression, operand: rewriteRootTests(expression.operand) };
    case 'binary':
      if (isRootTest(expression)) return rootTest(expression);
      if (!isLogical(expression.operator)) return expression;
      return {
        ...expression,
        left: rewriteRootTests(expression.left),
        right: rewriteRootTests(expression.right),
      };
  }
}

function isRootTest({ operator, left, right }: BinaryExpression): boolean {
  if (!isComparison(operator)) return false;
  return left.kind === 'literal'
    ? asksForRoot(right, flip(operator), left)
    : asksForRoot(left, operator, right);
}

function asksForRoot(field: FieldExpression, operator: BinaryOperator, value: FieldExpression): boolean {
  if (field.kind !== 'intrinsic' || field.name !== 'nestedSetParent' || field.parent) return false;
  if (value.kind !== 'literal' || value.value.type !== 'int') return false;
  return (operator === '<' && value.value.value === 0n) || (operator === '=' && value.value.value === -1n);
}

/** `parent = nil`. */
const ROOT: BinaryExpression = {
  kind: 'binary',
  operator: '=',
  left: { kind: 'intrinsic', name: 'span:parent', parent: false, position: 0 },
  right: { kind: 'literal', value: { type: 'nil' }, position: 0 },
  position: 0,
};

function rootTest({ position }: BinaryExpression): FieldExpression {
  return { ...ROOT, position };
}

type Bound = FieldExpression | boolean;

/**
 * An expression that is true at least where the given one is (`upper`), or at most there. What a span
 * can't decide is true above and false below; "!" swaps the two, so the answer is sound under negation.
 */
function bound(expression: FieldExpression, upper: boolean): Bound {
  if (!readsTrace(expression)) return expression;
  if (expression.kind === 'unary' && expression.operator === '!' && isBoolean(expression.operand)) {
    const operand = bound(expression.operand, !upper);
    return typeof operand === 'boolean' ? !operand : { ...expression, operand };
  }
  if (expression.kind === 'binary' && isLogical(expression.operator)) {
    const left = bound(expression.left, upper);
    const right = bound(expression.right, upper);
    return expression.operator === '&&' ? both(expression, left, right) : either(expression, left, right);
  }
  return upper;
}

/** Always true or false. A bare attribute is not: `!parent.x` is false also where there is no parent. */
function isBoolean(expression: FieldExpression): boolean {
  if (expression.kind === 'unary') return expression.operator === '!' && isBoolean(expression.operand);
  return (
    expression.kind === 'binary' && (isLogical(expression.operator) || isComparison(expression.operator))
  );
}

function both(expression: BinaryExpression, left: Bound, right: Bound): Bound {
  if (left === false || right === false) return false;
  if (left === true) return alone(right);
  if (right === true) return alone(left);
  return { ...expression, left, right };
}

function either(expression: BinaryExpression, left: Bound, right: Bound): Bound {
  if (left === true || right === true) return true;
  if (left === false) return alone(right);
  if (right === false) return alone(left);
  return { ...expression, left, right };
}

/** What stood beside "&&" or "||" was asked for true; standing alone below a "!" it has to say so. */
function alone(rest: Bound): Bound {
  if (typeof rest === 'boolean' || isBoolean(rest)) return rest;
  const yes: FieldExpression = {
    kind: 'literal',
    value: { type: 'bool', value: true },
    position: rest.position,
  };
  return { kind: 'binary', operator: '=', left: rest, right: yes, position: rest.position };
}
