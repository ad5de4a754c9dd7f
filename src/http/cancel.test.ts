/** A client that leaves: its question ends in the store, whichever it was, and nothing of it is logged as an error. */
import { afterAll, afterEach, beforeAll, expect, spyOn, test } from 'bun:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { encodeTracesProtobuf } from '../otlp/encode.ts';
import { WorkerPool } from '../store/lake/read/workers/worker-pool.ts';
import type { Store } from '../store/store-upkeep.ts';
import { makeSpan } from '../trace/arbitrary.ts';
import { TestServers } from './testing/servers.ts';

const FILES = 16;
const TRACE = '000000000000000000000000000000aa';
const START = BigInt(Date.now()) * 1_000_000n - 3_600_000_000_000n;

/** Every question of the store that a page or the API asks. */
const QUESTIONS = new Set([
  'searchSpans',
  'searchTraces',
  'trace',
  'serviceStats',
  'operationStats',
  'attributeKeys',
  'attributeValues',
  'metrics',
  'heatmap',
  'facets',
  'comparison',
  'dependencies',
]);

let servers: TestServers;
type Run = WorkerPool['run'];
const { run: runJob } = WorkerPool.prototype as unknown as {
  run: (this: WorkerPool, ...job: Parameters<Run>) => ReturnType<Run>;
};
const runs = spyOn(WorkerPool.prototype, 'run');

/** Questions wait in front of the lake until their client has left. */
let holds = false;
interface Held {
  readonly method: string;
  /** Undefined when it was answered for all that. */
  readonly error: unknown;
}
const held: Held[] = [];
/** The methods of all that were asked, ended or not. */
const begun: string[] = [];
let arrived: (() => void) | undefined;

function holding(store: Store): Store {
  return new Proxy(store, {
    get(target, name: keyof Store) {
      const value = target[name];
      if (typeof value !== 'function') return value;
      return (...args: unknown[]) => {
        const ask = () => Reflect.apply(value, target, args) as unknown;
        return holds && QUESTIONS.has(name) ? hold(name, args, ask) : ask();
      };
    },
  });
}

async function hold(method: string, args: readonly unknown[], ask: () => unknown): Promise<unknown> {
  begun.push(method);
  arrived?.();
  const signal = signalIn(args.at(-1));
  const left = new Promise((resolve) => signal?.addEventListener('abort', resolve));
  await Promise.race([left, sleep(2_000)]);
  try {
    const answer = await ask();
    held.push({ method, error: undefined });
    return answer;
  } catch (error) {
    held.push({ method, error });
    throw error;
  }
}

function signalIn(asked: unknown): AbortSignal | undefined {
  if (typeof asked !== 'object' || asked === null || !('signal' in asked)) return undefined;
  return asked.signal instanceof AbortSignal ? asked.signal : undefined;
}

beforeAll(async () => {
  servers = await TestServers.start({ wrap: holding });
  const headers = { 'content-type': 'application/x-protobuf' };
  for (let file = 0; file < FILES; file++) {
    const spans = Array.from({ length: 4 }, (_, i) =>
      makeSpan({
        traceId: i === 0 ? TRACE : (file * 8 + i).toString(16).padStart(32, '0'),
        spanId: (file * 8 + i + 1).toString(16).padStart(16, '0'),
        startTimeUnixNano: START + BigInt(file * 1000 + i),
        serviceName: 'shop',
        attributes: [{ key: 'http.route', value: { type: 'string', value: `/${i}` } }],
      }),
    );
    const body = encodeTracesProtobuf(spans) as Uint8Array<ArrayBuffer>;
    expect((await servers.fetch('/v1/traces', { method: 'POST', headers, body })).status).toBe(200);
    await servers.lake.flush();
  }
});
afterAll(async () => {
  await servers[Symbol.asyncDispose]();
  runs.mockRestore();
});
afterEach(() => {
  holds = false;
  held.length = 0;
  begun.length = 0;
});

async function until(what: string, isTrue: () => boolean): Promise<void> {
  for (let waited = 0; !isTrue(); waited++) {
    if (waited > 250) throw new Error(`${what} did not happen`);
    await sleep(20);
  }
}

const all = encodeURIComponent('{ span.http.route != nil }');
const rate = encodeURIComponent('{ span.http.route != nil } | rate()');
const parent = encodeURIComponent('{ span.http.route != nil } >> {}');

const PATHS: readonly (readonly [path: string, method: string])[] = [
  [`/api/v1/spans?q=${all}`, 'searchSpans'],
  [`/api/v1/spans?q=${parent}`, 'searchSpans'],
  [`/api/v1/traces?q=${all}&order=slowest`, 'searchTraces'],
  [`/api/v1/traces/${TRACE}`, 'trace'],
  ['/api/v1/services', 'serviceStats'],
  ['/api/v1/operations?service=shop', 'operationStats'],
  [`/api/v1/attributes?q=${all}`, 'attributeKeys'],
  [`/api/v1/attributes/http.route/values?q=${all}`, 'attributeValues'],
  [`/api/v1/metrics?q=${rate}&since=2h&step=1m`, 'metrics'],
  [`/api/v1/heatmap?q=${all}`, 'heatmap'],
  [`/api/v1/facets?q=${all}&field=span.http.route`, 'facets'],
  [`/api/v1/comparison?q=${all}&selection=${encodeURIComponent('{ status = error }')}`, 'comparison'],
  ['/api/v1/dependencies', 'dependencies'],
  [`/search?since=all&q=${all}`, 'searchTraces'],
  [`/search?since=all&view=spans&q=${all}`, 'searchSpans'],
  [`/search?since=24h&q=${rate}`, 'metrics'],
  ['/search/names?of=service&since=all', 'attributeValues'],
  [`/traces/${TRACE}`, 'trace'],
  ['/services', 'serviceStats'],
  ['/services/shop', 'operationStats'],
];

test.each(PATHS)('%s ends when its client leaves', async (path, method) => {
  // Colours of new services are looked for beside all pages, for all clients: now, if it is due.
  await servers.fetch('/services.css');
  holds = true;
  runs.mockClear();
  const abort = new AbortController();
  const asked = new Promise<void>((resolve) => (arrived = resolve));
  const answer = servers.fetch(path, { signal: abort.signal }).then(
    (response) => `an answer: ${response.status}`,
    () => 'gone',
  );
  await asked;
  abort.abort();
  expect(await answer).toBe('gone');
  // A page may ask several at once: each that began ends, and none begins after them.
  await until('the end of the questions', () => held.length > 0 && held.length === begun.length);
  await sleep(50);
  expect(held.map((each) => each.method).toSorted()).toEqual(begun.toSorted());
  expect(begun).toContain(method);
  for (const { error } of held) expect(error).toMatchObject({ name: 'AbortError' });
  expect(runs).toHaveBeenCalledTimes(0);
  expect(servers.logged.filter((line) => line.includes(' error '))).toEqual([]);
});

test('what the pool has not begun is not begun', async () => {
  runs.mockClear();
  const whole = await servers.get<{ spans: unknown[] }>(`/api/v1/spans?q=${all}&order=oldest`);
  expect(whole.spans).toHaveLength(FILES * 4);
  const jobs = runs.mock.calls.length;
  runs.mockClear();
  // Long enough that the client's leaving arrives before the last of them has begun.
  const slowly = async function (this: WorkerPool, ...job: Parameters<Run>) {
    await sleep(20);
    return runJob.apply(this, job);
  };
  runs.mockImplementation(slowly as Run);
  const abort = new AbortController();
  const answer = servers.fetch(`/api/v1/spans?q=${all}&order=oldest`, { signal: abort.signal }).then(
    () => 'an answer',
    () => 'gone',
  );
  await until('the first job', () => runs.mock.calls.length > 0);
  abort.abort();
  expect(await answer).toBe('gone');
  await sleep(300);
  expect(runs.mock.calls.length).toBeLessThan(jobs);
  runs.mockImplementation(runJob as Run);
  // The workers serve the next one.
  expect(await servers.get<object>(`/api/v1/spans?q=${all}&order=oldest`)).toMatchObject({ complete: true });
});
