/** The waterfall in a real browser: find, steps, zoom, folds, and 20,000 rows by scroll and by keyboard. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import type { Browser, Page } from 'playwright-core';
import { launchBrowser } from '../support/browser.ts';
import { TestServer } from '../support/server.ts';
import { at, hex, openPage, sendSpans, text } from './support.ts';
import type { JsonSpan } from './support.ts';

const SPANS = 20_000;
const long = hex(32);
const loop = hex(32);
let browser: Browser;
let server: TestServer;

const id = (n: number): string => n.toString(16).padStart(16, '0');

beforeAll(async () => {
  browser = await launchBrowser();
  server = await TestServer.start();
  const base = BigInt(at(60));
  const spans = Array.from({ length: SPANS }, (_, i): JsonSpan => {
    const start = base + BigInt(i) * 10_000n;
    return {
      traceId: long,
      spanId: id(i + 1),
      parentSpanId: i === 0 ? '' : id(Math.floor((i - 1) / 5) + 1),
      name: `op ${i % 37}`,
      startTimeUnixNano: String(start),
      endTimeUnixNano: String(start + (i === 0 ? 300_000_000n : 2_000_000n)),
      attributes: [text('item', `v${i}`)],
      status: i === 15_000 ? { code: 2 } : {},
    };
  });
  for (let i = 0; i < SPANS; i += 5000) await sendSpans(server, 'shop', spans.slice(i, i + 5000));
  const moment = (ms: number): object => ({
    startTimeUnixNano: String(base + BigInt(ms) * 1_000_000n),
    endTimeUnixNano: String(base + BigInt(ms + (ms === 0 ? 100 : 2)) * 1_000_000n),
  });
  await sendSpans(server, 'shop', [
    { traceId: loop, spanId: id(1), name: 'GET /list', kind: 2, ...moment(0) },
    ...Array.from({ length: 30 }, (_, i) => ({
      traceId: loop,
      spanId: id(i + 2),
      parentSpanId: id(1),
      name: 'SELECT item',
      kind: 3,
      ...moment(3 * i + 1),
      status: i === 7 ? { code: 2, message: 'lock timeout' } : {},
    })),
  ]);
}, 90_000);
afterAll(async () => {
  await browser?.close();
  await server?.[Symbol.asyncDispose]();
});

const rowsInPage = (page: Page): Promise<number> => page.locator('.wf-row').count();

describe('waterfall', () => {
  test('similar siblings are one row, that opens; a step to the error opens it too', async () => {
    const { page, context, trouble } = await openPage(browser);
    await page.goto(`${server.url}/traces/${loop}`);
    expect(await rowsInPage(page)).toBe(2);
    expect(await page.locator('.wf-row.is-fold').innerText()).toContain('30 calls');
    await page.locator('.wf-row').first().focus();
    await page.keyboard.press(']');
    await page.waitForURL(/span=0000000000000009/);
    await page.locator('#span-panel').getByText('lock timeout').first().waitFor();
    expect(await rowsInPage(page)).toBe(32);
    const shared = page.url();
    await page.goBack();
    await page.waitForURL(new RegExp(`${loop}$`));
    await page.locator('.wf-row').nth(2).waitFor({ state: 'detached' });
    const other = await openPage(browser, { javaScriptEnabled: false });
    await other.page.goto(shared);
    expect(await other.page.locator('.wf-row[aria-selected=true]').innerText()).toContain('SELECT item');
    await other.context.close();
    expect(trouble).toEqual([]);
    await context.close();
  }, 60_000);

  test('find, matches only, zoom by drag and by key, and back', async () => {
    const { page, context, trouble } = await openPage(browser);
    await page.goto(`${server.url}/traces/${loop}?similar=apart`);
    await page.locator('.wf-row').first().focus();
    await page.keyboard.press('f');
    await page.keyboard.type('{ status = error }');
    await page.keyboard.press('Enter');
    await page.waitForURL(/q=/);
    await page.locator('#find-count', { hasText: '1' }).waitFor();
    await page.getByRole('link', { name: 'Matches' }).click();
    await page.waitForURL(/only=matches/);
    await page.locator('.wf-chosen').waitFor();
    expect(await rowsInPage(page)).toBe(2);
    const map = await page.locator('.minimap-map').boundingBox();
    if (!map) throw new Error('there is no minimap');
    await page.mouse.move(map.x + map.width * 0.2, map.y + 20);
    await page.mouse.down();
    await page.mouse.move(map.x + map.width * 0.4, map.y + 20, { steps: 4 });
    await page.mouse.up();
    await page.waitForURL(/from=.*to=/);
    await page.locator('.minimap-outside').waitFor();
    await page.locator('.wf-row').last().focus();
    await page.keyboard.press('0');
    await page.locator('.minimap-outside').waitFor({ state: 'detached' });
    expect(page.url()).not.toContain('from=');
    await page.goBack();
    await page.waitForURL(/from=/);
    await page.locator('.minimap-outside').waitFor();
    expect(trouble).toEqual([]);
    await context.close();
  }, 60_000);

  test('20,000 rows: scroll and keys bring what is there, the page stays small', async () => {
    const { page, context, trouble } = await openPage(browser);
    await page.goto(`${server.url}/traces/${long}?similar=apart`);
    await page.locator('.wf-row').first().focus();
    await page.keyboard.press('End');
    await page.locator(`.wf-row[aria-rowindex="${SPANS + 1}"]:focus`).waitFor();
    await page.keyboard.press('Home');
    await page.locator('.wf-row[aria-rowindex="2"]:focus').waitFor();
    for (const row of [3_000, 9_000, 8_000, 15_000]) {
      await page.evaluate((y) => scrollTo(0, y), row * 28);
      await page.locator(`.wf-row[aria-rowindex="${row}"]`).waitFor();
      expect(await rowsInPage(page)).toBeLessThan(2000);
    }
    await page.waitForURL(/row=1[45]\d\d\d/);
    await page.reload();
    await page.locator('.wf-row[aria-rowindex="15000"]').waitFor();
    expect(trouble).toEqual([]);
    await context.close();
  }, 60_000);

  test('errors alone, levels, a service closed: each in the address, and back', async () => {
    const { page, context, trouble } = await openPage(browser);
    await page.goto(`${server.url}/traces/${loop}?similar=apart`);
    const shown = (count: number): Promise<unknown> =>
      page.waitForFunction((wanted) => document.querySelectorAll('.wf-row').length === wanted, count);
    await shown(31);
    const spans = page.getByRole('group', { name: 'Spans shown' });
    await spans.getByRole('link', { name: 'Errors' }).click();
    await shown(2);
    expect(await page.locator('.wf-row').nth(1).innerText()).toContain('SELECT item');
    await spans.getByRole('link', { name: 'Calls' }).click();
    await shown(1);
    await page.goBack();
    await shown(2);
    await spans.getByRole('link', { name: 'Critical path' }).click();
    await shown(31);
    await spans.getByRole('link', { name: 'All', exact: true }).click();
    await page.waitForURL((url) => !url.search.includes('only='));
    await page.getByRole('group', { name: 'Levels shown' }).getByRole('link', { name: 'Level 1' }).click();
    await shown(1);
    // What is closed tells of the error below it.
    expect(await page.locator('.wf-row .icon-error, .wf-row .error').count()).toBeGreaterThan(0);
    await page.locator('.wf-row').first().focus();
    await page.keyboard.press('ArrowRight');
    await shown(31);
    await page.keyboard.press('ArrowLeft');
    await shown(1);
    expect(await page.locator('.wf-row').first().getAttribute('aria-expanded')).toBe('false');
    await page.goto(`${server.url}/traces/${loop}?similar=apart`);
    await page.locator('.wf-more summary').click();
    await page.locator('.wf-more').getByRole('link', { name: 'shop' }).click();
    await shown(1);
    await page.goBack();
    await shown(31);
    expect(trouble).toEqual([]);
    await context.close();
  }, 60_000);

  test('windows are links without JavaScript', async () => {
    const { page, context } = await openPage(browser, { javaScriptEnabled: false });
    await page.goto(`${server.url}/traces/${long}?similar=apart`);
    await page.getByRole('link', { name: 'Later' }).first().click();
    expect(page.url()).toContain('row=300');
    expect(await page.locator('.wf-row').first().getAttribute('aria-rowindex')).toBe('302');
    await page.locator('#find').fill('v777');
    await page.locator('#find').press('Enter');
    expect(await page.locator('#find-count').innerText()).toContain('1');
    await page.getByRole('link', { name: 'Next match' }).click();
    await page.locator('.wf-row[aria-selected=true]').waitFor();
    expect(await page.locator('.wf-row[aria-selected=true]').count()).toBe(1);
    await context.close();
  }, 60_000);
});
