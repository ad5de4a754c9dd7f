import { expect, test } from 'bun:test';
import { COUNT_NAMES } from '../src/store/ingest-health.ts';
import type { CountName, SenderReport, SenderState } from '../src/store/ingest-health.ts';
import { orphanText, reasonHint, verdictOf, wayText } from './ingest-words.ts';
import type { Tone } from './ingest-words.ts';

const NOW_MS = 1_800_000_000_000;
const NOW = BigInt(NOW_MS) * 1_000_000n;
const DAY_MS = 24 * 3_600_000;

type Some = Partial<Record<CountName, number>>;

function counts(some: Some): Record<CountName, number> {
  const zeros = Object.fromEntries(COUNT_NAMES.map((name) => [name, 0])) as Record<CountName, number>;
  return { ...zeros, ...some };
}

function sender(state: SenderState, recent: Some, more: Partial<SenderReport> = {}): SenderReport {
  const all = counts(recent);
  return {
    token: undefined,
    state,
    sinceMs: 1,
    lastTakenMs: NOW_MS - 3 * DAY_MS,
    lastRefusedMs: 0,
    lastRequest: {
      atMs: NOW_MS - 3 * DAY_MS,
      transport: 'http',
      format: 'protobuf',
      encoding: 'gzip',
      userAgent: '',
    },
    sdks: [],
    refusals: [],
    fiveMinutes: all,
    hour: all,
    day: all,
    total: all,
    orphanShare: undefined,
    ...more,
  };
}

const CASES: readonly (readonly [SenderReport, Tone, string])[] = [
  [sender('never', {}), 'none', 'Nothing yet: this token was never used to send'],
  [sender('quiet', {}), 'none', 'Nothing since 2027-01-12 08:00:00 UTC, 3 d ago'],
  [
    sender('quiet', {}, { lastRefusedMs: NOW_MS - 3 * DAY_MS, lastTakenMs: 0 }),
    'none',
    'Nothing since 2027-01-12 08:00:00 UTC, 3 d ago; that request was refused, none ever was taken',
  ],
  [
    sender('receiving', { requests: 3, acceptedSpans: 1204 }),
    'good',
    'Receiving: 1,204 spans in the last 5 minutes',
  ],
  // One late span of a thousand is nobody's trouble; a dropped attribute is lost.
  [
    sender('receiving', {
      requests: 3,
      acceptedSpans: 1000,
      lateSpans: 1,
      orphanSpans: 1,
      sampledSpans: 200,
    }),
    'good',
    'Receiving: 1,000 spans in the last 5 minutes',
  ],
  [
    sender('receiving', { requests: 3, acceptedSpans: 1000, lateSpans: 90, droppedLinks: 1 }),
    'warn',
    'Receiving: 1,000 spans in the last 5 minutes. In the last hour: links dropped, late spans',
  ],
  [
    sender('receiving', {
      requests: 9,
      acceptedSpans: 9,
      lateSpans: 9,
      futureSpans: 9,
      cutValues: 1,
      droppedLinks: 1,
    }),
    'warn',
    'Receiving: 9 spans in the last 5 minutes. In the last hour: links dropped, values cut, late spans and 1 more',
  ],
  [
    sender('receiving', { requests: 2, duplicateRequests: 2 }),
    'warn',
    'Receiving nothing new: 2 requests in the last 5 minutes came before. In the last hour: requests that came again',
  ],
  [
    sender('receiving', { requests: 1 }),
    'good',
    'Receiving no spans: 1 request in the last 5 minutes had none',
  ],
  [
    sender('refusing', { requests: 5, acceptedSpans: 220, rejectedSpans: 30 }),
    'error',
    'Refusing 12.0 % of spans (30 of 250) in the last 5 minutes',
  ],
  [sender('refusing', { refusedRequests: 40 }), 'error', 'Refusing all of 40 requests in the last 5 minutes'],
  [sender('refusing', { refusedRequests: 1 }), 'error', 'Refusing the only request in the last 5 minutes'],
];

test.each(CASES)('%#', (report, tone, text) => {
  expect(verdictOf(report, NOW)).toEqual({ tone, text });
});

test('orphans are told as a share, once there are any', () => {
  const day = counts({ sampledSpans: 2000 });
  expect(orphanText(sender('receiving', {}, { day, orphanShare: 0.034 }))).toBe(
    'About 3.4 % of spans are orphans, by 2,000 spans of sampled traces',
  );
  expect(orphanText(sender('receiving', {}, { day, orphanShare: 0 }))).toBe('');
  expect(orphanText(sender('receiving', {}))).toBe('');
});

test('a reason leads to what to do', () => {
  expect(reasonHint('413: the body is larger than 64 MiB')).toContain('--max-body');
  expect(reasonHint('the span id is all zeros')).toContain('by hand');
  expect(reasonHint('their service.name is new behind 10,000 others')).toContain('--max-services');
  expect(reasonHint('something else')).toBe('');
});

test('the way of a request', () => {
  const request = {
    atMs: 1,
    transport: 'http',
    format: 'json',
    encoding: 'identity',
    userAgent: '',
  } as const;
  expect(wayText(request)).toBe('OTLP/HTTP, JSON, not compressed');
  expect(wayText({ ...request, transport: 'grpc', format: 'protobuf', encoding: 'gzip' })).toBe(
    'OTLP/gRPC, gzip',
  );
});
