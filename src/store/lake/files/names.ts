/** Every name below the data folder, in one place. Documented in data/README.md. */

export const LAKE_FOLDER = 'lake';
export const LOG_FOLDER = 'wal';
/** Damaged parts of logs, set aside for a person to look at. */
export const CORRUPT_FOLDER = 'wal/corrupt';
/** Files of the lake that the catalog does not know. */
export const LOST_FOLDER = 'lost+found';
export const LOCK_FILE = 'lock.sqlite';
/** Says who holds the lock: the process id. */
export const LOCK_HOLDER_FILE = 'lock.pid';

export function partitionFolder(projectId: string, day: string): string {
  return `${LAKE_FOLDER}/project=${projectId}/date=${day}`;
}

/**
 * From the range of log frames, so that a flush done again after a crash writes the same name. A rewrite
 * has a higher level than its inputs, so its name differs from theirs even where the range is the same.
 */
export function parquetName(firstSequence: number, lastSequence: number, level = 0): string {
  const range = `${sequenceText(firstSequence)}-${sequenceText(lastSequence)}`;
  return level === 0 ? `${range}.parquet` : `${range}.${level}.parquet`;
}

const PARQUET_NAME = /(?:^|\/)([0-9a-f]{12})-([0-9a-f]{12})(?:\.(\d+))?\.parquet$/;

/** What the name of a Parquet file says of it, or undefined for another file. */
export function parquetRange(
  path: string,
): { firstSequence: number; lastSequence: number; level: number } | undefined {
  const match = PARQUET_NAME.exec(path);
  if (match === null) return undefined;
  const [, first, last, level] = match;
  return {
    firstSequence: Number.parseInt(first, 16),
    lastSequence: Number.parseInt(last, 16),
    level: Number(level ?? 0),
  };
}

/** The first sequence of a Parquet file by its path, or undefined for another file. */
export function parquetFirstSequence(path: string): number | undefined {
  return parquetRange(path)?.firstSequence;
}

/** What stands beside a Parquet file, derived from it. */
export function traceIndexPath(parquetPath: string): string {
  return parquetPath.replace(/\.parquet$/, '.traces');
}

export function tokenIndexPath(parquetPath: string): string {
  return parquetPath.replace(/\.parquet$/, '.tokens');
}

/** A Parquet file with all that stands beside it. */
export function pathsOf(parquetPath: string): string[] {
  return [parquetPath, traceIndexPath(parquetPath), tokenIndexPath(parquetPath)];
}

export function logName(firstSequence: number): string {
  return `${sequenceText(firstSequence)}.log`;
}

/** The first sequence of a log file, or undefined for another file. */
export function logSequence(name: string): number | undefined {
  const match = /^([0-9a-f]{12})\.log$/.exec(name);
  return match === null ? undefined : Number.parseInt(match[1], 16);
}

/** 12 hex digits sort as text and hold 2^48 frames: 8,900 years of 1,000 a second. */
function sequenceText(sequence: number): string {
  return sequence.toString(16).padStart(12, '0');
}
