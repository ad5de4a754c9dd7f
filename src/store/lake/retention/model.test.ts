/** Retention against a plain evaluation of what it means, over random lives of a lake. */
import { afterAll, expect, test } from 'bun:test';
import fc from 'fast-check';
import { Rewriter } from '../merge/rewriter.ts';
import { DEFAULT_POOL, WorkerPool } from '../read/workers/worker-pool.ts';
import { Writer } from '../write/writer.ts';
import { scaled } from '../testing/scale.ts';
import { RULES } from './testing/expectation.ts';
import { World } from './testing/world.ts';
import type { Step } from './testing/world.ts';

const writer = new Writer();
const rewriter = new Rewriter();
const scanPool = new WorkerPool({ ...DEFAULT_POOL, workers: 1 });
afterAll(() => {
  scanPool.close();
  writer.close();
  rewriter.close();
});

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
const written = fc.constantFrom(0, 0, 0, 1, 2);
const deletions = fc.integer({ min: 1, max: 2 });
const kind = <Kind extends Step['kind']>(name: Kind) => fc.constant(name);
const weighted = <T>(weight: number, arbitrary: fc.Arbitrary<T>) => ({ weight, arbitrary });
const append = fc.record({ kind: kind('append'), spans: fc.array(spanOf, { minLength: 1, maxLength: 5 }) });
const flush = fc.record({ kind: kind('flush') });
const compact = fc.record({ kind: kind('compact') });
const enforce = fc.record({ kind: kind('enforce'), written });
const crash = fc.record({ kind: kind('crash'), written });
const kill = fc.record({ kind: kind('kill'), deletions, written });
const pass = fc.record({ kind: kind('pass'), hours });
const pin = fc.record({ kind: fc.constantFrom('pin' as const, 'unpin' as const), trace });
const changeRules = fc.record({ kind: kind('rules'), rules: fc.array(rule, { maxLength: 3 }) });
const step: fc.Arbitrary<readonly Step[]> = fc.oneof(
  weighted(8, fc.tuple<Step[]>(append)),
  weighted(4, fc.tuple<Step[]>(flush)),
  weighted(6, fc.tuple<Step[]>(enforce)),
  weighted(1, fc.tuple<Step[]>(compact)),
  weighted(1, fc.tuple<Step[]>(crash)),
  weighted(10, fc.tuple<Step[]>(pass)),
  weighted(2, fc.tuple<Step[]>(pin)),
  weighted(2, fc.tuple<Step[]>(changeRules)),
  // Retention right after a start: of what it left in memory, and of what a killed one left.
  weighted(3, fc.tuple<Step[]>(append, crash, pass, enforce)),
  weighted(3, fc.tuple<Step[]>(append, flush, append, crash, pass, enforce)),
  weighted(3, fc.tuple<Step[]>(append, flush, append, flush, pass, kill, enforce)),
  weighted(2, fc.tuple<Step[]>(append, flush, append, flush, pass, kill, append, flush, compact, enforce)),
);

const LIVES = scaled('lives', 40);

interface Gone {
  spans: number;
  lives: number;
}

function life(gone: Gone) {
  const rules = fc.array(rule, { minLength: 1, maxLength: 3 });
  return fc.asyncProperty(rules, fc.array(step, { minLength: 4, maxLength: 16 }), async (first, steps) => {
    const world = new World({ writer, rewriter, scanPool });
    try {
      await world.run({ kind: 'rules', rules: first });
      for (const each of steps.flat()) await world.run(each);
      // What is left when all is said must go in the end.
      await world.run({ kind: 'flush' });
      const before = world.spans.length;
      await world.run({ kind: 'pass', hours: 30 });
      await world.run({ kind: 'enforce', written: 0 });
      await world.run({ kind: 'pass', hours: 130 });
      await world.run({ kind: 'enforce', written: 0 });
      gone.spans += before - world.spans.length;
      gone.lives++;
      expect(world.spans.filter((span) => !world.isKept(span))).toEqual([]);
    } finally {
      await world.close();
    }
  });
}

test('whole traces go by their rule, none early and none forgotten', async () => {
  const gone = { spans: 0, lives: 0 };
  // Shrinking a life takes many minutes, and tells little that the life does not.
  await fc.assert(life(gone), { numRuns: LIVES, endOnFailure: true });
  expect(gone.spans).toBeGreaterThan(gone.lives);
  // The rarest comes in every second life or so.
  for (const [state, times] of Object.entries(World.met)) {
    if (times === 0) throw new Error(`no life met ${state}`);
  }
}, 3_600_000);

test('a life in which what is left of a file is older than the file was', async () => {
  await fc.assert(life({ spans: 0, lives: 0 }), {
    seed: -869172656,
    path: '461',
    numRuns: 1,
    endOnFailure: true,
  });
});
