/** The indexes beside a Parquet file, made anew from it: they hold nothing that is not in it. */
import { setIndexes } from '../files/catalog-files.ts';
import type { FileEntry } from '../files/file-entry.ts';
import { writeWhole } from '../files/file-system.ts';
import { contentHash } from '../files/hash.ts';
import { tokenIndexPath, traceIndexPath } from '../files/names.ts';
import type { LakeParts } from '../parts.ts';
import type { Inspector } from '../check/inspector.ts';
import { damageOf, quarantine } from './quarantine.ts';

/** What is wrong with the indexes of a file, or undefined. `thorough`: by their hashes, not only their sizes. */
export async function indexDamageOf(
  { files, dataDir }: Pick<LakeParts, 'files' | 'dataDir'>,
  file: FileEntry,
  thorough: boolean,
): Promise<string | undefined> {
  const indexes = [
    { path: traceIndexPath(file.path), bytes: file.traceIndexBytes, hash: file.traceIndexHash },
    { path: tokenIndexPath(file.path), bytes: file.tokenIndexBytes, hash: file.tokenIndexHash },
  ];
  for (const { path, bytes, hash } of indexes) {
    // A file may have no token filters.
    if (hash === '') continue;
    const absolute = `${dataDir}/${path}`;
    if (thorough) {
      const damage = await damageOf(files, absolute, { bytes, hash });
      if (damage !== undefined) return `${path}: ${damage}`;
      continue;
    }
    const size = await files.size(absolute);
    if (size !== bytes) return `${path}: ${size ?? 'no'} bytes where the catalog has ${bytes}`;
  }
  return undefined;
}

/**
 * To be called in the lane, so that no rewrite replaces the file meanwhile. A Parquet file that proves
 * damaged is quarantined.
 */
export async function repairIndexes(parts: LakeParts, inspector: Inspector, file: FileEntry): Promise<void> {
  const { snapshots, dataDir, files, catalog, report } = parts;
  if (!snapshots.state(file.projectId).files.includes(file)) return;
  const { hash, contents } = await inspector.inspect({ path: `${dataDir}/${file.path}`, hash: file.hash });
  if (contents === undefined) {
    quarantine(parts, file, `its bytes have the hash ${hash}, the catalog has ${file.hash}`, true);
    return;
  }
  const { traceIndex, tokenIndex } = contents;
  await write(parts, traceIndexPath(file.path), traceIndex);
  if (tokenIndex.length > 0) await write(parts, tokenIndexPath(file.path), tokenIndex);
  await files.syncFolder(`${dataDir}/${file.path.slice(0, file.path.lastIndexOf('/'))}`);
  const mended: FileEntry = {
    ...file,
    traceIndexBytes: traceIndex.length,
    traceIndexHash: contentHash(traceIndex),
    tokenIndexBytes: tokenIndex.length,
    tokenIndexHash: tokenIndex.length === 0 ? '' : contentHash(tokenIndex),
  };
  setIndexes(catalog, mended);
  snapshots.publish([{ projectId: file.projectId, replaceFiles: new Map([[file, mended]]) }]);
  report(`${file.path}: its indexes were made anew`);
}

async function write({ files, dataDir }: LakeParts, path: string, bytes: Uint8Array): Promise<void> {
  const hash = contentHash(bytes);
  await writeWhole(files, `${dataDir}/${path}`, bytes, (written) => {
    if (contentHash(written) !== hash) throw new Error(`${path}: read back other bytes than were written`);
  });
}
