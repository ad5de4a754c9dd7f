/**
 * Files so old that every rule has let go of them, under rules that find every trace: they go without being
 * read. What stays are pinned traces, and traces of which a part stands in a younger file.
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

interface SpentFile {
  readonly file: FileEntry;
  /** Traces that stay, 16 bytes an id. */
  readonly keep: Uint8Array;
}

export function isSpent(file: FileEntry, rules: Rules, nowMs: number): boolean {
  return rules.findAll && nowMs - ageFromMs(file) >= rules.maxAgeMs;
}

/** Of the spent files those of which something can go now; the others are for `planDue`. */
export async function planSpent(view: RetentionView, spent: readonly FileEntry[]): Promise<SpentFile[]> {
  const planner = new SpentPlanner(view);
  return planner.plan(spent);
}

class SpentPlanner {
  readonly #keys = new MarkedKeys();
  readonly #breather = new Breather();

  constructor(private readonly view: RetentionView) {}

  async plan(spent: readonly FileEntry[]): Promise<SpentFile[]> {
    const { files, buffers, rules, nowMs, report } = this.view;
    try {
      for (const file of spent) await this.#eachKey(file, (high, low) => this.#keys.add(high, low), true);
      for (const file of files) {
        if (isSpent(file, rules, nowMs)) continue;
        await this.#eachKey(file, (high, low) => this.#keys.mark(high, low));
      }
      for (const buffer of buffers) await this.#markBuffer(buffer);
      this.#markIds(this.view.pinned);
      const planned: SpentFile[] = [];
      for (const file of spent) {
        const keep = await this.#keptOf(file);
        if (keep !== undefined) planned.push({ file, keep });
      }
      return planned;
    } catch (error) {
      // Without one of the indexes nobody knows what else stands where: the rules have to be asked.
      report(`retention reads files that it would not have to: ${messageOf(error)}`);
      return [];
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
    const marks = new Uint8Array(file.rowGroups.length);
    let marked = 0;
    const index = await this.#eachKey(file, (high, low, at, whole) => {
      if (!this.#keys.isMarked(high, low)) return;
      marked++;
      markRowGroups(file, whole.firstRow[at], whole.rowCount[at], marks);
    });
    if (marked === 0) return new Uint8Array(0);
    if (marked === index.count) return undefined;
    const rowGroups = [...marks.keys()].filter((group) => marks[group] === 1);
    const found = await this.view.scanner.rules(file, [], rowGroups);
    const kept: Uint8Array[] = [];
    for (let i = 0; i < found.count; i++) {
      const { high, low } = traceKeyWords(found.traceIds, i * 16);
      if (this.#keys.isMarked(high, low)) kept.push(found.traceIds.subarray(i * 16, i * 16 + 16));
    }
    return Buffer.concat(kept);
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
