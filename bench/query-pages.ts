/** Pages (P13): the first byte of a search and of a long trace, and how long the event loop is held. */
import type { DuckDb } from './duckdb.ts';
import type { Measure } from './measure.ts';
import { atMost, figure, median, quantile } from './measure.ts';
import { LONG_TRACE_SPANS, longTraceId } from './query-data.ts';
import type { Question } from './query-suite.ts';
import type { Server } from './server.ts';

const ROUNDS = 20;
/** /healthz is asked so often while the questions run. */
const EVERY_MS = 5;
/** Questions under way at a time: as a dashboard has them. */
const AT_A_TIME = 2;

export async function measurePages(
  server: Server,
  duckdb: DuckDb,
  questions: readonly Question[],
): Promise<Measure[]> {
  const search: number[] = [];
  for (let i = 0; i < ROUNDS; i++) {
    const query = encodeURIComponent(`{ duration > ${20 + i}ms }`);
    search.push(await firstByteMs(server, `/search?since=all&q=${query}`));
  }
  const measures = [
    atMost('P13', 'first byte of a search page, p50', median(search), 'ms', 100),
    figure('P13', 'first byte of a search page, p95', quantile(search, 0.95), 'ms'),
  ];
  const id = longTraceId(0);
  const [{ n }] = await duckdb.rows(`SELECT count(*) AS n FROM spans WHERE trace_id = unhex('${id}')`);
  if (Number(n) === LONG_TRACE_SPANS) measures.push(...(await measureTracePage(server)));
  else console.error(`not measured: a trace of ${LONG_TRACE_SPANS} spans, which the folder hasn't`);
  return [...measures, ...(await measureStalls(server, questions))];
}

/** Each of the long traces first for the first time, then again: the tree of a shown trace is kept a while. */
async function measureTracePage(server: Server): Promise<Measure[]> {
  const first: number[] = [];
  const again: number[] = [];
  for (let i = 0; i < 10; i++) {
    first.push(await firstByteMs(server, `/traces/${longTraceId(i)}`));
    again.push(await firstByteMs(server, `/traces/${longTraceId(i)}`));
  }
  return [
    atMost('P13', `first byte of a trace of ${LONG_TRACE_SPANS} spans, p50`, median(first), 'ms', 50),
    figure('P13', `first byte of a trace of ${LONG_TRACE_SPANS} spans, p95`, quantile(first, 0.95), 'ms'),
    figure('P13', `first byte of a trace of ${LONG_TRACE_SPANS} spans, again`, median(again), 'ms'),
  ];
}

async function firstByteMs(server: Server, path: string): Promise<number> {
  const before = performance.now();
  const answer = await fetch(`${server.url}${path}`);
  if (!answer.ok || !answer.body) throw new Error(`${path} is answered ${answer.status}`);
  const pieces = answer.body.values();
  await pieces.next();
  const ms = performance.now() - before;
  await Array.fromAsync(pieces);
  return ms;
}

/**
 * The worst latency of /healthz while every question is asked, two at a time. This process and the workers
 * share the machine's cores with the event loop, so it is the loop's longest stall plus waiting for a core.
 */
async function measureStalls(server: Server, questions: readonly Question[]): Promise<Measure[]> {
  const questionsLeft = { any: true };
  const latencies: number[] = [];
  const probe = async (): Promise<void> => {
    while (questionsLeft.any) {
      const before = performance.now();
      await (await fetch(`${server.url}/healthz`)).arrayBuffer();
      latencies.push(performance.now() - before);
      await Bun.sleep(EVERY_MS);
    }
  };
  const probing = probe();
  let next = 0;
  const asker = async (): Promise<void> => {
    for (let at = next++; at < questions.length * 3; at = next++) {
      const question = questions[at % questions.length];
      await (await fetch(`${server.url}/api/v1${question.path(at)}`)).arrayBuffer();
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, asker));
  questionsLeft.any = false;
  await probing;
  return [
    atMost('P13', 'worst answer of /healthz while all is asked', Math.max(...latencies), 'ms', 50),
    figure('P13', 'answer of /healthz while all is asked, p99', quantile(latencies, 0.99), 'ms'),
  ];
}
