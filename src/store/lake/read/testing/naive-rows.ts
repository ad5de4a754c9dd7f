/** Test support: the spans of a whole trace that a query counts, with what each says of its fields. */
import type { Span } from '../../../../span/span.ts';
import type { SpansetExpression } from '../../../../traceql/ast.ts';
import { matches } from '../../../../traceql/evaluate.ts';
import type { FieldSource } from '../../../../traceql/evaluate.ts';
import { spansOf } from '../../../../traceql/spanset.ts';
import { spansetsOf } from '../../../../traceql/spansets.ts';
import type { TimeRange } from '../../../span-store.ts';
import { SpanFields, TraceContext } from './trace-fields.ts';

/** `trace`: in order of start. */
export function naiveRows(
  trace: readonly Span[],
  source: SpansetExpression,
  range: TimeRange,
): { readonly span: Span; readonly fields: FieldSource }[] {
  const context = new TraceContext(trace);
  const fields = trace.map((span) => new SpanFields(span, context));
  const spansets = spansetsOf(source, {
    count: trace.length,
    structure: context.structure,
    inRange: (i) =>
      range.startUnixNano <= trace[i].startTimeUnixNano && trace[i].startTimeUnixNano < range.endUnixNano,
    matches: (filter, i) => matches(filter.condition, fields[i]),
    fields: (i) => fields[i],
  });
  return spansOf(spansets).map((i) => ({ span: trace[i], fields: fields[i] }));
}
