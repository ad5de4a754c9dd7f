/** `spanlake attach`: pages and API over a folder that is only read: a backup, or beside a server. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { VERSION, parseAddress, serveFlags } from '../config.ts';
import { startServers } from '../http/server.ts';
import { createLog } from '../log.ts';
import type { Log } from '../log.ts';
import { MAX_BODY_BYTES, MAX_INGEST_BYTES } from '../limits.ts';
import { CatalogError, openCatalog } from '../store/catalog.ts';
import { ReadOnlyLake } from '../store/lake/read-only.ts';
import { Projects } from '../store/projects.ts';
import { copyProjects, openCatalogReadOnly } from '../store/read-only-catalog.ts';
import { StoreUnavailableError } from '../store/span-store.ts';
import { CommandError } from './command.ts';
import type { Command } from './command.ts';
import { listenProblem, refuseOpenDoor, shownAddress } from './serve.ts';
import { listenForStop } from './signals.ts';

/** How long after a 200 of the server a span is found here, at most about. */
const FOLLOW_EVERY_MS = 1_000;

/** Looking at a folder of many files takes longer: then it is done less often, a tenth of the time. */
const REST_FACTOR = 9;

const flags = {
  listen: {
    placeholder: 'HOST:PORT',
    fallback: '127.0.0.1:4319',
    help: 'API and pages',
    argumentOnly: true,
    parse: parseAddress,
  },
  insecure: serveFlags.insecure,
  logLevel: serveFlags.logLevel,
};

export const attachCommand: Command<typeof flags> = {
  flags,
  notes: `Takes no lock and writes nothing into DIR; what a server there takes is found a second later. Spans that are
sent to it are refused with 503. Tokens are those of the folder.

Examples:
  spanlake attach /backup/today
  spanlake attach ./data --listen 127.0.0.1:8080`,
  async run({ listen, insecure, logLevel }, [dir], output) {
    const dataDir = resolve(dir);
    const config = {
      version: VERSION,
      dataDir,
      listen,
      grpcListen: undefined,
      grpcOptional: false,
      insecure,
      maxBodyBytes: MAX_BODY_BYTES,
      maxIngestBytes: MAX_INGEST_BYTES,
    };
    const log = createLog({ level: logLevel });
    const stop = listenForStop(() => process.exit(1));
    // Projects and tokens in a catalog of our own: using a token is noted in it.
    const folder = mkdtempSync(join(tmpdir(), 'spanlake-attach-'));
    const catalog = openCatalog(folder);
    const projects = new Projects(catalog);
    const readProjects = () => {
      const opened = openCatalogReadOnly(dataDir);
      try {
        copyProjects(opened.db, catalog);
      } finally {
        opened.close();
      }
    };
    let lake: ReadOnlyLake | undefined;
    try {
      readProjects();
      refuseOpenDoor(config, projects);
      lake = await ReadOnlyLake.open({ dataDir });
      for (const problem of lake.problems) log.warn(problem);
      const startDemo = () => {
        throw new StoreUnavailableError('this data folder is opened for reading only', 30);
      };
      const readOnly = true;
      const servers = await startServers({ store: lake, projects, readOnly, config, log, startDemo });
      output.out(`spanlake ${VERSION}, reading only`);
      output.out(`  Pages, API   http://${shownAddress(listen, servers.httpPort)}`);
      output.out(`  Data folder  ${dataDir}`);
      const following = follow(lake, readProjects, log);
      await stop.stopped;
      following.stop();
      await servers.stop();
      return 0;
    } catch (error) {
      if (error instanceof CatalogError) throw new CommandError(error.message);
      throw listenProblem(error, config) ?? error;
    } finally {
      stop.release();
      await lake?.close();
      catalog.close();
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

/** Looks at the folder again and again; what fails is told, and tried again. */
function follow(lake: ReadOnlyLake, readProjects: () => void, log: Log): { stop(): void } {
  let timer: ReturnType<typeof setTimeout>;
  let stopped = false;
  const look = async () => {
    const began = performance.now();
    try {
      if (await lake.follow()) readProjects();
    } catch (error) {
      log.warn("can't look at the data folder", {
        error: error instanceof Error ? error.message : String(error),
      });
    }
    const tookMs = performance.now() - began;
    if (!stopped) timer = setTimeout(() => void look(), Math.max(FOLLOW_EVERY_MS, tookMs * REST_FACTOR));
  };
  timer = setTimeout(() => void look(), FOLLOW_EVERY_MS);
  return {
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
