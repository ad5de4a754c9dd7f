/** The frame of the pages: menu, keys, zone, colours of services; and settings: tokens, links, retention. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import type { Browser, Page } from 'playwright-core';
import { launchBrowser } from '../support/browser.ts';
import { TestServer } from '../support/server.ts';
import { at, hex, openPage, sendSpans } from './support.ts';

let browser: Browser;

beforeAll(async () => {
  browser = await launchBrowser();
}, 60_000);
afterAll(() => browser?.close());

function span(traceId = hex(32)) {
  return {
    traceId,
    spanId: hex(16),
    name: 'GET /',
    kind: 2,
    startTimeUnixNano: at(30),
    endTimeUnixNano: at(30, 5),
  };
}

const colourOf = (page: Page, service: string): Promise<string> =>
  page
    .locator('.service', { hasText: service })
    .first()
    .locator('.dot')
    .evaluate((dot) => getComputedStyle(dot).backgroundColor);

describe('the frame', () => {
  test('a dozen services have a dozen colours, and keep them', async () => {
    await using server = await TestServer.start();
    const names = Array.from({ length: 12 }, (_, i) => `service-${i}`);
    for (const name of names) await sendSpans(server, name, [span()]);
    const { page, context, trouble } = await openPage(browser);
    await page.goto(`${server.url}/services`);
    const colours = await Promise.all(names.map((name) => colourOf(page, name)));
    expect(new Set(colours).size).toBe(12);
    // Known by now: the sheet may be kept, and a later service changes none of the colours.
    await sendSpans(server, 'a-late-one', [span()]);
    await page.reload();
    expect(await Promise.all(names.map((name) => colourOf(page, name)))).toEqual(colours);
    expect(trouble).toEqual([]);
    await context.close();
  }, 60_000);

  test('times change to the browser’s zone and back, also in what htmx brings', async () => {
    await using server = await TestServer.start();
    await sendSpans(server, 'shop', [span()]);
    const { page, context, trouble } = await openPage(browser, { timezoneId: 'Asia/Kolkata' });
    await page.goto(`${server.url}/search`);
    const time = page.locator('main time[datetime]').first();
    await time.waitFor();
    const utc = await time.innerText();
    const stamp = new Date((await time.getAttribute('datetime')) ?? '');
    await page.getByRole('button', { name: 'UTC', exact: true }).click();
    await page.getByRole('button', { name: 'UTC+5:30' }).waitFor();
    const local = new Date(stamp.getTime() + 5.5 * 3_600_000).toISOString();
    expect(await time.innerText()).toContain(local.slice(11, 19));
    expect(await time.getAttribute('title')).toContain('UTC+5:30');
    // Kept, and drawn anew with the next page.
    await page.reload();
    await page.getByRole('button', { name: 'UTC+5:30' }).waitFor();
    expect(await time.innerText()).toContain(local.slice(11, 19));
    await page.keyboard.press('z');
    expect(await time.innerText()).toBe(utc);
    expect(trouble).toEqual([]);
    await context.close();
  }, 60_000);

  test('the menu at 360 px and the keys, by keyboard', async () => {
    await using server = await TestServer.start();
    const { page, context, trouble } = await openPage(browser, { viewport: { width: 360, height: 740 } });
    await page.goto(`${server.url}/start`);
    const menu = page.locator('#menu');
    expect(await menu.isVisible()).toBe(false);
    await page.getByRole('button', { name: 'Menu' }).focus();
    await page.keyboard.press('Enter');
    await menu.getByRole('link', { name: 'Settings' }).waitFor();
    await page.keyboard.press('Escape');
    await menu.waitFor({ state: 'hidden' });
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keyboard' }).waitFor();
    await page.keyboard.press('Escape');
    await page.keyboard.press('g');
    await page.keyboard.press(',');
    await page.waitForURL(/\/settings$/);
    expect(trouble).toEqual([]);
    await context.close();
  }, 60_000);

  test('the menu without JavaScript', async () => {
    await using server = await TestServer.start();
    const { page, context } = await openPage(browser, {
      viewport: { width: 360, height: 740 },
      javaScriptEnabled: false,
    });
    await page.goto(`${server.url}/settings`);
    await page.getByRole('button', { name: 'Menu' }).click();
    await page.locator('#menu').getByRole('link', { name: 'Send data' }).click();
    await page.waitForURL(/\/start$/);
    await context.close();
  }, 60_000);
});

describe('settings', () => {
  test('the first token closes the server and signs in; others are made, rotated and revoked', async () => {
    await using server = await TestServer.start();
    await sendSpans(server, 'shop', [span()]);
    const { page, context, trouble } = await openPage(browser);
    await page.goto(`${server.url}/settings`);
    await page.getByLabel('Name').first().fill('me');
    await page.getByRole('button', { name: 'Make the first token' }).click();
    expect(await page.locator('#new-token').innerText()).toStartWith('slk_admin_');
    expect((await server.fetch('/api/v1/services')).status).toBe(401);

    await page.goto(`${server.url}/settings`);
    expect(await page.locator('#new-token').count()).toBe(0);
    const form = page.getByRole('form', { name: 'New token' });
    await form.getByLabel('Name').fill('shop');
    await form.getByLabel('May').selectOption('ingest');
    await form.getByRole('button', { name: 'Make token' }).click();
    const ingest = await page.locator('#new-token').innerText();
    const send = (token: string) =>
      server.fetch('/v1/traces', {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: '{}',
      });
    expect((await send(ingest)).status).toBe(200);

    const row = page.locator('.tokens tbody tr', { hasText: 'shop' });
    await row.getByText('Rotate', { exact: true }).first().click();
    await row.getByLabel('Revoke this one at once').check();
    await row.getByRole('button', { name: 'Rotate' }).click();
    const next = await page.locator('#new-token').innerText();
    expect((await send(ingest)).status).toBe(401);
    expect((await send(next)).status).toBe(200);

    await row.first().getByText('Revoke', { exact: true }).first().click();
    await row.first().getByRole('button', { name: 'Revoke' }).click();
    await page.waitForURL(/\/settings#access$/);
    expect((await send(next)).status).toBe(401);
    const audit = page.locator('section[aria-labelledby=audit]');
    expect(await audit.getByText('create token').count()).toBe(3);
    expect(await audit.getByText('revoke token').count()).toBe(2);
    expect(await page.content()).not.toContain(next);
    expect(trouble).toEqual([]);
    await context.close();
  }, 90_000);

  test('a project has tokens of its own; who may only read sees none of this', async () => {
    await using server = await TestServer.start();
    const { page, context } = await openPage(browser);
    await page.goto(`${server.url}/settings`);
    await page.getByRole('button', { name: 'Make the first token' }).click();
    await page.goto(`${server.url}/settings`);
    const projects = page.getByRole('form', { name: 'New project' });
    await projects.getByLabel('Name').fill('other');
    await projects.getByRole('button', { name: 'Make project' }).click();
    const admin = await page.locator('#new-token').innerText();
    await page.goto(`${server.url}/settings`);
    expect(await page.locator('.project').innerText()).toBe('default');

    const fresh = await openPage(browser);
    await fresh.page.goto(`${server.url}/login?next=/settings`);
    await fresh.page.getByLabel('Read token').fill(admin);
    await fresh.page.getByRole('button', { name: 'Sign in' }).click();
    await fresh.page.waitForURL(/\/settings/);
    expect(await fresh.page.locator('.project').innerText()).toBe('other');
    expect(await fresh.page.locator('.tokens tbody tr').count()).toBe(1);
    const form = fresh.page.getByRole('form', { name: 'New token' });
    await form.getByLabel('May').selectOption('read');
    await form.getByRole('button', { name: 'Make token' }).click();
    const read = await fresh.page.locator('#new-token').innerText();
    await fresh.context.close();

    const cookie = `spanlake_token=${read}`;
    const settings = await (await server.fetch('/settings', { headers: { cookie } })).text();
    expect(settings).not.toContain('New token');
    const body = new URLSearchParams({ scope: 'admin', name: 'x' });
    const forged = await server.fetch('/settings/tokens', { method: 'POST', headers: { cookie }, body });
    expect(forged.status).toBe(403);
    await context.close();
  }, 90_000);

  test('links and retention, without JavaScript', async () => {
    await using server = await TestServer.start();
    const { page, context } = await openPage(browser, { javaScriptEnabled: false });
    await page.goto(`${server.url}/settings`);
    await page.locator('#link-name').fill('Logs');
    await page.locator('#link-url').fill('javascript:alert(1)');
    await page.getByRole('button', { name: 'Add link' }).click();
    expect(await page.getByRole('alert').innerText()).toContain('begins with https://');
    expect(await page.locator('#link-name').inputValue()).toBe('Logs');
    await page.locator('#link-url').fill('https://logs.example/?trace=${traceId}');
    await page.getByRole('button', { name: 'Add link' }).click();
    await page.locator('section[aria-labelledby=links] tbody tr', { hasText: 'logs.example' }).waitFor();
    await page.getByRole('button', { name: 'Remove the link Logs' }).click();
    await page.getByText('None yet.').waitFor();

    await page.locator('#rules').fill('{} 7d');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.waitForURL(/saved=retention/);
    expect(await page.locator('#rules').inputValue()).toBe('{} 7d');
    await context.close();
  }, 60_000);
});

test('an admin has an ingest token made on the first page, filled in once', async () => {
  await using server = await TestServer.start();
  const { page, context } = await openPage(browser);
  await page.goto(`${server.url}/settings`);
  await page.getByRole('button', { name: 'Make the first token' }).click();
  await page.goto(`${server.url}/start`);
  expect(await page.locator('.code').first().innerText()).toContain('<ingest token>');
  await page.getByRole('button', { name: 'Make one and fill it in' }).click();
  const lines = await page.locator('.code').first().innerText();
  const token = /slk_ingest_[\w-]+/.exec(lines)?.[0] ?? '';
  const send = (bearer: string) =>
    server.fetch('/v1/traces', {
      method: 'POST',
      headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
      body: JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [span()] }] }] }),
    });
  expect((await send(token)).status).toBe(200);
  await page.goto(`${server.url}/start`);
  await page.getByText('Spans are arriving').waitFor();
  expect(await page.content()).not.toContain(token);
  await context.close();
}, 60_000);
