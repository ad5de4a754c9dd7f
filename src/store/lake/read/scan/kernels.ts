/**
 * A TraceQL condition compiled against the columns of a block or a row group: kernels that narrow a selection of
 * rows, one byte a row. Those that throw out most for their cost go first, and each looks only at what the ones
 * before left; columns are read when a kernel comes to them. What no kernel knows is evaluated row by row with
 * TraceQL's own evaluation (block-row.ts).
 */
import type { FieldExpression } from '../../../../traceql/ast.ts';
import { fieldsOf } from '../../../../traceql/analyse.ts';
import { matches } from '../../../../traceql/evaluate.ts';
import { isComparison, isLogical } from '../../../../traceql/expression.ts';
import { BlockRow } from './block-row.ts';
import type { ColumnSource } from './column-source.ts';
import { columnsOfField } from './fields.ts';
import { ALWAYS, NEVER, byWorth, isEmpty } from './kernel.ts';
import type { Kernel } from './kernel.ts';
import { conjuncts, leafOf } from './leaf.ts';
import { compileLeaf } from './leaf-kernels.ts';

/** ALWAYS and NEVER, the very objects, where no row need be looked at. */
export function compileCondition(condition: FieldExpression | null, source: ColumnSource): Kernel {
  return condition ? compile(condition, source) : ALWAYS;
}

function compile(expression: FieldExpression, source: ColumnSource): Kernel {
  if (expression.kind === 'binary') {
    if (expression.operator === '&&') return all(conjuncts(expression), source);
    if (expression.operator === '||') return any(expression.left, expression.right, source);
  }
  const leaf = leafOf(expression);
  const kernel = leaf && compileLeaf(leaf, source);
  if (kernel) return kernel;
  if (expression.kind === 'unary' && expression.operator === '!' && isTwoValued(expression.operand)) {
    return not(compile(expression.operand, source), source);
  }
  return rowWise(expression, source);
}

/** `!` of anything else is false where its operand has no boolean value. */
function isTwoValued(expression: FieldExpression): boolean {
  if (expression.kind === 'unary') return expression.operator === '!' && isTwoValued(expression.operand);
  return (
    expression.kind === 'binary' && (isLogical(expression.operator) || isComparison(expression.operator))
  );
}

/** To compile is to read dictionaries: the first part that no row can match spares the others'. */
function all(parts: readonly FieldExpression[], source: ColumnSource): Kernel {
  const kernels: Kernel[] = [];
  for (const part of parts) {
    const kernel = compile(part, source);
    if (kernel === NEVER) return NEVER;
    if (kernel !== ALWAYS) kernels.push(kernel);
  }
  if (kernels.length <= 1) return kernels[0] ?? ALWAYS;
  kernels.sort(byWorth);
  const [first, ...others] = kernels;
  const narrowMore = (selection: Uint8Array, from: number, to: number): void => {
    for (const kernel of others) {
      if (isEmpty(selection, from, to)) return;
      kernel.narrow(selection, from, to);
    }
  };
  const { set } = first;
  return {
    cost: kernels.reduce((sum, kernel) => sum + kernel.cost, 0),
    leaves: kernels.reduce((share, kernel) => share * kernel.leaves, 1),
    narrow(selection, from, to) {
      first.narrow(selection, from, to);
      narrowMore(selection, from, to);
    },
    ...(set !== undefined && {
      set(selection: Uint8Array, from: number, to: number) {
        set(selection, from, to);
        narrowMore(selection, from, to);
      },
    }),
  };
}

function any(left: FieldExpression, right: FieldExpression, source: ColumnSource): Kernel {
  const both = [compile(left, source), compile(right, source)].filter((kernel) => kernel !== NEVER);
  if (both.length === 0) return NEVER;
  if (both.length === 1) return both[0];
  if (both.includes(ALWAYS)) return ALWAYS;
  const [first, second] = both.sort((a, b) => a.cost - b.cost);
  const scratch = new Uint8Array(source.rows);
  return {
    cost: first.cost + second.cost,
    leaves: Math.min(1, first.leaves + second.leaves),
    narrow(selection, from, to) {
      scratch.set(selection.subarray(from, to), from);
      first.narrow(selection, from, to);
      // The second looks only at what the first refused.
      for (let row = from; row < to; row++) scratch[row] ^= selection[row];
      if (isEmpty(scratch, from, to)) return;
      second.narrow(scratch, from, to);
      for (let row = from; row < to; row++) selection[row] |= scratch[row];
    },
  };
}

function not(operand: Kernel, source: ColumnSource): Kernel {
  if (operand === NEVER) return ALWAYS;
  if (operand === ALWAYS) return NEVER;
  const scratch = new Uint8Array(source.rows);
  return {
    cost: operand.cost,
    leaves: 1 - operand.leaves,
    narrow(selection, from, to) {
      scratch.set(selection.subarray(from, to), from);
      operand.narrow(scratch, from, to);
      for (let row = from; row < to; row++) selection[row] ^= scratch[row];
    },
  };
}

function rowWise(expression: FieldExpression, source: ColumnSource): Kernel {
  const fields = fieldsOf(expression);
  const own = fields.flatMap((field) =>
    field.kind === 'attribute' ? [`span.${field.key}`, `resource.${field.key}`] : [],
  );
  const available = { promoted: new Set(own.filter((name) => source.has(name))), keys: undefined };
  const columns = [...new Set(fields.flatMap((field) => columnsOfField(field, available)))];
  const row = new BlockRow(source.block(columns));
  return {
    cost: 1000,
    leaves: 0.5,
    narrow(selection, from, to) {
      source.load(columns, from, to);
      for (let at = from; at < to; at++) {
        if (selection[at] === 0) continue;
        row.row = at;
        if (!matches(expression, row)) selection[at] = 0;
      }
    },
  };
}
