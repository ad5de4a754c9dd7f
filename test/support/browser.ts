/** Chromium for the browser tests. */
import { chromium } from 'playwright-core';
import type { Browser } from 'playwright-core';

/** Throws a line that says how to get Chromium where there is none. `npm test` installs it on Debian as root. */
export function launchBrowser(): Promise<Browser> {
  const executablePath = ['chromium', 'chromium-browser', 'google-chrome']
    .map((name) => Bun.which(name))
    .find((path) => path !== null);
  if (executablePath === undefined || executablePath === null) {
    throw new Error('no chromium on the PATH: install it (on Debian: apt-get install chromium)');
  }
  return chromium.launch({
    executablePath,
    headless: true,
    args: [
      // Chromium refuses its sandbox to root, which containers run as.
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
      // The shared memory of a container is 64 MB by default: too little for a page.
      '--disable-dev-shm-usage',
      '--disable-gpu',
    ],
  });
}
