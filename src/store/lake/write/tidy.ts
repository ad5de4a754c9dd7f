/**
 * At start: the folders of the lake against the catalog. What the catalog names as garbage and temporary
 * files are removed; what nobody knows is set aside; what is missing or cut short is left out of answers.
 */
import type { Database } from 'bun:sqlite';
import type { QuarantinedFile } from '../../store-upkeep.ts';
import { flushedThrough, forgetGarbage, loadGarbage } from '../files/catalog-files.ts';
import type { ListedFile } from '../files/catalog-files.ts';
import type { FileEntry } from '../files/file-entry.ts';
import { TEMPORARY_SUFFIX } from '../files/file-system.ts';
import type { FileSystem } from '../files/file-system.ts';
import { LAKE_FOLDER, LOG_FOLDER, LOST_FOLDER, logSequence, parquetRange, pathsOf } from '../files/names.ts';
import { messageOf } from '../parts.ts';

/** The catalog is missing, emptied or older than the files: a start would show a store without them. */
export class CatalogLostError extends Error {
  override readonly name = 'CatalogLostError';
}

export interface TidyParts {
  readonly dataDir: string;
  readonly catalog: Database;
  readonly files: FileSystem;
  readonly report: (problem: string) => void;
}

export interface TidyResult {
  readonly sound: readonly FileEntry[];
  /** Listed by the catalog, and known to be damaged, missing or of another size. */
  readonly quarantined: readonly (QuarantinedFile & { readonly projectId: string })[];
}

/** Throws CatalogLostError, having changed nothing. */
export async function tidyLake(parts: TidyParts, listed: readonly ListedFile[]): Promise<TidyResult> {
  const { files, dataDir, catalog, report } = parts;
  const known = new Set(listed.flatMap(({ entry }) => pathsOf(entry.path)));
  const garbage = new Set(loadGarbage(catalog));
  const present = await filesBelow(files, dataDir, LAKE_FOLDER);
  const unlisted = present.filter((path) => !known.has(path));
  const unknown = unlisted.filter((path) => !garbage.has(path));
  await refuseLostCatalog(parts, unknown);
  const result = await sortOut(parts, listed);
  const rubbish = unlisted.filter((path) => garbage.has(path) || path.endsWith(TEMPORARY_SUFFIX));
  await removeGarbage(parts, rubbish, [...garbage]);
  for (const path of unknown) {
    if (/\.(parquet|traces|tokens)$/.test(path)) await setAside(files, dataDir, path, report);
  }
  return result;
}

async function sortOut(
  { files, dataDir, report }: TidyParts,
  listed: readonly ListedFile[],
): Promise<TidyResult> {
  const sizes = await Promise.all(listed.map(({ entry }) => sizeOrReason(files, `${dataDir}/${entry.path}`)));
  const sound: FileEntry[] = [];
  const quarantined: TidyResult['quarantined'][number][] = [];
  listed.forEach(({ entry, quarantined: known }, i) => {
    if (known === undefined && sizes[i] === entry.bytes) {
      sound.push(entry);
      return;
    }
    const size = sizes[i];
    const found =
      typeof size === 'string' ? size : `${size ?? 'no'} bytes where the catalog has ${entry.bytes}`;
    const reason = known ?? found;
    quarantined.push({ path: entry.path, projectId: entry.projectId, reason });
    report(`${entry.path}: ${reason}`);
  });
  return { sound, quarantined };
}

/** One file that can't be asked, as a link to itself, must not keep the others from being served. */
async function sizeOrReason(files: FileSystem, path: string): Promise<number | string | undefined> {
  try {
    return await files.size(path);
  } catch (error) {
    return `can't be read (${messageOf(error)})`;
  }
}

/**
 * A crash between rename and commit leaves flushed files that the catalog does not know, and their log. Files
 * whose log is gone were committed: to a catalog that is not this one. So were rewritten ones, since each is
 * garbage by the catalog before its first byte is written.
 */
async function refuseLostCatalog(
  { files, dataDir, catalog }: TidyParts,
  unknown: readonly string[],
): Promise<void> {
  const logs = (await files.list(`${dataDir}/${LOG_FOLDER}`)).map(
    ({ name }) => logSequence(name) ?? Infinity,
  );
  const firstLogged = Math.min(Infinity, ...logs);
  const through = flushedThrough(catalog);
  const lost = unknown.filter((path) => {
    const range = parquetRange(path);
    if (range === undefined) return false;
    return range.level > 0 || (range.firstSequence > through && range.firstSequence < firstLogged);
  });
  if (lost.length === 0) return;
  throw new CatalogLostError(
    `catalog.sqlite in ${dataDir} is new or older than the spans: it does not know ${lost.length} files, as ` +
      `${lost[0]}. Put back the catalog.sqlite that belongs to them; or make it anew from the files with ` +
      `  spanlake verify --repair --data ${dataDir}`,
  );
}

/** `all`: everything that the catalog names as garbage, gone already or not. */
async function removeGarbage(
  { files, dataDir, catalog, report }: TidyParts,
  present: readonly string[],
  all: readonly string[],
): Promise<void> {
  if (present.length === 0 && all.length === 0) return;
  try {
    for (const path of present) await files.unlink(`${dataDir}/${path}`);
    const folders = new Set(present.map((path) => path.slice(0, path.lastIndexOf('/'))));
    for (const folder of folders) await files.syncFolder(`${dataDir}/${folder}`);
    forgetGarbage(catalog, all);
  } catch (error) {
    report(`can't remove what a rewrite left, the next start will: ${messageOf(error)}`);
  }
}

/**
 * What a crash left between rename and commit comes again from the log; other things are somebody's. No answer
 * uses them where they lie, so a start goes on when they can't be moved: the disk is full, or `lake` another one.
 */
async function setAside(
  files: FileSystem,
  dataDir: string,
  path: string,
  report: (problem: string) => void,
): Promise<void> {
  const target = `${LOST_FOLDER}/${path.replaceAll('/', '_')}`;
  try {
    await files.makeFolder(`${dataDir}/${LOST_FOLDER}`);
    await files.rename(`${dataDir}/${path}`, `${dataDir}/${target}`);
    report(`${path}: unknown to the catalog, moved to ${target}`);
  } catch (error) {
    report(`${path}: unknown to the catalog, and can't be moved to ${target}: ${messageOf(error)}`);
  }
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
