/**
 * Which files to merge, as a pure function of what is listed. Within a project's day, never across:
 * - large files straight into full ones, so that a busy day is rewritten once;
 * - small files by eight of a size, so that a quiet one has few files and is rewritten two or three times;
 * - when a day is over and quiet, what is left, down to full files;
 * - each file that is still as flushed, at last alone: only a rewrite removes spans that were delivered twice.
 */
import type { FileEntry } from '../files/file-entry.ts';
import { MAX_OUTPUT_ROWS, MAX_OUTPUT_TRACES } from '../merge/rewrite-job.ts';

export interface CompactionOptions {
  /** Small files of a size that are merged at once. */
  readonly filesPerMerge: number;
}

export const DEFAULT_COMPACTION: CompactionOptions = { filesPerMerge: 8 };

export interface PlanOptions extends CompactionOptions {
  /** Unix milliseconds. */
  readonly nowMs: number;
  /** As if every day were over and quiet. */
  readonly everything?: boolean;
  /** Of an output; for tests. */
  readonly maxRows?: number;
}

export interface Group {
  readonly projectId: string;
  readonly day: string;
  /** In the order of their starts. */
  readonly inputs: readonly FileEntry[];
}

export interface CompactionPlan {
  /** To be done in this order; their inputs don't overlap. */
  readonly groups: readonly Group[];
  readonly debtFiles: number;
  readonly debtRows: number;
}

/** Rows with large attributes: such an output takes no longer to write than others. */
const MAX_OUTPUT_BYTES = 512 * 1024 * 1024;

/** Of an output's bounds: such a file is merged no more. */
const FULL_SHARE = 0.75;

/** Files that together have such a share are merged without waiting: the next one would not fit. */
const RIPE_SHARE = 0.9;

/** At least so many: a trace that stands in several files is counted for each. */
const INDEX_BYTES_PER_TRACE = 16;

/** From this on a file waits for enough to make a full one, and is not merged by tiers: half a flush. */
const LARGE_ROWS = 65_536;

/** Files open at once in the worker. */
const MAX_INPUTS = 64;

/**
 * What is left of a day goes together unless one file is larger than this times all the smaller ones. Late
 * spans, 200 files of 1,000, are rewritten 16 times with 4, 26 times with 8.
 */
const MAX_IMBALANCE = 4;

const DAY_MS = 86_400_000;
/** Spans of a trace that ran over midnight, and senders that buffer, come within this. */
const OVER_AFTER_MS = 3_600_000;
const QUIET_MS = 10 * 60_000;

/**
 * Clocks gone wild scatter spans over any number of days. Days of a project with so little left to merge are
 * merged only up to this number; of the others those wait that have neither many files nor many rows.
 */
const MAX_TRIFLING_DAYS = 64;
const TRIFLING_ROWS = 32_768;

export function planCompaction(files: readonly FileEntry[], options: PlanOptions): CompactionPlan {
  const urgent: Group[] = [];
  const rest: Group[] = [];
  const trifling = new Map<string, Group[]>();
  for (const partition of partitions(files)) {
    const tiers = mergesOfTiers(partition, options);
    urgent.push(...tiers);
    if (!isSettled(partition, options)) continue;
    const taken = new Set(tiers.flatMap((group) => group.inputs));
    const left = leftOvers(
      { ...partition, files: partition.files.filter((file) => !taken.has(file)) },
      options,
    );
    for (const group of left) {
      if (isTrifling(group, options)) {
        const known = trifling.get(group.projectId);
        if (known === undefined) trifling.set(group.projectId, [group]);
        else known.push(group);
      } else rest.push(group);
    }
  }
  for (const groups of trifling.values()) {
    if (options.everything === true || groups.length <= MAX_TRIFLING_DAYS) rest.push(...groups);
  }
  // Cheap ones first: they lessen the number of files most.
  const byRows = (groups: Group[]) => groups.sort((a, b) => rowsOf(a.inputs) - rowsOf(b.inputs));
  const groups = [...byRows(urgent), ...byRows(rest)];
  const inputs = groups.flatMap((group) => group.inputs);
  return { groups, debtFiles: inputs.length, debtRows: rowsOf(inputs) };
}

interface Partition {
  readonly projectId: string;
  readonly day: string;
  /** By start. */
  readonly files: readonly FileEntry[];
}

function partitions(files: readonly FileEntry[]): Partition[] {
  const found = new Map<string, FileEntry[]>();
  for (const file of files) {
    const key = `${file.projectId}/${file.day}`;
    const known = found.get(key);
    if (known === undefined) found.set(key, [file]);
    else known.push(file);
  }
  return [...found.values()].map((list) => ({
    projectId: list[0].projectId,
    day: list[0].day,
    files: list.sort(byStart),
  }));
}

function byStart(a: FileEntry, b: FileEntry): number {
  if (a.minStartUnixNano !== b.minStartUnixNano) return a.minStartUnixNano < b.minStartUnixNano ? -1 : 1;
  return a.firstSequence - b.firstSequence;
}

function mergesOfTiers({ files, ...partition }: Partition, options: PlanOptions): Group[] {
  const maxRows = options.maxRows ?? MAX_OUTPUT_ROWS;
  const groups: Group[] = [];
  const tiers = new Map<number, FileEntry[]>();
  for (const file of files) {
    if (isFull(file, maxRows)) continue;
    const tier = tierOf(file, options.filesPerMerge, maxRows);
    const known = tiers.get(tier);
    if (known === undefined) tiers.set(tier, [file]);
    else known.push(file);
  }
  for (const [tier, members] of tiers) {
    if (tier === LARGE) {
      for (const inputs of packed(members, maxRows)) {
        if (inputs.length > 1 && shareOf(inputs, maxRows) >= RIPE_SHARE)
          groups.push({ ...partition, inputs });
      }
      continue;
    }
    const size = Math.min(options.filesPerMerge, MAX_INPUTS);
    if (members.length < options.filesPerMerge) continue;
    for (let from = 0; from + size <= members.length; from += size) {
      groups.push({ ...partition, inputs: members.slice(from, from + size) });
    }
  }
  return groups;
}

/** Files of one tier differ by less than the factor by which a merge makes them larger. */
function tierOf(file: FileEntry, filesPerMerge: number, maxRows: number): number {
  if (file.rows >= Math.min(LARGE_ROWS, maxRows / 2)) return LARGE;
  // A few huge spans: as large as others by their bytes.
  if (file.bytes >= MAX_OUTPUT_BYTES / 32) return LARGE;
  return Math.floor(Math.log(Math.max(1, file.rows)) / Math.log(filesPerMerge));
}

const LARGE = Infinity;

/** Neighbours in time, each list within the bounds of an output. */
function packed(files: readonly FileEntry[], maxRows: number): FileEntry[][] {
  const lists: FileEntry[][] = [];
  let list: FileEntry[] = [];
  for (const file of files) {
    const fits = list.length < MAX_INPUTS && shareOf([...list, file], maxRows) <= 1;
    if (list.length > 0 && !fits) {
      lists.push(list);
      list = [];
    }
    list.push(file);
  }
  if (list.length > 0) lists.push(list);
  return lists;
}

/** All that is left of a day that is over. */
function leftOvers({ files, ...partition }: Partition, options: PlanOptions): Group[] {
  const maxRows = options.maxRows ?? MAX_OUTPUT_ROWS;
  const groups: Group[] = [];
  const open = files.filter((file) => !isFull(file, maxRows));
  // Who asks for all to be merged has the time.
  const worthwhile = options.everything === true ? open : balanced(open);
  for (const list of packed(worthwhile, maxRows)) {
    if (list.length > 1 || list[0].level === 0) groups.push({ ...partition, inputs: list });
  }
  for (const file of files) {
    if (isFull(file, maxRows) && file.level === 0) groups.push({ ...partition, inputs: [file] });
  }
  return groups;
}

/**
 * Without the files that are too large to be rewritten for the sake of the smaller ones: spans that come
 * late, a few now and then, must not have a day of millions rewritten each time.
 */
function balanced(files: readonly FileEntry[]): FileEntry[] {
  const bySize = files.toSorted((a, b) => a.rows - b.rows);
  const kept = new Set<FileEntry>();
  let rows = 0;
  for (const file of bySize) {
    // One that is still as flushed is rewritten in any case.
    if (file.level > 0 && file.rows > MAX_IMBALANCE * rows && rows > 0) continue;
    kept.add(file);
    rows += file.rows;
  }
  return files.filter((file) => kept.has(file));
}

/** Nothing more is to be expected. Days that lie ahead, or are none, are settled when a day has passed. */
function isSettled({ day, files }: Partition, { nowMs, everything }: PlanOptions): boolean {
  if (everything === true) return true;
  // A file from the future is one of a clock that was put right.
  const quietMs = Math.abs(nowMs - Math.max(...files.map((file) => file.createdAtMs)));
  if (quietMs >= DAY_MS) return true;
  const startMs = Date.parse(`${day}T00:00:00Z`);
  const isOver = Number.isNaN(startMs) || nowMs >= startMs + DAY_MS + OVER_AFTER_MS;
  return isOver && quietMs >= QUIET_MS;
}

function isTrifling({ inputs }: Group, { filesPerMerge }: PlanOptions): boolean {
  return inputs.length < filesPerMerge && rowsOf(inputs) < TRIFLING_ROWS;
}

function isFull(file: FileEntry, maxRows: number): boolean {
  return shareOf([file], maxRows) >= FULL_SHARE;
}

/** Of what one output may hold, by whichever bound is nearest. */
function shareOf(files: readonly FileEntry[], maxRows: number): number {
  let rows = 0;
  let bytes = 0;
  let indexBytes = 0;
  for (const file of files) {
    rows += file.rows;
    bytes += file.bytes;
    indexBytes += file.traceIndexBytes;
  }
  const traces = indexBytes / INDEX_BYTES_PER_TRACE;
  return Math.max(rows / maxRows, bytes / MAX_OUTPUT_BYTES, traces / MAX_OUTPUT_TRACES);
}

function rowsOf(files: readonly FileEntry[]): number {
  return files.reduce((sum, file) => sum + file.rows, 0);
}
