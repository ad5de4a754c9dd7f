// Brings node_modules to exactly what package-lock.json says. Plain Node, because Bun comes with it.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));
export const bun = join(root, 'node_modules', '.bin', 'bun');

/** Says what went wrong and what to do, and ends the program. */
export function fail(/** @type {string} */ message) {
  process.stderr.write(`spanlake: ${message}\n`);
  process.exit(1);
}

/**
 * Packages of a lockfile by path. The one inside node_modules is npm's own record of what it put there,
 * written when it is done: comparing the two needs no stamp of ours.
 *
 * @param {string} file
 * @returns {Record<string, { version?: string; optional?: boolean; integrity?: string }>}
 */
function lockedPackages(file) {
  return JSON.parse(readFileSync(file, 'utf8')).packages;
}

function isInstalled() {
  const record = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(record)) return false;
  const wanted = lockedPackages(join(root, 'package-lock.json'));
  const present = lockedPackages(record);
  return Object.entries(wanted).every(([path, { version, optional }]) => {
    if (path === '') return true;
    // Optional packages are the builds for other platforms.
    return present[path] === undefined ? optional === true : present[path].version === version;
  });
}

function bunRuns() {
  return spawnSync(bun, ['--version'], { stdio: 'ignore' }).status === 0;
}

/** Installs when node_modules is missing or differs from the lockfile. */
export function setUp() {
  if (Number(process.versions.node.split('.')[0]) < 20) {
    fail(`Node 20 or newer is needed, this is ${process.versions.node}. See https://nodejs.org`);
  }
  if (!isInstalled()) {
    process.stdout.write('spanlake: installing packages (npm ci) ...\n');
    const npm = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      maxBuffer: 64 * 1024 * 1024,
    });
    if (npm.status !== 0) {
      process.stderr.write(`${npm.stdout ?? ''}${npm.stderr ?? ''}`);
      fail('npm ci failed (see above). It needs the npm registry; check the network or proxy and try again.');
    }
  }
  // npm that was told to run no scripts leaves a placeholder where Bun should be.
  if (!bunRuns()) spawnSync(process.execPath, ['install.js'], { cwd: join(root, 'node_modules', 'bun') });
  if (!bunRuns()) {
    fail(
      'Bun does not start. Remove node_modules and try again; it needs Linux, macOS or Windows on x64 or arm64.',
    );
  }
}
