/** What the pages are given: the process's parts once, and who is asking with each request. */
import type { IngestReport } from '../../store/ingest-health.ts';
import type { Store } from '../../store/store-upkeep.ts';

/** Who asks, decided by the authorisation in front of the pages. */
export interface PageContext {
  readonly projectId: string;
  /** For the audit: a token's id, or `local`. */
  readonly actor: string;
  /** True for who may change what is kept: retention, pins, deletions. */
  readonly mayChange: boolean;
  /** The server as this browser reaches it, without a trailing slash: `http://127.0.0.1:4318`. */
  readonly baseUrl: string;
  /** `http://127.0.0.1:4317`, or '' when gRPC is off. */
  readonly grpcUrl: string;
  /** True when spans are taken only with an ingest token. */
  readonly ingestTokenRequired: boolean;
  /** True when a read token came with the request, so that "sign out" makes sense. */
  readonly signedIn: boolean;
  /** True when this person may start the sample traffic (POST /demo) and send a test trace. */
  readonly mayWrite: boolean;
}

/** Something that arrived and was not taken, in words for a person. */
export interface Refusal {
  readonly timeUnixNano: bigint;
  readonly reason: string;
}

export interface PagesDeps {
  readonly store: Store;
  /** Nanoseconds since the epoch. */
  readonly now: () => bigint;
  /** The person behind a request, or the answer that turns them away (to /login). */
  readonly context: (request: Request) => PageContext | Response;
  /** The last refused requests, newest first, if the receivers keep them. */
  readonly refusals?: (projectId: string) => readonly Refusal[];
  /** Who sends, and how that fares. */
  readonly ingest: (context: PageContext) => IngestReport;
}
