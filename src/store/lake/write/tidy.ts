/** At start: the folders of the lake against the catalog. Nothing is deleted but temporary files. */
import type { FileEntry } from '../files/file-entry.ts';
import { traceIndexPath } from '../files/file-entry.ts';
import { TEMPORARY_SUFFIX } from '../files/file-system.ts';
import type { FileSystem } from '../files/file-system.ts';
import { LAKE_FOLDER, LOG_FOLDER, LOST_FOLDER, logSequence, parquetFirstSequence } from '../files/names.ts';

/** The catalog is missing, emptied or older than the files: a start would show a store without them. */
export class CatalogLostError extends Error {
  override readonly name = 'CatalogLostError';
}

export interface TidyResult {
  readonly sound: readonly FileEntry[];
  /** Listed by the catalog, and missing, empty or of another size. */
  readonly quarantined: readonly FileEntry[];
}

/** Throws CatalogLostError, having changed nothing. */
export async function tidyLake(
  files: FileSystem,
  dataDir: string,
  entries: readonly FileEntry[],
  flushedThrough: number,
  report: (problem: string) => void,
): Promise<TidyResult> {
  const known = new Set(entries.flatMap((entry) => [entry.path, traceIndexPath(entry.path)]));
  const unknown = (await filesBelow(files, dataDir, LAKE_FOLDER)).filter((path) => !known.has(path));
  await refuseLostCatalog(files, dataDir, unknown, flushedThrough);
  const sizes = await Promise.all(entries.map((entry) => files.size(`${dataDir}/${entry.path}`)));
  const sound: FileEntry[] = [];
  const quarantined: FileEntry[] = [];
  entries.forEach((entry, i) => {
    if (sizes[i] === entry.bytes) sound.push(entry);
    else {
      quarantined.push(entry);
      report(`${entry.path}: ${sizes[i] ?? 'no'} bytes where the catalog has ${entry.bytes}`);
    }
  });
  for (const path of unknown) {
    if (path.endsWith(TEMPORARY_SUFFIX)) await files.unlink(`${dataDir}/${path}`);
    else if (/\.(parquet|traces)$/.test(path)) await setAside(files, dataDir, path, report);
  }
  return { sound, quarantined };
}

/**
 * A crash between rename and commit leaves files that the catalog does not know, and their log. Files whose
 * log is gone were committed: to a catalog that is not this one.
 */
async function refuseLostCatalog(
  files: FileSystem,
  dataDir: string,
  unknown: readonly string[],
  flushedThrough: number,
): Promise<void> {
  const logs = (await files.list(`${dataDir}/${LOG_FOLDER}`)).map(
    ({ name }) => logSequence(name) ?? Infinity,
  );
  const firstLogged = Math.min(Infinity, ...logs);
  const lost = unknown.filter((path) => {
    const first = parquetFirstSequence(path);
    return first !== undefined && first > flushedThrough && first < firstLogged;
  });
  if (lost.length === 0) return;
  throw new CatalogLostError(
    `catalog.sqlite in ${dataDir} is new or older than the spans: it does not know ${lost.length} files, as ` +
      `${lost[0]}. Put back the catalog.sqlite that belongs to them; or move the folder ${LAKE_FOLDER} away to ` +
      'begin anew (DuckDB reads its files there as well)',
  );
}

/** What a crash left between rename and commit comes again from the log; other things are somebody's. */
async function setAside(
  files: FileSystem,
  dataDir: string,
  path: string,
  report: (problem: string) => void,
): Promise<void> {
  const target = `${LOST_FOLDER}/${path.replaceAll('/', '_')}`;
  await files.makeFolder(`${dataDir}/${LOST_FOLDER}`);
  await files.rename(`${dataDir}/${path}`, `${dataDir}/${target}`);
  report(`${path}: unknown to the catalog, moved to ${target}`);
}

async function filesBelow(files: FileSystem, dataDir: string, folder: string): Promise<string[]> {
  const found: string[] = [];
  for (const { name, isDirectory } of await files.list(`${dataDir}/${folder}`)) {
    const path = `${folder}/${name}`;
    if (isDirectory) found.push(...(await filesBelow(files, dataDir, path)));
    else found.push(path);
  }
  return found;
}
