/**
 * Carries out what the policy (compaction.ts) gives: in passes of its own accord, or at once when asked.
 * A partition that fails is left alone for a growing while; without room on the disk everything waits.
 */
import type { FileEntry } from '../files/file-entry.ts';
import { messageOf } from '../parts.ts';
import type { LakeParts } from '../parts.ts';
import { goingThrough } from '../retention/memory.ts';
import { planCompaction } from './compaction.ts';
import type { CompactionOptions, CompactionPlan, Group } from './compaction.ts';
import type { Lane } from './lane.ts';
import { RewriteError } from '../merge/rewriter.ts';
import { NoRoomError } from './rewrites.ts';
import type { Rewrites } from './rewrites.ts';

const FIRST_PAUSE_MS = 10_000;
const LAST_PAUSE_MS = 3_600_000;

/** The files are looked at no more often, and so often without a change: days end. */
const LOOK_MS = 5_000;
const LOOK_UNCHANGED_MS = 60_000;

/** Partitions that are remembered as failing, and files. */
const MAX_FAILURES = 1_000;

export interface CompactorParts extends Pick<
  LakeParts,
  'dataDir' | 'catalog' | 'snapshots' | 'clock' | 'report'
> {
  readonly lane: Lane;
  readonly rewrites: Rewrites;
  readonly options: CompactionOptions;
  /** Spans come faster than they are flushed: everything else waits. */
  readonly isBehind: () => boolean;
}

interface Pause {
  readonly ms: number;
  readonly untilMs: number;
}

export class Compactor {
  #pass: Promise<void> | undefined;
  #stopped = false;
  #plan: { readonly plan: CompactionPlan; readonly version: number; readonly atMs: number } | undefined;
  #roomPause: Pause | undefined;
  readonly #failures = new Map<string, Pause>();
  /** Absolute paths of files with the right hash that no reader can read: the others are merged without them. */
  readonly #unreadable = new Set<string>();

  constructor(private readonly parts: CompactorParts) {}

  /** What would be merged now; looked at anew every few seconds at most. */
  get debt(): Pick<CompactionPlan, 'debtFiles' | 'debtRows'> {
    return this.#currentPlan();
  }

  /** Starts a pass if there is something to do; to be called every few seconds. */
  tick(): void {
    if (this.#pass !== undefined || this.#stopped || this.#mustWait()) return;
    const { groups } = this.#currentPlan();
    if (groups.length === 0) return;
    this.#pass = this.#run(groups).finally(() => (this.#pass = undefined));
  }

  /**
   * Merges all that is there now, as if every day were over: what is flushed meanwhile is left for later,
   * under load this would never end. Throws the first failure.
   */
  async all(): Promise<void> {
    const through = this.#listed().reduce((most, file) => Math.max(most, file.lastSequence), 0);
    for (;;) {
      const { groups } = this.#planNow(true, through);
      if (groups.length === 0) return;
      for (const group of groups) await this.#merge(group, 'asked');
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#pass;
  }

  async #run(groups: readonly Group[]): Promise<void> {
    for (const group of groups) {
      if (this.#stopped || this.#mustWait()) return;
      const partition = `${group.projectId}/${group.day}`;
      if (isOver(this.#failures.get(partition), this.#nowMs())) await this.#try(group, partition);
    }
    // Outputs may be inputs of the next plan.
    this.#plan = undefined;
  }

  async #try(group: Group, partition: string): Promise<void> {
    try {
      await this.#merge(group, 'compaction');
      this.#failures.delete(partition);
      this.#roomPause = undefined;
    } catch (error) {
      if (this.#stopped) return;
      this.parts.report(`can't merge files of ${partition}: ${messageOf(error)}`);
      this.#remember(error, partition);
    }
  }

  #remember(error: unknown, partition: string): void {
    if (error instanceof NoRoomError) {
      this.#roomPause = longer(this.#roomPause, this.#nowMs());
      return;
    }
    if (error instanceof RewriteError && error.path !== '' && this.#unreadable.size < MAX_FAILURES) {
      this.#unreadable.add(error.path);
    }
    this.#failures.set(partition, longer(this.#failures.get(partition), this.#nowMs()));
    const [oldest] = this.#failures.keys();
    if (this.#failures.size > MAX_FAILURES) this.#failures.delete(oldest);
  }

  #merge({ projectId, inputs }: Group, urgency: 'asked' | 'compaction'): Promise<void> {
    const { lane, rewrites, snapshots } = this.parts;
    return lane.run(urgency, async () => {
      // What came first in the lane may have replaced them.
      const listed = new Set(snapshots.state(projectId).files);
      const isLeft = isLeftBy(goingThrough(this.parts.catalog));
      if (!inputs.every((file) => listed.has(file) && !isLeft(file))) return;
      await rewrites.rewrite({ projectId, inputs, drop: { kind: 'nothing' } });
    });
  }

  #mustWait(): boolean {
    return this.parts.isBehind() || !isOver(this.#roomPause, this.#nowMs());
  }

  #currentPlan(): CompactionPlan {
    const nowMs = this.#nowMs();
    const known = this.#plan;
    const age = known === undefined ? Infinity : nowMs - known.atMs;
    const unchanged = known?.version === this.parts.snapshots.version;
    if (known !== undefined && age < (unchanged ? LOOK_UNCHANGED_MS : LOOK_MS)) return known.plan;
    const plan = this.#planOrNothing();
    this.#plan = { plan, version: this.parts.snapshots.version, atMs: nowMs };
    return plan;
  }

  #listed(): FileEntry[] {
    const { snapshots, dataDir, catalog } = this.parts;
    const isLeft = isLeftBy(goingThrough(catalog));
    return [...snapshots.states().values()]
      .flatMap((state) => state.files)
      .filter((file) => !this.#unreadable.has(`${dataDir}/${file.path}`) && !isLeft(file));
  }

  #planNow(everything: boolean, through = Infinity): CompactionPlan {
    const { clock, options } = this.parts;
    const files = this.#listed().filter((file) => file.lastSequence <= through);
    return planCompaction(files, { ...options, nowMs: clock.wallMs(), everything });
  }

  /** Nobody catches what a timer throws: without the catalog nothing is merged. */
  #planOrNothing(): CompactionPlan {
    try {
      return this.#planNow(false);
    } catch (error) {
      if (!this.#stopped) this.parts.report(`can't plan merges: ${messageOf(error)}`);
      return { groups: [], debtFiles: 0, debtRows: 0 };
    }
  }

  #nowMs(): number {
    return this.parts.clock.monotonicMs();
  }
}

/**
 * Retention was cut short and has traces to remove from the file: merged with what came since, nobody could tell
 * which spans of a trace that is half gone are to follow.
 */
function isLeftBy(through: ReadonlyMap<string, number>): (file: FileEntry) => boolean {
  return (file) => file.lastSequence <= (through.get(file.projectId) ?? -Infinity);
}

function isOver(pause: Pause | undefined, nowMs: number): boolean {
  return pause === undefined || nowMs >= pause.untilMs;
}

function longer(pause: Pause | undefined, nowMs: number): Pause {
  const ms = pause === undefined ? FIRST_PAUSE_MS : Math.min(LAST_PAUSE_MS, pause.ms * 2);
  return { ms, untilMs: nowMs + ms };
}
