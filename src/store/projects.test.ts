import { afterEach, expect, test } from 'bun:test';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openCatalog } from './catalog.ts';
import { ProjectError, Projects } from './projects.ts';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'spanlake-projects-'));
  folders.push(path);
  return path;
}

test('a token opens its project with its scope, and nothing after it is revoked', () => {
  using db = openCatalog(folder());
  const projects = new Projects(db);
  projects.createProject('shop');
  expect(projects.anyTokens()).toBe(false);
  const made = projects.createToken('shop', 'ingest', 'laptop');
  expect(made.token).toMatch(/^slk_ingest_[\w-]{43}$/);
  expect(projects.anyTokens()).toBe(true);
  expect(projects.authenticate(made.token)).toEqual({
    projectId: 'shop',
    scope: 'ingest',
    tokenId: made.id,
  });
  for (const wrong of ['', made.token.slice(0, -1), `${made.token} `, made.token.toUpperCase(), made.id]) {
    expect(projects.authenticate(wrong)).toBeUndefined();
  }
  expect(projects.revokeToken(made.id)).toBe(true);
  expect(projects.revokeToken(made.id)).toBe(false);
  expect(projects.authenticate(made.token)).toBeUndefined();
  expect(projects.anyTokens()).toBe(false);
  expect(projects.listTokens().map(({ id, revokedAt }) => [id, revokedAt !== undefined])).toEqual([
    [made.id, true],
  ]);
});

test('the secret is nowhere on the disk', () => {
  const path = folder();
  using db = openCatalog(path);
  const { token } = new Projects(db).createToken('default', 'read', 'x');
  // Its own characters may include the "_" that parts it from the prefix.
  const secret = token.slice('slk_read_'.length);
  expect(secret.length).toBe(43);
  const files = readdirSync(path);
  expect(files).toContain('catalog.sqlite');
  for (const file of files) expect(readFileSync(join(path, file)).includes(secret)).toBe(false);
});

test('a token of another process works at once, and its revocation too', () => {
  const path = folder();
  using serverDb = openCatalog(path);
  using commandDb = openCatalog(path);
  const server = new Projects(serverDb);
  const command = new Projects(commandDb);
  expect(server.anyTokens()).toBe(false);
  const { id, token } = command.createToken('default', 'read', 'x');
  expect(server.anyTokens()).toBe(true);
  expect(server.authenticate(token)?.projectId).toBe('default');
  command.revokeToken(id);
  expect(server.authenticate(token)).toBeUndefined();
});

test('the last use is written once a minute', () => {
  using db = openCatalog(folder());
  let now = 1_000_000;
  const projects = new Projects(db, () => now);
  const { token } = projects.createToken('default', 'read', 'x');
  const lastUsed = () => projects.listTokens()[0].lastUsedAt;
  expect(lastUsed()).toBeUndefined();
  projects.authenticate(token);
  expect(lastUsed()).toBe(1_000_000);
  now += 59_999;
  projects.authenticate(token);
  expect(lastUsed()).toBe(1_000_000);
  now += 1;
  projects.authenticate(token);
  expect(lastUsed()).toBe(1_060_000);
});

test('names that could not stand in a path, doubles and unknown projects are refused in words', () => {
  using db = openCatalog(folder());
  const projects = new Projects(db);
  for (const name of ['', '../x', 'a/b', 'A', '.', '-a', 'a'.repeat(64), 'a\0b', 'ä', 'a\n']) {
    expect(() => projects.createProject(name)).toThrow(ProjectError);
  }
  projects.createProject('shop');
  expect(() => projects.createProject('shop')).toThrow('there is a project shop already');
  expect(() => projects.createToken('nope', 'read', '')).toThrow('there is no project nope');
  expect(projects.listProjects().map(({ id }) => id)).toEqual(['default', 'shop']);
});
