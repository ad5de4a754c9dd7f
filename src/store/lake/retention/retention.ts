/**
 * Retention at work: what every project's rules and bound let go of, a step at a time in the lane of
 * rewrites. A step may end anywhere, by a crash too: the next goes on with what the files then are, and
 * with the traces that were on their way out of several files.
 */
import { flushedThrough } from '../files/catalog-files.ts';
import type { FileEntry } from '../files/file-entry.ts';
import { messageOf } from '../parts.ts';
import type { LakeParts } from '../parts.ts';
import { RemovalAudit } from './audit.ts';
import type { ClockGuard } from './clock-guard.ts';
import type { Pins } from './pins.ts';
import { ageFromMs, compileRules, loadPolicy } from './policies.ts';
import type { Rules } from './policies.ts';
import { RETRY_MS, planDue } from './due.ts';
import type { DuePlan, RetentionView } from './due.ts';
import { FileScanner, idsIn } from './files.ts';
import type { ScannerParts } from './files.ts';
import { forgetGoing, loadChecked, loadGoing, saveChecked, saveGoing } from './memory.ts';
import { planSize } from './size.ts';
import { isSpent, planSpent } from './spent.ts';
import type { Drop } from '../merge/rewrite-job.ts';
import type { Rewrites } from '../upkeep/rewrites.ts';

/** Files judged together: 400,000 traces of ten spans, 25 MB. A file of more is judged alone. */
const BATCH_ROWS = 4_194_304;

/** Then the lane is given back: deletions that somebody waits for go first. */
const STEP_MS = 10_000;

const ACTOR = 'retention';

interface RetentionParts extends LakeParts, ScannerParts {
  readonly pins: Pins;
  readonly guard: ClockGuard;
}

export class Retention {
  readonly #scanner: FileScanner;
  /** Projects of which a file could not be rewritten, by the monotonic clock. */
  readonly #pausedUntil = new Map<string, number>();
  #stopped = false;

  constructor(private readonly parts: RetentionParts) {
    this.#scanner = new FileScanner(parts);
  }

  /** Does what is due, for some seconds at most; resolves to true when nothing is left. */
  async step(rewrites: Rewrites): Promise<boolean> {
    const until = performance.now() + STEP_MS;
    // Also when no project has rules.
    this.parts.guard.check();
    let isDone = true;
    try {
      for (const projectId of this.#projects()) {
        if (this.#nowMs() < (this.#pausedUntil.get(projectId) ?? -Infinity)) continue;
        // Asked for each: a step takes long enough for the clock to jump within it.
        const isTrusted = this.parts.guard.check();
        const step = new ProjectStep(this.parts, this.#scanner, rewrites, projectId, () => this.#stopped);
        try {
          isDone = (await step.run(isTrusted, until)) && isDone;
          if (step.hasFailed) this.#pause(projectId);
        } catch (error) {
          if (this.#stopped) return false;
          this.parts.report(`retention of ${projectId} failed: ${messageOf(error)}`);
          this.#pause(projectId);
        }
      }
    } finally {
      this.#scanner.close();
    }
    return isDone;
  }

  /** The step under way ends after the file that it is at. */
  stop(): void {
    this.#stopped = true;
    this.#scanner.close();
  }

  #pause(projectId: string): void {
    this.#pausedUntil.set(projectId, this.#nowMs() + RETRY_MS);
  }

  #nowMs(): number {
    return this.parts.clock.monotonicMs();
  }

  #projects(): string[] {
    const rows = this.parts.catalog
      .query<{ id: string }, []>(
        "SELECT id FROM projects WHERE retention <> '' OR max_bytes IS NOT NULL ORDER BY id",
      )
      .all();
    return rows.map(({ id }) => id);
  }
}

class ProjectStep {
  readonly #nowMs: number;
  /** Files that this step judged, and what became of them: not again at once, or they could hold the lane. */
  readonly #judged = new Set<string>();
  /** Files that could not be rewritten. */
  readonly #failed = new Set<string>();
  /** Throws when a trace was pinned since the pins were read. */
  #pinGuard: () => void = () => {};

  constructor(
    private readonly parts: RetentionParts,
    private readonly scanner: FileScanner,
    private readonly rewrites: Rewrites,
    private readonly projectId: string,
    private readonly isStopped: () => boolean,
  ) {
    this.#nowMs = parts.clock.wallMs();
  }

  /** False when the time was up before everything was done. */
  async run(byAge: boolean, until: number): Promise<boolean> {
    const policy = loadPolicy(this.parts.catalog, this.projectId);
    const rules = compileRules(policy);
    if (rules !== undefined && byAge) {
      await this.#goOn(rules);
      // What is still on its way out must not be forgotten for others.
      while (this.#failed.size === 0 && (await this.#dueFiles(rules))) {
        if (this.isStopped() || performance.now() > until) return false;
      }
    }
    if (policy.maxBytes === undefined) return true;
    while (await this.#overSize(policy.maxBytes)) {
      if (this.isStopped() || performance.now() > until) return false;
    }
    return true;
  }

  get hasFailed(): boolean {
    return this.#failed.size > 0;
  }

  private get files(): readonly FileEntry[] {
    return this.parts.snapshots.state(this.projectId).files;
  }

  /** 16 bytes an id; what is planned with them is undone when one more comes before it is done. */
  #pinned(): Uint8Array {
    const { pins } = this.parts;
    this.#pinGuard = pins.guard(this.projectId);
    return pins.ids(this.projectId);
  }

  private view(rules: Rules): RetentionView {
    const { files, buffers } = this.parts.snapshots.state(this.projectId);
    return {
      files,
      buffers,
      rules,
      nowMs: this.#nowMs,
      pinned: this.#pinned(),
      scanner: this.scanner,
      report: (problem) => {
        if (!this.isStopped()) this.parts.report(problem);
      },
    };
  }

  /** Judges some files that are due; true while there may be more. */
  async #dueFiles(rules: Rules): Promise<boolean> {
    const { catalog } = this.parts;
    const checked = loadChecked(catalog, this.projectId);
    const due = this.files.filter((file) => {
      const known = checked.get(file.path);
      const dueAtMs = known?.rules === rules.text ? known.dueAtMs : ageFromMs(file) + rules.minAgeMs;
      return dueAtMs <= this.#nowMs && !this.#judged.has(file.path);
    });
    if (due.length === 0) return false;
    const batch = batchOf(due);
    const spent = batch.filter((file) => isSpent(file, rules, this.#nowMs));
    if (spent.length > 0 && (await this.#dropSpent(rules, spent))) return true;
    const view = this.view(rules);
    const plan = await planDue(view, batch);
    if (this.isStopped()) return false;
    this.#saveGoing(view, plan.spread);
    const dueAtMs = new Map(batch.map((file) => [file.path, nextAge(file, rules, this.#nowMs)]));
    for (const [path, ms] of plan.dueAtMs) {
      const known = dueAtMs.get(path);
      if (known !== undefined) dueAtMs.set(path, Math.max(this.#nowMs, Math.min(known, ms)));
    }
    await this.#drop(plan, dueAtMs, rules);
    if (this.isStopped()) return false;
    this.#forgetGoing(plan.spread);
    for (const path of dueAtMs.keys()) this.#judged.add(path);
    saveChecked(catalog, this.projectId, rules.text, dueAtMs, new Set(this.files.map(({ path }) => path)));
    return true;
  }

  /** True when something went, or was to go: what it left is judged anew. */
  async #dropSpent(rules: Rules, spent: readonly FileEntry[]): Promise<boolean> {
    const view = this.view(rules);
    const plan = await planSpent(view, spent);
    if (this.isStopped() || plan.files.length === 0) return false;
    this.#saveGoing(view, plan.spread);
    const audit = this.#audit('retention', rules.names);
    let went = false;
    for (const { file, keep } of plan.files) {
      if (this.isStopped()) return went;
      const drop: Drop = { kind: 'traces', ids: keep, except: true };
      const done = await this.#try(file, keep.length === 0 ? undefined : drop, audit);
      if (!done) this.#failed.add(file.path);
      went ||= done;
    }
    this.#forgetGoing(plan.spread);
    // What failed is not to be planned otherwise now: it is gone on with.
    return went || this.hasFailed;
  }

  /** 16 bytes an id. From now on these go, also when their deletion is cut short. */
  #saveGoing({ files, rules }: RetentionView, ids: Uint8Array): void {
    if (ids.length === 0) return;
    const throughSequence = Math.max(...files.map((file) => file.lastSequence));
    saveGoing(this.parts.catalog, this.projectId, { rules: rules.text, throughSequence, ids });
  }

  #forgetGoing(ids: Uint8Array): void {
    if (ids.length > 0 && this.#failed.size === 0) forgetGoing(this.parts.catalog, this.projectId);
  }

  /** Outputs take the place of their inputs in `dueAtMs`; files that failed come again later. */
  async #drop(plan: DuePlan, dueAtMs: Map<string, number>, rules: Rules): Promise<void> {
    const audit = this.#audit('retention', plan.ruleNames);
    // What needs no room on the disk goes first.
    for (const each of plan.drops.toSorted((a, b) => Number(b.isWhole) - Number(a.isWhole))) {
      if (this.isStopped()) return;
      const { file } = each;
      const before = new Set(this.files);
      const drop: Drop = { kind: 'traces', ids: each.ids, except: false };
      const done = await this.#try(file, each.isWhole ? undefined : drop, audit);
      if (!done) {
        this.#failed.add(file.path);
        if (dueAtMs.has(file.path)) dueAtMs.set(file.path, this.#nowMs + RETRY_MS);
        continue;
      }
      const ms = dueAtMs.get(file.path);
      const output = this.files.find(
        (one) => !before.has(one) && one.day === file.day && one.level > file.level,
      );
      if (ms === undefined) continue;
      dueAtMs.delete(file.path);
      if (output !== undefined) {
        const ripeMs = ripeAfter(file, output, rules, this.#nowMs);
        dueAtMs.set(output.path, Math.max(this.#nowMs, Math.min(ms, ripeMs)));
      }
    }
  }

  /** What was planned before a crash or a failure: parts of these traces are gone already. */
  async #goOn(rules: Rules): Promise<void> {
    const { catalog } = this.parts;
    const going = loadGoing(catalog, this.projectId);
    if (going === undefined) return;
    const ids = without(going.ids, this.#pinned());
    // Folders of earlier builds have a time there.
    const isKnown = going.throughSequence <= flushedThrough(catalog);
    if (going.rules === rules.text && isKnown && ids.length > 0) {
      const audit = this.#audit('retention', rules.names);
      // What came since is judged by itself; until here is done it is not merged with the files of before.
      for (const file of this.files.filter(({ lastSequence }) => lastSequence <= going.throughSequence)) {
        if (this.isStopped()) return;
        const present = await idsIn(await this.scanner.traces(file), ids);
        const drop: Drop = { kind: 'traces', ids: present, except: false };
        if (present.length > 0 && !(await this.#try(file, drop, audit))) this.#failed.add(file.path);
      }
    }
    if (this.#failed.size === 0) forgetGoing(catalog, this.projectId);
  }

  async #overSize(maxBytes: number): Promise<boolean> {
    const pinned = this.#pinned();
    const drops = await planSize(this.files, { maxBytes, pinned, scanner: this.scanner, skip: this.#failed });
    const audit = this.#audit('size', [`more than ${maxBytes} bytes`]);
    let went = false;
    for (const { file, hasPinned } of drops) {
      if (this.isStopped()) return false;
      const drop: Drop = { kind: 'traces', ids: pinned, except: true };
      const done = await this.#try(file, hasPinned ? drop : undefined, audit);
      if (!done) this.#failed.add(file.path);
      went = true;
    }
    return went;
  }

  #audit(action: 'retention' | 'size', names: readonly string[]): RemovalAudit {
    const { catalog } = this.parts;
    const detail = names.join('; ');
    return new RemovalAudit(catalog, {
      at: this.#nowMs,
      projectId: this.projectId,
      action,
      actor: ACTOR,
      detail,
    });
  }

  /** Without a drop the whole file goes. False, and told, when it failed. */
  async #try(file: FileEntry, drop: Drop | undefined, audit: RemovalAudit): Promise<boolean> {
    const { projectId, rewrites } = this;
    // It may have been set aside as damaged, or got another index, since it was judged.
    const listed = this.files.find(({ path }) => path === file.path);
    if (listed === undefined) return true;
    const also = (outcome: { readonly dropped: number; readonly freedBytes: number }) => {
      this.#pinGuard();
      audit.record(outcome.dropped, Math.max(0, outcome.freedBytes));
    };
    try {
      this.#pinGuard();
      const outcome =
        drop === undefined
          ? await rewrites.remove([listed], also)
          : await rewrites.rewrite({ projectId, inputs: [listed], drop, also });
      audit.committed(outcome.dropped, Math.max(0, outcome.freedBytes));
      return outcome.damaged.length === 0;
    } catch (error) {
      if (!this.isStopped()) this.parts.report(`retention can't rewrite ${file.path}: ${messageOf(error)}`);
      return false;
    }
  }
}

/** The oldest first, so that neighbours in time, which share traces, are judged together. */
function batchOf(due: readonly FileEntry[]): FileEntry[] {
  const batch: FileEntry[] = [];
  let rows = 0;
  for (const file of due.toSorted((a, b) => ageFromMs(a) - ageFromMs(b))) {
    rows += file.rows;
    if (batch.length > 0 && rows > BATCH_ROWS) break;
    batch.push(file);
  }
  return batch;
}

/** When the file comes of the next rule's age; Infinity when it is of all. */
function nextAge(file: FileEntry, rules: Rules, nowMs: number): number {
  const ages = rules.agesMs.map((age) => ageFromMs(file) + age).filter((ms) => ms > nowMs);
  return Math.min(Infinity, ...ages);
}

/**
 * When what is left of a file comes of an age that the whole was not judged by: without its youngest spans it may be
 * of that age already.
 */
function ripeAfter(whole: FileEntry, left: FileEntry, rules: Rules, nowMs: number): number {
  const notJudged = rules.agesMs.filter((age) => ageFromMs(whole) + age > nowMs);
  return Math.min(Infinity, ...notJudged.map((age) => ageFromMs(left) + age));
}

/** 16 bytes an id. */
function without(ids: Uint8Array, others: Uint8Array): Uint8Array {
  const hex = (all: Uint8Array, at: number) =>
    Buffer.from(all.buffer, all.byteOffset + at, 16).toString('hex');
  const gone = new Set<string>();
  for (let at = 0; at < others.length; at += 16) gone.add(hex(others, at));
  const kept: Uint8Array[] = [];
  for (let at = 0; at < ids.length; at += 16) {
    if (!gone.has(hex(ids, at))) kept.push(ids.subarray(at, at + 16));
  }
  return Buffer.concat(kept);
}
