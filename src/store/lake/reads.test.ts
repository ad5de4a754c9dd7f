/**
 * Readers beside writers, flushes and compactions: each answer holds every span that was acknowledged before
 * it was asked, once, and no span that was never sent.
 */
import { afterAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Random } from '../../demo/random.ts';
import { parseQuery } from '../../traceql/parse.ts';
import { openLake } from './lake.ts';
import type { Lake } from './lake.ts';
import { EVER } from './testing/model-world.ts';
import { TEST_START, testRequest, textAttribute } from './testing/requests.ts';
import { scaled } from './testing/scale.ts';

const READS = scaled('reads', 5_000);
const READERS = 4;
const LEAST_MERGES = 10;
const SPANS_A_REQUEST = 5;
const REQUESTS_A_TRACE = 3;

/** Reliability case 7. */
const VISIBLE_WITHIN_MS = 1_000;

const folder = mkdtempSync(join(tmpdir(), 'reads-'));
afterAll(() => rmSync(folder, { recursive: true }));

const traceIdOf = (trace: number) => `cd${trace.toString(16).padStart(30, '0')}`;
const serviceOf = (trace: number) => `service-${trace % 50}`;

/** Traces that grow request by request, as those of real services do. */
class Traffic {
  /** Spans of each trace: taken, and given to the store. */
  readonly acknowledged: number[] = [];
  readonly sent: number[] = [];
  readonly visibleMs: number[] = [];
  stopped = false;
  reads = 0;
  merges = 0;

  constructor(
    private readonly lake: Lake,
    private readonly random: Random,
  ) {}

  async run(): Promise<void> {
    while (!this.stopped) {
      // The newest three grow, so that traces lie in the buffer and in several files at once.
      const newest = this.sent.length;
      const trace = Math.max(0, newest - this.random.between(0, 2));
      if ((this.sent[trace] ?? 0) >= SPANS_A_REQUEST * REQUESTS_A_TRACE) {
        await this.append(newest);
      } else await this.append(trace);
    }
  }

  private async append(trace: number): Promise<void> {
    const from = this.sent[trace] ?? 0;
    this.sent[trace] = from + SPANS_A_REQUEST;
    this.acknowledged[trace] ??= 0;
    const spans = Array.from({ length: SPANS_A_REQUEST }, (_, i) => ({
      traceId: traceIdOf(trace),
      spanId: (trace * 1_000 + from + i + 1).toString(16).padStart(16, '0'),
      start: TEST_START + BigInt(trace) * 1_000_000n + BigInt(from + i),
    }));
    const resource = { attributes: [textAttribute('service.name', serviceOf(trace))] };
    try {
      await this.lake.append('default', testRequest(spans, resource));
    } catch (error) {
      // Refused before anything was written.
      this.sent[trace] = from;
      throw error;
    }
    const acknowledgedAt = performance.now();
    this.acknowledged[trace] = from + SPANS_A_REQUEST;
    if (this.random.chance(0.1)) {
      await this.checkTrace(trace);
      this.visibleMs.push(performance.now() - acknowledgedAt);
    }
  }

  async checkTrace(trace: number): Promise<void> {
    const least = this.acknowledged[trace];
    const answer = await this.lake.trace('default', traceIdOf(trace));
    expect(answer.complete).toBe(true);
    this.compare(
      `trace ${trace}`,
      answer.spans.map((span) => span.spanId),
      least,
      this.sent[trace],
    );
  }

  async checkService(service: number): Promise<void> {
    const members = [...this.acknowledged.keys()].filter((trace) => trace % 50 === service);
    const least = members.reduce((sum, trace) => sum + this.acknowledged[trace], 0);
    const found: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await this.lake.searchSpans('default', {
        query: parseQuery(`{ resource.service.name = "${serviceOf(service)}" }`),
        range: EVER,
        order: 'oldest',
        limit: 200,
        ...(cursor === undefined ? {} : { cursor }),
      });
      expect(page.complete).toBe(true);
      found.push(...page.spans.map((span) => span.spanId));
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    const most = [...this.sent.keys()]
      .filter((trace) => trace % 50 === service)
      .reduce((sum, trace) => sum + this.sent[trace], 0);
    this.compare(`service ${service}`, found, least, most);
  }

  private compare(where: string, found: readonly string[], least: number, most: number): void {
    expect([where, found.length - new Set(found).size, 'doubled']).toEqual([where, 0, 'doubled']);
    if (found.length < least) throw new Error(`${where}: ${least - found.length} of ${least} spans missed`);
    if (found.length > most) throw new Error(`${where}: ${found.length} spans, ${most} were sent`);
  }
}

/** At least so many reads, and on until enough was merged meanwhile. */
async function readAlong(traffic: Traffic, random: Random, reads: number): Promise<void> {
  for (let read = 0; read < reads || traffic.merges < LEAST_MERGES; read++) {
    traffic.reads++;
    // Reads of the buffer alone take no turn of the loop: the timers of others must have theirs.
    if (read % 10 === 0) await Bun.sleep(0);
    while (traffic.acknowledged.length === 0) await Bun.sleep(1);
    const known = traffic.acknowledged.length;
    if (read % 40 === 39) {
      await traffic.checkService(random.between(0, 49));
      continue;
    }
    // The newest are on their way from the buffer into files.
    const from = random.chance(0.7) ? Math.max(0, known - 100) : 0;
    await traffic.checkTrace(random.between(from, known - 1));
  }
}

async function mergeAlong(lake: Lake, traffic: Traffic): Promise<void> {
  while (!traffic.stopped) {
    await lake.compact();
    traffic.merges = lake.health().compactions;
    await Bun.sleep(50);
  }
}

test(`${READS} reads while spans are written, flushed and merged: none missed, none doubled`, async () => {
  const told: string[] = [];
  const lake = await openLake({ dataDir: folder, limits: { rows: 400 }, report: (text) => told.push(text) });
  try {
    const traffic = new Traffic(lake, new Random(3, 3n));
    const writing = retryWhenBehind(() => traffic.run());
    const merging = mergeAlong(lake, traffic);
    const readers = Array.from({ length: READERS }, (_, i) =>
      readAlong(traffic, new Random(i, 5n), Math.ceil(READS / READERS)),
    );
    await Promise.all(readers).finally(() => (traffic.stopped = true));
    await writing;
    await merging;
    const sorted = traffic.visibleMs.toSorted((a, b) => a - b);
    const p99 = sorted[Math.floor(sorted.length * 0.99)];
    console.log(
      `${traffic.reads} reads beside ${traffic.merges} merges; visible after the answer within ${p99.toFixed(1)} ms at p99 (${sorted.length} looked at)`,
    );
    expect(p99).toBeLessThan(VISIBLE_WITHIN_MS);
    expect(told).toEqual([]);
  } finally {
    await lake.close();
  }
}, 3_600_000);

/** A 503 is an exporter's business: it waits and goes on. */
async function retryWhenBehind(run: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      await run();
      return;
    } catch (error) {
      if (!(error instanceof Error) || error.name !== 'StoreUnavailableError') throw error;
      await Bun.sleep(20);
    }
  }
}
