/**
 * Reads every Parquet file again in the background and compares its bytes with the catalog's hash: of 60
 * flipped bits 23 came back as a wrong row, since Parquet pages carry no checksum. What differs is left out
 * of all answers from then on, named in them, and told.
 */
import type { FileEntry } from '../files/file-entry.ts';
import type { FileSystem } from '../files/file-system.ts';
import { contentHash } from '../files/hash.ts';
import type { Snapshots } from '../files/snapshot.ts';

/** Of the time, so that a large lake is read without others feeling it: 10 MB are read and hashed in 5 ms. */
const SHARE = 0.2;

const EVERY_MS = 24 * 3600 * 1000;

export interface ScrubParts {
  readonly dataDir: string;
  readonly files: FileSystem;
  readonly snapshots: Snapshots;
  readonly report: (problem: string) => void;
}

export class Scrub {
  private stopped = false;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly parts: ScrubParts) {}

  /** One pass now, and one a day. */
  start(): void {
    if (this.stopped) return;
    void this.pass();
    this.timer = setTimeout(() => this.start(), EVERY_MS);
    this.timer.unref();
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  /** Resolves when each file that is listed now was compared; newest first, since they are asked for most. */
  async pass(): Promise<void> {
    const states = [...this.parts.snapshots.states().values()];
    for (const file of states.flatMap((state) => state.files).toReversed()) {
      if (this.stopped) return;
      const startedMs = performance.now();
      const damage = await this.damageOf(file);
      if (damage !== undefined && this.isListed(file)) {
        this.parts.snapshots.publish([{ projectId: file.projectId, quarantine: [file.path] }]);
        this.parts.report(`${file.path}: ${damage}; answers leave it out`);
      }
      await Bun.sleep(((performance.now() - startedMs) * (1 - SHARE)) / SHARE);
    }
  }

  private async damageOf(file: FileEntry): Promise<string | undefined> {
    try {
      const hash = contentHash(await this.parts.files.read(`${this.parts.dataDir}/${file.path}`));
      return hash === file.hash ? undefined : `its bytes have the hash ${hash}, the catalog has ${file.hash}`;
    } catch (error) {
      return `can't be read (${error instanceof Error ? error.message : String(error)})`;
    }
  }

  /** A rewrite may have replaced and removed it meanwhile. */
  private isListed(file: FileEntry): boolean {
    return this.parts.snapshots.state(file.projectId).files.includes(file);
  }
}
