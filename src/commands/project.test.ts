import { afterEach, beforeEach, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openCatalog, readMeta, writeMeta } from '../store/catalog.ts';
import { runCommandLine } from './run.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'project-'));
  openCatalog(folder).close();
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function run(...words: string[]): Promise<{ code: number; out: string; err: string }> {
  const lines = { out: '', err: '' };
  const output = {
    out: (line: string) => void (lines.out += `${line}\n`),
    err: (line: string) => void (lines.err += `${line}\n`),
  };
  const code = await runCommandLine([...words, '--data', folder], {}, output);
  return { code, ...lines };
}

const FOR_EVER = { code: 0, out: 'Traces stay for ever.\n(no bound of size)\n', err: '' };

test('retention is shown and set, rules and bound each by itself', async () => {
  expect(await run('project', 'retention', 'default')).toEqual(FOR_EVER);
  const rules = '{ status = error } 30d; {} 7d';
  const shown = '{ status = error } 30d\n{} 7d\n';
  expect((await run('project', 'retention', 'default', rules)).out).toBe(`${shown}(no bound of size)\n`);
  const bounded = `${shown}(at most 50GiB of files)\n`;
  expect((await run('project', 'retention', 'default', '--max-size', '50GiB')).out).toBe(bounded);
  expect((await run('project', 'retention', 'default')).out).toBe(bounded);
  expect(await run('project', 'retention', 'default', '', '--max-size', 'none')).toEqual(FOR_EVER);
});

test('what can not be meant changes nothing and says why', async () => {
  await run('project', 'retention', 'default', '{} 7d');
  const refused = async (...words: string[]) => {
    const { code, err } = await run('project', 'retention', ...words);
    expect((await run('project', 'retention', 'default')).out).toBe('{} 7d\n(no bound of size)\n');
    return { code, err: err.split('\n')[0] };
  };
  expect(await refused('default', '{} 7d\n{ status = bad } 1d')).toEqual({
    code: 1,
    err: 'spanlake: line 2: expected unset, ok or error beside status, found "bad"',
  });
  expect(await refused('nobody', '{} 7d')).toEqual({
    code: 1,
    err: 'spanlake: there is no project nobody; see: spanlake project list',
  });
  expect((await refused('default', '--max-size', '0')).code).toBe(2);
  expect((await refused('default', '--max-size', 'much')).code).toBe(2);
  expect((await refused('default', '{}', '7d')).code).toBe(2);
});

test('damaged rules are told, and can be replaced', async () => {
  const catalog = openCatalog(folder);
  catalog.run("UPDATE projects SET retention = 'seven days', max_bytes = 1000");
  catalog.close();
  const told = await run('project', 'retention', 'default');
  expect(told.code).toBe(1);
  expect(told.err).toContain('the rules of default are damaged, and nothing goes by them: line 1: expected');
  expect((await run('project', 'retention', 'default', '{} 7d')).out).toBe(
    '{} 7d\n(at most 1000B of files)\n',
  );
});

test('a clock that is not believed is shown, and can be vouched for', async () => {
  const catalog = openCatalog(folder);
  expect((await run('project', 'clock')).out).toContain('last trusted  -\n');
  writeMeta(catalog, 'clock_high_water', String(Date.UTC(2020, 0, 1)));
  const doubted = await run('project', 'clock');
  expect(doubted.out).not.toContain('believes');
  expect(doubted.out).toContain('last trusted  2020-01-01T00:00:00.000Z');
  expect(doubted.out).toContain(
    `Retention waits. If the time above is right: spanlake project clock --accept --data ${folder}`,
  );
  const accepted = await run('project', 'clock', '--accept');
  expect(accepted.out).toContain('Retention believes this clock.');
  expect(Math.abs(Number(readMeta(catalog, 'clock_high_water')) - Date.now())).toBeLessThan(60_000);
  catalog.close();
});
