/**
 * Pages at a million spans as people see them: first bytes over HTTP, full paint in Chromium, and a trace of 100,000
 * spans, from files and from memory. Alone: `bun bench/pages.ts [SPANS]`.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { launchBrowser } from '../test/support/browser.ts';
import { encodeTracesProtobuf } from '../src/otlp/encode.ts';
import type { Attribute, Span } from '../src/span/span.ts';
import type { Measure } from './measure.ts';
import { atMost, figure, median, printMeasures, quantile } from './measure.ts';
import { longTraceId, makeFolder, mergeToTheEnd } from './query-data.ts';
import { sendAll } from './send.ts';
import { NO_FLUSH, Server, tidyOnSignals } from './server.ts';

const ROUNDS = 15;
const PAINT_ROUNDS = 5;

const HUGE_SPANS = 100_000;
const HUGE_REQUEST = 5_000;
/** Children of each of its spans. */
const HUGE_CHILDREN = 12;
const HUGE_SERVICES = ['gateway', 'orders', 'stock', 'payments', 'search', 'catalog'];
/** Before the traffic: searches for the newest don't meet it. */
const HUGE_START = 1_789_900_000_000_000_000n;
/** What the page is to hold of it at most. */
const MOST_ROWS = 2_000;

/** Also with what only the first question has to load. */
const PAGES = [
  ['search', '/search?since=all'],
  [
    'search by an attribute',
    `/search?since=all&q=${encodeURIComponent('{ span.http.response.status_code = 500 }')}`,
  ],
  ['search, spans', '/search?since=all&view=spans'],
  ['services', '/services?since=all'],
  ['map', '/map?since=all'],
  ['errors', '/errors?since=all'],
  ['gen-AI', '/ai?since=all'],
  ['trace of 1,000 spans', `/traces/${longTraceId(1)}`],
] as const;

function hugeTraceId(index: number): string {
  // Its last half is no other trace's: the index finds by that.
  return `4${'0'.repeat(15)}4${'0'.repeat(14)}${index}`;
}

export async function measurePagesAlone(spans: number): Promise<Measure[]> {
  const own = mkdtempSync(join(tmpdir(), 'spanlake-pages-'));
  const folder = join(own, 'data');
  try {
    await makeFolder(folder, spans);
    const sender = await Server.start(folder);
    await sendAll(sender.url, hugeTrace(hugeTraceId(1)));
    await sender.stop();
    await mergeToTheEnd(folder);
    const server = await Server.start(folder, NO_FLUSH);
    try {
      await sendAll(server.url, hugeTrace(hugeTraceId(2)));
      return [
        ...(await measureFirstBytes(server)),
        ...(await measureHuge(server, 'in files', hugeTraceId(1))),
        ...(await measureHuge(server, 'in memory', hugeTraceId(2))),
        ...(await measurePaint(server)),
      ];
    } finally {
      await server.stop();
    }
  } finally {
    rmSync(own, { recursive: true, force: true });
  }
}

async function measureFirstBytes(server: Server): Promise<Measure[]> {
  const measures: Measure[] = [];
  for (const [name, path] of PAGES) {
    const { firstMs: cold } = await timed(server, path);
    const warm: number[] = [];
    for (let i = 0; i < ROUNDS; i++) warm.push((await timed(server, path)).firstMs);
    measures.push(
      figure('pages', `first byte, ${name}, p50`, median(warm), 'ms'),
      figure('pages', `first byte, ${name}, asked first`, cold, 'ms'),
    );
  }
  return measures;
}

async function measureHuge(server: Server, where: string, id: string): Promise<Measure[]> {
  const pages: number[] = [];
  let rows = 0;
  for (let i = 0; i < ROUNDS; i++) {
    const { firstMs, text } = await timed(server, `/traces/${id}`);
    pages.push(firstMs);
    rows = text.split('role="row"').length - 1;
  }
  const windows: number[] = [];
  for (let i = 0; i < 2 * ROUNDS; i++) {
    const row = Math.floor((i * HUGE_SPANS) / (2 * ROUNDS));
    const headers = {
      'hx-request': 'true',
      'hx-request-type': 'partial',
      'hx-target': `div#wf-chunk-${row}`,
    };
    windows.push((await timed(server, `/traces/${id}?row=${row}`, headers)).allMs);
  }
  const what = `trace of 100,000 spans ${where}`;
  return [
    atMost('pages', `${what}, first rows, asked first`, pages[0], 'ms', 500),
    atMost('pages', `${what}, first rows, p50`, median(pages), 'ms', 500),
    atMost('pages', `${what}, a window of rows, p95`, quantile(windows, 0.95), 'ms', 100),
    atMost('pages', `${what}, rows in the page`, rows, 'rows', MOST_ROWS),
  ];
}

interface Timed {
  readonly firstMs: number;
  readonly allMs: number;
  readonly text: string;
}

async function timed(server: Server, path: string, headers: Record<string, string> = {}): Promise<Timed> {
  const before = performance.now();
  const answer = await fetch(`${server.url}${path}`, { headers });
  if (!answer.ok || !answer.body) throw new Error(`${path} is answered ${answer.status}`);
  let firstMs = 0;
  const pieces: Uint8Array[] = [];
  for await (const piece of answer.body) {
    if (pieces.push(piece) === 1) firstMs = performance.now() - before;
  }
  return { firstMs, allMs: performance.now() - before, text: Buffer.concat(pieces).toString() };
}

async function measurePaint(server: Server): Promise<Measure[]> {
  let browser: Browser;
  try {
    browser = await launchBrowser();
  } catch (error) {
    console.error(`not measured: paint (${String(error)})`);
    return [];
  }
  try {
    const measures: Measure[] = [];
    const huge = ['trace of 100,000 spans', `/traces/${hugeTraceId(1)}`] as const;
    for (const [name, path] of [...PAGES, huge]) {
      const rounds: Painted[] = [];
      for (let i = 0; i < PAINT_ROUNDS; i++) rounds.push(await painted(browser, `${server.url}${path}`));
      measures.push(
        figure('pages', `first paint, ${name}, p50`, median(rounds.map(({ firstMs }) => firstMs)), 'ms'),
        figure('pages', `full paint, ${name}, p50`, median(rounds.map(({ fullMs }) => fullMs)), 'ms'),
      );
    }
    return measures;
  } finally {
    await browser.close();
  }
}

interface Painted {
  readonly firstMs: number;
  /** Until each part that comes later is there, and drawn. */
  readonly fullMs: number;
}

/** Since the navigation began, in a browser that has never seen the page. */
async function painted(browser: Browser, url: string): Promise<Painted> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  await page.goto(url, { waitUntil: 'load' });
  const fullMs = await page.evaluate(
    () =>
      new Promise<number>((resolve) => {
        const look = (): void => {
          const isLacking =
            document.querySelector('.htmx-request, .late, .later > .note.needs-script:only-of-type') !== null;
          if (isLacking) requestAnimationFrame(look);
          else requestAnimationFrame(() => resolve(performance.now()));
        };
        look();
      }),
  );
  const firstMs = await page.evaluate(
    () => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? Number.NaN,
  );
  await context.close();
  return { firstMs, fullMs };
}

function hugeTrace(traceId: string): Uint8Array[] {
  const bodies: Uint8Array[] = [];
  for (let from = 0; from < HUGE_SPANS; from += HUGE_REQUEST) {
    bodies.push(
      encodeTracesProtobuf(Array.from({ length: HUGE_REQUEST }, (_, i) => hugeSpan(traceId, from + i))),
    );
  }
  return bodies;
}

function hugeSpan(traceId: string, i: number): Span {
  const serviceName = HUGE_SERVICES[i % HUGE_SERVICES.length];
  const isError = i % 200 === 7;
  return {
    traceId,
    spanId: spanIdOf(i),
    parentSpanId: i === 0 ? '' : spanIdOf(Math.floor((i - 1) / HUGE_CHILDREN)),
    traceState: '',
    name: i % 3 === 0 ? 'GET /api/things/{id}' : 'SELECT things',
    kind: i % 3 === 0 ? 2 : 3,
    startTimeUnixNano: HUGE_START + BigInt(i) * 1_000_000n,
    durationNano: i === 0 ? BigInt(HUGE_SPANS) * 1_100_000n : BigInt(1 + (i % 50)) * 1_000_000n,
    statusCode: isError ? 2 : 0,
    statusMessage: isError ? 'upstream timeout' : '',
    flags: 257,
    attributes: [
      text('http.request.method', 'GET'),
      text('http.route', '/api/things/{id}'),
      text('url.path', `/api/things/${i}`),
      text('user.id', `u-${i % 977}`),
      text('db.query.text', `SELECT * FROM things WHERE id = $1 AND shard = ${i % 13}`),
      { key: 'http.response.status_code', value: { type: 'int', value: isError ? 500n : 200n } },
      { key: 'thread.id', value: { type: 'int', value: BigInt(i % 64) } },
      { key: 'cache.hit', value: { type: 'bool', value: i % 2 === 0 } },
    ],
    droppedAttributesCount: 0,
    events: [],
    droppedEventsCount: 0,
    links: [],
    droppedLinksCount: 0,
    serviceName,
    resource: {
      attributes: [text('service.name', serviceName), text('host.name', `node-${i % 6}`)],
      droppedAttributesCount: 0,
      schemaUrl: '',
    },
    scope: { name: 'bench', version: '1', attributes: [], droppedAttributesCount: 0, schemaUrl: '' },
  };
}

function spanIdOf(i: number): string {
  return (i + 1).toString(16).padStart(16, '0');
}

function text(key: string, value: string): Attribute {
  return { key, value: { type: 'string', value } };
}

if (import.meta.main) {
  tidyOnSignals();
  printMeasures(await measurePagesAlone(Number(process.argv[2] ?? 1_000_000)));
}
