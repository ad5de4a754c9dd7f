/** `/healthz` and `/readyz`: what a supervisor or load balancer asks every second, first of all after a start. */
import type { Store } from '../store/store-upkeep.ts';

const PLAIN = { 'content-type': 'text/plain' };

export function alive(): Response {
  return new Response('ok\n', { headers: PLAIN });
}

/** Ready for traffic: a load balancer sends writes elsewhere while the store takes none. */
export function ready(store: Store): Response {
  const { writable, reason } = store.health();
  const body = writable ? 'ready\n' : `takes no writes: ${reason}\n`;
  return new Response(body, { status: writable ? 200 : 503, headers: PLAIN });
}
