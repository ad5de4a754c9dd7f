/**
 * How the spans of one trace stand to each other, by their ids alone: children and descendants are told by
 * links to parents, siblings by the parent that they name, also one that never came. A span is in no relation
 * to itself. Ids that several spans share (Zipkin's client and server) and circles of parents are nothing that
 * hangs: every question is answered in time linear in the spans.
 */
import type { StructuralOperator, StructuralRelation } from './ast.ts';

/** By span, in the order of the trace. */
interface SpanLinks {
  /** The parent: the first other span that has the id named; -1 for none, or one that never came. */
  readonly parents: Int32Array;
  /** A number for the parent's id, equal for siblings; -1 for a root. Below `idCount`. */
  readonly families: Int32Array;
  /** The same number for the span's own id. */
  readonly ids: Int32Array;
  readonly idCount: number;
}

/** `ids` and `parentIds`: two words a span, in any but the same order; a parent of zeros is none. */
export function linkSpans(ids: Uint32Array, parentIds: Uint32Array): SpanLinks {
  const count = ids.length >>> 1;
  const own = new Int32Array(count);
  const families = new Int32Array(count);
  const table = new IdTable(count * 2);
  // Of the spans with an id, the first and, from each, the next.
  const first = new Int32Array(count * 2).fill(-1);
  const next = new Int32Array(count).fill(-1);
  for (let i = count - 1; i >= 0; i--) {
    const id = table.number(ids[i * 2], ids[i * 2 + 1]);
    own[i] = id;
    next[i] = first[id];
    first[id] = i;
  }
  const parents = new Int32Array(count).fill(-1);
  for (let i = 0; i < count; i++) {
    const [a, b] = [parentIds[i * 2], parentIds[i * 2 + 1]];
    families[i] = a === 0 && b === 0 ? -1 : table.number(a, b);
    if (families[i] < 0) continue;
    const parent = first[families[i]];
    parents[i] = parent === i ? next[i] : parent;
  }
  return { parents, families, ids: own, idCount: table.count };
}

/** Numbers ids from 0 in the order in which they are met. */
class IdTable {
  count = 0;
  readonly #slots: Int32Array;
  readonly #words: Uint32Array;

  constructor(capacity: number) {
    let slots = 8;
    while (slots < capacity * 2) slots *= 2;
    this.#slots = new Int32Array(slots);
    this.#words = new Uint32Array(capacity * 2);
  }

  number(a: number, b: number): number {
    const [slots, words] = [this.#slots, this.#words];
    const mask = slots.length - 1;
    const hash = Math.imul(a, 0x9e3779b1) ^ Math.imul(b, 0x85ebca6b);
    let slot = (hash ^ (hash >>> 15)) & mask;
    for (let known = slots[slot]; known !== 0; known = slots[slot]) {
      if (words[known * 2 - 2] === a && words[known * 2 - 1] === b) return known - 1;
      slot = (slot + 1) & mask;
    }
    words[this.count * 2] = a;
    words[this.count * 2 + 1] = b;
    slots[slot] = ++this.count;
    return this.count - 1;
  }
}

/** Tempo's numbers: 0 for a span that no root leads to; -1 for the parent of a root. */
interface NestedSets {
  readonly left: Int32Array;
  readonly right: Int32Array;
  readonly parent: Int32Array;
}

interface TopDown {
  /** Every span behind its parent. */
  readonly order: Int32Array;
  /** Undefined when there is no circle. By span: the circle that leads to it or that it is on, else -1. */
  readonly circles: Int32Array | undefined;
  readonly onCircle: Uint8Array;
  readonly circleCount: number;
}

export class TraceStructure {
  #topDown: TopDown | undefined;
  #nested: NestedSets | undefined;
  #childCounts: Int32Array | undefined;

  constructor(readonly links: SpanLinks) {}

  get count(): number {
    return this.links.parents.length;
  }

  /** Spans that name this one's id as their parent's. */
  childCount(span: number): number {
    if (!this.#childCounts) {
      const { families, idCount } = this.links;
      this.#childCounts = new Int32Array(idCount);
      for (const family of families) if (family >= 0) this.#childCounts[family]++;
    }
    const { families, ids } = this.links;
    return this.#childCounts[ids[span]] - (families[span] === ids[span] ? 1 : 0);
  }

  get nestedSets(): NestedSets {
    return (this.#nested ??= nestedSets(this.links));
  }

  /** What `left operator right` selects, ascending; both sides are ascending. */
  select(operator: StructuralOperator, left: readonly number[], right: readonly number[]): number[] {
    switch (operator) {
      case '>':
      case '>>':
      case '<':
      case '<<':
      case '~':
        return this.#related(operator, left, right);
      case '!>':
        return without(right, this.#related('>', left, right));
      case '!>>':
        return without(right, this.#related('>>', left, right));
      case '!<':
        return without(right, this.#related('<', left, right));
      case '!<<':
        return without(right, this.#related('<<', left, right));
      case '!~':
        return without(right, this.#related('~', left, right));
      case '&>':
        return union(this.#related('<', right, left), this.#related('>', left, right));
      case '&>>':
        return union(this.#related('<<', right, left), this.#related('>>', left, right));
      case '&<':
        return union(this.#related('>', right, left), this.#related('<', left, right));
      case '&<<':
        return union(this.#related('>>', right, left), this.#related('<<', left, right));
      case '&~':
        return union(this.#related('~', right, left), this.#related('~', left, right));
    }
  }

  /** The spans of the right that stand so to one of the left. */
  #related(relation: StructuralRelation, left: readonly number[], right: readonly number[]): number[] {
    if (left.length === 0 || right.length === 0) return [];
    const { parents } = this.links;
    switch (relation) {
      case '>': {
        const marks = marksOf(left, this.count);
        return right.filter((span) => parents[span] >= 0 && marks[parents[span]] === 1);
      }
      case '<': {
        const marks = new Uint8Array(this.count);
        for (const span of left) if (parents[span] >= 0) marks[parents[span]] = 1;
        return right.filter((span) => marks[span] === 1);
      }
      case '~':
        return this.#siblings(left, right);
      case '>>': {
        const marks = this.#below(marksOf(left, this.count));
        return right.filter((span) => marks[span] === 1);
      }
      case '<<': {
        const marks = this.#above(marksOf(left, this.count));
        return right.filter((span) => marks[span] === 1);
      }
    }
  }

  #siblings(left: readonly number[], right: readonly number[]): number[] {
    const { families, idCount } = this.links;
    const marks = marksOf(left, this.count);
    const counts = new Int32Array(idCount);
    for (const span of left) if (families[span] >= 0) counts[families[span]]++;
    return right.filter((span) => families[span] >= 0 && counts[families[span]] > marks[span]);
  }

  /** Marks the spans that have a marked ancestor. */
  #below(marked: Uint8Array): Uint8Array {
    const { parents } = this.links;
    const { order, circles, onCircle, circleCount } = this.#ordered();
    const below = new Uint8Array(this.count);
    const counts = circles && countOnCircles(marked, circles, onCircle, circleCount);
    for (const span of order) {
      if (circles && counts && onCircle[span]) below[span] = counts[circles[span]] > marked[span] ? 1 : 0;
      else if (parents[span] >= 0) below[span] = marked[parents[span]] | below[parents[span]];
    }
    return below;
  }

  /** Marks the spans that have a marked descendant. */
  #above(marked: Uint8Array): Uint8Array {
    const { parents } = this.links;
    const { order, circles, onCircle, circleCount } = this.#ordered();
    const above = new Uint8Array(this.count);
    for (let i = order.length - 1; i >= 0; i--) {
      const span = order[i];
      if (!onCircle[span] && parents[span] >= 0) above[parents[span]] |= marked[span] | above[span];
    }
    if (!circles) return above;
    // All that a circle leads to lies below each span on it, save that span itself.
    const counts = countOnCircles(marked, circles, onCircle, circleCount);
    const reached = new Uint8Array(circleCount);
    for (let span = 0; span < this.count; span++) if (onCircle[span]) reached[circles[span]] |= above[span];
    for (let span = 0; span < this.count; span++) {
      if (!onCircle[span]) continue;
      above[span] = reached[circles[span]] | (counts[circles[span]] > marked[span] ? 1 : 0);
    }
    return above;
  }

  #ordered(): TopDown {
    return (this.#topDown ??= topDownOf(this.links.parents));
  }
}

function countOnCircles(
  marked: Uint8Array,
  circles: Int32Array,
  onCircle: Uint8Array,
  circleCount: number,
): Int32Array {
  const counts = new Int32Array(circleCount);
  for (let span = 0; span < marked.length; span++) if (onCircle[span]) counts[circles[span]] += marked[span];
  return counts;
}

const UNSEEN = 0;
const ON_PATH = 1;
const DONE = 2;

/** Goes up from each span to what is ordered already; what leads back into its own path is a circle. */
function topDownOf(parents: Int32Array): TopDown {
  const count = parents.length;
  const order = new Int32Array(count);
  const state = new Uint8Array(count);
  const onCircle = new Uint8Array(count);
  const path = new Int32Array(count);
  let circles: Int32Array | undefined;
  let circleCount = 0;
  let ordered = 0;
  for (let start = 0; start < count; start++) {
    let length = 0;
    let span = start;
    while (span >= 0 && state[span] === UNSEEN) {
      state[span] = ON_PATH;
      path[length++] = span;
      span = parents[span];
    }
    if (span >= 0 && state[span] === ON_PATH) {
      circles ??= new Int32Array(count).fill(-1);
      let at = span;
      do {
        onCircle[at] = 1;
        circles[at] = circleCount;
        at = parents[at];
      } while (at !== span);
      circleCount++;
    }
    for (let i = length - 1; i >= 0; i--) {
      const next = path[i];
      state[next] = DONE;
      order[ordered++] = next;
    }
  }
  return { order, circles, onCircle, circleCount };
}

/** Depth first without recursion: a trace may be as deep as it is long. */
function nestedSets({ parents, families }: SpanLinks): NestedSets {
  const count = parents.length;
  const [left, right, parent] = [new Int32Array(count), new Int32Array(count), new Int32Array(count)];
  const firstChild = new Int32Array(count).fill(-1);
  const nextSibling = new Int32Array(count).fill(-1);
  for (let span = count - 1; span >= 0; span--) {
    const above = parents[span];
    if (above < 0) continue;
    nextSibling[span] = firstChild[above];
    firstChild[above] = span;
  }
  let number = 1;
  for (let root = 0; root < count; root++) {
    if (families[root] >= 0) continue;
    let span = root;
    left[span] = number++;
    parent[span] = -1;
    for (;;) {
      const child = firstChild[span];
      if (child >= 0) {
        firstChild[span] = nextSibling[child];
        left[child] = number++;
        parent[child] = left[span];
        span = child;
        continue;
      }
      right[span] = number++;
      if (span === root) break;
      span = parents[span];
    }
  }
  return { left, right, parent };
}

function marksOf(spans: readonly number[], count: number): Uint8Array {
  const marks = new Uint8Array(count);
  for (const span of spans) marks[span] = 1;
  return marks;
}

/** Those of `spans` that are not in `others`; both ascending. */
function without(spans: readonly number[], others: readonly number[]): number[] {
  let at = 0;
  return spans.filter((span) => {
    while (at < others.length && others[at] < span) at++;
    return others[at] !== span;
  });
}

/** Each once, ascending; so are both. */
export function union(a: readonly number[], b: readonly number[]): number[] {
  const joined: number[] = [];
  let [i, j] = [0, 0];
  while (i < a.length && j < b.length) {
    if (a[i] === b[j]) j++;
    else if (a[i] > b[j]) {
      joined.push(b[j++]);
      continue;
    }
    joined.push(a[i++]);
  }
  while (i < a.length) joined.push(a[i++]);
  while (j < b.length) joined.push(b[j++]);
  return joined;
}
