import { expect, test } from 'bun:test';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

test('kernel.wasm is what its source compiles to', () => {
  const folder = mkdtempSync(join(tmpdir(), 'spanlake-kernel-'));
  try {
    const outfile = join(folder, 'kernel.wasm');
    const run = Bun.spawnSync([process.execPath, '.scripts/kernel.mjs', outfile], {
      cwd: join(import.meta.dir, '../../..'),
      stderr: 'inherit',
    });
    expect(run.exitCode).toBe(0);
    expect(readFileSync(outfile).equals(readFileSync(join(import.meta.dir, 'kernel.wasm')))).toBe(true);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
