/** Hostile text in every field of a span, on every page; and no violation that axe knows, in both themes. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import type { Browser } from 'playwright-core';
import { launchBrowser } from '../support/browser.ts';
import { TestServer } from '../support/server.ts';
import { at, hex, openPage, sendSpans, text } from './support.ts';

const HOSTILE = [
  '<script>window.ran=1</script>',
  '<img src=x onerror="window.ran=1">',
  '"><svg onload=alert(1)>',
  "'><a href='javascript:alert(1)'>x</a>",
  '&lt;b&gt; &quot;onfocus=alert(1) autofocus x=&quot;',
  '</title></textarea></script><script>alert(1)</script>',
  '{"html":"<iframe srcdoc=\'<script>parent.ran=1</script>\'>"}',
  '" hx-get="/search" hx-trigger="load" hx-on:load="alert(1)',
  '‮gnp.exe‬',
];

const AXE = readFileSync(new URL('../../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');

interface AxeResult {
  readonly violations: readonly {
    readonly id: string;
    readonly nodes: readonly { readonly html: string }[];
  }[];
}

let browser: Browser;
let server: TestServer;
const traceId = hex(32);
const spanIds = HOSTILE.map(() => hex(16));
const service = HOSTILE.join('');

beforeAll(async () => {
  browser = await launchBrowser();
  server = await TestServer.start();
  const spans = HOSTILE.map((evil, i) => ({
    traceId,
    spanId: spanIds[i],
    parentSpanId: i === 0 ? '' : spanIds[i - 1],
    name: evil,
    kind: 2,
    traceState: evil,
    startTimeUnixNano: at(20, i),
    endTimeUnixNano: at(20, 100),
    attributes: [
      text(evil, evil),
      { key: 'list', value: { arrayValue: { values: [{ stringValue: evil }] } } },
      { key: 'map', value: { kvlistValue: { values: [text(evil, evil)] } } },
    ],
    events: [{ timeUnixNano: at(20, 50), name: evil, attributes: [text(evil, evil)] }],
    links: [{ traceId, spanId: spanIds[0], traceState: evil, attributes: [text(evil, evil)] }],
    status: { code: 2, message: evil },
  }));
  const evil = HOSTILE.map((one) => text(one, one));
  await sendSpans(server, service, spans, {
    resource: { attributes: [text('service.name', service), ...evil] },
    scope: { name: HOSTILE.join(' '), version: HOSTILE[0], attributes: evil },
  });
  // Ingest shows the words of senders: an agent, a type, a token that is none.
  for (const one of HOSTILE.slice(0, 6)) {
    await server.fetch('/v1/traces', {
      method: 'POST',
      headers: { 'content-type': one, 'user-agent': one, authorization: `Bearer ${one}` },
      body: 'x',
    });
    const headers = { 'content-type': one, 'user-agent': one };
    await server.fetch('/v1/traces', { method: 'POST', headers, body: 'x' });
  }
}, 90_000);
afterAll(async () => {
  await browser?.close();
  await server?.[Symbol.asyncDispose]();
});

/** Queries whose answers are charts, and spansets. */
const CHARTS = [
  '{} | rate() by (resource.service.name)',
  '{} | quantile_over_time(duration, .5, .9) by (name)',
  '{} | count_over_time() by (span.none)',
];
const SPANSETS = '{} | by(name) | count() > 0';

function addresses(): string[] {
  const q = (typed: string): string => `/search?q=${encodeURIComponent(typed)}`;
  return [
    '/start',
    '/ingest',
    `/ingest?token=${encodeURIComponent(HOSTILE[2])}`,
    '/settings',
    '/search',
    '/search?view=spans&order=slowest',
    '/services',
    `/services/${encodeURIComponent(service)}`,
    `/traces/${traceId}`,
    ...spanIds.map((id) => `/traces/${traceId}?span=${id}`),
    ...HOSTILE.map(q),
    ...HOSTILE.map((evil) => q(`{ name = ${JSON.stringify(evil)} }`)),
    ...HOSTILE.map(
      (evil) => `/search?service=${encodeURIComponent(evil)}&attr=${encodeURIComponent(`k=${evil}`)}`,
    ),
    ...HOSTILE.map((evil) => `/search?minDuration=${encodeURIComponent(evil)}`),
    `/search?start=${encodeURIComponent(HOSTILE[1])}`,
    ...CHARTS.map(q),
    ...HOSTILE.map((evil) =>
      q(`{ span.${JSON.stringify(evil)} != nil } | rate() by (span.${JSON.stringify(evil)}, name)`),
    ),
    `/services/${encodeURIComponent(HOSTILE[0])}`,
    `/login?next=${encodeURIComponent(`javascript:alert(1)//${HOSTILE[2]}`)}`,
    `/traces/${encodeURIComponent(HOSTILE[0])}`,
    `/${encodeURIComponent(HOSTILE[0])}`,
  ];
}

describe('hostile text', () => {
  test('runs nowhere, makes no element, and is shown as it is', async () => {
    const { page, context, trouble } = await openPage(browser);
    for (const address of addresses()) {
      await page.goto(`${server.url}${address}`);
      const made = await page.evaluate(() => ({
        ran: 'ran' in window,
        elements: document.querySelectorAll(
          'iframe, img, main script, svg[onload], [onerror], [onfocus], [hx-on\\:load], a[href^="javascript"]',
        ).length,
      }));
      expect({ address, ...made }).toEqual({ address, ran: false, elements: 0 });
    }
    await page.goto(`${server.url}/traces/${traceId}`);
    const names = await page.locator('[data-span] .span-name').allTextContents();
    expect(names).toEqual(HOSTILE);
    await page.goto(`${server.url}/traces/${traceId}?span=${spanIds[4]}`);
    const copied = page.locator('#span-panel .attributes [data-copy]').first();
    expect(await copied.getAttribute('data-copy')).toBe(HOSTILE[4]);
    expect(trouble).toEqual([]);
    await context.close();
  }, 120_000);
});

describe('accessibility', () => {
  for (const colorScheme of ['light', 'dark'] as const) {
    test(`no violation on any page, ${colorScheme}`, async () => {
      const found: string[] = [];
      // The policy of the pages would keep the checker itself out.
      const { page, context } = await openPage(browser, { colorScheme, bypassCSP: true });
      for (const address of [
        '/start',
        '/ingest',
        '/settings',
        '/search',
        '/search?view=spans',
        '/search?q=%7B+status+%3D+error+%7D&explain=1',
        '/search?q=%7B+name+%3D',
        '/search?q=%7B+name+%3D+%22none%22+%7D',
        ...[...CHARTS, SPANSETS].map((typed) => `/search?q=${encodeURIComponent(typed)}`),
        '/services',
        `/services/${encodeURIComponent(service)}`,
        `/traces/${traceId}`,
        `/traces/${traceId}?span=${spanIds[0]}`,
        `/traces/${'0'.repeat(31)}1`,
        '/login?failed=1',
      ]) {
        await page.goto(`${server.url}${address}`);
        await page.addScriptTag({ content: AXE });
        const result: AxeResult = await page.evaluate('axe.run()');
        for (const { id, nodes } of result.violations) found.push(`${address} ${id}: ${nodes[0]?.html}`);
      }
      expect(found).toEqual([]);
      await context.close();
    }, 120_000);
  }
});
