/** The first page's sample traffic: one run at a time, over the wire like any sender's. */
import { formatAddress } from '../config.ts';
import { checkSameOrigin } from './access.ts';
import type { Gate } from './access.ts';
import type { Ports, RunningDemo, ServerDeps } from './deps.ts';
import { HttpError } from './errors.ts';

export class DemoButton {
  readonly #deps: ServerDeps;
  readonly #ports: Ports;
  readonly #gate: Gate;
  #running: RunningDemo | undefined;

  constructor(deps: ServerDeps, ports: Ports, gate: Gate) {
    this.#deps = deps;
    this.#ports = ports;
    this.#gate = gate;
  }

  /** Throws AccessError, HttpError. */
  start(request: Request): Response {
    checkSameOrigin(request);
    this.#gate.admitReader(request);
    if (!this.#gate.open) {
      throw new HttpError(
        403,
        'forbidden',
        'with tokens in use, send it with: spanlake demo --token <ingest token>',
      );
    }
    this.#running ??= this.#start();
    return new Response(null, { status: 303, headers: { location: '/start?sent=demo' } });
  }

  #start(): RunningDemo {
    const { host } = this.#deps.config.listen;
    const own = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
    const endpoint = `http://${formatAddress({ host: own, port: this.#ports.http })}`;
    const running = this.#deps.startDemo({ endpoint });
    running.done
      .catch((error: unknown) => this.#deps.log.warn('sample traffic failed', { error: String(error) }))
      .finally(() => (this.#running = undefined));
    return running;
  }

  stop(): void {
    this.#running?.stop();
  }
}
