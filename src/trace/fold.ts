/** Siblings of one service and name, folded to one row: the 4,812 times that a loop asks the database. */
import type { Timing } from './timing.ts';
import { isError } from './tree.ts';
import type { TraceNode } from './tree.ts';

export interface SimilarSpans {
  readonly kind: 'similar';
  /** For the address. */
  readonly key: string;
  readonly members: readonly TraceNode[];
}

/** Fewer are read faster than unfolded. */
export const MIN_SIMILAR = 10;

/** In order; the folded ones where the first of them stands. */
export function foldSimilar(
  siblings: readonly TraceNode[],
  parent: TraceNode | null,
): readonly (TraceNode | SimilarSpans)[] {
  if (siblings.length < MIN_SIMILAR) return siblings;
  const families = new Map<string, TraceNode[]>();
  for (const node of siblings) {
    const name = kinship(node);
    const family = families.get(name);
    if (family) family.push(node);
    else families.set(name, [node]);
  }
  if (families.size === siblings.length) return siblings;
  const entries: (TraceNode | SimilarSpans)[] = [];
  for (const node of siblings) {
    const members = families.get(kinship(node)) ?? [];
    if (members.length < MIN_SIMILAR) entries.push(node);
    else if (members[0] === node) entries.push({ kind: 'similar', key: similarKey(node, parent), members });
  }
  return entries;
}

function kinship({ span }: TraceNode): string {
  return `${span.serviceName}\n${span.name}`;
}

export function similarKey(member: TraceNode, parent: TraceNode | null): string {
  return shortKey(`${parent?.span.spanId ?? ''}\n${kinship(member)}`);
}

export function nodeKey({ span }: TraceNode): string {
  return shortKey(span.spanId);
}

/** Names may be a MiB long; those that differ only behind this share a key, and open together. */
const HASHED_CHARS = 512;

/** Six characters for an address: 36 bits, so that two of 100,000 spans share one in a trace out of 14. */
export function shortKey(text: string): string {
  let a = 0x811c9dc5;
  let b = 0x9747b28c ^ text.length;
  for (let i = 0; i < text.length && i < HASHED_CHARS; i++) {
    const code = text.charCodeAt(i);
    a = Math.imul(a ^ code, 0x01000193);
    b = Math.imul(b ^ code, 0x5bd1e995);
    b ^= b >>> 15;
  }
  return base64(a ^ (a >>> 15)) + base64(b ^ (b >>> 13));
}

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

function base64(word: number): string {
  return DIGITS[word & 63] + DIGITS[(word >>> 6) & 63] + DIGITS[(word >>> 12) & 63];
}

export interface SimilarFigures {
  readonly p95Nano: number;
  readonly sumNano: number;
  readonly errorCount: number;
  /** From the first start to the last end. */
  readonly from: number;
  readonly to: number;
  /** Spans below the members. */
  readonly below: number;
}

/** Asked only for rows that are shown. */
export function similarFigures({ members }: SimilarSpans, { starts, ends }: Timing): SimilarFigures {
  const durations = Float64Array.from(members, ({ index }) => ends[index] - starts[index]).sort();
  let [sumNano, errorCount, to, below] = [0, 0, 0, 0];
  let from = Infinity;
  for (const node of members) {
    sumNano += ends[node.index] - starts[node.index];
    errorCount += node.errorsBelow + (isError(node.span) ? 1 : 0);
    below += node.descendants;
    from = Math.min(from, starts[node.index]);
    to = Math.max(to, ends[node.index]);
  }
  const p95Nano = durations[Math.ceil(durations.length * 0.95) - 1];
  return { p95Nano, sumNano, errorCount, from, to, below };
}
