/** Test support: whole spans of one trace as TraceQL sees them, by the span instead of its place. */
import type { Span } from '../../../../span/span.ts';
import { SpanFields as FieldsAt, WholeTrace } from '../../../../traceql/trace-fields.ts';
import { traceDuration } from '../search/trace-duration.ts';

export class TraceContext extends WholeTrace {
  readonly #indices: ReadonlyMap<Span, number>;

  /** `spans` in order of start. */
  constructor(spans: readonly Span[]) {
    super(spans, traceDuration(spans));
    this.#indices = new Map(spans.map((span, i) => [span, i]));
  }

  indexOf(span: Span): number {
    return this.#indices.get(span) ?? -1;
  }
}

export class SpanFields extends FieldsAt {
  /** `span`: one of the trace's. */
  constructor(span: Span, trace: TraceContext) {
    super(trace, trace.indexOf(span));
  }
}
