/** Every page by axe-core, in both themes, wide and at 360 px, where none may scroll sideways. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import type { Browser, Page } from 'playwright-core';
import { launchBrowser } from '../support/browser.ts';
import { eventually, runBinary, TestServer } from '../support/server.ts';
import { openPage } from './support.ts';

interface Violation {
  readonly id: string;
  readonly nodes: readonly { readonly target: readonly unknown[]; readonly failureSummary?: string }[];
}
interface Axe {
  readonly run: (context: object, options: object) => Promise<{ readonly violations: readonly Violation[] }>;
}

const AXE = require.resolve('axe-core/axe.min.js');

let browser: Browser;
let server: TestServer;
let closed: TestServer;
let traceId = '';
let spanId = '';
let adminToken = '';

beforeAll(async () => {
  browser = await launchBrowser();
  server = await TestServer.start();
  const demo = await runBinary([
    'demo',
    '--endpoint',
    server.url,
    '--history',
    '1m',
    '--duration',
    '0s',
    '--seed',
    '7',
  ]);
  if (demo.code !== 0) throw new Error(demo.stderr);
  const answer = await eventually('a failed trace', async () => {
    const found = (await (
      await server.fetch('/api/v1/spans?q=%7Bstatus%3Derror%7D&since=7d&limit=1')
    ).json()) as { spans: { traceId: string; spanId: string }[] };
    return found.spans[0];
  });
  ({ traceId, spanId } = answer);
  closed = await TestServer.start();
  const made = await runBinary(['token', 'create', '--scope', 'admin', '--data', closed.dataDir]);
  adminToken = /slk_admin_[\w-]+/.exec(made.stdout)?.[0] ?? '';
}, 90_000);
afterAll(async () => {
  await browser?.close();
  await server?.[Symbol.asyncDispose]();
  await closed?.[Symbol.asyncDispose]();
});

const q = (query: string): string => `q=${encodeURIComponent(query)}&since=7d`;

/** By name: the address, once there are data. */
const PAGES: readonly (readonly [name: string, path: () => string])[] = [
  ['search', () => '/search?since=7d'],
  ['search, compared', () => `/search?${q('{ status = error }')}&sel-min=1ms&sel-max=1h`],
  ['search, spans', () => `/search?${q('{ status = error }')}&view=spans&explain=1`],
  ['search, nothing found', () => `/search?${q('{ name = "none such" }')}`],
  ['search, a wrong query', () => `/search?${q('{ name = ')}`],
  ['metrics', () => `/search?${q('{} | rate() by (resource.service.name)')}`],
  [
    'metrics, lines of quantiles',
    () => `/search?${q('{} | quantile_over_time(duration, .5, .9) by (name)')}`,
  ],
  ['search, spansets', () => `/search?${q('{ status = error } | by(name) | count() > 0')}`],
  ['trace', () => `/traces/${traceId}`],
  ['trace, span open', () => `/traces/${traceId}?span=${spanId}`],
  ['trace, flame graph', () => `/traces/${traceId}?view=flame`],
  ['trace, statistics', () => `/traces/${traceId}?view=statistics`],
  ['trace, table', () => `/traces/${traceId}?view=table`],
  ['no such trace', () => `/traces/${'1'.repeat(32)}`],
  ['no trace id', () => '/traces/x'],
  ['compare', () => `/compare?a=${traceId}&b=${traceId}`],
  ['services', () => '/services?since=7d'],
  ['a service', () => '/services/checkout?since=7d'],
  ['map', () => '/map?since=7d'],
  ['errors', () => '/errors?since=7d'],
  ['ai', () => '/ai?since=7d'],
  ['live tail', () => '/search/tail'],
  ['import', () => '/import'],
  ['start', () => '/start'],
  ['ingest', () => '/ingest'],
  ['settings', () => '/settings'],
  ['not found', () => '/nothing-here'],
];

const CONTRAST = ['color-contrast', 'link-in-text-block'];
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
const WIDE = { width: 1280, height: 900 };
const NARROW = { width: 360, height: 740 };

/** Each once: colours alone in the other theme, all but colours on the narrow screen. */
const LOOKS = [
  { name: 'light', colorScheme: 'light', viewport: WIDE, rules: { runOnly: TAGS } },
  { name: 'dark', colorScheme: 'dark', viewport: WIDE, rules: { runOnly: CONTRAST } },
  {
    name: '360 px',
    colorScheme: 'light',
    viewport: NARROW,
    rules: { runOnly: TAGS, rules: Object.fromEntries(CONTRAST.map((id) => [id, { enabled: false }])) },
  },
] as const;

/** One line a violation: where, the rule and what it says. */
async function violations(page: Page): Promise<string[]> {
  await page.addScriptTag({ path: AXE });
  const found: string[] = [];
  for (const { name, colorScheme, viewport, rules } of LOOKS) {
    await page.setViewportSize(viewport);
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    const { violations: all } = await page.evaluate(async (options) => {
      const axe: unknown = Reflect.get(globalThis, 'axe');
      return (axe as Axe).run(document, options);
    }, rules);
    for (const { id, nodes } of all) {
      for (const { target, failureSummary = '' } of nodes.slice(0, 3)) {
        found.push(`${name}: ${id}: ${target.join(' ')} ${failureSummary}`);
      }
    }
  }
  const wider = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  if (wider > 0) found.push(`360 px: ${wider} pixels wider than the window`);
  return found;
}

/** What was asked for later has come, or has had its time: axe reads what people see. */
async function settled(page: Page): Promise<void> {
  await page.waitForLoadState('load');
  await page
    .waitForFunction(() => document.querySelector('.htmx-request') === null, undefined, { timeout: 5_000 })
    .catch(() => undefined);
}

describe('no violations in light and dark and at 360 px', () => {
  // The tests' own script is no part of the page: its policy would refuse it.
  test.each([...PAGES])(
    '%s',
    async (_, path) => {
      const { page, context } = await openPage(browser, { bypassCSP: true });
      await page.goto(`${server.url}${path()}`);
      await settled(page);
      expect(await violations(page)).toEqual([]);
      await context.close();
    },
    60_000,
  );

  test('sign in', async () => {
    const { page, context } = await openPage(browser, { bypassCSP: true });
    await page.goto(`${closed.url}/login?failed`);
    expect(await violations(page)).toEqual([]);
    await context.close();
  }, 60_000);

  test('settings with tokens, one just made', async () => {
    const { page, context } = await openPage(browser, { bypassCSP: true });
    await page.goto(`${closed.url}/login?next=/settings`);
    await page.getByLabel('Read token').fill(adminToken);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('button', { name: 'Make token' }).click();
    await page.locator('#new-token').waitFor();
    expect(await violations(page)).toEqual([]);
    await context.close();
  }, 60_000);

  test('the keys', async () => {
    const { page, context } = await openPage(browser, { bypassCSP: true });
    await page.goto(`${server.url}/settings`);
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keyboard' }).waitFor();
    expect(await violations(page)).toEqual([]);
    await context.close();
  }, 60_000);
});
