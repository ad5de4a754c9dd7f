/** What `spanlake serve` does: store -> servers, until a signal; then drains. */
import type { Database } from 'bun:sqlite';
import { UsageError } from '../command-line.ts';
import { formatAddress, isLoopback } from '../config.ts';
import type { Config, ListenAddress } from '../config.ts';
import { startDemo } from '../demo/main.ts';
import { startServers } from '../http/server.ts';
import { createLog } from '../log.ts';
import type { Log } from '../log.ts';
import { openLake } from '../store/lake/lake.ts';
import { DataFolderInUseError, LockDamagedError } from '../store/lake/lock.ts';
import { CatalogLostError } from '../store/lake/write/tidy.ts';
import { waitBriefly } from '../store/catalog.ts';
import { IngestRecords } from '../store/ingest-records.ts';
import { LinkTemplates } from '../store/link-templates.ts';
import { Projects } from '../store/projects.ts';
import { SavedSearches } from '../store/saved-searches.ts';
import { ServiceSlots } from '../store/service-slots.ts';
import type { Store } from '../store/store-upkeep.ts';
import { folderProblem, openFolder } from './catalog.ts';
import { CommandError } from './command.ts';
import type { ExitCode, Output } from './command.ts';
import { listenForStop } from './signals.ts';

/** Draining takes seconds. One that hangs must not keep a service manager waiting: what was taken is on disk. */
const DRAIN_TIMEOUT_MS = 30_000;

const LISTEN_REASONS = [
  { code: 'EADDRINUSE', reason: 'is in use' },
  { code: 'EADDRNOTAVAIL', reason: 'is no address of this machine' },
  { code: 'EACCES', reason: 'needs rights that this user does not have' },
] as const;

/** Serves until a signal, then drains. Throws CommandError and UsageError. */
export async function serve(config: Config, output: Output): Promise<ExitCode> {
  const log = createLog({ level: config.logLevel });
  const stop = listenForStop(() => {
    log.warn('ended before it was drained: the log is replayed at the next start');
    process.exit(1);
  });
  const catalog = openFolder(config.dataDir);
  waitBriefly(catalog);
  const projects = new Projects(catalog);
  refuseOpenDoor(config, projects);
  const store = await openStore(config, catalog, log);
  const ingestRecords = new IngestRecords(catalog);
  const savedSearches = new SavedSearches(catalog);
  const linkTemplates = new LinkTemplates(catalog);
  const serviceSlots = new ServiceSlots(catalog);
  const servers = await listen(config, {
    store,
    projects,
    ingestRecords,
    savedSearches,
    linkTemplates,
    serviceSlots,
    log,
  });
  output.out(greeting(config, servers.httpPort, servers.grpcPort));

  const signal = await stop.stopped;
  log.info('draining', { signal });
  const watchdog = setTimeout(() => {
    log.error('draining took too long: the log is replayed at the next start', { ms: DRAIN_TIMEOUT_MS });
    process.exit(1);
  }, DRAIN_TIMEOUT_MS);
  await servers.stop();
  await store.close();
  catalog.close();
  clearTimeout(watchdog);
  log.info('stopped');
  return 0;
}

/** Beyond loopback anyone may read and write what no token guards. */
export function refuseOpenDoor(
  config: Pick<Config, 'insecure' | 'listen' | 'grpcListen' | 'dataDir'>,
  projects: Projects,
): void {
  if (config.insecure || projects.anyTokens()) return;
  const open = [config.listen, ...(config.grpcListen === undefined ? [] : [config.grpcListen])];
  const beyond = open.find((address) => !isLoopback(address));
  if (beyond === undefined) return;
  throw new UsageError(
    `${formatAddress(beyond)} can be reached from other machines, and there are no tokens.\n` +
      `Make one:  spanlake token create --scope ingest --data ${config.dataDir}\n` +
      `           spanlake token create --scope read --data ${config.dataDir}\n` +
      'or add --insecure to let everyone who reaches the port read and write.',
  );
}

async function openStore(config: Config, catalog: Database, log: Log): Promise<Store> {
  try {
    return await openLake({
      dataDir: config.dataDir,
      catalog,
      limits: config.flush,
      spanLimits: config.spanLimits,
      compaction: { filesPerMerge: config.compactFiles },
      reserve: config.minFree,
      queryTimeoutMs: config.queryTimeoutMs,
      report: (problem) => log.warn(problem),
    });
  } catch (error) {
    // In order: what a person puts in the catalog's place must not meet the log of this one.
    catalog.close();
    if (error instanceof DataFolderInUseError) {
      throw new CommandError(
        `${error.message}. One process works on a data folder; choose another with --data`,
      );
    }
    if (error instanceof LockDamagedError || error instanceof CatalogLostError) {
      throw new CommandError(error.message);
    }
    throw folderProblem(error, config.dataDir);
  }
}

interface Parts {
  readonly store: Store;
  readonly projects: Projects;
  readonly ingestRecords: IngestRecords;
  readonly savedSearches: SavedSearches;
  readonly linkTemplates: LinkTemplates;
  readonly serviceSlots: ServiceSlots;
  readonly log: Log;
}

async function listen(config: Config, parts: Parts): ReturnType<typeof startServers> {
  try {
    return await startServers({ ...parts, config, startDemo, aiPrices: config.aiPrices });
  } catch (error) {
    await parts.store.close();
    throw listenProblem(error, config) ?? error;
  }
}

/** A port that can't be had, in words that say how to have another; undefined for other errors. */
export function listenProblem(
  error: unknown,
  { listen, grpcListen }: Pick<Config, 'listen' | 'grpcListen'>,
): CommandError | undefined {
  if (!(error instanceof Error)) return undefined;
  const said = `${'code' in error ? String(error.code) : ''} ${error.message}`;
  const reason = LISTEN_REASONS.find(({ code }) => said.includes(code))?.reason;
  if (reason === undefined) return undefined;
  // gRPC's library tells the address in its message, Bun's HTTP server does not.
  const grpc = grpcListen === undefined ? undefined : formatAddress(grpcListen);
  if (grpc !== undefined && grpc !== formatAddress(listen) && said.includes(grpc)) {
    return new CommandError(
      `${grpc} ${reason}; choose another with --grpc-listen HOST:PORT, or --grpc-listen off`,
    );
  }
  return new CommandError(`${formatAddress(listen)} ${reason}; choose another with --listen HOST:PORT`);
}

/** What a stranger wants to know: where to look, where to send, where it is kept. */
function greeting(config: Config, httpPort: number, grpcPort: number | undefined): string {
  const http = `http://${shownAddress(config.listen, httpPort)}`;
  const lines = [
    `spanlake ${config.version}`,
    `  Pages, API   ${http}`,
    `  OTLP/HTTP    ${http}/i/v1/traces`,
  ];
  if (config.grpcListen !== undefined && grpcPort !== undefined) {
    lines.push(`  OTLP/gRPC    ${shownAddress(config.grpcListen, grpcPort)}`);
  } else {
    lines.push('  OTLP/gRPC    off');
  }
  lines.push(`  Data folder  ${config.dataDir}`);
  return lines.join('\n');
}

/** An address to click on: the wildcards stand for this machine. */
export function shownAddress({ host }: ListenAddress, port: number): string {
  const shown = host === '0.0.0.0' || host === '::' ? 'localhost' : host;
  return formatAddress({ host: shown, port });
}
