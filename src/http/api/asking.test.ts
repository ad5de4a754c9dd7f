/** What every question of the API may carry: pages that keep their range, an explanation, a time limit. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { CART, DescribedApi } from '../testing/described.ts';
import type { Json } from '../testing/described.ts';

let api: DescribedApi;
beforeAll(async () => {
  api = await DescribedApi.start();
});
afterAll(() => api[Symbol.asyncDispose]());

interface Page {
  readonly spans: readonly { readonly spanId: string }[];
  readonly nextCursor?: string;
}

describe('cursors', () => {
  async function firstPage(rest = ''): Promise<string> {
    const { nextCursor } = await api.ask<Page>(`/api/v1/spans?limit=1${rest}`);
    if (nextCursor === undefined) throw new Error('one page is all');
    return nextCursor;
  }

  test('of `since` keep the range of the first page', async () => {
    const cursor = await firstPage('&since=24h');
    const next = await api.ask<Page>(`/api/v1/spans?since=24h&cursor=${cursor}`);
    expect(next.spans).toHaveLength(2);
  });

  test('of another range, order, query or kind are refused', async () => {
    const cursor = await firstPage('&start=2020-01-01T00:00:00Z');
    for (const path of [
      `/spans?cursor=${cursor}`,
      `/spans?start=2020-01-01T00:00:01Z&cursor=${cursor}`,
      `/spans?start=2020-01-01T00:00:00Z&order=oldest&cursor=${cursor}`,
      `/spans?start=2020-01-01T00:00:00Z&status=error&cursor=${cursor}`,
      `/traces?start=2020-01-01T00:00:00Z&cursor=${cursor}`,
    ]) {
      const { error } = await api.ask<{ error: Json }>(`/api/v1${path}`, 400);
      expect([path, error.code]).toEqual([path, 'invalid_cursor']);
    }
  });

  test.each(['x', '%00', 'A'.repeat(5000), '..%2f..', encodeURIComponent('~~~~'), '-1', '{}'])(
    'made up are refused: %s',
    async (cursor) => {
      const { error } = await api.ask<{ error: Json }>(`/api/v1/spans?since=1h&cursor=${cursor}`, 400);
      expect(error.code).toBe('invalid_cursor');
    },
  );
});

const all = encodeURIComponent('{ name != "" }');

test.each([
  '/spans?limit=1',
  `/traces?q=${all}`,
  `/traces/${CART}?explain=true`,
  '/services?since=1h',
  '/operations?service=cart',
  `/attributes?q=${all}`,
  `/attributes/http.route/values?q=${all}`,
  `/metrics?q=${all}${encodeURIComponent(' | rate()')}&step=1h&since=24h`,
  `/heatmap?q=${all}`,
  `/facets?q=${all}&field=name`,
  `/comparison?q=${all}&selection=${encodeURIComponent('{ status = error }')}`,
  '/dependencies?since=24h',
])('%s is explained as described', async (path) => {
  const asked = path.includes('explain=') ? path : `${path}${path.includes('?') ? '&' : '?'}explain=true`;
  const { explain } = await api.ask<{ explain?: { stages: { name: string }[]; bufferRows: number } }>(
    `/api/v1${asked}`,
  );
  expect(explain?.stages.at(-1)?.name).toBe('merge');
});

test('the search page shows the explanation where it is asked for, and keeps asking', async () => {
  const page = async (path: string) => (await api.servers.fetch(path)).text();
  const explained = await page(`/search?since=24h&explain=1&q=${all}`);
  expect(explained).toContain('How this was answered');
  expect(explained).toContain('Where the time went');
  expect(explained).toMatch(/order=slowest[^"]*explain=1/);
  const plain = await page(`/search?since=24h&q=${all}`);
  expect(plain).not.toContain('How this was answered');
  expect(plain).toMatch(/href="[^"]*explain=1[^"]*"[^>]*>Explain</);
});
