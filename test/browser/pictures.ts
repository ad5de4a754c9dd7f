/** `npm run pictures`: the README's pictures, taken anew of the pages with the demo's traffic. */
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { launchBrowser } from '../support/browser.ts';
import { TestServer, runBinary } from '../support/server.ts';

const FOLDER = join(import.meta.dir, '..', '..', 'docs', 'images');
const SEED = '7';
/** What the models of the demo cost, so that the pictures show costs. */
const PRICES = JSON.stringify({
  currency: 'USD',
  asOf: '2026-10-01',
  models: {
    'text-embedding-3-small': { input: 0.02, output: 0 },
    'claude-sonnet-4-5': { input: 3, output: 15 },
    'mistral-small-latest': { input: 0.1, output: 0.3 },
    'gpt-5-mini': { input: 0.25, output: 2 },
  },
});

const WIDE: BrowserContextOptions = { viewport: { width: 1280, height: 800 }, deviceScaleFactor: 1.5 };
const NARROW: BrowserContextOptions = { viewport: { width: 360, height: 720 }, deviceScaleFactor: 1.5 };

async function open(browser: Browser, url: string, options: BrowserContextOptions): Promise<Page> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  await page.goto(url, { waitUntil: 'networkidle' });
  return page;
}

async function picture(
  browser: Browser,
  url: string,
  name: string,
  options: BrowserContextOptions = WIDE,
): Promise<void> {
  const page = await open(browser, url, options);
  await page.screenshot({ path: join(FOLDER, `${name}.png`) });
  await page.context().close();
}

interface Found {
  readonly traceId: string;
  readonly spanId: string;
}

/** The newest trace that matches, and the span of it that does. */
async function find(server: TestServer, query: string): Promise<Found> {
  const response = await server.fetch(`/api/v1/spans?q=${encodeURIComponent(query)}&since=2h&limit=1`);
  const { spans } = (await response.json()) as { spans: Found[] };
  if (spans.length === 0) throw new Error(`the demo sent nothing that matches ${query}`);
  return spans[0];
}

/** Screens side by side, as on a table. */
async function together(browser: Browser, urls: readonly string[], name: string): Promise<void> {
  const screens: string[] = [];
  for (const [i, url] of urls.entries()) {
    const page = await open(browser, url, { ...NARROW, colorScheme: i % 2 === 0 ? 'light' : 'dark' });
    screens.push((await page.screenshot()).toString('base64'));
    await page.context().close();
  }
  const context = await browser.newContext({
    viewport: { width: 384 * urls.length + 24, height: 768 },
    deviceScaleFactor: 1,
  });
  const page = await context.newPage();
  const images = screens.map((screen) => `<img src="data:image/png;base64,${screen}">`).join('');
  await page.setContent(`<style>
    body { display: flex; gap: 24px; margin: 24px; background: transparent }
    img { width: 360px; border-radius: 12px; outline: 1px solid #8888 }
  </style>${images}`);
  await page.screenshot({ path: join(FOLDER, `${name}.png`), omitBackground: true });
  await context.close();
}

const folder = join(FOLDER, '..', '..', 'dist');
const prices = join(folder, 'demo-prices.json');
await Bun.write(prices, PRICES);
await using server = await TestServer.start({ args: ['--ai-prices', prices] });
const sent = await runBinary(
  `demo --endpoint ${server.url} --seed ${SEED} --history 2h --duration 0s`.split(' '),
);
if (sent.code !== 0) throw new Error(`the demo failed: ${sent.stderr}`);
await using browser = await launchBrowser();

const failed = await find(
  server,
  '{ resource.service.name = "payments" && status = error && span:kind = server }',
);
const trace = `${server.url}/traces/${failed.traceId}`;
const slow = `${server.url}/search?since=1h&sel-min=1s`;
await picture(browser, `${server.url}/search`, 'search');
await picture(browser, `${trace}?span=${failed.spanId}`, 'trace', {
  ...WIDE,
  viewport: { width: 1280, height: 1120 },
  colorScheme: 'dark',
});
await picture(browser, `${server.url}/services`, 'services');
await picture(browser, slow, 'comparison', { ...WIDE, viewport: { width: 1280, height: 960 } });
await picture(browser, `${server.url}/map`, 'map', { ...WIDE, colorScheme: 'dark' });
await picture(browser, `${server.url}/errors`, 'errors');
await together(
  browser,
  [
    `${server.url}/search`,
    trace,
    `${trace}?span=${failed.spanId}`,
    `${server.url}/services`,
    `${server.url}/errors`,
  ],
  'narrow',
);
