/** The compiled binary as a child process, and what the kernel says of it. Linux only: reads /proc. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { processCpuSeconds } from './cpu-clock.ts';

const START_TIMEOUT_MS = 60_000;
/** USER_HZ, which Linux fixes for /proc whatever its own clock. */
const TICKS_PER_SECOND = 100;

/** Nothing leaves the log. */
export const NO_FLUSH: readonly string[] = [
  '--flush-rows',
  '4194304',
  '--flush-bytes',
  '1GiB',
  '--flush-age',
  '1h',
];

/** Of a bench that ends half way, by Ctrl-C or an error, nothing is left behind. */
const running = new Set<Bun.Subprocess>();
const folders = new Set<string>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** Ends the process at SIGINT and SIGTERM as its own exit does, which clears away what it began. */
export function tidyOnSignals(): void {
  process.on('SIGINT', () => process.exit(130));
  process.on('SIGTERM', () => process.exit(143));
}

export interface ServerStart {
  /** Listen for gRPC as well. */
  readonly grpc?: boolean;
}

export class Server {
  /** What is measured; another one compares with an older build. */
  static binary = `${import.meta.dir}/../dist/spanlake`;

  private constructor(
    readonly url: string,
    /** `http://HOST:PORT`; undefined without gRPC. */
    readonly grpcUrl: string | undefined,
    /** From the start of the process to its first answer on /readyz. */
    readonly startMs: number,
    readonly process: Bun.Subprocess,
  ) {}

  static async start(
    dataDir: string,
    flags: readonly string[] = [],
    { grpc = false }: ServerStart = {},
  ): Promise<Server> {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const grpcAddress = grpc ? `127.0.0.1:${await freePort()}` : undefined;
    const own = [
      '--data',
      dataDir,
      '--listen',
      `127.0.0.1:${port}`,
      '--grpc-listen',
      grpcAddress ?? 'off',
      '--log-level',
      'error',
    ];
    const before = performance.now();
    const child = Bun.spawn([Server.binary, 'serve', ...own, ...flags], {
      stdout: 'ignore',
      stderr: 'inherit',
    });
    running.add(child);
    await untilReady(url, child, before + START_TIMEOUT_MS);
    const startMs = performance.now() - before;
    if (grpcAddress !== undefined) await untilAccepted(grpcAddress, before + START_TIMEOUT_MS);
    const grpcUrl = grpcAddress === undefined ? undefined : `http://${grpcAddress}`;
    return new Server(url, grpcUrl, startMs, child);
  }

  /** CPU seconds of all threads, user and system. */
  cpuSeconds(): number {
    const exact = processCpuSeconds(this.process.pid);
    if (exact !== undefined) return exact;
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
    running.delete(this.process);
    return (performance.now() - before) / 1000;
  }

  /** kill -9: nothing is drained. */
  async kill(): Promise<void> {
    this.process.kill('SIGKILL');
    await this.process.exited;
    running.delete(this.process);
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

/** gRPC listens after HTTP, when its modules are loaded. */
async function untilAccepted(address: string, deadline: number): Promise<void> {
  const [hostname, port] = address.split(':');
  for (;;) {
    const socket = await Bun.connect({ hostname, port: Number(port), socket: { data: () => {} } }).catch(
      () => undefined,
    );
    socket?.end();
    if (socket !== undefined) return;
    if (performance.now() > deadline) throw new Error(`nothing listens on ${address}`);
    await Bun.sleep(5);
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
  folders.add(folder);
  try {
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
    folders.delete(folder);
  }
}

/** Starts and stops until nothing is left in the log. */
const MOST_DRAINS = 5;

/**
 * For a folder whose server was stopped: a drain has its time, and what it could not write to files is in the
 * log, which the next start replays. Resolves to the CPU seconds that it took.
 */
export async function emptyLog(dataDir: string, flags: readonly string[] = []): Promise<number> {
  let cpuSeconds = 0;
  for (let i = 0; folderSize(join(dataDir, 'wal')).files > 0; i++) {
    if (i === MOST_DRAINS) throw new Error(`the log in ${dataDir} can't be written to files`);
    const server = await Server.start(dataDir, flags);
    await server.stop();
    cpuSeconds += Number(server.process.resourceUsage()?.cpuTime.total ?? 0) / 1e6;
  }
  return cpuSeconds;
}

/** Files below a folder and their bytes; those with the ending alone. Files come and go while it looks. */
export function folderSize(folder: string, ending = ''): { readonly files: number; readonly bytes: number } {
  let files = 0;
  let bytes = 0;
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith(ending)) continue;
    const found = statSync(join(folder, name), { throwIfNoEntry: false });
    if (found?.isFile() !== true) continue;
    files++;
    bytes += found.size;
  }
  return { files, bytes };
}
