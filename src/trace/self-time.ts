/** The time of a span in which none of its children ran: what it did itself, or waited for. */
import { spanEnd } from './tree.ts';
import type { TraceNode } from './tree.ts';

/** Nanoseconds, never negative. Children that run at once count once, and only where they lie within the span. */
export function selfNano(node: TraceNode): bigint {
  const end = spanEnd(node.span);
  let covered = node.span.startTimeUnixNano;
  let self = 0n;
  for (const { span } of node.children) {
    if (span.startTimeUnixNano >= end) break;
    if (span.startTimeUnixNano > covered) self += span.startTimeUnixNano - covered;
    const childEnd = spanEnd(span);
    if (childEnd > covered) covered = childEnd;
  }
  return end > covered ? self + end - covered : self;
}
