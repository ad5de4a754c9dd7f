/** The routes of figures over a real lake; each answer, good or bad, against its schema in /openapi.json. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import type { Store } from '../../store/store-upkeep.ts';
import { CART, DescribedApi, NOW, ORDER, SECOND } from '../testing/described.ts';
import type { Json } from '../testing/described.ts';

/** What the store was asked, by method, last. */
const asked = new Map<string, unknown[]>();
let api: DescribedApi;
beforeAll(async () => {
  api = await DescribedApi.start({
    wrap: (lake) =>
      new Proxy<Store>(lake, {
        get(target, name) {
          const value: unknown = Reflect.get(target, name);
          if (typeof value !== 'function') return value;
          return (...args: unknown[]): unknown => {
            asked.set(String(name), args);
            return Reflect.apply(value, target, args);
          };
        },
      }),
  });
});
afterAll(() => api[Symbol.asyncDispose]());

function path(route: string, params: Record<string, string> | string[][]): string {
  return `/api/v1${route}?${new URLSearchParams(params)}`;
}

interface Label {
  readonly key: string;
  readonly value: Json;
}
interface Series {
  readonly labels: readonly Label[];
  readonly samples: readonly (number | null)[];
  readonly exemplars: readonly Json[];
}
interface Metrics extends Json {
  readonly startUnixNano: string;
  readonly stepNano: string;
  readonly buckets: number;
  readonly series: readonly Series[];
}

function metrics(q: string, params: Record<string, string> = {}): Promise<Metrics> {
  return api.ask<Metrics>(path('/metrics', { q, ...params }));
}

/** By the texts of the labels' values; the sum of the samples. */
function sums({ series }: Metrics): Record<string, number> {
  return Object.fromEntries(
    series.map(({ labels, samples }) => [
      labels.map(({ value }) => String(Object.values(value)[0])).join(),
      samples.reduce<number>((sum, sample) => sum + (sample ?? 0), 0),
    ]),
  );
}

describe('/metrics', () => {
  test('counts by service, in steps that begin at whole multiples', async () => {
    const answer = await metrics('{} | count_over_time() by (resource.service.name)', { step: '10m' });
    expect(answer.stepNano).toBe(String(600n * SECOND));
    expect(BigInt(answer.startUnixNano) % (600n * SECOND)).toBe(0n);
    expect(answer.buckets).toBeGreaterThan(11);
    expect(answer.series.every(({ samples }) => samples.length === answer.buckets)).toBe(true);
    expect(sums(answer)).toEqual({ cart: 2, order: 1 });
    expect(answer.series[0].labels).toEqual([
      { key: 'resource.service.name', value: { stringValue: 'cart' } },
    ]);
    expect(answer).toMatchObject({ complete: true });
    expect(answer.explain).toBeUndefined();
  });

  test('one bucket with instant=true, and about a hundred without a step', async () => {
    const start = String(NOW - 10_000n * SECOND);
    const instant = await metrics('{} | count_over_time()', { instant: 'true', start });
    expect([instant.buckets, sums(instant)]).toEqual([1, { '': 3 }]);
    const stepped = await metrics('{} | count_over_time()', { start, end: String(NOW) });
    // 10,000 s by 100 s, and the next round step up.
    expect(stepped.stepNano).toBe(String(120n * SECOND));
    expect(stepped.buckets).toBeLessThan(101);
    // Nothing narrows the range: from the first span, two hours ago, to the last.
    const open = await metrics('{} | count_over_time()');
    expect(open.stepNano).toBe(String(120n * SECOND));
    expect(sums(open)).toEqual({ '': 3 });
  });

  test('since alone', async () => {
    const answer = await metrics('{} | count_over_time()', { since: '30m' });
    expect(answer.stepNano).toBe(String(30n * SECOND));
    expect(sums(answer)).toEqual({ '': 2 });
  });

  test('plain filters stand beside the query', async () => {
    const by = '| count_over_time() by (name)';
    expect(sums(await metrics(`{} ${by}`, { service: 'cart' }))).toEqual({ 'GET /cart': 1, SELECT: 1 });
    expect(sums(await metrics(`{ kind = server } ${by}`, { service: 'cart' }))).toEqual({ 'GET /cart': 1 });
    expect(sums(await metrics(`{} ${by}`, { minDuration: '500ms' }))).toEqual({ SELECT: 1 });
  });

  test('durations are seconds, labels keep their types, nil is empty', async () => {
    const quantile = await metrics('{ name = "SELECT" } | quantile_over_time(duration, .5)', {
      instant: 'true',
    });
    expect(quantile.series[0].labels).toEqual([{ key: 'p', value: { doubleValue: 0.5 } }]);
    expect(quantile.series[0].samples[0]).toBeCloseTo(0.9, 1);
    const byCode = await metrics('{} | count_over_time() by (span.code, status)', { instant: 'true' });
    const values = byCode.series.map(({ labels }) => labels.map(({ value }) => value));
    expect(values).toContainEqual([{ intValue: '500' }, { stringValue: 'error' }]);
    expect(values).toContainEqual([{}, { stringValue: 'unset' }]);
  });

  test('exemplars when asked for, limit of the series, no samples as null', async () => {
    const answer = await metrics('{} | avg_over_time(duration) by (resource.service.name)', {
      exemplars: '2',
      step: '10m',
    });
    const cart = answer.series.find(({ labels }) => labels[0].value.stringValue === 'cart');
    expect(cart?.exemplars[0]).toMatchObject({ traceId: CART });
    expect(cart?.samples).toContain(null);
    const bare = await metrics('{} | rate() by (name)');
    expect(bare.series.flatMap(({ exemplars }) => exemplars)).toEqual([]);
    const cut = await metrics('{} | rate() by (name)', { limit: '1' });
    expect(cut.series).toHaveLength(1);
    expect(cut.complete).not.toBe(true);
  });

  test('nothing matches: an answer all the same', async () => {
    const answer = await metrics('{ name = "none" } | rate() by (name)');
    expect(answer.series).toEqual([]);
  });

  test('a question of another kind is told where to ask', async () => {
    const q = '{ status = error }';
    const toMetrics = await api.ask<{ error: Json }>(path('/metrics', { q }), 400);
    expect(toMetrics.error).toMatchObject({ code: 'unsupported_query', position: q.length });
    expect(toMetrics.error.message).toContain('| rate()');
    expect(toMetrics.error.message).toContain('/api/v1/spans');
    for (const route of ['/spans', '/traces', '/heatmap', '/attributes', '/attributes/name/values']) {
      const toSearch = await api.ask<{ error: Json }>(path(route, { q: `${q} | rate()` }), 400);
      expect([route, toSearch.error.code, toSearch.error.position]).toEqual([
        route,
        'unsupported_query',
        q.length + 3,
      ]);
      expect(toSearch.error.message).toContain('/api/v1/metrics');
    }
  });
});

test('/heatmap: each matching span once, errors among them', async () => {
  interface Heatmap extends Json {
    readonly columns: number;
    readonly rows: readonly { readonly counts: number[]; readonly errors: number[] }[];
  }
  const sum = (numbers: number[]) => numbers.reduce((a, b) => a + b, 0);
  const all = await api.ask<Heatmap>(path('/heatmap', { columns: '20' }));
  expect(all.columns).toBeLessThanOrEqual(20);
  for (const { counts, errors } of all.rows) {
    expect([counts.length, errors.length]).toEqual([all.columns, all.columns]);
  }
  expect(sum(all.rows.map(({ counts }) => sum(counts)))).toBe(3);
  expect(sum(all.rows.map(({ errors }) => sum(errors)))).toBe(1);
  const some = await api.ask<Heatmap>(path('/heatmap', { q: '{ kind = client }', service: 'cart' }));
  expect(sum(some.rows.map(({ counts }) => sum(counts)))).toBe(1);
});

test('/facets: several fields in one answer', async () => {
  const answer = await api.ask<{ count: number; facets: Json[] }>(
    path('/facets', [
      ['field', 'resource.service.name'],
      ['field', 'span.http.route'],
      ['limit', '1'],
    ]),
  );
  expect(answer).toMatchObject({
    count: 3,
    facets: [
      {
        field: 'resource.service.name',
        values: [{ type: 'string', value: 'cart', count: 2 }],
        distinct: 2,
        missing: 0,
      },
      { field: 'span.http.route', distinct: 2, missing: 1 },
    ],
  });
  const narrowed = await api.ask<{ count: number }>(path('/facets', { field: 'name', status: 'error' }));
  expect(narrowed.count).toBe(1);
});

test('/comparison: what the selection has that the others have not', async () => {
  const answer = await api.ask<{ fields: { field: string; difference: number; values: Json[] }[] } & Json>(
    path('/comparison', { q: '{}', selection: '{ status = error }', limit: '1000' }),
  );
  expect(answer).toMatchObject({ selected: 1, baseline: 2 });
  const service = answer.fields.find(({ field }) => field === 'resource.service.name');
  expect(service?.difference).toBe(1);
  expect(service?.values).toContainEqual({ type: 'string', value: 'order', selected: 1, baseline: 0 });
});

test('/dependencies', async () => {
  const answer = await api.ask<{ dependencies: Json[] }>('/api/v1/dependencies?since=3h');
  expect(Array.isArray(answer.dependencies)).toBe(true);
});

const REFUSED: [string, string][] = [
  ['/metrics', 'found none'],
  ['/metrics?q=%7B%7D%7Crate()&step=5', 'step is a duration'],
  ['/metrics?q=%7B%7D%7Crate()&step=0s', 'above 0'],
  ['/metrics?q=%7B%7D%7Crate()&step=-5s', 'above 0'],
  ['/metrics?q=%7B%7D%7Crate()&step=5s&instant=true', 'either step or instant'],
  ['/metrics?q=%7B%7D%7Crate()&instant=yes', 'instant is one of'],
  ['/metrics?q=%7B%7D%7Crate()&exemplars=-1', 'exemplars is a number'],
  ['/metrics?q=%7B%7D%7Crate()&limit=0', 'limit is a number'],
  ['/metrics?q=%7B%7D%7Crate()&order=newest', 'unknown parameter "order"'],
  ['/metrics?q=%7B%7D%7Crate(', 'position'],
  ['/heatmap?columns=0', 'columns is a number'],
  ['/heatmap?explain=1', 'explain is one of'],
  ['/facets', 'field is missing'],
  ['/facets?field=', 'field is one as TraceQL writes it'],
  [`/facets?${'field=name&'.repeat(21)}`, 'at most 20'],
  ['/comparison?q=%7B%7D', 'selection is missing'],
  ['/comparison?selection=%7B%7D', 'every span'],
  ['/comparison?selection=%7B', 'selection: expected'],
  [`/comparison?selection=${encodeURIComponent('{} >> {}')}`, 'selection: expected'],
  ['/dependencies?q=%7B%7D', 'unknown parameter "q"'],
];
test.each(REFUSED)('%s: 400', async (route, message) => {
  const { error } = await api.ask<{ error: { message: string } }>(`/api/v1${route}`, 400);
  expect(error.message).toContain(message);
});

test('a pipeline: spansets of each trace, select as a stage or as a parameter', async () => {
  interface Traces extends Json {
    readonly traces: readonly (Json & { readonly spansets?: readonly Json[] })[];
  }
  const q = '{} | by(resource.service.name) | count() > 1';
  const { traces } = await api.ask<Traces>(path('/traces', { q }));
  expect(traces.map(({ traceId }) => traceId)).toEqual([CART]);
  expect(traces[0].spansets).toMatchObject([
    { matchedCount: 2, spans: [{ name: 'GET /cart' }, { name: 'SELECT' }] },
  ]);
  expect(traces[0].spansets?.[0].attributes).toContainEqual({ key: 'count()', value: { intValue: '2' } });
  const plain = await api.ask<Traces>(path('/traces', { q: '{ status = error }' }));
  expect(plain.traces[0]).toMatchObject({ traceId: ORDER });
  expect(plain.traces[0].spansets).toBeUndefined();

  const keys = async (params: Record<string, string>): Promise<string[]> => {
    const page = await api.ask<{ spans: { attributes: { key: string }[] }[] }>(path('/spans', params));
    return page.spans[0].attributes.map(({ key }) => key);
  };
  const filter = '{ name = "GET /cart" }';
  expect(await keys({ q: `${filter} | select(span.http.route, name)` })).toEqual(['http.route']);
  expect(await keys({ q: `${filter} | select(.http.route)`, select: 'int' })).toEqual(['http.route', 'int']);
  expect(await keys({ q: filter, select: 'int' })).toEqual(['int']);
});

test('every question is given up when the asker leaves', async () => {
  const routes: [string, string][] = [
    ['metrics', path('/metrics', { q: '{} | rate()', step: '1m' })],
    ['heatmap', '/api/v1/heatmap'],
    ['facets', '/api/v1/facets?field=name'],
    ['comparison', path('/comparison', { selection: '{ status = error }' })],
    ['dependencies', '/api/v1/dependencies'],
    ['searchSpans', '/api/v1/spans'],
    ['searchTraces', '/api/v1/traces'],
    ['trace', `/api/v1/traces/${CART}`],
    ['serviceStats', '/api/v1/services'],
    ['operationStats', '/api/v1/operations?service=cart'],
    ['attributeKeys', '/api/v1/attributes'],
    ['attributeValues', '/api/v1/attributes/name/values'],
  ];
  for (const [method, route] of routes) {
    asked.clear();
    await api.ask(route);
    const question = asked.get(method)?.at(-1) as { signal?: unknown } | undefined;
    expect([method, question?.signal instanceof AbortSignal]).toEqual([method, true]);
  }
});

test('the examples of the description hold', async () => {
  const needs: Readonly<Record<string, Record<string, string>>> = {
    '/metrics': { q: '{} | rate()' },
    '/facets': { field: 'name' },
    '/comparison': { selection: '{ status = error }' },
  };
  const { FIGURE_ROUTES } = await import('./figures.ts');
  const { PARAMETERS, parameterKey } = await import('./openapi-parameters.ts');
  for (const { path: route, params } of FIGURE_ROUTES) {
    for (const name of params) {
      const { example } = PARAMETERS[parameterKey(route, name)];
      const given = Object.entries(needs[route] ?? {}).filter(([key]) => key !== name);
      const values = [example].flat().map(String);
      await api.ask(path(route, [...given, ...values.map((value) => [name, value])]));
    }
  }
});
