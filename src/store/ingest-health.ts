/**
 * How ingest fares, sender by sender: a token, or whoever sends while there are no tokens. The words that
 * the receivers' records, the catalog, the API and the page share.
 */

/** What is counted of each sender. The order is of no meaning; names stand in the catalog. */
export const COUNT_NAMES = [
  /** Requests that were answered with success, those that came again included. */
  'requests',
  'refusedRequests',
  /** Taken before with the same bytes: they changed nothing. */
  'duplicateRequests',
  /** As received, compressed or not, of all requests that were read. */
  'bytes',
  'acceptedSpans',
  'rejectedSpans',
  'droppedAttributes',
  'droppedEvents',
  'droppedLinks',
  'cutValues',
  'spansWithoutService',
  'lateSpans',
  'futureSpans',
  /** Spans of a sample of traces whose parent was looked for, and those whose parent never came. */
  'sampledSpans',
  'orphanSpans',
] as const;

export type CountName = (typeof COUNT_NAMES)[number];
export type Counts = Readonly<Record<CountName, number>>;

/** All times are Unix milliseconds. */
export interface LastRequest {
  readonly atMs: number;
  readonly transport: 'http' | 'grpc';
  readonly format: 'protobuf' | 'json';
  readonly encoding: 'identity' | 'gzip' | 'zstd' | 'deflate';
  /** Cut; '' when the sender told none. */
  readonly userAgent: string;
}

/** Why something was not taken, and how much: whole requests, or spans of requests that were taken. */
export interface RefusalCount {
  readonly reason: string;
  readonly unit: 'spans' | 'requests';
  readonly count: number;
  readonly lastMs: number;
}

/** A sender's record as the catalog keeps it. */
export interface StoredSender {
  readonly projectId: string;
  /** '' for whoever sends without a token; of the project '', those who were turned away unknown. */
  readonly tokenId: string;
  readonly sinceMs: number;
  readonly lastTakenMs: number;
  readonly lastRefusedMs: number;
  readonly lastRequest: LastRequest | undefined;
  /** `opentelemetry nodejs 2.12.1`, and when it was last seen. */
  readonly sdks: readonly (readonly [name: string, lastMs: number])[];
  readonly refusals: readonly RefusalCount[];
  readonly total: Partial<Counts>;
  /** By slot, as `Windows` counts them: what happened of late outlives a restart. */
  readonly fiveMinutes: readonly (readonly [slot: number, Partial<Counts>])[];
  readonly hour: readonly (readonly [slot: number, Partial<Counts>])[];
  readonly day: readonly (readonly [slot: number, Partial<Counts>])[];
}

/**
 * `receiving`: all that came in the last 5 minutes was taken; `refusing`: something was not; `quiet`: nothing
 * came; `never`: nothing ever did.
 */
export type SenderState = 'receiving' | 'refusing' | 'quiet' | 'never';

export interface SenderReport {
  /** Undefined for whoever sends without one. */
  readonly token: ReportedToken | undefined;
  readonly state: SenderState;
  /** Since when `total` counts; 0 before the first request. */
  readonly sinceMs: number;
  /** 0 for never. */
  readonly lastTakenMs: number;
  readonly lastRefusedMs: number;
  readonly lastRequest: LastRequest | undefined;
  /** Latest first. */
  readonly sdks: readonly { readonly name: string; readonly lastMs: number }[];
  readonly refusals: readonly RefusalCount[];
  readonly fiveMinutes: Counts;
  readonly hour: Counts;
  readonly day: Counts;
  readonly total: Counts;
  /** Of the last day's sampled spans; undefined while there are too few of them to tell. */
  readonly orphanShare: number | undefined;
}

export interface ReportedToken {
  readonly id: string;
  readonly name: string;
  readonly createdMs: number;
  readonly revokedMs: number | undefined;
}

export interface IngestReport {
  readonly projectId: string;
  /** Those who need a look first: refusing, receiving, quiet, never. */
  readonly senders: readonly SenderReport[];
  /** Requests of which no token was known, of the whole server; undefined for who may not see them. */
  readonly turnedAway: SenderReport | undefined;
}
