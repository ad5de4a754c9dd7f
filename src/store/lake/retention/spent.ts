/**
 * Files so old that every rule has let go of them, under rules that find every trace: they go without being
 * read. What stays are pinned traces, and traces of which a part stands in memory, or in a file that does not go
 * with these.
 */
import type { SpanColumns } from '../../../span/columns.ts';
import type { FileEntry } from '../files/file-entry.ts';
import { traceKeyWords } from '../files/trace-index.ts';
import type { TraceIndex } from '../files/trace-index.ts';
import { messageOf } from '../parts.ts';
import { Breather } from './breather.ts';
import { ageFromMs } from './policies.ts';
import type { Rules } from './policies.ts';
import { MarkedKeys } from './candidates.ts';
import type { RetentionView } from './due.ts';
import { eachIdOfBuffer, markRowGroups } from './files.ts';

export interface SpentPlan {
  readonly files: readonly SpentFile[];
  /** Those of the traces that go and stand in more than one file; 16 bytes an id. */
  readonly spread: Uint8Array;
}

interface SpentFile {
  readonly file: FileEntry;
  /** Traces that stay, 16 bytes an id. */
  readonly keep: Uint8Array;
}

type KeyTest = (high: number, low: number) => boolean;

export function isSpent(file: FileEntry, rules: Rules, nowMs: number): boolean {
  return rules.findAll && nowMs - ageFromMs(file) >= rules.maxAgeMs;
}

/** Of the spent files those of which something can go now; the others are for `planDue`. */
export async function planSpent(view: RetentionView, spent: readonly FileEntry[]): Promise<SpentPlan> {
  const planner = new SpentPlanner(view);
  return planner.plan(spent);
}

class SpentPlanner {
  readonly #keys = new MarkedKeys();
  readonly #breather = new Breather();

  constructor(private readonly view: RetentionView) {}

  async plan(spent: readonly FileEntry[]): Promise<SpentPlan> {
    const { files, buffers, report } = this.view;
    const going = new Set(spent);
    try {
      for (const file of spent) await this.#eachKey(file, (high, low) => this.#keys.add(high, low), true);
      for (const file of files) {
        // Another spent file may stay for now: it is of a later batch, or waits to be read again.
        if (going.has(file)) continue;
        await this.#eachKey(file, (high, low) => this.#keys.mark(high, low));
      }
      for (const buffer of buffers) await this.#markBuffer(buffer);
      this.#markIds(this.view.pinned);
      const planned: SpentFile[] = [];
      for (const file of spent) {
        const keep = await this.#keptOf(file);
        if (keep !== undefined) planned.push({ file, keep });
      }
      return { files: planned, spread: await this.#spreadOf(planned.map(({ file }) => file)) };
    } catch (error) {
      // Without one of the indexes nobody knows what else stands where: the rules have to be asked.
      report(`retention reads files that it would not have to: ${messageOf(error)}`);
      return { files: [], spread: new Uint8Array(0) };
    }
  }

  async #markBuffer(buffer: SpanColumns): Promise<void> {
    await eachIdOfBuffer(buffer, this.#breather, (ids, at) => {
      const { high, low } = traceKeyWords(ids, at);
      this.#keys.mark(high, low);
    });
  }

  #markIds(ids: Uint8Array): void {
    for (let at = 0; at < ids.length; at += 16) {
      const { high, low } = traceKeyWords(ids, at);
      this.#keys.mark(high, low);
    }
  }

  /** The ids of the marked traces; undefined when all are. */
  async #keptOf(file: FileEntry): Promise<Uint8Array | undefined> {
    const isKept: KeyTest = (high, low) => this.#keys.isMarked(high, low);
    const { rowGroups, meant, count } = await this.#rowGroupsOf(file, isKept);
    if (meant === 0) return new Uint8Array(0);
    return meant === count ? undefined : this.#idsOf(file, rowGroups, isKept);
  }

  /** A file without such traces goes unread. */
  async #spreadOf(files: readonly FileEntry[]): Promise<Uint8Array> {
    const isSpread: KeyTest = (high, low) =>
      this.#keys.isRepeated(high, low) && !this.#keys.isMarked(high, low);
    const found: Uint8Array[] = [];
    for (const file of files) {
      const { rowGroups } = await this.#rowGroupsOf(file, isSpread);
      if (rowGroups.length === 0) continue;
      try {
        found.push(await this.#idsOf(file, rowGroups, isSpread));
      } catch (error) {
        // It goes all the same, and of the traces the other files tell.
        this.view.report(`retention can't read ${file.path}: ${messageOf(error)}`);
      }
    }
    return Buffer.concat(found);
  }

  /** Where traces with such keys stand, how many those are, and of how many. */
  async #rowGroupsOf(file: FileEntry, isMeant: KeyTest) {
    const marks = new Uint8Array(file.rowGroups.length);
    let meant = 0;
    const { count } = await this.#eachKey(file, (high, low, at, index) => {
      if (!isMeant(high, low)) return;
      meant++;
      markRowGroups(file, index.firstRow[at], index.rowCount[at], marks);
    });
    return { rowGroups: [...marks.keys()].filter((group) => marks[group] === 1), meant, count };
  }

  /** 16 bytes an id. */
  async #idsOf(file: FileEntry, rowGroups: readonly number[], isMeant: KeyTest): Promise<Uint8Array> {
    const found = await this.view.scanner.rules(file, [], rowGroups);
    const ids: Uint8Array[] = [];
    for (let i = 0; i < found.count; i++) {
      if (i % 1024 === 1023) await this.#breather.breathe();
      const { high, low } = traceKeyWords(found.traceIds, i * 16);
      if (isMeant(high, low)) ids.push(found.traceIds.subarray(i * 16, i * 16 + 16));
    }
    return Buffer.concat(ids);
  }

  async #eachKey(
    file: FileEntry,
    use: (high: number, low: number, at: number, index: TraceIndex) => void,
    isNew = false,
  ): Promise<TraceIndex> {
    const index = await this.view.scanner.traces(file);
    if (isNew) await this.#keys.reserve(index.count, this.#breather);
    for (let at = 0; at < index.count; at++) {
      if (at % 1024 === 1023) await this.#breather.breathe();
      use(index.high[at], index.low[at], at, index);
    }
    return index;
  }
}
