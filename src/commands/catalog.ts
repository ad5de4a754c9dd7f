/** The catalog of a data folder for a command that runs beside the server or without one. */
import type { Database } from 'bun:sqlite';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { CATALOG_FILE, CatalogError, openCatalog } from '../store/catalog.ts';
import { ProjectError, Projects } from '../store/projects.ts';
import { dataFlag } from '../config.ts';
import { CommandError } from './command.ts';
import type { Output } from './command.ts';

/**
 * Opens, asks, closes. `existing` refuses a folder that holds no catalog: a mistyped path must not look
 * like an empty store.
 */
export function withProjects<T>(
  dataDir: string,
  need: 'existing' | 'create',
  ask: (projects: Projects) => T,
): T {
  return withCatalog(dataDir, (catalog) => ask(new Projects(catalog)), need);
}

/** The same with the catalog itself. */
export function withCatalog<T>(
  dataDir: string,
  ask: (catalog: Database) => T,
  need: 'existing' | 'create' = 'existing',
): T {
  if (need === 'existing' && !existsSync(join(dataDir, CATALOG_FILE))) {
    throw new CommandError(
      `${dataDir} is no data folder (it has no ${CATALOG_FILE}); choose one with --data`,
    );
  }
  const catalog = openFolder(dataDir);
  try {
    return ask(catalog);
  } catch (error) {
    if (error instanceof ProjectError) throw new CommandError(error.message);
    throw error;
  } finally {
    catalog.close();
  }
}

/** What a command that the user is told to type needs to mean the same folder. */
export function dataArgument(dataDir: string): string {
  return dataDir === resolve(dataFlag.fallback ?? '') ? '' : ` --data ${dataDir}`;
}

/** Says so where a folder is about to be made: a server may well be running on another one. */
export function tellNewFolder(dataDir: string, output: Output): void {
  if (existsSync(join(dataDir, CATALOG_FILE))) return;
  output.err(
    `${dataDir} is a new data folder. A server that runs on another one does not see it: use its --data.`,
  );
}

/** openCatalog, with its refusals as messages to the user. */
export function openFolder(dataDir: string): ReturnType<typeof openCatalog> {
  try {
    return openCatalog(dataDir);
  } catch (error) {
    if (error instanceof CatalogError) throw new CommandError(error.message);
    throw folderProblem(error, dataDir);
  }
}

const FOLDER_CODES = new Set([
  'EROFS',
  'EACCES',
  'EPERM',
  'EEXIST',
  'ENOENT',
  'ENOTDIR',
  'ENOSPC',
  'SQLITE_READONLY',
]);

/** A folder that can't be written, in words instead of a stack; the error itself when it is another. */
export function folderProblem(error: unknown, dataDir: string): unknown {
  if (!(error instanceof Error) || !('code' in error)) return error;
  if (!FOLDER_CODES.has(String(error.code))) return error;
  return new CommandError(`can't use ${dataDir} as data folder: ${error.message}`);
}
