/**
 * The files of one project on their way to the disk: each streamed into a temporary file as it is encoded, synced,
 * read again and compared, and only then named, the Parquet file last. The catalog does not know them yet.
 */
import type { FileEntry } from '../files/file-entry.ts';
import { TEMPORARY_SUFFIX, writeWhole } from '../files/file-system.ts';
import type { FileSystem, OpenFile } from '../files/file-system.ts';
import { ContentHasher, contentHash } from '../files/hash.ts';
import { LAKE_FOLDER, parquetName, partitionFolder, tokenIndexPath, traceIndexPath } from '../files/names.ts';
import type { EncodedFile, FileSink } from './encode.ts';

/** Read in one piece: those of a thousand projects with few spans each would take a buffer of 4 MiB each. */
const SMALL_FILE_BYTES = 1024 * 1024;

export interface FlushTarget {
  readonly files: FileSystem;
  readonly dataDir: string;
  readonly projectId: string;
  /** Of the generation. */
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly createdAtMs: number;
  /** Gets the folders, below `dataDir`, whose new names are not on disk yet when `done` resolves. */
  readonly unsynced: Set<string>;
}

/** A file in the catalog's words, and what the catalog keeps beside. */
export interface StoredFile {
  readonly entry: FileEntry;
  readonly rollup: Uint8Array;
}

export class FlushOutput implements FileSink {
  private readonly open = new Map<string, OpenFile>();
  private readonly stored: StoredFile[] = [];
  private bytes = 0;
  /** All that was asked for so far, one after the other. After a failure nothing more is done. */
  private work: Promise<void> = Promise.resolve();

  constructor(private readonly target: FlushTarget) {}

  readonly part = (day: string, bytes: Uint8Array): void => {
    this.enqueue(() => this.append(day, bytes));
  };

  readonly file = (file: EncodedFile): void => {
    this.enqueue(() => this.finish(file));
  };

  /** The files whose content and names are written; their folders are to be synced. Or throws, and nothing counts. */
  async done(): Promise<readonly StoredFile[]> {
    try {
      await this.work;
      return this.stored;
    } finally {
      await this.close();
    }
  }

  private enqueue(step: () => Promise<void>): void {
    this.work = this.work.then(step);
    // `done` tells of it.
    this.work.catch(() => {});
  }

  private async append(day: string, bytes: Uint8Array): Promise<void> {
    const path = this.pathOf(day);
    let file = this.open.get(path);
    if (file === undefined) {
      await this.target.files.makeFolder(this.absolute(folderOf(path)));
      file = await this.target.files.create(this.absolute(path) + TEMPORARY_SUFFIX);
      this.open.set(path, file);
      this.bytes = 0;
    }
    await file.write(bytes, this.bytes);
    this.bytes += bytes.length;
  }

  private async finish(encoded: EncodedFile): Promise<void> {
    const { files, unsynced } = this.target;
    const path = this.pathOf(encoded.day);
    const file = this.open.get(path);
    if (file === undefined) throw new Error(`${path}: no bytes of ${encoded.rows} rows came`);
    await file.datasync();
    this.open.delete(path);
    await file.close();
    const temporary = this.absolute(path) + TEMPORARY_SUFFIX;
    expectHash(await this.hashOf(temporary, encoded.bytes), encoded.hash, path);
    // The indexes go first: a Parquet file under its name always has them.
    await this.index(traceIndexPath(path), encoded.traceIndex, encoded.traceIndexHash);
    await this.index(tokenIndexPath(path), encoded.tokenIndex, encoded.tokenIndexHash);
    await files.rename(temporary, this.absolute(path));
    const folder = folderOf(path);
    for (const changed of [folder, folderOf(folder), LAKE_FOLDER, '.']) unsynced.add(changed);
    this.stored.push({ entry: this.entryOf(path, encoded), rollup: encoded.rollup });
  }

  private async hashOf(temporary: string, bytes: number): Promise<string> {
    const { files } = this.target;
    if (bytes <= SMALL_FILE_BYTES) return contentHash(await files.read(temporary));
    const hasher = ContentHasher.create();
    await files.readPieces(temporary, (piece) => hasher.update(piece));
    return hasher.digest();
  }

  private index(path: string, bytes: Uint8Array, hash: string): Promise<void> {
    return writeWhole(this.target.files, this.absolute(path), bytes, (written) =>
      expectHash(contentHash(written), hash, path),
    );
  }

  private entryOf(path: string, encoded: EncodedFile): FileEntry {
    const { projectId, firstSequence, lastSequence, createdAtMs } = this.target;
    const { statistics, day, rows, bytes, hash, traceIndexHash, tokenIndexHash } = encoded;
    return {
      ...statistics,
      path,
      projectId,
      day,
      rows,
      bytes,
      hash,
      traceIndexBytes: encoded.traceIndex.length,
      traceIndexHash,
      tokenIndexBytes: encoded.tokenIndex.length,
      tokenIndexHash,
      level: 0,
      firstSequence,
      lastSequence,
      createdAtMs,
    };
  }

  /** What a failure left open. The temporary files are overwritten by the next attempt, or cleared at a start. */
  private async close(): Promise<void> {
    for (const file of this.open.values()) await file.close().catch(() => {});
    this.open.clear();
  }

  private pathOf(day: string): string {
    const { projectId, firstSequence, lastSequence } = this.target;
    return `${partitionFolder(projectId, day)}/${parquetName(firstSequence, lastSequence)}`;
  }

  private absolute(path: string): string {
    return `${this.target.dataDir}/${path}`;
  }
}

/** Folders by their depth, the deepest first: a name counts when those above it do. */
export function deepestFirst(folders: Iterable<string>): string[] {
  const depth = (folder: string) => (folder === '.' ? 0 : folder.split('/').length);
  return [...folders].sort((a, b) => depth(b) - depth(a));
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}

function expectHash(found: string, hash: string, path: string): void {
  if (found !== hash) throw new Error(`${path}: wrote bytes with hash ${hash}, read back ${found}`);
}
