/** For tests: what a lake should answer, as plain lists. The model is as slow and as simple as can be. */
import type { SearchOrder } from '../../span-store.ts';

export interface ModelSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly kind: number;
  readonly start: bigint;
  readonly duration: bigint;
}

/** Follows from what makes a span the same span, so that doubles agree in it. */
export function nameOf(span: ModelSpan): string {
  return `operation ${span.spanId.slice(-1)}${span.kind}`;
}

export function colourOf(span: ModelSpan): string {
  return ['red', 'green', 'blue'][Number.parseInt(span.spanId.slice(-1), 16) % 3];
}

/** One span however often it was delivered: `identityColumns` of the schema, within its trace. */
export function identityOf(span: ModelSpan): string {
  return `${span.traceId} ${span.spanId} ${span.kind} ${span.start}`;
}

export function textOf(span: ModelSpan): string {
  return `${identityOf(span)} ${span.duration} ${nameOf(span)}`;
}

/** What a deletion or a retention rule is about. */
export type Wanted =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'colour'; readonly colour: string }
  | { readonly kind: 'all' };

export function queryText(wanted: Wanted): string {
  switch (wanted.kind) {
    case 'name':
      return `{ name = "${wanted.name}" }`;
    case 'colour':
      return `{ span.colour = "${wanted.colour}" }`;
    case 'all':
      return '{}';
  }
}

export function isWanted(span: ModelSpan, wanted: Wanted): boolean {
  switch (wanted.kind) {
    case 'name':
      return nameOf(span) === wanted.name;
    case 'colour':
      return colourOf(span) === wanted.colour;
    case 'all':
      return true;
  }
}

export interface ModelRule {
  readonly wanted: Wanted;
  readonly maxAgeMs: number;
}

export class ModelProject {
  readonly pinned = new Set<string>();
  /** Requests that may be sent again: the store remembers them. */
  repeatable: (readonly ModelSpan[])[] = [];
  private spans = new Map<string, ModelSpan>();

  add(spans: readonly ModelSpan[]): void {
    for (const span of spans) {
      const known = this.spans.get(identityOf(span));
      // Of the same span delivered twice the longest counts.
      if (known === undefined || known.duration < span.duration) this.spans.set(identityOf(span), span);
    }
  }

  get all(): readonly ModelSpan[] {
    return [...this.spans.values()];
  }

  get traceIds(): readonly string[] {
    return [...new Set(this.all.map((span) => span.traceId))].toSorted();
  }

  trace(traceId: string): readonly ModelSpan[] {
    return this.all.filter((span) => span.traceId === traceId);
  }

  /**
   * Whether retention may remove the trace: the first rule that one of its spans matches decides, and all of
   * it must be older, from its start.
   */
  mayGo(traceId: string, rules: readonly ModelRule[], nowMs: number): boolean {
    const spans = this.trace(traceId);
    const rule = rules.find(({ wanted }) => spans.some((span) => isWanted(span, wanted)));
    if (rule === undefined || this.pinned.has(traceId)) return false;
    const dueBefore = BigInt(nowMs - rule.maxAgeMs) * 1_000_000n;
    return spans.every((span) => span.start <= dueBefore);
  }

  /** Answers how many went. */
  remove(isGone: (span: ModelSpan) => boolean): number {
    const kept = this.all.filter((span) => !isGone(span));
    const removed = this.spans.size - kept.length;
    this.spans = new Map(kept.map((span) => [identityOf(span), span]));
    return removed;
  }

  search(wanted: Wanted, order: SearchOrder): readonly ModelSpan[] {
    return this.all.filter((span) => isWanted(span, wanted)).toSorted((a, b) => compare(a, b, order));
  }
}

function compare(a: ModelSpan, b: ModelSpan, order: SearchOrder): number {
  return (
    byRank(a, b, order) ||
    compareValues(a.traceId, b.traceId) ||
    compareValues(a.spanId, b.spanId) ||
    compareValues(a.start, b.start) ||
    a.kind - b.kind
  );
}

function byRank(a: ModelSpan, b: ModelSpan, order: SearchOrder): number {
  switch (order) {
    case 'newest':
      return compareValues(b.start, a.start);
    case 'oldest':
      return compareValues(a.start, b.start);
    case 'slowest':
      return compareValues(b.duration, a.duration);
  }
}

function compareValues<T extends string | bigint>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
