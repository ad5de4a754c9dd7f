/** One HTTP application: receivers, API, pages. Pure assembly: what it is made of is handed in. */
import { Elysia } from 'elysia';
import { formatAddress } from '../config.ts';
import { assets } from './assets.ts';
import { bearerToken, checkSameOrigin, Gate, readerToken } from './access.ts';
import { answerApi, API_ROUTES } from './api/routes.ts';
import type { ApiRoute } from './api/routes.ts';
import { openApi } from './api/openapi.ts';
import { nowUnixNano } from './deps.ts';
import type { RunningDemo, ServerDeps } from './deps.ts';
import { HttpError, jsonProblem, problemOf } from './errors.ts';
import { Metrics } from './metrics.ts';
import type { PageContext } from './pages/context.ts';
import { errorPage } from './pages/error-page.ts';
import { pages } from './pages/pages.ts';
import { AI_PATHS, OTHER_SIGNALS, Receiver, refuseExport, TRACE_PATHS, wrongExportPath } from './receiver.ts';
import type { ReceiverDeps } from './receiver.ts';
import { Refusals } from './refusals.ts';
import { secured } from './security.ts';
import { login, logout } from './session.ts';

/** Not known before they listen. */
export interface Ports {
  http: number;
  grpc: number | undefined;
}

export interface App {
  readonly fetch: (request: Request) => Promise<Response>;
  readonly receiver: Receiver;
  readonly receiverDeps: ReceiverDeps;
  stop(): void;
}

type Handler = (context: {
  request: Request;
  params: Record<string, string>;
}) => Response | Promise<Response>;

export function createApp(deps: ServerDeps, ports: Ports): App {
  const { store, projects, config, log } = deps;
  const gate = new Gate({ projects, insecure: config.insecure, listenHost: config.listen.host });
  const metrics = new Metrics(store, config.version);
  const refusals = new Refusals();
  const receiverDeps = { store, gate, metrics, refusals, log, maxBodyBytes: config.maxBodyBytes };
  const receiver = new Receiver(receiverDeps);
  const demo = new DemoButton(deps, ports, gate);

  const app = new Elysia({ name: 'spanlake' });
  const on = (method: 'GET' | 'POST', path: string, handler: Handler): void => {
    app.route(method, path, handler, { parse: 'none' });
    app.all(path, ({ request }) => notAllowed(request, method), { parse: 'none' });
  };
  for (const path of TRACE_PATHS) on('POST', path, ({ request }) => receiver.export(request, false));
  for (const path of AI_PATHS) on('POST', path, ({ request }) => receiver.export(request, true));
  for (const path of OTHER_SIGNALS) on('POST', path, ({ request }) => refuseExport(request, tracesOnly()));
  for (const route of API_ROUTES)
    on('GET', apiPath(route), (context) => api(deps, gate, metrics, route, context));
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
  app.post('/login', ({ request }) => login(request, gate), { parse: 'none' });
  app.use(assets());
  app.use(
    pages({
      store,
      now: nowUnixNano,
      context: (request) => pageContext(request, gate, ports),
      refusals: (projectId) => refusals.of(projectId),
    }),
  );
  app.onError(({ code, error, request }) => failed(deps, code, error, request));

  return {
    fetch: (request) => answer(app, gate, request, deps),
    receiver,
    receiverDeps,
    stop: () => {
      demo.stop();
      metrics.stop();
    },
  };
}

/** What holds for each answer: the host is this server's, HEAD has no body, the headers are set. */
async function answer(
  app: { handle: (request: Request) => Promise<Response> },
  gate: Gate,
  request: Request,
  deps: ServerDeps,
): Promise<Response> {
  try {
    gate.checkHost(request);
    if (request.method !== 'HEAD') return secured(await app.handle(request));
    const asGet = await app.handle(new Request(request, { method: 'GET' }));
    return secured(new Response(null, { status: asGet.status, headers: asGet.headers }));
  } catch (error) {
    return secured(await failed(deps, 'UNKNOWN', error, request));
  }
}

async function failed(deps: ServerDeps, code: unknown, error: unknown, request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  const meant = request.method === 'POST' ? wrongExportPath(pathname) : undefined;
  if (code === 'NOT_FOUND') {
    if (meant !== undefined) return refuseExport(request, new HttpError(404, 'not_found', meant));
    error = new HttpError(404, 'not_found', `there is nothing at ${pathname.slice(0, 200)}`);
  } else if (code === 'PARSE' || code === 'VALIDATION') {
    error = new HttpError(400, 'invalid_argument', 'the request does not read well');
  }
  const problem = problemOf(error, deps.log, `${request.method} ${pathname}`);
  const wantsPage = request.method === 'GET' && !/^\/(api|openapi|healthz|readyz|metrics)\b/.test(pathname);
  if (!wantsPage) return jsonProblem(problem);
  if (problem.status === 401) {
    return new Response(null, { status: 303, headers: { location: loginPath(request) } });
  }
  const title =
    problem.status === 404 ? 'Nothing here' : problem.status < 500 ? 'That does not work' : 'Something broke';
  return errorPage(request, { status: problem.status, title, message: sentence(problem.message) });
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

function loginPath(request: Request): string {
  const { pathname, search } = new URL(request.url);
  return `/login?next=${encodeURIComponent(pathname + search)}`;
}

function notAllowed(request: Request, method: string): Response {
  const { pathname } = new URL(request.url);
  const allow = method === 'GET' ? 'GET, HEAD' : method;
  const error = new HttpError(405, 'method_not_allowed', `${pathname} takes ${allow} alone`, { allow });
  return pathname.includes('/v1/') && method === 'POST' ? refuseExport(request, error) : jsonProblem(error);
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
  const { projectId } = gate.admit(readerToken(request), 'read');
  const { searchParams } = new URL(request.url);
  const startedMs = performance.now();
  try {
    return await answerApi(route, { store, projectId, params: searchParams, path, signal: request.signal });
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
  const { projectId, grant } = gate.admit(readerToken(request), 'read');
  const url = new URL(request.url);
  // A form of another site could send what a cookie allows; programs send no Origin.
  if (request.method !== 'GET' && request.method !== 'HEAD') checkSameOrigin(request);
  return {
    projectId,
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

/** The first page's sample traffic: one run at a time, over the wire like any sender's. */
class DemoButton {
  readonly #deps: ServerDeps;
  readonly #ports: Ports;
  readonly #gate: Gate;
  #running: RunningDemo | undefined;

  constructor(deps: ServerDeps, ports: Ports, gate: Gate) {
    this.#deps = deps;
    this.#ports = ports;
    this.#gate = gate;
  }

  start(request: Request): Response {
    checkSameOrigin(request);
    this.#gate.admit(readerToken(request), 'read');
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
