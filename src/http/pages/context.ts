/** What the pages are given: the process's parts once, and who is asking with each request. */
import type { SavedSearches } from '../../store/saved-searches.ts';
import type { IngestReport } from '../../store/ingest-health.ts';
import type { LinkTemplates } from '../../store/link-templates.ts';
import type { Projects } from '../../store/projects.ts';
import type { AppendResult } from '../../store/span-store.ts';
import type { Store } from '../../store/store-upkeep.ts';
import type { PriceTable } from '../../trace/gen-ai-prices.ts';
import type { ServiceColours } from './service-colours.ts';
import type { Tails } from './tails.ts';

/** Who asks, decided by the authorisation in front of the pages. */
export interface PageContext {
  readonly projectId: string;
  /** Where there are several: the project's name, to be shown. Else ''. */
  readonly projectShown: string;
  /** The address of the sheet with this project's colours of services. */
  readonly serviceColours: string;
  /** For the audit: a token's id, or `local`. */
  readonly actor: string;
  /** True for who may change what is kept: retention, pins, deletions. */
  readonly mayChange: boolean;
  /** True where the data folder is only looked at: then nobody may change anything. */
  readonly readOnly: boolean;
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
  /** In words, for a page whose beginning is out already; what is unexpected is logged. */
  readonly told?: (error: unknown, request: Request) => string;
  /** Undefined: nothing is kept. */
  readonly savedSearches?: SavedSearches;
  /** Undefined: there are no live tails. */
  readonly tails?: Tails;
  readonly store: Store;
  readonly projects: Projects;
  readonly linkTemplates: LinkTemplates;
  readonly serviceColours: ServiceColours;
  /** Nanoseconds since the epoch. */
  readonly now: () => bigint;
  /** The person behind a request, or the answer that turns them away (to /login). */
  readonly context: (request: Request) => PageContext | Response;
  /** The last refused requests, newest first, if the receivers keep them. */
  readonly refusals?: (projectId: string) => readonly Refusal[];
  /** Takes OTLP JSON as the receiver does, from who is asking or with an ingest token; undefined: nothing is taken. */
  readonly take?: (request: Request, body: Uint8Array, token: string | undefined) => Promise<AppendResult>;
  /** Of one request, before and after decompression. */
  readonly maxBodyBytes?: number;
  /** Who sends, and how that fares. */
  readonly ingest: (context: PageContext) => IngestReport;
  /** What models cost, if the operator said so. */
  readonly aiPrices?: PriceTable | undefined;
}
