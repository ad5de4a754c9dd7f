/** The spans of one trace, in order of start, each once though it may have been delivered twice. */

interface Ordered {
  readonly spanId: string;
  readonly kind: number;
  readonly startTimeUnixNano: bigint;
}

/**
 * Spans with the same id and kind are the same span delivered again. Client and server spans that share
 * an id (Zipkin's habit) have different kinds and stay two.
 */
export function orderedOnce<T extends Ordered>(spans: readonly T[]): T[] {
  const sorted = [...spans].sort(compareSpans);
  const seen = new Set<string>();
  return sorted.filter(({ spanId, kind }) => {
    const identity = `${spanId} ${kind}`;
    if (seen.has(identity)) return false;
    seen.add(identity);
    return true;
  });
}

function compareSpans(a: Ordered, b: Ordered): number {
  if (a.startTimeUnixNano !== b.startTimeUnixNano) return a.startTimeUnixNano < b.startTimeUnixNano ? -1 : 1;
  if (a.spanId !== b.spanId) return a.spanId < b.spanId ? -1 : 1;
  return a.kind - b.kind;
}
