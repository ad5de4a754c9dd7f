/**
 * Reads every file again in the background and compares its bytes with the catalog's hash: of 60 flipped
 * bits 23 came back as a wrong row, since Parquet pages carry no checksum. A damaged Parquet file is left
 * out of all answers from then on, named in them, and told; damaged indexes are made anew.
 */
import type { FileEntry } from '../files/file-entry.ts';
import { messageOf } from '../parts.ts';
import type { LakeParts } from '../parts.ts';
import { indexDamageOf, repairIndexes } from './index-repair.ts';
import { Inspector } from '../check/inspector.ts';
import { damageOf, quarantine } from './quarantine.ts';
import type { Upkeep } from './upkeep.ts';

/** Of the time, so that a large lake is read without others feeling it: 10 MB are read and hashed in 5 ms. */
const SHARE = 0.2;

const EVERY_MS = 24 * 3600 * 1000;

/** A file that can't be read is asked once more: out of descriptors is no damage. */
const ONCE_MORE_MS = 2_000;

export interface ScrubParts extends LakeParts {
  readonly upkeep: Pick<Upkeep, 'inLane'>;
}

export class Scrub {
  private stopped = false;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly inspector = new Inspector();

  constructor(private readonly parts: ScrubParts) {}

  /** One pass now, and one a day; before the first, indexes that are missing or cut short. */
  start(): void {
    void this.pass(false).then(() => this.daily());
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
    this.inspector.close();
  }

  /**
   * Resolves when each file that is listed now was compared; newest first, since they are asked for most.
   * Not `thorough`: only the indexes, by their sizes.
   */
  async pass(thorough: boolean): Promise<void> {
    const states = [...this.parts.snapshots.states().values()];
    for (const file of states.flatMap((state) => state.files).toReversed()) {
      if (this.stopped) return;
      const startedMs = performance.now();
      await this.check(file, thorough);
      if (thorough) await Bun.sleep(((performance.now() - startedMs) * (1 - SHARE)) / SHARE);
    }
    this.inspector.close();
  }

  private daily(): void {
    if (this.stopped) return;
    void this.pass(true);
    this.timer = setTimeout(() => this.daily(), EVERY_MS);
    this.timer.unref();
  }

  private async check(file: FileEntry, thorough: boolean): Promise<void> {
    if (thorough && (await this.isDamaged(file))) return;
    try {
      const damage = await indexDamageOf(this.parts, file, thorough);
      if (damage === undefined || !this.isListed(file) || this.stopped) return;
      this.parts.report(damage);
      await this.parts.upkeep.inLane(() => repairIndexes(this.parts, this.inspector, file), 'compaction');
    } catch (error) {
      if (!this.stopped) this.parts.report(`can't mend the indexes of ${file.path}: ${messageOf(error)}`);
    }
  }

  private async isDamaged(file: FileEntry): Promise<boolean> {
    const path = `${this.parts.dataDir}/${file.path}`;
    try {
      const compare = () => damageOf(this.parts.files, path, file);
      const damage = await compare().catch(async () => {
        await Bun.sleep(ONCE_MORE_MS);
        return compare();
      });
      if (damage === undefined) return false;
      if (!this.stopped) quarantine(this.parts, file, damage, true);
    } catch (error) {
      // The next start tries it again.
      if (!this.stopped) quarantine(this.parts, file, `can't be read (${messageOf(error)})`, false);
    }
    return true;
  }

  /** A rewrite may have replaced and removed it meanwhile. */
  private isListed(file: FileEntry): boolean {
    return this.parts.snapshots.state(file.projectId).files.includes(file);
  }
}
