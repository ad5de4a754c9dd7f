/** One file of the lake against what the catalog says of it: its bytes, its rows, what stands beside it. */
import type { FileEntry, FileStatistics } from '../files/file-entry.ts';
import type { FileSystem } from '../files/file-system.ts';
import { ContentHasher } from '../files/hash.ts';
import { tokenIndexPath, traceIndexPath } from '../files/names.ts';
import type { BlockStatistics } from '../write/statistics.ts';
import type { FileContents } from './inspect-file.ts';
import type { Inspector } from './inspector.ts';

export interface FileCheck {
  /** Why the Parquet file itself can't be trusted; undefined: it is sound. */
  readonly damage: string | undefined;
  /** What is wrong with the indexes beside it: path and problem. They can be made anew. */
  readonly sidecars: readonly { readonly path: string; readonly problem: string }[];
  /** Where the catalog's figures are not those of the rows. */
  readonly statistics: readonly string[];
  /** Of a sound file. */
  readonly contents: FileContents | undefined;
}

export async function checkFile(
  files: FileSystem,
  dataDir: string,
  entry: FileEntry,
  inspector: Inspector,
): Promise<FileCheck> {
  const { damage, contents } = await checkParquet(files, dataDir, entry, inspector);
  if (contents === undefined) return { damage, sidecars: [], statistics: [], contents: undefined };
  const sidecars: { path: string; problem: string }[] = [];
  const beside = [
    [traceIndexPath(entry.path), entry.traceIndexBytes, entry.traceIndexHash, contents.traceIndex],
    [tokenIndexPath(entry.path), entry.tokenIndexBytes, entry.tokenIndexHash, contents.tokenIndex],
  ] as const;
  for (const [path, bytes, hash, expected] of beside) {
    if (hash === '') continue;
    const problem = await checkSidecar(files, `${dataDir}/${path}`, { bytes, hash, expected });
    if (problem !== undefined) sidecars.push({ path, problem });
  }
  return { damage: undefined, sidecars, statistics: differences(entry, contents.statistics), contents };
}

async function checkParquet(
  files: FileSystem,
  dataDir: string,
  entry: FileEntry,
  inspector: Inspector,
): Promise<{ damage?: string; contents?: FileContents }> {
  const path = `${dataDir}/${entry.path}`;
  const size = await files.size(path);
  if (size === undefined) return { damage: 'is missing' };
  if (size !== entry.bytes) return { damage: `has ${size} bytes, the catalog has ${entry.bytes}` };
  try {
    const { hash, contents } = await inspector.inspect({ path, hash: entry.hash });
    if (contents === undefined)
      return { damage: `its bytes have the hash ${hash}, the catalog has ${entry.hash}` };
    if (contents.rows !== entry.rows) {
      return { damage: `has ${contents.rows} rows, the catalog has ${entry.rows}` };
    }
    return { contents };
  } catch (error) {
    return { damage: `can't be read: ${error instanceof Error ? error.message : String(error)}` };
  }
}

const MAGIC_BYTES = 8;

async function checkSidecar(
  files: FileSystem,
  path: string,
  { bytes, hash, expected }: { bytes: number; hash: string; expected: Uint8Array },
): Promise<string | undefined> {
  const size = await files.size(path);
  if (size === undefined) return 'is missing';
  if (size !== bytes) return `has ${size} bytes, the catalog has ${bytes}`;
  const found = await files.read(path);
  const hasher = ContentHasher.like(hash);
  hasher.update(found);
  const digest = hasher.digest();
  if (digest !== hash) return `its bytes have the hash ${digest}, the catalog has ${hash}`;
  // An index of an older program has another layout: then its hash is all that can be compared.
  const sameLayout = Buffer.compare(found.subarray(0, MAGIC_BYTES), expected.subarray(0, MAGIC_BYTES)) === 0;
  if (sameLayout && Buffer.compare(found, expected) !== 0) return 'is whole, and not the one of its file';
  return undefined;
}

/** Each difference in words; lists that were cut hold what the most frequent are, which ties decide. */
function differences(entry: FileEntry, found: BlockStatistics & Pick<FileStatistics, 'promoted'>): string[] {
  const wrong: string[] = [];
  const compare = (what: string, listed: unknown, actual: unknown) => {
    const [a, b] = [stable(listed), stable(actual)];
    if (a !== b) wrong.push(`${what}: the catalog has ${cut(a)}, the rows say ${cut(b)}`);
  };
  compare('row groups', entry.rowGroups, found.rowGroups);
  for (const bound of [
    'minStartUnixNano',
    'maxStartUnixNano',
    'maxEndUnixNano',
    'minDurationNano',
    'maxDurationNano',
    'errorCount',
  ] as const) {
    compare(bound, entry[bound], found[bound]);
  }
  if (entry.servicesWhole) compare('services', sorted(entry.services), sorted(found.services));
  if (entry.operationsWhole) compare('operations', sorted(entry.operations), sorted(found.operations));
  if (entry.attributeKeysWhole) {
    compare('attribute keys', keysOf(entry, entry), keysOf(found, entry));
  }
  compare('columns of attributes', sorted(entry.promoted), sorted(found.promoted));
  return wrong;
}

/** Types that the catalog does not know (a file of format 1) are not compared. */
function keysOf({ attributeKeys }: Pick<FileStatistics, 'attributeKeys'>, listed: FileStatistics): string[] {
  const known = listed.attributeKeys.every(({ types }) => types !== '');
  return sorted(attributeKeys.map((key) => (known ? key : { ...key, types: '' })));
}

function sorted(entries: readonly unknown[]): string[] {
  return entries.map((entry) => stable(entry)).sort();
}

/** As JSON with the fields in order of their names. */
function stable(value: unknown): string {
  return JSON.stringify(value, (_, field: unknown) => {
    if (typeof field === 'bigint') return String(field);
    if (typeof field !== 'object' || field === null || Array.isArray(field)) return field;
    return Object.fromEntries(Object.entries(field).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

function cut(text: string): string {
  return text.length <= 120 ? text : `${text.slice(0, 117)}...`;
}
