/** The compiled binary as its users run it: a process of its own, on free ports, with a data folder of its own. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ROOT = join(import.meta.dir, '..', '..');
const START_TIMEOUT_MS = 20_000;

export interface Exit {
  /** null when a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ServerOptions {
  /** Default: a temporary folder that goes when the server is stopped. */
  readonly dataDir?: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Default: `dist/spanlake`, compiled anew if the sources changed. */
  readonly binary?: string;
  readonly cwd?: string;
}

let compiled: string | undefined;

/** `dist/spanlake`, up to date; or the one that the environment names, as it is. */
export function compiledBinary(): string {
  compiled ??= process.env['SPANLAKE_TEST_BINARY'];
  if (compiled === undefined) {
    const build = Bun.spawnSync([process.execPath, '.scripts/build.mjs'], { cwd: ROOT });
    if (!build.success)
      throw new Error(`compiling failed:\n${build.stdout.toString()}${build.stderr.toString()}`);
    compiled = join(ROOT, 'dist', 'spanlake');
  }
  return compiled;
}

const running = new Set<Bun.Subprocess>();
// A test file that fails half way must not leave its servers behind.
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** A new folder below the system's temporary one. */
export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), 'spanlake-test-'));
}

/** Runs a command of the binary to its end. */
export async function runBinary(
  args: readonly string[],
  { binary = compiledBinary(), cwd = ROOT, env = {} }: ServerOptions = {},
): Promise<Exit> {
  const child = Bun.spawn([binary, ...args], { cwd, env, stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' });
  running.add(child);
  const [stdout, stderr] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  await child.exited;
  running.delete(child);
  return { code: child.exitCode, stdout, stderr };
}

export class TestServer {
  private output = '';
  private readonly readers: Promise<void>[];

  private constructor(
    private readonly child: Bun.Subprocess<'ignore', 'pipe', 'pipe'>,
    readonly dataDir: string,
    private readonly ownsFolder: boolean,
  ) {
    this.readers = [this.collect(child.stdout), this.collect(child.stderr)];
  }

  /** Resolves when the server answers. */
  static async start(options: ServerOptions = {}): Promise<TestServer> {
    const { binary = compiledBinary(), args = [], env = {}, cwd = ROOT } = options;
    const dataDir = options.dataDir ?? temporaryFolder();
    const words = ['--data', dataDir, '--listen', '127.0.0.1:0', '--grpc-listen', '127.0.0.1:0', ...args];
    const child = Bun.spawn([binary, ...words], {
      cwd,
      env,
      stdin: 'ignore',
      stdout: 'pipe',
      stderr: 'pipe',
    });
    running.add(child);
    const server = new TestServer(child, dataDir, options.dataDir === undefined);
    const deadline = performance.now() + START_TIMEOUT_MS;
    while (!(await server.isReady())) {
      if (child.exitCode !== null || child.signalCode !== null || performance.now() > deadline) {
        await server.kill();
        throw new Error(`the server did not start:\n${server.output}`);
      }
      await Bun.sleep(10);
    }
    return server;
  }

  /** `http://127.0.0.1:PORT`, without a slash at the end. */
  get url(): string {
    return this.printed(/https?:\/\/[^\s/]+/);
  }

  /** `http://127.0.0.1:PORT` of gRPC, as SDKs want it. */
  get grpcUrl(): string {
    return `http://${this.printed(/(?<=OTLP\/gRPC\s+)\S+:\d+/)}`;
  }

  get pid(): number {
    return this.child.pid;
  }

  /** Everything written so far, to stdout and stderr. */
  get log(): string {
    return this.output;
  }

  fetch(path: string, init?: RequestInit): Promise<Response> {
    return fetch(`${this.url}${path}`, init);
  }

  /** kill -9: what is not on disk is gone. The data folder stays unless it is the server's own. */
  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.end();
  }

  /** SIGTERM, and the exit code once it has drained. */
  async terminate(): Promise<number> {
    this.child.kill('SIGTERM');
    await this.end();
    return this.child.exitCode ?? -1;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    if (this.ownsFolder) rmSync(this.dataDir, { recursive: true, force: true });
  }

  private async end(): Promise<void> {
    await this.child.exited;
    running.delete(this.child);
    await Promise.all(this.readers);
  }

  private async isReady(): Promise<boolean> {
    if (!/OTLP\/gRPC/.test(this.output)) return false;
    try {
      return (await this.fetch('/healthz')).ok;
    } catch {
      return false;
    }
  }

  private printed(pattern: RegExp): string {
    const match = pattern.exec(this.output);
    if (match === null) throw new Error(`the server did not print ${pattern}:\n${this.output}`);
    return match[0];
  }

  private async collect(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    for await (const bytes of stream) this.output += decoder.decode(bytes, { stream: true });
  }
}

/** Asks again until the answer is not undefined; fails loudly after the time. */
export async function eventually<T>(
  what: string,
  ask: () => T | undefined | Promise<T | undefined>,
  timeoutMs = 10_000,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await Bun.sleep(25);
  }
}
