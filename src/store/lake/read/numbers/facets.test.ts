import { afterAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { valueText } from '../../../../span/value.ts';
import type { Attribute, Span } from '../../../../span/span.ts';
import { END_OF_TIME } from '../../../../span/time.ts';
import { matches } from '../../../../traceql/evaluate.ts';
import { fieldFromText } from '../../../../traceql/build.ts';
import { parseQuery } from '../../../../traceql/parse.ts';
import { conditionOf, isMetrics } from '../../../../traceql/query.ts';
import { QuestionError } from '../../../span-store.ts';
import type { TimeRange } from '../../../span-store.ts';
import { rejection } from '../../../testing/rejection.ts';
import { BASE, spansArbitrary } from '../testing/arbitrary-spans.ts';
import { byTrace } from '../testing/naive.ts';
import { naiveRows } from '../testing/naive-rows.ts';
import { storeSpread } from '../testing/spread.ts';
import { TestLake } from '../testing/test-lake.ts';
import { SpanFields, TraceContext } from '../testing/trace-fields.ts';
import { DEFAULT_POOL } from '../workers/worker-pool.ts';

const EVERYTHING: TimeRange = { startUnixNano: 0n, endUnixNano: END_OF_TIME };
const dir = mkdtempSync(join(tmpdir(), 'spanlake-facets-'));
const lake = new TestLake(dir, { pool: { ...DEFAULT_POOL, workers: 1 } });
afterAll(() => {
  lake.reader.close();
  rmSync(dir, { recursive: true });
});

const queryText = fc.constantFrom(
  '{}',
  '{ status = error }',
  '{ duration > 5ns } | { kind = server }',
  '{ rootName = "a" }',
  '{} >> { span.i != nil }',
  '{} | count() > 1',
);

function matching(
  spans: readonly Span[],
  text: string,
): { readonly span: Span; readonly fields: SpanFields }[] {
  const { expression } = parseQuery(text);
  if (isMetrics(expression)) throw new Error(text);
  return [...byTrace(spans).values()].flatMap((trace) => {
    const context = new TraceContext(trace);
    return naiveRows(trace, expression, EVERYTHING).map(({ span }) => ({
      span,
      fields: new SpanFields(span, context),
    }));
  });
}

describe('facets', () => {
  const FIELDS = [
    'name',
    'status',
    'kind',
    'statusMessage',
    'duration',
    'rootName',
    'rootServiceName',
    'span.s',
    'span.i',
    'span.d',
    'span.b',
    'span.m',
    '.m',
    '.s',
    'resource.service.name',
    'resource.m',
    'instrumentation.s',
    'event.s',
    'event:name',
    'link.m',
    'instrumentation:name',
  ];

  test('count what their definition counts', async () => {
    const fields = fc.uniqueArray(fc.constantFrom(...FIELDS), { minLength: 1, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(
        spansArbitrary,
        fc.array(fc.tuple(queryText, fields), { minLength: 5, maxLength: 5 }),
        async (spans, asked) => {
          await storeSpread(lake, spans);
          for (const [text, of] of asked) {
            const page = await lake.reader.facets('test', {
              query: parseQuery(text),
              range: EVERYTHING,
              fields: of,
              limit: 1000,
            });
            const rows = matching(spans, text);
            expect(page.complete).toBe(true);
            expect(page.count).toBe(rows.length);
            for (const { field, values, distinct, missing } of page.facets) {
              const wanted = naiveFacet(rows, field);
              expect([
                field,
                ...values.map(({ type, value, count }) => `${type} ${value}: ${count}`).sort(),
              ]).toEqual([field, ...wanted.values]);
              expect(distinct).toBe(values.length);
              expect(missing).toBe(wanted.missing);
            }
          }
        },
      ),
      { numRuns: 20 },
    );
  }, 60_000);

  test('the most frequent first, as many as are asked for', async () => {
    const spans = fc.sample(spansArbitrary, { seed: 5, numRuns: 1 })[0];
    await storeSpread(lake, spans);
    const ask = { query: parseQuery('{}'), range: EVERYTHING, fields: ['name', 'childCount'] };
    const [all, none] = (await lake.reader.facets('test', { ...ask, limit: 100 })).facets;
    const [some] = (await lake.reader.facets('test', { ...ask, limit: 2 })).facets;
    expect(all.values.map(({ count }) => count)).toEqual(
      all.values.map(({ count }) => count).sort((a, b) => b - a),
    );
    expect(some.values).toEqual(all.values.slice(0, 2));
    expect(some.distinct).toBe(all.distinct);
    expect(none).toEqual({ field: 'childCount', values: [], distinct: 0, missing: spans.length });
  });

  test('of one field are its values, of any query', async () => {
    await fc.assert(
      fc.asyncProperty(
        spansArbitrary,
        queryText,
        fc.constantFrom('name', 'rootName', 'span.m', '.s'),
        async (spans, text, field) => {
          await storeSpread(lake, spans);
          const wanted = naiveFacet(matching(spans, text), field).values;
          for (const asked of [text, `${text} | rate()`]) {
            const { values } = await lake.reader.attributeValues('test', field, {
              query: parseQuery(asked),
              range: EVERYTHING,
              prefix: '',
              limit: 1000,
            });
            expect(values.map(({ type, value, count }) => `${type} ${value}: ${count}`).sort()).toEqual(
              wanted,
            );
          }
        },
      ),
      { numRuns: 25 },
    );
  }, 60_000);

  test('are not asked of metrics', async () => {
    const error = await rejection(
      lake.reader.facets('test', {
        query: parseQuery('{} | rate()'),
        range: EVERYTHING,
        fields: ['name'],
        limit: 5,
      }),
    );
    expect(error).toBeInstanceOf(QuestionError);
    expect(error.message).toBe(
      'the query measures over time: leave out what stands behind the spans it selects, or ask for metrics',
    );
  });
});

const COUNTED = ['string', 'bool', 'int', 'double'];

/** `type value: count` of each value, sorted. */
function naiveFacet(
  rows: readonly { readonly span: Span; readonly fields: SpanFields }[],
  text: string,
): { values: string[]; missing: number } {
  const counts = new Map<string, number>();
  let missing = 0;
  for (const { span, fields } of rows) {
    const values = new Set(naiveValues(span, fields, text));
    if (values.size === 0) missing++;
    for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  counts.delete('not chosen');
  return { values: [...counts].map(([value, count]) => `${value}: ${count}`).sort(), missing };
}

function naiveValues(span: Span, fields: SpanFields, text: string): string[] {
  const field = fieldFromText(text);
  if (field.kind === 'attribute') {
    const lists: Attribute[][] = {
      any: [[...span.attributes], [...span.resource.attributes]],
      span: [[...span.attributes]],
      resource: [[...span.resource.attributes]],
      instrumentation: [[...span.scope.attributes]],
      event: span.events.map(({ attributes }) => [...attributes]),
      link: span.links.map(({ attributes }) => [...attributes]),
    }[field.scope];
    const found = lists
      .map((list) => list.find(({ key, value }) => key === field.key && value.type !== 'empty'))
      .filter((attribute) => attribute !== undefined);
    const asked = field.scope === 'any' ? found.slice(0, 1) : found;
    // Elements of an array on events count by themselves, as those of several events do.
    if (field.scope === 'event' || field.scope === 'link') {
      return fields
        .attribute(field.scope, field.key, false)
        .map((value) =>
          value.type === 'nil' || value.type === 'opaque'
            ? 'not chosen'
            : `${value.type === 'float' ? 'double' : value.type} ${Object.is(value.value, -0) ? '-0' : String(value.value)}`,
        );
    }
    return asked.map(({ value }) =>
      COUNTED.includes(value.type) ? `${value.type} ${valueText(value)}` : 'not chosen',
    );
  }
  if (field.name === 'span:duration') {
    if (span.durationNano <= 0n) return ['duration 0'];
    return [`duration ${1n << BigInt(span.durationNano.toString(2).length - 1)}`];
  }
  if (field.name.startsWith('trace:root')) {
    if (span.parentSpanId !== '') return [];
    if (field.name === 'trace:rootName') return [`string ${span.name}`];
    return naiveValues(span, fields, 'resource.service.name');
  }
  return fields.intrinsic(field.name, false).map((value) => {
    if (value.type === 'nil' || value.type === 'opaque') return 'not chosen';
    return `${value.type === 'status' || value.type === 'kind' ? 'keyword' : value.type} ${value.value}`;
  });
}

describe('heatmap', () => {
  test('every span has its place by start and duration', async () => {
    await fc.assert(
      fc.asyncProperty(
        spansArbitrary,
        queryText,
        fc.integer({ min: 2, max: 50 }),
        async (spans, text, columns) => {
          await storeSpread(lake, spans);
          const range = {
            startUnixNano: 1_700_000_000_000_000_003n,
            endUnixNano: 1_700_000_000_000_000_031n,
          };
          const page = await lake.reader.heatmap('test', { query: parseQuery(text), range, columns });
          expect(page.columns).toBeLessThanOrEqual(columns);
          const { expression } = parseQuery(text);
          if (isMetrics(expression)) throw new Error(text);
          const rows = [...byTrace(spans).values()].flatMap((trace) => naiveRows(trace, expression, range));
          const counts = new Float64Array(page.counts.length);
          const errors = new Float64Array(page.errors.length);
          for (const { span } of rows) {
            const column = Number((span.startTimeUnixNano - page.startUnixNano) / page.stepNano);
            const row = Math.max(
              0,
              page.durationsNano.findLastIndex((lower) => lower <= span.durationNano),
            );
            counts[row * page.columns + column]++;
            if (span.statusCode === 2) errors[row * page.columns + column]++;
          }
          expect(page.counts).toEqual(counts);
          expect(page.errors).toEqual(errors);
          expect(page.durationsNano).toEqual(page.durationsNano.toSorted((a, b) => (a < b ? -1 : 1)));
        },
      ),
      { numRuns: 25 },
    );
  }, 60_000);

  test('a picture has at least two columns', async () => {
    const error = await rejection(
      lake.reader.heatmap('test', { query: parseQuery('{}'), range: EVERYTHING, columns: 1 }),
    );
    expect(error.message).toBe('1 columns are not between 2 and 4000');
  });
});

describe('comparison', () => {
  test('counts and differences are those of the definition', async () => {
    const selectionText = fc.constantFrom(
      '{ status = error }',
      '{ span.i != nil }',
      '{ duration > 8ns }',
      '{ name = "a" || kind = client }',
    );
    const selectionRange = fc.constantFrom(
      undefined,
      { startUnixNano: BASE, endUnixNano: BASE + 20n },
      { startUnixNano: BASE + 21n, endUnixNano: END_OF_TIME },
    );
    const asked = [spansArbitrary, queryText, selectionText, selectionRange] as const;
    await fc.assert(
      fc.asyncProperty(...asked, async (spans, text, selected, within) => {
        await storeSpread(lake, spans);
        const selection = conditionOf(parseQuery(selected));
        if (!selection) throw new Error(selected);
        const page = await lake.reader.comparison('test', {
          query: parseQuery(text),
          selection,
          ...(within && { selectionRange: within }),
          range: EVERYTHING,
          limit: 1000,
          values: 1000,
        });
        const rows = matching(spans, text);
        const { startUnixNano, endUnixNano } = within ?? EVERYTHING;
        const isSelected = ({ span, fields }: (typeof rows)[number]): boolean =>
          span.startTimeUnixNano >= startUnixNano &&
          span.startTimeUnixNano < endUnixNano &&
          matches(selection, fields);
        const inside = rows.filter(isSelected);
        const outside = rows.filter((row) => !isSelected(row));
        expect([page.selected, page.baseline]).toEqual([inside.length, outside.length]);
        for (const { field, difference, values } of page.fields) {
          const [a, b] = [naiveShares(inside, field), naiveShares(outside, field)];
          let sum = 0;
          for (const key of new Set([...a.keys(), ...b.keys()])) {
            sum += Math.abs((a.get(key) ?? 0) / inside.length - (b.get(key) ?? 0) / outside.length);
          }
          expect(difference).toBeCloseTo(inside.length === 0 || outside.length === 0 ? 0 : sum / 2, 9);
          for (const { type, value, selected: s, baseline } of values) {
            expect([a.get(`${type} ${value}`) ?? 0, b.get(`${type} ${value}`) ?? 0]).toEqual([s, baseline]);
          }
        }
        const differences = page.fields.map((each) => each.difference);
        expect(differences).toEqual(differences.toSorted((a, b) => b - a));
        const keys = new Set(
          rows.flatMap(({ span }) =>
            span.attributes.filter(({ value }) => value.type !== 'empty').map(({ key }) => `span.${key}`),
          ),
        );
        expect(page.fields.map(({ field }) => field)).toEqual(expect.arrayContaining([...keys]));
      }),
      { numRuns: 25 },
    );
  }, 60_000);
});

function naiveShares(
  rows: readonly { readonly span: Span; readonly fields: SpanFields }[],
  field: string,
): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { span, fields } of rows) {
    const [value = 'missing'] = naiveValues(span, fields, field);
    counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  return counts;
}
