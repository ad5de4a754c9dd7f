/**
 * What people and scripts ask: API and pages, behind Elysia's router. Exports and probes do not come this way,
 * so app.ts loads it, with all that renders, only after the server listens.
 */
import { Elysia } from 'elysia';
import { formatAddress } from '../config.ts';
import { LinkTemplates } from '../store/link-templates.ts';
import type { Grant } from '../store/projects.ts';
import { assets } from './assets.ts';
import { bearerToken } from './access.ts';
import type { Gate } from './access.ts';
import { answerApi, API_ROUTES } from './api/routes.ts';
import type { ApiRoute } from './api/route.ts';
import { openApi } from './api/openapi.ts';
import type { DemoButton } from './demo-button.ts';
import { nowUnixNano } from './deps.ts';
import type { Ports, ServerDeps } from './deps.ts';
import { HttpError, jsonProblem, problemOf } from './errors.ts';
import { Failures } from './failures.ts';
import type { Metrics } from './metrics.ts';
import type { PageContext } from './pages/context.ts';
import { pages } from './pages/pages.ts';
import type { Tails } from './pages/tails.ts';
import { ServiceColours } from './pages/service-colours.ts';
import { alive, ready } from './probes.ts';
import { AI_PATHS, OTHER_SIGNALS, refuseExport, TRACE_PATHS } from './receiver.ts';
import type { Receiver } from './receiver.ts';
import type { Refusals } from './refusals.ts';
import { RouteTable } from './route-table.ts';
import { secured } from './security.ts';
import { sendersMetrics } from './senders/metrics-text.ts';
import type { Senders } from './senders/senders.ts';
import { login, logout } from './session.ts';

export interface Router {
  /** `mayTakeMinutes` lifts the limit of idle time from the request. */
  readonly answer: (request: Request, mayTakeMinutes?: () => void) => Promise<Response>;
  /** The answer to a request that was given up elsewhere. */
  readonly failed: (error: unknown, request: Request) => Promise<Response>;
}

/** What the router shares with the way of an export. */
export interface RouterParts {
  readonly gate: Gate;
  readonly metrics: Metrics;
  readonly receiver: Receiver;
  readonly refusals: Refusals;
  readonly senders: Senders;
  readonly demo: DemoButton;
  readonly tails: Tails;
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

export function createRouter(deps: ServerDeps, ports: Ports, parts: RouterParts): Router {
  const { store, projects, config, log } = deps;
  const { gate, metrics, receiver, refusals, senders, demo } = parts;
  const app = new Elysia({ name: 'spanlake' });
  let table: RouteTable | undefined;
  const failures = new Failures(
    log,
    () => (table ??= new RouteTable(app.routes)),
    (reason) => receiver.wrongPath(reason),
  );
  // Before the routes: Elysia gives a hook to what is registered after it.
  app.onError({ as: 'global' }, ({ code, error, request }) => failures.answer(code, error, request));
  const on = (method: ApiRoute['method'], path: string, handler: Handler): void => {
    app.route(method, path, handler, { parse: 'none' });
  };
  for (const path of TRACE_PATHS) on('POST', path, ({ request }) => receiver.export(request, false));
  for (const path of AI_PATHS) on('POST', path, ({ request }) => receiver.export(request, true));
  for (const path of OTHER_SIGNALS) on('POST', path, ({ request }) => refuseExport(request, tracesOnly()));
  for (const route of API_ROUTES)
    on(route.method, apiPath(route), (context) => api(deps, gate, metrics, senders, route, context));
  on('GET', '/openapi.json', ({ request }) =>
    Response.json(openApi(config.version, new URL(request.url).origin)),
  );
  on('GET', '/healthz', alive);
  on('GET', '/readyz', () => ready(store));
  on('GET', '/metrics', ({ request }) => {
    const { grant } = gate.admit(bearerToken(request.headers.get('authorization')), 'read');
    return metrics.text(sendersMetrics(senders, grant?.projectId));
  });
  on('POST', '/demo', ({ request }) => demo.start(request));
  on('POST', '/logout', ({ request }) => logout(request));
  on('POST', '/login', ({ request }) => login(request, gate));
  app.use(assets());
  const serviceColours = new ServiceColours(store, deps.serviceSlots, nowUnixNano);
  app.use(
    pages({
      store,
      projects,
      linkTemplates: deps.linkTemplates ?? new LinkTemplates(),
      serviceColours,
      savedSearches: deps.savedSearches,
      told: (error, request) =>
        problemOf(error, log, `${request.method} ${new URL(request.url).pathname}`).message,
      tails: parts.tails,
      now: nowUnixNano,
      context: (request) => pageContext(request, gate, ports, deps, serviceColours),
      take: (request, body, token) => receiver.take(request, body, token),
      maxBodyBytes: config.maxBodyBytes,
      refusals: (projectId) => refusals.of(projectId),
      aiPrices: deps.aiPrices,
      ingest: ({ projectId, mayChange }) => senders.report(projectId, projects.listTokens(), mayChange),
    }),
  );

  return {
    answer: (request, mayTakeMinutes) => {
      if (mayTakeMinutes !== undefined) patience.set(request, mayTakeMinutes);
      return answer(app, gate, failures, request);
    },
    failed: async (error, request) => secured(await failures.answer('UNKNOWN', error, request)),
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
  { store, projects }: ServerDeps,
  gate: Gate,
  metrics: Metrics,
  senders: Senders,
  route: ApiRoute,
  { request, params: path }: { request: Request; params: Record<string, string> },
): Promise<Response> {
  const { projectId, grant } = gate.admitReader(request, route.scope);
  if (route.scope === 'admin') patience.get(request)?.();
  const { searchParams } = new URL(request.url);
  const startedMs = performance.now();
  const actor = grant?.tokenId ?? 'local';
  try {
    const ingest = () => senders.report(projectId, projects.listTokens(), mayChangeBy(grant));
    const call = { store, projectId, actor, params: searchParams, path, request, ingest };
    return await answerApi(route, call);
  } finally {
    metrics.answered(`/api/v1${route.path}`, performance.now() - startedMs);
  }
}

/** Everybody while there are no tokens. */
function mayChangeBy(grant: Grant | undefined): boolean {
  return grant === undefined || grant.scope === 'admin';
}

function pageContext(
  request: Request,
  gate: Gate,
  ports: Ports,
  { projects, readOnly = false }: ServerDeps,
  serviceColours: ServiceColours,
): PageContext {
  const { projectId, grant } = gate.admitReader(request);
  const url = new URL(request.url);
  const mayChange = !readOnly && mayChangeBy(grant);
  if (mayChange && request.method === 'POST') patience.get(request)?.();
  return {
    projectId,
    projectShown: projects.countProjects() > 1 ? projectId : '',
    serviceColours: serviceColours.href(projectId),
    actor: grant?.tokenId ?? 'local',
    mayChange,
    readOnly,
    baseUrl: url.origin,
    grpcUrl:
      ports.grpc === undefined ? '' : `http://${formatAddress({ host: bareHost(url), port: ports.grpc })}`,
    ingestTokenRequired: grant !== undefined,
    signedIn: grant !== undefined,
    mayWrite: grant === undefined && !readOnly,
  };
}

function bareHost(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}
