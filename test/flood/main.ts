/** `npm run flood`: more than the server can take, of each kind; nobody but the sender may notice. */
import { parseArgs } from 'node:util';
import { compiledBinary, runBinary, TestServer } from '../support/server.ts';
import { exportBody } from '../../src/http/testing/otlp.ts';
import { Worker } from 'node:worker_threads';
import { CALM, FLOODS } from './floods.ts';
import type { Answers, FloodOptions } from './floods.ts';
import { quantile, Watch } from './watch.ts';
import type { Watched } from './watch.ts';

const USAGE = `npm run flood -- [--seconds N] [--only NAME] [--binary FILE]

Each flood runs N seconds (default 10, overload six times that) against a server of its own, while
a person asks for spans, a probe for health and a second project sends, ten times a second each. Prints a
table; exits 1 when memory passed its cap or one of those was not served.
`;

/** The server's cap in any flood, and what the bystanders may wait longer than without one (docs/reliability.md). */
const MOST_MIB = 768;
const MOST_MORE_MS = 50;
const RECOVERED_MS = 20;

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '10' },
    only: { type: 'string' },
    binary: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
const seconds = Number(values.seconds);
if (values.help || !(seconds > 0)) {
  process.stdout.write(USAGE);
  process.exit(values.help ? 0 : 2);
}
const binary = values.binary ?? compiledBinary();

async function makeToken(dataDir: string, project: string, scope: string): Promise<string> {
  const words = ['token', 'create', '--data', dataDir, '--project', project, '--scope', scope];
  const { stdout, stderr } = await runBinary(words, { binary });
  const token = /slk_\w+_[\w-]+/.exec(stdout)?.[0];
  if (token === undefined) throw new Error(`no token: ${stdout}${stderr}`);
  return token;
}

/** Milliseconds until a send is taken, a second after the flood. */
async function recovery(server: TestServer, token: string): Promise<number> {
  await Bun.sleep(1000);
  let best = Infinity;
  // The best of three, for a machine with neighbours.
  for (let n = 0; n < 3; n++) {
    const headers = { 'content-type': 'application/x-protobuf', authorization: `Bearer ${token}` };
    const body = exportBody('protobuf', [{ spanId: `ff0000000000000${n}` }]) as Uint8Array<ArrayBuffer>;
    const before = performance.now();
    const { status } = await server.fetch('/v1/traces', { method: 'POST', headers, body });
    if (status === 200) best = Math.min(best, performance.now() - before);
  }
  return best;
}

function runFlood(name: string, options: FloodOptions): Promise<Answers> {
  const worker = new Worker(new URL('flood-worker.ts', import.meta.url), { workerData: { name, options } });
  return new Promise((resolve, reject) => {
    worker.once('message', (answers: Answers) => resolve(answers));
    worker.once('error', reject);
  });
}

/** The longest stall of the server's loop since the start, as it says itself. */
async function loopLagMs(server: TestServer, token: string): Promise<number> {
  const answer = await server.fetch('/metrics', { headers: { authorization: `Bearer ${token}` } });
  const found = /^spanlake_event_loop_lag_seconds (\S+)$/m.exec(await answer.text());
  return Number(found?.[1] ?? 0) * 1000;
}

function problemsOf(watched: Watched, calm: Watched | undefined, recoveredMs: number): readonly string[] {
  const problems: string[] = [];
  if (watched.peakMiB > MOST_MIB) problems.push(`memory ${watched.peakMiB.toFixed(0)} MiB`);
  if (watched.failures.length > 0) {
    problems.push(
      `${watched.failures.length} not served: ${[...new Set(watched.failures)].slice(0, 3).join(', ')}`,
    );
  }
  for (const what of ['queries', 'probes', 'sends'] as const) {
    const more = quantile(watched[what], 0.99) - quantile(calm?.[what] ?? [], 0.99);
    if (more > MOST_MORE_MS) problems.push(`p99 of ${what} up by ${more.toFixed(0)} ms`);
  }
  if (recoveredMs > RECOVERED_MS) problems.push(`recovered in ${recoveredMs.toFixed(0)} ms`);
  return problems;
}

const row = (cells: readonly (string | number)[]): void => {
  const [name, ...rest] = cells.map(String);
  process.stdout.write(`${name.padEnd(17)}${rest.map((cell) => cell.padStart(9)).join('')}\n`);
};
const p99 = (times: readonly number[]): string => quantile(times, 0.99).toFixed(0);

let isGood = true;
row([
  'flood',
  'MiB',
  'query',
  'probe',
  'send',
  'loop',
  'after',
  '  answers (p99, longest stall of the loop, recovery: ms)',
]);
let calm: Watched | undefined;
for (const name of FLOODS.keys()) {
  if (values.only !== undefined && values.only !== name && name !== CALM) continue;
  await using server = await TestServer.start({ binary });
  for (const project of ['flooding', 'peaceful']) {
    await runBinary(['project', 'create', project, '--data', server.dataDir], { binary });
  }
  const [flooding, peaceful, reader] = [
    await makeToken(server.dataDir, 'flooding', 'ingest'),
    await makeToken(server.dataDir, 'peaceful', 'ingest'),
    await makeToken(server.dataDir, 'peaceful', 'read'),
  ];
  await Bun.sleep(500);
  const watch = new Watch(server, peaceful, reader);
  const { url, grpcUrl } = server;
  const answers = await runFlood(name, { url, grpcUrl, token: flooding, seconds });
  const watched = await watch.stop();
  const recoveredMs = await recovery(server, flooding);
  const told = [...answers].map(([answer, times]) => `${answer} x ${times}`).join(', ');
  const { queries, probes, sends } = watched;
  const lag = await loopLagMs(server, reader);
  row([
    name,
    watched.peakMiB.toFixed(0),
    p99(queries),
    p99(probes),
    p99(sends),
    lag.toFixed(0),
    recoveredMs.toFixed(0),
    `  ${told}`,
  ]);
  if (name === CALM) calm = watched;
  for (const problem of problemsOf(watched, calm, recoveredMs)) {
    isGood = false;
    process.stdout.write(`  BAD: ${problem}\n`);
  }
}
process.exit(isGood ? 0 : 1);
