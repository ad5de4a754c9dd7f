/** Test support: a folder for files that need not outlive anything. */
import { afterAll } from 'bun:test';
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const IN_MEMORY = '/dev/shm';

/** Gone after the tests of the file. In memory where there is such a place: a slow disk would only take time. */
export function scratchFolder(name: string): string {
  const folder = mkdtempSync(join(isWritable(IN_MEMORY) ? IN_MEMORY : tmpdir(), `spanlake-${name}-`));
  afterAll(() => rmSync(folder, { recursive: true }));
  return folder;
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
