/**
 * What the lake does to its files while nobody asks: merging, retention, indexes made anew. Every rewrite
 * goes through one lane, removals that somebody waits for first, and only while spans are flushed in time.
 */
import { messageOf } from '../parts.ts';
import type { LakeParts } from '../parts.ts';
import type { CompactionOptions } from './compaction.ts';
import { Compactor } from './compactor.ts';
import { Lane } from './lane.ts';
import type { Urgency } from './lane.ts';
import { Rewrites } from './rewrites.ts';
import type { FileRewriter, RewriteOutcome } from './rewrites.ts';

const TICK_MS = 2_000;

const FIRST_RETRY_MS = 10_000;
const LAST_RETRY_MS = 600_000;

export interface UpkeepParts extends LakeParts {
  readonly rewriter: FileRewriter & { close(): void };
  /** Somebody else's, and not to be closed. */
  readonly sharedRewriter: boolean;
  readonly compaction: CompactionOptions;
  readonly reserveBytes: () => number;
  readonly isBehind: () => boolean;
}

/** Since the start. */
export interface UpkeepFigures {
  readonly compactions: number;
  readonly compactedRows: number;
  readonly duplicateSpans: number;
}

interface Recurring {
  readonly name: string;
  readonly everyMs: number;
  readonly work: (rewrites: Rewrites) => Promise<void>;
  dueMs: number;
  failures: number;
  running: boolean;
}

export class Upkeep {
  readonly #lane = new Lane();
  readonly #rewrites: Rewrites;
  readonly #compactor: Compactor;
  readonly #recurring: Recurring[] = [];
  #figures: UpkeepFigures = { compactions: 0, compactedRows: 0, duplicateSpans: 0 };
  #timer: ReturnType<typeof setInterval> | undefined;
  #stopped = false;

  constructor(private readonly parts: UpkeepParts) {
    const { compaction, isBehind, dataDir, catalog, snapshots, clock, report } = parts;
    this.#rewrites = new Rewrites({ ...parts, onDone: (outcome) => this.#count(outcome) });
    this.#compactor = new Compactor({
      dataDir,
      catalog,
      snapshots,
      clock,
      report,
      lane: this.#lane,
      rewrites: this.#rewrites,
      options: compaction,
      isBehind,
    });
  }

  get figures(): UpkeepFigures {
    return this.#figures;
  }

  /** What compaction would merge now. */
  get debt(): Compactor['debt'] {
    return this.#compactor.debt;
  }

  /**
   * The work alone with the files: no other rewrite runs meanwhile. It must not wait for the lane itself.
   * Throws what the work throws, and StoreUnavailableError when the store closes before its turn.
   */
  inLane<T>(work: (rewrites: Rewrites) => Promise<T>, urgency: Urgency = 'asked'): Promise<T> {
    return this.#lane.run(urgency, () => work(this.#rewrites));
  }

  /** Work of its own accord, in the lane, once it is started. It is tried again later when it fails. */
  every(name: string, everyMs: number, work: (rewrites: Rewrites) => Promise<void>): void {
    this.#recurring.push({ name, everyMs, work, dueMs: 0, failures: 0, running: false });
  }

  start(): void {
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.#timer.unref();
  }

  compact(): Promise<void> {
    return this.#compactor.all();
  }

  /** Gives up what is under way: the catalog knows what that leaves, and the next start removes it. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    const ended = Promise.all([this.#compactor.stop(), this.#lane.close()]);
    if (!this.parts.sharedRewriter) this.parts.rewriter.close();
    await ended;
  }

  #tick(): void {
    const nowMs = this.parts.clock.monotonicMs();
    for (const task of this.#recurring) if (!task.running && nowMs >= task.dueMs) void this.#run(task);
    this.#compactor.tick();
  }

  async #run(task: Recurring): Promise<void> {
    const { clock, report } = this.parts;
    task.running = true;
    try {
      await this.inLane(task.work, 'removal');
      task.failures = 0;
      task.dueMs = clock.monotonicMs() + task.everyMs;
    } catch (error) {
      task.dueMs = clock.monotonicMs() + Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** task.failures);
      task.failures++;
      if (!this.#stopped) report(`${task.name} failed: ${messageOf(error)}`);
    } finally {
      task.running = false;
    }
  }

  #count({ rows, duplicates }: RewriteOutcome): void {
    const { compactions, compactedRows, duplicateSpans } = this.#figures;
    this.#figures = {
      compactions: compactions + 1,
      compactedRows: compactedRows + rows,
      duplicateSpans: duplicateSpans + duplicates,
    };
  }
}
