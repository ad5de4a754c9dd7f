/** One HTTP application: receivers, API, pages. Pure assembly: what it is made of is handed in. */
import { isLoopback } from '../config.ts';
import { AccessError, Gate } from './access.ts';
import { Admission } from './admission.ts';
import { DemoButton } from './demo-button.ts';
import type { Ports, ServerDeps } from './deps.ts';
import { ExportRoute } from './export-route.ts';
import { Metrics } from './metrics.ts';
import { Tails } from './pages/tails.ts';
import { alive, ready } from './probes.ts';
import { isGrpc, Receiver, refuseExport } from './receiver.ts';
import type { ReceiverDeps } from './receiver.ts';
import { Refusals } from './refusals.ts';
import type { Router } from './router.ts';
import { secured } from './security.ts';
import { Senders } from './senders/senders.ts';

export interface App {
  /** `mayTakeMinutes` lifts the limit of idle time from the request. */
  readonly fetch: (request: Request, mayTakeMinutes?: () => void) => Promise<Response>;
  readonly receiver: Receiver;
  readonly receiverDeps: ReceiverDeps;
  readonly senders: Senders;
  /** Loads what a first page or question would wait for. */
  readonly warm: () => Promise<unknown>;
  stop(): void;
}

export function createApp(deps: ServerDeps, ports: Ports): App {
  const { store, projects, config, log } = deps;
  const gate = new Gate({
    projects,
    insecure: config.insecure,
    listenHost: config.listen.host,
    loopback: isLoopback(config.listen) && (config.grpcListen === undefined || isLoopback(config.grpcListen)),
  });
  const metrics = new Metrics(store, config.version);
  const refusals = new Refusals();
  const senders = new Senders({ records: deps.ingestRecords, log });
  const admission = new Admission({ budgetBytes: config.maxIngestBytes });
  metrics.inProgress(() => admission.usedBytes);
  const { maxBodyBytes } = config;
  const receiverDeps = { store, gate, metrics, refusals, senders, log, maxBodyBytes, admission };
  const receiver = new Receiver(receiverDeps);
  const exports = new ExportRoute();
  const demo = new DemoButton(deps, ports, gate);
  const tails = new Tails();

  let loading: Promise<Router> | undefined;
  const router = (): Promise<Router> => (loading ??= loadRouter());
  // Elysia, JSX, the pages and their routes are a third of a start: exports and probes need none of it.
  const loadRouter = async (): Promise<Router> => {
    const { createRouter } = await import('./router.ts');
    return createRouter(deps, ports, { gate, metrics, receiver, refusals, senders, demo, tails });
  };

  return {
    fetch: (request, mayTakeMinutes) => {
      if (isGrpc(request) && isForUs(gate, request))
        return receiver.wrongPort(ports.grpc, request.headers.get('user-agent') ?? '');
      const genAiOnly = exports.genAiOnly(request);
      if (genAiOnly !== undefined) return answerExport(receiver, gate, router, request, genAiOnly);
      const probed = probe(request, gate, deps);
      if (probed !== undefined) return Promise.resolve(probed);
      return router().then(({ answer }) => answer(request, mayTakeMinutes));
    },
    receiver,
    receiverDeps,
    senders,
    warm: router,
    stop: () => {
      demo.stop();
      tails.stop();
      metrics.stop();
      admission.stop();
    },
  };
}

/** The answer to a probe as probes are; undefined for all else, which the router answers. */
function probe(request: Request, gate: Gate, { store }: ServerDeps): Response | undefined {
  if (request.method !== 'GET') return undefined;
  const path = URL.parse(request.url)?.pathname;
  if (path !== '/healthz' && path !== '/readyz') return undefined;
  if (!isForUs(gate, request)) return undefined;
  return secured(path === '/healthz' ? alive() : ready(store));
}

/** False for another's host name: the router refuses it in the words for it. */
function isForUs(gate: Gate, request: Request): boolean {
  try {
    gate.checkHost(request);
    return true;
  } catch {
    return false;
  }
}

/** What the router does for each answer, without it. The receiver sets the headers. */
async function answerExport(
  receiver: Receiver,
  gate: Gate,
  router: () => Promise<Router>,
  request: Request,
  genAiOnly: boolean,
): Promise<Response> {
  try {
    const isOpen = gate.open;
    gate.checkHost(request, isOpen);
    return await receiver.export(request, genAiOnly, isOpen);
  } catch (error) {
    // A sender reads this, not a script of the API.
    if (error instanceof AccessError) return refuseExport(request, error);
    return (await router()).failed(error, request);
  }
}
