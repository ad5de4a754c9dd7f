import { afterEach, describe, expect, test } from 'bun:test';
import { copyFileSync, existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { TestServers } from '../http/testing/servers.ts';
import { encodeTracesJson, encodeTracesProtobuf } from '../otlp/encode.ts';
import type { Span } from '../span/span.ts';
import { ReadOnlyLake } from '../store/lake/read-only.ts';
import { requestArbitrary } from '../otlp/testing/arbitrary.ts';
import { byKey, duckdbRows } from '../store/lake/testing/duckdb.ts';
import { requestOf, testRequest, testSpan } from '../store/lake/testing/requests.ts';
import { parseQuery } from '../traceql/parse.ts';
import { TestFolders, idsIn, idsOf, run, spansOf } from './testing/folders.ts';

const folders = new TestFolders();
afterEach(() => folders.end());

/** Attributes in order of their keys: what a store keeps of their order. */
async function spansIn(dataDir: string): Promise<Span[]> {
  const lake = await ReadOnlyLake.open({ dataDir });
  const { spans } = await lake.searchSpans('default', {
    query: parseQuery('{}'),
    range: { startUnixNano: 0n, endUnixNano: 2n ** 64n },
    order: 'oldest',
    limit: 10_000,
  });
  await lake.close();
  return spans.map((span) => ({
    ...span,
    attributes: byKey(span.attributes),
    resource: { ...span.resource, attributes: byKey(span.resource.attributes) },
    scope: { ...span.scope, attributes: byKey(span.scope.attributes) },
    events: span.events.map((event) => ({ ...event, attributes: byKey(event.attributes) })),
    links: span.links.map((link) => ({ ...link, attributes: byKey(link.attributes) })),
  }));
}

function imported(...words: string[]) {
  const data = folders.make();
  return run('import', ...words, '--data', data, '--quiet').then((ran) => ({ data, ...ran }));
}

const TWO_DAYS = 2n * 86_400_000_000_000n;

describe('what was exported and imported again is the same, every field of every span', () => {
  test.each(['otlp-json', 'parquet'])('%s', async (format) => {
    // Of two days: each has a file, and there are a hundred in arbitrary times.
    const spans = fc
      .sample(requestArbitrary, { numRuns: 60, seed: 7 })
      .flatMap((request) =>
        request.map((span) => ({ ...span, startTimeUnixNano: span.startTimeUnixNano % TWO_DAYS })),
      );
    const data = folders.make();
    const lake = await folders.open(data);
    await lake.append('default', requestOf(encodeTracesJson(spans.slice(0, 100))));
    await lake.flush();
    await lake.append('default', requestOf(encodeTracesJson(spans.slice(100))));
    const file = join(folders.make(), 'spans');
    const ran = await run('export', '--data', data, '--format', format, '--output', file);
    expect(ran).toMatchObject({ code: 0, out: '' });
    const again = await imported(file);
    expect(again.code).toBe(0);
    const before = await spansIn(data);
    expect(before.length).toBeGreaterThan(100);
    expect(again.out).toBe(`${before.length} spans taken\n`);
    expect(await spansIn(again.data)).toEqual(before);
  });
});

describe('export', () => {
  test('a query, a range, each span once though it was delivered twice', async () => {
    const data = folders.make();
    const lake = await folders.open(data);
    await lake.append('default', testRequest(spansOf(0, 30)));
    await lake.flush();
    await lake.append('default', testRequest(spansOf(20, 31)));
    const ids = async (...words: string[]) => {
      const file = join(folders.make(), 'out');
      const { code, err } = await run('export', ...words, '--data', data, '--output', file);
      expect([code, err]).toEqual([0, expect.stringMatching(/^\d+ spans\n$/)]);
      return [...readFileSync(file, 'utf8').matchAll(/"spanId":"(\w+)"/g)].map((match) => match[1]);
    };
    expect(await ids()).toEqual(idsOf(0, 31));
    expect(await ids('{ name = "operation 3" }')).toEqual(
      spansOf(0, 31)
        .filter(({ name }) => name === 'operation 3')
        .map(({ spanId }) => spanId),
    );
    const end = String(testSpan(10).start);
    expect(await ids('--end', end)).toEqual(idsOf(0, 10));
    expect(await ids('--start', end)).toEqual(idsOf(10, 31));
    expect(await ids('{ trace:rootName = "nobody" }')).toEqual([]);
  });

  test('Parquet is what DuckDB reads, without spans too', async () => {
    const data = await folders.filled([0, 30]);
    const file = join(folders.make(), 'x.parquet');
    await run('export', '--data', data, '--format', 'parquet', '--output', file);
    const [row] = await duckdbRows(
      `SELECT count(*) AS n, count(DISTINCT "resource.service.name") AS s FROM '${file}'`,
    );
    expect(row).toEqual({ n: '30', s: '1' });
    await run('export', '{ name = "none" }', '--data', data, '--format', 'parquet', '--output', file);
    expect(await duckdbRows(`SELECT count(*) AS n FROM '${file}'`)).toEqual([{ n: '0' }]);
  });

  test('usage: a bad query points at the place, and nothing is written', async () => {
    const data = await folders.filled([0, 1]);
    const output = join(data, 'out');
    const bad = await run('export', '{ name = }', '--data', data, '--output', output);
    expect([bad.code, bad.err]).toEqual([2, expect.stringContaining('\n           ^\n')]);
    expect(await run('export', '--format', 'csv')).toMatchObject({ code: 2 });
    expect(await run('export', '--since', '1h', '--start', '2026-01-01', '--data', data)).toMatchObject({
      code: 2,
    });
    expect(await run('export', '--data', folders.make(), '--output', output)).toMatchObject({ code: 1 });
    expect(existsSync(output)).toBe(false);
  });

  test('to the standard output, whose reader may go', async () => {
    const data = await folders.filled([0, 30]);
    const main = new URL('../main.ts', import.meta.url).pathname;
    const all = Bun.spawnSync([process.execPath, main, 'export', '--data', data, '--quiet']);
    expect(all.exitCode).toBe(0);
    expect(all.stdout.toString().match(/"spanId"/g)?.length).toBe(30);
    const first = Bun.spawnSync([
      'sh',
      '-c',
      `"${process.execPath}" "${main}" export --data "${data}" | head -c 5`,
    ]);
    expect(first.stdout.toString()).toBe('{"res');
    expect(first.stderr.toString()).not.toContain('unexpected');
  });
});

describe('import', () => {
  const bodyOf = (from: number, to: number) => Buffer.from(testRequest(spansOf(from, to)).body);
  const fileOf = (...parts: (Uint8Array | string)[]) => {
    const file = join(folders.make(), 'input');
    writeFileSync(file, Buffer.concat(parts.map((part) => Buffer.from(part))));
    return file;
  };
  const prefixed = (body: Uint8Array) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(body.length);
    return Buffer.concat([length, body]);
  };
  async function protobufOf(from: number, to: number): Promise<Uint8Array> {
    return encodeTracesProtobuf(await spansIn(await folders.filled([from, to])));
  }
  const lines = () => [bodyOf(0, 3), '\n', bodyOf(3, 5), '\n\n', bodyOf(5, 6)];
  const forms: [string, () => Promise<(Uint8Array | string)[]>][] = [
    ['JSON lines', async () => lines()],
    [
      'JSON lines of Windows with a byte order mark',
      async () => ['\ufeff', bodyOf(0, 5), '\r\n', bodyOf(5, 6), '\r\n'],
    ],
    ['one JSON document', async () => [JSON.stringify(JSON.parse(bodyOf(0, 6).toString()), null, 2)]],
    ['one JSON line without an end', async () => [bodyOf(0, 6)]],
    ['one protobuf request', async () => [await protobufOf(0, 6)]],
    [
      'protobuf with lengths',
      async () => [prefixed(await protobufOf(0, 4)), prefixed(await protobufOf(4, 6))],
    ],
    ['JSON with lengths', async () => [prefixed(bodyOf(0, 4)), prefixed(bodyOf(4, 6))]],
    [
      'zstd messages with lengths',
      async () => [prefixed(zstdCompressSync(bodyOf(0, 4))), prefixed(zstdCompressSync(bodyOf(4, 6)))],
    ],
    ['gzip of lines', async () => [gzipSync(Buffer.concat(lines().map((part) => Buffer.from(part))))]],
    [
      'zstd of lines',
      async () => [zstdCompressSync(Buffer.concat(lines().map((part) => Buffer.from(part))))],
    ],
    [
      'gzip in two members',
      async () => [gzipSync(Buffer.concat([bodyOf(0, 3), Buffer.from('\n')])), gzipSync(bodyOf(3, 6))],
    ],
  ];
  test.each(forms)('%s', async (_, parts) => {
    const { data, code, out } = await imported(fileOf(...(await parts())));
    expect([code, out]).toEqual([0, '6 spans taken\n']);
    expect(await idsIn(data)).toEqual(idsOf(0, 6));
  });

  test('Parquet of a lake, compressed too', async () => {
    const source = await folders.filled([0, 20]);
    const [name] = readdirSync(join(source, 'lake'), { recursive: true, encoding: 'utf8' }).filter((path) =>
      path.endsWith('.parquet'),
    );
    const file = join(source, 'lake', name);
    const { data, code } = await imported(file);
    expect([code, await idsIn(data)]).toEqual([0, idsOf(0, 20)]);
    const packed = await imported(fileOf(gzipSync(readFileSync(file))));
    expect([packed.code, await idsIn(packed.data)]).toEqual([0, idsOf(0, 20)]);
  });

  test('broken lines are named and counted, the others taken', async () => {
    const file = fileOf(
      bodyOf(0, 2),
      '\n{"resourceSpans":[{"scope\n',
      bodyOf(2, 3),
      '\nhello\n',
      bodyOf(3, 4),
    );
    const { data, code, out, err } = await imported(file, join(data404(), 'none'));
    expect([code, out]).toEqual([1, '4 spans taken, 3 lines or files could not be used\n']);
    expect(err).toContain(`${file}: line 2: `);
    expect(err).toContain(`${file}: line 4: `);
    expect(err).toContain('there is no such file');
    expect(await idsIn(data)).toEqual(idsOf(0, 4));
  });
  const data404 = () => folders.make();

  test('cut-off files keep what is whole', async () => {
    const whole = prefixed(await protobufOf(0, 4));
    const cut = await imported(fileOf(whole, whole.subarray(0, 30)));
    expect([cut.code, cut.err]).toEqual([1, expect.stringContaining('ends after 26 of')]);
    expect(await idsIn(cut.data)).toEqual(idsOf(0, 4));
    const packed = gzipSync(bodyOf(0, 6));
    expect(await imported(fileOf(packed.subarray(0, packed.length - 20)))).toMatchObject({ code: 1 });
    expect(await imported(fileOf('no spans at all'))).toMatchObject({ code: 1 });
    expect(await imported(fileOf(''))).toMatchObject({ code: 0, out: '0 spans taken\n' });
  });

  test('the same again is told and not kept twice; a large document is taken apart', async () => {
    const file = fileOf(...lines());
    const { data } = await imported(file);
    const again = await run('import', file, '--data', data);
    expect(again).toMatchObject({ code: 0, out: '0 spans taken, 3 requests were there before\n' });
    const large = fileOf(
      testRequest(spansOf(0, 9_000).map((span) => ({ ...span, more: { traceState: 'x'.repeat(600) } }))).body,
    );
    const taken = await imported(large);
    expect(taken.out).toBe('9,000 spans taken\n');
    expect(await idsIn(taken.data)).toEqual(idsOf(0, 9_000));
  });

  test('an export of an unknown project is refused, of an empty one is empty', async () => {
    const data = await folders.filled([0, 2]);
    const unknown = await run('export', '--project', 'shpo', '--data', data);
    expect([unknown.code, unknown.err]).toEqual([1, expect.stringContaining('there is no project shpo')]);
    await run('project', 'create', 'shop', '--data', data);
    expect(await run('export', '--project', 'shop', '--data', data)).toMatchObject({ code: 0 });
  });

  test('a folder that a server holds, an unknown project, and a server by its address', async () => {
    const data = folders.make();
    const lake = await folders.open(data);
    const file = fileOf(...lines());
    const held = await run('import', file, '--data', data);
    expect([held.code, held.err]).toEqual([1, expect.stringContaining('--to http://HOST:PORT')]);
    expect(await run('import', file, '--data', folders.make(), '--project', 'shop')).toMatchObject({
      code: 1,
    });
    await folders.close(lake);
    await using servers = await TestServers.start();
    expect(await run('import', file, '--to', servers.url)).toMatchObject({ code: 0, out: '6 spans taken\n' });
    const answer = await servers.get<{ spans: unknown[] }>('/api/v1/spans');
    expect(answer.spans.length).toBe(6);
    const { token } = servers.projects.createToken('default', 'ingest', 'me');
    const denied = await run('import', file, '--to', servers.url);
    expect([denied.code, denied.err]).toEqual([1, expect.stringContaining('--token')]);
    expect(await run('import', file, '--to', servers.url, '--token', token)).toMatchObject({ code: 0 });
    expect(await run('import', file, '--to', servers.url, '--project', 'x')).toMatchObject({ code: 2 });
  });

  test('a copy of an exported file from the standard input', async () => {
    const file = fileOf(...lines());
    const main = new URL('../main.ts', import.meta.url).pathname;
    const data = folders.make();
    copyFileSync(file, join(data, 'x'));
    const ran = Bun.spawnSync([process.execPath, main, 'import', '-', '--data', data], {
      stdin: Bun.file(file),
    });
    expect([ran.exitCode, ran.stdout.toString()]).toEqual([0, '6 spans taken\n']);
    expect(await idsIn(data)).toEqual(idsOf(0, 6));
  });
});
