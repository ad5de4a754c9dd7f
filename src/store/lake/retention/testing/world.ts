/** For tests: a lake on a clock of its own, and beside it the list of spans that it should hold. */
import { expect, spyOn } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openCatalog } from '../../../catalog.ts';
import { parseRetentionRules } from '../../../retention-rules.ts';
import { StoreUnavailableError } from '../../../span-store.ts';
import { openLake } from '../../lake.ts';
import type { Lake, LakeOptions } from '../../lake.ts';
import { testRequest } from '../../testing/requests.ts';
import { spanIds, spanIdsInFiles } from '../../testing/stored-ids.ts';
import { TestClock } from '../../testing/test-clock.ts';
import type { Writer } from '../../write/writer.ts';
import { RemovalAudit } from '../audit.ts';
import { acceptClock } from '../clock-guard.ts';
import { HOUR, ageOf, mayGo, problemOf, rulesText } from './expectation.ts';
import type { ModelRule, ModelSpan, Situation } from './expectation.ts';
import { HeldWriter } from './held-writer.ts';

const START = Date.UTC(2026, 0, 10, 20);

export type GivenSpan = Omit<ModelSpan, 'spanId' | 'arrivalMs' | 'leaving'>;

/**
 * `written`: so many of the logs that a start replayed are written to files, at the start or while retention is
 * under way; the others stay in memory until then, or until all is flushed.
 */
export type Step =
  | { readonly kind: 'append'; readonly spans: readonly GivenSpan[] }
  | { readonly kind: 'flush' | 'compact' }
  | { readonly kind: 'enforce' | 'crash'; readonly written: number }
  /** In the midst of retention, after so many deletions. */
  | { readonly kind: 'kill'; readonly deletions: number; readonly written: number }
  | { readonly kind: 'pass'; readonly hours: number }
  | { readonly kind: 'pin' | 'unpin'; readonly trace: number }
  | { readonly kind: 'rules'; readonly rules: readonly ModelRule[] };

/** Called when retention has committed a deletion. */
let onDeletion = () => {};
// oxlint-disable-next-line typescript/unbound-method -- called with its `this` below
const committed = RemovalAudit.prototype.committed;
spyOn(RemovalAudit.prototype, 'committed').mockImplementation(function (this: RemovalAudit, spans, bytes) {
  committed.call(this, spans, bytes);
  onDeletion();
});

const traceIdOf = (n: number) => (n + 1).toString(16).padStart(32, 'c');

export class World {
  /** How often retention met what the lives are for. */
  static readonly met = {
    replayedInMemory: 0,
    tracesOfBoth: 0,
    writtenMeanwhile: 0,
    killed: 0,
    halfTraces: 0,
  };

  readonly folder = mkdtempSync(join(tmpdir(), 'retention-model-'));
  readonly catalog = openCatalog(this.folder);
  readonly clock = new TestClock(START);
  spans: ModelSpan[] = [];
  readonly #pinned = new Set<number>();
  #rules: readonly ModelRule[] = [];
  /** The text of those by which traces are leaving. */
  #leavingBy = '';
  #nextSpan = 1;
  readonly #writer: HeldWriter;
  #lake: Lake | undefined;
  /** Buffers that the last start made of logs. */
  #replayed: ReadonlySet<unknown> = new Set();
  /** Then what was under way may fail. */
  #isDying = false;

  constructor(private readonly tools: Pick<LakeOptions, 'rewriter' | 'scanPool'> & { writer: Writer }) {
    this.#writer = new HeldWriter(tools.writer);
  }

  async lake(): Promise<Lake> {
    if (this.#lake !== undefined) return this.#lake;
    const lake = await openLake({
      ...this.tools,
      dataDir: this.folder,
      catalog: this.catalog,
      clock: this.clock,
      writer: this.#writer,
      background: false,
      // Nothing is flushed before the test says so, and nothing is refused meanwhile.
      limits: { ageMs: Number.MAX_SAFE_INTEGER, sealedGenerations: Number.MAX_SAFE_INTEGER },
      report: (problem) => {
        if (!this.#isDying) throw new Error(problem);
      },
    });
    this.#lake = lake;
    this.#replayed = new Set(buffersOf(lake));
    return lake;
  }

  async close(): Promise<void> {
    this.#writer.allow(Infinity);
    await this.#lake?.close();
    this.catalog.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async run(step: Step): Promise<void> {
    const lake = await this.lake();
    switch (step.kind) {
      case 'append':
        return this.#append(lake, step.spans);
      case 'flush':
        this.#writer.allow(Infinity);
        await lake.flush();
        return this.#notice(lake);
      case 'compact':
        return lake.compact();
      case 'crash':
        return this.#crash(lake, step.written);
      case 'kill':
        return this.#kill(lake, step.deletions, step.written);
      case 'pass':
        this.clock.pass(step.hours * HOUR);
        return acceptClock(this.catalog, this.clock.wallMs());
      case 'pin':
        this.#pinned.add(step.trace);
        return lake.pinTrace('default', traceIdOf(step.trace), '', 'test');
      case 'unpin':
        this.#pinned.delete(step.trace);
        return lake.unpinTrace('default', traceIdOf(step.trace), 'test');
      case 'rules': {
        this.#rules = step.rules;
        const rules = parseRetentionRules(rulesText(step.rules));
        return lake.setRetention('default', { rules, maxBytes: undefined });
      }
      case 'enforce':
        return this.#enforce(lake, step.written);
    }
  }

  /** Of the traces that are left: those that nothing will ever remove. */
  isKept(span: ModelSpan): boolean {
    const trace = this.spans.filter((other) => other.trace === span.trace);
    return this.#pinned.has(span.trace) || ageOf(trace, this.#rules) === undefined;
  }

  async #append(lake: Lake, given: readonly GivenSpan[]): Promise<void> {
    const nowMs = this.clock.wallMs();
    const added = given.map((span) => ({
      ...span,
      startMs: nowMs + span.startMs * HOUR,
      spanId: (this.#nextSpan++).toString(16).padStart(16, '0'),
      arrivalMs: undefined,
      leaving: undefined,
    }));
    this.spans.push(...added);
    await lake.append(
      'default',
      testRequest(
        added.map((span) => ({
          traceId: traceIdOf(span.trace),
          spanId: span.spanId,
          start: BigInt(span.startMs) * 1_000_000n,
          durationNano: span.isSlow ? 2_000_000_000n : 1_000n,
          more: span.isError ? { status: { code: 2 } } : {},
        })),
      ),
    );
  }

  async #enforce(lake: Lake, written: number): Promise<void> {
    const before = this.#situation();
    const isHeld = this.#writer.isHolding;
    if (isHeld) this.#count(before.spans);
    const enforced = lake.enforceRetention();
    if (isHeld && written > 0) {
      this.#writer.allow(written);
      World.met.writtenMeanwhile++;
    }
    await enforced;
    await this.#settle(lake);
    await this.#compare(lake, before);
  }

  #count(spans: readonly ModelSpan[]): void {
    World.met.replayedInMemory++;
    const inFiles = new Set(
      spans.flatMap(({ trace, arrivalMs }) => (arrivalMs === undefined ? [] : [trace])),
    );
    if (spans.some(({ trace, arrivalMs }) => arrivalMs === undefined && inFiles.has(trace)))
      World.met.tracesOfBoth++;
  }

  async #crash(lake: Lake, written: number): Promise<void> {
    this.#isDying = true;
    const abandoned = lake.abandon();
    this.#writer.kill();
    await abandoned;
    this.#isDying = false;
    this.#lake = undefined;
    this.#writer.allow(written);
    await this.#settle(await this.lake());
  }

  async #kill(lake: Lake, deletions: number, written: number): Promise<void> {
    // After a second one nobody could tell which of them had planned what.
    if (this.spans.some(({ leaving }) => leaving !== undefined)) return this.#crash(lake, written);
    const before = this.#situation();
    let done = 0;
    let crashed: Promise<void> | undefined;
    onDeletion = () => {
      if (++done === deletions) crashed = this.#crash(lake, written);
    };
    try {
      await lake.enforceRetention();
    } catch (error) {
      if (crashed === undefined || !(error instanceof StoreUnavailableError)) throw error;
    } finally {
      onDeletion = () => {};
    }
    if (crashed === undefined) {
      await this.#compare(lake, before);
      return this.#crash(lake, written);
    }
    await crashed;
    World.met.killed++;
    await this.#compareKilled(await this.lake(), before);
  }

  /** What may be written is; what is in files by now is known. */
  async #settle(lake: Lake): Promise<void> {
    const isUnderWay = () => buffersOf(lake).some((buffer) => this.#replayed.has(buffer));
    while (!this.#writer.isHolding && isUnderWay()) await Bun.sleep(1);
    this.#notice(lake);
  }

  #notice(lake: Lake): void {
    const inMemory = new Set(spanIds(lake, 'default'));
    for (const span of this.spans) if (!inMemory.has(span.spanId)) span.arrivalMs ??= this.clock.wallMs();
  }

  /** As it is now, whatever comes. */
  #situation(): Situation {
    return {
      spans: this.spans.map((span) => ({ ...span })),
      rules: this.#rules,
      pinned: this.#pinned,
      nowMs: this.clock.wallMs(),
      goesOn: this.#rules.length > 0 && rulesText(this.#rules) === this.#leavingBy,
    };
  }

  /** Whole traces went, none early; and those that no file can hold back any more are gone. */
  async #compare(lake: Lake, before: Situation): Promise<void> {
    const left = await this.#left(lake);
    // What was written meanwhile may have been judged as in memory or as in a file.
    const situations = [before, this.#situation()];
    for (const number of new Set(this.spans.map(({ trace }) => trace))) {
      const problems = situations.map((situation) => {
        const trace = situation.spans.filter((span) => span.trace === number);
        return problemOf(trace, left, situation);
      });
      if (problems.every((problem) => problem !== undefined))
        throw new Error(`trace ${number}: ${[...new Set(problems)].join('; or ')}`);
    }
    this.spans = this.spans.filter(({ spanId }) => left.has(spanId));
    // Without rules nothing was judged, and nothing forgotten.
    if (this.#rules.length > 0) for (const span of this.spans) span.leaving = undefined;
  }

  async #compareKilled(lake: Lake, before: Situation): Promise<void> {
    const left = await this.#left(lake);
    for (const [number, trace] of Map.groupBy(before.spans, (span) => span.trace)) {
      const there = trace.filter(({ spanId }) => left.has(spanId)).length;
      const mayLeave = mayGo(trace, before);
      if (!mayLeave && there < trace.length)
        throw new Error(`trace ${number}: ${there} of ${trace.length} spans, expected all`);
      if (!mayLeave) continue;
      const leaving = there < trace.length ? 'surely' : 'perhaps';
      if (there > 0 && leaving === 'surely') World.met.halfTraces++;
      for (const span of this.spans) if (span.trace === number) span.leaving = leaving;
    }
    this.#leavingBy = rulesText(this.#rules);
    this.spans = this.spans.filter(({ spanId }) => left.has(spanId));
  }

  /** Of all spans, as DuckDB reads the files. */
  async #left(lake: Lake): Promise<Set<string>> {
    const left = new Set([...(await spanIdsInFiles(lake, 'default')), ...spanIds(lake, 'default')]);
    const known = new Set(this.spans.map(({ spanId }) => spanId));
    expect([...left].filter((id) => !known.has(id))).toEqual([]);
    return left;
  }
}

function buffersOf(lake: Lake): readonly unknown[] {
  const snapshot = lake.snapshot('default');
  snapshot.release();
  return snapshot.buffers;
}
