/** Which traces alone can satisfy a condition: those that it names by their ids. Pure. */
import type { FieldExpression } from '../../../../traceql/ast.ts';
import { conjuncts, leafOf } from '../scan/leaf.ts';
import { bytesOfHex } from '../scan/texts.ts';

/** As many traces as an index is asked for at once: more are found as fast by a scan. */
const MAX_TRACES = 4096;

/** 16 bytes an id; undefined where spans of any trace may match. */
export function traceIdsOf(condition: FieldExpression | null): readonly Uint8Array[] | undefined {
  const ids = condition === null ? undefined : idsOf(condition);
  if (ids === undefined || ids.size > MAX_TRACES) return undefined;
  // What is no id equals none.
  return [...ids].map((id) => bytesOfHex(id, 16)).filter((bytes) => bytes !== undefined);
}

/** Of a conjunction the shortest list, of alternatives all together. */
function idsOf(expression: FieldExpression): ReadonlySet<string> | undefined {
  let fewest: ReadonlySet<string> | undefined;
  for (const part of conjuncts(expression)) {
    const ids = new Set<string>();
    if (collect(part, ids) && (!fewest || ids.size < fewest.size)) fewest = ids;
  }
  return fewest;
}

/** False when the part may hold for spans of any trace. */
function collect(part: FieldExpression, into: Set<string>): boolean {
  if (part.kind === 'binary' && part.operator === '||') {
    return collect(part.left, into) && collect(part.right, into);
  }
  if (part.kind === 'binary' && part.operator === '&&') {
    const ids = idsOf(part);
    for (const id of ids ?? []) into.add(id);
    return ids !== undefined;
  }
  const leaf = leafOf(part);
  if (leaf?.field.kind !== 'intrinsic' || leaf.field.name !== 'trace:id') return false;
  const { comparison } = leaf;
  if (comparison?.operator !== '=' || comparison.literal.type !== 'string') return false;
  into.add(comparison.literal.value);
  return true;
}
