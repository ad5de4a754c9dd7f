/** Every field of a span hostile: the markup of the pages has no element and no attribute that came from data. */
import { describe, expect, test } from 'bun:test';
import { Html } from '@elysiajs/html';
import { makeSpan } from '../src/trace/arbitrary.ts';
import { buildTree } from '../src/trace/tree.ts';
import { waterfallRows } from '../src/trace/waterfall.ts';
import type { Attribute } from '../src/span/span.ts';
import type { Coverage } from '../src/store/span-store.ts';
import { parseQuery } from '../src/traceql/parse.ts';
import { isMetrics } from '../src/traceql/query.ts';
import type { StoreHealth } from '../src/store/store-upkeep.ts';
import { COUNT_NAMES } from '../src/store/ingest-health.ts';
import type { Counts, SenderReport } from '../src/store/ingest-health.ts';
import { IngestPage } from './ingest.tsx';
import { ErrorPage, LoginPage } from './message.tsx';
import { NO_FILTERS } from './search/query-filters.ts';
import { NameOptions, SearchPage } from './search/search.tsx';
import type { SearchOutcome } from './search/search.tsx';
import { readSearchState } from './search/search-state.ts';
import { StatsPageView } from './services.tsx';
import { SettingsPage } from './settings.tsx';
import { StartPage } from './start.tsx';
import { TracePage } from './trace/trace.tsx';
import { readTraceState } from './trace/trace-state.ts';

const EVIL = `"'><evil onload=alert(1)>&quot;</title></script><evil a="`;
const SPAN_ID = '00000000000000aa';

const attributes: Attribute[] = [
  { key: EVIL, value: { type: 'string', value: EVIL } },
  { key: 'list', value: { type: 'array', value: [{ type: 'string', value: EVIL }] } },
  { key: 'map', value: { type: 'kvlist', value: [{ key: EVIL, value: { type: 'string', value: EVIL } }] } },
];
const span = makeSpan({
  spanId: SPAN_ID,
  parentSpanId: '00000000000000bb',
  name: EVIL,
  serviceName: EVIL,
  traceState: EVIL,
  statusCode: 2,
  statusMessage: EVIL,
  attributes,
  events: [{ timeUnixNano: 1n, name: EVIL, attributes, droppedAttributesCount: 1 }],
  links: [
    {
      traceId: '0'.repeat(32),
      spanId: SPAN_ID,
      traceState: EVIL,
      attributes,
      droppedAttributesCount: 0,
      flags: 0,
    },
  ],
  resource: { attributes, droppedAttributesCount: 0, schemaUrl: EVIL },
  scope: { name: EVIL, version: EVIL, attributes, droppedAttributesCount: 0, schemaUrl: EVIL },
});

const shell = {
  assets: { css: '/a', htmx: '/b', app: '/c', icon: '/d' },
  theme: '',
  signedIn: true,
} as const;
const coverage: Coverage = {
  complete: { reason: EVIL, skipped: [EVIL] },
  scanned: {
    partitions: 1,
    files: 1,
    rowGroups: 1,
    rows: 1,
    bytes: 1,
    prunedFiles: 1,
    prunedRowGroups: 1,
    prunedBytes: 1,
  },
  tookMs: 1,
  explain: {
    query: EVIL,
    predicates: [{ text: EVIL, by: EVIL, cost: 1 }],
    residual: EVIL,
    columns: [EVIL],
    files: { considered: 1, read: 0, pruned: { [EVIL]: 1 } },
    rowGroups: { considered: 1, read: 0, pruned: { time: 1 } },
    bufferRows: 1,
    rowsMatched: 1,
    traces: { candidates: 1, read: 1 },
    cache: { hits: 1, misses: 1 },
    earlyStop: EVIL,
    stages: [{ name: EVIL, ms: 1, detail: EVIL }],
  },
};
const state = { ...readSearchState(new URLSearchParams()), q: EVIL, start: EVIL, end: EVIL, cursor: EVIL };
const summary = {
  traceId: span.traceId,
  rootServiceName: EVIL,
  rootName: EVIL,
  startTimeUnixNano: span.startTimeUnixNano,
  durationNano: 1n,
  spanCount: 9,
  errorCount: 1,
  services: Array.from({ length: 9 }, () => ({ name: EVIL, spanCount: 1, errorCount: 1 })),
  matchedCount: 2,
  matched: [span],
};

function search(outcome: SearchOutcome): JSX.Element {
  const filters = {
    ...NO_FILTERS,
    service: EVIL,
    operation: EVIL,
    minDuration: EVIL,
    maxDuration: EVIL,
    attributes: [{ key: EVIL, value: EVIL }],
    rest: EVIL,
  };
  return Html.createElement(SearchPage, {
    shell,
    now: 2n,
    state,
    filters,
    outcome,
  });
}

const spanset = {
  attributes: [{ key: EVIL, value: { type: 'string', value: EVIL } as const }],
  matchedCount: 2,
  matched: [span],
};

/** Series by a service and by a field with a hostile name. */
function metrics(query: string, labels: readonly string[]): SearchOutcome {
  const { expression } = parseQuery(query);
  if (!isMetrics(expression)) throw new Error('no metrics query');
  const series = {
    labels: labels.map((key) => ({ key, value: { type: 'string', value: EVIL } as const })),
    samples: new Float64Array([1, NaN, 3]),
    exemplars: [{ traceId: span.traceId, spanId: SPAN_ID, timeUnixNano: 1n, value: 1 }],
  };
  return {
    kind: 'metrics',
    expression,
    page: { ...coverage, startUnixNano: 0n, stepNano: 10n, buckets: 3, series: [series, series] },
    asked: { startUnixNano: 0n, endUnixNano: 30n },
  };
}

function stats(service: string | undefined): JSX.Element {
  const row = { serviceName: EVIL, name: EVIL, kind: 2, count: 9, errorCount: 1, p50Nano: 1n, p95Nano: 2n };
  return Html.createElement(StatsPageView, {
    shell,
    service,
    state: { since: '1h', sort: 'count', descending: true } as const,
    page: { ...coverage, stats: [{ ...row, p99Nano: 3n, maxNano: 4n }] },
    rangeSeconds: 3600,
  });
}

function trace(): JSX.Element {
  const tree = buildTree([span]);
  const traceState = readTraceState(span.traceId, new URLSearchParams({ span: SPAN_ID }));
  const waterfall = waterfallRows(tree, { collapsed: traceState.collapsed, from: 0, limit: 10 });
  const keeping = { pinned: true, mayChange: true };
  return Html.createElement(TracePage, {
    shell,
    now: 2n,
    state: traceState,
    tree,
    waterfall,
    coverage,
    keeping,
  });
}

function settings(): JSX.Element {
  const count = 1;
  const health: StoreHealth = {
    writable: false,
    reason: EVIL,
    bufferRows: count,
    bufferBytes: count,
    logBytes: count,
    logAgeSeconds: count,
    lastFsyncMs: count,
    lastFsyncAt: count,
    files: count,
    fileRows: count,
    fileBytes: count,
    indexBytes: count,
    compactionDebtFiles: count,
    compactionDebtRows: count,
    compactions: count,
    compactedRows: count,
    duplicateSpans: count,
    duplicateRequests: count,
    quarantined: [{ path: `lake/project=${EVIL}/x`, reason: EVIL }],
    diskFreeBytes: count,
    diskTotalBytes: 4,
    diskReserveBytes: count,
    daysLeft: 1,
    retentionPaused: EVIL,
    lastProblem: EVIL,
  };
  return Html.createElement(SettingsPage, {
    shell,
    now: 2n,
    health,
    usage: { projectId: EVIL, files: 1, rows: 1, bytes: 1, oldestUnixNano: 1n, newestUnixNano: 2n },
    retention: { rules: EVIL, maxSize: EVIL, problem: EVIL },
    pins: [{ traceId: span.traceId, pinnedAt: 1, note: EVIL }],
    audit: [
      {
        id: 1,
        at: 1,
        projectId: EVIL,
        action: 'delete spans',
        actor: EVIL,
        detail: EVIL,
        spans: 1,
        bytes: 2,
      },
    ],
    mayChange: true,
    saved: true,
  });
}

function ingest(): JSX.Element {
  const counts = Object.fromEntries(COUNT_NAMES.map((name) => [name, 9])) as Record<keyof Counts, number>;
  const sender: SenderReport = {
    token: { id: EVIL, name: EVIL, createdMs: 1, revokedMs: 1 },
    state: 'refusing',
    sinceMs: 1,
    lastTakenMs: 1,
    lastRefusedMs: 2,
    lastRequest: { atMs: 2, transport: 'http', format: 'json', encoding: 'identity', userAgent: EVIL },
    sdks: [{ name: EVIL, lastMs: 1 }],
    refusals: [{ reason: EVIL, unit: 'spans', count: 1, lastMs: 1 }],
    fiveMinutes: counts,
    hour: counts,
    day: counts,
    total: counts,
    orphanShare: 1,
  };
  const closed = Array.from({ length: 101 }, () => sender);
  const report = { projectId: EVIL, senders: closed, turnedAway: sender };
  return Html.createElement(IngestPage, { shell, now: 2n, report, chosen: EVIL });
}

const pages: [string, JSX.Element][] = [
  ['settings', settings()],
  ['ingest', ingest()],
  ['trace', trace()],
  ['search: traces', search({ kind: 'traces', page: { ...coverage, traces: [summary], nextCursor: EVIL } })],
  [
    'search: spansets',
    search({ kind: 'traces', page: { ...coverage, traces: [{ ...summary, spansets: [spanset, spanset] }] } }),
  ],
  [
    'search: metrics by service',
    search(metrics('{} | rate() by (resource.service.name)', ['resource.service.name'])),
  ],
  ['search: metrics as a heatmap', search(metrics('{} | histogram_over_time(duration)', [EVIL]))],
  ['search: metrics by another field', search(metrics(`{} | rate() by (.a, ."b")`, [EVIL, '.b']))],
  [
    'search: metrics of no series',
    search({
      ...metrics('{} | rate()', []),
      page: { ...coverage, startUnixNano: 0n, stepNano: 1n, buckets: 0, series: [] },
    } as SearchOutcome),
  ],
  ['search: spans', search({ kind: 'spans', page: { ...coverage, spans: [span] } })],
  ['search: nothing', search({ kind: 'spans', page: { ...coverage, spans: [] } })],
  ['search: refused', search({ kind: 'refused', message: EVIL, text: EVIL, position: 5 })],
  ['search: names', Html.createElement(NameOptions, { values: Array<string>(30).fill(EVIL) })],
  ['services', stats(undefined)],
  ['operations', stats(EVIL)],
  ['error', Html.createElement(ErrorPage, { shell, status: 400, title: EVIL, message: EVIL })],
  ['sign in', Html.createElement(LoginPage, { shell, next: EVIL, failed: true })],
  [
    'start',
    Html.createElement(StartPage, {
      shell,
      target: { baseUrl: EVIL, grpcUrl: EVIL, tokenRequired: true },
      language: 'collector',
      first: undefined,
      refused: [{ timeUnixNano: 1n, reason: EVIL }],
      mayWrite: true,
      sent: '',
    }),
  ],
];

describe('hostile text in', () => {
  for (const [name, page] of pages) {
    test(name, async () => {
      const found: string[] = [];
      let elements = 0;
      const watch = new HTMLRewriter().on('*', {
        element(element) {
          elements++;
          const attributeNames = [...element.attributes].map(([attributeName]) => attributeName);
          const bad = attributeNames.filter((one) => /^on|["'<>]|evil|&/.test(one) || one === 'a');
          if (element.tagName === 'evil' || bad.length > 0) found.push(`<${element.tagName} ${bad.join()}>`);
        },
      });
      const text = await page;
      await watch.transform(new Response(text)).text();
      expect(found).toEqual([]);
      expect(elements).toBeGreaterThan(20);
      // It is there all the same, as text.
      expect(text).toContain('evil onload=alert(1)');
    });
  }
});
