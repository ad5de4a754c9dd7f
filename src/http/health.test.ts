import { gzipSync } from 'node:zlib';
import { expect, test } from 'bun:test';
import { exportBody } from './testing/otlp.ts';
import { TestServers } from './testing/servers.ts';

/** Samples of the Prometheus text format, by name with labels; each name must have its HELP and TYPE. */
function samples(text: string): Map<string, number> {
  const found = new Map<string, number>();
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const match = /^([a-z_]+)(\{[^}]*\})? (\S+)$/.exec(line);
    if (match === null) throw new Error(`not a sample: ${line}`);
    const family = match[1].replace(/_(bucket|sum|count)$/, '');
    if (!text.includes(`# TYPE ${family} `) && !text.includes(`# TYPE ${match[1]} `)) {
      throw new Error(`no TYPE of ${match[1]}`);
    }
    found.set(match[1] + (match[2] ?? ''), Number(match[3]));
  }
  return found;
}

test('/metrics count what arrived, what it became, and what was asked', async () => {
  await using servers = await TestServers.start();
  const send = (body: Uint8Array, encoding: string) =>
    servers.fetch('/v1/traces', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-encoding': encoding },
      body: body as Uint8Array<ArrayBuffer>,
    });
  const body = exportBody('json', [{}, {}, { traceId: '00' }]);
  const gzipped = gzipSync(exportBody('json', [{ name: 'other' }, {}, { traceId: '00' }]));
  await send(body, 'identity');
  await send(gzipped, 'gzip');
  // The same request again changes nothing.
  await send(body, 'identity');
  await send(Buffer.from('garbage'), 'identity');
  await servers.get('/api/v1/spans');
  const answer = await servers.fetch('/metrics');
  expect(answer.headers.get('content-type')).toStartWith('text/plain; version=0.0.4');
  const found = samples(await answer.text());
  const expected: [string, number][] = [
    ['spanlake_export_requests_total{transport="http",format="json",status="200"}', 3],
    ['spanlake_export_requests_total{transport="http",format="json",status="400"}', 1],
    ['spanlake_export_received_bytes_total{transport="http",encoding="gzip"}', gzipped.length],
    ['spanlake_export_received_bytes_total{transport="http",encoding="identity"}', 2 * body.length + 7],
    ['spanlake_accepted_spans_total', 4],
    ['spanlake_rejected_spans_total', 2],
    ['spanlake_duplicate_requests_total', 1],
    ['spanlake_request_duration_seconds_count{route="/api/v1/spans"}', 1],
    ['spanlake_buffer_spans', 4],
    ['spanlake_writable', 1],
    ['spanlake_build_info{version="0.0.0-test"}', 1],
  ];
  for (const [name, value] of expected) expect([name, found.get(name)]).toEqual([name, value]);
  for (const name of [
    'process_resident_memory_bytes',
    'process_cpu_seconds_total',
    'process_start_time_seconds',
    'spanlake_log_bytes',
  ]) {
    expect([name, (found.get(name) ?? 0) > 0]).toEqual([name, true]);
  }
});

test('the longest stall of the loop is seen once', async () => {
  await using servers = await TestServers.start();
  const lag = async () =>
    samples(await (await servers.fetch('/metrics')).text()).get('spanlake_event_loop_lag_seconds') ?? -1;
  await lag();
  await Bun.sleep(30);
  Bun.sleepSync(250);
  await Bun.sleep(30);
  expect(await lag()).toBeGreaterThan(0.2);
  expect(await lag()).toBeLessThan(0.2);
});

test('/readyz says why the store takes no writes, while /healthz and questions go on', async () => {
  await using servers = await TestServers.start({
    wrap: (lake) => ({
      ...lake,
      health: () => ({ ...lake.health(), writable: false, reason: 'the disk is full' }),
    }),
  });
  const ready = await servers.fetch('/readyz');
  expect([ready.status, await ready.text()]).toEqual([503, 'takes no writes: the disk is full\n']);
  expect((await servers.fetch('/healthz')).status).toBe(200);
  expect((await servers.fetch('/api/v1/spans')).status).toBe(200);
});

test('an unforeseen error of a question: 500 without an inner word', async () => {
  await using servers = await TestServers.start({
    wrap: (lake) => ({ ...lake, searchSpans: () => Promise.reject(new Error('secret /path')) }),
  });
  const answer = await servers.fetch('/api/v1/spans');
  expect(answer.status).toBe(500);
  expect(await answer.json()).toEqual({
    error: { code: 'internal', message: 'an error of this server; its log says more' },
  });
  const page = await servers.fetch('/search?view=spans');
  expect(await page.text()).not.toContain('secret');
  expect(servers.logged.join('\n')).toContain('secret /path');
});
