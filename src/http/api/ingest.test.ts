/** Who sends, and how that fares, as the API and the page tell it. */
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { DescribedApi } from '../testing/described.ts';
import { exportBody } from '../testing/otlp.ts';

interface Answer {
  readonly senders: readonly {
    readonly token: { readonly id: string; readonly name: string } | null;
    readonly state: string;
    readonly lastRequest?: Readonly<Record<string, string>>;
    readonly lastHour: Readonly<Record<string, number>>;
    readonly refusals: readonly { readonly reason: string; readonly count: number }[];
  }[];
  readonly turnedAway?: {
    readonly total: Readonly<Record<string, number>>;
    readonly refusals: readonly object[];
  };
}

let api: DescribedApi;
beforeAll(async () => {
  api = await DescribedApi.start();
});
afterAll(() => api[Symbol.asyncDispose]());

const post = (token: string, body: Uint8Array, more: Record<string, string> = {}) =>
  api.servers.fetch('/v1/traces', {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}`, ...more },
    body: body as Uint8Array<ArrayBuffer>,
  });

test('while the server is open there is one sender, and a page of it', async () => {
  const { senders } = await api.ask<Answer>('/api/v1/ingest');
  expect(senders).toMatchObject([
    {
      token: null,
      state: 'receiving',
      lastRequest: { transport: 'http', format: 'protobuf', encoding: 'identity' },
      last5Minutes: { acceptedSpans: 3, requests: 1 },
      lastDay: { acceptedSpans: 3 },
      total: { acceptedSpans: 3, rejectedSpans: 0 },
    },
  ]);
  const page = await (await api.servers.fetch('/ingest')).text();
  expect(page).toContain('Receiving: 3 spans in the last 5 minutes');
  const fragment = await api.servers.fetch('/ingest', { headers: { 'hx-request-type': 'partial' } });
  expect(await fragment.text()).toStartWith('<div id="ingest"');
});

test('with tokens each has its own, and a reader sees those of its project, and no secret', async () => {
  const { projects } = api.servers;
  projects.createProject('other');
  const [shop, silent, foreign] = [
    projects.createToken('default', 'ingest', 'shop'),
    projects.createToken('default', 'ingest', 'silent'),
    projects.createToken('other', 'ingest', 'foreign'),
  ];
  const as = (projectId: string, scope: 'read' | 'admin') => ({
    headers: { authorization: `Bearer ${projects.createToken(projectId, scope, '').token}` },
  });
  await post(shop.token, exportBody('json', [{ name: 'one' }, { traceId: '00' }]), {
    'user-agent': 'my agent',
  });
  await post(shop.token, Buffer.from('garbage'));
  await post(foreign.token, exportBody('json', [{ name: 'two' }]));
  await post('slk_ingest_wrong', exportBody('json', [{ name: 'three' }]), { 'user-agent': 'lost agent' });

  const read = await api.ask<Answer>('/api/v1/ingest', 200, as('default', 'read'));
  expect(read.senders.map(({ token, state }) => [token?.name, state])).toEqual([
    ['shop', 'refusing'],
    [undefined, 'receiving'],
    ['silent', 'never'],
  ]);
  expect(read.senders[0].lastHour).toMatchObject({ acceptedSpans: 1, rejectedSpans: 1, refusedRequests: 1 });
  expect(read.senders[0].refusals).toHaveLength(2);
  expect(read.turnedAway).toBeUndefined();
  const admin = await api.ask<Answer>('/api/v1/ingest', 200, as('default', 'admin'));
  expect(admin.turnedAway).toMatchObject({
    total: { refusedRequests: 1 },
    lastRequest: { userAgent: 'lost agent' },
    refusals: [{ unit: 'requests', count: 1 }],
  });
  const others = await api.ask<Answer>('/api/v1/ingest', 200, as('other', 'read'));
  expect(others.senders.map(({ token }) => token?.name)).toEqual(['foreign']);

  const page = await (await api.servers.fetch(`/ingest?token=${shop.id}`, as('default', 'read'))).text();
  expect(page).toContain('Refusing 50.0 % of spans (1 of 2), and 50.0 % of requests (1 of 2)');
  for (const secret of [shop.token, silent.token, foreign.token, foreign.id])
    expect(page).not.toContain(secret);
  await api.ask('/api/v1/ingest', 401);
  await api.ask('/api/v1/ingest', 403, { headers: { authorization: `Bearer ${shop.token}` } });
});

test('/metrics tell a token of its project', async () => {
  const { projects } = api.servers;
  const bearer = { authorization: `Bearer ${projects.createToken('other', 'read', '').token}` };
  const text = await (await api.servers.fetch('/metrics', { headers: bearer })).text();
  expect(text).toContain('\nspanlake_project_spans_total{project="other",outcome="accepted"} 1\n');
  expect(text).not.toContain('project="default"');
});
