/**
 * How long each kind of question holds the event loop: `bun bench/stalls.ts DIR [part of an address]`, on a data
 * folder that no server uses (`npm run bench -- --keep DIR` makes one). Servers and store run in this process, the
 * client in a thread of its own. What is counted is the CPU time of the main thread between two turns of its
 * loop, so that a busy machine is not taken for a stall. Linux only: reads /proc.
 */
import { readFileSync } from 'node:fs';
import { startServers } from '../src/http/server.ts';
import { createLog } from '../src/log.ts';
import { openCatalog } from '../src/store/catalog.ts';
import { openLake } from '../src/store/lake/lake.ts';
import { Projects } from '../src/store/projects.ts';

/** DESIGN.md and P13. */
const GOAL_MS = 50;
const ROUNDS = 3;

/** What a thread of its own asks, so that reading the answer costs the main thread nothing. */
const CLIENT = `
self.onmessage = async ({ data }) => {
  const began = performance.now();
  const response = await fetch(data);
  const { byteLength } = await response.arrayBuffer();
  self.postMessage({ status: response.status, ms: performance.now() - began, bytes: byteLength });
};`;

interface Answer {
  readonly status: number;
  readonly ms: number;
  readonly bytes: number;
}

const q = (text: string) => `q=${encodeURIComponent(text)}`;

const ADDRESSES: readonly string[] = [
  '/healthz',
  '/api/v1/spans?limit=100',
  '/api/v1/spans?limit=10000',
  '/api/v1/spans?limit=10000&order=slowest',
  `/api/v1/spans?limit=1000&order=oldest&${q('{ status = error && duration > 10ms }')}`,
  `/api/v1/spans?${q('{ name =~ ".*(a|b|c).*x" }')}`,
  `/api/v1/spans?${q('{ rootName =~ "GET.*" && traceDuration > 50ms }')}`,
  '/api/v1/traces?limit=1000&order=slowest',
  `/api/v1/traces?${q('{ status = error } >> { kind = client }')}`,
  `/api/v1/traces?${q('{ kind = server } | by(resource.service.name) | count() > 2')}`,
  `/api/v1/traces?${q('{} | avg(duration) > 100ms')}`,
  '/api/v1/services',
  `/api/v1/attributes?${q('{ status = error }')}`,
  '/api/v1/attributes/user.id/values',
  `/api/v1/metrics?${q('{} | rate() by (resource.service.name)')}`,
  `/api/v1/metrics?${q('{} | quantile_over_time(duration, .5, .99) by (name)')}`,
  `/api/v1/metrics?${q('{} | rate() by (span.user.id)')}`,
  `/api/v1/metrics?${q('{} | compare({ status = error })')}`,
  '/api/v1/heatmap',
  '/api/v1/facets?field=name&field=resource.service.name&field=span.user.id',
  `/api/v1/comparison?selection=${encodeURIComponent('{ status = error }')}`,
  '/api/v1/dependencies',
  '/search?since=all',
  '/search?since=all&view=spans&order=slowest&explain=1',
  `/search?since=all&${q('{ status = error } | rate() by (name)')}`,
  '/services?since=all',
];

/** CPU milliseconds of the main thread so far. */
function threadMs(): number {
  return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ')[0]) / 1e6;
}

const [, , dataDir, part = ''] = process.argv;
if (dataDir === undefined) {
  console.error('which data folder?');
  process.exit(2);
}
const catalog = openCatalog(dataDir);
const lake = await openLake({ dataDir, catalog, background: false });
const servers = await startServers({
  store: lake,
  projects: new Projects(catalog),
  log: createLog({ level: 'warn', write: (line) => process.stderr.write(line) }),
  config: {
    version: 'bench',
    listen: { host: '127.0.0.1', port: 0 },
    grpcListen: undefined,
    grpcOptional: false,
    insecure: false,
    maxBodyBytes: 1024,
    maxIngestBytes: 160 * 1024 ** 2,
  },
  startDemo: () => {
    throw new Error('no demo here');
  },
});

let last = threadMs();
let longest = 0;
setInterval(() => {
  const now = threadMs();
  longest = Math.max(longest, now - last);
  last = now;
}, 1);

const client = new Worker(URL.createObjectURL(new Blob([CLIENT], { type: 'application/javascript' })));
const ask = (address: string) =>
  new Promise<Answer>((resolve) => {
    client.onmessage = ({ data }: MessageEvent<Answer>) => resolve(data);
    client.postMessage(`http://127.0.0.1:${servers.httpPort}${address}`);
  });

let late = 0;
for (const address of ADDRESSES.filter((each) => each.includes(part))) {
  const stalls: number[] = [];
  let answer: Answer | undefined;
  for (let round = 0; round < ROUNDS; round++) {
    await Bun.sleep(20);
    longest = 0;
    answer = await ask(address);
    await Bun.sleep(5);
    stalls.push(longest);
  }
  const worst = Math.max(...stalls);
  if (worst > GOAL_MS) late++;
  const told = stalls.map((ms) => ms.toFixed(0).padStart(4)).join('');
  const size = `${((answer?.bytes ?? 0) / 1024).toFixed(0)} KiB`;
  console.log(
    `${worst > GOAL_MS ? '!' : ' '}${told} ms  ${answer?.status} ${size.padStart(10)}  ${decodeURIComponent(address)}`,
  );
}
console.log(`${late} of them hold the loop over ${GOAL_MS} ms`);
await servers.stop();
await lake.close();
process.exit(late === 0 ? 0 : 1);
