/** Where `spanlake query` gets its answers: a server, or a folder through the same routes without one. */
import { answerApi, API_ROUTES } from '../http/api/routes.ts';
import { knownProblem } from '../http/errors.ts';
import { CatalogError } from '../store/catalog.ts';
import { ReadOnlyLake } from '../store/lake/read-only.ts';
import { dataArgument } from './catalog.ts';
import { CommandError } from './command.ts';
import { safeText } from './terminal.ts';

/** The API said no. */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem';
  constructor(
    readonly status: number,
    message: string,
    /** Into the query. */
    readonly position: number | undefined,
  ) {
    super(message);
  }
}

export interface Source {
  /** What of it could not be read. */
  readonly problems: readonly string[];
  /** An answer of the API, `path` below /api/v1. Throws ApiProblem, CommandError. */
  get(path: string, params: URLSearchParams): Promise<unknown>;
  close(): Promise<void>;
}

export function serverSource(url: string, token: string | undefined): Source {
  const base = url.replace(/\/+$/, '');
  const headers: Record<string, string> = { accept: 'application/json' };
  if (token !== undefined) headers.authorization = `Bearer ${token}`;
  return {
    problems: [],
    async get(path, params) {
      const response = await reach(`${base}/api/v1${path}?${params}`, headers, base);
      const answer: unknown = await response.json().catch(() => undefined);
      if (response.ok && answer !== undefined) return answer;
      const error = errorIn(answer);
      if (error === undefined) {
        throw new CommandError(`${base} does not answer as Spanlake does: ${response.status} to ${path}`);
      }
      throw new ApiProblem(response.status, error.message, error.position);
    },
    close: () => Promise.resolve(),
  };
}

async function reach(url: string, headers: Record<string, string>, base: string): Promise<Response> {
  try {
    return await fetch(url, { headers });
  } catch (error) {
    const why = error instanceof Error ? ('code' in error ? String(error.code) : error.message) : '';
    throw new CommandError(
      `can't reach ${safeText(base)} (${safeText(why)}); start a server with: spanlake, or read a folder with --data DIR`,
    );
  }
}

function errorIn(answer: unknown): { message: string; position: number | undefined } | undefined {
  if (typeof answer !== 'object' || answer === null || !('error' in answer)) return undefined;
  const { error } = answer;
  if (typeof error !== 'object' || error === null || !('message' in error)) return undefined;
  const position = 'position' in error && typeof error.position === 'number' ? error.position : undefined;
  return { message: String(error.message), position };
}

/** One page may have to look through all files, and nobody else waits for this process. */
const PAGE_LIMIT_MS = 30 * 60_000;

/** Takes no lock and writes nothing, so a server may run on the folder meanwhile. Throws CommandError. */
export async function folderSource(dataDir: string, projectId: string): Promise<Source> {
  const lake = await openFolder(dataDir);
  if (!lake.hasProject(projectId)) {
    await lake.close();
    throw new CommandError(
      `there is no project ${projectId}; see: spanlake project list${dataArgument(dataDir)}`,
    );
  }
  return {
    problems: lake.problems,
    async get(path, params) {
      const route = API_ROUTES.find((one) => one.method === 'GET' && one.path === path);
      if (route === undefined) throw new Error(`no route ${path}`);
      const request = new Request(`http://localhost/api/v1${path}?${params}`);
      const call = { store: lake, projectId, actor: 'command line', params, path: {}, request };
      try {
        return await (await answerApi(route, call)).json();
      } catch (error) {
        const problem = knownProblem(error);
        throw problem === undefined
          ? error
          : new ApiProblem(problem.status, problem.message, problem.position);
      }
    },
    close: () => lake.close(),
  };
}

async function openFolder(dataDir: string): Promise<ReadOnlyLake> {
  try {
    return await ReadOnlyLake.open({ dataDir, timeLimitMs: PAGE_LIMIT_MS });
  } catch (error) {
    if (error instanceof CatalogError)
      throw new CommandError(`${error.message}; choose a folder with --data`);
    throw error;
  }
}
