/** For tests: what can happen to a lake, as commands that fast-check puts together and shortens. */
import { expect } from 'bun:test';
import fc from 'fast-check';
import { parseQuery } from '../../../traceql/parse.ts';
import { isWanted, queryText } from './model.ts';
import type { ModelRule, ModelSpan, Wanted } from './model.ts';
import { EVER, PROJECTS } from './model-world.ts';
import type { World } from './model-world.ts';

/** The model is part of the world: fast-check's own model has nothing in it. */
export type Command = fc.AsyncCommand<object, World>;

/** 2023-11-14T22:13:20Z */
export const MODEL_NOW_MS = 1_700_000_000_000;
const NOW_NANO = BigInt(MODEL_NOW_MS) * 1_000_000n;
const HOUR_NANO = 3_600_000_000_000n;
const HOUR_MS = 3_600_000;

const spanArbitrary: fc.Arbitrary<ModelSpan> = fc.record({
  traceId: fc.constantFrom(1, 2, 3, 4).map((n) => `${'ab'.repeat(8)}${'0'.repeat(15)}${n}`),
  // Zipkin's client and server share an id and differ in kind.
  spanId: fc.constantFrom(1, 2, 3, 4).map((n) => `${'0'.repeat(15)}${n}`),
  kind: fc.constantFrom(2, 3),
  // Now, midnight passed, late by days, from the future, and of a clock that knows no time.
  start: fc.constantFrom(
    NOW_NANO,
    NOW_NANO + 2n * HOUR_NANO,
    NOW_NANO - 50n * HOUR_NANO,
    NOW_NANO + 900n * HOUR_NANO,
    0n,
  ),
  duration: fc.constantFrom(0n, 5n, 1_000_000n),
});

const spansArbitrary = fc.array(spanArbitrary, { minLength: 1, maxLength: 6 });
const projectArbitrary = fc.constantFrom(...PROJECTS);

const wantedArbitrary: fc.Arbitrary<Wanted> = fc.oneof(
  fc.record({ kind: fc.constant('name' as const), name: fc.constantFrom('operation 12', 'operation 33') }),
  fc.record({ kind: fc.constant('colour' as const), colour: fc.constantFrom('red', 'green') }),
);

const ruleArbitrary: fc.Arbitrary<ModelRule> = fc.record({
  wanted: fc.oneof(wantedArbitrary, fc.constant({ kind: 'all' as const })),
  maxAgeMs: fc.constantFrom(1, 30, 100).map((hours) => hours * HOUR_MS),
});

abstract class LakeCommand implements Command {
  check(): boolean {
    return true;
  }

  abstract run(model: object, world: World): Promise<void>;

  toString(): string {
    const fields = JSON.stringify(this, (_key, value: unknown) =>
      typeof value === 'bigint' ? `${value}n` : value,
    );
    return `${this.constructor.name}${fields}`;
  }
}

class Append extends LakeCommand {
  constructor(
    readonly projectId: string,
    readonly spans: readonly ModelSpan[],
  ) {
    super();
  }

  async run(_model: object, world: World): Promise<void> {
    const project = world.project(this.projectId);
    const isKnown = project.repeatable.some(
      (known) => JSON.stringify(known, plain) === JSON.stringify(this.spans, plain),
    );
    expect(await world.append(this.projectId, this.spans)).toBe(isKnown ? 0 : this.spans.length);
    project.add(this.spans);
    project.repeatable.push(this.spans);
  }
}

function plain(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}

/** The same bytes as some time before. */
class Repeat extends LakeCommand {
  constructor(
    readonly projectId: string,
    readonly index: number,
  ) {
    super();
  }

  async run(_model: object, world: World): Promise<void> {
    const { repeatable } = world.project(this.projectId);
    if (repeatable.length === 0) return;
    const before = world.lake.health();
    expect(await world.append(this.projectId, repeatable[this.index % repeatable.length])).toBe(0);
    expect(world.lake.health().bufferRows).toBe(before.bufferRows);
  }
}

class Flush extends LakeCommand {
  async run(_model: object, world: World): Promise<void> {
    await world.lake.flush();
  }
}

class Compact extends LakeCommand {
  async run(_model: object, world: World): Promise<void> {
    await world.checkCounts();
  }
}

class Restart extends LakeCommand {
  constructor(readonly how: 'close' | 'crash') {
    super();
  }

  async run(_model: object, world: World): Promise<void> {
    await world.restart(this.how);
  }
}

class DeleteTrace extends LakeCommand {
  constructor(
    readonly projectId: string,
    readonly index: number,
  ) {
    super();
  }

  async run(_model: object, world: World): Promise<void> {
    const project = world.project(this.projectId);
    const traceId = project.traceIds[this.index % project.traceIds.length] ?? 'ef'.repeat(16);
    const gone = project.remove((span) => span.traceId === traceId);
    project.pinned.delete(traceId);
    const { spans } = await world.lake.deleteTrace(this.projectId, traceId, 'test');
    // Rows: a span that was delivered twice and is not compacted yet counts twice.
    expect(spans).toBeGreaterThanOrEqual(gone);
    expect(spans > 0).toBe(gone > 0);
    // Sent once more it may be there again or not: that is another test's.
    if (gone > 0) project.repeatable = [];
  }
}

class DeleteSpans extends LakeCommand {
  constructor(
    readonly projectId: string,
    readonly wanted: Wanted,
  ) {
    super();
  }

  async run(_model: object, world: World): Promise<void> {
    const project = world.project(this.projectId);
    const gone = project.remove((span) => isWanted(span, this.wanted) && !project.pinned.has(span.traceId));
    const query = parseQuery(queryText(this.wanted));
    const { spans } = await world.lake.deleteSpans(this.projectId, query, EVER, 'test');
    expect(spans).toBeGreaterThanOrEqual(gone);
    expect(spans > 0).toBe(gone > 0);
    if (gone > 0) project.repeatable = [];
  }
}

class Pin extends LakeCommand {
  constructor(
    readonly projectId: string,
    readonly index: number,
    readonly isPinned: boolean,
  ) {
    super();
  }

  async run(_model: object, world: World): Promise<void> {
    const project = world.project(this.projectId);
    if (project.traceIds.length === 0) return;
    const traceId = project.traceIds[this.index % project.traceIds.length];
    if (this.isPinned) {
      world.lake.pinTrace(this.projectId, traceId, 'kept', 'test');
      project.pinned.add(traceId);
    } else {
      world.lake.unpinTrace(this.projectId, traceId, 'test');
      project.pinned.delete(traceId);
    }
    const pinned = world.lake.pinnedTraces(this.projectId).map((one) => one.traceId);
    expect(pinned.toSorted()).toEqual([...project.pinned].toSorted());
  }
}

/** Time passes, and what has come of age may go: whole traces, and none before its time. */
class Retention extends LakeCommand {
  constructor(
    readonly projectId: string,
    readonly rules: readonly ModelRule[],
    readonly days: number,
  ) {
    super();
  }

  async run(_model: object, world: World): Promise<void> {
    const { lake, clock } = world;
    const project = world.project(this.projectId);
    const rules = this.rules.map(({ wanted, maxAgeMs }) => ({ query: queryText(wanted), maxAgeMs }));
    lake.setRetention(this.projectId, { rules, maxBytes: undefined });
    // A server that runs sees every hour go by: a jump of days would be a clock gone wrong.
    for (let hour = 0; hour < this.days * 24; hour += 12) {
      clock.pass(12 * HOUR_MS);
      await lake.enforceRetention();
    }
    for (const traceId of project.traceIds) {
      const { spans } = await lake.trace(this.projectId, traceId);
      if (spans.length > 0) continue;
      expect([traceId, project.mayGo(traceId, this.rules, clock.wallMs())]).toEqual([traceId, true]);
      project.remove((span) => span.traceId === traceId);
    }
    // Hours have passed: requests from before may be remembered or not.
    for (const one of world.projects.values()) one.repeatable = [];
    lake.setRetention(this.projectId, { rules: [], maxBytes: undefined });
  }
}

class Check extends LakeCommand {
  async run(_model: object, world: World): Promise<void> {
    await world.check();
  }
}

const index = fc.nat(20);

export const commandArbitraries: readonly fc.Arbitrary<Command>[] = [
  fc.tuple(projectArbitrary, spansArbitrary).map(([id, spans]) => new Append(id, spans)),
  fc.tuple(projectArbitrary, spansArbitrary).map(([id, spans]) => new Append(id, spans)),
  fc.tuple(projectArbitrary, spansArbitrary).map(([id, spans]) => new Append(id, spans)),
  fc.tuple(projectArbitrary, index).map(([id, at]) => new Repeat(id, at)),
  fc.constant(new Flush()),
  fc.constant(new Flush()),
  fc.constant(new Compact()),
  fc.constantFrom('close' as const, 'crash' as const).map((how) => new Restart(how)),
  fc.tuple(projectArbitrary, index).map(([id, at]) => new DeleteTrace(id, at)),
  fc.tuple(projectArbitrary, wantedArbitrary).map(([id, wanted]) => new DeleteSpans(id, wanted)),
  fc.tuple(projectArbitrary, index, fc.boolean()).map(([id, at, pinned]) => new Pin(id, at, pinned)),
  fc
    .tuple(
      projectArbitrary,
      fc.array(ruleArbitrary, { minLength: 1, maxLength: 3 }),
      fc.integer({ min: 1, max: 4 }),
    )
    .map(([id, rules, days]) => new Retention(id, rules, days)),
  fc.constant(new Check()),
  fc.constant(new Check()),
];
