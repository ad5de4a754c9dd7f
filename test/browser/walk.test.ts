/** The way of a newcomer through the pages, with and without JavaScript, in a real browser. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import type { Browser } from 'playwright-core';
import { launchBrowser } from '../support/browser.ts';
import { TestServer } from '../support/server.ts';
import { at, hex, openPage, sendSpans, text } from './support.ts';
import type { JsonSpan } from './support.ts';

let browser: Browser;

beforeAll(async () => {
  browser = await launchBrowser();
}, 60_000);
afterAll(() => browser?.close());

/** A checkout with a failing payment two levels down. */
function checkout(traceId: string): JsonSpan[] {
  const [root, charge, query] = [hex(16), hex(16), hex(16)];
  const times = (from: number, to: number): object => ({
    startTimeUnixNano: at(30, from),
    endTimeUnixNano: at(30, to),
  });
  return [
    { traceId, spanId: root, name: 'POST /checkout', kind: 2, ...times(0, 400) },
    {
      traceId,
      spanId: charge,
      parentSpanId: root,
      name: 'charge card',
      kind: 3,
      ...times(20, 300),
      attributes: [text('card.brand', 'visa'), { key: 'card.retries', value: { intValue: '2' } }],
      events: [
        { timeUnixNano: at(30, 250), name: 'exception', attributes: [text('exception.type', 'Declined')] },
      ],
      links: [{ traceId: hex(32), spanId: hex(16) }],
      status: { code: 2, message: 'card declined' },
    },
    { traceId, spanId: query, parentSpanId: charge, name: 'SELECT cards', kind: 3, ...times(30, 60) },
  ];
}

describe('pages in a browser', () => {
  test('first page, first span, search, filter, trace, span, back', async () => {
    await using server = await TestServer.start();
    const { page, context, trouble } = await openPage(browser);
    await page.goto(`${server.url}/`);
    expect(await page.locator('.code').first().innerText()).toContain(`${server.url}/i/v1/traces`);
    await page.getByText('Waiting for the first span').waitFor();
    const traceId = hex(32);
    await sendSpans(server, 'shop', checkout(traceId));
    // Polled by htmx: the page was not loaded again.
    await page.getByText('Spans are arriving').waitFor({ timeout: 15_000 });
    expect(await page.locator('#waiting a').first().getAttribute('href')).toContain(traceId);

    await page.locator('#waiting').getByText('Search all traces').click();
    await page.locator('.traces tbody tr').waitFor();
    await page.getByText('Type a filter').click();
    await page.locator('input[name=service]').focus();
    await page.locator('#names-service option[value=shop]').waitFor({ state: 'attached' });
    await page.locator('select[name=status]').selectOption('error');
    await page.waitForURL(/q=.*status/);
    expect(await page.locator('#q').inputValue()).toBe('{ span:status = error }');
    await page.locator('#q').fill('{ .card.brand = "visa" && status = error }');
    await page.keyboard.press('Enter');
    await page.waitForURL(/card.brand/);
    expect(await page.locator('input[name=attr]').first().inputValue()).toBe('.card.brand=visa');

    await page.locator('.traces tbody tr .col-main a').first().click();
    await page.waitForURL(new RegExp(`/traces/${traceId}\\?q=`));
    expect(await page.locator('[data-span]').count()).toBe(3);
    await page.locator('[data-span]', { hasText: 'charge card' }).locator('[data-open]').click();
    await page.waitForURL(/span=/);
    const panel = page.locator('#span-panel');
    await panel.getByText('card declined').waitFor();
    expect(await panel.innerText()).toContain('exception.type');
    expect(await page.locator('[data-span][aria-selected=true]').innerText()).toContain('charge card');

    await page.goBack();
    await page.waitForURL((url) => !url.searchParams.has('span'));
    await panel.getByText('card declined').waitFor({ state: 'detached' });
    await page.goBack();
    await page.waitForURL(/card.brand/);
    expect(await page.locator('.traces tbody tr').count()).toBe(1);
    expect(trouble).toEqual([]);
    await context.close();
  }, 90_000);

  test('the same without JavaScript', async () => {
    await using server = await TestServer.start();
    const traceId = hex(32);
    await sendSpans(server, 'shop', checkout(traceId));
    const { page, context } = await openPage(browser, { javaScriptEnabled: false });
    await page.goto(`${server.url}/start?lang=go`);
    expect(await page.locator('#setup').innerText()).toContain('go get');
    await page.goto(`${server.url}/`);
    await page.getByText('Type a filter').click();
    await page.locator('select[name=status]').selectOption('error');
    await page.getByRole('button', { name: 'Apply' }).click();
    expect(page.url()).toContain('status+%3D+error');
    await page.locator('.traces tbody tr .col-main a').first().click();
    await page.locator('[data-span]', { hasText: 'charge card' }).locator('[data-open]').click();
    expect(await page.locator('#span-panel').innerText()).toContain('card declined');
    await page.getByRole('link', { name: 'Find spans with the same card.brand' }).click();
    expect(await page.locator('#q').inputValue()).toBe('{ span.card.brand = "visa" }');
    expect(await page.locator('.traces tbody tr').count()).toBe(1);
    await context.close();
  }, 60_000);

  test('the waterfall by keyboard alone', async () => {
    await using server = await TestServer.start();
    const traceId = hex(32);
    await sendSpans(server, 'shop', checkout(traceId));
    const { page, context, trouble } = await openPage(browser);
    await page.goto(`${server.url}/traces/${traceId}`);
    await page.locator('[data-span]').first().focus();
    await page.keyboard.press('ArrowDown');
    const focused = page.locator('[data-span]:focus');
    expect(await focused.innerText()).toContain('charge card');
    await page.keyboard.press('ArrowLeft');
    await page.waitForURL(/toggled=/);
    await page.locator('[data-span]', { hasText: 'SELECT cards' }).waitFor({ state: 'detached' });
    await page.locator('[data-span]:focus[aria-expanded=false]').waitFor();
    await page.keyboard.press('ArrowRight');
    await page.locator('[data-span]', { hasText: 'SELECT cards' }).waitFor();
    await page.keyboard.press('Enter');
    await page.locator('#span-panel').getByText('card declined').waitFor();
    await page.keyboard.press('Escape');
    await page.locator('#span-panel.is-open').waitFor({ state: 'detached' });
    await page.keyboard.press('/');
    await page.waitForURL(/\/search/);
    expect(trouble).toEqual([]);
    await context.close();
  }, 60_000);

  test('a metrics query draws a chart, whose series lead to their spans', async () => {
    await using server = await TestServer.start();
    await sendSpans(server, 'shop', checkout(hex(32)));
    const { page, context, trouble } = await openPage(browser, { viewport: { width: 360, height: 740 } });
    await page.goto(`${server.url}/search`);
    await page.locator('#q').fill('{} | count_over_time() by (name)');
    await page.keyboard.press('Enter');
    await page.locator('.chart-line').first().waitFor();
    expect(await page.locator('.chart-plot .chart-line').count()).toBe(3);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    expect(wide).toBe(360);
    const row = page.locator('.series tbody tr', { hasText: 'charge card' });
    expect(await row.locator('.examples a').count()).toBe(1);
    await row.getByRole('link', { name: 'Spans behind charge card' }).click();
    await page.waitForURL(/view=spans/);
    expect(await page.locator('#q').inputValue()).toBe('{ span:name = "charge card" }');
    expect(await page.locator('.spans tbody tr').count()).toBe(1);
    expect(trouble).toEqual([]);
    await context.close();
  }, 60_000);

  test('a query that does not parse shows where, a pasted id leads to its trace', async () => {
    await using server = await TestServer.start();
    const traceId = hex(32);
    await sendSpans(server, 'shop', checkout(traceId));
    const { page, context } = await openPage(browser);
    await page.goto(`${server.url}/search`);
    await page.locator('#q').fill('{ name = && }');
    await page.keyboard.press('Enter');
    await page.locator('#query-error').waitFor();
    expect(await page.locator('#query-error pre').textContent()).toBe(`{ name = && }\n${' '.repeat(9)}^`);
    await page.locator('#q').fill(` ${traceId.toUpperCase()} `);
    await page.keyboard.press('Enter');
    await page.waitForURL(`**/traces/${traceId}`);
    await context.close();
  }, 60_000);
});
