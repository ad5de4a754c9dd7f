/** The compiled binary, copied alone into an empty folder, with an empty environment, does the main job. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test';
import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { TestServer, compiledBinary, eventually, runBinary, temporaryFolder } from './support/server.ts';

// Compiling, when the sources changed, takes seconds.
setDefaultTimeout(60_000);

let home = '';
let binary = '';

beforeAll(() => {
  home = temporaryFolder();
  binary = join(home, 'spanlake');
  copyFileSync(compiledBinary(), binary);
});

afterAll(() => rmSync(home, { recursive: true, force: true }));

/** A data folder that outlives its server. */
function dataFolder(name: string): string {
  const folder = join(home, name);
  mkdirSync(folder);
  return folder;
}

function start(dataDir: string, args: readonly string[] = []): Promise<TestServer> {
  return TestServer.start({ binary, cwd: home, dataDir, args });
}

interface SentSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly name: string;
}

function randomSpan(name: string): SentSpan {
  return {
    traceId: Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString('hex'),
    spanId: Buffer.from(crypto.getRandomValues(new Uint8Array(8))).toString('hex'),
    name,
  };
}

async function send(server: TestServer, span: SentSpan): Promise<void> {
  const startUnixNano = BigInt(Date.now()) * 1_000_000n;
  const answer = await server.fetch('/v1/traces', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      resourceSpans: [
        {
          resource: { attributes: [{ key: 'service.name', value: { stringValue: 'checkout' } }] },
          scopeSpans: [
            {
              scope: { name: 'test' },
              spans: [
                {
                  ...span,
                  kind: 2,
                  startTimeUnixNano: String(startUnixNano),
                  endTimeUnixNano: String(startUnixNano + 1_234_567n),
                  attributes: [{ key: 'order.count', value: { intValue: '9007199254740993' } }],
                },
              ],
            },
          ],
        },
      ],
    }),
  });
  expect(answer.status).toBe(200);
  expect(await answer.json()).toEqual({});
}

async function names(server: TestServer, traceId: string): Promise<readonly string[]> {
  const answer = await server.fetch(`/api/v1/traces/${traceId}`);
  if (answer.status === 404) return [];
  expect(answer.status).toBe(200);
  const trace = (await answer.json()) as { spans: readonly { name: string }[] };
  return trace.spans.map(({ name }) => name);
}

/** Parquet files anywhere below the folder. */
function parquetFiles(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.parquet'))
    .map((path) => join(folder, path));
}

test('is below 125 MB', () => {
  expect(statSync(binary).size).toBeLessThan(125_000_000);
});

test('serves, takes a span, shows it over the API and as a page, and drains on SIGTERM', async () => {
  const dataDir = dataFolder('main');
  await using server = await start(dataDir);
  const health = await server.fetch('/healthz');
  expect(health.status).toBe(200);

  const span = randomSpan('POST /checkout');
  await send(server, span);
  expect(await names(server, span.traceId)).toEqual([span.name]);

  const page = await server.fetch(`/traces/${span.traceId}`, { headers: { accept: 'text/html' } });
  expect(page.status).toBe(200);
  expect(page.headers.get('content-type')).toStartWith('text/html');
  expect(await page.text()).toContain(span.name);

  expect(await server.terminate()).toBe(0);
  const files = parquetFiles(dataDir);
  expect(files.length).toBe(1);
  expect(statSync(files[0]).size).toBeGreaterThan(100);

  await using again = await start(dataDir);
  expect(await names(again, span.traceId)).toEqual([span.name]);
});

test('what its pages link to is inside the binary', async () => {
  await using server = await start(dataFolder('assets'));
  const html = await (await server.fetch('/', { headers: { accept: 'text/html' } })).text();
  const links = [...html.matchAll(/<(?:script|link)[^>]* (?:src|href)="(\/[^"]+)"/g)].map(([, path]) => path);
  expect(links.length).toBeGreaterThanOrEqual(2);
  for (const path of links) {
    const asset = await server.fetch(path);
    expect([path, asset.status]).toEqual([path, 200]);
    expect((await asset.text()).length).toBeGreaterThan(20);
  }
});

test('kill -9 right after a 200: the span is there after the restart', async () => {
  const dataDir = dataFolder('killed');
  const spans = ['first', 'second', 'third'].map(randomSpan);
  for (const span of spans) {
    await using server = await start(dataDir);
    await send(server, span);
    await server.kill();
  }
  await using server = await start(dataDir);
  for (const span of spans) expect(await names(server, span.traceId)).toEqual([span.name]);
});

test('Parquet is written by the worker while it runs', async () => {
  const dataDir = dataFolder('flushed');
  await using server = await start(dataDir, ['--flush-age', '200ms']);
  const span = randomSpan('flushed');
  await send(server, span);
  await eventually('a Parquet file', () => parquetFiles(dataDir)[0]);
  expect(await names(server, span.traceId)).toEqual([span.name]);
});

test('a second process on the same data folder exits at once and says who holds it', async () => {
  const dataDir = dataFolder('shared');
  await using server = await start(dataDir);
  const second = await runBinary(
    ['--data', dataDir, '--listen', '127.0.0.1:0', '--grpc-listen', '127.0.0.1:0'],
    { binary, cwd: home },
  );
  expect(second.code).toBe(1);
  expect(second.stderr).toContain(dataDir);
  expect(second.stderr).toContain(String(server.pid));
  expect((await server.fetch('/healthz')).status).toBe(200);
});

test('a taken port is named, with the way to choose another', async () => {
  await using server = await start(dataFolder('port'));
  const taken = new URL(server.url).host;
  const http = await runBinary(
    ['--data', dataFolder('port-http'), '--listen', taken, '--grpc-listen', 'off'],
    { binary, cwd: home },
  );
  expect([http.code, http.stderr]).toEqual([1, expect.stringContaining(`${taken} is in use`)]);
  expect(http.stderr).toContain('--listen');

  const takenGrpc = new URL(server.grpcUrl).host;
  const grpc = await runBinary(
    ['--data', dataFolder('port-grpc'), '--listen', '127.0.0.1:0', '--grpc-listen', takenGrpc],
    { binary, cwd: home },
  );
  expect([grpc.code, grpc.stderr]).toEqual([1, expect.stringContaining(`${takenGrpc} is in use`)]);
  expect(grpc.stderr).toContain('--grpc-listen');
});

test('a second server that was told its HTTP port alone does without gRPC when the first has it', async () => {
  const holder = holdPort(4317);
  try {
    await using second = await TestServer.start({ args: ['--grpc-listen', '127.0.0.1:4317'] });
    expect(second.log).toContain('another process has its port');
    expect((await second.fetch('/healthz')).status).toBe(200);
  } finally {
    holder?.stop(true);
  }
});

/** Undefined where another process has it, which is as good. */
function holdPort(port: number) {
  try {
    return Bun.listen({ hostname: '127.0.0.1', port, socket: { data() {} } });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') return undefined;
    throw error;
  }
}

test.each([
  [['--bogus'], 'unknown flag --bogus'],
  [['--lisen', '127.0.0.1:1'], 'did you mean --listen?'],
  [['--store', 'clickhouse://localhost'], 'not in this version'],
  [['--listen', '0.0.0.0:0'], '--insecure'],
  [['servee'], 'did you mean serve?'],
  [['token'], 'token create'],
  [['project', 'create'], 'NAME is missing'],
])('%j exits 2 and says why', async (words, message) => {
  const run = await runBinary([...words], { binary, cwd: home });
  expect([run.code, run.stdout]).toEqual([2, '']);
  expect(run.stderr).toContain(message);
});

test('help and version', async () => {
  for (const words of [['--help'], ['serve', '--help'], ['token', '--help'], ['token', 'create', '--help']]) {
    const help = await runBinary(words, { binary, cwd: home });
    expect([help.code, help.stderr]).toEqual([0, '']);
    expect(help.stdout).toContain('spanlake');
  }
  const version = await runBinary(['--version'], { binary, cwd: home });
  expect(version.stdout).toMatch(/^spanlake \d+\.\d+\.\d+\n$/);
});

test('files of the folder that it is started in are not obeyed', async () => {
  const folder = dataFolder('hostile');
  await Bun.write(join(folder, '.env'), 'SPANLAKE_LISTEN=not-an-address\n');
  await Bun.write(join(folder, 'bunfig.toml'), 'preload = ["./evil.ts"]\n');
  await Bun.write(join(folder, 'evil.ts'), 'await Bun.write("owned", "yes");\n');
  await using server = await TestServer.start({ binary, cwd: folder, dataDir: join(folder, 'data') });
  expect((await server.fetch('/healthz')).status).toBe(200);
  expect(existsSync(join(folder, 'owned'))).toBe(false);
});

test('tokens made beside the running server count at once', async () => {
  const dataDir = dataFolder('tokens');
  await using server = await start(dataDir);
  const command = (...words: string[]) => runBinary([...words, '--data', dataDir], { binary, cwd: home });

  expect((await command('project', 'create', 'shop')).code).toBe(0);
  const ingest = await command('token', 'create', '--project', 'shop', '--scope', 'ingest');
  const read = await command('token', 'create', '--project', 'shop', '--scope', 'read', '--name', 'grafana');
  expect([ingest.code, read.code]).toEqual([0, 0]);
  const token = read.stdout.trim();
  expect(token.split('\n').length).toBe(1);

  const ask = (authorization?: string) =>
    server.fetch('/api/v1/services', authorization === undefined ? {} : { headers: { authorization } });
  expect((await ask()).status).toBe(401);
  expect((await ask(`Bearer ${token}`)).status).toBe(200);
  expect((await ask(`Bearer ${ingest.stdout.trim()}`)).status).toBe(403);

  const list = await command('token', 'list');
  expect(list.stdout).toContain('grafana');
  expect(list.stdout).not.toContain(token);
  const id = /^(\S+) .*grafana/m.exec(list.stdout)?.[1] ?? '';
  expect((await command('token', 'revoke', id)).code).toBe(0);
  expect((await ask(`Bearer ${token}`)).status).toBe(401);
  expect((await command('token', 'revoke', id)).code).toBe(1);
});
