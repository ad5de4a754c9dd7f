/** Services, one service, and the map of calls, in a real browser. */
import { afterAll, beforeAll, expect, test } from 'bun:test';
import type { Browser } from 'playwright-core';
import { launchBrowser } from '../support/browser.ts';
import { TestServer } from '../support/server.ts';
import { at, hex, openPage, sendSpans, text } from './support.ts';

let browser: Browser;
let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start();
  browser = await launchBrowser();
  for (let i = 0; i < 4; i++) await sendCall(i);
}, 90_000);
afterAll(async () => {
  await browser?.close();
  await server?.[Symbol.asyncDispose]();
});

/** The web calls the shop, which asks its database; every other call fails. */
async function sendCall(i: number): Promise<void> {
  const [traceId, outer, inner, query] = [hex(32), hex(16), hex(16), hex(16)];
  const times = (from: number, to: number): object => ({
    startTimeUnixNano: at(60 + i, from),
    endTimeUnixNano: at(60 + i, to),
  });
  const status = i % 2 === 0 ? { code: 2, message: 'out of stock' } : {};
  await sendSpans(server, 'web', [{ traceId, spanId: outer, name: 'POST /buy', kind: 3, ...times(0, 300) }]);
  await sendSpans(server, 'shop', [
    { traceId, spanId: inner, parentSpanId: outer, name: 'buy', kind: 2, ...times(10, 290), status },
    {
      traceId,
      spanId: query,
      parentSpanId: inner,
      name: 'SELECT stock',
      kind: 3,
      ...times(20, 40),
      attributes: [text('db.system', 'postgresql')],
    },
  ]);
}

test('filter and sort by keyboard, a figure leads to its traces, Back, a shared link', async () => {
  const { page, context, trouble } = await openPage(browser);
  await page.goto(`${server.url}/services`);
  expect(await page.locator('.stats tbody tr').count()).toBe(2);
  await page.locator('input[name=filter]').focus();
  await page.keyboard.type('sho');
  await page.waitForURL(/filter=sho/);
  await page.locator('.stats tbody tr', { hasText: 'web' }).waitFor({ state: 'detached' });
  await page.locator('#sort-p95').focus();
  await page.keyboard.press('Enter');
  await page.waitForURL(/sort=p95/);
  expect(page.url()).toContain('filter=sho');
  await page.locator('th[aria-sort=descending]', { hasText: 'p95' }).waitFor();
  const shared = page.url();
  await page.locator('td[data-label=Errors] a').click();
  await page.waitForURL(/\/search\?q=/);
  expect(await page.locator('#q').inputValue()).toContain('error');
  await page.locator('.traces tbody tr').first().waitFor();
  expect(await page.locator('.traces tbody tr').count()).toBe(2);
  await page.goBack();
  await page.waitForURL(shared);
  const other = await openPage(browser);
  await other.page.goto(shared);
  expect(await other.page.locator('.stats tbody tr').count()).toBe(1);
  expect(trouble).toEqual([]);
  await other.context.close();
  await context.close();
}, 60_000);

test('a service: charts, operations, calls, latest errors come by themselves', async () => {
  const { page, context, trouble } = await openPage(browser);
  await page.goto(`${server.url}/services/shop`);
  await page.locator('.service-charts .chart').nth(2).waitFor();
  await page.locator('#errors').getByText('out of stock').first().waitFor();
  await page.locator('#calls .calls').nth(1).waitFor();
  expect(await page.locator('.late').count()).toBe(0);
  expect(await page.locator('#calls').innerText()).toContain('postgresql');
  await page.locator('#calls .calls').first().getByRole('link', { name: 'web' }).click();
  await page.waitForURL(/services\/web/);
  expect(trouble).toEqual([]);
  await context.close();
}, 60_000);

test('the map by keyboard: a node shows its neighbours, an edge its traces', async () => {
  const { page, context, trouble } = await openPage(browser);
  await page.goto(`${server.url}/map`);
  await page.locator('a.map-node').first().waitFor();
  expect(await page.locator('.map-node').count()).toBe(3);
  expect(await page.locator('.calls tbody tr').count()).toBe(2);
  await page.locator('a.map-node', { hasText: 'web' }).focus();
  await page.keyboard.press('Enter');
  await page.waitForURL(/service=web/);
  await page.locator('.map-node.is-chosen').waitFor();
  expect(await page.locator('.map-node').count()).toBe(2);
  await page.locator('a.map-edge').first().focus();
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/search/);
  expect(await page.locator('#q').inputValue()).toBe(
    '{ resource.service.name = "web" } > { resource.service.name = "shop" }',
  );
  await page.locator('.traces tbody tr').first().waitFor();
  expect(await page.locator('.traces tbody tr').count()).toBe(4);
  expect(trouble).toEqual([]);
  await context.close();
}, 60_000);

test('all of it without JavaScript, at 360 px', async () => {
  const viewport = { width: 360, height: 740 };
  const { page, context } = await openPage(browser, { javaScriptEnabled: false, viewport });
  for (const path of ['/services?part=all', '/services/shop?part=all', '/map?part=map']) {
    await page.goto(`${server.url}${path}`);
    expect(await page.locator('.late').count()).toBe(0);
    const body = await page.locator('body').boundingBox();
    expect(body?.width).toBe(360);
  }
  expect(await page.locator('.map-node').count()).toBe(3);
  await page.goto(`${server.url}/services?start=nonsense`);
  await page.getByText('Not a range').waitFor();
  await context.close();
}, 60_000);
