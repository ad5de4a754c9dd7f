/** Spans each once though they may have been delivered twice. */

interface Delivered {
  readonly spanId: string;
  readonly kind: number;
  readonly startTimeUnixNano: bigint;
  readonly durationNano: bigint;
}

/**
 * The spans of one trace, in order of start. Spans with the same id, kind and start are one span delivered
 * again, and the one that lasted longest stays. Client and server spans that share an id (Zipkin's habit)
 * have different kinds and stay two.
 */
export function orderedOnce<T extends Delivered>(spans: readonly T[]): T[] {
  const sorted = [...spans].sort(compareSpans);
  return sorted.filter((span, i) => i === 0 || !isSameSpan(sorted[i - 1], span));
}

/** Spans of any traces in the order given, of equal ones the one that lasted longest. */
export function longestOnce<T extends Delivered & { readonly traceId: string }>(spans: readonly T[]): T[] {
  const longest = new Map<string, T>();
  for (const span of spans) {
    const identity = `${span.traceId} ${span.spanId} ${span.kind} ${span.startTimeUnixNano}`;
    const known = longest.get(identity);
    if (!known || known.durationNano < span.durationNano) longest.set(identity, span);
  }
  const kept = new Set(longest.values());
  return spans.filter((span) => kept.delete(span));
}

function isSameSpan(a: Delivered, b: Delivered): boolean {
  return a.startTimeUnixNano === b.startTimeUnixNano && a.spanId === b.spanId && a.kind === b.kind;
}

function compareSpans(a: Delivered, b: Delivered): number {
  if (a.startTimeUnixNano !== b.startTimeUnixNano) return a.startTimeUnixNano < b.startTimeUnixNano ? -1 : 1;
  if (a.spanId !== b.spanId) return a.spanId < b.spanId ? -1 : 1;
  if (a.kind !== b.kind) return a.kind - b.kind;
  if (a.durationNano === b.durationNano) return 0;
  return a.durationNano > b.durationNano ? -1 : 1;
}
