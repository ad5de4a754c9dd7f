/** Every field of a span hostile: the markup of the pages has no element and no attribute that came from data. */
import { describe, expect, test } from 'bun:test';
import { Html } from '@elysiajs/html';
import { makeSpan } from '../src/trace/arbitrary.ts';
import { buildTree } from '../src/trace/tree.ts';
import { criticalPathSteps } from '../src/trace/critical-path.ts';
import { minimapSteps } from '../src/trace/minimap.ts';
import { atOnce } from '../src/trace/steps.ts';
import { timingSteps } from '../src/trace/timing.ts';
import { layoutSteps, waterfallWindow } from '../src/trace/waterfall.ts';
import type { Attribute } from '../src/span/span.ts';
import type { Coverage } from '../src/store/span-store.ts';
import { parseQuery } from '../src/traceql/parse.ts';
import { isMetrics } from '../src/traceql/query.ts';
import type { Token } from '../src/store/projects.ts';
import type { StoreHealth } from '../src/store/store-upkeep.ts';
import { COUNT_NAMES } from '../src/store/ingest-health.ts';
import type { Counts, SenderReport } from '../src/store/ingest-health.ts';
import { IngestPage } from './ingest.tsx';
import { ErrorPage, LoginPage } from './message.tsx';
import { NO_FILTERS } from './search/query-filters.ts';
import { NameOptions } from './search/filter-column.tsx';
import { SearchPage } from './search/search.tsx';
import type { SearchOutcome } from './search/search.tsx';
import { readSearchState } from './search/search-state.ts';
import { callsOf } from './services/calls.ts';
import { mapGraph } from './services/map-graph.ts';
import { MapPage } from './services/map.tsx';
import { ServicePage } from './services/service.tsx';
import { ServicesPage } from './services/services.tsx';
import { SettingsPage } from './settings/settings.tsx';
import { StartPage } from './start.tsx';
import { TracePage } from './trace/trace.tsx';
import { WaterfallView } from './trace/waterfall.tsx';
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
  project: EVIL,
  serviceColours: EVIL,
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
    conditions: [{ text: EVIL, without: EVIL }],
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
  const figures = { count: 9, errorCount: 1, p50Nano: 1n, p95Nano: 2n, p99Nano: 3n };
  const row = { serviceName: EVIL, name: EVIL, kind: 2, ...figures, maxNano: 4n };
  const before = { stats: [row], text: EVIL };
  const range = { since: '', start: EVIL, end: EVIL };
  const props = {
    shell,
    state: { range, sort: 'count', descending: true, filter: '' } as const,
    problem: EVIL,
    page: { ...coverage, stats: [row] },
    before,
    seconds: 3600,
    reach: { oldestUnixNano: 1n, startUnixNano: 0n, before: EVIL, hasBefore: true, now: 2n },
    trends: undefined,
  };
  if (service === undefined) return Html.createElement(ServicesPage, props);
  const of = { ...figures, client: EVIL, server: EVIL, calls: 9, errors: 1 };
  const [database, none] = [
    { ...of, connectionType: 'database' } as const,
    { ...of, connectionType: '' } as const,
  ];
  const calls = callsOf([database, none], new Set([EVIL]));
  const values = [{ type: 'string', value: EVIL, count: 1 }] as const;
  return Html.createElement(ServicePage, {
    ...props,
    service,
    total: row,
    totalBefore: row,
    now: 2n,
    charts: undefined,
    calls: { callers: calls, callees: calls, incomplete: EVIL },
    makeup: {
      ...coverage,
      count: 1,
      facets: [{ field: 'resource.host.name', values, distinct: 1, missing: 0 }],
    },
    errors: { ...coverage, spans: [span] },
  });
}

function map(): JSX.Element {
  const figures = { calls: 9, errors: 1, p50Nano: 1n, p95Nano: 2n, p99Nano: 3n };
  const edge = { ...figures, client: EVIL, server: 'b', connectionType: '' } as const;
  const calls = callsOf([edge, { ...edge, server: EVIL, connectionType: 'database' }], new Set([EVIL]));
  const state = { range: { since: '1h', start: '', end: '' }, service: EVIL };
  const graph = mapGraph(calls, [], EVIL);
  const answer = { calls, graph, services: [EVIL], coverage, seconds: 60 };
  return Html.createElement(MapPage, { shell, state, problem: EVIL, answer });
}

function trace(): JSX.Element {
  const tree = buildTree([span]);
  const traceState = readTraceState(span.traceId, new URLSearchParams({ span: SPAN_ID }));
  const timing = atOnce(timingSteps(tree));
  const shape = { ...traceState.rows, kept: undefined };
  const waterfall = Html.createElement(WaterfallView, {
    tree,
    timing,
    critical: atOnce(criticalPathSteps(tree, timing)),
    minimap: atOnce(minimapSteps(tree, timing)),
    errors: new Uint8Array([1]),
    found: { marks: new Uint8Array(1), count: 0, problem: EVIL },
    chosenCount: undefined,
    waterfall: waterfallWindow(atOnce(layoutSteps(tree, shape)), timing, { from: 0, limit: 10 }),
    state: { ...traceState, rows: { ...traceState.rows, q: EVIL } },
  });
  const keeping = { pinned: true, mayChange: true };
  const causes = { coverage, removals: [], quarantined: 0 };
  const page = { shell, now: 2n, state: traceState, tree, causes, keeping, baseUrl: 'http://127.0.0.1:4318' };
  return Html.createElement(TracePage, page, waterfall);
}

const evilToken: Token = {
  id: EVIL,
  projectId: EVIL,
  scope: 'admin',
  name: EVIL,
  createdAt: 1,
  lastUsedAt: 1,
  revokedAt: undefined,
};

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
    maxBytes: 10,
    access: {
      isOpen: false,
      tokens: [evilToken, { ...evilToken, revokedAt: 2 }],
      ownTokenId: EVIL,
      made: { ...evilToken, token: EVIL },
      problem: EVIL,
    },
    links: {
      templates: [{ id: EVIL, name: EVIL, url: EVIL }],
      sent: { name: EVIL, url: EVIL, problem: EVIL },
    },
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
    readOnly: false,
    saved: EVIL,
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
  ['map', map()],
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
      mayTest: true,
      mayMakeToken: true,
      projectId: EVIL,
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
      expect(text).toContain('evil onload=alert(1)');
    });
  }
});
