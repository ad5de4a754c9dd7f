/** The JSON API, `/api/v1`: a table of routes, each a question to the store. Described in openapi.ts. */
import { encodeTracesJson } from '../../otlp/encode.ts';
import type { Span } from '../../span/span.ts';
import type { TraceSummary } from '../../store/span-store.ts';
import { nowUnixNano } from '../deps.ts';
import { HttpError } from '../errors.ts';
import { FIGURE_ROUTES } from './figures.ts';
import { INGEST_ROUTES } from './ingest.ts';
import {
  ASKING_PARAMS,
  askingOf,
  checkNames,
  FILTER_PARAMS,
  invalid,
  limitOf,
  PAGE_PARAMS,
  RANGE_PARAMS,
  rangeOf,
  searchOf,
  selectOf,
  spansQueryOf,
} from './params.ts';
import { HEADERS, json, question, traceIdOf } from './route.ts';
import type { ApiCall, ApiRoute } from './route.ts';
import { longListResponse } from './json-stream.ts';
import { coverageJson, spanJson, statsJson, summaryJson } from './span-json.ts';
import type { Select } from './span-json.ts';
import { UPKEEP_ROUTES } from './upkeep.ts';

const SEARCH_PARAMS = [...FILTER_PARAMS, ...RANGE_PARAMS, ...PAGE_PARAMS, ...ASKING_PARAMS];
const NAMES_PARAMS = [...FILTER_PARAMS, ...RANGE_PARAMS, 'prefix', 'limit', ...ASKING_PARAMS];
const STATS_PARAMS = [...RANGE_PARAMS, ...ASKING_PARAMS];
const NAMES_LIMIT = 1000;

export const API_ROUTES: readonly ApiRoute[] = [
  question('/spans', SEARCH_PARAMS, spans),
  question('/traces', SEARCH_PARAMS, traces),
  question('/traces/{traceId}', ['format', 'select', ...STATS_PARAMS], trace),
  question('/services', STATS_PARAMS, services),
  question('/operations', ['service', ...STATS_PARAMS], operations),
  question('/attributes', NAMES_PARAMS, attributes),
  question('/attributes/{key}/values', NAMES_PARAMS, values),
  ...FIGURE_ROUTES,
  ...INGEST_ROUTES,
  ...UPKEEP_ROUTES,
];

export async function answerApi(route: ApiRoute, call: ApiCall): Promise<Response> {
  checkNames(call.params, route.params);
  return route.answer(call);
}

function spansJson(head: object, spans: readonly Span[], select: Select, tail: object): Response {
  const textOf = (some: readonly Span[]) =>
    some.map((span) => JSON.stringify(spanJson(span, select))).join(',');
  return longListResponse({ head, name: 'spans', items: spans, textOf, tail }, HEADERS);
}

/** Each with up to a few spans of each of its spansets. */
const TRACES_A_PIECE = 50;

/** Each piece names its resources and scopes anew, which OTLP allows: so pieces as large as the loop bears, 20 ms. */
const OTLP_SPANS_A_PIECE = 2500;

function otlpJson(spans: readonly Span[]): Response {
  const textOf = (some: readonly Span[]) =>
    encodeTracesJson(some)
      .resourceSpans.map((resource) => JSON.stringify(resource))
      .join(',');
  const name = 'resourceSpans';
  return longListResponse(
    { head: {}, name, items: spans, textOf, tail: {}, itemsAPiece: OTLP_SPANS_A_PIECE },
    HEADERS,
  );
}

async function spans({ store, projectId, params, request }: ApiCall): Promise<Response> {
  const asked = searchOf(params, nowUnixNano(), request.signal);
  const page = await store.searchSpans(projectId, asked);
  return spansJson({}, page.spans, selectOf(params, asked.query), coverageJson(page, page.nextCursor));
}

async function traces({ store, projectId, params, request }: ApiCall): Promise<Response> {
  const asked = searchOf(params, nowUnixNano(), request.signal);
  const page = await store.searchTraces(projectId, asked);
  const select = selectOf(params, asked.query);
  const textOf = (some: readonly TraceSummary[]) =>
    some.map((one) => JSON.stringify(summaryJson(one, select))).join(',');
  const tail = coverageJson(page, page.nextCursor);
  return longListResponse(
    { head: {}, name: 'traces', items: page.traces, textOf, tail, itemsAPiece: TRACES_A_PIECE },
    HEADERS,
  );
}

/** All of the trace: `start` and `end` are hints that other stores need, and change nothing here. */
async function trace({ store, projectId, params, path, request }: ApiCall): Promise<Response> {
  const traceId = traceIdOf(path.traceId);
  const format = params.get('format') ?? 'json';
  if (format !== 'json' && format !== 'otlp') throw invalid('format is json or otlp');
  const answer = await store.trace(projectId, traceId, askingOf(params, request.signal));
  if (answer.spans.length === 0 && answer.complete !== true) {
    throw new HttpError(
      503,
      'incomplete',
      `trace ${traceId} was not found so far: ${answer.complete.reason}`,
    );
  }
  if (answer.spans.length === 0) throw new HttpError(404, 'not_found', `no trace ${traceId}`);
  if (format === 'otlp') return otlpJson(answer.spans);
  const select = selectOf(params);
  return spansJson({ traceId }, answer.spans, select, coverageJson(answer));
}

async function services({ store, projectId, params, request }: ApiCall): Promise<Response> {
  const page = await store.serviceStats(projectId, {
    range: rangeOf(params, nowUnixNano()),
    ...askingOf(params, request.signal),
  });
  const list = page.stats.map((stats) => ({ name: stats.serviceName, ...statsJson(stats) }));
  return json({ services: list, ...coverageJson(page) });
}

async function operations({ store, projectId, params, request }: ApiCall): Promise<Response> {
  const service = params.get('service');
  if (service === null) throw invalid('service is missing: whose operations?');
  const page = await store.operationStats(projectId, service, {
    range: rangeOf(params, nowUnixNano()),
    ...askingOf(params, request.signal),
  });
  const list = page.stats.map((stats) => ({ name: stats.name, kind: stats.kind, ...statsJson(stats) }));
  return json({ service, operations: list, ...coverageJson(page) });
}

function namesOf({ params, request }: ApiCall) {
  return {
    query: spansQueryOf(params),
    range: rangeOf(params, nowUnixNano()),
    prefix: params.get('prefix') ?? '',
    limit: limitOf(params, NAMES_LIMIT),
    ...askingOf(params, request.signal),
  };
}

async function attributes(call: ApiCall): Promise<Response> {
  const page = await call.store.attributeKeys(call.projectId, namesOf(call));
  return json({ attributes: page.keys, ...coverageJson(page) });
}

async function values(call: ApiCall): Promise<Response> {
  const { key } = call.path;
  const page = await call.store.attributeValues(call.projectId, key, namesOf(call));
  return json({ key, values: page.values, ...coverageJson(page) });
}
