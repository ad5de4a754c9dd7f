/**
 * What every store of spans can do; `span-store.suite.ts` holds each to it. All times are unsigned nanoseconds
 * since the epoch, all durations nanoseconds.
 */
import type { Findings } from '../span/findings.ts';
import type { Span } from '../span/span.ts';
import type { FieldExpression, Query, Static } from '../traceql/ast.ts';

/** Spans with `startUnixNano <= start < endUnixNano`. */
export interface TimeRange {
  readonly startUnixNano: bigint;
  readonly endUnixNano: bigint;
}

/** One export request: `body` after decompression; `received` as it came, for the log. */
export interface ExportRequest {
  readonly format: 'protobuf' | 'json';
  readonly body: Uint8Array;
  readonly received: {
    readonly encoding: 'identity' | 'gzip' | 'zstd' | 'deflate';
    readonly bytes: Uint8Array;
  };
  /** Take only gen-AI spans and reject the others (the receiver `/i/v0/ai/otel`). */
  readonly genAiOnly?: boolean;
}

export interface AppendResult {
  readonly accepted: number;
  readonly rejected: number;
  /** The same bytes were taken before: nothing changed, and there are no findings. */
  readonly duplicate?: boolean;
  /** Why spans were rejected, or a warning about accepted ones; '' when there is nothing to say. */
  readonly message: string;
  readonly findings?: Findings;
}

/** The store can't take writes now (disk full, failed fsync, overload): answer 503 with Retry-After. */
export class StoreUnavailableError extends Error {
  override readonly name = 'StoreUnavailableError';
  constructor(
    message: string,
    readonly retryAfterSeconds: number,
  ) {
    super(message);
  }
}

/** A question that parses and yet can't be answered: a bad cursor, an unanswerable expression. Answer 400. */
export class QuestionError extends Error {
  override readonly name = 'QuestionError';
  /** `position`: offset into the query text, where one is to blame. */
  constructor(
    readonly code: 'invalid_cursor' | 'invalid_query' | 'unsupported_query' | 'invalid_argument',
    message: string,
    readonly position?: number,
  ) {
    super(message);
  }
}

export type SearchOrder = 'newest' | 'oldest' | 'slowest';

/** What every question may carry. */
export interface Asking {
  /** Aborted when nobody waits for the answer any more. */
  readonly signal?: AbortSignal;
  /** The answer tells how it was come by (`Coverage.explain`). */
  readonly explain?: boolean;
}

/**
 * The range says which spans a selector looks at; what it asks of parents, roots and the trace is asked of
 * the whole trace.
 */
export interface SearchQuestion extends Asking {
  /** The parsed query, no metrics; `{}` matches every span. */
  readonly query: Query;
  readonly range: TimeRange;
  /** The range counts back from now: with a cursor it is that of the first page. */
  readonly sliding?: boolean;
  readonly order: SearchOrder;
  readonly limit: number;
  /** `nextCursor` of the page before; query, order and range must be the same as then. */
  readonly cursor?: string;
}

export interface Scanned {
  readonly partitions: number;
  readonly files: number;
  readonly rowGroups: number;
  readonly rows: number;
  readonly bytes: number;
  readonly prunedFiles: number;
  readonly prunedRowGroups: number;
  readonly prunedBytes: number;
}

/** What an answer covers. `complete` is true, or says what was left out and why. */
export interface Coverage {
  readonly complete: true | { readonly reason: string; readonly skipped: readonly string[] };
  readonly scanned: Scanned;
  readonly tookMs: number;
  /** Only where it was asked for. */
  readonly explain?: Explain;
}

/** How an answer was come by: the plan as it was carried out. Plain data. */
export interface Explain {
  /** The query in its canonical form. */
  readonly query: string;
  /** What is asked of each span where it stands, '' for every span; cheapest first. */
  readonly predicates: readonly ExplainedPredicate[];
  /** What only whole traces can tell, '' when nothing. */
  readonly residual: string;
  /** Read of files, by the names in them. */
  readonly columns: readonly string[];
  readonly files: PruneCount;
  readonly rowGroups: PruneCount;
  /** Rows of buffers, which are not in files yet. */
  readonly bufferRows: number;
  readonly rowsMatched: number;
  readonly traces: { readonly candidates: number; readonly read: number };
  readonly cache: { readonly hits: number; readonly misses: number };
  /** Why reading stopped before the end of the plan; '' when it did not. */
  readonly earlyStop: string;
  /** In order of their beginning; they may overlap. */
  readonly stages: readonly { readonly name: string; readonly ms: number; readonly detail: string }[];
}

export interface ExplainedPredicate {
  readonly text: string;
  /** How it is decided: `statistics`, `dictionary`, `range`, `row by row`... */
  readonly by: string;
  /** Rough nanoseconds a row. */
  readonly cost: number;
}

export interface PruneCount {
  readonly considered: number;
  readonly read: number;
  /** By reason: `time`, `services`, `tokens`... */
  readonly pruned: Readonly<Record<string, number>>;
}

export interface SpanPage extends Coverage {
  readonly spans: readonly Span[];
  readonly nextCursor?: string;
}

export interface ServiceCount {
  readonly name: string;
  readonly spanCount: number;
  readonly errorCount: number;
}

/** One trace in a search result. Figures are of the whole trace, not only of its matching spans. */
export interface TraceSummary {
  readonly traceId: string;
  /** '' while the root span has not arrived. */
  readonly rootServiceName: string;
  readonly rootName: string;
  readonly startTimeUnixNano: bigint;
  /** Last end minus first start. */
  readonly durationNano: bigint;
  readonly spanCount: number;
  readonly errorCount: number;
  /** By first start. */
  readonly services: readonly ServiceCount[];
  readonly matchedCount: number;
  /** The first matching spans in time, at most MATCHED_SPANS_SHOWN. */
  readonly matched: readonly Span[];
  /** Of a query that is more than one selector; `matched` are then the spans of all of them, each once. */
  readonly spansets?: readonly SpansetSummary[];
}

export interface SpansetSummary {
  /** What groups and aggregates say of it, under TraceQL's names: `by(name)`, `count()`. */
  readonly attributes: readonly { readonly key: string; readonly value: Static }[];
  readonly matchedCount: number;
  /** At most MATCHED_SPANS_SHOWN. */
  readonly matched: readonly Span[];
}

export interface TracePage extends Coverage {
  readonly traces: readonly TraceSummary[];
  readonly nextCursor?: string;
}

export interface TraceAnswer extends Coverage {
  /** In order of start; empty when the trace is unknown. */
  readonly spans: readonly Span[];
}

/** A service or one operation (span name and kind) of it over a range. Quantiles within 1 %. */
export interface OperationStats {
  readonly serviceName: string;
  /** '' in statistics by service. */
  readonly name: string;
  /** 0 in statistics by service. */
  readonly kind: number;
  readonly count: number;
  readonly errorCount: number;
  readonly p50Nano: bigint;
  readonly p95Nano: bigint;
  readonly p99Nano: bigint;
  readonly maxNano: bigint;
}

export interface StatsPage extends Coverage {
  readonly stats: readonly OperationStats[];
}

/** Where an attribute lives; `intrinsic` are fields of the span itself (`name`, `status`, ...). */
export type AttributeScope = 'span' | 'resource' | 'event' | 'link' | 'instrumentation' | 'intrinsic';

export interface AttributeKey {
  readonly scope: AttributeScope;
  readonly key: string;
  /** Spans that carry it, as far as known. */
  readonly count: number;
}

export interface KeysPage extends Coverage {
  readonly keys: readonly AttributeKey[];
}

export interface ValueCount {
  readonly type: 'string' | 'bool' | 'int' | 'double' | 'duration' | 'keyword';
  /** As text: `value.ts` for attributes, the TraceQL keyword for kind and status. */
  readonly value: string;
  readonly count: number;
}

export interface ValuesPage extends Coverage {
  readonly values: readonly ValueCount[];
}

export interface NamesQuestion extends Asking {
  readonly query: Query;
  readonly range: TimeRange;
  /** Keep what begins with this; '' keeps all. */
  readonly prefix: string;
  readonly limit: number;
}

export interface StatsQuestion extends Asking {
  readonly range: TimeRange;
}

export interface MetricsQuestion extends Asking {
  /** A metrics query. */
  readonly query: Query;
  /** Cut to where there are spans. */
  readonly range: TimeRange;
  /** Length of a bucket; undefined: all of the range is one. */
  readonly stepNano: bigint | undefined;
  /** Series that are answered; those with the largest sums are kept, and the answer says that it is cut. */
  readonly maxSeries: number;
  /** Spans shown as examples, of each series. */
  readonly exemplars: number;
}

/** Buckets begin at whole multiples of the step since the epoch; bucket i is `[start + i x step, + step)`. */
export interface MetricsPage extends Coverage {
  readonly startUnixNano: bigint;
  readonly stepNano: bigint;
  readonly buckets: number;
  readonly series: readonly MetricsSeries[];
}

export interface MetricsSeries {
  /** Of `by (...)` in its order, and what the aggregate adds (`p`, `__bucket`, `__meta_type`). */
  readonly labels: readonly { readonly key: string; readonly value: Static }[];
  /** One a bucket; NaN: none. Durations are seconds. */
  readonly samples: Float64Array;
  readonly exemplars: readonly Exemplar[];
}

export interface Exemplar {
  readonly traceId: string;
  readonly spanId: string;
  readonly timeUnixNano: bigint;
  readonly value: number;
}

/** Counts by start and duration, for a picture. */
export interface HeatmapQuestion extends Asking {
  readonly query: Query;
  readonly range: TimeRange;
  /** Columns of the picture, at most; the step is a round one. */
  readonly columns: number;
}

export interface HeatmapPage extends Coverage {
  readonly startUnixNano: bigint;
  readonly stepNano: bigint;
  readonly columns: number;
  /** Lower ends of the rows, ascending, four to a power of two; the first row also has what is shorter. */
  readonly durationsNano: readonly bigint[];
  /** `counts[row * columns + column]`. */
  readonly counts: Float64Array;
  readonly errors: Float64Array;
}

/** Top values of several fields, in one pass. */
export interface FacetsQuestion extends Asking {
  readonly query: Query;
  readonly range: TimeRange;
  /** As TraceQL writes them. */
  readonly fields: readonly string[];
  /** Values of each. */
  readonly limit: number;
}

export interface FacetsPage extends Coverage {
  /** Matching spans. */
  readonly count: number;
  readonly facets: readonly {
    readonly field: string;
    readonly values: readonly ValueCount[];
    readonly distinct: number;
    /** Spans without the field. */
    readonly missing: number;
  }[];
}

/** Which attributes tell the spans of a selection from the others of a query. */
export interface ComparisonQuestion extends Asking {
  readonly query: Query;
  /** Null: every span of the selection's range. */
  readonly selection: FieldExpression | null;
  /** Where it lies in time, if not in all of the range. */
  readonly selectionRange?: TimeRange;
  readonly range: TimeRange;
  /** Fields answered, those that differ most first, and values of each. */
  readonly limit: number;
  readonly values: number;
}

export interface ComparisonPage extends Coverage {
  readonly selected: number;
  /** The query's other spans. */
  readonly baseline: number;
  readonly fields: readonly {
    /** As TraceQL writes it. */
    readonly field: string;
    /** From 0, alike, to 1: half the sum of the differences between the shares of its values. */
    readonly difference: number;
    readonly values: readonly {
      readonly type: ValueCount['type'];
      readonly value: string;
      readonly selected: number;
      readonly baseline: number;
    }[];
  }[];
}

/** Who calls whom. `connectionType`: as the Collector's service graph names it. */
export interface Dependency {
  readonly client: string;
  readonly server: string;
  readonly connectionType: '' | 'database' | 'messaging_system' | 'virtual_node';
  readonly calls: number;
  readonly errors: number;
  /** Of the client's spans, or the server's where there are none. */
  readonly p50Nano: bigint;
  readonly p95Nano: bigint;
  readonly p99Nano: bigint;
}

export interface DependenciesPage extends Coverage {
  readonly dependencies: readonly Dependency[];
}

export interface SpanStore {
  /** Resolves when they are on disk. Throws OtlpDecodeError (nothing was taken) or StoreUnavailableError. */
  append(projectId: string, request: ExportRequest): Promise<AppendResult>;
  /** Why `append` would take nothing now, undefined when it would. Cheap: asked before a body is read. */
  refusal(): StoreUnavailableError | undefined;
  searchSpans(projectId: string, question: SearchQuestion): Promise<SpanPage>;
  searchTraces(projectId: string, question: SearchQuestion): Promise<TracePage>;
  /** `traceId`: 32 lower-case hex digits. */
  trace(projectId: string, traceId: string, asking?: Asking): Promise<TraceAnswer>;
  /** Every service, or the operations of one, with counts, errors and quantiles. */
  serviceStats(projectId: string, question: StatsQuestion): Promise<StatsPage>;
  operationStats(projectId: string, serviceName: string, question: StatsQuestion): Promise<StatsPage>;
  attributeKeys(projectId: string, question: NamesQuestion): Promise<KeysPage>;
  /** `field` as TraceQL writes it: `span.http.route`, `resource.service.name`, `.x`, `name`, `status`. */
  attributeValues(projectId: string, field: string, question: NamesQuestion): Promise<ValuesPage>;
  /** Numbers over time. Throws QuestionError for a query that is no metrics query. */
  metrics(projectId: string, question: MetricsQuestion): Promise<MetricsPage>;
  heatmap(projectId: string, question: HeatmapQuestion): Promise<HeatmapPage>;
  facets(projectId: string, question: FacetsQuestion): Promise<FacetsPage>;
  comparison(projectId: string, question: ComparisonQuestion): Promise<ComparisonPage>;
  dependencies(projectId: string, question: StatsQuestion): Promise<DependenciesPage>;
  /** True as long as no span of the project was ever stored. Cheap. */
  isEmpty(projectId: string): boolean;
  /** Stops taking writes, flushes, and closes. */
  close(): Promise<void>;
}
