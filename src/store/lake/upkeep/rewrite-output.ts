/**
 * The files of a rewrite on their way to the disk: streamed into a temporary file, synced, read again and
 * compared, and only then named, the Parquet file last. The catalog does not know them yet.
 */
import { TEMPORARY_SUFFIX, writeWhole } from '../files/file-system.ts';
import type { FileSystem, OpenFile } from '../files/file-system.ts';
import { contentHash } from '../files/hash.ts';
import { pathsOf, tokenIndexPath, traceIndexPath } from '../files/names.ts';
import { damageOf } from './quarantine.ts';
import type { RewriteResult } from '../merge/rewrite-job.ts';

export class RewriteOutput {
  #file: OpenFile | undefined;
  #bytes = 0;
  /** The write under way, or the last one. */
  #write: Promise<void> = Promise.resolve();

  /** `path` is the Parquet file's, below `dataDir`. */
  constructor(
    private readonly files: FileSystem,
    private readonly dataDir: string,
    private readonly path: string,
  ) {}

  /** Chunks in order, one call after the other. */
  write(chunk: Uint8Array): Promise<void> {
    this.#write = this.#append(chunk);
    return this.#write;
  }

  async #append(chunk: Uint8Array): Promise<void> {
    this.#file ??= await this.files.create(this.temporary);
    await this.#file.write(chunk, this.#bytes);
    this.#bytes += chunk.length;
  }

  /** All is on disk under its name when it resolves, its folder included. */
  async finish(result: RewriteResult): Promise<void> {
    const file = this.#file;
    if (file === undefined) throw new Error(`${this.path}: no bytes of ${result.rows} rows came`);
    await file.datasync();
    this.#file = undefined;
    await file.close();
    const damage = await damageOf(this.files, this.temporary, result);
    if (damage !== undefined) throw new Error(`${this.path}, as written: ${damage}`);
    await this.#index(traceIndexPath(this.path), result.traceIndex);
    await this.#index(tokenIndexPath(this.path), result.tokenIndex);
    await this.files.rename(this.temporary, this.absolute(this.path));
    await this.#syncFolder();
  }

  /** Leaves nothing. Throws when something can't be removed. */
  async discard(): Promise<void> {
    // A rewriter that was closed has let go of a write that still runs.
    await this.#write.catch(() => {});
    await this.#file?.close().catch(() => {});
    this.#file = undefined;
    for (const path of pathsOf(this.path)) {
      await this.files.unlink(this.absolute(path) + TEMPORARY_SUFFIX);
      await this.files.unlink(this.absolute(path));
    }
    // Before the catalog forgets them: a power loss must not bring them back.
    await this.#syncFolder();
  }

  #syncFolder(): Promise<void> {
    return this.files.syncFolder(this.absolute(this.path.slice(0, this.path.lastIndexOf('/'))));
  }

  async #index(path: string, bytes: Uint8Array): Promise<void> {
    // None: a file may have no token filters.
    if (bytes.length === 0) return;
    const hash = contentHash(bytes);
    await writeWhole(this.files, this.absolute(path), bytes, (written) => {
      if (contentHash(written) !== hash) throw new Error(`${path}: read back other bytes than were written`);
    });
  }

  private get temporary(): string {
    return this.absolute(this.path) + TEMPORARY_SUFFIX;
  }

  private absolute(path: string): string {
    return `${this.dataDir}/${path}`;
  }
}
