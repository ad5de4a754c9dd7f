/** Retention that a crash cut short, and retention beside spans in memory: whole traces go, or nothing. */
import { afterAll, expect, test } from 'bun:test';
import { Rewriter } from '../merge/rewriter.ts';
import { DEFAULT_POOL, WorkerPool } from '../read/workers/worker-pool.ts';
import { Writer } from '../write/writer.ts';
import { parseRetentionRules } from '../../retention-rules.ts';
import { realFileSystem } from '../files/file-system.ts';
import { FileScanner } from './files.ts';
import { compileRules } from './policies.ts';
import { planSpent } from './spent.ts';
import { World } from './testing/world.ts';
import type { GivenSpan, Step } from './testing/world.ts';

const writer = new Writer();
const rewriter = new Rewriter();
const scanPool = new WorkerPool({ ...DEFAULT_POOL, workers: 1 });
afterAll(() => {
  scanPool.close();
  writer.close();
  rewriter.close();
});

/** The traces of the spans that are left, in order. The world itself compares after each retention. */
async function live(
  rules: readonly (readonly [string, number])[],
  steps: readonly Step[],
): Promise<number[]> {
  const world = new World({ writer, rewriter, scanPool });
  try {
    await world.run({ kind: 'rules', rules: rules.map(([query, hours]) => ({ query, hours })) });
    for (const step of steps) await world.run(step);
    return world.spans.map(({ trace }) => trace).sort((a, b) => a - b);
  } finally {
    await world.close();
  }
}

/** A span of the nth trace, hours from now. */
function append(trace: number, startMs: number, more: Partial<GivenSpan> = {}): Step {
  return { kind: 'append', spans: [{ trace, startMs, isError: false, isSlow: false, ...more }] };
}

const ERROR = { isError: true };
const FLUSH: Step = { kind: 'flush' };
const ENFORCE: Step = { kind: 'enforce', written: 0 };
/** After the first of the trace's two files, with the spans that came meanwhile still in the log. */
const KILL: Step = { kind: 'kill', deletions: 1, written: 0 };

async function killed(...[rules, steps]: Parameters<typeof live>): Promise<number[]> {
  const before = World.met.halfTraces;
  const left = await live(rules, steps);
  expect(World.met.halfTraces).toBe(before + 1);
  return left;
}

test('what is left of a trace goes first, and not what came late, old as it says it is', async () => {
  const rules = [
    ['{ status = error }', 80],
    ['{}', 5],
  ] as const;
  const steps = [append(0, -10), FLUSH, append(0, -10), FLUSH, KILL, append(0, -10, ERROR), FLUSH, ENFORCE];
  expect(await killed(rules, steps)).toEqual([0]);
});

test('what is left of a trace goes although younger spans were to be merged with it', async () => {
  const steps = [append(0, -2, ERROR), FLUSH, append(0, -2), FLUSH, KILL, append(1, 0), FLUSH];
  const rules = [['{ status = error }', 1]] as const;
  expect(await killed(rules, [...steps, { kind: 'compact' }, ENFORCE])).toEqual([1]);
});

test('of files that every rule let go of too, when the trace has a new span in memory', async () => {
  const steps = [append(0, -2), FLUSH, append(0, -2), FLUSH, KILL, append(0, 0), ENFORCE];
  expect(await killed([['{}', 1]], steps)).toEqual([0]);
});

test('under other rules what is left of a trace is a trace', async () => {
  const steps: Step[] = [append(0, -2), FLUSH, append(0, -2), FLUSH, KILL, append(1, 0), FLUSH];
  const rules: Step = { kind: 'rules', rules: [{ query: '{}', hours: 3 }] };
  const compact: Step = { kind: 'compact' };
  expect(await killed([['{}', 1]], [...steps, rules, compact, ENFORCE])).toEqual([0, 1]);
});

test('a trace that waited for its part in memory goes when that is in a file, old as it is', async () => {
  const steps: Step[] = [append(1, 0, { isSlow: true }), FLUSH, append(1, 0)];
  const then: Step[] = [{ kind: 'pass', hours: 1 }, ENFORCE, FLUSH, ENFORCE];
  expect(await live([['{ duration > 1s }', 1]], [...steps, ...then])).toEqual([]);
});

test('a spent file keeps a trace that stands in another one, which does not go with it', async () => {
  const world = new World({ writer, rewriter, scanPool });
  try {
    for (const step of [append(0, -3), FLUSH, append(0, -3), append(1, -3), FLUSH]) await world.run(step);
    const lake = await world.lake();
    const snapshot = lake.snapshot('default');
    snapshot.release();
    const rules = compileRules({ rules: parseRetentionRules('{} 1h'), maxBytes: undefined });
    if (rules === undefined) throw new Error('no rules');
    const report = (problem: string) => {
      throw new Error(problem);
    };
    const scanner = new FileScanner({ dataDir: lake.dataDir, files: realFileSystem, report, scanPool });
    const { files, buffers } = snapshot;
    const nowMs = world.clock.wallMs();
    const view = { files, buffers, rules, nowMs, pinned: new Uint8Array(0), scanner, report };
    const alone = await planSpent(view, files.slice(1));
    expect(alone.files.map(({ keep }) => keep.length)).toEqual([16]);
    expect(alone.spread.length).toBe(0);
    const both = await planSpent(view, files);
    expect(both.files.map(({ keep }) => keep.length)).toEqual([0, 0]);
    expect(both.spread.length).toBe(2 * 16);
  } finally {
    await world.close();
  }
});

for (const written of [0, 1, 2]) {
  test(`${written} replayed logs are written while retention is under way`, async () => {
    const { replayedInMemory, tracesOfBoth } = World.met;
    const crash: Step = { kind: 'crash', written: 0 };
    const steps: Step[] = [
      append(0, 0),
      append(1, 0),
      FLUSH,
      append(0, 0),
      crash,
      append(1, 0),
      append(2, 0),
      crash,
    ];
    const then: Step[] = [{ kind: 'pass', hours: 2 }, { kind: 'enforce', written }, ENFORCE, FLUSH, ENFORCE];
    expect(await live([['{}', 1]], [...steps, ...then])).toEqual([]);
    expect(World.met.replayedInMemory).toBeGreaterThan(replayedInMemory);
    expect(World.met.tracesOfBoth).toBeGreaterThan(tracesOfBoth);
  });
}
