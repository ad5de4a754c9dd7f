/** Where an import goes: into a folder that this process holds, or over HTTP to a server. */
import { gzipSync } from 'node:zlib';
import { tracesUrl } from '../../demo/sender.ts';
import { decodeTraces } from '../../otlp/decode.ts';
import { SpanColumns } from '../../span/columns.ts';
import type { SpanLimits } from '../../span/span-limits.ts';
import { DEFAULT_PROJECT } from '../../store/catalog.ts';
import { openLake } from '../../store/lake/lake.ts';
import { DataFolderInUseError, LockDamagedError } from '../../store/lake/lock.ts';
import { Projects } from '../../store/projects.ts';
import { StoreUnavailableError } from '../../store/span-store.ts';
import type { AppendResult, ExportRequest } from '../../store/span-store.ts';
import { openFolder } from '../catalog.ts';
import { CommandError } from '../command.ts';

export interface Sink {
  /** Resolves when the spans are on disk there. Throws OtlpDecodeError for what is no request. */
  send(request: ExportRequest): Promise<AppendResult>;
  close(): Promise<void>;
}

/** A server that takes nothing for so long is given up. */
const PATIENCE_MS = 300_000;
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 10_000;
const REQUEST_TIMEOUT_MS = 120_000;

/** Throws CommandError: a server holds the folder, or there is no such project. */
export async function folderSink(
  dataDir: string,
  projectId: string,
  spanLimits: SpanLimits,
  report: (problem: string) => void,
): Promise<Sink> {
  const catalog = openFolder(dataDir);
  try {
    const known = new Projects(catalog).listProjects().some(({ id }) => id === projectId);
    if (!known && projectId !== DEFAULT_PROJECT) {
      throw new CommandError(
        `there is no project ${projectId}; make it with: spanlake project create ${projectId}`,
      );
    }
    const lake = await openLake({ dataDir, catalog, spanLimits, report });
    return {
      send: (request) => patiently(() => lake.append(projectId, request)),
      async close() {
        await lake.close();
        catalog.close();
      },
    };
  } catch (error) {
    catalog.close();
    if (error instanceof DataFolderInUseError) {
      throw new CommandError(
        `${error.message}: send to the server that works on it, with --to http://HOST:PORT`,
      );
    }
    if (error instanceof LockDamagedError) throw new CommandError(error.message);
    throw error;
  }
}

/** Throws CommandError for what is no address. */
export function serverSink(endpoint: string, token: string | undefined): Sink {
  const url = tracesUrl(endpoint);
  return {
    send(request) {
      // Tells what is no request before it is sent, and how many spans it has: the answer does not.
      const counted = decodeTraces(request, new SpanColumns());
      return patiently(() => post(url, token, request, counted));
    },
    close: () => Promise.resolve(),
  };
}

async function post(
  url: string,
  token: string | undefined,
  { format, body }: ExportRequest,
  counted: AppendResult,
): Promise<AppendResult> {
  let response: Response;
  try {
    response = await fetch(url, {
      method: 'POST',
      headers: {
        'Content-Type': format === 'json' ? 'application/json' : 'application/x-protobuf',
        'Content-Encoding': 'gzip',
        'User-Agent': 'spanlake-import',
        ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
      },
      body: gzipSync(body, { level: 1 }),
      redirect: 'manual',
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    });
  } catch (error) {
    throw new StoreUnavailableError(`no server answers at ${url} (${messageOf(error)})`, 1);
  }
  const text = await response.text();
  if (response.status === 200) return counted;
  const problem = `${url} answers ${response.status} ${text.slice(0, 300)}`.trim();
  if ([429, 502, 503, 504].includes(response.status)) {
    throw new StoreUnavailableError(problem, Number(response.headers.get('Retry-After') ?? 1));
  }
  if (response.status === 401 || response.status === 403) {
    throw new CommandError(`${problem}; give an ingest token of that server with --token`);
  }
  throw new CommandError(problem);
}

/** Tries again while the store says that it can't now. */
async function patiently<T>(send: () => Promise<T>): Promise<T> {
  const giveUpAt = performance.now() + PATIENCE_MS;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2)) {
    try {
      return await send();
    } catch (error) {
      if (!(error instanceof StoreUnavailableError)) throw error;
      if (performance.now() > giveUpAt) throw new CommandError(`given up: ${error.message}`);
      const asked = Number.isFinite(error.retryAfterSeconds) ? error.retryAfterSeconds * 1000 : pauseMs;
      await Bun.sleep(Math.min(LONGEST_PAUSE_MS, Math.max(pauseMs, asked)));
    }
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
