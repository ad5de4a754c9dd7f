/** What was noticed about the spans of one request while they were taken in. */
export interface Findings {
  /** Why spans were rejected, and how many each. */
  readonly rejections: readonly { readonly reason: string; readonly spans: number }[];
  /** Beyond the limits of `SpanLimits`, added to the spans' own counts. */
  readonly droppedAttributes: number;
  readonly droppedEvents: number;
  readonly droppedLinks: number;
  /** Texts that were cut to `SpanLimits.valueBytes`. */
  readonly cutValues: number;
  /** Spans whose resource has no `service.name`. */
  readonly withoutService: number;
  /** Spans that ended long ago, or start in the future, by this server's clock. */
  readonly late: number;
  readonly future: number;
  /** Of `telemetry.sdk.*`, each distinct one: `opentelemetry nodejs 2.12.1`. */
  readonly sdks: readonly string[];
  /** Ids of the spans of a sample of traces: eight words a span (trace id 4, span id 2, parent id 2). */
  readonly family: Uint32Array;
}
