/** For tests: a real lake and its model side by side, and how one is held against the other. */
import { expect } from 'bun:test';
import { parseQuery } from '../../../traceql/parse.ts';
import { END_OF_TIME } from '../../../span/time.ts';
import type { Span } from '../../../span/span.ts';
import { openCatalog } from '../../catalog.ts';
import type { SearchOrder } from '../../span-store.ts';
import { openLake } from '../lake.ts';
import type { Lake, LakeOptions } from '../lake.ts';
import { colourOf, identityOf, ModelProject, nameOf, queryText, textOf } from './model.ts';
import type { ModelSpan, Wanted } from './model.ts';
import { testRequest, textAttribute } from './requests.ts';
import { TestClock } from './test-clock.ts';

export const PROJECTS = ['default', 'shop'] as const;

export const EVER = { startUnixNano: 0n, endUnixNano: END_OF_TIME };

/** So few that most answers take several pages. */
const PAGE_SPANS = 3;

export class World {
  lake: Lake;
  readonly projects = new Map<string, ModelProject>(PROJECTS.map((id) => [id, new ModelProject()]));
  readonly told: string[] = [];
  /** True while nothing came since the last merge. */
  private isMerged = false;

  private constructor(
    lake: Lake,
    readonly clock: TestClock,
    private readonly options: LakeOptions,
  ) {
    this.lake = lake;
  }

  static async open(options: Omit<LakeOptions, 'clock' | 'report'>, startMs: number): Promise<World> {
    const clock = new TestClock(startMs);
    const told: string[] = [];
    makeProjects(options.dataDir);
    const all: LakeOptions = {
      ...options,
      clock,
      background: false,
      report: (problem) => told.push(problem),
    };
    const world = new World(await openLake(all), clock, all);
    // One list for all lives of the lake.
    world.told.push(...told);
    return world;
  }

  project(id: string): ModelProject {
    const found = this.projects.get(id);
    if (found === undefined) throw new Error(`no project ${id}`);
    return found;
  }

  async restart(how: 'close' | 'crash'): Promise<void> {
    if (how === 'close') await this.lake.close();
    else await this.lake.abandon();
    this.lake = await openLake(this.options);
  }

  async append(projectId: string, spans: readonly ModelSpan[]): Promise<number> {
    this.isMerged = false;
    const { accepted, rejected } = await this.lake.append(projectId, requestOfModel(spans));
    expect(rejected).toBe(0);
    return accepted;
  }

  /** Every question that the model can answer. */
  async check(): Promise<void> {
    for (const [id, model] of this.projects) {
      expect(this.lake.isEmpty(id) && model.all.length > 0).toBe(false);
      for (const order of ['newest', 'oldest', 'slowest'] as const) {
        await this.checkSearch(id, model, { kind: 'all' }, order);
      }
      await this.checkSearch(id, model, { kind: 'colour', colour: 'red' }, 'newest');
      await this.checkSearch(id, model, { kind: 'name', name: 'operation 32' }, 'oldest');
      for (const traceId of model.traceIds) {
        const answer = await this.lake.trace(id, traceId);
        expect(answer.complete).toBe(true);
        expect(sortedTexts(answer.spans.map(modelOf))).toEqual(sortedTexts(model.trace(traceId)));
      }
    }
  }

  private async checkSearch(
    id: string,
    model: ModelProject,
    wanted: Wanted,
    order: SearchOrder,
  ): Promise<void> {
    const all = await this.search(id, wanted, order);
    // Two versions of a span differ in their duration: until they are merged, the slowest first shows both.
    const found = order === 'slowest' ? firstOfEach(all) : all;
    const context = `${id} ${queryText(wanted)} ${order}`;
    // By time, the last row of a page may be either version until they are merged.
    const text = this.isMerged || order === 'slowest' ? textOf : identityOf;
    expect([context, ...found.map(text)]).toEqual([context, ...model.search(wanted, order).map(text)]);
  }

  private async search(id: string, wanted: Wanted, order: SearchOrder): Promise<ModelSpan[]> {
    const found: ModelSpan[] = [];
    const query = parseQuery(queryText(wanted));
    let cursor: string | undefined;
    do {
      const page = await this.lake.searchSpans(id, {
        query,
        range: EVER,
        order,
        limit: PAGE_SPANS,
        ...(cursor === undefined ? {} : { cursor }),
      });
      expect(page.complete).toBe(true);
      found.push(...page.spans.map(modelOf));
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    return found;
  }

  /** After a compaction each span is one row, wherever its doubles came from. */
  async checkCounts(): Promise<void> {
    await this.lake.flush();
    await this.lake.compact();
    this.isMerged = true;
    const rows = [...this.projects.values()].reduce((sum, project) => sum + project.all.length, 0);
    expect(this.lake.health().fileRows + this.lake.health().bufferRows).toBe(rows);
  }
}

function makeProjects(dataDir: string): void {
  const catalog = openCatalog(dataDir);
  const add = catalog.query('INSERT OR IGNORE INTO projects (id, name, created_at) VALUES (?, ?, 0)');
  for (const id of PROJECTS) add.run(id, id);
  catalog.close();
}

function firstOfEach(spans: readonly ModelSpan[]): ModelSpan[] {
  const seen = new Set<string>();
  return spans.filter((span) => !seen.has(identityOf(span)) && seen.add(identityOf(span)));
}

function sortedTexts(spans: readonly ModelSpan[]): string[] {
  return spans.map(textOf).toSorted();
}

function requestOfModel(spans: readonly ModelSpan[]) {
  return testRequest(
    spans.map((span) => ({
      traceId: span.traceId,
      spanId: span.spanId,
      name: nameOf(span),
      start: span.start,
      durationNano: span.duration,
      more: { kind: span.kind, attributes: [textAttribute('colour', colourOf(span))] },
    })),
  );
}

function modelOf(span: Span): ModelSpan {
  const model = {
    traceId: span.traceId,
    spanId: span.spanId,
    kind: span.kind,
    start: span.startTimeUnixNano,
    duration: span.durationNano,
  };
  expect(span.name).toBe(nameOf(model));
  return model;
}
