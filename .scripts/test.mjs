// `npm test [-- PATTERN]`: every check and every test. The last line is `N passed, N failed`.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { build } from './build.mjs';
import { installChromium } from './chromium.mjs';
import { bun, root, setUp } from './setup.mjs';

/** For one test: a busy machine with two cores stretches a browser's step tenfold. */
const TEST_TIMEOUT_MS = 60_000;

const FOLDERS = ['src', 'views', 'test', 'bench', '.scripts'];

/** JSX files, where markup is built and can be unsafe. */
function markupFiles() {
  const folders = ['views', 'src/http'].filter((folder) => existsSync(join(root, folder)));
  return folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.tsx'))
      .map((path) => join(folder, path)),
  );
}

/** Checks before the tests, as [what, how to mend it, words after node_modules/.bin]. */
const CHECKS = /** @type {const} */ ([
  ['formatting', 'run: npm run format', ['oxfmt', '--check', '.']],
  ['lint', 'mend the lines above', ['oxlint', '--type-aware', '--deny-warnings', ...FOLDERS]],
  ['types', 'mend the lines above', ['tsc', '--noEmit']],
  ['xss scan', 'add `safe` or escape, see above', ['xss-scan', ...markupFiles()]],
]);

/** @returns {string[]} the names of the checks that failed */
function runChecks() {
  const failed = [];
  for (const [name, mend, [program, ...words]] of CHECKS) {
    const began = performance.now();
    const run = spawnSync(join(root, 'node_modules', '.bin', program), words, {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      maxBuffer: 64 * 1024 * 1024,
    });
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    if (run.status === 0) {
      process.stdout.write(`ok      ${name} (${seconds} s)\n`);
    } else {
      process.stdout.write(`${run.stdout}${run.stderr}FAILED  ${name} (${seconds} s): ${mend}\n`);
      failed.push(name);
    }
  }
  return failed;
}

/**
 * Runs the tests, shows what they print, and takes the count from the runner's last lines: its JUnit report
 * leaves out files that fail to load.
 *
 * @param {string[]} patterns
 * @returns {Promise<{ passed: number; failed: number; skipped: number }>}
 */
function runTests(patterns) {
  return new Promise((resolve) => {
    const colours = process.stdout.isTTY ? { FORCE_COLOR: '1' } : {};
    const run = spawn(bun, ['test', `--timeout=${TEST_TIMEOUT_MS}`, ...patterns], {
      cwd: root,
      env: { ...process.env, ...colours },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let last = '';
    for (const stream of [run.stdout, run.stderr]) {
      stream.setEncoding('utf8').on('data', (/** @type {string} */ text) => {
        process.stdout.write(text);
        last = (last + text).slice(-4096);
      });
    }
    run.on('close', (code) => {
      // oxlint-disable-next-line no-control-regex -- colours are what is taken out
      const plain = last.replaceAll(/\u001b\[[\d;]*m/g, '');
      const count = (/** @type {string} */ word) =>
        Number([...plain.matchAll(new RegExp(`^ *(\\d+) ${word}$`, 'gm'))].at(-1)?.[1] ?? 0);
      const failed = count('fail');
      resolve({
        passed: count('pass'),
        failed: failed === 0 && code !== 0 ? 1 : failed,
        skipped: count('skip'),
      });
    });
  });
}

setUp();
build();
installChromium();
const failedChecks = runChecks();
const { passed, failed, skipped } = await runTests(process.argv.slice(2));
if (skipped > 0) process.stdout.write(`${skipped} skipped (see above)\n`);
if (failedChecks.length > 0) process.stdout.write(`FAILED before the tests: ${failedChecks.join(', ')}\n`);
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exit(failed > 0 || failedChecks.length > 0 || passed === 0 ? 1 : 0);
