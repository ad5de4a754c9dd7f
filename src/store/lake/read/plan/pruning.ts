/** Whether a file or row group can hold a matching span, by its statistics. True where they can't tell. */
import type { AttributeField, FieldExpression } from '../../../../traceql/ast.ts';
import type { Int64Range } from '../../../../traceql/bounds.ts';
import { BriefMatches } from '../../../../traceql/regex-pace.ts';
import type { FileEntry, RowGroupEntry } from '../../files/file-entry.ts';
import { boundsOf } from '../scan/int64-kernel.ts';
import { conjuncts, leafOf } from '../scan/leaf.ts';
import type { Leaf } from '../scan/leaf.ts';
import { kindStatics, statusStatics } from '../../../../traceql/keywords.ts';

/** What can rule a file or row group out; `order`: enough was found that comes before it. */
export const PRUNE_REASONS = [
  'time',
  'services',
  'operations',
  'duration',
  'status',
  'keys',
  'row groups',
  'tokens',
  'trace index',
  'order',
] as const;

export type PruneReason = (typeof PRUNE_REASONS)[number];

export type Answer = true | PruneReason;

/** A condition made ready to be asked of many files. */
interface Pruning {
  file(file: FileEntry): Answer;
  readonly rowGroup: (group: RowGroupEntry) => Answer;
}

export function compilePruning(condition: FieldExpression | null): Pruning {
  if (condition === null) return { file: () => true, rowGroup: () => true };
  const brief = new BriefMatches();
  return {
    file: compile(condition, (leaves) => conjunctionJudge(leaves, brief)),
    rowGroup: compile(condition, (leaves) => all(leaves.map(figuresJudge))),
  };
}

type Judge<T> = (subject: T) => Answer;

/** `&&`: all leaves together; `||`: either side; anything else: can't tell. */
function compile<T>(expression: FieldExpression, ofLeaves: (leaves: readonly Leaf[]) => Judge<T>): Judge<T> {
  const leaves: Leaf[] = [];
  const judges: Judge<T>[] = [];
  for (const part of conjuncts(expression)) {
    if (part.kind === 'binary' && part.operator === '||') {
      judges.push(either(compile(part.left, ofLeaves), compile(part.right, ofLeaves)));
      continue;
    }
    const leaf = leafOf(part);
    if (leaf) leaves.push(leaf);
  }
  const judgeLeaves = ofLeaves(leaves);
  return judges.length === 0 ? judgeLeaves : all([...judges, judgeLeaves]);
}

function either<T>(left: Judge<T>, right: Judge<T>): Judge<T> {
  return (subject) => {
    const answer = left(subject);
    return answer === true || right(subject) === true ? true : answer;
  };
}

function all<T>(judges: readonly Judge<T>[]): Judge<T> {
  return (subject) => {
    for (const judge of judges) {
      const answer = judge(subject);
      if (answer !== true) return answer;
    }
    return true;
  };
}

function conjunctionJudge(leaves: readonly Leaf[], brief: BriefMatches): Judge<FileEntry> {
  return all([...leaves.map((leaf) => leafJudge(leaf, brief)), servicesJudge(leaves, brief)]);
}

function leafJudge(leaf: Leaf, brief: BriefMatches): Judge<FileEntry> {
  const { field } = leaf;
  if (field.kind === 'attribute') return keyJudge(leaf, field);
  switch (field.name) {
    case 'span:name': {
      const isHit = rememberedTest(leaf, brief);
      return ({ operationsWhole, operations }) =>
        !operationsWhole || operations.some(({ name }) => isHit(name)) ? true : 'operations';
    }
    case 'span:kind': {
      const hits = Array.from({ length: 256 }, (_, kind) => leaf.test(kindStatics(kind)));
      return ({ operationsWhole, operations }) =>
        !operationsWhole || operations.some(({ kind }) => hits[kind]) ? true : 'operations';
    }
    default:
      return figuresJudge(leaf);
  }
}

/** Names that a condition remembers its answer for. Files of one project share theirs. */
const MAX_REMEMBERED = 10_000;

/** Whether a text may satisfy the leaf; a file has hundreds of names, and the next file the same. */
function rememberedTest(leaf: Leaf, brief: BriefMatches): (text: string) => boolean {
  const { comparison } = leaf;
  if (comparison?.operator === '=' && comparison.literal.type === 'string') {
    const wanted = comparison.literal.value;
    return (text) => text === wanted;
  }
  const known = new Map<string, boolean>();
  return (text) => {
    let answer = known.get(text);
    if (answer === undefined) {
      if (known.size >= MAX_REMEMBERED) known.clear();
      // What takes too long here is left to the scan.
      answer = brief.test(() => leaf.test([{ type: 'string', value: text }])) ?? true;
      known.set(text, answer);
    }
    return answer;
  };
}

type Figures = Pick<RowGroupEntry, 'minDurationNano' | 'maxDurationNano' | 'errorCount'> & {
  readonly rows: number;
};

/** What files and row groups both know. */
function figuresJudge(leaf: Leaf): Judge<Figures> {
  const { field } = leaf;
  if (field.kind === 'intrinsic' && field.name === 'span:duration') {
    const bounds = boundsOf(leaf);
    if (!bounds) return () => true;
    return ({ minDurationNano, maxDurationNano }) =>
      within(bounds, minDurationNano, maxDurationNano) ? true : 'duration';
  }
  if (field.kind === 'intrinsic' && field.name === 'span:status') {
    const others = leaf.test(statusStatics(0)) || leaf.test(statusStatics(1)) || leaf.test([]);
    const errors = leaf.test(statusStatics(2));
    return ({ errorCount, rows }) => {
      if (errorCount === 0 && !others) return 'status';
      return errorCount === rows && !errors ? 'status' : true;
    };
  }
  return () => true;
}

function within(bounds: readonly Int64Range[], min: bigint, max: bigint): boolean {
  return bounds.some((range) => range.min <= max && range.max >= min);
}

/** A leaf that a missing attribute does not satisfy needs a span that carries the key. */
function keyJudge(leaf: Leaf, field: AttributeField): Judge<FileEntry> {
  if (leaf.test([])) return () => true;
  const { scope: asked, key: wanted } = field;
  return ({ attributeKeysWhole, attributeKeys }) => {
    if (!attributeKeysWhole) return true;
    for (const { key, scope } of attributeKeys) {
      if (key !== wanted) continue;
      if (asked === 'any' ? scope === 'span' || scope === 'resource' : scope === asked) return true;
    }
    return 'keys';
  };
}

/** A service that satisfies what is said of it and is slow enough for what is said of durations. */
function servicesJudge(leaves: readonly Leaf[], brief: BriefMatches): Judge<FileEntry> {
  const tests = leaves.filter(isAboutService).map((leaf) => rememberedTest(leaf, brief));
  if (tests.length === 0) return () => true;
  const durations = leaves
    .filter(({ field }) => field.kind === 'intrinsic' && field.name === 'span:duration')
    .map(boundsOf)
    .filter((bounds) => bounds !== undefined);
  // Without a name the attribute is missing or no string: then anything may hold.
  const mayBe = (name: string) => name === '' || tests.every((test) => test(name));
  return ({ servicesWhole, services, minDurationNano }) => {
    if (!servicesWhole) return true;
    let slowest: bigint | undefined;
    for (const { name, maxDurationNano } of services) {
      if (!mayBe(name)) continue;
      if (slowest === undefined || maxDurationNano > slowest) slowest = maxDurationNano;
    }
    if (slowest === undefined) return 'services';
    for (const bounds of durations) if (!within(bounds, minDurationNano, slowest)) return 'duration';
    return true;
  };
}

function isAboutService({ field }: Leaf): boolean {
  return field.kind === 'attribute' && field.scope === 'resource' && field.key === 'service.name';
}
