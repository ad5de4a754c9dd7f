/** Rollups of files, read from the catalog when a question needs them and kept in memory within a bound. */
import type { FileEntry } from '../../files/file-entry.ts';
import type { RollupSource } from '../../files/rollup-catalog.ts';
import { Rollup } from '../../files/rollup.ts';

/** Those of 100 million spans of 200 operations, in steps of a minute. */
const MAX_CACHED_BYTES = 24 * 1024 * 1024;

export interface RollupsOptions {
  /** Without one every file is scanned. */
  readonly source: RollupSource | undefined;
  report(message: string): void;
}

/** One a reader. */
export class Rollups {
  readonly #options: RollupsOptions;
  /** Least recently used first. Undefined: the file has none, or a damaged one. */
  readonly #kept = new Map<string, Rollup | undefined>();
  /** As each was counted when it was last used. */
  readonly #bytesOf = new Map<string, number>();
  #bytes = 0;

  constructor(options: RollupsOptions) {
    this.#options = options;
  }

  /** Of what is in memory. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Those of the files that have one. Synchronous, 0.2 to 1 ms for a file that is not in memory: some files at
   * a time.
   */
  of(files: readonly FileEntry[]): Map<FileEntry, Rollup> {
    const { source } = this.#options;
    const found = new Map<FileEntry, Rollup>();
    if (source === undefined) return found;
    const unknown = files.filter((file) => !this.#kept.has(file.path));
    const read = unknown.length === 0 ? undefined : source.read(unknown.map(({ path }) => path));
    for (const file of files) {
      const rollup = this.#kept.has(file.path)
        ? this.#kept.get(file.path)
        : this.#opened(file, read?.get(file.path));
      this.#keep(file.path, rollup);
      if (rollup !== undefined) found.set(file, rollup);
    }
    this.#dropOldest();
    return found;
  }

  #opened(file: FileEntry, data: Uint8Array | undefined): Rollup | undefined {
    if (data === undefined) return undefined;
    try {
      const rollup = new Rollup(data);
      if (rollup.rows === file.rows) return rollup;
      throw new RangeError(`of ${rollup.rows} rows, the file has ${file.rows}`);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#options.report(`the rollup of ${file.path} is not used, statistics scan the file: ${reason}`);
      return undefined;
    }
  }

  #keep(path: string, rollup: Rollup | undefined): void {
    this.#forget(path);
    const bytes = 256 + (rollup?.bytesInMemory ?? 0);
    this.#kept.set(path, rollup);
    this.#bytesOf.set(path, bytes);
    this.#bytes += bytes;
  }

  /** Files that went are never asked for again: they are the oldest here. */
  #dropOldest(): void {
    for (const path of this.#kept.keys()) {
      if (this.#bytes <= MAX_CACHED_BYTES) return;
      this.#forget(path);
    }
  }

  #forget(path: string): void {
    this.#bytes -= this.#bytesOf.get(path) ?? 0;
    this.#bytesOf.delete(path);
    this.#kept.delete(path);
  }
}
