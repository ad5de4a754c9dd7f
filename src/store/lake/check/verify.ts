/**
 * Everything in a data folder against everything else: Parquet files, indexes, statistics, catalog, log.
 * Takes no lock and writes nothing, so it runs beside a server: what compaction or a flush takes away
 * meanwhile is no damage.
 */
import { SPANS } from '../../../span/schema.ts';
import { CatalogError } from '../../catalog.ts';
import { openCatalogReadOnly } from '../../read-only-catalog.ts';
import { flushedThrough, loadFiles, loadGarbage } from '../files/catalog-files.ts';
import type { ListedFile } from '../files/catalog-files.ts';
import { TEMPORARY_SUFFIX } from '../files/file-system.ts';
import type { FileSystem } from '../files/file-system.ts';
import { CORRUPT_FOLDER, LAKE_FOLDER, LOST_FOLDER, parquetFirstSequence, pathsOf } from '../files/names.ts';
import { Inspector } from './inspector.ts';
import { checkFile } from './verify-file.ts';
import type { FileCheck } from './verify-file.ts';
import { checkLogs } from './verify-log.ts';

export interface Finding {
  /** Below the data folder. */
  readonly path: string;
  readonly problem: string;
  /** False for what is only good to know: nothing is lost, nothing is wrong in answers. */
  readonly damage: boolean;
}

export interface VerifyReport {
  readonly files: number;
  readonly rows: number;
  readonly bytes: number;
  readonly logs: number;
  readonly frames: number;
  /** In the order in which they were found; damage and notes. */
  readonly findings: readonly Finding[];
}

export interface VerifyOptions {
  readonly dataDir: string;
  readonly files: FileSystem;
  /** Told after each file: bytes of Parquet read so far, and of all. */
  readonly progress?: (done: number, total: number) => void;
}

/** Files read at once, each in a worker of its own: one for each core of the machines this is made for. */
const LANES = 2;

/** Files that came while the others were read are read too, so many times. */
const MAX_ROUNDS = 3;

export async function verifyLake(options: VerifyOptions): Promise<VerifyReport> {
  const { files, dataDir } = options;
  const findings: Finding[] = [];
  const add = (path: string, problem: string, damage: boolean) => findings.push({ path, problem, damage });
  const catalog = catalogView(dataDir, add);
  const checked = catalog === undefined ? [0, 0, 0] : await verifyListed(options, catalog.files, add);
  const { logs, frames, firstSequences } = await checkLogs(files, dataDir, add);
  if (catalog !== undefined) await listStrays(options, firstSequences, add);
  for (const folder of [LOST_FOLDER, CORRUPT_FOLDER]) {
    for (const path of await filesBelow(files, dataDir, folder)) {
      add(path, 'was set aside, for a person to look at', false);
    }
  }
  return { files: checked[0], rows: checked[1], bytes: checked[2], logs, frames, findings };
}

type AddFinding = (path: string, problem: string, damage: boolean) => void;

interface CatalogView {
  readonly files: readonly ListedFile[];
  readonly garbage: ReadonlySet<string>;
  readonly flushedThrough: number;
}

/** Undefined, and said, when the catalog can't be read. */
function catalogView(dataDir: string, add?: AddFinding): CatalogView | undefined {
  try {
    const { db, close } = openCatalogReadOnly(dataDir);
    try {
      if (add !== undefined) {
        const rows = db.query<{ integrity_check: string }, []>('PRAGMA integrity_check').all();
        for (const { integrity_check: said } of rows) if (said !== 'ok') add('catalog.sqlite', said, true);
      }
      return {
        files: loadFiles(db, SPANS.name),
        garbage: new Set(loadGarbage(db)),
        flushedThrough: flushedThrough(db),
      };
    } finally {
      close();
    }
  } catch (error) {
    if (!(error instanceof CatalogError) && !isSqlite(error)) throw error;
    add?.('catalog.sqlite', error instanceof Error ? error.message : String(error), true);
    return undefined;
  }
}

function isSqlite(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('SQLITE');
}

/** How many files, rows and bytes were read. */
async function verifyListed(
  options: VerifyOptions,
  listed: readonly ListedFile[],
  add: AddFinding,
): Promise<[number, number, number]> {
  const inspectors = Array.from({ length: LANES }, () => new Inspector());
  const seen = new Set<string>();
  const sums: [number, number, number] = [0, 0, 0];
  let todo = [...listed];
  let total = 0;
  try {
    for (let round = 0; round < MAX_ROUNDS && todo.length > 0; round++) {
      for (const { entry } of todo) {
        seen.add(entry.path);
        total += entry.bytes;
      }
      const queue = [...todo];
      const lane = async (inspector: Inspector) => {
        for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
          await verifyOne(options, file, inspector, add);
          sums[0]++;
          sums[1] += file.entry.rows;
          sums[2] += file.entry.bytes;
          options.progress?.(sums[2], total);
        }
      };
      await Promise.all(inspectors.map(lane));
      todo = (catalogView(options.dataDir)?.files ?? []).filter(({ entry }) => !seen.has(entry.path));
    }
  } finally {
    for (const inspector of inspectors) inspector.close();
  }
  return sums;
}

async function verifyOne(
  { files, dataDir }: VerifyOptions,
  { entry, quarantined }: ListedFile,
  inspector: Inspector,
  add: AddFinding,
): Promise<void> {
  const check = await checkFile(files, dataDir, entry, inspector);
  const found = findingsOf(entry.path, check);
  if (quarantined !== undefined) {
    const state = check.damage === undefined ? 'it is whole again: --repair takes it back' : check.damage;
    add(entry.path, `is in quarantine (${quarantined}); ${state}`, true);
    return;
  }
  if (found.length === 0) return;
  // Compaction, retention or a repaired index made another entry of it, or none.
  const now = catalogView(dataDir)?.files.find((file) => file.entry.path === entry.path);
  const unchanged =
    now === undefined ||
    now.entry.hash !== entry.hash ||
    now.entry.traceIndexHash !== entry.traceIndexHash ||
    now.entry.tokenIndexHash !== entry.tokenIndexHash;
  if (unchanged) return;
  for (const { path, problem } of found) add(path, problem, true);
}

function findingsOf(path: string, check: FileCheck): { path: string; problem: string }[] {
  return [
    ...(check.damage === undefined ? [] : [{ path, problem: check.damage }]),
    ...check.sidecars,
    ...check.statistics.map((problem) => ({ path, problem: `statistics: ${problem}` })),
  ];
}

/** Files of the lake that the catalog does not list. */
async function listStrays(
  { files, dataDir }: VerifyOptions,
  logSequences: readonly number[],
  add: AddFinding,
): Promise<void> {
  const paths = await filesBelow(files, dataDir, LAKE_FOLDER);
  // After the folder was listed: a file that was committed in between is known by now.
  const catalog = catalogView(dataDir);
  if (catalog === undefined) return;
  const known = new Set(catalog.files.flatMap(({ entry }) => pathsOf(entry.path)));
  const firstLogged = Math.min(Infinity, ...logSequences);
  for (const path of paths) {
    if (known.has(path)) continue;
    if (catalog.garbage.has(path))
      add(path, 'is garbage of a rewrite: the server or its next start removes it', false);
    else if (path.endsWith(TEMPORARY_SUFFIX))
      add(path, 'is being written, or was when a process ended', false);
    else if (isLost(path, catalog.flushedThrough, firstLogged)) {
      add(path, 'was committed to another catalog than the one that lies here', true);
    } else add(path, 'is not in the catalog: its spans are in the log or in other files', false);
  }
}

/** As tidy.ts tells it: its log is gone, so it was committed. */
function isLost(path: string, flushed: number, firstLogged: number): boolean {
  const first = parquetFirstSequence(path);
  return first !== undefined && first > flushed && first < firstLogged;
}

export async function filesBelow(files: FileSystem, dataDir: string, folder: string): Promise<string[]> {
  const found: string[] = [];
  for (const { name, isDirectory } of await files.list(`${dataDir}/${folder}`)) {
    const path = `${folder}/${name}`;
    if (isDirectory) found.push(...(await filesBelow(files, dataDir, path)));
    else found.push(path);
  }
  return found.sort();
}
