/** `spanlake query` against a folder, and against a server over the same folder: the same answers. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { TestServers } from '../http/testing/servers.ts';
import { ReadOnlyLake } from '../store/lake/read-only.ts';
import {
  requestOf,
  testRequest,
  testSpan,
  TEST_START,
  textAttribute,
} from '../store/lake/testing/requests.ts';
import { runCommandLine } from './run.ts';
import { TestFolders, idsOf, run } from './testing/folders.ts';
import type { Ran } from './testing/folders.ts';

const EVIL = '\u001b]0;owned\u0007\u009b2J\u202e\n=cmd|x';

const folders = new TestFolders();
let data: string;
let lake: ReadOnlyLake;
let servers: TestServers;

const shop = { attributes: [textAttribute('service.name', 'shop'), textAttribute('host.name', 'h"1')] };
const evil = testSpan(21, {
  traceId: 'ee'.repeat(16),
  name: EVIL,
  more: { status: { code: 2, message: '=1+1' }, attributes: [textAttribute('route', '+1,"2"')] },
});

beforeAll(async () => {
  data = folders.make();
  const writer = await folders.open(data);
  const parts = Array.from({ length: 20 }, (_, n) =>
    testSpan(n, { parentSpanId: n % 10 === 0 ? '' : testSpan(n - 1).spanId }),
  );
  await writer.append('default', testRequest(parts, shop));
  await writer.flush();
  // In the log alone: what a server had not written to Parquet yet.
  const resource = { attributes: [textAttribute('service.name', `${EVIL} pay`)] };
  await writer.append('default', testRequest([evil], resource));
  await writer.append('default', requestOf({ resourceSpans: [] }));
  lake = await ReadOnlyLake.open({ dataDir: data });
  servers = await TestServers.start({ wrap: () => lake });
});
afterAll(async () => {
  await servers?.[Symbol.asyncDispose]();
  await lake?.close();
  await folders.end();
});

/** Asked both ways: the answers are the same, and what was said of them. */
async function both(...words: string[]): Promise<Ran> {
  const fromFolder = await run('query', ...words, '--data', data);
  const fromServer = await run('query', ...words, '--url', servers.url);
  expect(fromServer).toEqual(fromFolder);
  return fromFolder;
}

/** In a terminal of so many columns. */
async function inTerminal(width: number, ...words: string[]): Promise<string[]> {
  const lines: string[] = [];
  const output = { out: (line: string) => void lines.push(line), err: () => {}, width };
  expect(await runCommandLine(['query', ...words, '--data', data], {}, output)).toBe(0);
  return lines;
}

// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
const ACTED_ON = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/;

describe('spans', () => {
  test('as a table, newest first', async () => {
    const { code, out, err } = await both('{ resource.service.name = "shop" }', '--limit', '2');
    expect(out.split('\n')).toEqual([
      'TIME (UTC)               SERVICE  NAME         DURATION  STATUS  TRACE ID',
      '2023-11-14 22:13:20.019  shop     operation 5      19us  unset   ab000000000000000000000000000002',
      '2023-11-14 22:13:20.018  shop     operation 4      18us  unset   ab000000000000000000000000000002',
      '',
    ]);
    expect([code, err]).toEqual([0, '2 spans; there may be more: --limit\n']);
  });

  test('cut to the terminal, the id whole', async () => {
    const lines = await inTerminal(80, '{ status = error }', '--limit', '1');
    expect(lines.every((line) => Bun.stringWidth(line) <= 80)).toBe(true);
    expect(lines[1]).toStartWith('22:13:20    \\u001…');
    expect(lines[1]).toEndWith('ee'.repeat(16));
  });

  test('hostile names send nothing to the terminal, in any format', async () => {
    for (const format of [[], ['--json'], ['--traces'], ['--traces', '--json']]) {
      const { out, err } = await both('{ status = error }', ...format);
      expect([format, ACTED_ON.test(out + err)]).toEqual([format, false]);
      expect(out).toContain('owned');
    }
    const csv = await inTerminal(80, '{ status = error }', '--csv');
    expect(csv.some((line) => ACTED_ON.test(line.replace(/\r$/, '')))).toBe(false);
  });

  test('as JSON, a span a line, as the API writes it', async () => {
    const { out } = await both('{ status = error }', '--json');
    const lines = out.trimEnd().split('\n');
    const page = await servers.get<{ spans: unknown[] }>('/api/v1/spans?status=error');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(page.spans);
  });

  test('as CSV: quoted, formulas disarmed, selected attributes as columns', async () => {
    const { out } = await both('{ status = error } | select(span.route, resource.host.name, name)', '--csv');
    const head =
      'time,service,name,kind,status,status_message,duration_ns,trace_id,span_id,parent_span_id,span.route,resource.host.name';
    const line = [
      '2023-11-14T22:13:20.021000123Z',
      `"${EVIL} pay"`,
      `"${EVIL}"`,
      'server',
      'error',
      "'=1+1",
      '21000',
      'ee'.repeat(16),
      evil.spanId,
      '',
      `"'+1,""2"""`,
      '',
    ];
    expect(out).toBe(`${head}\r\n${line.join()}\r\n`);
    const host = await both('{ name = "operation 3" } | select(resource.host.name)', '--limit', '1');
    expect(host.out).toContain('h"1');
    expect(host.out).toContain('resource.host.name');
  });

  test('pages until the limit, in each order', async () => {
    for (const [order, first] of [
      ['oldest', 0],
      ['newest', 19],
      ['slowest', 19],
    ] as const) {
      const { out } = await both('{ status = unset }', '--json', '--order', order, '--limit', '1000');
      const ids = out
        .trimEnd()
        .split('\n')
        .map((line) => (JSON.parse(line) as { spanId: string }).spanId);
      expect(ids[0]).toBe(testSpan(first).spanId);
      expect(ids.toSorted()).toEqual(idsOf(0, 20));
    }
  });

  test('of a range', async () => {
    const start = String(TEST_START + 18_000_000n);
    const some = await both('{}', '--json', '--start', start, '--end', String(TEST_START + 19_000_000n));
    expect((JSON.parse(some.out) as { spanId: string }).spanId).toBe(testSpan(18).spanId);
    expect(await both('{}', '--since', '1m')).toEqual({ code: 0, out: '', err: 'no span matches\n' });
  });
});

describe('traces', () => {
  test('as a table, with what a pipeline says of their spansets', async () => {
    const { out } = await both('{} | by(name) | count() > 1', '--traces');
    expect(out).toContain('SPANSETS');
    expect(out).toContain('by(span:name)=operation 0');
    const plain = await both('{ name = "operation 0" }', '--traces', '--order', 'oldest');
    expect(plain.out.split('\n').slice(0, 2)).toEqual([
      'TIME (UTC)               SERVICE  ROOT         DURATION  SPANS  ERRORS  MATCHED  TRACE ID',
      '2023-11-14 22:13:20.000  shop     operation 0    9.01ms     10       0        2  ab000000000000000000000000000001',
    ]);
  });

  test('as CSV and JSON', async () => {
    const csv = await both(
      '{ name = "operation 0" }',
      '--traces',
      '--csv',
      '--limit',
      '1',
      '--order',
      'oldest',
    );
    expect(csv.out.split('\r\n')[1]).toBe(
      '2023-11-14T22:13:20.000000123Z,shop,operation 0,9009000,10,0,2,shop,,ab000000000000000000000000000001',
    );
    const json = await both('{ name = "operation 0" } >> { name = "operation 3" }', '--traces', '--json');
    expect(JSON.parse(json.out.split('\n')[0])).toMatchObject({ spansets: [{ matchedCount: 1 }] });
  });

  test('structure selects spans too', async () => {
    const { out } = await both('{ name = "operation 0" } > { name = "operation 1" }', '--json');
    const ids = out
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { spanId: string }).spanId);
    expect(ids).toEqual([testSpan(15).spanId, testSpan(8).spanId, testSpan(1).spanId]);
  });
});

describe('metrics', () => {
  const QUERY = '{ resource.service.name = "shop" } | count_over_time() by (name)';

  test('as a table with a line for each series', async () => {
    const { code, out, err } = await both(QUERY, '--step', '1ms');
    const lines = out.trimEnd().split('\n');
    expect(lines[0]).toMatch(/^span:name\s+LAST\s+MIN\s+MEAN\s+MAX\s+OVER TIME$/);
    expect(lines).toHaveLength(8);
    expect(lines[1]).toMatch(/^operation \d +\d+ +0 +0\.\d+ +1  [▁█]+$/);
    expect([code, err.startsWith('7 series, ')]).toEqual([0, true]);
    const durations = await both('{ name = "operation 5" } | max_over_time(duration)', '--step', '1h');
    expect(durations.out.split('\n')[1]).toMatch(/^all +19us +19us +19us +19us  █$/);
  });

  test('as CSV, a line a sample; as JSON, a line a series', async () => {
    const csv = await both(QUERY, '--step', '1h', '--csv');
    expect(csv.out.split('\r\n').slice(0, 2)).toEqual([
      'time,span:name,value',
      '2023-11-14T22:00:00.000000000Z,operation 0,3',
    ]);
    const json = await both(QUERY, '--step', '1h', '--json');
    expect(JSON.parse(json.out.split('\n')[0])).toEqual({
      startUnixNano: '1699999200000000000',
      stepNano: '3600000000000',
      labels: [{ key: 'span:name', value: { stringValue: 'operation 0' } }],
      samples: [3],
      exemplars: [],
    });
  });

  test('more series than the limit: said, and told by the exit code', async () => {
    const { code, err } = await both(QUERY, '--step', '1h', '--limit', '2');
    expect([code, err]).toEqual([1, expect.stringContaining('incomplete: ')]);
  });
});

test('--explain tells on stderr how the answer was come by', async () => {
  for (const query of ['{ status = error }', '{} | rate()']) {
    const { err } = await run('query', query, '--data', data, '--explain');
    expect(err).toMatch(/^query +/m);
    expect(err).toMatch(/^files +1 read of 1|^files +0 read of 1/m);
    expect(err).toMatch(/^- \w+ +[\d.]+ ms/m);
  }
});

test('a slow reader of the output loses nothing, one that leaves ends it', async () => {
  const many = await folders.filled([0, 400]);
  const main = new URL('../main.ts', import.meta.url).pathname;
  const words = ['query', '{}', '--json', '--limit', '400', '--data', many];
  // More than a pipe holds.
  const pipeline = (reader: string) =>
    Bun.spawnSync(['sh', '-c', `"$0" "$@" | ${reader}`, process.execPath, main, ...words]).stdout.toString();
  expect(pipeline('(sleep 1; wc -l)').trim()).toBe('400');
  const left = Bun.spawnSync([
    'sh',
    '-c',
    '("$0" "$@"; echo $? >&2) | head -1',
    process.execPath,
    main,
    ...words,
  ]);
  expect([left.stdout.toString().split('\n').length, left.stderr.toString().trim()]).toEqual([2, '0']);
}, 60_000);

describe('what is wrong', () => {
  test('a query that does not read: exit 2, and a caret below the place', async () => {
    expect(await both('{ name = }')).toEqual({
      code: 2,
      out: '',
      err:
        'spanlake: expected a value or field, found "}" at position 9\n' +
        '  { name = }\n' +
        '           ^\n' +
        'Try: spanlake query --help\n',
    });
    expect((await both('{ name = "日本" && }')).err).toContain(`\n  ${' '.repeat(19)}^\n`);
  });

  const usage: [string[], string][] = [
    [[], 'TRACEQL is missing'],
    [['{}', '--json', '--csv'], 'either --json or --csv'],
    [['{}', '--data', 'x', '--url', 'http://x'], 'either --url or --data'],
    [['{}', '--data', 'x', '--token', 'x'], '--token is for a server'],
    [['{}', '--project', 'x'], '--project is for --data'],
    [['{} | rate()', '--traces'], 'leave --traces out'],
    [['{} | rate()', '--order', 'oldest'], '--order is for spans and traces'],
    [['{}', '--step', '1m'], '--step is for metrics queries'],
    [['{}', '--step', 'x'], 'no length of time'],
    [['{}', '--limit', '0'], 'no number from 1'],
    [['{}', '--order', 'random'], 'not one of newest, oldest, slowest'],
    [['{}', '--url', 'ftp://x'], 'no address'],
    [['{}', '--url', 'http://x/?a'], 'more than a path'],
    [['{}', '--since', '1h', '--start', '0'], 'either --since or --start'],
    [['{}', '{}'], 'unexpected argument'],
  ];
  test.each(usage)('%j: exit 2', async (words, message) => {
    const { code, out, err } = await run('query', ...words);
    expect([code, out, err]).toEqual([2, '', expect.stringContaining(message)]);
  });

  test('no server, another one, no folder, no project: exit 1', async () => {
    const nobody = await run('query', '{}', '--url', 'http://127.0.0.1:1');
    expect([nobody.code, nobody.err]).toEqual([
      1,
      expect.stringContaining("can't reach http://127.0.0.1:1 ("),
    ]);
    await using other = {
      server: Bun.serve({ port: 0, fetch: () => new Response('hello') }),
      [Symbol.asyncDispose]: () => other.server.stop(true),
    };
    const stranger = await run('query', '{}', '--url', other.server.url.origin);
    expect([stranger.code, stranger.err]).toEqual([
      1,
      expect.stringContaining('does not answer as Spanlake does'),
    ]);
    const empty = await run('query', '{}', '--data', folders.make());
    expect([empty.code, empty.err]).toEqual([1, expect.stringContaining('choose a folder with --data')]);
    const project = await run('query', '{}', '--data', data, '--project', 'nobody');
    expect([project.code, project.err]).toEqual([1, expect.stringContaining('there is no project nobody')]);
  });

  test('a server with tokens wants one', async () => {
    await using closed = await TestServers.start();
    const { token } = closed.projects.createToken('default', 'read', 'me');
    const without = await run('query', '{}', '--url', closed.url);
    expect([without.code, without.err]).toEqual([1, expect.stringContaining('--token TOKEN')]);
    expect(await run('query', '{}', '--url', closed.url, '--token', token)).toEqual({
      code: 0,
      out: '',
      err: 'no span matches\n',
    });
  });
});
