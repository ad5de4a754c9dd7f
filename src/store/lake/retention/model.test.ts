/** Retention against a plain evaluation of what it means, over random lives of a lake. */
import { afterAll, expect, test } from 'bun:test';
import fc from 'fast-check';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openCatalog } from '../../catalog.ts';
import { parseRetentionRules } from '../../retention-rules.ts';
import { openLake } from '../lake.ts';
import type { Lake } from '../lake.ts';
import { testRequest } from '../testing/requests.ts';
import { spanIds, spanIdsInFiles } from '../testing/stored-ids.ts';
import { TestClock } from '../testing/test-clock.ts';
import { DEFAULT_POOL, WorkerPool } from '../read/workers/worker-pool.ts';
import { Writer } from '../write/writer.ts';
import { acceptClock } from './clock-guard.ts';
import { WRONG_CLOCK_MS } from './policies.ts';
import { Rewriter } from '../merge/rewriter.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const START = Date.UTC(2026, 0, 10, 20);

const writer = new Writer();
const rewriter = new Rewriter();
const scanPool = new WorkerPool({ ...DEFAULT_POOL, workers: 1 });
afterAll(() => {
  scanPool.close();
  writer.close();
  rewriter.close();
});

interface ModelSpan {
  readonly trace: number;
  readonly spanId: string;
  readonly startMs: number;
  readonly isError: boolean;
  readonly isSlow: boolean;
  /** Undefined while it is in memory. */
  arrivalMs: number | undefined;
}

const RULES = new Map<string, (span: ModelSpan) => boolean>([
  ['{ status = error }', (span) => span.isError],
  ['{ duration > 1s }', (span) => span.isSlow],
  ['{}', () => true],
]);

interface Rule {
  readonly query: string;
  readonly hours: number;
}

type Step =
  | { readonly kind: 'append'; readonly spans: readonly Omit<ModelSpan, 'spanId' | 'arrivalMs'>[] }
  | { readonly kind: 'flush' | 'compact' | 'enforce' | 'crash' }
  | { readonly kind: 'pass'; readonly hours: number }
  | { readonly kind: 'pin' | 'unpin'; readonly trace: number }
  | { readonly kind: 'rules'; readonly rules: readonly Rule[] };

const trace = fc.integer({ min: 0, max: 3 });
const spanOf = fc.record({
  trace,
  // From a day before to some hours behind the present: other files, days, and senders' clocks.
  startMs: fc.integer({ min: -26, max: 5 }),
  isError: fc.constantFrom(false, false, false, true),
  isSlow: fc.constantFrom(false, false, true),
});
const rule = fc.record({
  query: fc.constantFrom(...RULES.keys()),
  hours: fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 80 })),
});
const hours = fc.oneof(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 40 }));
const weighted = <T>(weight: number, arbitrary: fc.Arbitrary<T>) => ({ weight, arbitrary });
const step: fc.Arbitrary<Step> = fc.oneof(
  weighted(
    4,
    fc.record({
      kind: fc.constant('append' as const),
      spans: fc.array(spanOf, { minLength: 1, maxLength: 5 }),
    }),
  ),
  weighted(5, fc.record({ kind: fc.constantFrom('flush' as const, 'enforce' as const, 'enforce' as const) })),
  weighted(1, fc.record({ kind: fc.constantFrom('compact' as const, 'crash' as const) })),
  weighted(5, fc.record({ kind: fc.constant('pass' as const), hours })),
  weighted(1, fc.record({ kind: fc.constantFrom('pin' as const, 'unpin' as const), trace })),
  weighted(1, fc.record({ kind: fc.constant('rules' as const), rules: fc.array(rule, { maxLength: 3 }) })),
);

const traceIdOf = (n: number) => (n + 1).toString(16).padStart(32, 'c');
const dayOf = (ms: number) => Math.floor(ms / DAY);

class World {
  readonly folder = mkdtempSync(join(tmpdir(), 'retention-model-'));
  readonly catalog = openCatalog(this.folder);
  readonly clock = new TestClock(START);
  readonly pinned = new Set<number>();
  spans: ModelSpan[] = [];
  rules: readonly Rule[] = [];
  #nextSpan = 1;
  #lake: Lake | undefined;

  async lake(): Promise<Lake> {
    const { folder, catalog, clock } = this;
    const problem = (text: string) => {
      throw new Error(text);
    };
    this.#lake ??= await openLake({
      dataDir: folder,
      catalog,
      clock,
      writer,
      rewriter,
      scanPool,
      background: false,
      // Nothing is flushed before the test says so.
      limits: { ageMs: Number.MAX_SAFE_INTEGER },
      report: problem,
    });
    return this.#lake;
  }

  async close(): Promise<void> {
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
        await lake.flush();
        return this.#arrived();
      case 'compact':
        return lake.compact();
      case 'crash':
        await lake.abandon();
        this.#lake = undefined;
        // A start writes some of what it replays, when there are several logs: here it shall be all or nothing.
        await (await this.lake()).flush();
        return this.#arrived();
      case 'pass':
        this.clock.pass(step.hours * HOUR);
        return acceptClock(this.catalog, this.clock.wallMs());
      case 'pin':
        this.pinned.add(step.trace);
        return lake.pinTrace('default', traceIdOf(step.trace), '', 'test');
      case 'unpin':
        this.pinned.delete(step.trace);
        return lake.unpinTrace('default', traceIdOf(step.trace), 'test');
      case 'rules': {
        this.rules = step.rules;
        const text = step.rules.map(({ query, hours }) => `${query} ${hours}h`).join('\n');
        return lake.setRetention('default', { rules: parseRetentionRules(text), maxBytes: undefined });
      }
      case 'enforce':
        await lake.enforceRetention();
        return this.compare(lake);
    }
  }

  async #append(lake: Lake, given: readonly Omit<ModelSpan, 'spanId' | 'arrivalMs'>[]): Promise<void> {
    const nowMs = this.clock.wallMs();
    const added = given.map((span) => ({
      ...span,
      startMs: nowMs + span.startMs * HOUR,
      spanId: (this.#nextSpan++).toString(16).padStart(16, '0'),
      arrivalMs: undefined,
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

  #arrived(): void {
    for (const span of this.spans) span.arrivalMs ??= this.clock.wallMs();
  }

  /** Whole traces went, none early; and those that no file can hold back any more are gone. */
  async compare(lake: Lake): Promise<void> {
    const left = await storedIds(lake);
    const known = new Set(this.spans.map(({ spanId }) => spanId));
    expect([...left].filter((id) => !known.has(id))).toEqual([]);
    const nowMs = this.clock.wallMs();
    const byTrace = Map.groupBy(this.spans, (span) => span.trace);
    for (const [number, spans] of byTrace) {
      const there = spans.filter(({ spanId }) => left.has(spanId)).length;
      const ageMs = this.ageOf(spans);
      const isPinned = this.pinned.has(number);
      const may =
        ageMs !== undefined && !isPinned && spans.every((span) => nowMs - ownAgeFromMs(span) >= ageMs);
      const must = may && spans.every((span) => nowMs - this.#fileAgeFromMs(span) >= ageMs);
      const expected = must ? [0] : may ? [0, spans.length] : [spans.length];
      if (!expected.includes(there)) {
        throw new Error(
          `trace ${number}: ${there} of ${spans.length} spans, expected ${expected.join(' or ')}`,
        );
      }
    }
    this.spans = this.spans.filter(({ spanId }) => left.has(spanId));
  }

  /** Undefined when no rule finds the trace. */
  ageOf(spans: readonly ModelSpan[]): number | undefined {
    const first = this.rules.find(({ query }) => spans.some((span) => RULES.get(query)?.(span)));
    return first === undefined ? undefined : first.hours * HOUR;
  }

  /** No file with the span can be younger than the youngest span of its day. */
  #fileAgeFromMs(span: ModelSpan): number {
    const sameDay = this.spans.filter((other) => dayOf(other.startMs) === dayOf(span.startMs));
    return Math.max(...sameDay.map(ownAgeFromMs));
  }
}

/** What is in memory is not judged. */
function ownAgeFromMs({ startMs, arrivalMs }: ModelSpan): number {
  if (arrivalMs === undefined) return Infinity;
  return arrivalMs - startMs > WRONG_CLOCK_MS ? arrivalMs : startMs;
}

/** As DuckDB reads the files. */
async function storedIds(lake: Lake): Promise<Set<string>> {
  return new Set([...(await spanIdsInFiles(lake, 'default')), ...spanIds(lake, 'default')]);
}

test('whole traces go by their rule, none early and none forgotten', async () => {
  const gone = { spans: 0, lives: 0 };
  await fc.assert(
    fc.asyncProperty(
      fc.array(rule, { minLength: 1, maxLength: 3 }),
      fc.array(step, { minLength: 4, maxLength: 24 }),
      async (rules, steps) => {
        const world = new World();
        try {
          await world.run({ kind: 'rules', rules });
          for (const each of steps) await world.run(each);
          // What is left when all is said must go in the end.
          await world.run({ kind: 'flush' });
          const before = world.spans.length;
          await world.run({ kind: 'pass', hours: 30 });
          await world.run({ kind: 'enforce' });
          await world.run({ kind: 'pass', hours: 130 });
          await world.run({ kind: 'enforce' });
          gone.spans += before - world.spans.length;
          gone.lives++;
          const isKept = (span: ModelSpan) =>
            world.pinned.has(span.trace) ||
            world.ageOf(world.spans.filter((other) => other.trace === span.trace)) === undefined;
          expect(world.spans.filter((span) => !isKept(span))).toEqual([]);
        } finally {
          await world.close();
        }
      },
    ),
    { numRuns: 40 },
  );
  expect(gone.spans).toBeGreaterThan(gone.lives);
}, 300_000);
