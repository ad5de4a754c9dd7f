/**
 * What a store can be asked about what it keeps: how it fares, how long things stay, what is removed. The
 * half beside `SpanStore`. Times are Unix milliseconds unless they say otherwise.
 */
import type { Query } from '../traceql/ast.ts';
import type { SpanStore, TimeRange } from './span-store.ts';

/** Spans of traces that `query` finds go once they are older than `maxAgeMs`. */
export interface RetentionRule {
  /** TraceQL as it was written, `{ status = error }`; `{}` is every trace. */
  readonly query: string;
  readonly maxAgeMs: number;
}

/**
 * How long a project's traces stay. The first rule that finds a trace decides its age: specific rules first,
 * `{}` last. A trace that no rule finds stays. Beyond `maxBytes` of files the oldest go. Pinned traces stay.
 */
export interface RetentionPolicy {
  readonly rules: readonly RetentionRule[];
  readonly maxBytes: number | undefined;
}

export interface PinnedTrace {
  readonly traceId: string;
  readonly pinnedAt: number;
  readonly note: string;
}

export type AuditAction =
  | 'delete trace'
  | 'delete spans'
  | 'retention'
  | 'size'
  | 'pin'
  | 'unpin'
  | 'repair'
  | 'create project'
  | 'create token'
  | 'revoke token';

/** One thing that was removed, or kept from being so; or who may come in. */
export interface AuditEntry {
  readonly id: number;
  readonly at: number;
  readonly projectId: string;
  readonly action: AuditAction;
  /** A token's id; `local` where no tokens exist; `retention`; `command line`. */
  readonly actor: string;
  /** The trace, the query or the rule. */
  readonly detail: string;
  readonly spans: number;
  /** Of files, that got free. */
  readonly bytes: number;
}

/** What a deletion did. It is done, on disk too, when it is answered. */
export interface Deletion {
  readonly spans: number;
  readonly bytes: number;
  /** Damaged files of the project, which no answer uses: they were not touched, and may hold such spans. */
  readonly quarantined?: readonly string[];
}

/** A file that no answer uses, and why. */
export interface QuarantinedFile {
  readonly path: string;
  readonly reason: string;
}

/** Figures of the store's own state, for `/metrics`, `/readyz` and the pages. */
export interface StoreHealth {
  /** False while it takes no writes; `reason` says why. */
  readonly writable: boolean;
  readonly reason: string;
  readonly bufferRows: number;
  readonly bufferBytes: number;
  readonly logBytes: number;
  readonly logAgeSeconds: number;
  /** How long the last fsync of the log took, and when it was; 0 before the first. */
  readonly lastFsyncMs: number;
  readonly lastFsyncAt: number;
  readonly files: number;
  readonly fileRows: number;
  readonly fileBytes: number;
  /** Of trace indexes and token filters. */
  readonly indexBytes: number;
  /** What compaction would merge now, and what it has done since the start. */
  readonly compactionDebtFiles: number;
  readonly compactionDebtRows: number;
  readonly compactions: number;
  readonly compactedRows: number;
  /** Spans and requests that came again and were not kept twice, since the start. */
  readonly duplicateSpans: number;
  readonly duplicateRequests: number;
  readonly quarantined: readonly QuarantinedFile[];
  /** Of the disk that holds the data folder; writes are refused below `diskReserveBytes` free. */
  readonly diskFreeBytes: number;
  readonly diskTotalBytes: number;
  readonly diskReserveBytes: number;
  /** Until the disk is full at the pace of the last days; undefined while that can't be told. */
  readonly daysLeft: number | undefined;
  /** Why retention waits, or '' when it does not: a clock that jumped. */
  readonly retentionPaused: string;
  /** What failed in the background last, or ''. */
  readonly lastProblem: string;
}

export interface ProjectUsage {
  readonly projectId: string;
  readonly files: number;
  readonly rows: number;
  readonly bytes: number;
  /** Of its spans' starts, nanoseconds; undefined without files. */
  readonly oldestUnixNano: bigint | undefined;
  readonly newestUnixNano: bigint | undefined;
}

export interface StoreUpkeep {
  health(): StoreHealth;
  usage(projectId: string): ProjectUsage;
  /** Merges everything that is worth merging, and resolves when that is done. */
  compact(): Promise<void>;
  /** `traceId`: 32 lower-case hex digits, as everywhere. `actor` is for the audit. */
  deleteTrace(projectId: string, traceId: string, actor: string): Promise<Deletion>;
  /** The spans that match, not their whole traces. Throws QuestionError for a query it can't answer. */
  deleteSpans(projectId: string, query: Query, range: TimeRange, actor: string): Promise<Deletion>;
  pinTrace(projectId: string, traceId: string, note: string, actor: string): void;
  unpinTrace(projectId: string, traceId: string, actor: string): void;
  pinnedTraces(projectId: string): readonly PinnedTrace[];
  retention(projectId: string): RetentionPolicy;
  /** Throws QuestionError for a rule that is no retention rule. */
  setRetention(projectId: string, policy: RetentionPolicy): void;
  /** Newest first. */
  audit(projectId: string, limit: number): readonly AuditEntry[];
}

/** Both halves: what the servers work with. */
export type Store = SpanStore & StoreUpkeep;
