/** Errors as groups and calls to models, in Chromium over the binary: by pointer, by keyboard, without JavaScript. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import type { Browser } from 'playwright-core';
import { launchBrowser } from '../support/browser.ts';
import { TestServer } from '../support/server.ts';
import { at, hex, openPage, sendSpans, text } from './support.ts';
import type { JsonSpan } from './support.ts';

let browser: Browser;

beforeAll(async () => {
  browser = await launchBrowser();
});

afterAll(() => browser.close());

/** A payment fails, and the frontend above it shows an error of its own. */
async function sendFailure(server: TestServer, order: number): Promise<string> {
  const traceId = hex(32);
  const [root, inner] = [hex(16), hex(16)];
  const span = (spanId: string, name: string, more: object): JsonSpan => ({
    traceId,
    spanId,
    name,
    kind: 2,
    startTimeUnixNano: at(60),
    endTimeUnixNano: at(60, 20),
    status: { code: 2, message: `${name} failed` },
    ...more,
  });
  await sendSpans(server, 'frontend', [span(root, 'POST /pay', {})]);
  const attributes = [
    text('exception.type', 'CardError'),
    text('exception.message', `order ${order} was declined <b>`),
    text(
      'exception.stacktrace',
      'CardError: no\n    at charge (/app/charge.js:12:7)\n    at node:internal/x:1:1',
    ),
  ];
  const events = [{ timeUnixNano: at(60, 10), name: 'exception', attributes }];
  await sendSpans(server, 'payments', [span(inner, 'charge', { parentSpanId: root, events })]);
  return traceId;
}

function modelCall(model: string, tokens: number): JsonSpan {
  const count = (key: string, value: number) => ({ key, value: { intValue: String(value) } });
  return {
    traceId: hex(32),
    spanId: hex(16),
    name: `chat ${model}`,
    kind: 3,
    startTimeUnixNano: at(60),
    endTimeUnixNano: at(58),
    attributes: [
      text('gen_ai.operation.name', 'chat'),
      text('gen_ai.request.model', model),
      text('gen_ai.conversation.id', 'talk-1'),
      count('gen_ai.usage.input_tokens', tokens),
      count('gen_ai.usage.output_tokens', tokens),
    ],
  };
}

describe('errors', () => {
  test('one group for what began in one place; filter, open, go back, share', async () => {
    await using server = await TestServer.start();
    await sendFailure(server, 4711);
    const traceId = await sendFailure(server, 12);
    const { page, context, trouble } = await openPage(browser);
    await page.goto(`${server.url}/errors`);
    const rows = page.locator('.errors-list tbody tr');
    expect(await rows.count()).toBe(1);
    const words = await rows.innerText();
    expect(words).toContain('order <n> was declined <b>');
    expect(words).toContain('charge (charge.js)');
    expect(await rows.locator('.error-seen').innerText()).toContain('frontend');

    await page.locator('#q').fill('nothing like it');
    await page.getByText('No error fits the filter').waitFor();
    await page.waitForURL(/text=nothing/);
    await page.locator('#q').fill('cardERROR');
    await page.waitForURL(/text=cardERROR/);
    await rows.first().waitFor();
    await page.locator('.error-link').focus();
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/errors\/[0-9a-f]{16}/);
    await page.getByRole('heading', { name: 'What tells these spans apart' }).waitFor();
    expect(await page.locator('.stack-own').innerText()).toContain('charge');

    const shared = await openPage(browser);
    await shared.page.goto(page.url());
    await shared.page.locator(`.error-traces a[href^="/traces/${traceId}"]`).click();
    await shared.page.waitForURL(/\/traces\//);
    await shared.context.close();

    await page.goBack();
    await page.waitForURL(/\/errors\?/);
    expect(await page.locator('#q').inputValue()).toBe('cardERROR');
    expect(trouble).toEqual([]);
    await context.close();
  }, 60_000);

  test('without JavaScript', async () => {
    await using server = await TestServer.start();
    await sendFailure(server, 1);
    const { page, context } = await openPage(browser, {
      javaScriptEnabled: false,
      viewport: { width: 360, height: 740 },
    });
    await page.goto(`${server.url}/errors`);
    await page.locator('select[name=service]').selectOption('payments');
    await page.getByRole('button', { name: 'Apply' }).first().click();
    expect(page.url()).toContain('service=payments');
    await page.locator('.error-link').click();
    await page.goto(`${page.url()}&part=all`);
    expect(await page.locator('#error-later').innerText()).toContain('1 span in the last hour');
    await page.goto(`${server.url}/errors/0123456789abcdef`);
    expect(await page.locator('main').innerText()).toContain('No span of this error was found');
    await context.close();
  }, 60_000);
});

describe('gen-AI', () => {
  test('tokens and costs by model; a figure leads to its spans', async () => {
    const prices = `${import.meta.dir}/../support/ai-prices.json`;
    await using server = await TestServer.start({ args: ['--ai-prices', prices] });
    await sendSpans(server, 'helper', [modelCall('known-1', 1_000_000), modelCall('odd', 10)]);
    const { page, context, trouble } = await openPage(browser);
    await page.goto(`${server.url}/ai`);
    const row = page.locator('section[aria-labelledby=ai-models] tbody tr', { hasText: 'known-1' });
    expect(await row.locator('[data-label=Cost]').innerText()).toBe('$3.00');
    const odd = page.locator('section[aria-labelledby=ai-models] tbody tr', { hasText: 'odd' });
    expect(await odd.locator('[data-label=Cost]').innerText()).toBe('no price');
    await page.locator('section[aria-labelledby=ai-conversations]').getByText('talk-1').waitFor();
    await row.locator('[data-label=Calls] a').click();
    await page.waitForURL(/\/search/);
    expect(await page.locator('.spans tbody tr').count()).toBe(1);
    await page.goBack();
    await page.waitForURL(/\/ai$/);
    expect(trouble).toEqual([]);
    await context.close();
  }, 60_000);
});
