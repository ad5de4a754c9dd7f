/** The explanation of every kind of question, over a buffer and files of which some are pruned. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { END_OF_TIME } from '../../../span/time.ts';
import { makeSpan } from '../../../trace/arbitrary.ts';
import { expectCondition } from '../../../traceql/query.ts';
import { parseQuery } from '../../../traceql/parse.ts';
import type { Asking, Coverage, Explain } from '../../span-store.ts';
import { residualOf } from './explain.ts';
import { TestLake } from './testing/test-lake.ts';

const START = 1_769_860_800_000_000_000n;
const EVER = { startUnixNano: 0n, endUnixNano: END_OF_TIME };

const dataDir = mkdtempSync(join(tmpdir(), 'explain-'));
let lake: TestLake;

function spanOf(n: number) {
  const service = n < 20 ? 'cart' : 'shop';
  return makeSpan({
    traceId: (Math.floor(n / 5) + 1).toString(16).padStart(32, '0'),
    spanId: (n + 1).toString(16).padStart(16, '0'),
    parentSpanId: n % 5 === 0 ? '' : (n - (n % 5) + 1).toString(16).padStart(16, '0'),
    name: `operation ${n % 3}`,
    serviceName: service,
    startTimeUnixNano: START + BigInt(n),
    durationNano: BigInt(n),
    statusCode: n === 33 ? 2 : 0,
    attributes: [{ key: 'user.id', value: { type: 'string', value: `u${n}` } }],
    resource: {
      attributes: [{ key: 'service.name', value: { type: 'string', value: service } }],
      droppedAttributesCount: 0,
      schemaUrl: '',
    },
  });
}

/** Two files of two row groups each, cart's and shop's, and a buffer of shop's. */
beforeAll(async () => {
  lake = new TestLake(dataDir);
  for (const from of [0, 20]) {
    lake.append(Array.from({ length: 20 }, (_, i) => spanOf(from + i)));
    await lake.flush(10);
  }
  lake.append(Array.from({ length: 10 }, (_, i) => spanOf(40 + i)));
});
afterAll(() => {
  lake.reader.close();
  rmSync(dataDir, { recursive: true });
});

function told(answer: Coverage): Explain {
  if (answer.explain === undefined) throw new Error('nothing explained');
  return answer.explain;
}

function search(q: string, more: { order?: 'newest' | 'slowest'; limit?: number } = {}) {
  const question = { query: parseQuery(q), range: EVER, order: 'newest' as const, limit: 100, explain: true };
  return lake.reader.searchSpans('test', { ...question, ...more });
}

/** Without what differs from run to run. */
function steady({ stages, cache: _, ...rest }: Explain) {
  return { ...rest, stages: stages.map(({ name }) => name) };
}

test('a search says what it planned, asked, read and left out', async () => {
  const answer = await search('{ span.user.id = "u33" && status = error && duration > 2ns }');
  expect(answer.spans).toHaveLength(1);
  expect(steady(told(answer))).toEqual({
    query: '{ span.user.id = "u33" && span:status = error && span:duration > 2ns }',
    predicates: [
      { text: 'span:status = error', by: 'codes', cost: 1 },
      { text: 'span.user.id = "u33"', by: 'own column', cost: 4 },
      { text: 'span:duration > 2ns', by: 'range', cost: 2 },
    ],
    residual: '',
    columns: ['start_time_unix_nano', 'span.user.id', 'status_code', 'duration_nano'],
    files: { considered: 2, read: 1, pruned: { status: 1 } },
    rowGroups: { considered: 4, read: 1, pruned: { status: 3 } },
    bufferRows: 10,
    rowsMatched: 1,
    traces: { candidates: 0, read: 0 },
    earlyStop: '',
    stages: ['buffers', 'plan', 'token filters', 'scan', 'rows', 'merge'],
  });
});

test('statistics, filters and the trace index each have their share', async () => {
  const pruned = async (q: string) => told(await search(q)).rowGroups;
  expect(await pruned('{ resource.service.name = "cart" }')).toMatchObject({
    read: 2,
    pruned: { services: 2 },
  });
  expect(await pruned('{ span.user.id = "u3" }')).toMatchObject({ read: 1, pruned: { tokens: 3 } });
  expect(await pruned('{ span.none = 1 }')).toMatchObject({ read: 0, pruned: { keys: 4 } });
  const byId = `{ trace:id = "${spanOf(12).traceId}" }`;
  expect(await pruned(byId)).toMatchObject({ considered: 4, read: 1, pruned: { 'trace index': 3 } });
  expect((await search(byId)).spans).toHaveLength(5);
});

test('several traces by their ids are found through the index, among other conditions too', async () => {
  const [a, b] = [spanOf(2).traceId, spanOf(31).traceId];
  for (const q of [
    `{ trace:id = "${a}" || trace:id = "${b}" }`,
    `{ (trace:id = "${a}" || trace:id = "${b}") && duration >= 0ns }`,
    `{ trace:id = "${a}" && name =~ "op.*" || trace:id = "${b}" }`,
  ]) {
    const answer = await search(q);
    expect(answer.spans).toHaveLength(10);
    expect(told(answer).rowGroups).toMatchObject({ read: 2, pruned: { 'trace index': 2 } });
  }
  // One side names no trace.
  expect(told(await search(`{ trace:id = "${a}" || name = "operation 1" }`)).rowGroups.read).toBe(4);
  expect((await search('{ trace:id = "no id" }')).spans).toEqual([]);
});

test('a page that is full stops early', async () => {
  const { earlyStop, files } = told(await search('{}', { limit: 5 }));
  expect(earlyStop).toBe('5 rows were found that come before all that is left');
  expect(files).toEqual({ considered: 2, read: 0, pruned: { order: 2 } });
});

test('nothing is explained unasked', async () => {
  const page = await lake.reader.searchSpans('test', {
    query: parseQuery('{}'),
    range: EVER,
    order: 'newest',
    limit: 1,
  });
  expect(page.explain).toBeUndefined();
});

describe('every kind of question', () => {
  const asking: Asking = { explain: true };
  const range = EVER;
  const order = 'oldest';
  const query = parseQuery('{ name = "operation 1" }');
  const names = { query, range, prefix: '', limit: 10, ...asking };
  const condition = expectCondition(parseQuery('{ status = error }'));
  const rate = parseQuery('{ name = "operation 1" } | rate() by (resource.service.name)');

  const questions: [string, () => Promise<Coverage>][] = [
    ['spans', () => lake.reader.searchSpans('test', { query, range, order, limit: 10, ...asking })],
    ['traces', () => lake.reader.searchTraces('test', { query, range, order, limit: 10, ...asking })],
    ['trace', () => lake.reader.trace('test', spanOf(3).traceId, asking)],
    ['services', () => lake.reader.serviceStats('test', { range, ...asking })],
    ['operations', () => lake.reader.operationStats('test', 'shop', { range, ...asking })],
    ['keys', () => lake.reader.attributeKeys('test', names)],
    ['values', () => lake.reader.attributeValues('test', 'span.user.id', names)],
    [
      'metrics',
      () =>
        lake.reader.metrics('test', {
          query: rate,
          range,
          stepNano: undefined,
          maxSeries: 10,
          exemplars: 1,
          ...asking,
        }),
    ],
    ['heatmap', () => lake.reader.heatmap('test', { query, range, columns: 10, ...asking })],
    ['facets', () => lake.reader.facets('test', { query, range, fields: ['status'], limit: 5, ...asking })],
    [
      'comparison',
      () =>
        lake.reader.comparison('test', {
          query,
          selection: condition!,
          range,
          limit: 5,
          values: 5,
          ...asking,
        }),
    ],
    ['dependencies', () => lake.reader.dependencies('test', { range, ...asking })],
  ];

  test.each(questions)('%s', async (kind, ask) => {
    const answer = await ask();
    const explain = told(answer);
    const asksFor = !['trace', 'services', 'operations', 'dependencies'].includes(kind);
    expect(explain.query !== '').toBe(asksFor);
    expect(explain.stages.at(-1)?.name).toBe('merge');
    // Stages overlap, but none is longer than the whole.
    for (const { ms } of explain.stages) expect(ms).toBeLessThanOrEqual(answer.tookMs + 1);
    for (const { considered, read, pruned } of [explain.files, explain.rowGroups]) {
      expect(Object.values(pruned).reduce((sum, count) => sum + count, read)).toBe(considered);
    }
    expect([explain.files.considered, explain.rowGroups.considered]).toEqual([2, 4]);
    expect(explain.files.read).toBe(answer.scanned.files);
  });

  /** These are told by the catalog and rollups, which takes no time. */
  const quick = ['services', 'operations', 'keys'];

  test.each(questions.filter(([kind]) => !quick.includes(kind)))('%s over its time says so', async (kind) => {
    const hurried = new TestLake(dataDir, { timeLimitMs: 0 });
    [hurried.files, hurried.buffers] = [lake.files, lake.buffers];
    const patient = lake;
    try {
      lake = hurried;
      const answer = await new Map(questions).get(kind)!();
      expect(answer.complete).toEqual({ reason: 'stopped after 0 ms', skipped: [] });
      expect(told(answer).earlyStop).toBe('the time limit of 0 ms');
    } finally {
      lake = patient;
      hurried.reader.close();
    }
  });
});

test('what only whole traces can tell is named', () => {
  const residual = (q: string) => residualOf(parseQuery(q));
  expect(residual('{ name = "a" && traceDuration > 1s }')).toBe('trace:duration > 1s');
  expect(residual('{ name = "a" }')).toBe('');
  expect(residual('{}')).toBe('');
  expect(residual('{ name = "a" } | rate()')).toBe('');
  expect(residual('({ parent.x = 1 } | rate()) / ({ name = "a" } | rate())')).toBe('parent.x = 1');
  expect(residual('{ name = "a" } >> { name = "b" }')).toBe('{ span:name = "a" } >> { span:name = "b" }');
});
