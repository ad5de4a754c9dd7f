/** Sends export requests as a Collector does: several at a time, again after a 503. */

/** Requests under way at a time: enough to fill group commits, few enough to be one Collector. */
const SENDERS = 8;

export async function sendAll(url: string, bodies: readonly Uint8Array[], isGzip: boolean): Promise<void> {
  let next = 0;
  const sender = async (): Promise<void> => {
    while (next < bodies.length) await send(url, bodies[next++], isGzip);
  };
  await Promise.all(Array.from({ length: SENDERS }, sender));
}

export async function send(url: string, body: Uint8Array, isGzip = false): Promise<void> {
  for (let wait = await trySend(url, body, isGzip); wait > 0; wait = await trySend(url, body, isGzip)) {
    await Bun.sleep(wait * 1000);
  }
}

/** Seconds to wait before the next try, or 0 when it is on disk. */
async function trySend(url: string, body: Uint8Array, isGzip: boolean): Promise<number> {
  const headers: Record<string, string> = { 'content-type': 'application/x-protobuf' };
  if (isGzip) headers['content-encoding'] = 'gzip';
  const answer = await fetch(`${url}/v1/traces`, {
    method: 'POST',
    headers,
    body: body as Uint8Array<ArrayBuffer>,
  });
  const { byteLength } = await answer.arrayBuffer();
  if (answer.status === 503) return Number(answer.headers.get('retry-after') ?? 1);
  if (!answer.ok || byteLength > 0)
    throw new Error(`an export was answered ${answer.status} with ${byteLength} bytes`);
  return 0;
}
