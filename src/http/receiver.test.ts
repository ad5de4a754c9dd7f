/** Each row of the table of the OTLP specification, in both encodings, against real servers. */
import { describe, expect, test } from 'bun:test';
import { deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { StoreUnavailableError } from '../store/span-store.ts';
import type { Store } from '../store/store-upkeep.ts';
import { decodeAnswer, exportBody, FORMATS, mime, TRACE_ID } from './testing/otlp.ts';
import type { SmallSpan } from './testing/otlp.ts';
import { TestServers } from './testing/servers.ts';

const LIMIT = 64 * 1024;

/** A lake whose `append` fails with this. */
function failing(error: () => Error) {
  return (lake: Store): Store => ({
    ...lake,
    append: () => Promise.reject(error()),
  });
}

function post(servers: TestServers, path: string, init: RequestInit): Promise<Response> {
  return servers.fetch(path, { method: 'POST', ...init });
}

describe.each(FORMATS)('in %s', (format) => {
  const headers = { 'content-type': mime(format) };
  const body = (...spans: SmallSpan[]) => exportBody(format, spans) as Uint8Array<ArrayBuffer>;

  test('all accepted: 200 without partial_success, and the span is there', async () => {
    await using servers = await TestServers.start();
    for (const path of ['/v1/traces', '/i/v1/traces']) {
      const answer = await post(servers, path, { headers, body: body({}) });
      expect(answer.status).toBe(200);
      expect(await decodeAnswer(answer, format)).toEqual({});
    }
    const trace = await servers.get<{ spans: { startTimeUnixNano: string }[] }>(`/api/v1/traces/${TRACE_ID}`);
    expect(trace.spans[0].startTimeUnixNano).toBe('1700000000123456789');
  });

  test('an empty request: 200', async () => {
    await using servers = await TestServers.start();
    const empty = format === 'json' ? '{}' : '';
    const answer = await post(servers, '/v1/traces', { headers, body: empty });
    expect([answer.status, await decodeAnswer(answer, format)]).toEqual([200, {}]);
  });

  test('some rejected: 200 with their number and the reason; the others are kept', async () => {
    await using servers = await TestServers.start();
    const spans = [{}, { traceId: '0102' }, { spanId: '0'.repeat(16) }];
    const answer = await post(servers, '/v1/traces', { headers, body: body(...spans) });
    expect(answer.status).toBe(200);
    const { partialSuccess } = await decodeAnswer(answer, format);
    expect(partialSuccess?.rejectedSpans).toBe('2');
    expect(partialSuccess?.errorMessage).toMatch(/trace id/i);
    const page = await servers.get<{ spans: unknown[] }>('/api/v1/spans');
    expect(page.spans).toHaveLength(1);
  });

  test("gen-AI spans alone on PostHog's path for them, with the reason for the others", async () => {
    await using servers = await TestServers.start();
    for (const path of ['/i/v0/ai/otel', '/i/v0/ai/otel/v1/traces']) {
      const spans: SmallSpan[] = [
        // Another body each time: the same one again would be a repeat.
        { attributes: { 'gen_ai.system': path } },
        { attributes: { 'http.route': '/' } },
      ];
      const answer = await post(servers, path, { headers, body: body(...spans) });
      expect(answer.status).toBe(200);
      const { partialSuccess } = await decodeAnswer(answer, format);
      expect(partialSuccess?.rejectedSpans).toBe('1');
      expect(partialSuccess?.errorMessage).toContain('gen_ai.');
    }
  });

  test('undecodable: 400 with a Status', async () => {
    await using servers = await TestServers.start();
    const answer = await post(servers, '/v1/traces', { headers, body: 'garbage' });
    expect(answer.status).toBe(400);
    const { code, message } = await decodeAnswer(answer, format);
    expect(code).toBe(3);
    expect(message).toMatch(/byte \d+/);
  });

  test('a bad or missing token: 401, one of another scope: 403', async () => {
    await using servers = await TestServers.start();
    const { token } = servers.projects.createToken('default', 'read', 'r');
    const cases: [Record<string, string>, number, number][] = [
      [{}, 401, 16],
      [{ authorization: 'Bearer nonsense' }, 401, 16],
      [{ authorization: `Bearer ${token}` }, 403, 7],
    ];
    for (const [extra, status, code] of cases) {
      const answer = await post(servers, '/v1/traces', { headers: { ...headers, ...extra }, body: body({}) });
      expect(answer.status).toBe(status);
      expect((await decodeAnswer(answer, format)).code).toBe(code);
      if (status === 401) expect(answer.headers.get('www-authenticate')).toContain('Bearer');
    }
  });

  test('too big: 413, as it comes and after decompression, announced or not', async () => {
    await using servers = await TestServers.start({ config: { maxBodyBytes: LIMIT } });
    const large = new Uint8Array(LIMIT + 1);
    const chunked = () =>
      new ReadableStream({
        start(controller) {
          for (let i = 0; i < 10; i++) controller.enqueue(new Uint8Array(LIMIT / 8));
          controller.close();
        },
      });
    const cases: [RequestInit['body'], string][] = [
      [large, 'identity'],
      [chunked(), 'identity'],
      [gzipSync(large), 'gzip'],
      [zstdCompressSync(large), 'zstd'],
      [deflateSync(large), 'deflate'],
    ];
    for (const [content, encoding] of cases) {
      const answer = await post(servers, '/v1/traces', {
        headers: { ...headers, 'content-encoding': encoding },
        body: content,
      });
      expect([encoding, answer.status]).toEqual([encoding, 413]);
      expect((await decodeAnswer(answer, format)).code).toBe(8);
    }
  });

  test('every encoding that is offered is taken', async () => {
    await using servers = await TestServers.start();
    const plain = body({});
    const multiMember = Buffer.concat([gzipSync(plain.subarray(0, 5)), gzipSync(plain.subarray(5))]);
    const cases: [Uint8Array<ArrayBuffer>, string][] = [
      [plain, 'identity'],
      [gzipSync(plain), 'gzip'],
      [multiMember, 'GZIP'],
      [zstdCompressSync(plain), 'zstd'],
      [deflateSync(plain), 'deflate'],
    ];
    for (const [content, encoding] of cases) {
      const answer = await post(servers, '/v1/traces', {
        headers: { ...headers, 'content-encoding': encoding },
        body: content,
      });
      expect([encoding, answer.status]).toEqual([encoding, 200]);
    }
  });

  test('an unknown encoding, or several: 415; a damaged body: 400', async () => {
    await using servers = await TestServers.start();
    const cases: [string, Uint8Array<ArrayBuffer>, number][] = [
      ['br', body({}), 415],
      ['gzip, gzip', gzipSync(gzipSync(body({}))), 415],
      ['gzip', body({}), 400],
      ['gzip', gzipSync(body({})).subarray(0, -6), 400],
      ['zstd', body({}), 400],
      ['deflate', body({}), 400],
    ];
    for (const [encoding, content, status] of cases) {
      const answer = await post(servers, '/v1/traces', {
        headers: { ...headers, 'content-encoding': encoding },
        body: content,
      });
      expect([encoding, answer.status]).toEqual([encoding, status]);
      expect((await decodeAnswer(answer, format)).code).toBe(3);
    }
  });

  test('the content type may carry parameters', async () => {
    await using servers = await TestServers.start();
    const type = `${mime(format).toUpperCase()} ; charset=utf-8`;
    const answer = await post(servers, '/v1/traces', { headers: { 'content-type': type }, body: body({}) });
    expect(answer.status).toBe(200);
  });

  test('a store that takes nothing: 503 with Retry-After', async () => {
    const wrap = failing(() => new StoreUnavailableError('the disk is full', 7));
    await using servers = await TestServers.start({ wrap });
    const answer = await post(servers, '/v1/traces', { headers, body: body({}) });
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '7']);
    expect(await decodeAnswer(answer, format)).toEqual({ code: 14, message: 'the disk is full' });
  });

  test('an unforeseen error: 503, since a 500 makes senders drop data, and no inner word', async () => {
    await using servers = await TestServers.start({ wrap: failing(() => new Error('secret /path')) });
    const answer = await post(servers, '/v1/traces', { headers, body: body({}) });
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1']);
    const { code, message } = await decodeAnswer(answer, format);
    expect(code).toBe(14);
    expect(message).not.toContain('secret');
    expect(servers.logged.join('\n')).toContain('secret /path');
  });

  test('signals that are not kept: 501 with a Status that says so', async () => {
    await using servers = await TestServers.start();
    for (const path of ['/v1/metrics', '/v1/logs', '/i/v1/logs', '/i/v1/metrics']) {
      const answer = await post(servers, path, { headers, body: '' });
      expect(answer.status).toBe(501);
      const { code, message } = await decodeAnswer(answer, format);
      expect([code, message]).toEqual([12, expect.stringContaining('traces alone')]);
    }
  });

  test('a URL that was put together wrongly: 404 that says which to set', async () => {
    await using servers = await TestServers.start();
    const paths = ['/', '/i', '/i/', '/v1/traces/v1/traces', '/i/v1/traces/v1/traces'];
    for (const path of [
      ...paths,
      '/i/i/v1/traces',
      '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
    ]) {
      const answer = await post(servers, path, { headers, body: body({}) });
      expect([path, answer.status]).toEqual([path, 404]);
      const { code, message } = await decodeAnswer(answer, format);
      expect(code).toBe(5);
      expect(message).toContain('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT');
    }
  });
});

test('another method: 405 with Allow; another type: 415', async () => {
  await using servers = await TestServers.start();
  for (const method of ['GET', 'PUT', 'DELETE', 'PATCH']) {
    for (const path of ['/v1/traces', '/i/v1/traces', '/i/v0/ai/otel', '/v1/logs']) {
      const answer = await servers.fetch(path, { method });
      expect([method, path, answer.status, answer.headers.get('allow')]).toEqual([
        method,
        path,
        405,
        'POST, OPTIONS',
      ]);
      expect((await decodeAnswer(answer, 'json')).code).toBe(12);
    }
  }
  for (const type of ['text/plain', '', 'application/xml']) {
    const answer = await post(servers, '/v1/traces', { headers: { 'content-type': type }, body: 'x' });
    expect([type, answer.status]).toEqual([type, 415]);
  }
});

test('another site may not read or send: there are no CORS headers', async () => {
  await using servers = await TestServers.start();
  const headers = { origin: 'https://evil.example', 'access-control-request-method': 'POST' };
  const preflight = await servers.fetch('/v1/traces', { method: 'OPTIONS', headers });
  expect([preflight.status, preflight.headers.get('allow')]).toEqual([204, 'POST, OPTIONS']);
  for (const name of preflight.headers.keys()) expect(name).not.toStartWith('access-control');
});

test('the token may come as senders write it', async () => {
  await using servers = await TestServers.start();
  const { token } = servers.projects.createToken('default', 'ingest', 'i');
  const body = exportBody('json', [{}]) as Uint8Array<ArrayBuffer>;
  for (const written of [
    `Bearer ${token}`,
    `bearer ${token}`,
    `Bearer%20${token}`,
    `BEARER  ${token} `,
    token,
  ]) {
    const headers = { 'content-type': 'application/json', authorization: written };
    expect([written, (await post(servers, '/i/v1/traces', { headers, body })).status]).toEqual([
      written,
      200,
    ]);
  }
  const headers = { 'content-type': 'application/json' };
  expect((await post(servers, `/i/v1/traces?token=${token}`, { headers, body })).status).toBe(200);
  expect((await post(servers, '/i/v1/traces?token=wrong', { headers, body })).status).toBe(401);
});

test('what was refused is told on the first page', async () => {
  await using servers = await TestServers.start();
  const headers = { 'content-type': 'application/json', authorization: 'Bearer wrong' };
  await post(servers, '/v1/traces', { headers, body: '{}' });
  expect(await (await servers.fetch('/start')).text()).toContain('unknown or revoked token');
});
