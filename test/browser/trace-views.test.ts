/** The views of a trace beside the waterfall, its span panel, comparison and import, with and without JavaScript. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import type { Browser } from 'playwright-core';
import { launchBrowser } from '../support/browser.ts';
import { TestServer } from '../support/server.ts';
import { at, hex, openPage, sendSpans, text } from './support.ts';
import type { JsonSpan } from './support.ts';

let browser: Browser;
let server: TestServer;
const [first, second] = [hex(32), hex(32)];
const rootIds = [hex(16), hex(16)];

function order(traceId: string, rootId: string, queryMs: number, extra: readonly JsonSpan[]): JsonSpan[] {
  const times = (from: number, to: number): object => ({
    startTimeUnixNano: at(40, from),
    endTimeUnixNano: at(40, to),
  });
  const query = {
    traceId,
    spanId: hex(16),
    parentSpanId: rootId,
    name: 'SELECT orders',
    kind: 3,
    ...times(10, 10 + queryMs),
    attributes: [
      text(
        'db.query.text',
        'SELECT o.id, o.total FROM orders o WHERE o.state = ? AND o.total > 100 ORDER BY o.id',
      ),
      text('cart', '{"items":[{"sku":"a","count":12345678901234567890}]}'),
    ],
  };
  return [{ traceId, spanId: rootId, name: 'POST /order', kind: 2, ...times(0, 400) }, query, ...extra];
}

beforeAll(async () => {
  browser = await launchBrowser();
  server = await TestServer.start();
  const mail: JsonSpan = {
    traceId: second,
    spanId: hex(16),
    parentSpanId: rootIds[1],
    name: 'send mail',
    kind: 4,
    startTimeUnixNano: at(40, 300),
    endTimeUnixNano: at(40, 320),
    links: [{ traceId: first, spanId: rootIds[0] }],
  };
  await sendSpans(server, 'shop', order(first, rootIds[0], 50, []));
  await sendSpans(server, 'shop', order(second, rootIds[1], 250, [mail]));
}, 90_000);
afterAll(async () => {
  await browser?.close();
  await server?.[Symbol.asyncDispose]();
});

describe('views of a trace', () => {
  test('flame graph by keyboard, back, table sorted, statistics lead to the waterfall', async () => {
    const { page, context, trouble } = await openPage(browser);
    await page.goto(`${server.url}/traces/${first}`);
    await page.getByRole('link', { name: 'Flame graph' }).click();
    await page.waitForURL(/view=flame/);
    await page.locator('.flame-frame', { hasText: 'SELECT orders' }).focus();
    await page.keyboard.press('Enter');
    await page.waitForURL(/focus=/);
    await page.getByRole('link', { name: 'Open the span' }).click();
    await page.locator('#span-panel .sql').waitFor();
    await page.goto(`${server.url}/traces/${first}?view=table`);
    await page.getByRole('link', { name: 'Duration' }).click();
    await page.waitForURL(/sort=duration/);
    expect(await page.locator('.spans-table tbody tr').first().innerText()).toContain('POST /order');
    await page.goBack();
    await page.waitForURL(/view=table$/);
    await page.getByRole('link', { name: 'Statistics' }).click();
    await page.locator('.statistics-table').getByText('SELECT orders').click();
    await page.waitForURL(/q=/);
    expect(trouble).toEqual([]);
    await context.close();
  }, 60_000);

  test('a span: SQL and JSON laid out, attributes searched, links back', async () => {
    const { page, context, trouble } = await openPage(browser);
    await page.goto(`${server.url}/traces/${first}?span=${rootIds[0]}`);
    await page.locator('.linked-from', { hasText: 'send mail' }).waitFor();
    await page.goto(`${server.url}/traces/${first}?view=table`);
    await page.locator('.spans-table').getByText('SELECT orders').click();
    const panel = page.locator('#span-panel');
    await panel.locator('.sql').waitFor();
    expect(await panel.locator('.sql').innerText()).toContain('\nWHERE o.state = ?');
    expect(await panel.locator('.json-number').innerText()).toBe('12345678901234567890');
    await panel.getByLabel('Find in the attributes').fill('cart');
    expect(await panel.locator('[data-filter-count]').innerText()).toMatch(/^1 of/);
    expect(trouble).toEqual([]);
    await context.close();
  }, 60_000);
});

describe('comparison', () => {
  test('from the trace page, with suggestions, without JavaScript', async () => {
    const { page, context } = await openPage(browser, { javaScriptEnabled: false });
    await page.goto(`${server.url}/traces/${first}`);
    await page.locator('.compare-with summary').click();
    await page.getByText('Suggest similar ones').click();
    await page.getByRole('link', { name: 'Typical' }).click();
    expect(page.url()).toContain(`b=${second}`);
    expect(await page.locator('.compare-table').innerText()).toMatch(/SELECT orders\s+▲ slower/);
    expect(await page.locator('.compare-table').innerText()).toContain('only in B');
    await page.getByRole('link', { name: 'Swap A and B' }).click();
    expect(await page.locator('.compare-table').innerText()).toContain('only in A');
    await context.close();
  }, 60_000);
});

describe('import', () => {
  test('a download of one server is a trace of another; what is none is told', async () => {
    await using other = await TestServer.start();
    const file = await (await server.fetch(`/api/v1/traces/${first}?format=otlp`)).text();
    const { page, context } = await openPage(browser, { javaScriptEnabled: false });
    await page.goto(`${other.url}/import`);
    await page.getByLabel('Or paste it').fill('{"data":[]}');
    await page.getByRole('button', { name: 'Import' }).click();
    expect(await page.getByRole('alert').innerText()).toContain('Jaeger');
    const upload = { name: 'trace.json', mimeType: 'application/json', buffer: Buffer.from(file) };
    await page.getByLabel('File').setInputFiles(upload);
    await page.getByRole('button', { name: 'Import' }).click();
    await page.waitForURL(new RegExp(`/traces/${first}`));
    expect(await page.locator('h1').innerText()).toContain('POST /order');
    await context.close();
  }, 60_000);
});
