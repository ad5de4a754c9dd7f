/** Facets, heatmap and comparison of the search page: by mouse, by keyboard, without JavaScript. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import type { Browser, Page } from 'playwright-core';
import { launchBrowser } from '../support/browser.ts';
import { TestServer } from '../support/server.ts';
import { at, hex, openPage, sendSpans, text } from './support.ts';
import type { JsonSpan } from './support.ts';

let browser: Browser;
let server: TestServer;

/** 40 fast calls of one route; 10 slow ones of another, that fail, all by one tenant. */
function calls(): JsonSpan[] {
  return Array.from({ length: 50 }, (_, i) => {
    const slow = i % 5 === 0;
    return {
      traceId: hex(32),
      spanId: hex(16),
      name: slow ? 'POST /pay' : 'GET /cart',
      kind: 2,
      startTimeUnixNano: at(900 - i * 15),
      endTimeUnixNano: at(900 - i * 15, slow ? 2000 : 8),
      attributes: [text('http.route', slow ? '/pay' : '/cart'), text('tenant', slow ? 'acme' : `t${i % 3}`)],
      ...(slow ? { status: { code: 2 } } : {}),
    };
  });
}

beforeAll(async () => {
  [browser, server] = await Promise.all([launchBrowser(), TestServer.start()]);
  await sendSpans(server, 'shop', calls());
}, 60_000);
afterAll(async () => {
  await browser?.close();
  await server?.[Symbol.asyncDispose]();
});

const facet = (page: Page, name: string) => page.locator('.facet', { hasText: name }).first();
const query = (page: Page): Promise<string> => page.locator('#q').inputValue();

describe('search beside the results', () => {
  test('a facet filters, marks what is chosen, and lets it go; Back goes back', async () => {
    const { page, context, trouble } = await openPage(browser);
    await page.goto(`${server.url}/search`);
    const route = facet(page, 'span.http.route');
    await route.getByRole('link', { name: '/pay 10' }).click();
    await page.waitForURL(/http\.route/);
    await page.locator('.is-chosen a[aria-current]', { hasText: '/pay' }).waitFor();
    expect(await query(page)).toBe('{ span.http.route = "/pay" }');
    expect(await page.locator('.facets-count').innerText()).toBe('10 spans match');
    expect(await page.locator('.conditions li').count()).toBe(1);
    await page.locator('.is-chosen').getByRole('link', { name: 'Drop the filter /pay' }).first().click();
    await page.getByText('50 spans match').waitFor();
    expect(await query(page)).toBe('');
    await page.goBack();
    await page.getByText('10 spans match').waitFor();
    expect(await query(page)).toBe('{ span.http.route = "/pay" }');
    await page.goForward();
    await page.getByText('50 spans match').waitFor();
    await facet(page, 'Status').locator('li', { hasText: 'error' }).hover();
    await facet(page, 'Status').getByRole('link', { name: 'Filter out error' }).click();
    await page.getByText('40 spans match').waitFor();
    expect(await query(page)).toBe('{ span:status != error }');
    expect(trouble).toEqual([]);
    await context.close();
  }, 60_000);

  test('another attribute is counted by its name, and a shared address shows it', async () => {
    const first = await openPage(browser);
    await first.page.goto(`${server.url}/search`);
    await first.page.getByLabel('Count another attribute').last().fill('span:id');
    await first.page.keyboard.press('Enter');
    await first.page.waitForURL(/facet=span/);
    await first.page.locator('.facet-key', { hasText: 'span:id' }).waitFor();
    const shared = first.page.url();
    await first.context.close();
    const { page, context } = await openPage(browser);
    await page.goto(shared);
    await page.locator('.facet-key', { hasText: 'span:id' }).waitFor();
    await page.getByRole('link', { name: 'Stop counting this' }).click();
    await page.locator('.facet-key', { hasText: 'span:id' }).waitFor({ state: 'detached' });
    await context.close();
  }, 60_000);

  test('a part of the heatmap is dragged, compared, and shown alone', async () => {
    const { page, context, trouble } = await openPage(browser);
    await page.goto(`${server.url}/search`);
    const plot = page.locator('[data-heatmap]');
    await plot.waitFor();
    expect(await page.locator('.heatmap-head').textContent()).toContain('50 matching spans, 10');
    const box = (await plot.boundingBox())!;
    await page.mouse.move(box.x + 1, box.y + 1);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width / 2, box.y + 20);
    await page.mouse.move(box.x + box.width - 1, box.y + box.height * 0.4);
    await page.mouse.up();
    const min = page.locator('input[name=sel-min]');
    expect(await min.inputValue()).toMatch(/^\d+ms$/);
    expect(await page.locator('input[name=sel-from]').inputValue()).toBe('');
    // The drag leaves the focus on the first button.
    await page.keyboard.press('Enter');
    await page.waitForURL(/sel-min=/);
    const words = page.locator('.comparison-words');
    await words.waitFor();
    expect(await words.innerText()).toContain('in 100 % of the selection and in 0 % of the rest');
    expect(await page.locator('.comparison').innerText()).toContain('10 spans');
    expect(await page.locator('.comparison-field', { hasText: 'span.tenant' }).first().innerText()).toContain(
      'acme',
    );
    await page.getByRole('button', { name: 'Show only these spans' }).click();
    await page.waitForURL(/duration/);
    await page.getByText('10 spans match').waitFor();
    expect(await query(page)).toMatch(/^\{ span:duration >= \d+ms( && span:duration < [\d.]+s)? \}$/);
    expect(page.url()).not.toContain('sel-');
    await page.goBack();
    await words.waitFor();
    expect(trouble).toEqual([]);
    await context.close();
  }, 60_000);

  test('a step of the heatmap by keyboard, and a part that reads like none', async () => {
    const { page, context } = await openPage(browser);
    await page.goto(`${server.url}/search`);
    await page.locator('.heatmap .values summary').focus();
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.waitForURL(/start=.*end=/);
    await page.locator('.heatmap-select summary').click();
    await page.locator('input[name=sel-min]').fill('fast');
    await page.keyboard.press('Enter');
    await page.locator('#heatmap-problem', { hasText: 'not "fast"' }).waitFor();
    await context.close();
  }, 60_000);

  test('nothing found: the way to something, with its count', async () => {
    const { page, context } = await openPage(browser);
    await page.goto(
      `${server.url}/search?since=15m&q=${encodeURIComponent('{ .tenant = "acme" && .nope = 1 }')}`,
    );
    const way = page.getByRole('link', { name: /Without \.nope = 1: \d+ spans?/ });
    await way.waitFor();
    expect(await page.locator('.nothing').innerText()).toContain('Stored spans started from');
    await way.click();
    await page.locator('.traces tbody tr').first().waitFor();
    expect(await query(page)).toBe('{ .tenant = "acme" }');
    await context.close();
  }, 60_000);

  test('without JavaScript: fields, facets, picture and comparison by links and forms', async () => {
    const { page, context } = await openPage(browser, { javaScriptEnabled: false });
    await page.goto(`${server.url}/search`);
    await page.getByRole('link', { name: 'Count the values of these spans' }).click();
    await facet(page, 'span.http.route').getByRole('link', { name: '/pay 10' }).click();
    expect(await query(page)).toBe('{ span.http.route = "/pay" }');
    await page.locator('.conditions').getByRole('link', { name: /^Drop/ }).click();
    await page.getByRole('link', { name: /Draw the durations/ }).click();
    await page.locator('.heatmap-select summary').click();
    await page.locator('input[name=sel-min]').fill('1s');
    await page.getByRole('button', { name: 'Compare with the rest' }).click();
    await page.getByRole('link', { name: 'Compare the selection with the rest' }).click();
    expect(await page.locator('.comparison-words').innerText()).toContain('in 100 % of the selection');
    await context.close();
  }, 60_000);
});
