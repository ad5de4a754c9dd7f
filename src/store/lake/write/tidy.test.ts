import { afterAll, afterEach, expect, test } from 'bun:test';
import { existsSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { FaultyFileSystem } from '../testing/faulty-file-system.ts';
import { realFileSystem } from '../files/file-system.ts';
import { LAKE_FOLDER, LOST_FOLDER } from '../files/names.ts';
import { openLake } from '../lake.ts';
import type { Lake, LakeOptions } from '../lake.ts';
import { testRequest, testSpan } from '../testing/requests.ts';
import { spanIdsInFiles } from '../testing/stored-ids.ts';
import { Writer } from './writer.ts';

const writer = new Writer();
afterAll(() => writer.close());

const folders: string[] = [];
const open: Lake[] = [];
afterEach(async () => {
  for (const lake of open.splice(0)) await lake.close();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

async function start(dataDir: string, options: Partial<LakeOptions> = {}): Promise<Lake> {
  const lake = await openLake({ dataDir, writer, background: false, ...options });
  open.push(lake);
  return lake;
}

/** Of two projects, one file each; absolute paths. */
async function folderOfTwo(): Promise<{ dataDir: string; bad: string }> {
  const dataDir = mkdtempSync(join(tmpdir(), 'tidy-'));
  folders.push(dataDir);
  const lake = await start(dataDir);
  await lake.append('good', testRequest([testSpan(1)]));
  await lake.append('bad', testRequest([testSpan(2)]));
  await lake.flush();
  await lake.close();
  const names = readdirSync(join(dataDir, LAKE_FOLDER), { recursive: true, encoding: 'utf8' });
  const bad = names.find((name) => name.includes('project=bad') && name.endsWith('.parquet')) ?? '';
  return { dataDir, bad: join(dataDir, LAKE_FOLDER, bad) };
}

const unaskable: [string, (path: string) => void][] = [
  ['is a link to itself', (path) => symlinkSync(path, path)],
  ['lies where a folder became a file', (path) => writeFileSync(dirname(path), '')],
];

for (const [what, make] of unaskable) {
  test(`a start goes on without a file that ${what}`, async () => {
    const { dataDir, bad } = await folderOfTwo();
    rmSync(dirname(bad), { recursive: true });
    if (what.includes('link')) await realFileSystem.makeFolder(dirname(bad));
    make(bad);
    const lake = await start(dataDir);
    expect(await spanIdsInFiles(lake, 'good')).toEqual([testSpan(1).spanId]);
    const { quarantined } = lake.health();
    expect(quarantined.map(({ path }) => join(dataDir, path))).toEqual([bad]);
    expect(quarantined[0].reason).toContain("can't be read");
  });
}

test('a start goes on when an unknown file can not be moved, and moves it the next time', async () => {
  const { dataDir, bad } = await folderOfTwo();
  const unknown = join(dirname(bad), 'mine.parquet');
  writeFileSync(unknown, 'x');
  const fileSystem = new FaultyFileSystem(realFileSystem);
  fileSystem.failFrom('rename', 'EXDEV');
  const problems: string[] = [];
  const report = (problem: string) => problems.push(problem);
  const lake = await start(dataDir, { fileSystem, report });
  expect(lake.health()).toMatchObject({ files: 2, quarantined: [] });
  expect(problems).toEqual([expect.stringContaining('EXDEV')]);
  expect(existsSync(unknown)).toBe(true);
  await lake.close();
  await start(dataDir);
  expect(existsSync(unknown)).toBe(false);
  expect(readdirSync(join(dataDir, LOST_FOLDER))).toHaveLength(1);
});
