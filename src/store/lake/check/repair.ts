/**
 * A data folder brought back into order: indexes and statistics made anew from sound files, damaged files
 * set in quarantine, sound ones taken back, garbage removed, and a catalog that is lost, damaged or older
 * than the files made to list what is there. No Parquet file is deleted: what counts no more goes to
 * lost+found. Whoever calls holds the folder's lock.
 */
import type { Database } from 'bun:sqlite';
import { SPANS } from '../../../span/schema.ts';
import { openCatalog } from '../../catalog.ts';
import { openCatalogReadOnly } from '../../read-only-catalog.ts';
import {
  commitFlush,
  commitRewrite,
  flushedThrough,
  forgetGarbage,
  forgetRecord,
  loadFiles,
  loadGarbage,
  setQuarantined,
} from '../files/catalog-files.ts';
import type { FileEntry } from '../files/file-entry.ts';
import { TEMPORARY_SUFFIX, writeWhole } from '../files/file-system.ts';
import type { FileSystem } from '../files/file-system.ts';
import { contentHash } from '../files/hash.ts';
import {
  LAKE_FOLDER,
  LOG_FOLDER,
  LOST_FOLDER,
  logSequence,
  pathsOf,
  tokenIndexPath,
  traceIndexPath,
} from '../files/names.ts';
import { messageOf } from '../parts.ts';
import { readLog } from '../write/log-frame.ts';
import { planAdoption } from './adoption.ts';
import { addAudit } from '../retention/audit.ts';
import type { FoundFile } from './adoption.ts';
import type { FileContents } from './inspect-file.ts';
import { Inspector } from './inspector.ts';
import { foundFile, isStale, placeOf, unindexed } from './found-file.ts';
import { renewCatalog } from './salvage.ts';
import { checkFile } from './verify-file.ts';
import { filesBelow } from './verify.ts';

export interface RepairReport {
  /** A sentence each: what was done, in order. */
  readonly done: readonly string[];
  /** What a person must know or do: something is lost. */
  readonly lost: readonly string[];
}

export interface RepairOptions {
  readonly dataDir: string;
  readonly files: FileSystem;
  readonly now: () => Date;
  /** Told after each file: files read so far, and of all. */
  readonly progress?: (done: number, total: number) => void;
}

export async function repairLake(options: RepairOptions): Promise<RepairReport> {
  const repair = new Repair(options);
  try {
    await repair.run();
  } finally {
    repair.close();
  }
  return { done: repair.done, lost: repair.lost };
}

/** A sound file that the catalog does not know. */
interface Unlisted {
  readonly file: FoundFile;
  readonly entry: FileEntry;
  readonly rollup: Uint8Array;
}

class Repair {
  readonly done: string[] = [];
  readonly lost: string[] = [];
  readonly #inspector = new Inspector();
  #catalog: Database | undefined;
  #hashes: ReadonlyMap<string, string> = new Map();
  /** Projects something was done for. */
  readonly #touched = new Map<string, number>();
  #read = 0;
  #toRead = 0;

  constructor(private readonly options: RepairOptions) {}

  close(): void {
    this.#inspector.close();
    this.#catalog?.close();
  }

  async run(): Promise<void> {
    const catalog = (this.#catalog = this.#openCatalog());
    const listed = await this.#mendListed(catalog);
    await this.#adopt(catalog, listed);
    await this.#clear(catalog);
    this.#record(catalog);
  }

  #openCatalog(): Database {
    const { dataDir, now } = this.options;
    const damage = catalogDamage(dataDir);
    if (damage === undefined) return openCatalog(dataDir);
    const { catalog, kept, hashes, setAside } = renewCatalog(dataDir, now());
    this.#hashes = hashes;
    const old = setAside === undefined ? '' : `; the old one lies in ${setAside}`;
    this.done.push(`made a new catalog.sqlite (${damage})${old}`);
    for (const [table, rows] of kept) {
      if (rows !== undefined)
        this.done.push(`took ${rows} ${table.replaceAll('_', ' ')} over from the old catalog`);
    }
    if (kept.get('tokens') === undefined) {
      this.lost.push(
        'ALL TOKENS ARE LOST: without tokens everybody on this machine may send and read. ' +
          'Make new ones before the server starts: spanlake token create',
      );
    }
    if (kept.get('projects') === undefined) {
      this.lost.push(
        'projects are made anew from the folders; their retention rules and size bounds are lost',
      );
    }
    if (kept.get('pinned_traces') === undefined) this.lost.push('pinned traces and the audit are lost');
    if (kept.get('deliveries') === undefined) {
      this.lost.push('requests that exporters repeat from before are not told as repeated');
    }
    return catalog;
  }

  /** Checks what the catalog lists; the sound ones, with what their footers say. */
  async #mendListed(catalog: Database): Promise<FoundFile[]> {
    const { files, dataDir } = this.options;
    const listed = loadFiles(catalog, SPANS.name);
    this.#toRead = listed.length;
    const sound: FoundFile[] = [];
    for (const { entry, quarantined, recordIsSound } of listed) {
      if (!recordIsSound) {
        // Read as a file that the catalog does not know: by what it says itself.
        forgetRecord(catalog, entry.path);
        this.#note(entry.projectId, 0, `${entry.path}: its record was damaged, and is made anew`);
        this.#advance();
        continue;
      }
      const check = await checkFile(files, dataDir, entry, this.#inspector);
      this.#advance();
      if (check.damage !== undefined || check.contents === undefined) {
        if (quarantined !== undefined) continue;
        setQuarantined(catalog, entry.path, check.damage);
        this.#note(entry.projectId, 0, `${entry.path}: ${check.damage}; set in quarantine`);
        this.lost.push(
          `${entry.rows} spans of ${entry.path} are in no answer; put back a copy of the file, and repair again`,
        );
        continue;
      }
      sound.push(foundFile(entry.path, check.contents));
      const stale = isStale(entry, check.contents);
      if (check.sidecars.length + check.statistics.length > 0 || stale) {
        const mended = await this.#writeIndexes(entry, check.contents);
        commitRewrite(catalog, {
          table: SPANS.name,
          add: [mended],
          remove: [],
          rollups: new Map([[mended.path, check.contents.rollup]]),
          nowMs: this.options.now().getTime(),
        });
        const what = check.statistics.length > 0 ? 'indexes and statistics' : 'indexes';
        this.#note(entry.projectId, 0, `${entry.path}: ${what} made anew`);
      }
      if (quarantined === undefined) continue;
      setQuarantined(catalog, entry.path, undefined);
      this.#note(entry.projectId, entry.rows, `${entry.path}: is whole again, taken out of quarantine`);
    }
    return sound;
  }

  /** Files of the lake that the catalog does not list. */
  async #adopt(catalog: Database, listed: readonly FoundFile[]): Promise<void> {
    const { files, dataDir } = this.options;
    const listedPaths = new Set(loadFiles(catalog, SPANS.name).map(({ entry }) => entry.path));
    const unknown = (await filesBelow(files, dataDir, LAKE_FOLDER)).filter(
      (path) => path.endsWith('.parquet') && !listedPaths.has(path),
    );
    this.#toRead += unknown.length;
    const found = new Map<string, Unlisted>();
    for (const path of unknown) {
      const contents = await this.#inspectUnknown(path);
      this.#advance();
      if (contents !== undefined) found.set(path, contents);
    }
    const plan = planAdoption({
      listed,
      listedPaths,
      found: [...found.values()].map(({ file }) => file),
      garbage: new Set(loadGarbage(catalog)),
      flushedThrough: flushedThrough(catalog),
      logged: await loggedSequences(files, dataDir),
    });
    for (const { path, reason } of plan.setAside) await this.#setAside(path, reason);
    const adopted: Unlisted[] = [];
    for (const { path } of plan.adopt) {
      const unlisted = found.get(path);
      if (unlisted === undefined) continue;
      const { entry } = unlisted;
      adopted.push(unlisted);
      this.#note(entry.projectId, entry.rows, `${path}: ${entry.rows} spans taken into the catalog`);
    }
    this.#commitAdopted(catalog, adopted, plan.flushedThrough);
    await this.#forgetReplaced(catalog, plan.replaced);
  }

  #commitAdopted(catalog: Database, adopted: readonly Unlisted[], through: number): void {
    const nowMs = this.options.now().getTime();
    const entries = adopted.map(({ entry }) => entry);
    commitFlush(catalog, {
      table: SPANS.name,
      files: entries,
      flushedThrough: through,
      rollups: new Map(adopted.map(({ entry, rollup }) => [entry.path, rollup])),
      also: () => {
        const add = catalog.query('INSERT OR IGNORE INTO projects (id, name, created_at) VALUES (?, ?, ?)');
        for (const projectId of new Set(entries.map((entry) => entry.projectId)))
          add.run(projectId, projectId, nowMs);
        forgetGarbageOf(catalog, entries);
      },
    });
  }

  /** Listed files whose spans stand in a rewrite that is listed now. */
  async #forgetReplaced(catalog: Database, paths: readonly string[]): Promise<void> {
    const replaced = new Set(paths);
    const remove = loadFiles(catalog, SPANS.name)
      .map(({ entry }) => entry)
      .filter(({ path }) => replaced.has(path));
    if (remove.length === 0) return;
    commitRewrite(catalog, { table: SPANS.name, add: [], remove, nowMs: this.options.now().getTime() });
    for (const { path, projectId } of remove) {
      await this.#setAside(path, 'its spans stand in a file made of it');
      this.#touched.set(projectId, this.#touched.get(projectId) ?? 0);
    }
  }

  /** With indexes beside it. Undefined, and said, for a file that can't be used. */
  async #inspectUnknown(path: string): Promise<Unlisted | undefined> {
    if (placeOf(path) === undefined) {
      await this.#setAside(path, 'has no name of the lake');
      return undefined;
    }
    try {
      const hash = this.#hashes.get(path);
      const inspection = await this.#inspector.inspect({ path: `${this.options.dataDir}/${path}`, hash });
      const { contents } = inspection;
      if (contents !== undefined) {
        const bare = unindexed(path, { ...inspection, contents }, this.options.now());
        const entry = await this.#writeIndexes(bare, contents);
        return { file: foundFile(path, contents), entry, rollup: contents.rollup };
      }
      await this.#setAside(path, 'its bytes are others than the old catalog knew');
    } catch (error) {
      await this.#setAside(path, `can't be read: ${messageOf(error)}`);
    }
    this.lost.push(`the spans of ${path} are in no answer`);
    return undefined;
  }

  async #writeIndexes(entry: FileEntry, contents: FileContents): Promise<FileEntry> {
    const { files, dataDir } = this.options;
    const { traceIndex, tokenIndex, statistics } = contents;
    const written = { traceIndexHash: contentHash(traceIndex), tokenIndexHash: contentHash(tokenIndex) };
    for (const [path, bytes, hash] of [
      [traceIndexPath(entry.path), traceIndex, written.traceIndexHash],
      [tokenIndexPath(entry.path), tokenIndex, written.tokenIndexHash],
    ] as const) {
      await writeWhole(files, `${dataDir}/${path}`, bytes, (back) => {
        if (contentHash(back) !== hash) throw new Error(`${path}: read back other bytes than were written`);
      });
    }
    await files.syncFolder(`${dataDir}/${entry.path.slice(0, entry.path.lastIndexOf('/'))}`);
    return {
      ...entry,
      ...statistics,
      ...written,
      traceIndexBytes: traceIndex.length,
      tokenIndexBytes: tokenIndex.length,
    };
  }

  /** With all that stands beside it. */
  async #setAside(path: string, reason: string): Promise<void> {
    const { files, dataDir } = this.options;
    await files.makeFolder(`${dataDir}/${LOST_FOLDER}`);
    for (const one of pathsOf(path)) {
      if ((await files.size(`${dataDir}/${one}`)) === undefined) continue;
      await files.rename(`${dataDir}/${one}`, `${dataDir}/${LOST_FOLDER}/${one.replaceAll('/', '_')}`);
    }
    this.done.push(`${path}: ${reason}; moved to ${LOST_FOLDER}`);
  }

  /** Garbage, temporary files, and indexes without their file. */
  async #clear(catalog: Database): Promise<void> {
    const { files, dataDir } = this.options;
    const garbage = loadGarbage(catalog);
    for (const path of garbage) await files.unlink(`${dataDir}/${path}`);
    forgetGarbage(catalog, garbage);
    const known = new Set(loadFiles(catalog, SPANS.name).flatMap(({ entry }) => pathsOf(entry.path)));
    let removed = garbage.length;
    for (const path of await filesBelow(files, dataDir, LAKE_FOLDER)) {
      if (known.has(path) || !(path.endsWith(TEMPORARY_SUFFIX) || /\.(traces|tokens)$/.test(path))) continue;
      await files.unlink(`${dataDir}/${path}`);
      removed++;
    }
    if (removed > 0) this.done.push(`removed ${removed} leftovers of rewrites and of a process that ended`);
  }

  #record(catalog: Database): void {
    const at = this.options.now().getTime();
    for (const [projectId, spans] of this.#touched) {
      const detail = 'spanlake verify --repair';
      addAudit(catalog, { at, projectId, action: 'repair', actor: 'command line', detail, spans, bytes: 0 });
    }
  }

  #note(projectId: string, spans: number, sentence: string): void {
    this.done.push(sentence);
    this.#touched.set(projectId, (this.#touched.get(projectId) ?? 0) + spans);
  }

  #advance(): void {
    this.options.progress?.(++this.#read, this.#toRead);
  }
}

/** Why the catalog can't be used, or undefined. */
function catalogDamage(dataDir: string): string | undefined {
  try {
    const { db, close } = openCatalogReadOnly(dataDir);
    try {
      const rows = db.query<{ integrity_check: string }, []>('PRAGMA integrity_check').all();
      loadFiles(db, SPANS.name);
      flushedThrough(db);
      const said = rows.map((row) => row.integrity_check).filter((line) => line !== 'ok');
      return said.length === 0 ? undefined : said[0];
    } finally {
      close();
    }
  } catch (error) {
    return messageOf(error);
  }
}

function forgetGarbageOf(catalog: Database, entries: readonly FileEntry[]): void {
  const forget = catalog.query('DELETE FROM garbage WHERE path = ?');
  for (const path of entries.flatMap((entry) => pathsOf(entry.path))) forget.run(path);
}

async function loggedSequences(files: FileSystem, dataDir: string): Promise<number[]> {
  const found: number[] = [];
  for (const { name } of await files.list(`${dataDir}/${LOG_FOLDER}`)) {
    if (logSequence(name) === undefined) continue;
    for (const frame of readLog(await files.read(`${dataDir}/${LOG_FOLDER}/${name}`)).frames)
      found.push(frame.sequence);
  }
  return found;
}
