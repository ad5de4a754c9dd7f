import { afterAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { materialise } from '../../../otlp/testing/materialise.ts';
import { DEFAULT_SPAN_LIMITS } from '../../../span/span-limits.ts';
import type { SpanLimits } from '../../../span/span-limits.ts';
import type { Span } from '../../../span/span.ts';
import { parseQuery } from '../../../traceql/parse.ts';
import type { AppendResult, ExportRequest } from '../../span-store.ts';
import { rejection } from '../../testing/rejection.ts';
import { openLake } from '../lake.ts';
import type { Lake } from '../lake.ts';
import { requestOf, testRequest, testSpan, textAttribute } from '../testing/requests.ts';

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'spanlake-limits-'));
  folders.push(folder);
  return folder;
}

function open(dataDir: string, limits: Partial<SpanLimits>, flushBytes?: number): Promise<Lake> {
  return openLake({
    dataDir,
    spanLimits: { ...DEFAULT_SPAN_LIMITS, ...limits },
    background: false,
    ...(flushBytes === undefined ? {} : { limits: { bytes: flushBytes } }),
  });
}

/** All that is in buffers, by id. */
function buffered(lake: Lake): Span[] {
  const snapshot = lake.snapshot('default');
  try {
    const spans = snapshot.buffers.flatMap((columns) => materialise(columns));
    return spans.sort((a, b) => (a.spanId < b.spanId ? -1 : 1));
  } finally {
    snapshot.release();
  }
}

let next = 0;

/** Attributes `names`, of service `service`; `isSound` or with an end that no parser takes. */
function requestWith(
  names: readonly string[],
  service: string,
  kind: 'sound' | 'broken' | 'rejected' | 'large',
): ExportRequest {
  const n = ++next;
  const padding = kind === 'large' ? [textAttribute('padding', 'x'.repeat(1024 * 1024))] : [];
  const attributes = [...names.map((name) => textAttribute(name, `${n}`)), ...padding];
  const span = testSpan(n, { more: { attributes } });
  const request = testRequest([kind === 'rejected' ? { ...span, spanId: '0'.repeat(16) } : span], {
    attributes: [textAttribute('service.name', service), textAttribute(`of.${service}`, 'x')],
  });
  if (kind !== 'broken') return request;
  const body = new Uint8Array([...request.body, 0x7d]);
  return { ...request, body, received: { encoding: 'identity', bytes: body } };
}

async function send(lake: Lake, request: ExportRequest): Promise<AppendResult | Error> {
  const appended = lake.append('default', request);
  return appended.catch(() => rejection(appended));
}

test('what limits took when spans came, they take when the log is replayed', async () => {
  const limits = { keys: 8, services: 3, valueBytes: 4_096 };
  const requests = fc.array(
    fc.tuple(
      fc.array(
        fc.integer({ min: 0, max: 14 }).map((n) => `key.${n}`),
        { maxLength: 4 },
      ),
      fc.constantFrom('a', 'b', 'c', 'd', 'e'),
      fc.constantFrom(
        'sound' as const,
        'sound' as const,
        'broken' as const,
        'rejected' as const,
        'large' as const,
      ),
    ),
    { minLength: 6, maxLength: 20 },
  );
  await fc.assert(
    fc.asyncProperty(requests, async (sent) => {
      const folder = newFolder();
      let lake = await open(folder, limits);
      for (const [names, service, kind] of sent) await send(lake, requestWith(names, service, kind));
      const before = buffered(lake);
      await lake.abandon();
      lake = await open(folder, limits);
      const after = buffered(lake);
      await lake.abandon();
      expect(after).toEqual(before);
    }),
    { numRuns: 6 },
  );
});

test('requests of which nothing is kept do not fill the memory', async () => {
  const lake = await open(newFolder(), {}, 256 * 1024);
  const attributes = () =>
    Array.from({ length: 200 }, (_, i) => textAttribute(`key.${i}`, `${Math.random()}`.repeat(8)));
  for (let i = 0; i < 40; i++) {
    const broken = requestOf({
      resourceSpans: [{ scopeSpans: [{ spans: [{ attributes: attributes() }, 7] }] }],
    });
    expect(await send(lake, broken)).toBeInstanceOf(Error);
    const health = lake.health();
    expect(health.bufferBytes).toBeLessThan(512 * 1024);
  }
  expect(await send(lake, requestWith([], 'a', 'sound'))).toMatchObject({ accepted: 1 });
  expect(buffered(lake).length).toBe(1);
  await lake.close();
});

test('a project with an attribute key, a service and a name for each span is asked and flushed as others are', async () => {
  const lake = await open(newFolder(), { keys: 1_000, services: 500 });
  for (let request = 0; request < 60; request++) {
    const spans = Array.from({ length: 50 }, () => {
      const n = ++next;
      return testSpan(n, { name: `GET /${n}`, more: { attributes: [textAttribute(`key.${n}`, 'v')] } });
    });
    const resource = { attributes: [textAttribute('service.name', `service-${Math.floor(request / 2)}`)] };
    expect(await send(lake, testRequest(spans, resource))).toMatchObject({ accepted: 50 });
  }
  await lake.flush();
  const range = { startUnixNano: 0n, endUnixNano: 2n ** 63n };
  const stats = await lake.serviceStats('default', { range });
  expect(stats.stats.length).toBe(30);
  const { keys } = await lake.attributeKeys('default', {
    query: parseQuery('{}'),
    range,
    prefix: 'key.',
    limit: 10_000,
  });
  // `service.name` is the first of the thousand.
  expect(keys.length).toBe(999);
  await lake.close();
});
