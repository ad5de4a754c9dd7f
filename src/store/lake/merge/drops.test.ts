import { afterAll, expect, test } from 'bun:test';
import fc from 'fast-check';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Attribute, AttributeValue, Span } from '../../../span/span.ts';
import { analyse } from '../../../traceql/analyse.ts';
import { parseQuery } from '../../../traceql/parse.ts';
import { matches } from '../../../traceql/evaluate.ts';
import { traceIndexPath } from '../files/names.ts';
import { spanArbitrary } from '../read/testing/arbitrary-spans.ts';
import { spanQuery } from '../read/testing/random-conditions.ts';
import { SpanFields, TraceContext } from '../read/testing/trace-fields.ts';
import { rejection } from '../../testing/rejection.ts';
import type { Drop, RewriteJob } from './rewrite-job.ts';
import { identityOf, inAnyOrder, isInFileOrder, jobOf, once, rewrite, writeFiles } from './testing/merged.ts';
import type { DayFile } from './testing/merged.ts';
import { expectCondition } from '../../../traceql/query.ts';

const folder = mkdtempSync(join(tmpdir(), 'merge-drops-'));
afterAll(() => rmSync(folder, { recursive: true }));

const START = 1_700_000_000_000_000_000n;
const ALL_TIME = { startUnixNano: 0n, endUnixNano: 1n << 64n };

/** All of one day. */
const spansOfDay = fc
  .array(spanArbitrary, { minLength: 1, maxLength: 30 })
  .map((spans) => spans.map((span, n) => ({ ...span, startTimeUnixNano: START + BigInt(n % 9) })));

async function filesOf(parts: readonly (readonly Span[])[]): Promise<DayFile[]> {
  const files: DayFile[] = [];
  for (const part of parts) files.push(...(await writeFiles(folder, part, 5)));
  return files;
}

function idBytes(traceIds: readonly string[]): Uint8Array {
  return new Uint8Array(Buffer.from(traceIds.join(''), 'hex'));
}

async function expectLeft(
  inputs: readonly (readonly Span[])[],
  drop: Drop,
  stays: (span: Span) => boolean,
  rest: Partial<RewriteJob> = {},
) {
  const { spans, result } = await rewrite(folder, jobOf(await filesOf(inputs), { drop, ...rest }));
  const all = inputs.flat();
  const expected = once(all).filter(stays);
  expect(inAnyOrder(spans)).toEqual(inAnyOrder(expected));
  expect(isInFileOrder(spans)).toBe(true);
  expect(result.rows).toBe(expected.length);
  expect(result.rows + result.dropped + result.duplicates).toBe(all.length);
  return result;
}

test('rows of listed traces go, or all others', async () => {
  await fc.assert(
    fc.asyncProperty(spansOfDay, spansOfDay, fc.boolean(), async (a, b, except) => {
      const listed = [a[0].traceId, 'ab'.repeat(16)];
      await expectLeft(
        [a, b],
        { kind: 'traces', ids: idBytes(listed), except },
        (span) => listed.includes(span.traceId) === except,
      );
    }),
    { numRuns: 20 },
  );
}, 60_000);

test('rows that match go, save those of kept traces; of equal rows the one that stays decides', async () => {
  await fc.assert(
    fc.asyncProperty(spansOfDay, spansOfDay, spanQuery, async (a, b, query) => {
      const keep = b[0].traceId;
      const { needsTrace, scan } = analyse(expectCondition(query));
      fc.pre(!needsTrace);
      const filter = { condition: scan, range: ALL_TIME };
      const isMatch = (span: Span) => matches(scan, new SpanFields(span, new TraceContext([span])));
      await expectLeft(
        [a, b],
        { kind: 'matching', filter, keep: idBytes([keep]) },
        (span) => span.traceId === keep || !isMatch(span),
      );
    }),
    { numRuns: 40 },
  );
}, 60_000);

test('a range of times narrows what matches', async () => {
  const [spans] = fc.sample(spansOfDay, { seed: 3, numRuns: 1 });
  const filter = { condition: null, range: { startUnixNano: START + 2n, endUnixNano: START + 5n } };
  const result = await expectLeft(
    [spans],
    { kind: 'matching', filter, keep: new Uint8Array(0) },
    ({ startTimeUnixNano: start }) => start < START + 2n || start >= START + 5n,
  );
  expect(result.dropped).toBeGreaterThan(0);
});

test('when nothing is left there is no file', async () => {
  const spans = fc.sample(spansOfDay, { seed: 4, numRuns: 1 })[0];
  const drop: Drop = {
    kind: 'matching',
    filter: { condition: null, range: ALL_TIME },
    keep: new Uint8Array(0),
  };
  const { result } = await rewrite(folder, jobOf(await filesOf([spans, spans]), { drop }));
  const distinct = once(spans).length;
  expect(result).toMatchObject({
    rows: 0,
    dropped: distinct,
    duplicates: spans.length * 2 - distinct,
    bytes: 0,
    statistics: undefined,
  });
});

test('rows that a peer has, as long or longer, are left out', async () => {
  await fc.assert(
    fc.asyncProperty(spansOfDay, spansOfDay, spansOfDay, fc.boolean(), async (a, b, peer, withIndex) => {
      const peers = await filesOf([peer]);
      if (!withIndex) for (const { path } of peers) rmSync(traceIndexPath(path));
      const there = new Map<string, bigint>();
      for (const span of once(peer)) there.set(identityOf(span), span.durationNano);
      await expectLeft(
        [a, b],
        { kind: 'nothing' },
        (span) => (there.get(identityOf(span)) ?? -(1n << 65n)) < span.durationNano,
        { peers },
      );
    }),
    { numRuns: 30 },
  );
}, 60_000);

test('traces that share the half of their ids which an index keeps cost no more than others', async () => {
  const [base] = fc.sample(spanArbitrary, { seed: 9, numRuns: 1 });
  const file = async (first: number): Promise<DayFile[]> =>
    writeFiles(
      folder,
      Array.from({ length: 8000 }, (_, n) => ({
        ...base,
        traceId: (first + n).toString(16).padStart(16, '0') + 'ab'.repeat(8),
        startTimeUnixNano: START + BigInt((first + n) % 9),
      })),
      4096,
    );
  const job = jobOf(await file(0), { peers: await file(4000), rowGroupRows: 4096 });
  const begin = performance.now();
  const { result } = await rewrite(folder, job);
  // Each of the traces against each of the peer's: more than a minute, and more than 1 GB.
  expect(performance.now() - begin).toBeLessThan(5000);
  expect(result).toMatchObject({ rows: 4000, duplicates: 4000 });
}, 60_000);

const NAMED: readonly [string, (n: number) => AttributeValue][] = [
  ['text', (n) => ({ type: 'string', value: n % 2 === 0 ? '' : `value ${n}` })],
  ['int', (n) => ({ type: 'int', value: n % 2 === 0 ? -(1n << 63n) : BigInt(n) })],
  ['double', (n) => ({ type: 'double', value: [-0, Number.NaN, 1e21, 0.1][n % 4] })],
  ['bool', (n) => ({ type: 'bool', value: n % 2 === 0 })],
];

/** Spans of which those with the numbers `from` to `to` carry one key of each plain type. */
function numbered(prefix: string, count: number, from: number, to: number): Span[] {
  const [base] = fc.sample(spanArbitrary, { seed: 9, numRuns: 1 });
  return Array.from({ length: count }, (_, n) => {
    const carried = n >= from && n < to ? NAMED : [];
    const attributes: Attribute[] = carried.map(([key, valueOf]) => ({ key, value: valueOf(n) }));
    return {
      ...base,
      spanId: `${prefix}${n.toString(16).padStart(15, '0')}`,
      startTimeUnixNano: START + BigInt(n),
      durationNano: 1n,
      attributes,
    };
  });
}

function promotedOf({ promoted }: Pick<DayFile, 'promoted'>): string[] {
  return promoted.map(({ name }) => name).filter((name) => name.startsWith('span.'));
}

const COLUMNS = NAMED.map(([key]) => `span.${key}`);

test('values move into columns, and out of them, with their types and texts', async () => {
  const all = await filesOf([numbered('a', 40, 0, 40), numbered('b', 40, 3, 4), numbered('c', 40, 0, 0)]);
  expect(all.map(promotedOf).map((names) => names.length)).toEqual([4, 0, 0]);
  const into = await expectLeft(
    [numbered('a', 40, 0, 40), numbered('b', 40, 3, 4), numbered('c', 40, 0, 0)],
    { kind: 'nothing' },
    () => true,
  );
  expect(promotedOf(into.statistics ?? { promoted: [] }).sort()).toEqual([...COLUMNS].sort());
  const out = await expectLeft(
    [numbered('a', 4, 0, 4), numbered('b', 100, 0, 0)],
    { kind: 'nothing' },
    () => true,
  );
  expect(promotedOf(out.statistics ?? { promoted: [] })).toEqual([]);
});

test('a type that no entry tells is looked up before a column is made', async () => {
  const odd = numbered('b', 40, 3, 4).map((span) => ({
    ...span,
    attributes: span.attributes.map((one) =>
      one.key === 'int' ? { key: 'int', value: { type: 'string' as const, value: '7' } } : one,
    ),
  }));
  const parts = [numbered('a', 40, 0, 40), odd];
  const [first, second] = await filesOf(parts);
  const untold = {
    ...second,
    attributeKeys: second.attributeKeys.map((entry) => ({ ...entry, types: '' })),
  };
  const unlisted = { ...second, attributeKeys: [], attributeKeysWhole: false };
  for (const input of [untold, unlisted]) {
    const { spans, result } = await rewrite(folder, jobOf([first, input]));
    expect(inAnyOrder(spans)).toEqual(inAnyOrder(parts.flat()));
    const names = promotedOf(result.statistics ?? { promoted: [] });
    expect(names.sort()).toEqual(COLUMNS.filter((name) => name !== 'span.int').sort());
  }
});

test('an entry that tells the wrong type or number of rows fails the job and says which file', async () => {
  const [first] = await filesOf([numbered('a', 40, 0, 40)]);
  const [second] = await filesOf([numbered('b', 40, 3, 4)]);
  const wrong = second.attributeKeys.map((entry) => ({
    ...entry,
    types: entry.key === 'int' ? 'd' : entry.types,
  }));
  const input = { ...second, attributeKeys: wrong };
  // The types of both are known to differ: no column, no failure.
  expect((await rewrite(folder, jobOf([first, input]))).result.rows).toBe(80);
  const short = await rejection(rewrite(folder, jobOf([first, { ...second, rows: 41 }])));
  expect(short.message).toBe(`${second.path}: 40 rows, its entry tells 41`);
});

test('a query is compiled against each file, whichever columns it has', async () => {
  const condition = expectCondition(parseQuery('{ span.int > 10 && span.text != "" }'));
  const parts = [numbered('a', 40, 0, 40), numbered('b', 40, 13, 14)];
  const filter = { condition, range: ALL_TIME };
  const result = await expectLeft(parts, { kind: 'matching', filter, keep: new Uint8Array(0) }, (span) => {
    const n = Number(span.startTimeUnixNano - START);
    return span.attributes.length === 0 || n % 2 === 0 || n <= 10;
  });
  expect(result.dropped).toBe(16);
});
