import { Database } from 'bun:sqlite';
import { expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { knownProblem } from './errors.ts';

test('a catalog that another process has locked is no error of the server: it may be tried again', () => {
  const folder = mkdtempSync(join(tmpdir(), 'errors-'));
  const one = new Database(join(folder, 'x.sqlite'), { create: true });
  const other = new Database(join(folder, 'x.sqlite'));
  one.run('BEGIN IMMEDIATE');
  try {
    other.run('BEGIN IMMEDIATE');
    throw new Error('the second lock was given');
  } catch (error) {
    const problem = knownProblem(error);
    expect(problem).toMatchObject({ status: 503, code: 'unavailable', headers: { 'retry-after': '5' } });
  } finally {
    one.close();
    other.close();
    rmSync(folder, { recursive: true });
  }
  expect(knownProblem(Object.assign(new Error('x'), { code: 'SQLITE_CORRUPT' }))).toBeUndefined();
});
