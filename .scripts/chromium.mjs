// Chromium for the browser tests: what is there, or Debian's, installed where that is possible.
import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

function onPath(/** @type {string} */ name) {
  return (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

function findChromium() {
  return ['chromium', 'chromium-browser', 'google-chrome'].map(onPath).find((path) => path !== undefined);
}

/** Says in one line what the browser tests lack, if they lack it. */
export function installChromium() {
  if (findChromium() !== undefined) return;
  if (process.getuid?.() !== 0 || onPath('apt-get') === undefined) {
    process.stdout.write(
      'spanlake: no chromium, so the browser tests will fail. Install it (on Debian: sudo apt-get install chromium)\n',
    );
    return;
  }
  process.stdout.write('spanlake: installing chromium for the browser tests (apt-get) ...\n');
  const options = {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    encoding: /** @type {const} */ ('utf8'),
    stdio: /** @type {['ignore', 'pipe', 'pipe']} */ (['ignore', 'pipe', 'pipe']),
  };
  for (const words of [
    ['update'],
    ['install', '-y', '--no-install-recommends', 'chromium', 'fonts-dejavu-core'],
  ]) {
    const run = spawnSync('apt-get', words, options);
    if (run.status === 0) continue;
    const why = run.stderr.trim().split('\n').at(-1) ?? '';
    process.stdout.write(`spanlake: apt-get ${words[0]} failed, so the browser tests will fail: ${why}\n`);
    return;
  }
}
