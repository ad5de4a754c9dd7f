import { afterAll, expect, test } from 'bun:test';
import fc from 'fast-check';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeTracesProtobuf } from '../../../otlp/encode.ts';
import { decodeTraces } from '../../../otlp/decode.ts';
import { requestArbitrary } from '../../../otlp/testing/arbitrary.ts';
import { SpanColumns } from '../../../span/columns.ts';
import type { Attribute, AttributeValue, Span } from '../../../span/span.ts';
import { findTrace, openTraceIndex, traceKeyWords } from '../files/trace-index.ts';
import { byKey, duckdbSpans } from '../testing/duckdb.ts';
import { encodeSpans } from './encode.ts';
import type { WholeFile } from './encode.ts';
import { MAX_DAYS, SCATTERED_DAYS } from './partition.ts';

const folder = mkdtempSync(join(tmpdir(), 'encode-'));
afterAll(() => rmSync(folder, { recursive: true }));

const MAX_INT64 = 2n ** 63n - 1n;

/** Attributes that many rows carry, so that they get columns: edges of every type that may have one. */
function frequent(n: number): Attribute[] {
  const list: [string, AttributeValue | undefined][] = [
    ['http.route', { type: 'string', value: n % 3 === 0 ? '' : `/route/${n % 4}` }],
    ['retry', { type: 'int', value: [0n, MAX_INT64, -MAX_INT64 - 1n, 7n][n % 4] }],
    ['ratio', { type: 'double', value: [-0, Number.NaN, -Infinity, 0.1, 5e-324, 1e21][n % 6] }],
    ['sampled', n % 2 === 0 ? { type: 'bool', value: n % 4 === 0 } : undefined],
    ['mixed', n % 2 === 0 ? { type: 'int', value: 1n } : { type: 'string', value: '1' }],
    ['maybe', n % 2 === 0 ? { type: 'empty' } : { type: 'string', value: 'x' }],
    ['blob', { type: 'bytes', value: Uint8Array.of(n & 255, 0) }],
  ];
  return list.flatMap(([key, value]) => (value === undefined ? [] : [{ key, value }]));
}

function randomSpans(seed: number): Span[] {
  const sampled = fc.sample(requestArbitrary, { seed, numRuns: 40 }).flat();
  return sampled.map((drawn, n) => {
    // Each day is a file: most spans share three of them, with both edges of a day.
    const time = [0n, 86_399_999_999_999n, 86_400_000_000_000n, 190_000_000_000_001n][n % 4];
    const span = n < 8 ? drawn : { ...drawn, startTimeUnixNano: time };
    const own = span.attributes.filter(
      ({ key }) =>
        !frequent(0)
          .concat(frequent(1))
          .some((f) => f.key === key),
    );
    return { ...span, attributes: [...own, ...frequent(n)] };
  });
}

function columnsOf(spans: readonly Span[]): SpanColumns {
  const columns = new SpanColumns();
  const result = decodeTraces({ format: 'protobuf', body: encodeTracesProtobuf(spans) }, columns);
  expect(result.accepted).toBe(spans.length);
  columns.publishedRows = columns.rows;
  return columns;
}

async function readAll(files: readonly WholeFile[]): Promise<Span[]> {
  const found: Span[] = [];
  for (const file of files) {
    const path = join(folder, `${crypto.randomUUID()}.parquet`);
    await Bun.write(path, file.parquet);
    const spans = await duckdbSpans(path, file.statistics.promoted);
    expect(spans.length).toBe(file.rows);
    found.push(...spans);
  }
  return found;
}

/** Any total order: the same spans must come out, wherever they stood. */
function sorted(spans: readonly Span[]): Span[] {
  return spans
    .map((span) => ({
      ...span,
      attributes: byKey(span.attributes),
      events: span.events.map((event) => ({ ...event, attributes: byKey(event.attributes) })),
      links: span.links.map((link) => ({ ...link, attributes: byKey(link.attributes) })),
      resource: { ...span.resource, attributes: byKey(span.resource.attributes) },
      scope: { ...span.scope, attributes: byKey(span.scope.attributes) },
    }))
    .sort((a, b) => (a.traceId + a.spanId + a.name < b.traceId + b.spanId + b.name ? -1 : 1));
}

test.each([1, 2])('DuckDB reads back every span as it was sent (seed %d)', async (seed) => {
  const spans = randomSpans(seed);
  expect(spans.length).toBeGreaterThan(50);
  const files = encodeSpans([columnsOf(spans).block()], 16);
  expect(sorted(await readAll(files))).toEqual(sorted(spans));
});

test('blocks of several buffers become the same files as one buffer', async () => {
  const spans = randomSpans(4);
  const half = Math.floor(spans.length / 2);
  const blocks = [spans.slice(0, half), spans.slice(half)].map((part) => columnsOf(part).block());
  expect(sorted(await readAll(encodeSpans(blocks)))).toEqual(sorted(spans));
});

function tenEach(traces: number): Span[] {
  const base = randomSpans(5)[0];
  return Array.from({ length: traces * 10 }, (_, n) => {
    // Later rows of earlier traces, so that the order of arrival is not that of the file.
    const trace = n % traces;
    return {
      ...base,
      traceId:
        `${(trace * 7919).toString(16).padStart(16, '0')}${((trace * 2654435761) % 2 ** 32).toString(16).padStart(16, '0')}`.replace(
          /0{16}$/,
          '0'.repeat(15) + '1',
        ),
      spanId: (n + 1).toString(16).padStart(16, '0'),
      name: `operation ${n % 3}`,
      startTimeUnixNano: 1_700_000_000_000_000_000n + BigInt(traces - trace) * 1_000_000_000n - BigInt(n),
      durationNano: BigInt(n),
      statusCode: n % 5 === 0 ? 2 : 0,
      attributes: frequent(n),
    };
  });
}

test('a file has its traces together, by start, and an index that finds each of them', async () => {
  const spans = tenEach(40);
  const [file] = encodeSpans([columnsOf(spans).block()], 64);
  const rows = await readAll([file]);
  const index = openTraceIndex(file.traceIndex);
  expect(index.count).toBe(40);
  const starts: bigint[] = [];
  for (const traceId of new Set(rows.map((row) => row.traceId))) {
    const { high, low } = traceKeyWords(Buffer.from(traceId, 'hex'), 0);
    const [range, ...others] = findTrace(index, high, low);
    expect(others).toEqual([]);
    const found = rows.slice(range.firstRow, range.firstRow + range.rowCount);
    expect(found.map((row) => row.traceId)).toEqual(Array(10).fill(traceId));
    const own = found.map((row) => row.startTimeUnixNano);
    expect(own).toEqual(own.toSorted((a, b) => Number(a - b)));
    starts.push(own[0]);
  }
  expect(starts).toEqual(starts.toSorted((a, b) => Number(a - b)));
  expect(findTrace(index, 0xffffffff, 0xffffffff)).toEqual([]);
});

test('statistics count what is in the file', async () => {
  const spans = tenEach(20);
  const [{ statistics, rows }] = encodeSpans([columnsOf(spans).block()], 64);
  const starts = spans.map((span) => span.startTimeUnixNano).sort((a, b) => Number(a - b));
  expect(statistics).toMatchObject({
    minStartUnixNano: starts[0],
    maxStartUnixNano: starts[199],
    minDurationNano: 0n,
    maxDurationNano: 199n,
    errorCount: 40,
    services: [{ name: spans[0].serviceName, spanCount: 200, errorCount: 40, maxDurationNano: 199n }],
    servicesWhole: true,
  });
  expect(statistics.rowGroups.map((group) => group.rows)).toEqual([64, 64, 64, 8]);
  expect(statistics.operations.map(({ name, spanCount }) => [name, spanCount])).toEqual([
    [expect.stringMatching(/operation [01]/), 67],
    [expect.stringMatching(/operation [01]/), 67],
    ['operation 2', 66],
  ]);
  const counts = new Map(
    statistics.attributeKeys.map(({ scope, key, spanCount }) => [`${scope} ${key}`, spanCount]),
  );
  expect(counts.get('span retry')).toBe(rows);
  expect(counts.get('span sampled')).toBe(rows / 2);
  expect(statistics.promoted).toEqual(
    expect.arrayContaining([
      { name: 'span.http.route', type: 'string' },
      { name: 'span.retry', type: 'int' },
      { name: 'span.ratio', type: 'double' },
      { name: 'span.sampled', type: 'bool' },
    ]),
  );
  const columns = statistics.promoted.map(({ name }) => name);
  for (const name of ['span.mixed', 'span.maybe', 'span.blob']) expect(columns).not.toContain(name);
});

test('keys that no column may be named after stay in the map, and the file reads as it was sent', async () => {
  const keys = [
    'a\0b',
    'a\nb',
    'k'.repeat(1000),
    'Http.Route',
    'http.route',
    'HTTP.ROUTE',
    '',
    'q"\'',
    'ключ',
  ];
  const value: AttributeValue = { type: 'string', value: 'x' };
  const base = { ...randomSpans(6)[0], attributes: keys.map((key) => ({ key, value })) };
  const spans = ['01', '02', '03'].map((end) => ({ ...base, spanId: `${'0'.repeat(14)}${end}` }));
  const files = encodeSpans([columnsOf(spans).block()]);
  expect(sorted(await readAll(files))).toEqual(sorted(spans));
  const columns = files[0].statistics.promoted.map(({ name }) => name);
  expect(columns.filter((name) => name.startsWith('span.'))).toEqual([
    'span.',
    'span.HTTP.ROUTE',
    'span.q"\'',
    'span.ключ',
  ]);
});

test('spans of very many days: the fullest days have files, the others share one without a day', async () => {
  const base = tenEach(1)[0];
  const spans = Array.from({ length: 1000 }, (_, n) => ({
    ...base,
    traceId: (n + 1).toString(16).padStart(32, '0'),
    // Every second span on one day, the others on a day of their own.
    startTimeUnixNano: n % 2 === 0 ? 5n : BigInt(n) * 86_400_000_000_000n,
  }));
  const files = encodeSpans([columnsOf(spans).block()]);
  expect(files.map(({ rows }) => rows).reduce((a, b) => a + b)).toBe(1000);
  expect(files.length).toBe(MAX_DAYS);
  expect(files[0]).toMatchObject({ day: '1970-01-01', rows: 500 });
  expect(files.at(-1)).toMatchObject({ day: SCATTERED_DAYS, rows: 500 - (MAX_DAYS - 2) });
});
