/**
 * What every store of spans can do. `http` knows this and nothing of the lake; the suite in
 * `span-store.suite.ts` holds every store to it.
 *
 * All times are unsigned nanoseconds since the epoch, all durations nanoseconds.
 */
import type { Span } from '../span/span.ts';
import type { Query } from '../traceql/ast.ts';

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
  /** The same bytes were taken before: nothing changed. */
  readonly duplicate?: boolean;
  /** Why spans were rejected, or a warning about accepted ones; '' when there is nothing to say. */
  readonly message: string;
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

export interface SearchQuestion {
  /** The parsed query; `{}` matches every span. */
  readonly query: Query;
  readonly range: TimeRange;
  readonly order: SearchOrder;
  readonly limit: number;
  /** `nextCursor` of the page before; the other fields must be the same as then. */
  readonly cursor?: string;
  readonly signal?: AbortSignal;
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

export interface NamesQuestion {
  readonly query: Query;
  readonly range: TimeRange;
  /** Keep what begins with this; '' keeps all. */
  readonly prefix: string;
  readonly limit: number;
}

export interface SpanStore {
  /**
   * Resolves when the spans are on disk. Throws OtlpDecodeError (bad bytes: nothing was taken)
   * or StoreUnavailableError.
   */
  append(projectId: string, request: ExportRequest): Promise<AppendResult>;
  searchSpans(projectId: string, question: SearchQuestion): Promise<SpanPage>;
  searchTraces(projectId: string, question: SearchQuestion): Promise<TracePage>;
  /** `traceId`: 32 lower-case hex digits. */
  trace(projectId: string, traceId: string): Promise<TraceAnswer>;
  /** Every service, or the operations of one, with counts, errors and quantiles. */
  serviceStats(projectId: string, range: TimeRange): Promise<StatsPage>;
  operationStats(projectId: string, serviceName: string, range: TimeRange): Promise<StatsPage>;
  attributeKeys(projectId: string, question: NamesQuestion): Promise<KeysPage>;
  /** `field` as TraceQL writes it: `span.http.route`, `resource.service.name`, `.x`, `name`, `status`. */
  attributeValues(projectId: string, field: string, question: NamesQuestion): Promise<ValuesPage>;
  /** True as long as no span of the project was ever stored. Cheap. */
  isEmpty(projectId: string): boolean;
  /** Stops taking writes, flushes, and closes. */
  close(): Promise<void>;
}
