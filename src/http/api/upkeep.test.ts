/** Storage, retention, pins, deletion and audit over the API, each answer against its description. */
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { CART, DescribedApi, ORDER } from '../testing/described.ts';

let api: DescribedApi;
beforeAll(async () => {
  api = await DescribedApi.start();
});
afterAll(() => api[Symbol.asyncDispose]());

const put = (body: unknown): RequestInit => ({ method: 'PUT', body: JSON.stringify(body) });

async function errorOf(path: string, status: number, init: RequestInit): Promise<string> {
  const { error } = await api.ask<{ error: { message: string } }>(path, status, init);
  return error.message;
}

test('storage tells what is where, and merges when asked', async () => {
  expect(await api.ask('/api/v1/storage')).toMatchObject({
    writable: true,
    bufferRows: 3,
    quarantined: [],
    project: { projectId: 'default', files: 0 },
  });
  await api.servers.lake.flush();
  const merged = await api.ask('/api/v1/storage/compact', 200, { method: 'POST' });
  expect(merged).toMatchObject({ bufferRows: 0, fileRows: 3, compactionDebtFiles: 0, compactedRows: 3 });
  expect(merged.project).toMatchObject({ rows: 3, oldestUnixNano: expect.any(String) });
});

test('retention is kept as it was said', async () => {
  expect(await api.ask('/api/v1/retention')).toEqual({ rules: [], maxBytes: null });
  const policy = {
    rules: [
      { query: '{ status = error }', maxAge: '30d' },
      { query: '{}', maxAge: '36h' },
    ],
    maxBytes: 5_000_000_000,
  };
  expect(await api.ask('/api/v1/retention', 200, put(policy))).toEqual(policy);
  expect(await api.ask('/api/v1/retention')).toEqual(policy);
  const bounded = { ...policy, maxBytes: 1_000_000 };
  expect(await api.ask('/api/v1/retention', 200, put({ maxBytes: 1_000_000 }))).toEqual(bounded);
  expect(await api.ask('/api/v1/retention', 200, put({}))).toEqual(bounded);
  const unruled = await api.ask('/api/v1/retention', 200, put({ rules: [] }));
  expect(unruled).toEqual({ rules: [], maxBytes: 1_000_000 });
  await api.ask('/api/v1/retention', 200, put({ maxBytes: null }));
  expect(await api.ask('/api/v1/retention')).toEqual({ rules: [], maxBytes: null });
});

test.each([
  ['no JSON', { method: 'PUT', body: '{' }, 'the body is no JSON'],
  ['a list', put([]), 'the body is no JSON object'],
  ['an unknown field', put({ rule: [] }), 'unknown field "rule"; known: rules, maxBytes'],
  ['rules that are none', put({ rules: {} }), 'rules is a list of {"query","maxAge"}'],
  ['a rule without age', put({ rules: [{ query: '{}' }] }), 'a rule is {'],
  ['an age without unit', put({ rules: [{ query: '{}', maxAge: '30' }] }), 'maxAge is an age such as 30d'],
  ['an age of a minute', put({ rules: [{ query: '{}', maxAge: '0.01h' }] }), 'between 1h and'],
  ['a query that does not parse', put({ rules: [{ query: '{ status = }', maxAge: '1d' }] }), 'expected'],
  ['a size below 1', put({ maxBytes: 0 }), 'maxBytes is a number of bytes from 1'],
])('retention with %s is refused and changes nothing', async (_what, init, message) => {
  expect(await errorOf('/api/v1/retention', 400, init)).toContain(message);
  expect(await api.ask('/api/v1/retention')).toEqual({ rules: [], maxBytes: null });
});

test('a trace is pinned, found among the pins, and let go', async () => {
  const path = `/api/v1/traces/${CART}/pin`;
  const pinned = { traceId: CART, pinned: true };
  expect(await api.ask(`${path}?note=the+outage`, 200, { method: 'PUT' })).toEqual(pinned);
  expect(await api.ask(path, 200, { method: 'PUT' })).toEqual(pinned);
  expect(await api.ask('/api/v1/pins')).toMatchObject({ pins: [{ traceId: CART, note: 'the outage' }] });
  expect(await api.ask(path, 200, { method: 'DELETE' })).toEqual({ traceId: CART, pinned: false });
  expect(await api.ask('/api/v1/pins')).toEqual({ pins: [] });
  await api.ask(`/api/v1/traces/${'e'.repeat(32)}/pin`, 404, { method: 'PUT' });
});

test('spans and traces go for good, and the audit says so', async () => {
  const nothing = await errorOf('/api/v1/spans?q=', 400, { method: 'DELETE' });
  expect(nothing).toContain('say what to delete');
  const spans = `/api/v1/spans?${new URLSearchParams({ q: '{ name = "SELECT" }' })}`;
  expect(await api.ask(spans, 200, { method: 'DELETE' })).toMatchObject({ spans: 1 });
  expect((await api.ask<{ spans: unknown[] }>(`/api/v1/traces/${CART}`)).spans).toHaveLength(1);
  expect(await api.ask(`/api/v1/traces/${ORDER}`, 200, { method: 'DELETE' })).toMatchObject({ spans: 1 });
  await api.ask(`/api/v1/traces/${ORDER}`, 404);
  expect(await api.ask(`/api/v1/traces/${ORDER}`, 200, { method: 'DELETE' })).toEqual({ spans: 0, bytes: 0 });
  const { entries } = await api.ask<{ entries: object[] }>('/api/v1/audit?limit=2');
  expect(entries).toMatchObject([
    { action: 'delete trace', detail: ORDER, spans: 1, actor: 'local' },
    { action: 'delete spans', spans: 1, actor: 'local' },
  ]);
});

test('with tokens, what changes something wants an admin token, and never another site', async () => {
  const { projects } = api.servers;
  const bearer = (scope: 'ingest' | 'read' | 'admin') => ({
    authorization: `Bearer ${projects.createToken('default', scope, '').token}`,
  });
  const [ingest, read, admin] = [bearer('ingest'), bearer('read'), bearer('admin')];
  const unpin = (headers: Record<string, string>) => ({ method: 'DELETE', headers });
  const path = `/api/v1/traces/${CART}/pin`;
  await api.ask(path, 401, unpin({}));
  await api.ask(path, 403, unpin(ingest));
  expect(await errorOf(path, 403, unpin(read))).toBe('this token has the scope read, and this needs admin');
  await api.ask(path, 200, unpin(admin));
  await api.ask(path, 403, unpin({ ...admin, 'sec-fetch-site': 'cross-site' }));
  await api.ask(path, 403, unpin({ ...admin, origin: 'https://evil.example' }));
  await api.ask('/api/v1/storage', 200, { headers: admin });
  await api.ask('/api/v1/storage', 200, { headers: read });
  const form = { method: 'POST', headers: read, redirect: 'manual' } as const;
  expect((await api.servers.fetch(`/traces/${CART}/delete`, form)).status).toBe(403);
  expect((await api.servers.fetch('/settings', { headers: read })).status).toBe(200);
});
