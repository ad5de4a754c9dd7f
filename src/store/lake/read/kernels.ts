/**
 * A TraceQL condition compiled against one block: kernels that narrow a selection of rows, one byte a
 * row. Cheap ones go first, and each looks only at what the ones before left. What no kernel knows is
 * evaluated row by row with TraceQL's own evaluation (block-row.ts).
 */
import type { Block } from '../../../span/vector.ts';
import type { FieldExpression } from '../../../traceql/ast.ts';
import { matches } from '../../../traceql/evaluate.ts';
import { isComparison, isLogical } from '../../../traceql/expression.ts';
import { BlockRow } from './block-row.ts';
import { ALWAYS } from './kernel.ts';
import type { Kernel } from './kernel.ts';
import { conjuncts, leafOf } from './leaf.ts';
import { compileLeaf } from './leaf-kernels.ts';

export function compileCondition(condition: FieldExpression | null, block: Block): Kernel {
  return condition ? compile(condition, block) : ALWAYS;
}

function compile(expression: FieldExpression, block: Block): Kernel {
  if (expression.kind === 'binary') {
    if (expression.operator === '&&') return all(conjuncts(expression), block);
    if (expression.operator === '||') return any(expression.left, expression.right, block);
  }
  const leaf = leafOf(expression);
  const kernel = leaf && compileLeaf(leaf, block);
  if (kernel) return kernel;
  if (expression.kind === 'unary' && expression.operator === '!' && isTwoValued(expression.operand)) {
    return not(compile(expression.operand, block), block);
  }
  return rowWise(expression, block);
}

/** `!` of anything else is false where its operand has no boolean value. */
function isTwoValued(expression: FieldExpression): boolean {
  if (expression.kind === 'unary') return expression.operator === '!' && isTwoValued(expression.operand);
  return (
    expression.kind === 'binary' && (isLogical(expression.operator) || isComparison(expression.operator))
  );
}

function all(parts: readonly FieldExpression[], block: Block): Kernel {
  const kernels = parts.map((part) => compile(part, block)).sort((a, b) => a.cost - b.cost);
  return {
    cost: kernels.reduce((sum, kernel) => sum + kernel.cost, 0),
    narrow(selection, from, to) {
      for (const kernel of kernels) {
        kernel.narrow(selection, from, to);
        if (isEmpty(selection, from, to)) return;
      }
    },
  };
}

function any(left: FieldExpression, right: FieldExpression, block: Block): Kernel {
  const [first, second] = [compile(left, block), compile(right, block)].sort((a, b) => a.cost - b.cost);
  const scratch = new Uint8Array(block.rows);
  return {
    cost: first.cost + second.cost,
    narrow(selection, from, to) {
      scratch.set(selection.subarray(from, to), from);
      first.narrow(selection, from, to);
      // The second looks only at what the first refused.
      for (let row = from; row < to; row++) scratch[row] ^= selection[row];
      second.narrow(scratch, from, to);
      for (let row = from; row < to; row++) selection[row] |= scratch[row];
    },
  };
}

function not(operand: Kernel, block: Block): Kernel {
  const scratch = new Uint8Array(block.rows);
  return {
    cost: operand.cost,
    narrow(selection, from, to) {
      scratch.set(selection.subarray(from, to), from);
      operand.narrow(scratch, from, to);
      for (let row = from; row < to; row++) selection[row] ^= scratch[row];
    },
  };
}

function isEmpty(selection: Uint8Array, from: number, to: number): boolean {
  const at = selection.indexOf(1, from);
  return at < 0 || at >= to;
}

function rowWise(expression: FieldExpression, block: Block): Kernel {
  const row = new BlockRow(block);
  return {
    cost: 1000,
    narrow(selection, from, to) {
      for (let at = from; at < to; at++) {
        if (selection[at] === 0) continue;
        row.row = at;
        if (!matches(expression, row)) selection[at] = 0;
      }
    },
  };
}
