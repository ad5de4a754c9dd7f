/** What name and footer of a Parquet file tell, where no catalog does. */
import type { FileEntry } from '../files/file-entry.ts';
import { contentHash } from '../files/hash.ts';
import { parquetRange } from '../files/names.ts';
import type { FoundFile } from './adoption.ts';
import type { FileContents, Inspection } from './inspect-file.ts';

/** Made by an older program, or without token filters. */
export function isStale(entry: FileEntry, { traceIndex, tokenIndex }: FileContents): boolean {
  return entry.traceIndexHash !== contentHash(traceIndex) || entry.tokenIndexHash !== contentHash(tokenIndex);
}

export function foundFile(path: string, contents: FileContents): FoundFile {
  const range = parquetRange(path) ?? { firstSequence: 0, lastSequence: 0, level: 0 };
  const folder = path.slice(0, path.lastIndexOf('/'));
  return { path, ...range, inputs: inputNames(contents.metadata).map((name) => `${folder}/${name}`) };
}

function inputNames(metadata: ReadonlyMap<string, string>): string[] {
  try {
    const names: unknown = JSON.parse(metadata.get('spanlake.inputs') ?? '[]');
    return Array.isArray(names) ? names.filter((name) => typeof name === 'string') : [];
  } catch {
    return [];
  }
}

/** Folders name project and day. */
const PLACE = /^lake\/project=([^/]+)\/date=([^/]+)\/[^/]+$/;

export function placeOf(path: string): { projectId: string; day: string } | undefined {
  const match = PLACE.exec(path);
  return match === null || parquetRange(path) === undefined
    ? undefined
    : { projectId: match[1], day: match[2] };
}

/** An entry as far as path and bytes tell it. */
export function unindexed(
  path: string,
  { bytes, hash, contents }: Inspection & { contents: FileContents },
  now: Date,
): FileEntry {
  const place = placeOf(path);
  const range = parquetRange(path);
  if (place === undefined || range === undefined) throw new Error(`${path} is no path of the lake`);
  const createdAtMs = Number(contents.metadata.get('spanlake.created_at') ?? now.getTime());
  return {
    ...contents.statistics,
    ...place,
    ...range,
    path,
    rows: contents.rows,
    bytes,
    hash,
    createdAtMs,
    traceIndexBytes: 0,
    traceIndexHash: '',
    tokenIndexBytes: 0,
    tokenIndexHash: '',
  };
}
