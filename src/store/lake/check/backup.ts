/**
 * A copy of a data folder that is whole at one moment, while a server goes on working on it. The log is
 * copied first, then the catalog, then the files that this catalog lists: what is flushed in between is then
 * in the files, and what is not is in the log. Files of the lake never change, so a link is as good as a
 * copy; one that a merge took away meanwhile stands in a file that a fresher catalog lists.
 */
import { copyFileSync, linkSync, renameSync, rmSync, statSync } from 'node:fs';
import { CATALOG_FILE } from '../../catalog.ts';
import { openCatalogReadOnly } from '../../read-only-catalog.ts';
import { SPANS } from '../../../span/schema.ts';
import { loadFiles } from '../files/catalog-files.ts';
import type { FileEntry } from '../files/file-entry.ts';
import { TEMPORARY_SUFFIX } from '../files/file-system.ts';
import type { FileSystem } from '../files/file-system.ts';
import { ContentHasher } from '../files/hash.ts';
import {
  LAKE_FOLDER,
  LOG_FOLDER,
  logSequence,
  pathsOf,
  tokenIndexPath,
  traceIndexPath,
} from '../files/names.ts';
import { readIfThere } from '../read-only-log.ts';
import { isTornWrite, readLog } from '../write/log-frame.ts';
import { filesBelow } from './verify.ts';

/** Each compaction may take a file away; under the heaviest load one takes longer than a round. */
const MAX_ROUNDS = 20;

export interface BackupOptions {
  /** Of the server. */
  readonly from: string;
  /** Empty, or an earlier backup. */
  readonly to: string;
  /** Copies where links would do. */
  readonly copy: boolean;
  readonly files: FileSystem;
  /** Told after each file: bytes done and of all. */
  readonly progress?: (done: number, total: number) => void;
}

export interface BackupReport {
  readonly files: number;
  readonly rows: number;
  readonly bytes: number;
  readonly linked: number;
  readonly copied: number;
  /** Were there from an earlier backup. */
  readonly kept: number;
  readonly logs: number;
  /** Files of an earlier backup that went. */
  readonly removed: number;
  /** What the backup lacks because the folder lacks it. */
  readonly lacking: readonly string[];
}

export async function backUp(options: BackupOptions): Promise<BackupReport> {
  return new Backup(options).run();
}

/** One file beside or below the catalog's entry. */
interface Part {
  readonly path: string;
  readonly bytes: number;
  readonly hash: string;
}

class Backup {
  #linked = 0;
  #copied = 0;
  #kept = 0;
  #done = 0;
  #total = 0;
  readonly #stored = new Set<string>();
  readonly #folders = new Set<string>();

  constructor(private readonly options: BackupOptions) {}

  async run(): Promise<BackupReport> {
    const { files, to } = this.options;
    await files.makeFolder(`${to}/${LAKE_FOLDER}`);
    await files.makeFolder(`${to}/${LOG_FOLDER}`);
    const before = knownHashes(to);
    const logs = await this.#copyLogs();
    const { entries, lacking } = await this.#storeListed(before);
    // Catalog and logs of an earlier backup count until here, where both change places.
    this.#putCatalog();
    for (const name of logs) {
      const path = `${to}/${LOG_FOLDER}/${name}`;
      await files.rename(path + TEMPORARY_SUFFIX, path);
    }
    const removed = await this.#removeOthers(entries, logs);
    for (const folder of [...this.#folders, LAKE_FOLDER, LOG_FOLDER, '.'])
      await files.syncFolder(`${to}/${folder}`);
    return {
      files: entries.length,
      rows: entries.reduce((sum, entry) => sum + entry.rows, 0),
      bytes: entries.reduce((sum, entry) => sum + entry.bytes, 0),
      linked: this.#linked,
      copied: this.#copied,
      kept: this.#kept,
      logs: logs.size,
      removed,
      lacking,
    };
  }

  /** Names of the logs. A write that is under way was not acknowledged: it is left out. */
  async #copyLogs(): Promise<Set<string>> {
    const { files, from, to } = this.options;
    const names = new Set<string>();
    for (const { name, isDirectory } of await files.list(`${from}/${LOG_FOLDER}`)) {
      if (isDirectory || logSequence(name) === undefined) continue;
      const bytes = await readIfThere(files, `${from}/${LOG_FOLDER}/${name}`);
      if (bytes === undefined) continue;
      const { soundEnd } = readLog(bytes);
      const whole = isTornWrite(bytes.subarray(soundEnd)) ? bytes.subarray(0, soundEnd) : bytes;
      await this.#write(`${to}/${LOG_FOLDER}/${name}${TEMPORARY_SUFFIX}`, whole);
      names.add(name);
    }
    return names;
  }

  async #write(path: string, bytes: Uint8Array): Promise<void> {
    const file = await this.options.files.create(path);
    try {
      await file.write(bytes, 0);
      await file.datasync();
    } finally {
      await file.close();
    }
  }

  /** Until every file that the newest catalog lists is stored, or is missing in earnest. */
  async #storeListed(
    before: ReadonlyMap<string, string>,
  ): Promise<{ entries: FileEntry[]; lacking: string[] }> {
    for (let round = 1; ; round++) {
      this.#copyCatalog();
      const listed = entriesOf(this.options.to, `${CATALOG_FILE}${TEMPORARY_SUFFIX}`);
      this.#total = listed.reduce((sum, { entry }) => sum + entry.bytes, 0);
      this.#done = 0;
      const lacking: string[] = [];
      for (const { entry } of listed) {
        lacking.push(...(await this.#storeEntry(entry, before)));
        this.#done += entry.bytes;
        this.options.progress?.(this.#done, this.#total);
      }
      if (lacking.length === 0 || round === MAX_ROUNDS || this.#stillListed(lacking)) {
        return { entries: listed.map(({ entry }) => entry), lacking };
      }
    }
  }

  /** True when the folder itself lists and lacks all of these: a fresher catalog would change nothing. */
  #stillListed(paths: readonly string[]): boolean {
    const now = new Set(entriesOf(this.options.from).flatMap(({ entry }) => pathsOf(entry.path)));
    return paths.every((path) => now.has(path));
  }

  /** Paths that are not there. Indexes go first: a Parquet file under its name always has them. */
  async #storeEntry(entry: FileEntry, before: ReadonlyMap<string, string>): Promise<string[]> {
    const { files, to } = this.options;
    const folder = entry.path.slice(0, entry.path.lastIndexOf('/'));
    if (!this.#folders.has(folder)) await files.makeFolder(`${to}/${folder}`);
    this.#folders.add(folder).add(folder.slice(0, folder.lastIndexOf('/')));
    const lacking: string[] = [];
    for (const part of partsOf(entry)) {
      if (this.#stored.has(`${part.path} ${part.hash}`)) continue;
      const isKept =
        before.get(part.path) === part.hash && (await files.size(`${to}/${part.path}`)) === part.bytes;
      if (isKept) this.#kept++;
      else if (!(await this.#store(part))) {
        lacking.push(part.path);
        continue;
      }
      this.#stored.add(`${part.path} ${part.hash}`);
    }
    return lacking;
  }

  /** False when the folder has no such file, or another than the catalog says. */
  async #store({ path, bytes, hash }: Part): Promise<boolean> {
    const { files, from, to, copy } = this.options;
    const target = `${to}/${path}`;
    if ((await files.size(`${from}/${path}`)) !== bytes) return false;
    rmSync(target, { force: true });
    try {
      if (!copy && link(`${from}/${path}`, target)) {
        this.#linked++;
        return true;
      }
      copyFileSync(`${from}/${path}`, target + TEMPORARY_SUFFIX);
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return false;
      throw error;
    }
    if ((await hashOf(files, target + TEMPORARY_SUFFIX, hash)) !== hash) {
      await files.unlink(target + TEMPORARY_SUFFIX);
      return false;
    }
    const file = await files.open(target + TEMPORARY_SUFFIX);
    try {
      await file.datasync();
    } finally {
      await file.close();
    }
    renameSync(target + TEMPORARY_SUFFIX, target);
    this.#copied++;
    return true;
  }

  /** Beside the catalog of an earlier backup, which counts until this one is whole. */
  #copyCatalog(): void {
    const path = `${this.options.to}/${CATALOG_FILE}${TEMPORARY_SUFFIX}`;
    rmSync(path, { force: true });
    const { db, close } = openCatalogReadOnly(this.options.from);
    try {
      db.query('VACUUM INTO ?').run(path);
    } finally {
      close();
    }
  }

  #putCatalog(): void {
    const path = `${this.options.to}/${CATALOG_FILE}`;
    // Of a server that was started on the backup: they belong to the catalog that goes.
    for (const suffix of ['-wal', '-shm']) rmSync(path + suffix, { force: true });
    renameSync(path + TEMPORARY_SUFFIX, path);
  }

  async #removeOthers(entries: readonly FileEntry[], logs: ReadonlySet<string>): Promise<number> {
    const { files, to } = this.options;
    const listed = new Set(entries.flatMap((entry) => partsOf(entry).map(({ path }) => path)));
    let removed = 0;
    for (const path of await filesBelow(files, to, LAKE_FOLDER)) {
      if (listed.has(path)) continue;
      await files.unlink(`${to}/${path}`);
      removed++;
    }
    for (const { name, isDirectory } of await files.list(`${to}/${LOG_FOLDER}`)) {
      if (isDirectory || logs.has(name)) continue;
      await files.unlink(`${to}/${LOG_FOLDER}/${name}`);
    }
    return removed;
  }
}

function partsOf(entry: FileEntry): Part[] {
  const parts = [
    { path: traceIndexPath(entry.path), bytes: entry.traceIndexBytes, hash: entry.traceIndexHash },
    { path: tokenIndexPath(entry.path), bytes: entry.tokenIndexBytes, hash: entry.tokenIndexHash },
    { path: entry.path, bytes: entry.bytes, hash: entry.hash },
  ];
  return parts.filter(({ hash }) => hash !== '');
}

function entriesOf(dataDir: string, name: string = CATALOG_FILE): ReturnType<typeof loadFiles> {
  const { db, close } = openCatalogReadOnly(dataDir, name);
  try {
    return loadFiles(db, SPANS.name);
  } finally {
    close();
  }
}

/** What an earlier backup holds, by path. */
function knownHashes(to: string): ReadonlyMap<string, string> {
  if (statSync(`${to}/${CATALOG_FILE}`, { throwIfNoEntry: false }) === undefined) return new Map();
  return new Map(entriesOf(to).flatMap(({ entry }) => partsOf(entry).map(({ path, hash }) => [path, hash])));
}

/** Another disk, or one that knows no links, or too many of them. */
const NO_LINK = ['EXDEV', 'EPERM', 'EMLINK', 'ENOTSUP', 'EOPNOTSUPP', 'EACCES', 'ENOSYS'];

function link(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (NO_LINK.some((code) => hasCode(error, code))) return false;
    throw error;
  }
}

async function hashOf(files: FileSystem, path: string, like: string): Promise<string> {
  const hasher = ContentHasher.like(like);
  await files.readPieces(path, (piece) => hasher.update(piece));
  return hasher.digest();
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
