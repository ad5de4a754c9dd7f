import { Database } from 'bun:sqlite';
import { afterEach, expect, test } from 'bun:test';
import type { Findings } from '../../span/findings.ts';
import { createLog } from '../../log.ts';
import { IngestRecords } from '../../store/ingest-records.ts';
import type { Token } from '../../store/projects.ts';
import { sendersMetrics } from './metrics-text.ts';
import { Senders } from './senders.ts';
import type { Told } from './senders.ts';

const START = 1_800_000_000_000;
const MINUTE = 60_000;

const NOTHING: Findings = {
  rejections: [],
  droppedAttributes: 0,
  droppedEvents: 0,
  droppedLinks: 0,
  cutValues: 0,
  withoutService: 0,
  late: 0,
  future: 0,
  sdks: [],
  family: new Uint32Array(0),
};

let nowMs = START;
const logged: string[] = [];
const log = createLog({ level: 'debug', write: (line) => logged.push(line) });
const opened: Senders[] = [];
afterEach(() => {
  for (const senders of opened.splice(0)) senders.close();
  nowMs = START;
  logged.length = 0;
});

function senders(records?: IngestRecords): Senders {
  const made = new Senders({ records, log, now: () => nowMs });
  opened.push(made);
  return made;
}

function told(tokenId: string, projectId = 'shop'): Told {
  const grant = { projectId, scope: 'ingest', tokenId } as const;
  return {
    access: { projectId, grant: tokenId === '' ? undefined : grant },
    transport: 'http',
    format: 'protobuf',
    encoding: 'gzip',
    userAgent: 'OTel-OTLP-Exporter-Go/1.36',
    bytes: 1000,
  };
}

const unknown: Told = { ...told(''), access: undefined };

function token(id: string, more: Partial<Token> = {}): Token {
  return {
    id,
    projectId: 'shop',
    scope: 'ingest',
    name: `name of ${id}`,
    createdAt: 1,
    lastUsedAt: undefined,
    revokedAt: undefined,
    ...more,
  };
}

const taken = (accepted: number, findings: Partial<Findings> = {}, rejected = 0) => ({
  accepted,
  rejected,
  message: rejected === 0 ? '' : 'the old message',
  findings: { ...NOTHING, ...findings },
});

test('each token of the project has its own figures, and those who need a look come first', () => {
  const all = senders();
  all.taken(told('a'), taken(100, { sdks: ['opentelemetry go 1.36'], withoutService: 100, late: 3 }));
  all.taken(told('a'), { accepted: 0, rejected: 0, message: '', duplicate: true });
  const rejections = [{ reason: 'the trace id is all zeros', spans: 2 }];
  all.taken(told('b'), taken(8, { rejections }, 2));
  all.taken(told('x', 'other'), taken(1));
  const tokens = [
    token('a'),
    token('b'),
    token('c'),
    token('r', { scope: 'read' }),
    token('x', { projectId: 'other' }),
  ];
  const { senders: found, turnedAway } = all.report('shop', tokens, true);
  expect(turnedAway).toBeUndefined();
  expect(found.map(({ token: of, state }) => [of?.id, state])).toEqual([
    ['b', 'refusing'],
    ['a', 'receiving'],
    ['c', 'never'],
  ]);
  const [b, a] = found;
  expect(b.refusals).toEqual([
    { reason: 'the trace id is all zeros', unit: 'spans', count: 2, lastMs: START },
  ]);
  expect(b.fiveMinutes).toMatchObject({ acceptedSpans: 8, rejectedSpans: 2, requests: 1, bytes: 1000 });
  expect(a.hour).toMatchObject({
    acceptedSpans: 100,
    requests: 2,
    duplicateRequests: 1,
    spansWithoutService: 100,
    lateSpans: 3,
  });
  expect(a.sdks).toEqual([{ name: 'opentelemetry go 1.36', lastMs: START }]);
  expect(a.lastRequest).toEqual({
    atMs: START,
    transport: 'http',
    format: 'protobuf',
    encoding: 'gzip',
    userAgent: 'OTel-OTLP-Exporter-Go/1.36',
  });
  nowMs += 7 * MINUTE;
  expect(all.report('shop', tokens, true).senders.map(({ state }) => state)).toEqual([
    'quiet',
    'quiet',
    'never',
  ]);
});

test('who was turned away is told to whom may see it, and to no project', () => {
  const all = senders();
  all.refused(unknown, '401: unknown or revoked token');
  all.refused(unknown, '401: unknown or revoked token');
  const seen = all.report('shop', [], true);
  expect(seen.senders).toEqual([]);
  expect(seen.turnedAway).toMatchObject({
    hour: { refusedRequests: 2 },
    refusals: [{ reason: '401: unknown or revoked token', unit: 'requests', count: 2 }],
  });
  expect(all.report('shop', [], false).turnedAway).toBeUndefined();
});

test('a sender’s own words stay within bounds, and nothing that was refused is left out of the sums', () => {
  const all = senders();
  for (let i = 0; i < 100; i++) {
    nowMs += 1;
    all.refused(told('a'), `400: ${i} ${'x'.repeat(1000)}`);
    all.taken(told('a'), taken(1, { sdks: [`sdk ${i} ${'y'.repeat(1000)}`] }));
  }
  const [a] = all.report('shop', [token('a')], true).senders;
  expect(a.refusals).toHaveLength(20);
  expect(a.refusals.reduce((sum, { count }) => sum + count, 0)).toBe(100);
  expect(a.refusals.filter(({ reason }) => reason.startsWith('other reasons'))).toHaveLength(1);
  expect(a.refusals[0].reason.length).toBe(200);
  expect(a.sdks.map(({ name }) => name.slice(0, 6))).toContain('sdk 99');
  expect(a.sdks).toHaveLength(20);
});

test('spans that were rejected without a finding are told by the answer’s message', () => {
  const all = senders();
  all.taken(told('a'), { accepted: 0, rejected: 4, message: 'rejected 4 spans: why' });
  const [a] = all.report('shop', [token('a')], true).senders;
  expect(a.refusals).toEqual([{ reason: 'rejected 4 spans: why', unit: 'spans', count: 4, lastMs: START }]);
});

test('orphans count for who sent them, as a share once there are enough', () => {
  const all = senders();
  const family = (n: number, parent: number) =>
    Uint32Array.of(n, 1, 2, 3, n, 9, parent, parent === 0 ? 0 : 9);
  for (let n = 1; n <= 40; n++) all.taken(told('a'), taken(1, { family: family(n, n % 4 === 0 ? 77 : 0) }));
  expect(all.report('shop', [token('a')], true).senders[0].orphanShare).toBeUndefined();
  nowMs += 3 * MINUTE;
  const [a] = all.report('shop', [token('a')], true).senders;
  expect(a.orphanShare).toBe(0.25);
  expect(a.day).toMatchObject({ sampledSpans: 40, orphanSpans: 10 });
});

test('a revoked token is shown for a month', () => {
  const all = senders();
  all.taken(told('a'), taken(1));
  const revoked = [token('a', { revokedAt: START + 1 }), token('b', { revokedAt: START + 1 })];
  expect(all.report('shop', revoked, true).senders.map(({ token: of }) => of?.revokedMs)).toEqual([
    START + 1,
  ]);
  nowMs += 31 * 24 * 60 * MINUTE;
  expect(all.report('shop', revoked, true).senders).toEqual([]);
});

test('what was known is known after a restart', () => {
  const records = new IngestRecords(new Database(':memory:', { strict: true }));
  const first = senders(records);
  first.taken(told('a'), taken(5, { sdks: ['opentelemetry java 1.5'], cutValues: 2 }));
  first.refused(told('a'), '413: too large');
  first.refused(unknown, '401: no');
  const before = first.report('shop', [token('a')], true);
  first.close();
  const restarted = senders(records);
  expect(restarted.report('shop', [token('a')], true)).toEqual(before);
  const time = `timestamp_seconds{project="shop"} ${START / 1000}`;
  expect(sendersMetrics(restarted, undefined)).toContain(time);
  nowMs += 10 * MINUTE;
  const again = senders(records).report('shop', [token('a')], true);
  expect(again.senders[0]).toMatchObject({
    ...before.senders[0],
    state: 'quiet',
    fiveMinutes: { requests: 0 },
  });
  expect(again.turnedAway?.total).toEqual(before.turnedAway?.total);
  nowMs += 30 * 60 * MINUTE;
  expect(senders(records).report('shop', [token('a')], true).senders[0]).toMatchObject({
    day: { requests: 0 },
    total: { acceptedSpans: 5, cutValues: 2, refusedRequests: 1 },
  });
});

test('only what changed is written, and a catalog that takes nothing is told of once', () => {
  const saved: string[][] = [];
  let full = false;
  const records = new IngestRecords(new Database(':memory:', { strict: true }));
  records.save = (some) => {
    if (full) throw new Error('database or disk is full');
    saved.push(some.map(({ tokenId }) => tokenId));
  };
  const all = senders(records);
  all.tick();
  all.taken(told('a'), taken(1));
  all.taken(told('b'), taken(1));
  all.tick();
  all.tick();
  all.taken(told('b'), taken(1));
  full = true;
  all.tick();
  all.tick();
  expect(logged).toHaveLength(1);
  full = false;
  all.tick();
  expect(saved).toEqual([['a', 'b'], ['b']]);
});

test('a row that does not read costs that row alone', () => {
  const db = new Database(':memory:', { strict: true });
  const records = new IngestRecords(db);
  expect(records.load(10)).toEqual([]);
  const first = senders(records);
  first.taken(told('a'), taken(5));
  first.taken(told('b'), taken(5));
  first.close();
  db.run("UPDATE ingest_senders SET data = '{' WHERE token_id = 'a'");
  expect(records.load(10).map(({ tokenId }) => tokenId)).toEqual(['b']);
  expect(records.load(0)).toEqual([]);
});

test('/metrics tell a token of its own project', () => {
  const all = senders();
  all.taken(told('a'), taken(5, { cutValues: 2 }, 1));
  all.taken(told('x', 'other'), taken(1));
  all.refused(unknown, '401: no');
  const everything = sendersMetrics(all, undefined);
  for (const line of [
    'spanlake_project_spans_total{project="shop",outcome="accepted"} 5',
    'spanlake_project_spans_total{project="shop",outcome="rejected"} 1',
    'spanlake_project_findings_total{project="shop",finding="cut_value"} 2',
    'spanlake_project_requests_total{project="other",outcome="taken"} 1',
    `spanlake_project_last_request_timestamp_seconds{project="shop"} ${START / 1000}`,
    'spanlake_turned_away_requests_total 1',
  ]) {
    expect(everything.split('\n')).toContain(line);
  }
  expect(sendersMetrics(all, 'shop')).toContain('"shop"');
  expect(sendersMetrics(all, 'shop')).not.toContain('"other"');
});

test('what many tokens changed is written in shares, and all of it at the end', () => {
  const saved: number[] = [];
  const records = new IngestRecords(new Database(':memory:', { strict: true }));
  records.save = (some) => void saved.push(some.length);
  const all = senders(records);
  for (let i = 0; i < 500; i++) all.taken(told(`t${i}`), taken(5));
  all.tick();
  all.tick();
  expect(saved).toEqual([200, 200]);
  all.taken(told('t0'), taken(5));
  all.close();
  expect(saved).toEqual([200, 200, 101]);
});
