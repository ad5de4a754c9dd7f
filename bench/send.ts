/** Sends export requests as a Collector does: several at a time, again after a 503. */

export type Encoding = 'protobuf' | 'gzip' | 'json';

/** How one request goes out; resolves when it is acknowledged, however often that takes. */
export type SendOne = (body: Uint8Array) => Promise<void>;

/** Requests under way at a time: enough to fill group commits, few enough to be one Collector. */
const SENDERS = 8;

export async function sendAll(url: string, bodies: readonly Uint8Array[]): Promise<void> {
  await sendEach((body) => send(url, body), bodies);
}

export async function sendEach(sendOne: SendOne, bodies: readonly Uint8Array[]): Promise<void> {
  let next = 0;
  const sender = async (): Promise<void> => {
    while (next < bodies.length) await sendOne(bodies[next++]);
  };
  await Promise.all(Array.from({ length: SENDERS }, sender));
}

export async function send(url: string, body: Uint8Array, encoding: Encoding = 'protobuf'): Promise<void> {
  for (let wait = await trySend(url, body, encoding); wait > 0; wait = await trySend(url, body, encoding)) {
    await Bun.sleep(wait * 1000);
  }
}

/** Seconds to wait before the next try, or 0 when it is on disk. */
async function trySend(url: string, body: Uint8Array, encoding: Encoding): Promise<number> {
  const answer = await post(url, body, encoding);
  const said = await answer.text();
  if (answer.status === 503) return Number(answer.headers.get('retry-after') ?? 1);
  if (!answer.ok || said.length > (encoding === 'json' ? 2 : 0))
    throw new Error(`an export was answered ${answer.status}: ${said.slice(0, 200)}`);
  return 0;
}

/** One attempt, whatever the answer. Rejects when there is none. */
export function post(url: string, body: Uint8Array, encoding: Encoding = 'protobuf'): Promise<Response> {
  const headers: Record<string, string> = {
    'content-type': encoding === 'json' ? 'application/json' : 'application/x-protobuf',
  };
  if (encoding === 'gzip') headers['content-encoding'] = 'gzip';
  return fetch(`${url}/v1/traces`, { method: 'POST', headers, body: body as Uint8Array<ArrayBuffer> });
}
