/**
 * The parts of a condition in the order in which a scan best asks them: what is cheap and rules out much
 * comes first. Shares are told from the statistics of some files; a scan refines them by its dictionaries.
 */
import type { FieldExpression } from '../../../../traceql/ast.ts';
import { printExpression } from '../../../../traceql/print.ts';
import type { FileEntry } from '../../files/file-entry.ts';
import { boundsOf } from '../scan/int64-kernel.ts';
import { BriefMatches } from '../../../../traceql/regex-pace.ts';
import { conjuncts, leafOf } from '../scan/leaf.ts';
import type { Leaf } from '../scan/leaf.ts';
import { kindStatics, statusStatics } from '../../../../traceql/keywords.ts';

type DecidedBy =
  | 'range'
  | 'codes'
  | 'dictionary'
  | 'ids'
  | 'own column'
  | 'attribute map'
  | 'events and links'
  | 'row by row';

/** A part of a conjunction. Plain data. */
export interface Predicate {
  readonly expression: FieldExpression;
  readonly by: DecidedBy;
  /** Rough nanoseconds a row. */
  readonly cost: number;
  /** Of the rows, that satisfy it: a guess between 0 and 1. */
  readonly share: number;
}

/** As the kernels cost (leaf-kernels.ts). */
const COSTS: Readonly<Record<DecidedBy, number>> = {
  codes: 1,
  range: 2,
  ids: 2,
  dictionary: 2,
  'own column': 4,
  'attribute map': 50,
  'events and links': 60,
  'row by row': 300,
};

/** Shares are averaged over so many files: one more hardly changes them. */
const FILES_ASKED = 16;

/** Of a longer condition the shares are not worth the time that it takes to tell them. */
const MAX_CHARS = 4096;

/** Where nothing is known of a value: an equality holds for few of those that have the key. */
const EQUALITY_SHARE = 0.1;
const OTHER_SHARE = 0.4;

/** `files`: those that will be read. */
export function predicatesOf(
  condition: FieldExpression | null,
  files: readonly FileEntry[],
): readonly Predicate[] {
  if (condition === null) return [];
  const step = Math.max(1, Math.floor(files.length / FILES_ASKED));
  const asked = files.filter((_, i) => i % step === 0).slice(0, FILES_ASKED);
  const known = { files: asked, tellShares: printExpression(condition).length <= MAX_CHARS };
  const order = ({ cost, share }: Predicate) => cost / Math.max(1e-6, 1 - share);
  return conjuncts(condition)
    .map((part) => predicateOf(part, known))
    .sort((a, b) => order(a) - order(b));
}

export function predicateText({ expression }: Predicate): string {
  return printExpression(expression);
}

interface Known {
  readonly files: readonly FileEntry[];
  readonly tellShares: boolean;
}

function predicateOf(expression: FieldExpression, known: Known): Predicate {
  const leaf = leafOf(expression);
  if (leaf) {
    const by = decidedBy(leaf, known.files);
    const share = known.tellShares ? meanShare(leaf, known.files) : OTHER_SHARE;
    return { expression, by, cost: COSTS[by], share };
  }
  if (expression.kind === 'binary' && expression.operator === '||') {
    const sides = [expression.left, expression.right].map((side) =>
      conjuncts(side).map((part) => predicateOf(part, known)),
    );
    const parts = sides.flat();
    const cost = parts.reduce((sum, part) => sum + part.cost, 0);
    const neither = sides.reduce(
      (share, side) => share * (1 - side.reduce((product, part) => product * part.share, 1)),
      1,
    );
    const dearest = parts.reduce((a, b) => (COSTS[b.by] > COSTS[a.by] ? b : a));
    return { expression, by: dearest.by, cost, share: 1 - neither };
  }
  return { expression, by: 'row by row', cost: COSTS['row by row'], share: OTHER_SHARE };
}

function decidedBy({ field }: Leaf, files: readonly FileEntry[]): DecidedBy {
  if (field.kind === 'attribute') {
    switch (field.scope) {
      case 'event':
      case 'link':
        return 'events and links';
      case 'instrumentation':
        return 'attribute map';
      case 'span':
      case 'resource':
        return hasOwnColumn(files, `${field.scope}.${field.key}`) ? 'own column' : 'attribute map';
      case 'any':
        return hasOwnColumn(files, `span.${field.key}`) || hasOwnColumn(files, `resource.${field.key}`)
          ? 'own column'
          : 'attribute map';
    }
  }
  switch (field.name) {
    case 'span:kind':
    case 'span:status':
      return 'codes';
    case 'span:duration':
      return 'range';
    case 'span:id':
    case 'span:parentID':
    case 'span:parent':
    case 'trace:id':
      return 'ids';
    case 'span:name':
    case 'span:statusMessage':
    case 'instrumentation:name':
    case 'instrumentation:version':
      return 'dictionary';
    default:
      return 'row by row';
  }
}

function hasOwnColumn(files: readonly FileEntry[], name: string): boolean {
  return files.some(({ promoted }) => promoted.some((column) => column.name === name));
}

function meanShare(leaf: Leaf, files: readonly FileEntry[]): number {
  const brief = new BriefMatches();
  let hits = 0;
  let rows = 0;
  for (const file of files) {
    hits += Math.min(1, shareIn(leaf, file, brief)) * file.rows;
    rows += file.rows;
  }
  return rows === 0 ? OTHER_SHARE : hits / rows;
}

/** Of the rows of a file, that satisfy the leaf. */
function shareIn(leaf: Leaf, file: FileEntry, brief: BriefMatches): number {
  const { field } = leaf;
  if (field.kind === 'attribute') return attributeShare(leaf, file, brief);
  const rows = Math.max(1, file.rows);
  switch (field.name) {
    case 'span:name':
      return sum(file.operations, ({ name }) => isLikely(leaf, name, brief)) / rows;
    case 'span:kind':
      return sum(file.operations, ({ kind }) => leaf.test(kindStatics(kind))) / rows;
    case 'span:status': {
      const errors = leaf.test(statusStatics(2)) ? file.errorCount : 0;
      return (errors + (leaf.test(statusStatics(0)) ? rows - file.errorCount : 0)) / rows;
    }
    case 'span:duration':
      return durationShare(leaf, file);
    case 'span:id':
    case 'span:parentID':
    case 'trace:id':
      return leaf.comparison?.operator === '=' ? 1 / rows : OTHER_SHARE;
    default:
      return OTHER_SHARE;
  }
}

/** What takes too long to tell is taken for no. */
function isLikely(leaf: Leaf, name: string, brief: BriefMatches): boolean {
  return brief.test(() => leaf.test([{ type: 'string', value: name }])) ?? false;
}

function attributeShare(leaf: Leaf, file: FileEntry, brief: BriefMatches): number {
  const { field } = leaf;
  if (field.kind !== 'attribute') return OTHER_SHARE;
  const rows = Math.max(1, file.rows);
  if (field.scope === 'resource' && field.key === 'service.name') {
    return sum(file.services, ({ name }) => isLikely(leaf, name, brief)) / rows;
  }
  const carriers = sum(
    file.attributeKeys,
    ({ key, scope }) => key === field.key && (scope === field.scope || field.scope === 'any'),
  );
  const present = Math.min(1, carriers / rows);
  const ofPresent = leaf.comparison?.operator === '=' ? EQUALITY_SHARE : OTHER_SHARE;
  return present * ofPresent + (leaf.test([]) ? 1 - present : 0);
}

/** As if durations were spread evenly over the orders of magnitude between the file's least and most. */
function durationShare(leaf: Leaf, { minDurationNano, maxDurationNano }: FileEntry): number {
  const bounds = boundsOf(leaf);
  if (!bounds) return OTHER_SHARE;
  const at = (nano: bigint) => Math.log2(Math.max(1, Number(nano)));
  const [least, most] = [at(minDurationNano), at(maxDurationNano)];
  const whole = Math.max(1, most - least);
  const covered = bounds.reduce(
    (length, { min, max }) => length + Math.max(0, Math.min(at(max), most) - Math.max(at(min), least)),
    0,
  );
  return Math.min(1, covered / whole);
}

function sum<T extends { readonly spanCount: number }>(
  list: readonly T[],
  isHit: (item: T) => boolean,
): number {
  return list.reduce((total, item) => (isHit(item) ? total + item.spanCount : total), 0);
}
