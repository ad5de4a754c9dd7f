import { afterAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import type { Span } from '../../../../span/span.ts';
import type { MetricsQuery, Query } from '../../../../traceql/ast.ts';
import { parseQuery } from '../../../../traceql/parse.ts';
import { rejection } from '../../../testing/rejection.ts';
import { QuestionError } from '../../../span-store.ts';
import type { MetricsPage, TimeRange } from '../../../span-store.ts';
import { spansArbitrary } from '../testing/arbitrary-spans.ts';
import { byTrace } from '../testing/naive.ts';
import { label, naiveSeries } from '../testing/naive-metrics.ts';
import { naiveRows } from '../testing/naive-rows.ts';
import { storeSpread } from '../testing/spread.ts';
import { TestLake } from '../testing/test-lake.ts';
import { DEFAULT_POOL } from '../workers/worker-pool.ts';

const BASE = 1_700_000_000_000_000_000n;
const dir = mkdtempSync(join(tmpdir(), 'spanlake-metrics-'));
const lake = new TestLake(dir, { pool: { ...DEFAULT_POOL, workers: 1 } });
afterAll(() => {
  lake.reader.close();
  rmSync(dir, { recursive: true });
});

/** Ranges in which buckets of nanoseconds are few. */
const range: fc.Arbitrary<TimeRange> = fc
  .tuple(fc.integer({ min: -3, max: 30 }), fc.integer({ min: 1, max: 40 }))
  .map(([start, length]) => ({
    startUnixNano: BASE + BigInt(start),
    endUnixNano: BASE + BigInt(start + length),
  }));
const step = fc.constantFrom(1n, 3n, 7n, 1_000_000n, undefined);

const by = fc
  .uniqueArray(
    fc.constantFrom(
      'name',
      'kind',
      'status',
      'statusMessage',
      'resource.service.name',
      'span.s',
      'span.i',
      'span.d',
      'span.b',
      'span.m',
      '.m',
      '.s',
      'resource.i',
      'instrumentation.s',
      'instrumentation:name',
      'event.s',
      'event:name',
      'link.i',
      'duration',
      'span:id',
    ),
    { maxLength: 3 },
  )
  .map((fields) => (fields.length === 0 ? '' : ` by(${fields.join(', ')})`));
const operand = fc.constantFrom(
  'duration',
  'span.i',
  'span.d',
  '.i',
  'resource.i',
  'span.m',
  'event:timeSinceStart',
  'event.d',
);
const aggregate = fc.oneof(
  fc.constantFrom('rate()', 'count_over_time()'),
  fc
    .tuple(fc.constantFrom('sum', 'avg', 'min', 'max', 'histogram'), operand)
    .map(([name, field]) => `${name}_over_time(${field})`),
  operand.map((field) => `quantile_over_time(${field}, 0, .5, .9, 1)`),
);
const selector = fc.constantFrom(
  '{}',
  '{ status = error }',
  '{ duration > 5ns }',
  '{ span.i != nil } | { kind = server }',
);
const query = fc
  .tuple(selector, aggregate, by)
  .map(([source, function_, groups]) => `${source} | ${function_}${groups}`)
  .filter(parses);

function parses(text: string): boolean {
  try {
    return parseQuery(text).hints.length === 0;
  } catch {
    return false;
  }
}

function metricsOf({ expression }: Query): MetricsQuery {
  if (expression.kind !== 'metrics') throw new Error(expression.kind);
  return expression;
}

function ask(
  text: string,
  inRange: TimeRange,
  stepNano: bigint | undefined,
  exemplars = 0,
  maxSeries = 10_000,
) {
  return lake.reader.metrics('test', {
    query: parseQuery(text),
    range: inRange,
    stepNano,
    maxSeries,
    exemplars,
  });
}

function naive(spans: readonly Span[], text: string, inRange: TimeRange, page: MetricsPage) {
  const { source, aggregate: asked } = metricsOf(parseQuery(text));
  if (asked.kind === 'compare') throw new Error('compare');
  const rows = [...byTrace(spans).values()].flatMap((trace) => naiveRows(trace, source, inRange));
  return naiveSeries(rows, asked, {
    originUnixNano: page.startUnixNano,
    stepNano: page.stepNano,
    count: page.buckets,
  });
}

function labelsText(labels: MetricsPage['series'][number]['labels']): string {
  return labels.map(({ key, value }) => label(key, value)).join(' ');
}

function expectSame(page: MetricsPage, wanted: ReturnType<typeof naiveSeries>): void {
  const found = new Map(page.series.map(({ labels, samples }) => [labelsText(labels), samples]));
  expect([...found.keys()].sort()).toEqual(wanted.map(({ labels }) => labels).sort());
  for (const { labels, samples } of wanted) {
    const have = [...(found.get(labels) ?? [])];
    expect(have.map((sample) => Number.isNaN(sample))).toEqual(samples.map((sample) => Number.isNaN(sample)));
    have.forEach((sample, i) => {
      if (Number.isNaN(sample)) return;
      // Quantiles are within 1 %, sums are added in another order.
      expect(Math.abs(sample - samples[i])).toBeLessThanOrEqual(Math.abs(samples[i]) * 0.01 + 1e-30);
    });
  }
}

/** What spansets give: structure, groups, aggregates, and fields of the trace. */
const spansetQuery = fc
  .tuple(
    fc.constantFrom(
      '{ rootName = "a" }',
      '{ traceDuration > 10ns && status != ok }',
      '{ kind = server } >> { span.i != nil }',
      '{} ~ {}',
      '{ status = error } || { name = "a" }',
      '{} | count() > 1',
      '{} | by(name) | avg(duration) > 3ns',
      '{ span.i > 0 } !> {}',
    ),
    aggregate,
    fc.constantFrom(
      '',
      ' by(rootServiceName)',
      ' by(name, parent.name)',
      ' by(childCount)',
      ' by(span.s, kind)',
    ),
  )
  .map(([source, function_, groups]) => `${source} | ${function_}${groups}`);
const traceFieldQuery = fc.constantFrom(
  '{} | rate() by(rootName)',
  '{ kind = server } | max_over_time(traceDuration) by(name)',
  '{} | quantile_over_time(childCount, .5)',
  '{} | count_over_time() by(parent.span.s)',
);

describe('metrics', () => {
  test('over rows agree with their definition, over buffer and files', async () => {
    await fc.assert(
      fc.asyncProperty(
        spansArbitrary,
        fc.array(fc.tuple(query, range, step), { minLength: 8, maxLength: 8 }),
        checkAll,
      ),
      { numRuns: 25 },
    );
  }, 60_000);

  test('over spansets, and fields of traces, do too', async () => {
    const asked = fc.tuple(fc.oneof(spansetQuery, traceFieldQuery), range, step);
    await fc.assert(
      fc.asyncProperty(spansArbitrary, fc.array(asked, { minLength: 8, maxLength: 8 }), checkAll),
      { numRuns: 20 },
    );
  }, 60_000);
});

async function checkAll(
  spans: readonly Span[],
  asked: readonly (readonly [string, TimeRange, bigint | undefined])[],
): Promise<void> {
  await storeSpread(lake, spans);
  for (const [text, inRange, stepNano] of asked) {
    const page = await ask(text, inRange, stepNano);
    expect(page.complete).toBe(true);
    expectSame(page, naive(spans, text, inRange, page));
  }
}

/** One span each 10 ns from BASE on. */
function row(count: number, change: (i: number) => Partial<Span> = () => ({})): Span[] {
  const [span] = fc.sample(spansArbitrary, { seed: 7, numRuns: 1 })[0];
  return Array.from({ length: count }, (_, i) => ({
    ...span,
    traceId: (i + 1).toString(16).padStart(32, '0'),
    spanId: (i + 1).toString(16).padStart(16, '0'),
    parentSpanId: '',
    startTimeUnixNano: BASE + BigInt(i * 10),
    durationNano: BigInt(i),
    ...change(i),
  }));
}

const EVERYTHING: TimeRange = { startUnixNano: 0n, endUnixNano: 1n << 64n };

describe('what is answered', () => {
  test('an open range is cut to the spans, in whole steps', async () => {
    await storeSpread(lake, row(10));
    const page = await ask('{} | count_over_time()', EVERYTHING, 25n);
    expect(page.startUnixNano).toBe(BASE);
    expect(page.buckets).toBe(4);
    expect([...page.series[0].samples]).toEqual([3, 2, 3, 2]);
    const whole = await ask('{} | count_over_time()', EVERYTHING, undefined);
    expect([whole.startUnixNano, whole.stepNano, whole.buckets]).toEqual([BASE, 91n, 1]);
  });

  test('without spans there is a count of 0, and nothing else', async () => {
    lake.clear();
    expect((await ask('{} | rate()', EVERYTHING, 10n)).series).toEqual([]);
    const closed = { startUnixNano: BASE, endUnixNano: BASE + 20n };
    expect((await ask('{} | rate()', closed, 10n)).series).toEqual([
      { labels: [], samples: Float64Array.of(0, 0), exemplars: [] },
    ]);
    expect((await ask('{} | rate() by(name)', closed, 10n)).series).toEqual([]);
    expect((await ask('{} | max_over_time(duration)', closed, 10n)).series).toEqual([]);
  });

  test('exemplars are spans of the series, spread over its time', async () => {
    const spans = row(300, (i) => ({ name: i % 3 === 0 ? 'a' : 'b', durationNano: 1_000_000_000n }));
    await storeSpread(lake, spans);
    for (const stepNano of [100n, undefined]) {
      for (const text of [
        '{} | rate() by(name)',
        '{} | max_over_time(duration) by(name)',
        '{} && {} | rate() by(name)',
      ]) {
        const { series } = await ask(text, EVERYTHING, stepNano, 5);
        expect(series).toHaveLength(2);
        for (const { labels, samples, exemplars } of series) {
          expect(exemplars.length).toBeGreaterThan(3);
          expect(exemplars.length).toBeLessThanOrEqual(5);
          const found = exemplars.map(({ traceId, spanId }) =>
            spans.find((span) => span.traceId === traceId && span.spanId === spanId),
          );
          expect(found.map((span) => span?.name)).toEqual(
            found.map(() => String(labels[0].value.type === 'string' && labels[0].value.value)),
          );
          expect(found.map((span) => span?.startTimeUnixNano)).toEqual(
            exemplars.map(({ timeUnixNano }) => timeUnixNano),
          );
          const [first, last] = [exemplars[0], exemplars[exemplars.length - 1]];
          expect(Number(last.timeUnixNano - first.timeUnixNano)).toBeGreaterThan(1000);
          if (text.includes('max'))
            expect(exemplars.map(({ value }) => value)).toEqual(exemplars.map(() => 1));
          else if (stepNano === undefined) expect(exemplars[0].value).toBe(samples[0]);
        }
      }
    }
  });

  test('the series with the largest sums stay, and the answer says so', async () => {
    await storeSpread(
      lake,
      row(10, (i) => ({ name: i < 6 ? 'a' : i < 9 ? 'b' : 'c' })),
    );
    const page = await ask('{} | count_over_time() by(name)', EVERYTHING, undefined, 0, 2);
    expect(page.series.map(({ samples }) => samples[0])).toEqual([6, 3]);
    expect(page.complete).toEqual({
      reason: 'only the 2 series with the largest sums of 3 are answered',
      skipped: [],
    });
  });

  test('second stages and arithmetic', async () => {
    await storeSpread(
      lake,
      row(12, (i) => ({ name: i < 6 ? 'a' : i < 10 ? 'b' : 'c', statusCode: i % 2 === 0 ? 2 : 0 })),
    );
    const values = async (text: string): Promise<Record<string, number>> => {
      const { series } = await ask(text, EVERYTHING, undefined);
      return Object.fromEntries(
        series.map(({ labels, samples }) => [
          labels.map(({ value }) => 'value' in value && value.value).join(),
          samples[0],
        ]),
      );
    };
    expect(await values('{} | count_over_time() by(name) | topk(2)')).toEqual({ a: 6, b: 4 });
    expect(await values('{} | count_over_time() by(name) | bottomk(1)')).toEqual({ c: 2 });
    expect(await values('{} | count_over_time() by(name) > 3')).toEqual({ a: 6, b: 4 });
    const errors = '({ status = error } | count_over_time() by(name))';
    const all = '({} | count_over_time() by(name))';
    expect(await values(`${errors} / ${all}`)).toEqual({ a: 0.5, b: 0.5, c: 0.5 });
    expect(await values(`${errors} / ({} | count_over_time())`)).toEqual({ a: 0.25, b: 2 / 12, c: 1 / 12 });
    expect(await values(`100 * ${errors}`)).toEqual({ a: 300, b: 200, c: 100 });
    expect(await values('({ name = "none" } | count_over_time()) / ({} | count_over_time())')).toEqual({
      '': 0,
    });
  });

  test('a hint that nobody knows changes nothing', async () => {
    await storeSpread(lake, row(3));
    const page = await ask('{} | count_over_time() with(sample=true, foo="bar")', EVERYTHING, undefined);
    expect([...page.series[0].samples]).toEqual([3]);
  });

  test('compare() tells a selection from the rest', async () => {
    await storeSpread(
      lake,
      row(10, (i) => ({
        statusCode: i < 4 ? 2 : 0,
        attributes: [{ key: 'host', value: { type: 'string', value: i < 3 ? 'bad' : 'good' } }],
        resource: { attributes: [], droppedAttributesCount: 0, schemaUrl: '' },
      })),
    );
    const { series } = await ask('{} | compare({ status = error }, 1)', EVERYTHING, undefined);
    const of = (key: string) =>
      series
        .filter(({ labels }) => labels[1].key === key)
        .map(({ labels, samples }) => `${labelsText(labels).replace(key, 'x')} ${samples.join()}`)
        .sort();
    expect(of('span.host')).toEqual([
      '__meta_error=string __too_many_values__ x=nil  0',
      '__meta_type=string baseline x=string good 6',
      '__meta_type=string baseline_total x=nil  6',
      '__meta_type=string selection x=string bad 3',
      '__meta_type=string selection_total x=nil  4',
    ]);
    expect(of('span:status')).toEqual([
      '__meta_type=string baseline x=status unset 6',
      '__meta_type=string baseline_total x=nil  6',
      '__meta_type=string selection x=status error 4',
      '__meta_type=string selection_total x=nil  4',
    ]);
  });
});

describe('what is refused', () => {
  const message = async (text: string, stepNano: bigint | undefined): Promise<string> => {
    await storeSpread(
      lake,
      row(3, (i) => ({ startTimeUnixNano: BASE + BigInt(i) * 3_600_000_000_000n })),
    );
    const error = await rejection(ask(text, EVERYTHING, stepNano));
    return error instanceof QuestionError ? `${error.code}: ${error.message}` : String(error);
  };

  test('a search', async () => {
    expect(await message('{ status = error }', undefined)).toBe(
      'unsupported_query: the query selects spans and measures nothing: add what to measure, as in "| rate()", or ask a search',
    );
  });

  test('steps that are none, or too many', async () => {
    expect(await message('{} | rate()', 0n)).toBe('invalid_argument: a step of 0 ns is not above 0');
    expect(await message('{} | rate()', 500_000_000n)).toBe(
      'invalid_argument: a step of 0.5 s makes 14401 points of this range, at most 11000 are answered: ' +
        'ask for a longer step, or give the range a start and an end',
    );
  });

  test('a comparison by what spans do not know', async () => {
    expect(await message('{} | compare({ rootName = "a" })', undefined)).toBe(
      "unsupported_query: compare() tells spans apart one by one: its selection can't ask for parents, roots, or the trace",
    );
  });
});
