import { afterEach, describe, expect, test } from 'bun:test';
import {
  copyFileSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { openCatalog } from '../store/catalog.ts';
import { loadFiles } from '../store/lake/files/catalog-files.ts';
import { tokenIndexPath, traceIndexPath } from '../store/lake/files/names.ts';
import { testRequest } from '../store/lake/testing/requests.ts';
import { Projects } from '../store/projects.ts';
import { TestFolders, idsIn, idsOf, run, spansOf } from './testing/folders.ts';

const folders = new TestFolders();
afterEach(() => folders.end());

function filesOf(dataDir: string): string[] {
  const catalog = openCatalog(dataDir);
  const paths = loadFiles(catalog, 'spans').map(({ entry }) => entry.path);
  catalog.close();
  return paths;
}

function flipBit(path: string, at?: number): void {
  const bytes = readFileSync(path);
  bytes[at ?? bytes.length >> 1] ^= 4;
  writeFileSync(path, bytes);
}

function change(dataDir: string, sql: string): void {
  const catalog = openCatalog(dataDir);
  catalog.run(sql);
  catalog.close();
}

const verify = (data: string, ...more: string[]) => run('verify', '--data', data, ...more);

test('a sound folder is told so, and left as it is', async () => {
  const data = await folders.filled([0, 20], [20, 30]);
  const names = readdirSync(data).toSorted();
  expect(await verify(data)).toMatchObject({
    code: 0,
    err: '',
    out: expect.stringMatching(/^sound: 2 files with 30 spans/),
  });
  expect(readdirSync(data).toSorted()).toEqual(names);
  const { out } = await verify(data, '--json');
  expect(JSON.parse(out)).toMatchObject({ files: 2, rows: 30, logs: 0, findings: [], sound: true });
});

test('no data folder is exit 1 with the way out', async () => {
  const data = folders.make();
  expect(await verify(data)).toMatchObject({ code: 1, err: expect.stringContaining('is no data folder') });
});

test('beside a server: its log and open files are no damage', async () => {
  const data = folders.make();
  const lake = await folders.open(data);
  await lake.append('default', testRequest(spansOf(0, 5)));
  await lake.flush();
  await lake.append('default', testRequest(spansOf(5, 8)));
  expect(await verify(data)).toMatchObject({
    code: 0,
    out: expect.stringContaining('1 logs with 1 requests'),
  });
  const repair = await verify(data, '--repair');
  expect(repair).toMatchObject({ code: 1, err: expect.stringContaining(`in use by process ${process.pid}`) });
});

describe('damage is found, and what can be is mended', () => {
  const cases: [string, (data: string, path: string) => void, RegExp][] = [
    [
      'a flipped bit of an index',
      (data, path) => flipBit(join(data, traceIndexPath(path))),
      /\.traces: its bytes/,
    ],
    ['a missing index', (data, path) => unlinkSync(join(data, tokenIndexPath(path))), /\.tokens: is missing/],
    [
      'figures that are not those of the rows',
      (data) => change(data, "UPDATE files SET error_count = 3, max_end_unix_nano = 7, checksum = ''"),
      /statistics: maxEndUnixNano: the catalog has "7"/,
    ],
    [
      'a record that is not what was written',
      (data) => change(data, 'UPDATE files SET max_end_unix_nano = 7'),
      /its record in catalog.sqlite is damaged/,
    ],
  ];
  test.each(cases)('%s', async (_, damage, told) => {
    const data = await folders.filled([0, 20]);
    damage(data, filesOf(data)[0]);
    expect(await verify(data)).toMatchObject({ code: 1, out: expect.stringMatching(told) });
    expect(await verify(data, '--repair')).toMatchObject({
      code: 0,
      out: expect.stringContaining('made anew'),
    });
    expect(await verify(data)).toMatchObject({ code: 0 });
    expect(await idsIn(data)).toEqual(idsOf(0, 20));
  });

  test('a flipped bit of a Parquet file: quarantine, and back when the file is', async () => {
    const data = await folders.filled([0, 20], [20, 25]);
    const [path] = filesOf(data);
    copyFileSync(join(data, path), join(data, 'copy'));
    flipBit(join(data, path));
    expect(await verify(data)).toMatchObject({ code: 1, out: expect.stringContaining('DAMAGED   lake/') });
    const repaired = await verify(data, '--repair');
    expect(repaired.out).toContain('set in quarantine');
    expect(repaired.out).toContain('LOST      20 spans');
    expect(repaired.code).toBe(1);
    const lake = await folders.open(data);
    expect(lake.health().quarantined).toMatchObject([{ path }]);
    await folders.close(lake);
    renameSync(join(data, 'copy'), join(data, path));
    expect(await verify(data)).toMatchObject({
      code: 1,
      out: expect.stringContaining('--repair takes it back'),
    });
    expect(await verify(data, '--repair')).toMatchObject({
      code: 0,
      out: expect.stringContaining('whole again'),
    });
    expect(await idsIn(data)).toEqual(idsOf(0, 25));
  });

  test('frames of the log', async () => {
    const data = folders.make();
    const lake = await folders.open(data);
    for (let n = 0; n < 3; n++) await lake.append('default', testRequest(spansOf(n, n + 1)));
    await lake.abandon();
    const [name] = readdirSync(join(data, 'wal')).filter((each) => each.endsWith('.log'));
    flipBit(join(data, 'wal', name), 100);
    expect(await verify(data)).toMatchObject({
      code: 1,
      out: expect.stringMatching(/bytes at 8 are no frame/),
    });
  });
});

describe('a catalog that is', () => {
  async function prepared(): Promise<string> {
    const data = folders.make();
    const lake = await folders.open(data);
    for (const [from, to] of [
      [0, 7],
      [7, 12],
    ] as const) {
      await lake.append('default', testRequest(spansOf(from, to)));
      await lake.append('shop', testRequest(spansOf(from + 100, to + 100)));
      await lake.flush();
    }
    await lake.append('default', testRequest(spansOf(12, 15)));
    await lake.abandon();
    const catalog = openCatalog(data);
    new Projects(catalog).createProject('empty');
    new Projects(catalog).createToken('empty', 'read', 'mine');
    catalog.close();
    return data;
  }
  async function everything(data: string): Promise<void> {
    expect(await idsIn(data)).toEqual(idsOf(0, 15));
    expect(await idsIn(data, 'shop')).toEqual(idsOf(100, 112));
    const lake = await folders.open(data);
    await lake.append('default', testRequest(spansOf(15, 16)));
    await folders.close(lake);
    expect(await idsIn(data)).toEqual(idsOf(0, 16));
    expect(await verify(data)).toMatchObject({ code: 0 });
  }

  test('gone: made anew from the files, and the loss of tokens is said', async () => {
    const data = await prepared();
    for (const suffix of ['', '-wal', '-shm']) rmSync(join(data, `catalog.sqlite${suffix}`), { force: true });
    expect(await verify(data)).toMatchObject({
      code: 1,
      out: expect.stringContaining('has no catalog.sqlite'),
    });
    const { code, out } = await verify(data, '--repair');
    expect([code, out]).toEqual([1, expect.stringContaining('ALL TOKENS ARE LOST')]);
    await everything(data);
    expect((await run('project', 'list', '--data', data)).out).toContain('shop');
  });

  test('no database any more', async () => {
    const data = await prepared();
    rmSync(join(data, 'catalog.sqlite-wal'), { force: true });
    writeFileSync(join(data, 'catalog.sqlite'), 'nothing of that kind');
    const { code, out } = await verify(data, '--repair');
    expect([code, out]).toEqual([1, expect.stringContaining('ALL TOKENS ARE LOST')]);
    expect(readdirSync(join(data, 'lost+found'))).toEqual([expect.stringContaining('catalog.sqlite')]);
    await everything(data);
  });

  test('damaged in part: tokens are taken over', async () => {
    const data = await prepared();
    change(data, 'ALTER TABLE files DROP COLUMN level');
    const { code, out } = await verify(data, '--repair');
    expect([code, out]).toEqual([0, expect.stringContaining('took 1 tokens over')]);
    await everything(data);
    expect((await run('token', 'list', '--data', data)).out).toContain('mine');
  });

  test('older than the files', async () => {
    const data = folders.make();
    const lake = await folders.open(data);
    await lake.append('default', testRequest(spansOf(0, 7)));
    await lake.flush();
    await folders.close(lake);
    copyFileSync(join(data, 'catalog.sqlite'), join(data, 'old'));
    const again = await folders.open(data);
    await again.append('default', testRequest(spansOf(7, 9)));
    await again.flush();
    await again.append('default', testRequest(spansOf(9, 10)));
    await again.abandon();
    for (const suffix of ['-wal', '-shm']) rmSync(join(data, `catalog.sqlite${suffix}`), { force: true });
    renameSync(join(data, 'old'), join(data, 'catalog.sqlite'));
    expect(await verify(data)).toMatchObject({ code: 1, out: expect.stringContaining('another catalog') });
    expect(await verify(data, '--repair')).toMatchObject({
      code: 0,
      out: expect.stringContaining('2 spans taken'),
    });
    expect(await idsIn(data)).toEqual(idsOf(0, 10));
  });

  test('gone after a merge whose inputs still lie there: each span is found once', async () => {
    const data = await folders.filled([0, 7], [7, 12]);
    const [first] = filesOf(data);
    const folder = join(data, first.slice(0, first.lastIndexOf('/')));
    mkdirSync(join(data, 'kept'));
    for (const name of readdirSync(folder)) copyFileSync(join(folder, name), join(data, 'kept', name));
    const lake = await folders.open(data);
    await lake.compact();
    await folders.close(lake);
    expect(filesOf(data).length).toBe(1);
    for (const name of readdirSync(join(data, 'kept')))
      renameSync(join(data, 'kept', name), join(folder, name));
    for (const suffix of ['', '-wal', '-shm']) rmSync(join(data, `catalog.sqlite${suffix}`), { force: true });
    const { out } = await verify(data, '--repair');
    expect(out).toContain('its spans stand in a file made of it');
    expect(await idsIn(data)).toEqual(idsOf(0, 12));
  });
});

test('an unreadable stray goes to lost+found and is said', async () => {
  const data = await folders.filled([0, 3]);
  const [path] = filesOf(data);
  const stray = join(data, path.replace(/[^/]*$/, '000000000009-00000000000a.parquet'));
  copyFileSync(join(data, path), stray);
  truncateSync(stray, 200);
  expect(await verify(data, '--repair')).toMatchObject({
    code: 1,
    out: expect.stringContaining("can't be read"),
  });
  expect(await idsIn(data)).toEqual(idsOf(0, 3));
});
