import { afterAll, describe, expect, test } from 'bun:test';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { COMMANDS } from './commands.ts';
import { runCommandLine } from './run.ts';

const folder = mkdtempSync(join(tmpdir(), 'spanlake-commands-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function run(...words: string[]): Promise<{ code: number; out: string; err: string }> {
  const lines = { out: '', err: '' };
  const output = {
    out: (line: string) => void (lines.out += `${line}\n`),
    err: (line: string) => void (lines.err += `${line}\n`),
  };
  return { code: await runCommandLine(words, {}, output), ...lines };
}

describe('usage errors exit 2, name the mistake and the way to help', () => {
  test.each([
    ['servee', 'unknown command "servee"; did you mean serve?', 'spanlake --help'],
    ['token', 'token needs one of: token create, token list, token revoke', 'spanlake --help'],
    ['token creat', 'unknown command "token creat"; did you mean token create?', 'spanlake --help'],
    [
      'token create --scope write',
      '--scope "write": is none of ingest, read, admin',
      'spanlake token create --help',
    ],
    ['token create', '--scope ingest|read|admin is needed', 'spanlake token create --help'],
    ['token revoke', 'ID is missing', 'spanlake token revoke --help'],
    ['project create a b', 'unexpected argument "b"', 'spanlake project create --help'],
    ['--lisen x', 'unknown flag --lisen; did you mean --listen?', 'spanlake serve --help'],
  ])('%s', async (words, message, help) => {
    expect(await run(...words.split(' '))).toEqual({
      code: 2,
      out: '',
      err: `spanlake: ${message}\nTry: ${help}\n`,
    });
  });
});

describe('help', () => {
  test.each(COMMANDS.map(({ name }) => name))('of %s shows its usage and flags', async (name) => {
    const asked = await run(...name.split(' '), '--help');
    expect(asked).toMatchObject({ code: 0, err: '' });
    expect(asked.out).toStartWith(`Usage: spanlake ${name}`);
    expect(await run('help', ...name.split(' '))).toEqual(asked);
  });

  test('of the program lists every command', async () => {
    const { code, out } = await run('--help');
    expect(code).toBe(0);
    for (const { name } of COMMANDS) expect(out).toContain(`spanlake ${name}`);
    expect(out).toContain('SPANLAKE_GRPC_LISTEN');
  });

  test('of a group lists its commands', async () => {
    const { code, out } = await run('token', '--help');
    expect(code).toBe(0);
    expect(out).toContain('spanlake token revoke ID');
    expect(out).not.toContain('project create');
  });
});

describe('projects and tokens', () => {
  const data = join(folder, 'data');

  test('a folder without a catalog is refused and not made', async () => {
    const { code, err } = await run('project', 'list', '--data', data);
    expect([code, err]).toEqual([1, expect.stringContaining(`${data} is no data folder`)]);
    expect(existsSync(data)).toBe(false);
  });

  test('are made, listed and revoked, and the token is shown once', async () => {
    const first = await run('project', 'create', 'shop', '--data', data);
    expect([first.code, first.err]).toEqual([0, expect.stringContaining(`${data} is a new data folder`)]);
    expect(first.out).toContain(`spanlake token create --project shop --scope read --data ${data}`);
    expect(await run('project', 'create', 'second', '--data', data)).toMatchObject({ code: 0, err: '' });
    expect((await run('project', 'list', '--data', data)).out).toMatch(/^default .*\n(.*\n)*shop /m);

    const made = await run(
      'token',
      'create',
      '--project',
      'shop',
      '--scope',
      'read',
      '--name',
      'me',
      '--data',
      data,
    );
    expect(made.code).toBe(0);
    const token = made.out.trim();
    expect(token).toMatch(/^\S{32,}$/);
    expect(made.err).toContain(`Authorization: Bearer ${token}`);

    const list = await run('token', 'list', '--data', data);
    expect(list.out).not.toContain(token);
    const id = /^(\S+) +shop +read +me /m.exec(list.out)?.[1] ?? 'none';
    expect(await run('token', 'revoke', id, '--data', data)).toMatchObject({ code: 0 });
    expect(await run('token', 'revoke', id, '--data', data)).toMatchObject({ code: 1 });
  });

  test('a token of an unknown project, and a project twice, fail with a reason', async () => {
    const unknown = await run('token', 'create', '--project', 'nope', '--scope', 'read', '--data', data);
    expect([unknown.code, unknown.err]).toEqual([1, expect.stringContaining('nope')]);
    const twice = await run('project', 'create', 'shop', '--data', data);
    expect([twice.code, twice.err]).toEqual([1, expect.stringContaining('shop')]);
  });
});
