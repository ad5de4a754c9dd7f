/** A spanset, and the trace that it is of, as `spansets.ts` asks of it. */
import type { SpansetFilter, Static } from './ast.ts';
import type { FieldSource } from './evaluate.ts';
import type { TraceStructure } from './structure.ts';

export interface Spanset {
  /** Indices of spans of the trace, ascending, each once; never empty. */
  readonly spans: readonly number[];
  /** What groups and aggregates say of it: `by(span:name)`, `count()`. */
  readonly attributes: readonly SpansetAttribute[];
}

export interface SpansetAttribute {
  readonly key: string;
  readonly value: Static;
}

/** A whole trace, each span once, in order of start. */
export interface TraceSpans {
  readonly count: number;
  readonly structure: TraceStructure;
  /** Whether the span starts in the range of the question. */
  inRange(span: number): boolean;
  /** Whether the span satisfies the selector's condition. Asked of spans in range alone. */
  matches(filter: SpansetFilter, span: number): boolean;
  fields(span: number): FieldSource;
}

/** The spans of all spansets, each once, ascending. */
export function spansOf(spansets: readonly Spanset[]): readonly number[] {
  if (spansets.length === 0) return [];
  if (spansets.length === 1) return spansets[0].spans;
  return [...new Set(spansets.flatMap(({ spans }) => spans))].sort((a, b) => a - b);
}
