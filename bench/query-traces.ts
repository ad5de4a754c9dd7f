/** Trace by id (P6): from files, of what was just sent, and of an id that nobody sent. */
import type { DuckDb } from './duckdb.ts';
import type { Measure } from './measure.ts';
import { atMost, median, quantile } from './measure.ts';
import { send } from './send.ts';
import type { Server } from './server.ts';
import { requests } from './traffic.ts';

/** Traces asked for by their id. */
const ASKED = 200;
const JUST_SENT = 50;
/** Later than all that is kept, and other ids. */
const SENT_UNIX_NANO = 1_790_100_000_000_000_000n;

export async function measureTraces(server: Server, duckdb: DuckDb): Promise<Measure[]> {
  const rows = await duckdb.rows(`SELECT id FROM (
    SELECT lower(hex(trace_id)) AS id, count(*) AS n FROM spans
    WHERE hash(trace_id) % 97 = 0 GROUP BY ALL) WHERE n = 10 ORDER BY hash(id) LIMIT ${ASKED}`);
  const ids = rows.map(({ id }) => String(id));
  const times: number[] = [];
  for (const id of ids) times.push(await traceMs(server, id, 10));
  const unknown: number[] = [];
  for (const id of ids) {
    unknown.push(await traceMs(server, Buffer.from(id, 'hex').reverse().toString('hex'), 0));
  }
  const fresh: number[] = [];
  for (const body of requests(JUST_SENT * 10, { seed: 99, startUnixNano: SENT_UNIX_NANO })) {
    await send(server.url, body);
    for (const id of traceIds(body)) fresh.push(await traceMs(server, id, 10));
  }
  return [
    atMost('P6', 'trace by id, p50', median(times), 'ms', 6),
    atMost('P6', 'trace by id, p95', quantile(times, 0.95), 'ms', 20),
    atMost('P6', 'trace by id, just sent, p50', median(fresh), 'ms', 2),
    atMost('P6', 'unknown trace id, p50', median(unknown), 'ms', 1),
  ];
}

async function traceMs(server: Server, id: string, expected: number): Promise<number> {
  const before = performance.now();
  const answer = await fetch(`${server.url}/api/v1/traces/${id}`);
  const text = await answer.text();
  const ms = performance.now() - before;
  const found = answer.status === 404 ? 0 : (JSON.parse(text) as { spans: unknown[] }).spans.length;
  if (found !== expected) throw new Error(`trace ${id} has ${found} spans, not ${expected}`);
  return ms;
}

/** The traffic's spans begin with their trace id: tag 0x0a, length 16, and a span id behind it. */
function traceIds(body: Uint8Array): Set<string> {
  const found = new Set<string>();
  for (let at = 0; at + 28 < body.length; at++) {
    if (body[at] === 0x0a && body[at + 1] === 16 && body[at + 18] === 0x12 && body[at + 19] === 8) {
      found.add(Buffer.from(body.subarray(at + 2, at + 18)).toString('hex'));
    }
  }
  return found;
}
