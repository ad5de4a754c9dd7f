import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import type { Attribute, AttributeValue, Span } from '../../../../span/span.ts';
import type { FieldExpression, Query, Static } from '../../../../traceql/ast.ts';
import { and, comparison, field, or } from '../../../../traceql/build.ts';
import { parseQuery } from '../../../../traceql/parse.ts';
import { matches } from '../../../../traceql/evaluate.ts';
import { printExpression } from '../../../../traceql/print.ts';
import { withFile } from '../../files/checked-chunks.ts';
import { tokenIndexPath } from '../../files/names.ts';
import { TokenIndexBuilder } from '../../files/token-builder.ts';
import { readTokenHeader, rowGroupMayHave } from '../../files/token-index.ts';
import { spansArbitrary } from '../testing/arbitrary-spans.ts';
import { spanQuery } from '../testing/random-conditions.ts';
import { TestLake, columnsOf } from '../testing/test-lake.ts';
import { isMet, tokenNeed } from './token-need.ts';
import { SpanFields, TraceContext } from '../testing/trace-fields.ts';
import { expectCondition } from '../../../../traceql/query.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'spanlake-pruning-'));
const lakes: TestLake[] = [];
afterAll(() => {
  for (const lake of lakes) lake.reader.close();
  rmSync(dataDir, { recursive: true });
});

/** What a question may compare an attribute with: its value, an element of it, or a number that equals it. */
function literalsOf(value: AttributeValue): Static[] {
  switch (value.type) {
    case 'string':
      return [{ type: 'string', value: value.value }];
    case 'bool':
      return [{ type: 'bool', value: value.value }];
    case 'int':
      return [
        { type: 'int', value: value.value },
        { type: 'float', value: Number(value.value) },
        { type: 'duration', value: value.value },
      ];
    case 'double': {
      const float: Static = { type: 'float', value: value.value };
      return Number.isInteger(value.value) ? [float, { type: 'int', value: BigInt(value.value) }] : [float];
    }
    case 'array':
      return value.value.flatMap(literalsOf);
    case 'bytes':
    case 'kvlist':
    case 'empty':
      return [];
  }
}

/** Every equality that some attribute of the span makes true, and some that may not be. */
function equalities(span: Span): FieldExpression[] {
  const scopes = [
    ['span', span.attributes],
    ['any', span.attributes],
    ['resource', span.resource.attributes],
    ['any', span.resource.attributes],
    ['instrumentation', span.scope.attributes],
    ['event', span.events.flatMap(({ attributes }) => attributes)],
    ['link', span.links.flatMap(({ attributes }) => attributes)],
  ] as const;
  return scopes.flatMap(([scope, attributes]) =>
    attributes.flatMap(({ key, value }: Attribute) =>
      literalsOf(value).map((literal) => comparison(field(scope, key), '=', literal)),
    ),
  );
}

function holds(span: Span, condition: FieldExpression | null): boolean {
  return matches(condition, new SpanFields(span, new TraceContext([span])));
}

const GROUP_ROWS = 3;

test('a row group in which a span matches is never pruned; most others are', () => {
  const path = join(dataDir, 'one.tokens');
  let [kept, pruned] = [0, 0];
  fc.assert(
    fc.property(spansArbitrary, fc.array(spanQuery, { maxLength: 20 }), (spans, queries) => {
      if (spans.length === 0) return;
      const block = columnsOf(spans).block();
      const builder = new TokenIndexBuilder();
      const rows: number[] = [];
      for (let from = 0; from < block.rows; from += GROUP_ROWS) {
        const to = Math.min(block.rows, from + GROUP_ROWS);
        builder.rowGroup(block, [], from, to);
        rows.push(to - from);
      }
      writeFileSync(path, builder.finish());
      const equal = spans.flatMap(equalities).slice(0, 150);
      const pairs = equal.slice(1).flatMap((each, i) => [and(each, equal[i]), or(each, equal[i])]);
      const conditions = [...equal, ...pairs, ...queries.map((query: Query) => expectCondition(query))];
      withFile(path, (file) => {
        const header = readTokenHeader(file, rows);
        for (const condition of conditions) {
          const need = tokenNeed(condition);
          if (!need) continue;
          rows.forEach((count, group) => {
            const inGroup = spans.slice(group * GROUP_ROWS, group * GROUP_ROWS + count);
            const mayMatch = isMet(need, (token) => rowGroupMayHave(file, header, group, token));
            if (mayMatch) kept++;
            else pruned++;
            if (mayMatch || !inGroup.some((span) => holds(span, condition))) return;
            throw new Error(`${condition && printExpression(condition)} was pruned from row group ${group}`);
          });
        }
      });
    }),
    { numRuns: 80 },
  );
  expect(Math.min(kept, pruned) / (kept + pruned)).toBeGreaterThan(0.2);
});

describe('what a condition needs', () => {
  const cases: [query: string, needs: boolean][] = [
    ['{}', false],
    ['{ span.user.id = "u" }', true],
    ['{ "u" = span.user.id }', true],
    ['{ .user.id = "u" || .user.id = "v" || .user.id = "w" }', true],
    ['{ .user.id = "u" || name = "x" }', false],
    ['{ .user.id = "u" && name = "x" }', true],
    ['{ (name = "x" || .user.id = "u") && span.n > 5 }', true],
    ['{ span.user.id != "u" }', true],
    ['{ span.user.id = nil }', false],
    ['{ !(span.user.id = "u") }', false],
    ['{ status = error }', false],
    ['{ parent.span.user.id = "u" }', false],
    ['{ span.a = span.b }', false],
  ];
  for (const [query, needs] of cases) {
    test(`${query}: ${needs ? 'tokens' : 'nothing'}`, () => {
      expect(tokenNeed(expectCondition(parseQuery(query))) !== undefined).toBe(needs);
    });
  }
});

const EVERYTHING = { startUnixNano: 0n, endUnixNano: 1n << 64n };
const START = 1_700_000_000_000_000_000n;
const [shape] = fc.sample(
  spansArbitrary.filter(({ length }) => length > 0),
  { seed: 1, numRuns: 1 },
)[0];

/** Ten spans a file, each with a user of its own. */
function usersOf(file: number): Span[] {
  return Array.from({ length: 10 }, (_, i) => ({
    ...shape,
    traceId: (file * 10 + i + 1).toString(16).padStart(32, '0'),
    spanId: (file * 10 + i + 1).toString(16).padStart(16, '0'),
    startTimeUnixNano: START + BigInt(file * 10 + i),
    attributes: [{ key: 'user.id', value: { type: 'string', value: `u-${file * 10 + i}` } }],
  }));
}

async function threeFiles(report?: (message: string) => void): Promise<TestLake> {
  const lake = new TestLake(dataDir, report ? { report } : {});
  lakes.push(lake);
  for (const file of [0, 1, 2]) {
    lake.append(usersOf(file));
    await lake.flush(5);
  }
  return lake;
}

const question = (query: string) => ({
  query: parseQuery(query),
  range: EVERYTHING,
  order: 'newest' as const,
  limit: 100,
});

describe('in a lake', () => {
  let lake: TestLake;
  beforeAll(async () => {
    lake = await threeFiles();
  });

  test('only the row group of the user is read, whatever is asked', async () => {
    const one = question('{ span.user.id = "u-17" }');
    const spans = await lake.reader.searchSpans('test', one);
    expect(spans.spans.map((span) => span.spanId)).toEqual([usersOf(1)[7].spanId]);
    expect(spans.scanned).toMatchObject({ files: 1, rowGroups: 2, prunedFiles: 2, prunedRowGroups: 5 });
    const traces = await lake.reader.searchTraces('test', { ...one, order: 'slowest' });
    expect(traces.traces.map((trace) => trace.traceId)).toEqual([usersOf(1)[7].traceId]);
    expect(traces.scanned.prunedRowGroups).toBe(5);
    const values = await lake.reader.attributeValues('test', 'span.user.id', { ...one, prefix: '' });
    expect(values.values.map(({ value }) => value)).toEqual(['u-17']);
    expect(values.scanned.files).toBe(1);
    const none = await lake.reader.searchSpans('test', question('{ .user.id = "nobody" }'));
    expect(none.spans).toEqual([]);
    expect(none.scanned).toMatchObject({ files: 0, prunedFiles: 3, prunedRowGroups: 6 });
  });

  test('one of several users', async () => {
    const { spans, scanned } = await lake.reader.searchSpans(
      'test',
      question('{ span.user.id = "u-2" || span.user.id = "u-25" || span.user.id = "nobody" }'),
    );
    expect(spans.map((span) => span.spanId)).toEqual([usersOf(2)[5].spanId, usersOf(0)[2].spanId]);
    expect(scanned).toMatchObject({ files: 2, prunedFiles: 1, prunedRowGroups: 4 });
  });
});

const damages: [string, (path: string) => void][] = [
  ['is missing', (path) => rmSync(path)],
  ['is empty', (path) => truncateSync(path, 0)],
  ['is cut', (path) => truncateSync(path, readFileSync(path).length - 8)],
  [
    'has its filters zeroed',
    (path) => {
      const bytes = readFileSync(path);
      writeFileSync(path, bytes.fill(0, bytes.length - 64));
    },
  ],
];

describe('a file of filters that', () => {
  for (const [what, damage] of damages) {
    test(`${what} prunes nothing, is told once, and loses no span`, async () => {
      const reports: string[] = [];
      const lake = await threeFiles((message) => reports.push(message));
      const path = tokenIndexPath(lake.files[1].path);
      damage(join(dataDir, path));
      for (const user of [17, 12, 17]) {
        const page = await lake.reader.searchSpans('test', question(`{ span.user.id = "u-${user}" }`));
        expect(page.spans.map((span) => span.spanId)).toEqual([usersOf(1)[user - 10].spanId]);
        expect(page.complete).toBe(true);
      }
      expect(reports).toHaveLength(1);
      expect(reports[0]).toStartWith(`${path} is not used`);
    });
  }
});
