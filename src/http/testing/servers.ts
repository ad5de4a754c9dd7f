/** The real servers over a real lake in a folder of their own, for tests. */
import type { Database } from 'bun:sqlite';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLog } from '../../log.ts';
import { openCatalog } from '../../store/catalog.ts';
import { openLake } from '../../store/lake/lake.ts';
import type { Lake } from '../../store/lake/lake.ts';
import { IngestRecords } from '../../store/ingest-records.ts';
import { Projects } from '../../store/projects.ts';
import { SavedSearches } from '../../store/saved-searches.ts';
import type { Store } from '../../store/store-upkeep.ts';
import type { ServerDeps } from '../deps.ts';
import { startServers } from '../server.ts';

export interface TestServersOptions {
  readonly config?: Partial<ServerDeps['config']>;
  /** Stands between the servers and the lake, to make it fail. */
  readonly wrap?: (lake: Lake) => Store;
}

export class TestServers implements AsyncDisposable {
  /** Without a trailing slash. */
  readonly url: string;
  readonly grpcAddress: string;
  /** What the servers logged, a line each. */
  readonly logged: readonly string[];
  /** Where the demo button sent its traffic. */
  readonly demos: readonly { readonly endpoint: string }[];

  private constructor(
    readonly projects: Projects,
    readonly lake: Lake,
    httpPort: number,
    grpcPort: number | undefined,
    logged: readonly string[],
    demos: readonly { readonly endpoint: string }[],
    private readonly end: () => Promise<void>,
  ) {
    this.url = `http://127.0.0.1:${httpPort}`;
    this.grpcAddress = `127.0.0.1:${grpcPort ?? 0}`;
    this.logged = logged;
    this.demos = demos;
  }

  static async start({ config, wrap = (lake) => lake }: TestServersOptions = {}): Promise<TestServers> {
    const dataDir = mkdtempSync(join(tmpdir(), 'spanlake-http-'));
    const catalog: Database = openCatalog(dataDir);
    const projects = new Projects(catalog);
    const lake = await openLake({ dataDir, catalog });
    const logged: string[] = [];
    const demos: { endpoint: string }[] = [];
    const servers = await startServers({
      store: wrap(lake),
      projects,
      ingestRecords: new IngestRecords(catalog),
      savedSearches: new SavedSearches(catalog),
      log: createLog({ level: 'debug', write: (line) => logged.push(line) }),
      config: {
        version: '0.0.0-test',
        listen: { host: '127.0.0.1', port: 0 },
        grpcListen: { host: '127.0.0.1', port: 0 },
        grpcOptional: false,
        insecure: false,
        maxBodyBytes: 8 * 1024 * 1024,
        maxIngestBytes: 64 * 1024 * 1024,
        ...config,
      },
      startDemo: ({ endpoint }) => {
        demos.push({ endpoint });
        return { stop: () => {}, done: Promise.resolve() };
      },
    });
    return new TestServers(projects, lake, servers.httpPort, servers.grpcPort, logged, demos, async () => {
      await servers.stop();
      // Not closed: nobody reads the Parquet that a drain would write.
      await lake.abandon();
      catalog.close();
      rmSync(dataDir, { recursive: true, force: true });
    });
  }

  fetch(path: string, init?: RequestInit): Promise<Response> {
    return fetch(this.url + path, { redirect: 'manual', ...init });
  }

  /** GET of the API, parsed. */
  async get<T = Record<string, unknown>>(path: string, init?: RequestInit): Promise<T> {
    const response = await this.fetch(path, init);
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }
}
