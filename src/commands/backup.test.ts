import { afterEach, expect, test } from 'bun:test';
import { cpSync, existsSync, readdirSync, statSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { testRequest, testSpan } from '../store/lake/testing/requests.ts';
import { TestFolders, idsIn, idsOf, run, spansOf } from './testing/folders.ts';

const folders = new TestFolders();
afterEach(() => folders.end());

function parquetOf(dataDir: string): string[] {
  return readdirSync(join(dataDir, 'lake'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.parquet'))
    .map((name) => join('lake', name));
}

test('every span acknowledged before it began is in a backup exactly once, while all goes on', async () => {
  const data = folders.make();
  const to = join(folders.make(), 'backup');
  const lake = await folders.open(data);
  let [next, acknowledged] = [0, 0];
  const stop = new AbortController();
  const ingest = async () => {
    while (!stop.signal.aborted) {
      const from = next;
      next += 5;
      await lake.append('default', testRequest(spansOf(from, from + 5)));
      acknowledged = from + 5;
      await Bun.sleep(2);
    }
  };
  const tidy = async () => {
    while (!stop.signal.aborted) {
      await Bun.sleep(20);
      await lake.flush();
      await lake.flush();
      await lake.compact();
    }
  };
  const work = Promise.all([ingest(), tidy()]);
  await Bun.sleep(200);
  for (let round = 0; round < 3; round++) {
    const before = acknowledged;
    const more = round % 2 === 0 ? [] : ['--copy'];
    const { code, out } = await run('backup', to, '--data', data, ...more);
    expect([code, out]).toEqual([0, expect.stringContaining(`${to}: `)]);
    const found = await idsIn(to);
    expect(found.length).toBeGreaterThanOrEqual(before);
    expect(found).toEqual(idsOf(0, found.length));
    expect(await run('verify', '--data', to)).toMatchObject({ code: 0 });
    // A search answers a span once; a restored server and its files must hold it once.
    const restored = folders.make();
    cpSync(to, restored, { recursive: true });
    const server = await folders.open(restored);
    await server.flush();
    expect(server.health().fileRows).toBe(found.length);
    expect(server.health().quarantined).toEqual([]);
    await folders.close(server);
  }
  stop.abort();
  await work;
}, 60_000);

test('links on the same disk, copies when asked; what is there stays, what went goes', async () => {
  const data = await folders.filled([0, 5], [5, 9]);
  const to = folders.make();
  expect((await run('backup', to, '--data', data)).out).toMatch(
    /\(6 linked, 0 copied, 0 were there, 0 removed\)/,
  );
  const [path] = parquetOf(data);
  expect(statSync(join(to, path)).ino).toBe(statSync(join(data, path)).ino);
  expect((await run('backup', to, '--data', data)).out).toMatch(
    /\(0 linked, 0 copied, 6 were there, 0 removed\)/,
  );
  const lake = await folders.open(data);
  await lake.compact();
  await folders.close(lake);
  expect((await run('backup', to, '--data', data, '--copy')).out).toMatch(
    /\(0 linked, 3 copied, 0 were there, 6 removed\)/,
  );
  expect(parquetOf(to)).toEqual(parquetOf(data));
  expect(await idsIn(to)).toEqual(idsOf(0, 9));
});

test('refused: a folder of something else, one inside the other, one that a server worked on', async () => {
  const data = await folders.filled([0, 5]);
  const other = folders.make();
  writeFileSync(join(other, 'letter.txt'), 'mine');
  expect(await run('backup', other, '--data', data)).toMatchObject({
    code: 1,
    err: expect.stringContaining('neither empty nor a backup'),
  });
  expect(readdirSync(other)).toEqual(['letter.txt']);
  expect(await run('backup', join(data, 'b'), '--data', data)).toMatchObject({ code: 1 });
  expect(existsSync(join(data, 'b'))).toBe(false);
  expect(await run('backup', other, '--data', folders.make())).toMatchObject({ code: 1 });

  const to = folders.make();
  expect(await run('backup', to, '--data', data)).toMatchObject({ code: 0 });
  const server = await folders.open(to);
  await server.append('default', testRequest([testSpan(90)]));
  expect(await run('backup', to, '--data', data)).toMatchObject({ code: 1 });
  await folders.close(server);
  const refused = await run('backup', to, '--data', data);
  expect([refused.code, refused.err]).toEqual([1, expect.stringContaining('a server worked on')]);
  expect(await idsIn(to)).toEqual([...idsOf(0, 5), testSpan(90).spanId]);
});

test('a file that the folder lacks is named, and the rest is there', async () => {
  const data = await folders.filled([0, 5], [5, 9]);
  const [path] = parquetOf(data);
  unlinkSync(join(data, path));
  const to = folders.make();
  const { code, err } = await run('backup', to, '--data', data);
  expect([code, err]).toEqual([1, expect.stringContaining(`lacking: ${path}`)]);
  expect(parquetOf(to).length).toBe(1);
});

test('a link into the data folder is no folder of its own', async () => {
  const data = folders.make();
  await folders.close(await folders.open(data));
  const link = join(folders.make(), 'link');
  symlinkSync(join(data, 'lake'), link);
  for (const to of [link, join(link, 'project=default'), join(link, 'a', 'b')]) {
    const { code, err } = await run('backup', to, '--data', data);
    expect([code, err]).toEqual([1, expect.stringContaining('lie in each other')]);
  }
  expect(readdirSync(join(data, 'lake'))).toEqual([]);
});
