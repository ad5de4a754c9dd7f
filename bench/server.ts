/** The compiled binary as a child process, and what the kernel says of it. Linux only: reads /proc. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const START_TIMEOUT_MS = 60_000;
/** USER_HZ, which Linux fixes for /proc whatever its own clock. */
const TICKS_PER_SECOND = 100;

export class Server {
  /** What is measured; another one compares with an older build. */
  static binary = `${import.meta.dir}/../dist/spanlake`;

  private constructor(
    readonly url: string,
    /** From the start of the process to its first answer on /readyz. */
    readonly startMs: number,
    readonly process: Bun.Subprocess,
  ) {}

  static async start(dataDir: string, flags: readonly string[] = []): Promise<Server> {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const own = [
      '--data',
      dataDir,
      '--listen',
      `127.0.0.1:${port}`,
      '--grpc-listen',
      'off',
      '--log-level',
      'error',
    ];
    const before = performance.now();
    const child = Bun.spawn([Server.binary, 'serve', ...own, ...flags], {
      stdout: 'ignore',
      stderr: 'inherit',
    });
    await untilReady(url, child, before + START_TIMEOUT_MS);
    return new Server(url, performance.now() - before, child);
  }

  /** CPU seconds of all threads, user and system. */
  cpuSeconds(): number {
    // The name of the program, in parentheses, may hold spaces: the fields are counted behind it.
    const fields = this.#proc('stat')
      .replace(/^.*\) /s, '')
      .split(' ');
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  }

  /** Resident memory now and at most so far, in MiB. */
  memory(): { readonly nowMiB: number; readonly peakMiB: number } {
    const status = this.#proc('status');
    const kib = (name: string): number =>
      Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1] ?? Number.NaN);
    return { nowMiB: kib('VmRSS') / 1024, peakMiB: kib('VmHWM') / 1024 };
  }

  /** The peak of memory begins anew with what is resident now. */
  forgetPeak(): void {
    writeFileSync(`/proc/${this.process.pid}/clear_refs`, '5');
  }

  /** SIGTERM, and the seconds until the process has drained and gone. */
  async stop(): Promise<number> {
    const before = performance.now();
    this.process.kill('SIGTERM');
    await this.process.exited;
    return (performance.now() - before) / 1000;
  }

  #proc(file: string): string {
    return readFileSync(`/proc/${this.process.pid}/${file}`, 'utf8');
  }
}

async function untilReady(url: string, child: Bun.Subprocess, deadline: number): Promise<void> {
  for (;;) {
    const answer = await fetch(`${url}/readyz`).catch(() => undefined);
    if (answer?.ok) return;
    if (child.exitCode !== null) throw new Error(`${Server.binary} ended with code ${child.exitCode}`);
    if (performance.now() > deadline) {
      child.kill('SIGKILL');
      throw new Error(`${Server.binary} was not ready after ${START_TIMEOUT_MS} ms`);
    }
    await Bun.sleep(1);
  }
}

async function freePort(): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const probe = createServer();
  probe.on('error', reject);
  probe.listen(0, '127.0.0.1', () => {
    const address = probe.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    probe.close(() => resolve(port));
  });
  return promise;
}

/** Runs `use` with a fresh data folder and removes it. */
export async function withDataFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'spanlake-bench-'));
  try {
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
