import { afterAll, beforeAll, describe, expect, spyOn, test } from 'bun:test';
import { readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import type { Span } from '../../../span/span.ts';
import { parseQuery } from '../../../traceql/parse.ts';
import { QuestionError } from '../../span-store.ts';
import { spanArbitrary } from './testing/arbitrary-spans.ts';
import { scratchFolder } from './testing/scratch-folder.ts';
import { TestLake } from './testing/test-lake.ts';
import type { TestLakeOptions } from './testing/test-lake.ts';
import { MAX_GROUPS } from './numbers/series-scan.ts';
import { Selection } from './scan/scan.ts';
import { DEFAULT_POOL } from './workers/worker-pool.ts';

const dataDir = scratchFolder('faults');
const lakes: TestLake[] = [];
afterAll(() => {
  for (const lake of lakes) lake.reader.close();
});

const EVERYTHING = { startUnixNano: 0n, endUnixNano: 1n << 64n };
const NEWEST = { query: parseQuery('{}'), range: EVERYTHING, order: 'newest' as const, limit: 100 };
const START = 1_700_000_000_000_000_000n;

function numbered(from: number, to: number): Span[] {
  const [shape] = fc.sample(spanArbitrary, { seed: 1, numRuns: 1 });
  return Array.from({ length: to - from }, (_, i) => ({
    ...shape,
    traceId: (from + i + 1).toString(16).padStart(32, '0'),
    spanId: (from + i + 1).toString(16).padStart(16, '0'),
    startTimeUnixNano: START + BigInt(from + i),
  }));
}

/** Two files of ten spans each, and ten spans in a buffer. */
async function threePlaces(options: TestLakeOptions = {}): Promise<TestLake> {
  const lake = new TestLake(dataDir, options);
  lakes.push(lake);
  lake.append(numbered(0, 10));
  lake.append(numbered(10, 20));
  await lake.flush(1000);
  await lake.flush(1000);
  lake.append(numbered(20, 30));
  return lake;
}

const damages: [string, (path: string) => void][] = [
  ['is missing', (path) => rmSync(path)],
  ['is empty', (path) => truncateSync(path, 0)],
  ['is cut', (path) => truncateSync(path, 2000)],
  [
    'is overwritten inside, which makes the decoder panic',
    (path) => writeFileSync(path, readFileSync(path).fill(0x5a, 4, 3000)),
  ],
];

describe('a file that', () => {
  for (const [what, damage] of damages) {
    test(`${what} is left out and named, and everything else is answered`, async () => {
      const lake = await threePlaces();
      const [broken] = lake.files;
      damage(join(dataDir, broken.path));
      for (let round = 0; round < 2; round++) {
        const page = await lake.reader.searchSpans('test', NEWEST);
        expect(page.spans).toHaveLength(20);
        expect(page.complete).toMatchObject({ skipped: [broken.path] });
        expect(page.complete).toHaveProperty('reason', expect.stringContaining('not readable'));
        expect(page.complete).toHaveProperty('reason', expect.not.stringContaining(dataDir));
      }
      const trace = await lake.reader.trace('test', numbered(15, 16)[0].traceId);
      expect(trace.spans).toHaveLength(1);
    });
  }
});

describe('workers', () => {
  test('a job over its time limit makes the answer incomplete; the next question is answered', async () => {
    const slow = await threePlaces({ pool: { ...DEFAULT_POOL, jobTimeoutMs: 1 } });
    const page = await slow.reader.searchSpans('test', NEWEST);
    expect(page.complete).not.toBe(true);
    expect(page.spans.length).toBeGreaterThanOrEqual(10);
  });

  test('one that grew too large is replaced', async () => {
    const lake = await threePlaces({ pool: { ...DEFAULT_POOL, maxMemoryBytes: 0 } });
    for (let round = 0; round < 3; round++) {
      const page = await lake.reader.searchSpans('test', NEWEST);
      expect(page.complete).toBe(true);
      expect(page.spans).toHaveLength(30);
    }
  });

  test('an aborted question ends at once with the reason of its signal', async () => {
    const lake = await threePlaces();
    const abort = new AbortController();
    const answer = lake.reader.searchSpans('test', { ...NEWEST, signal: abort.signal });
    abort.abort(new Error('the client left'));
    const reason: unknown = await answer.then(
      () => 'an answer',
      (error: unknown) => error,
    );
    expect(reason).toEqual(new Error('the client left'));
    expect((await lake.reader.searchSpans('test', NEWEST)).spans).toHaveLength(30);
  });

  test('after close only buffers are answered', async () => {
    const lake = await threePlaces();
    await lake.reader.searchSpans('test', NEWEST);
    lake.reader.close();
    const page = await lake.reader.searchSpans('test', NEWEST);
    expect(page.spans).toHaveLength(10);
    expect(page.complete).toMatchObject({ reason: 'not readable: the store is closing' });
  });
});

test('an answer that is cut for several reasons says each', async () => {
  const lake = new TestLake(dataDir);
  lakes.push(lake);
  lake.append(numbered(0, MAX_GROUPS + 1));
  const query = parseQuery('{} | count_over_time() by (span:id)');
  const ask = { query, range: EVERYTHING, stepNano: undefined, maxSeries: 5, exemplars: 0 };
  const { complete, series } = await lake.reader.metrics('test', ask);
  expect(series).toHaveLength(5);
  const [groups, largest] = complete === true ? [] : complete.reason.split('; ');
  expect(groups).toContain(`${MAX_GROUPS} groups`);
  expect(largest).toContain('5 series');
});

test('a question over its time limit says so, and its cursor leads to the rest', async () => {
  const late = await threePlaces({ timeLimitMs: 0 });
  const byRoot = { ...NEWEST, query: parseQuery('{ traceDuration >= 0ns || traceDuration < 0ns }') };
  for (const search of ['searchSpans', 'searchTraces'] as const) {
    const cut = await late.reader[search]('test', byRoot);
    expect(cut.complete).toEqual({ reason: 'stopped after 0 ms', skipped: [] });
  }
  const first = await late.reader.searchTraces('test', byRoot);
  expect(first.traces).toEqual([]);
  const patient = new TestLake(dataDir);
  lakes.push(patient);
  [patient.buffers, patient.files] = [late.buffers, late.files];
  const rest = await patient.reader.searchTraces('test', { ...byRoot, cursor: first.nextCursor! });
  expect(rest.traces).toHaveLength(30);
});

test('a question that would keep too much says so', async () => {
  const poor = await threePlaces({ memoryLimitBytes: 1024 });
  const question = { ...NEWEST, order: 'slowest' } as const;
  const { traces, complete } = await poor.reader.searchTraces('test', question);
  expect(complete).toEqual({
    reason: 'more than 1 MiB had to be kept at once: narrow the question',
    skipped: [],
  });
  expect(traces.length).toBeGreaterThan(0);
  expect((await poor.reader.searchSpans('test', question)).complete).toBe(true);
});

describe('cursors', () => {
  let lake: TestLake;
  beforeAll(async () => {
    lake = await threePlaces();
  });

  async function refusal(question: Parameters<TestLake['reader']['searchSpans']>[1]): Promise<QuestionError> {
    try {
      await lake.reader.searchSpans('test', question);
    } catch (error) {
      if (error instanceof QuestionError) return error;
    }
    throw new Error('not refused');
  }

  test('of another query, another order, or nobody are refused', async () => {
    const { nextCursor } = await lake.reader.searchSpans('test', { ...NEWEST, limit: 3 });
    const cursor = nextCursor!;
    expect(cursor).toMatch(/^[\w-]+$/);
    const otherQuery = { ...NEWEST, query: parseQuery('{ status = error }'), cursor };
    expect((await refusal(otherQuery)).message).toBe('the cursor belongs to another query or another order');
    expect((await refusal({ ...NEWEST, order: 'oldest', cursor })).code).toBe('invalid_cursor');
    for (const garbage of ['', 'x', 'AAAA', `${cursor}AA`, Buffer.from('a~1~2~zz~1').toString('base64url')]) {
      expect((await refusal({ ...NEWEST, cursor: garbage })).code).toBe('invalid_cursor');
    }
    const traces = await lake.reader.searchTraces('test', { ...NEWEST, limit: 3 });
    expect((await refusal({ ...NEWEST, cursor: traces.nextCursor! })).code).toBe('invalid_cursor');
  });

  test('hold for the same query written differently, and keep the range of the first page', async () => {
    const first = await lake.reader.searchSpans('test', {
      ...NEWEST,
      query: parseQuery('{ true }'),
      limit: 3,
    });
    const next = {
      ...NEWEST,
      query: parseQuery('{true}'),
      range: { ...EVERYTHING, startUnixNano: START + 1_000_000_000_000n },
      cursor: first.nextCursor!,
    };
    // As `since` does it: by now all spans have left the range.
    const { spans } = await lake.reader.searchSpans('test', { ...next, sliding: true });
    expect(spans).toHaveLength(27);
    expect((await refusal(next)).message).toBe('the cursor belongs to another time range');
    expect((await refusal({ ...next, range: { ...EVERYTHING, endUnixNano: START } })).code).toBe(
      'invalid_cursor',
    );
  });

  test('that were changed anywhere are refused', async () => {
    const { nextCursor } = await lake.reader.searchSpans('test', { ...NEWEST, limit: 3 });
    const text = Buffer.from(nextCursor!, 'base64url').toString('latin1');
    for (let at = 0; at < text.length; at++) {
      const digit = text[at] === '0' ? '1' : '0';
      const changed = Buffer.from(text.slice(0, at) + digit + text.slice(at + 1)).toString('base64url');
      expect((await refusal({ ...NEWEST, sliding: true, cursor: changed })).code).toBe('invalid_cursor');
    }
    const long = { ...NEWEST, cursor: 'A'.repeat(1_000_000) };
    expect((await refusal(long)).code).toBe('invalid_cursor');
  });

  test('a limit out of bounds is refused', async () => {
    for (const limit of [0, -1, 1.5, Number.NaN, 2 ** 31]) {
      expect((await refusal({ ...NEWEST, limit })).code).toBe('invalid_argument');
    }
  });
});

test('a span delivered twice is shown once', async () => {
  const lake = await threePlaces();
  lake.append(numbered(5, 25));
  const spans: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await lake.reader.searchSpans('test', {
      ...NEWEST,
      limit: 4,
      ...(cursor ? { cursor } : {}),
    });
    spans.push(...page.spans.map((span) => span.spanId));
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  expect(spans).toEqual(
    numbered(0, 30)
      .map((span) => span.spanId)
      .reverse(),
  );
  const trace = await lake.reader.trace('test', numbered(7, 8)[0].traceId);
  expect(trace.spans).toHaveLength(1);
});

test('a costly condition over a buffer is asked of few rows at a time, and ends with its time', async () => {
  const lake = new TestLake(dataDir, { timeLimitMs: 20 });
  lakes.push(lake);
  lake.append(numbered(0, 300));
  // A clock by which a row takes a millisecond, however fast the machine is.
  let clockMs = performance.now();
  const slices: number[] = [];
  const clock = spyOn(performance, 'now').mockImplementation(() => clockMs);
  const select: Selection['select'] = Reflect.get(Selection.prototype, 'select');
  const scan = spyOn(Selection.prototype, 'select').mockImplementation(function (this: Selection, from, to) {
    slices.push(to - from);
    clockMs += to - from;
    return select.call(this, from, to);
  });
  try {
    const query = parseQuery('{ name != "-" } | rate()');
    const asked = { query, range: EVERYTHING, stepNano: undefined, maxSeries: 10, exemplars: 0 };
    const { complete, scanned } = await lake.reader.metrics('test', asked);
    expect(scanned.rows).toBeWithin(20, 40);
    expect(slices.reduce((sum, rows) => sum + rows)).toBe(scanned.rows);
    // The first is a guess; then they take half of the time after which the loop has its turn.
    expect(slices[0]).toBeLessThanOrEqual(8);
    expect(Math.max(...slices.slice(1))).toBeLessThanOrEqual(4);
    expect(complete).toHaveProperty('reason', 'stopped after 20 ms');
  } finally {
    scan.mockRestore();
    clock.mockRestore();
  }
});
