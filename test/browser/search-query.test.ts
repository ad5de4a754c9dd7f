/** The query bar, columns, rows by keyboard, saved searches and the live tail, in a real browser. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import type { Browser } from 'playwright-core';
import { launchBrowser } from '../support/browser.ts';
import { TestServer } from '../support/server.ts';
import { at, hex, openPage, sendSpans, text } from './support.ts';

let browser: Browser;
let server: TestServer;

beforeAll(async () => {
  browser = await launchBrowser();
}, 60_000);
afterAll(() => browser?.close());
beforeEach(async () => {
  server = await TestServer.start({ binary: process.env.SPANLAKE_TEST_BINARY });
  await send('GET /cart', 30);
  await send('GET /checkout', 40);
}, 60_000);
afterEach(() => server[Symbol.asyncDispose]());

async function send(name: string, secondsAgo: number, error = false): Promise<void> {
  const times = { startTimeUnixNano: at(secondsAgo), endTimeUnixNano: at(secondsAgo, 20) };
  const status = error ? { status: { code: 2 } } : {};
  const attributes = [text('http.route', name.slice(4))];
  await sendSpans(server, 'shop', [
    { traceId: hex(32), spanId: hex(16), name, kind: 2, attributes, ...times, ...status },
  ]);
}

describe('search by query', () => {
  test('a query is completed by keyboard, Enter searches, j and k go through the rows, Back returns', async () => {
    const { page, context, trouble } = await openPage(browser);
    await page.goto(`${server.url}/search?view=spans`);
    await page.keyboard.press('/');
    await page.keyboard.type('rout');
    await page.locator('#completions [role=option]', { hasText: 'span.http.route' }).waitFor();
    await page.keyboard.press('Tab');
    expect(await page.locator('#q').inputValue()).toBe('span.http.route ');
    await page.locator('#completions [role=option]', { hasText: /^!=/ }).waitFor();
    await page.keyboard.type('= "/ca');
    const value = page.locator('#completions [role=option]', { hasText: '/cart' });
    await value.waitFor();
    await page.keyboard.press('ArrowDown');
    expect(await value.getAttribute('aria-selected')).toBe('true');
    await page.keyboard.press('Enter');
    expect(await page.locator('#q').inputValue()).toBe('span.http.route = "/cart" ');
    await page.keyboard.press('Escape');
    await page.keyboard.press('Enter');
    await page.waitForURL(/q=.*cart/);
    await page.locator('.spans tbody tr', { hasText: 'GET /checkout' }).waitFor({ state: 'detached' });
    expect(await page.locator('.spans tbody tr').count()).toBe(1);
    await page.goBack();
    await page.locator('.spans tbody tr', { hasText: 'GET /checkout' }).waitFor();
    await page.locator('#q').blur();
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    expect(await page.locator('[data-row]:focus').innerText()).toContain('GET /checkout');
    await page.keyboard.press('k');
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/traces\/[0-9a-f]{32}\?span=/);
    expect(trouble).toEqual([]);
    await context.close();
  }, 60_000);

  test('columns and saved searches without JavaScript, and a shared link in a fresh browser', async () => {
    const { page, context } = await openPage(browser, { javaScriptEnabled: false });
    await page.goto(`${server.url}/search?view=spans`);
    await page.locator('#columns summary').click();
    await page.locator('#columns').getByLabel('span.http.route').check();
    await page.getByRole('button', { name: 'Show columns' }).click();
    expect(await page.locator('.spans tbody tr').first().innerText()).toContain('/cart');
    await page.locator('#saved summary').click();
    await page.getByLabel('Save this search as').fill('By <route>');
    await page.getByRole('button', { name: 'Save' }).click();
    expect(page.url()).toContain('cols=span.http.route');
    await page.goto(`${server.url}/search`);
    await page.locator('#saved summary').click();
    await page.getByRole('link', { name: 'By <route>' }).click();
    const shared = page.url();
    await page.goto(`${server.url}/search/saved`);
    await page.getByLabel('New name of By <route>').fill('Routes');
    await page.getByRole('button', { name: 'Rename' }).click();
    await page.getByRole('link', { name: 'Routes' }).waitFor();
    await page.getByRole('button', { name: 'Delete Routes' }).click();
    await page.getByText('Nothing saved yet').waitFor();
    await context.close();
    const fresh = await openPage(browser);
    await fresh.page.goto(shared);
    expect(await fresh.page.locator('th', { hasText: 'span.http.route' }).count()).toBe(1);
    await fresh.context.close();
  }, 60_000);

  test('a live tail shows what comes, pauses and resumes', async () => {
    const { page, context, trouble } = await openPage(browser);
    await page.goto(`${server.url}/search/tail?q=${encodeURIComponent('{ status = error }')}`);
    await page.getByText('Watching. No span').waitFor();
    await send('GET /failing', 1, true);
    await send('GET /fine', 1);
    await page.locator('#tail-rows tr', { hasText: 'GET /failing' }).waitFor();
    expect(await page.locator('#tail-rows tr').count()).toBe(1);
    await page.getByRole('link', { name: 'Pause' }).click();
    await page.getByText('Paused.').waitFor();
    await send('GET /later', 1, true);
    await Bun.sleep(1_500);
    expect(await page.locator('#tail-rows tr').count()).toBe(1);
    await page.getByRole('link', { name: 'Resume' }).click();
    await page.locator('#tail-rows tr', { hasText: 'GET /later' }).waitFor();
    expect(await page.locator('#tail-rows tr').count()).toBe(2);
    expect(trouble).toEqual([]);
    await context.close();
  }, 60_000);
});
