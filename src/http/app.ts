/** One HTTP application: receivers, API, pages. Pure assembly: what it is made of is handed in. */
import { Elysia } from 'elysia';
import { formatAddress, isLoopback } from '../config.ts';
import { assets } from './assets.ts';
import { bearerToken, Gate } from './access.ts';
import { answerApi, API_ROUTES } from './api/routes.ts';
import type { ApiRoute } from './api/route.ts';
import { openApi } from './api/openapi.ts';
import { DemoButton } from './demo-button.ts';
import { nowUnixNano } from './deps.ts';
import type { Ports, ServerDeps } from './deps.ts';
import { HttpError, jsonProblem } from './errors.ts';
import { Failures } from './failures.ts';
import { Metrics } from './metrics.ts';
import type { PageContext } from './pages/context.ts';
import { pages } from './pages/pages.ts';
import { AI_PATHS, isGrpc, OTHER_SIGNALS, Receiver, refuseExport, TRACE_PATHS } from './receiver.ts';
import type { ReceiverDeps } from './receiver.ts';
import { Refusals } from './refusals.ts';
import { RouteTable } from './route-table.ts';
import { secured } from './security.ts';
import { login, logout } from './session.ts';

export interface App {
  /** `mayTakeMinutes` lifts the limit of idle time from the request. */
  readonly fetch: (request: Request, mayTakeMinutes?: () => void) => Promise<Response>;
  readonly receiver: Receiver;
  readonly receiverDeps: ReceiverDeps;
  stop(): void;
}

type Handler = (context: {
  request: Request;
  params: Record<string, string>;
}) => Response | Promise<Response>;

/**
 * Deletion and compaction rewrite files before they are answered. Only who may ask for them is waited for
 * without a limit: anybody else could hold a socket for ever.
 */
const patience = new WeakMap<Request, () => void>();

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
  const receiverDeps = { store, gate, metrics, refusals, log, maxBodyBytes: config.maxBodyBytes };
  const receiver = new Receiver(receiverDeps);
  const demo = new DemoButton(deps, ports, gate);

  const app = new Elysia({ name: 'spanlake' });
  let table: RouteTable | undefined;
  const failures = new Failures(log, () => (table ??= new RouteTable(app.routes)));
  // Before the routes: Elysia gives a hook to what is registered after it.
  app.onError({ as: 'global' }, ({ code, error, request }) => failures.answer(code, error, request));
  const on = (method: ApiRoute['method'], path: string, handler: Handler): void => {
    app.route(method, path, handler, { parse: 'none' });
  };
  for (const path of TRACE_PATHS) on('POST', path, ({ request }) => receiver.export(request, false));
  for (const path of AI_PATHS) on('POST', path, ({ request }) => receiver.export(request, true));
  for (const path of OTHER_SIGNALS) on('POST', path, ({ request }) => refuseExport(request, tracesOnly()));
  for (const route of API_ROUTES)
    on(route.method, apiPath(route), (context) => api(deps, gate, metrics, route, context));
  on('GET', '/openapi.json', ({ request }) =>
    Response.json(openApi(config.version, new URL(request.url).origin)),
  );
  on('GET', '/healthz', () => new Response('ok\n', { headers: { 'content-type': 'text/plain' } }));
  on('GET', '/readyz', () => ready(deps));
  on('GET', '/metrics', ({ request }) => {
    gate.admit(bearerToken(request.headers.get('authorization')), 'read');
    return metrics.text();
  });
  on('POST', '/demo', ({ request }) => demo.start(request));
  on('POST', '/logout', ({ request }) => logout(request));
  on('POST', '/login', ({ request }) => login(request, gate));
  app.use(assets());
  app.use(
    pages({
      store,
      now: nowUnixNano,
      context: (request) => pageContext(request, gate, ports),
      refusals: (projectId) => refusals.of(projectId),
    }),
  );

  return {
    fetch: (request, mayTakeMinutes) => {
      if (isGrpc(request)) return receiver.wrongPort(ports.grpc);
      if (mayTakeMinutes !== undefined) patience.set(request, mayTakeMinutes);
      return answer(app, gate, failures, request);
    },
    receiver,
    receiverDeps,
    stop: () => {
      demo.stop();
      metrics.stop();
    },
  };
}

/** What holds for each answer: the path reads, the host is this server's, HEAD has no body, the headers are set. */
async function answer(
  app: { handle: (request: Request) => Promise<Response> },
  gate: Gate,
  failures: Failures,
  request: Request,
): Promise<Response> {
  // Without a host name the request has no URL that anything below could read.
  if (!URL.canParse(request.url)) {
    return secured(jsonProblem(new HttpError(400, 'invalid_argument', 'the Host header is no host name')));
  }
  try {
    checkPath(request);
    gate.checkHost(request);
    if (request.method !== 'HEAD') return secured(await app.handle(request));
    const asGet = await app.handle(new Request(request, { method: 'GET' }));
    return secured(new Response(null, { status: asGet.status, headers: asGet.headers }));
  } catch (error) {
    return secured(await failures.answer('UNKNOWN', error, request));
  }
}

/** The router hands on `null` for what does not decode. */
function checkPath(request: Request): void {
  try {
    decodeURIComponent(new URL(request.url).pathname);
  } catch {
    throw new HttpError(400, 'invalid_argument', 'the path is not percent-encoded UTF-8');
  }
}

function tracesOnly(): HttpError {
  return new HttpError(
    501,
    'unimplemented',
    'this version keeps traces alone: set OTEL_LOGS_EXPORTER=none and OTEL_METRICS_EXPORTER=none, or send those elsewhere',
  );
}

function apiPath(route: ApiRoute): string {
  return `/api/v1${route.path.replaceAll(/\{(\w+)\}/g, ':$1')}`;
}

async function api(
  { store }: ServerDeps,
  gate: Gate,
  metrics: Metrics,
  route: ApiRoute,
  { request, params: path }: { request: Request; params: Record<string, string> },
): Promise<Response> {
  const { projectId, grant } = gate.admitReader(request, route.scope);
  if (route.scope === 'admin') patience.get(request)?.();
  const { searchParams } = new URL(request.url);
  const startedMs = performance.now();
  const actor = grant?.tokenId ?? 'local';
  try {
    return await answerApi(route, { store, projectId, actor, params: searchParams, path, request });
  } finally {
    metrics.answered(`/api/v1${route.path}`, performance.now() - startedMs);
  }
}

/** Ready for traffic: a load balancer sends writes elsewhere while the store takes none. */
function ready({ store }: ServerDeps): Response {
  const { writable, reason } = store.health();
  const body = writable ? 'ready\n' : `takes no writes: ${reason}\n`;
  return new Response(body, { status: writable ? 200 : 503, headers: { 'content-type': 'text/plain' } });
}

function pageContext(request: Request, gate: Gate, ports: Ports): PageContext {
  const { projectId, grant } = gate.admitReader(request);
  const url = new URL(request.url);
  const mayChange = grant === undefined || grant.scope === 'admin';
  if (mayChange && request.method === 'POST') patience.get(request)?.();
  return {
    projectId,
    actor: grant?.tokenId ?? 'local',
    mayChange,
    baseUrl: url.origin,
    grpcUrl:
      ports.grpc === undefined ? '' : `http://${formatAddress({ host: bareHost(url), port: ports.grpc })}`,
    ingestTokenRequired: grant !== undefined,
    signedIn: grant !== undefined,
    mayWrite: grant === undefined,
  };
}

function bareHost(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}
