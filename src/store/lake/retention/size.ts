/** A project beyond its bound of bytes: the oldest files go, but for their pinned traces. */
import type { FileEntry } from '../files/file-entry.ts';
import { traceKeyWords, findTrace } from '../files/trace-index.ts';
import type { FileScanner } from './files.ts';
import { sizeOf } from '../upkeep/rewrites.ts';

interface SizeDrop {
  readonly file: FileEntry;
  /** Pinned traces stand in it, which stay: then it is rewritten. */
  readonly hasPinned: boolean;
}

interface SizeQuestion {
  readonly maxBytes: number;
  /** 16 bytes an id. */
  readonly pinned: Uint8Array;
  readonly scanner: FileScanner;
  /** Paths of files that can't be rewritten now. */
  readonly skip: ReadonlySet<string>;
}

/**
 * Oldest first, as many as it takes; fewer where pinned traces alone are beyond the bound. What pinned
 * traces take is not known before: the caller asks again after each rewrite.
 */
export async function planSize(
  files: readonly FileEntry[],
  { maxBytes, pinned, scanner, skip }: SizeQuestion,
): Promise<SizeDrop[]> {
  const drops: SizeDrop[] = [];
  let bytes = sizeOf(files);
  for (const file of files.toSorted((a, b) => newestMs(a) - newestMs(b) || (a.path < b.path ? -1 : 1))) {
    if (bytes <= maxBytes) break;
    if (skip.has(file.path)) continue;
    const pinnedRows = await rowsOf(file, pinned, scanner);
    // Nothing of it can go.
    if (pinnedRows >= file.rows) continue;
    drops.push({ file, hasPinned: pinnedRows > 0 });
    bytes -= sizeOf([file]);
    // The rest of this one stays, by an unknown size.
    if (pinnedRows > 0) break;
  }
  return drops;
}

/** By the newest span; one from the future counts as of its arrival, or else it would outlive all others. */
function newestMs(file: FileEntry): number {
  return Math.min(Number(file.maxStartUnixNano / 1_000_000n), file.createdAtMs);
}

async function rowsOf(file: FileEntry, ids: Uint8Array, scanner: FileScanner): Promise<number> {
  if (ids.length === 0) return 0;
  const index = await scanner.traces(file);
  let rows = 0;
  for (let at = 0; at < ids.length; at += 16) {
    const { high, low } = traceKeyWords(ids, at);
    for (const range of findTrace(index, high, low)) rows += range.rowCount;
  }
  return rows;
}
