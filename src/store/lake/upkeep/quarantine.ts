/** A damaged file is left out of all answers from now on, and named in them. */
import { setQuarantined } from '../files/catalog-files.ts';
import type { FileEntry } from '../files/file-entry.ts';
import type { FileSystem } from '../files/file-system.ts';
import { ContentHasher } from '../files/hash.ts';
import { messageOf } from '../parts.ts';
import type { LakeParts } from '../parts.ts';

/**
 * Does nothing for a file that is not listed any more: a rewrite may have replaced it meanwhile. `forGood`:
 * also after a restart, until `verify --repair` finds it sound.
 */
export function quarantine(parts: LakeParts, file: FileEntry, reason: string, forGood: boolean): void {
  const { catalog, snapshots, report } = parts;
  if (!snapshots.state(file.projectId).files.includes(file)) return;
  snapshots.publish([{ projectId: file.projectId, quarantine: [{ path: file.path, reason }] }]);
  report(`${file.path}: ${reason}; answers leave it out`);
  if (!forGood) return;
  try {
    setQuarantined(catalog, file.path, reason);
  } catch (error) {
    report(`can't remember that ${file.path} is damaged: ${messageOf(error)}`);
  }
}

/**
 * What is wrong with a file's content, or undefined. `path` is absolute; read a piece at a time. Throws when
 * it can't be read: that may pass, and says nothing of the content.
 */
export async function damageOf(
  files: FileSystem,
  path: string,
  expected: { readonly bytes: number; readonly hash: string },
): Promise<string | undefined> {
  const hasher = ContentHasher.like(expected.hash);
  let bytes = 0;
  try {
    await files.readPieces(path, (piece) => {
      bytes += piece.length;
      hasher.update(piece);
    });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return 'is missing';
    throw error;
  }
  if (bytes !== expected.bytes) return `${bytes} bytes where the catalog has ${expected.bytes}`;
  const hash = hasher.digest();
  return hash === expected.hash
    ? undefined
    : `its bytes have the hash ${hash}, the catalog has ${expected.hash}`;
}
