/** Every route x {no token, unknown, ingest, read, another project's, revoked}, before and after there are tokens. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { bearerToken } from './access.ts';
import { exportBody, START, TRACE_ID } from './testing/otlp.ts';
import { TestServers } from './testing/servers.ts';

const body = exportBody('json', [{ name: 'secret of the shop', attributes: { 'http.route': '/cart' } }]);
const json = { 'content-type': 'application/json' };

const INGEST = ['/v1/traces', '/i/v1/traces', '/i/v0/ai/otel', '/i/v0/ai/otel/v1/traces'];
const API = [
  '/api/v1/spans',
  '/api/v1/traces',
  `/api/v1/traces/${TRACE_ID}`,
  '/api/v1/services',
  '/api/v1/operations?service=x',
  '/api/v1/attributes',
  '/api/v1/attributes/http.route/values',
];
const PAGES = [
  '/',
  '/start',
  '/search',
  '/search/names?of=service',
  `/traces/${TRACE_ID}`,
  '/services',
  '/services/x',
];
const OPEN = ['/healthz', '/readyz', '/openapi.json', '/login', '/favicon.ico'];

function post(servers: TestServers, path: string, headers: Record<string, string> = {}): Promise<Response> {
  const content = body as Uint8Array<ArrayBuffer>;
  return servers.fetch(path, { method: 'POST', headers: { ...json, ...headers }, body: content });
}

describe('without tokens, on loopback', () => {
  let servers: TestServers;
  beforeAll(async () => {
    servers = await TestServers.start();
    await post(servers, '/v1/traces');
  });
  afterAll(() => servers[Symbol.asyncDispose]());

  test('everything is open to this machine', async () => {
    for (const path of INGEST) expect([path, (await post(servers, path)).status]).toEqual([path, 200]);
    for (const path of [...API, ...PAGES, ...OPEN, '/metrics']) {
      const { status } = await servers.fetch(path);
      expect([path, status]).toEqual([path, path === '/favicon.ico' ? 302 : 200]);
    }
  });

  test('a token that is unknown is told so', async () => {
    const headers = { authorization: 'Bearer slk_ingest_x' };
    for (const path of INGEST) expect((await post(servers, path, headers)).status).toBe(401);
    const answer = await servers.fetch('/api/v1/spans', { headers });
    expect(answer.status).toBe(401);
    expect(await answer.json()).toEqual({
      error: { code: 'unauthenticated', message: expect.stringContaining('unknown or revoked token') },
    });
  });

  test("a cookie that another server of this machine set is not this one's", async () => {
    const headers = { cookie: 'a=b; spanlake_token=slk_read_of-another-port' };
    for (const path of [...PAGES, ...API]) {
      expect([path, (await servers.fetch(path, { headers })).status]).toEqual([path, 200]);
    }
  });

  test('names that another site could point at this machine are refused, on every route', async () => {
    for (const host of [
      'evil.example',
      'evil.example:4318',
      'localhost.evil.example',
      '127.0.0.1.nip.io',
      '',
    ]) {
      for (const path of [...API, ...PAGES, ...OPEN, '/metrics']) {
        const { status } = await servers.fetch(path, { headers: { host } });
        expect([host, path, status]).toEqual([host, path, host === '' ? 400 : 403]);
      }
      expect((await post(servers, '/v1/traces', { host })).status).toBe(host === '' ? 400 : 403);
    }
    for (const host of [
      'localhost',
      'LOCALHOST:99',
      '127.0.0.1',
      '127.1.2.3:5',
      '[::1]:4318',
      'x.localhost',
    ]) {
      const { status } = await servers.fetch('/api/v1/spans', { headers: { host } });
      expect([host, status]).toEqual([host, 200]);
    }
  });

  test("the demo button, not from another site's page", async () => {
    const button = (headers: Record<string, string>) => servers.fetch('/demo', { method: 'POST', headers });
    expect((await button({ 'sec-fetch-site': 'cross-site' })).status).toBe(403);
    expect((await button({ 'sec-fetch-site': 'same-site' })).status).toBe(403);
    expect((await button({ origin: 'https://evil.example' })).status).toBe(403);
    expect((await button({ origin: 'null' })).status).toBe(403);
    expect(servers.demos).toEqual([]);
    const pressed = await button({ 'sec-fetch-site': 'same-origin' });
    expect([pressed.status, pressed.headers.get('location')]).toEqual([303, '/start?sent=demo']);
    expect(servers.demos).toEqual([{ endpoint: servers.url }]);
    expect((await button({ origin: servers.url })).status).toBe(303);
  });
});

describe('with tokens', () => {
  let servers: TestServers;
  const tokens = new Map<string, string>();
  const header = (who: string): Record<string, string> => {
    const token = tokens.get(who);
    return token === undefined ? {} : { authorization: `Bearer ${token}` };
  };

  beforeAll(async () => {
    servers = await TestServers.start();
    const { projects } = servers;
    projects.createProject('shop');
    projects.createProject('other');
    for (const [who, project, scope] of [
      ['ingest', 'shop', 'ingest'],
      ['read', 'shop', 'read'],
      ['other', 'other', 'read'],
      ['revoked ingest', 'shop', 'ingest'],
      ['revoked read', 'shop', 'read'],
    ] as const) {
      const { id, token } = projects.createToken(project, scope, who);
      tokens.set(who, token);
      if (who.startsWith('revoked')) projects.revokeToken(id);
    }
    tokens.set('unknown', 'slk_read_unknown');
    expect((await post(servers, '/v1/traces', header('ingest'))).status).toBe(200);
  });
  afterAll(() => servers[Symbol.asyncDispose]());

  const SENDERS: [string, number][] = [
    ['nobody', 401],
    ['unknown', 401],
    ['revoked ingest', 401],
    ['read', 403],
    ['other', 403],
    ['ingest', 200],
  ];
  test.each(SENDERS)('%s sends: %d', async (who, expected) => {
    for (const path of INGEST) {
      expect([path, (await post(servers, path, header(who))).status]).toEqual([path, expected]);
    }
  });

  const READERS: [string, number][] = [
    ['nobody', 401],
    ['unknown', 401],
    ['revoked read', 401],
    ['ingest', 403],
    ['read', 200],
  ];
  test.each(READERS)('%s reads: %d', async (who, expected) => {
    for (const path of [...API, '/metrics']) {
      const answer = await servers.fetch(path, { headers: header(who) });
      expect([path, answer.status]).toEqual([path, expected]);
      if (expected !== 200) expect(await answer.text()).not.toContain('secret of the shop');
    }
    for (const path of PAGES) {
      const answer = await servers.fetch(path, { headers: header(who) });
      // A person is sent to sign in instead.
      expect([path, answer.status]).toEqual([path, expected === 401 ? 303 : expected]);
      if (expected === 401) {
        const login = `/login?next=${encodeURIComponent(path)}`;
        expect(answer.headers.get('location')).toBe(login);
        // Of a session that ended: htmx is told to leave the page, for it follows a redirect into a part of it.
        const part = await servers.fetch(path, { headers: { ...header(who), 'hx-request': 'true' } });
        expect([part.status, part.headers.get('hx-redirect'), await part.text()]).toEqual([401, login, '']);
      }
    }
  });

  test("another project's spans are as if they were not there", async () => {
    const headers = header('other');
    const known = await servers.fetch(`/api/v1/traces/${TRACE_ID}`, { headers });
    const unknown = await servers.fetch(`/api/v1/traces/${'f'.repeat(32)}`, { headers });
    expect([known.status, unknown.status]).toEqual([404, 404]);
    const text = (await known.text()).replace(TRACE_ID, 'f'.repeat(32));
    expect(text).toBe(await unknown.text());
    for (const path of API.filter((one) => !one.includes(TRACE_ID))) {
      const answer = await (await servers.fetch(path, { headers })).text();
      expect(answer).not.toContain('secret');
      expect(answer).not.toContain('/cart');
      expect(answer).not.toContain(String(START));
    }
    expect((await servers.fetch(`/traces/${TRACE_ID}`, { headers })).status).toBe(404);
  });

  test('health, the description and the sign-in page stay open', async () => {
    for (const path of OPEN) {
      const { status } = await servers.fetch(path);
      expect([path, status]).toEqual([path, path === '/favicon.ico' ? 302 : 200]);
    }
  });

  test('another host name is fine: nothing is open any more', async () => {
    const headers = { ...header('read'), host: 'traces.example' };
    expect((await servers.fetch('/api/v1/spans', { headers })).status).toBe(200);
  });

  const form = (fields: Record<string, string>, headers: Record<string, string> = {}) => ({
    method: 'POST',
    headers: { 'sec-fetch-site': 'same-origin', ...headers },
    body: new URLSearchParams(fields),
  });

  test('a browser signs in with a read token, reads, and signs out', async () => {
    const token = tokens.get('read') ?? '';
    const entered = await servers.fetch('/login', form({ token: ` ${token} `, next: '/search?q=x' }));
    expect([entered.status, entered.headers.get('location')]).toEqual([303, '/search?q=x']);
    const set = entered.headers.get('set-cookie') ?? '';
    expect(set).toContain('HttpOnly');
    expect(set).toMatch(/SameSite=(Lax|Strict)/);
    const cookie = set.split(';')[0];
    for (const path of [...PAGES, ...API]) {
      const answer = await servers.fetch(path, { headers: { cookie } });
      expect([path, answer.status]).toEqual([path, 200]);
    }
    // What changes state asks where the request comes from: the cookie alone does not do.
    const demo = { method: 'POST', headers: { cookie, 'sec-fetch-site': 'cross-site' } };
    expect((await servers.fetch('/demo', demo)).status).toBe(403);
    const left = await servers.fetch('/logout', form({}, { cookie }));
    expect(left.headers.get('set-cookie')).toMatch(/=; .*Max-Age=0/);
  });

  test('signing in fails without a word about why, and leads nowhere else', async () => {
    for (const who of ['unknown', 'ingest', 'revoked read']) {
      const answer = await servers.fetch('/login', form({ token: tokens.get(who) ?? '', next: '/services' }));
      expect(answer.headers.get('location')).toMatch(/^\/login\?failed.*next=%2Fservices$/);
      expect(answer.headers.get('set-cookie')).toBeNull();
    }
    const token = tokens.get('read') ?? '';
    for (const next of [
      '//evil.example',
      'https://evil.example',
      '/\\evil.example',
      '/x\r\nset-cookie: a=b',
    ]) {
      const answer = await servers.fetch('/login', form({ token, next }));
      expect(answer.headers.get('location')).toBe('/');
    }
    const foreign = form({ token }, { 'sec-fetch-site': 'cross-site' });
    expect((await servers.fetch('/login', foreign)).status).toBe(403);
    const large = form({ token: 'x'.repeat(100_000) });
    expect((await servers.fetch('/login', large)).status).toBe(413);
  });

  test('no token is ever logged', () => {
    const log = servers.logged.join('\n');
    expect(log).toContain('refused');
    for (const token of tokens.values()) expect(log).not.toContain(token);
  });
});

test('beyond loopback, nothing opens when the last token goes, unless that was asked for', async () => {
  const listen = { host: '0.0.0.0', port: 0 };
  for (const [insecure, expected] of [
    [false, 401],
    [true, 200],
  ] as const) {
    await using servers = await TestServers.start({ config: { listen, insecure } });
    const { id } = servers.projects.createToken('default', 'read', 'last');
    servers.projects.revokeToken(id);
    expect((await servers.fetch('/api/v1/spans')).status).toBe(expected);
    expect((await post(servers, '/v1/traces')).status).toBe(expected);
    const named = await servers.fetch('/api/v1/spans', { headers: { host: 'traces.example' } });
    expect(named.status).toBe(expected);
  }
});

test('every answer carries the security headers, errors too', async () => {
  await using servers = await TestServers.start();
  const answers = [
    ...[
      ...API,
      ...PAGES,
      ...OPEN,
      '/metrics',
      '/nowhere',
      '/api/v1/nowhere',
      '/api/v1/spans?q={',
      '/%zz',
    ].map((path) => servers.fetch(path)),
    post(servers, '/v1/traces'),
    post(servers, '/'),
    servers.fetch('/v1/traces', { method: 'PUT' }),
    servers.fetch('/v1/traces', { method: 'OPTIONS' }),
    servers.fetch('/search', { method: 'HEAD' }),
    servers.fetch('/', { headers: { host: 'evil.example' } }),
  ];
  for (const answer of await Promise.all(answers)) {
    const policy = answer.headers.get('content-security-policy') ?? '';
    for (const rule of [
      "default-src 'none'",
      "script-src 'self'",
      "frame-ancestors 'none'",
      "base-uri 'none'",
    ]) {
      expect(policy).toContain(rule);
    }
    expect(policy).not.toContain('unsafe');
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    expect(answer.headers.get('referrer-policy')).toBe('same-origin');
  }
});

test('the token of an Authorization header, in every form that senders write', () => {
  const cases: [string | null | undefined, string | undefined][] = [
    [undefined, undefined],
    [null, undefined],
    ['', undefined],
    ['Bearer abc', 'abc'],
    ['bearer   abc ', 'abc'],
    ['Bearer%20abc', 'abc'],
    ['abc', 'abc'],
    // Not let in as nobody: it was meant to be somebody.
    ['Basic dXNlcg==', 'Basic dXNlcg=='],
  ];
  for (const [header, token] of cases) expect(bearerToken(header)).toBe(token as never);
});
