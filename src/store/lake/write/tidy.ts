/** At start: the folders of the lake against the catalog. Nothing is deleted but temporary files. */
import type { FileEntry } from '../files/file-entry.ts';
import { traceIndexPath } from '../files/file-entry.ts';
import { TEMPORARY_SUFFIX } from '../files/file-system.ts';
import type { FileSystem } from '../files/file-system.ts';
import { LAKE_FOLDER, LOST_FOLDER } from '../files/names.ts';

export interface TidyResult {
  readonly sound: readonly FileEntry[];
  /** Listed by the catalog, and missing, empty or of another size. */
  readonly quarantined: readonly FileEntry[];
}

export async function tidyLake(
  files: FileSystem,
  dataDir: string,
  entries: readonly FileEntry[],
  report: (problem: string) => void,
): Promise<TidyResult> {
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
  const known = new Set(entries.flatMap((entry) => [entry.path, traceIndexPath(entry.path)]));
  for (const path of await filesBelow(files, dataDir, LAKE_FOLDER)) {
    if (known.has(path)) continue;
    if (path.endsWith(TEMPORARY_SUFFIX)) await files.unlink(`${dataDir}/${path}`);
    else if (/\.(parquet|traces)$/.test(path)) await setAside(files, dataDir, path, report);
  }
  return { sound, quarantined };
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
