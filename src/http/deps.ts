/** What the servers are made of; `commands/serve.ts` puts it together, and tests do. */
import type { Config } from '../config.ts';
import type { Log } from '../log.ts';
import type { IngestRecords } from '../store/ingest-records.ts';
import type { LinkTemplates } from '../store/link-templates.ts';
import type { Projects } from '../store/projects.ts';
import type { ServiceSlots } from '../store/service-slots.ts';
import type { SavedSearches } from '../store/saved-searches.ts';
import type { Store } from '../store/store-upkeep.ts';
import type { PriceTable } from '../trace/gen-ai-prices.ts';

/** Built-in sample traffic, sent to this server over OTLP like anybody's. */
export interface DemoTarget {
  readonly endpoint: string;
  readonly token?: string;
}
export interface RunningDemo {
  stop(): void;
  readonly done: Promise<unknown>;
}

export interface ServerDeps {
  readonly store: Store;
  readonly projects: Projects;
  /** Undefined: ingest health is forgotten at the end. */
  readonly ingestRecords?: IngestRecords;
  /** Undefined: searches can't be saved. */
  readonly savedSearches?: SavedSearches;
  /** Undefined: kept in memory alone. */
  readonly serviceSlots?: ServiceSlots;
  readonly linkTemplates?: LinkTemplates;
  /** The folder is another's: nothing in it may be changed from here. */
  readonly readOnly?: boolean;
  readonly config: Pick<
    Config,
    'version' | 'listen' | 'grpcListen' | 'grpcOptional' | 'insecure' | 'maxBodyBytes' | 'maxIngestBytes'
  >;
  readonly log: Log;
  /** What calls to models cost; undefined: nobody said. */
  readonly aiPrices?: PriceTable | undefined;
  readonly startDemo: (target: DemoTarget) => RunningDemo;
}

/** Not known before they listen. */
export interface Ports {
  http: number;
  grpc: number | undefined;
}

/** Nanoseconds since the epoch. */
export function nowUnixNano(): bigint {
  return BigInt(Date.now()) * 1_000_000n;
}
