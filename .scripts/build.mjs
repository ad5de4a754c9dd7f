// Compiles dist/spanlake: one file with Bun, the sources, the workers and every asset inside.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { bun, fail, root, setUp } from './setup.mjs';

export const binary = join(root, 'dist', 'spanlake');
const stamp = join(root, 'dist', '.spanlake.inputs');

const INPUT_FOLDERS = ['src', 'views', 'proto'];
const INPUT_FILES = [
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  '.scripts/build.mjs',
  '.scripts/compile.mjs',
];

/** @returns {string[]} files below a folder, relative to the root; tests and what only they use left out */
function filesBelow(/** @type {string} */ folder) {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.\w+$/.test(path) && !/\.(test|suite)\.tsx?$|(^|\/)testing\//.test(path))
    .map((path) => join(folder, path))
    .toSorted();
}

function inputs() {
  const hash = createHash('sha256');
  for (const file of [...INPUT_FOLDERS.flatMap(filesBelow), ...INPUT_FILES]) {
    hash.update(`${file}\0`).update(readFileSync(join(root, file)));
  }
  return hash.digest('hex');
}

/** Compiles if a source changed since the last time. */
export function build() {
  const wanted = inputs();
  if (existsSync(binary) && existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  process.stdout.write('spanlake: compiling dist/spanlake ...\n');
  const workers = filesBelow('src').filter((file) => file.endsWith('-worker.ts'));
  mkdirSync(join(root, 'dist'), { recursive: true });
  // Written beside and renamed, because a running binary can't be overwritten.
  const fresh = `${binary}.${process.pid}`;
  const run = spawnSync(bun, ['.scripts/compile.mjs', fresh, 'src/main.ts', ...workers], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  if (run.status !== 0 || !existsSync(fresh)) {
    rmSync(fresh, { force: true });
    process.stderr.write(`${run.stdout}${run.stderr}`);
    fail('compiling failed (see above)');
  }
  renameSync(fresh, binary);
  writeFileSync(stamp, wanted);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  setUp();
  build();
  process.stdout.write(`${relative(process.cwd(), binary)}\n`);
}
