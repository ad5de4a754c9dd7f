import { describe, expect, test } from 'bun:test';
import { Html } from '@elysiajs/html';
import type { MetricsPage, MetricsSeries } from '../../src/store/span-store.ts';
import type { MetricsExpression, Static } from '../../src/traceql/ast.ts';
import { metricUnit } from '../../src/traceql/metric-unit.ts';
import { parseQuery } from '../../src/traceql/parse.ts';
import { isMetrics } from '../../src/traceql/query.ts';
import { Chart } from '../shared/chart.tsx';
import { formatFigure, seriesViews } from './metrics-series.ts';

function expressionOf(query: string): MetricsExpression {
  const { expression } = parseQuery(query);
  if (!isMetrics(expression)) throw new Error(`${query} is no metrics query`);
  return expression;
}

function pageOf(
  labels: readonly (readonly [string, Static])[][],
  samples: readonly number[] = [1],
): MetricsPage {
  const series = labels.map((some): MetricsSeries => ({
    labels: some.map(([key, value]) => ({ key, value })),
    samples: new Float64Array(samples),
    exemplars: [],
  }));
  const scanned = {} as MetricsPage['scanned'];
  return {
    startUnixNano: 0n,
    stepNano: 1n,
    buckets: samples.length,
    series,
    complete: true,
    scanned,
    tookMs: 0,
  };
}

const text = (value: string): Static => ({ type: 'string', value });
const SERVICE = 'resource.service.name';

describe('the spans behind a series', () => {
  const cases: [query: string, labels: [string, Static][], spans: string][] = [
    ['{} | rate()', [], '{}'],
    ['{ status = error } | rate()', [], '{ status = error }'],
    [
      `{ kind = server } | rate() by (${SERVICE})`,
      [[SERVICE, text('a"b')]],
      `{ kind = server && ${SERVICE} = "a\\"b" }`,
    ],
    [`{} | rate() by (${SERVICE})`, [[SERVICE, { type: 'nil' }]], `{ !(${SERVICE} != nil) }`],
    ['{} | rate() by (span.x)', [['span.x', { type: 'nil' }]], '{ span.x = nil }'],
    [
      '{} | quantile_over_time(duration, .5) by (span.n, status)',
      [
        ['span.n', { type: 'int', value: 7n }],
        ['status', { type: 'status', value: 'error' }],
        ['p', { type: 'float', value: 0.5 }],
      ],
      '{ span.n = 7 && status = error }',
    ],
    [
      '{} | histogram_over_time(duration)',
      [['__bucket', { type: 'float', value: 0.002 }]],
      '{ duration > 1ms && duration <= 2ms }',
    ],
    ['({ status = error } | rate()) / ({} | rate())', [], '{ status = error }'],
    ['100 * ({ status = error } | rate())', [], '{ status = error }'],
    ['{} | rate() by (span.x)', [['span.x', { type: 'opaque' }]], ''],
    ['{} | compare({ status = error })', [['__meta_type', text('baseline')]], ''],
  ];
  test.each(cases)('%s', (query, labels, spans) => {
    const [{ spans: found }] = seriesViews(expressionOf(query), pageOf([labels]));
    // Canonical: as the printer writes it.
    expect(found).toBe(spans === '' ? '' : printed(spans));
    if (found !== '') expect(() => parseQuery(found)).not.toThrow();
  });

  test('of a pipeline: a stage behind it', () => {
    const [{ spans }] = seriesViews(
      expressionOf('{ status = error } >> {} | rate() by (span.x)'),
      pageOf([[['span.x', text('1')]]]),
    );
    expect(parseQuery(spans).expression.kind).not.toBe('filter');
    expect(spans).toContain('span.x = "1"');
  });
});

function printed(query: string): string {
  return seriesViews(expressionOf(`${query} | rate()`), pageOf([[]]))[0].spans;
}

test('names say what tells the series apart', () => {
  const names = (query: string, labels: [string, Static][]) =>
    seriesViews(expressionOf(query), pageOf([labels]))[0].name;
  const p95: [string, Static] = ['p', { type: 'float', value: 0.95 }];
  expect(names('{} | rate()', [])).toBe('');
  expect(names('{} | rate() by (span.x)', [['span.x', text('GET')]])).toBe('GET');
  expect(names('{} | rate() by (span.x)', [['span.x', { type: 'nil' }]])).toBe('no span.x');
  expect(names('{} | quantile_over_time(duration, .95)', [p95])).toBe('p95');
  const bucket: [string, Static] = ['__bucket', { type: 'float', value: 0.001024 }];
  expect(names('{} | histogram_over_time(duration)', [bucket])).toBe('up to 1.02 ms');
  expect(names('{} | histogram_over_time(span.bytes)', [bucket])).toBe('up to 0.001024');
  expect(names('{} | rate() by (span.n)', [['span.n', { type: 'int', value: 7n }]])).toBe('span.n 7');
  expect(names('{} | quantile_over_time(duration, .95) by (span.x)', [['span.x', text('GET')], p95])).toBe(
    'GET · p95',
  );
});

test('a histogram goes from short to long, a comparison leaves its sums out', () => {
  const bucket = (value: number): [string, Static][] => [['__bucket', { type: 'float', value }]];
  const histogram = seriesViews(
    expressionOf('{} | histogram_over_time(span.x)'),
    pageOf([8, 2, 4].map(bucket)),
  );
  expect(histogram.map(({ name }) => name)).toEqual(['up to 2', 'up to 4', 'up to 8']);
  const compared = seriesViews(
    expressionOf('{} | compare({ status = error })'),
    pageOf(['baseline', 'baseline_total', 'selection'].map((type) => [['__meta_type', text(type)]])),
  );
  expect(compared.map(({ name }) => name)).toEqual(['baseline', 'selection']);
});

test('a service keeps its colour; whoever shares one is dashed', () => {
  const services = Array.from({ length: 40 }, (_, i) => text(`service ${i}`));
  const views = seriesViews(
    expressionOf(`{} | rate() by (${SERVICE})`),
    pageOf(services.map((value) => [[SERVICE, value]])),
  );
  const alone = seriesViews(expressionOf(`{} | rate() by (${SERVICE})`), pageOf([[[SERVICE, services[30]]]]));
  expect(views[30].className.replace(/ dash-\d+$/, '')).toBe(alone[0].className);
  expect(new Set(views.slice(0, 12).map(({ className }) => className)).size).toBe(12);
});

test('figures are of the samples that there are', () => {
  const [{ figures }] = seriesViews(expressionOf('{} | rate()'), pageOf([[]], [NaN, 2, 4, NaN]));
  expect(figures).toEqual({ last: 4, min: 2, mean: 3, max: 4 });
  const [none] = seriesViews(expressionOf('{} | rate()'), pageOf([[]], [NaN, NaN]));
  expect(none.figures).toBeUndefined();
});

test('units', () => {
  const cases: [string, string][] = [
    ['{} | rate()', '0.5 /s'],
    ['{} | count_over_time()', '0.5'],
    ['{} | quantile_over_time(duration, .5)', '500 ms'],
    ['{} | max_over_time(span.bytes)', '0.5'],
    ['({ status = error } | rate()) / ({} | rate())', '0.5'],
    ['({} | rate()) + ({} | rate())', '0.5 /s'],
    ['({} | avg_over_time(duration)) / 2', '500 ms'],
    ['2 / ({} | avg_over_time(duration))', '0.5'],
  ];
  for (const [query, expected] of cases) {
    expect([query, formatFigure(0.5, metricUnit(expressionOf(query)))]).toEqual([query, expected]);
  }
});

describe('the chart', () => {
  async function chart(samples: readonly number[]): Promise<string> {
    return Html.createElement(Chart, {
      label: 'x',
      lines: [{ name: 'a', className: 'svc-1', samples: new Float64Array(samples), marks: [] }],
      startUnixNano: 0n,
      stepNano: 60_000_000_000n,
      buckets: samples.length,
      domain: { startUnixNano: 0n, endUnixNano: BigInt(samples.length) * 60_000_000_000n },
      format: String,
    });
  }
  const paths = (svg: string): string[] => [...svg.matchAll(/ d="([^"]*)"/g)].map(([, d]) => d);

  test('has a gap where there is no sample, and a point for one alone', async () => {
    expect(paths(await chart([1, 1, NaN, 1, NaN, 0]))[0].match(/M/g)).toHaveLength(3);
    expect(paths(await chart([NaN, NaN]))).toEqual(['']);
  });

  test('stays in its box, whatever the numbers', async () => {
    for (const samples of [
      [0, 0],
      [-5, 5],
      [1e300, 0],
      [Infinity, 1],
      [1e-9, 2e-9],
    ]) {
      const svg = await chart(samples);
      expect(svg).not.toMatch(/NaN|Infinity%|undefined/);
      for (const [, y] of paths(svg)[0].matchAll(/[ML][\d.e-]+,(-?[\d.e-]+)/g)) {
        expect(Number(y)).toBeGreaterThanOrEqual(0);
        expect(Number(y)).toBeLessThanOrEqual(218);
      }
    }
  });

  test('says of each moment what the line is there', async () => {
    expect(await chart([2])).toContain('<title data-times="">1970-01-01 00:00:00 UTC\n2  a</title>');
  });
});
