/** Whether a file or row group can hold a matching span, by its statistics. True where they can't tell. */
import type { AttributeField, FieldExpression } from '../../../traceql/ast.ts';
import type { Int64Range } from '../../../traceql/bounds.ts';
import type { FileAttributeKey, FileEntry, FileService, RowGroupEntry } from '../files/file-entry.ts';
import { kindStatics, statusStatics } from './block-row.ts';
import { boundsOf } from './int64-kernel.ts';
import { conjuncts, leafOf } from './leaf.ts';
import type { Leaf } from './leaf.ts';

/** What ruled a file out. */
export type PruneReason =
  | 'time'
  | 'services'
  | 'operations'
  | 'duration'
  | 'status'
  | 'keys'
  | 'row groups'
  | 'tokens';

type Answer = true | PruneReason;

export function mayMatchFile(condition: FieldExpression | null, file: FileEntry): Answer {
  return condition === null ? true : judge(condition, (parts) => judgeConjunction(parts, file));
}

export function mayMatchRowGroup(condition: FieldExpression | null, group: RowGroupEntry): boolean {
  if (condition === null) return true;
  const answer = judge(condition, (leaves) => {
    const refused = leaves.map((leaf) => judgeFigures(leaf, group)).find((each) => each !== true);
    return refused ?? true;
  });
  return answer === true;
}

/** `&&`: all leaves together; `||`: either side; anything else: can't tell. */
function judge(expression: FieldExpression, leavesMayMatch: (leaves: readonly Leaf[]) => Answer): Answer {
  const leaves: Leaf[] = [];
  for (const part of conjuncts(expression)) {
    if (part.kind === 'binary' && part.operator === '||') {
      const left = judge(part.left, leavesMayMatch);
      const right = left === true ? true : judge(part.right, leavesMayMatch);
      if (left !== true && right !== true) return left;
      continue;
    }
    const leaf = leafOf(part);
    if (leaf) leaves.push(leaf);
  }
  return leavesMayMatch(leaves);
}

function judgeConjunction(leaves: readonly Leaf[], file: FileEntry): Answer {
  for (const leaf of leaves) {
    const answer = judgeLeaf(leaf, file);
    if (answer !== true) return answer;
  }
  return judgeServices(leaves, file);
}

function judgeLeaf(leaf: Leaf, file: FileEntry): Answer {
  const { field } = leaf;
  if (field.kind === 'attribute') return hasKey(leaf, field, file) ? true : 'keys';
  switch (field.name) {
    case 'span:name': {
      const known = file.operationsWhole ? file.operations : undefined;
      const any = known?.some(({ name }) => leaf.test([{ type: 'string', value: name }])) ?? true;
      return any ? true : 'operations';
    }
    case 'span:kind': {
      const known = file.operationsWhole ? file.operations : undefined;
      const any = known?.some(({ kind }) => leaf.test(kindStatics(kind))) ?? true;
      return any ? true : 'operations';
    }
    default:
      return judgeFigures(leaf, file);
  }
}

type Figures = Pick<RowGroupEntry, 'minDurationNano' | 'maxDurationNano' | 'errorCount'> & {
  readonly rows: number;
};

/** What files and row groups both know. */
function judgeFigures(leaf: Leaf, figures: Figures): Answer {
  const { field } = leaf;
  if (field.kind === 'attribute') return true;
  if (field.name === 'span:duration') {
    const bounds = boundsOf(leaf);
    return !bounds || within(bounds, figures.minDurationNano, figures.maxDurationNano) ? true : 'duration';
  }
  if (field.name === 'span:status') {
    if (figures.errorCount === 0 && !leaf.test(statusStatics(0)) && !leaf.test(statusStatics(1))) {
      return leaf.test([]) ? true : 'status';
    }
    const onlyErrors = figures.errorCount === figures.rows;
    return onlyErrors && !leaf.test(statusStatics(2)) ? 'status' : true;
  }
  return true;
}

function within(bounds: readonly Int64Range[], min: bigint, max: bigint): boolean {
  return bounds.some((range) => range.min <= max && range.max >= min);
}

/** A leaf that a missing attribute does not satisfy needs a span that carries the key. */
function hasKey(leaf: Leaf, field: AttributeField, file: FileEntry): boolean {
  if (!file.attributeKeysWhole || leaf.test([])) return true;
  const scopes: readonly FileAttributeKey['scope'][] =
    field.scope === 'any' ? ['span', 'resource'] : [field.scope];
  return file.attributeKeys.some(({ scope, key }) => key === field.key && scopes.includes(scope));
}

/** A service that satisfies what is said of it and is slow enough for what is said of durations. */
function judgeServices(leaves: readonly Leaf[], file: FileEntry): Answer {
  const ofService = leaves.filter(isAboutService);
  if (ofService.length === 0 || !file.servicesWhole) return true;
  const candidates = file.services.filter((service) => ofService.every((leaf) => mayBe(leaf, service)));
  if (candidates.length === 0) return 'services';
  const slowest = candidates.reduce(
    (max, { maxDurationNano }) => (maxDurationNano > max ? maxDurationNano : max),
    candidates[0].maxDurationNano,
  );
  for (const leaf of leaves) {
    if (leaf.field.kind !== 'intrinsic' || leaf.field.name !== 'span:duration') continue;
    const bounds = boundsOf(leaf);
    if (bounds && !within(bounds, file.minDurationNano, slowest)) return 'duration';
  }
  return true;
}

function isAboutService({ field }: Leaf): boolean {
  return field.kind === 'attribute' && field.scope === 'resource' && field.key === 'service.name';
}

/** Without a name the attribute is missing or no string: then anything may hold. */
function mayBe(leaf: Leaf, { name }: FileService): boolean {
  return name === '' || leaf.test([{ type: 'string', value: name }]);
}
