/**
 * Files that a rewrite replaced and nobody reads any more: unlinked with what stands beside them, and then
 * forgotten by the catalog, which names them as garbage until they are gone for good.
 */
import type { Database } from 'bun:sqlite';
import { forgetGarbage } from './catalog-files.ts';
import type { FileSystem } from './file-system.ts';
import { pathsOf } from './names.ts';

export class RetiredFiles {
  #last: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(
    private readonly parts: {
      readonly dataDir: string;
      readonly catalog: Database;
      readonly files: FileSystem;
      readonly report: (problem: string) => void;
    },
  ) {}

  /** Parquet files, by their paths below the data folder. What fails is left to the next start. */
  remove(paths: readonly string[]): void {
    this.#last = this.#last.then(() => this.#removeNow(paths));
  }

  /** Resolves when no removal is under way. */
  settled(): Promise<void> {
    return this.#last;
  }

  /** Begins no more removals: what is left is garbage to the next start. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#last;
  }

  async #removeNow(paths: readonly string[]): Promise<void> {
    if (this.#stopped) return;
    const { dataDir, files, catalog, report } = this.parts;
    try {
      const all = paths.flatMap(pathsOf);
      for (const path of all) await files.unlink(`${dataDir}/${path}`);
      // Before they are forgotten: after a power loss they might lie there again, known to nobody.
      const folders = new Set(all.map((path) => path.slice(0, path.lastIndexOf('/'))));
      for (const folder of folders) await files.syncFolder(`${dataDir}/${folder}`);
      forgetGarbage(catalog, all);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      report(`can't remove ${paths.join(', ')}, the next start will: ${reason}`);
    }
  }
}
