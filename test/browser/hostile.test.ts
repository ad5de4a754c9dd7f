/** Hostile text in every field of a span, on every page. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
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
    ...[...CHARTS, SPANSETS].map(q),
    ...HOSTILE.map((evil) =>
      q(`{ span.${JSON.stringify(evil)} != nil } | rate() by (span.${JSON.stringify(evil)}, name)`),
    ),
    `/services/${encodeURIComponent(HOSTILE[0])}`,
    '/map',
    `/map?service=${encodeURIComponent(service)}`,
    '/errors',
    '/ai',
    '/import',
    `/compare?a=${traceId}&b=${traceId}`,
    ...['flame', 'table', 'statistics', 'json'].map((view) => `/traces/${traceId}?view=${view}`),
    ...HOSTILE.slice(0, 3).flatMap((evil) => {
      const typed = encodeURIComponent(evil);
      return [
        `/traces/${traceId}?q=${typed}&only=matches&closed=${typed}`,
        `/search?view=spans&cols=${encodeURIComponent(`span.${JSON.stringify(evil)}`)}`,
        `/search/tail?q=${typed}`,
        `/search/facets?facet=${typed}`,
        `/search/complete?at=3&q=${typed}`,
        `/search/saved?name=${typed}&url=${typed}`,
      ];
    }),
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

test('a span of a clock that is centuries ahead, and one at the end of time, leave each page as it is', async () => {
  await using own = await TestServer.start();
  const ends = { startTimeUnixNano: '18446744073709551615', endTimeUnixNano: '18446744073709551615' };
  const future = { startTimeUnixNano: '16725225600000000000', endTimeUnixNano: '16725225601000000000' };
  const ago = { startTimeUnixNano: at(60), endTimeUnixNano: at(59) };
  const call = [text('gen_ai.request.model', 'm'), text('gen_ai.operation.name', 'chat')];
  const trace = hex(32);
  await sendSpans(own, 'shop', [
    { traceId: trace, spanId: hex(16), name: 'now', attributes: call, status: { code: 2 }, ...ago },
    { traceId: hex(32), spanId: hex(16), name: 'ahead', attributes: call, status: { code: 2 }, ...future },
    { traceId: hex(32), spanId: hex(16), name: 'end', ...ends },
  ]);
  const q = encodeURIComponent('{} | rate() by (name)');
  const paths = `/services /services/shop /map /errors /ai /search /search?q=${q} /search/heatmap /search/facets`;
  const pages = paths
    .split(' ')
    .flatMap((path) =>
      ['1h', 'all'].map((since) => `${path}${path.includes('?') ? '&' : '?'}since=${since}&part=all`),
    );
  const metrics = `/api/v1/metrics?q=${q}`;
  for (const path of [...pages, `/traces/${trace}`, metrics, `${metrics}&since=1h`]) {
    expect([path, (await own.fetch(path)).status]).toEqual([path, 200]);
  }
}, 60_000);
