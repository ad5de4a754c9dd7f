/** The JSON API, `/api/v1`: a table of routes, each a question to the store. Described in openapi.ts. */
import { encodeTracesJson } from '../../otlp/encode.ts';
import type { Span } from '../../span/span.ts';
import { nowUnixNano } from '../deps.ts';
import { HttpError } from '../errors.ts';
import {
  checkNames,
  FILTER_PARAMS,
  invalid,
  limitOf,
  PAGE_PARAMS,
  queryOf,
  RANGE_PARAMS,
  rangeOf,
  searchOf,
  selectOf,
} from './params.ts';
import { HEADERS, json, traceIdOf } from './route.ts';
import type { ApiCall, ApiRoute } from './route.ts';
import { longListResponse } from './json-stream.ts';
import { coverageJson, spanJson, statsJson, summaryJson } from './span-json.ts';
import type { Select } from './span-json.ts';
import { UPKEEP_ROUTES } from './upkeep.ts';

const SEARCH_PARAMS = [...FILTER_PARAMS, ...RANGE_PARAMS, ...PAGE_PARAMS];
const NAMES_PARAMS = [...FILTER_PARAMS, ...RANGE_PARAMS, 'prefix', 'limit'];
const NAMES_LIMIT = 1000;

export const API_ROUTES: readonly ApiRoute[] = [
  question('/spans', SEARCH_PARAMS, spans),
  question('/traces', SEARCH_PARAMS, traces),
  question('/traces/{traceId}', ['format', 'select', ...RANGE_PARAMS], trace),
  question('/services', RANGE_PARAMS, services),
  question('/operations', ['service', ...RANGE_PARAMS], operations),
  question('/attributes', NAMES_PARAMS, attributes),
  question('/attributes/{key}/values', NAMES_PARAMS, values),
  ...UPKEEP_ROUTES,
];

function question(path: string, params: readonly string[], answer: ApiRoute['answer']): ApiRoute {
  return { method: 'GET', scope: 'read', path, params, answer };
}

export async function answerApi(route: ApiRoute, call: ApiCall): Promise<Response> {
  checkNames(call.params, route.params);
  return route.answer(call);
}

function spansJson(head: object, spans: readonly Span[], select: Select, tail: object): Response {
  const textOf = (some: readonly Span[]) =>
    some.map((span) => JSON.stringify(spanJson(span, select))).join(',');
  return longListResponse({ head, name: 'spans', items: spans, textOf, tail }, HEADERS);
}

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
  const select = selectOf(params);
  const page = await store.searchSpans(projectId, searchOf(params, nowUnixNano(), request.signal));
  return spansJson({}, page.spans, select, coverageJson(page, page.nextCursor));
}

async function traces({ store, projectId, params, request }: ApiCall): Promise<Response> {
  const select = selectOf(params);
  const page = await store.searchTraces(projectId, searchOf(params, nowUnixNano(), request.signal));
  const list = page.traces.map((one) => summaryJson(one, select));
  return json({ traces: list, ...coverageJson(page, page.nextCursor) });
}

/** All of the trace: `start` and `end` are hints that other stores need, and change nothing here. */
async function trace({ store, projectId, params, path }: ApiCall): Promise<Response> {
  const traceId = traceIdOf(path.traceId);
  const format = params.get('format') ?? 'json';
  if (format !== 'json' && format !== 'otlp') throw invalid('format is json or otlp');
  const answer = await store.trace(projectId, traceId);
  if (answer.spans.length === 0) throw new HttpError(404, 'not_found', `no trace ${traceId}`);
  if (format === 'otlp') return otlpJson(answer.spans);
  const select = selectOf(params);
  return spansJson({ traceId }, answer.spans, select, coverageJson(answer));
}

async function services({ store, projectId, params }: ApiCall): Promise<Response> {
  const page = await store.serviceStats(projectId, rangeOf(params, nowUnixNano()));
  const list = page.stats.map((stats) => ({ name: stats.serviceName, ...statsJson(stats) }));
  return json({ services: list, ...coverageJson(page) });
}

async function operations({ store, projectId, params }: ApiCall): Promise<Response> {
  const service = params.get('service');
  if (service === null) throw invalid('service is missing: whose operations?');
  const page = await store.operationStats(projectId, service, rangeOf(params, nowUnixNano()));
  const list = page.stats.map((stats) => ({ name: stats.name, kind: stats.kind, ...statsJson(stats) }));
  return json({ service, operations: list, ...coverageJson(page) });
}

function namesOf(params: URLSearchParams) {
  return {
    query: queryOf(params),
    range: rangeOf(params, nowUnixNano()),
    prefix: params.get('prefix') ?? '',
    limit: limitOf(params, NAMES_LIMIT),
  };
}

async function attributes({ store, projectId, params }: ApiCall): Promise<Response> {
  const page = await store.attributeKeys(projectId, namesOf(params));
  return json({ attributes: page.keys, ...coverageJson(page) });
}

async function values({ store, projectId, params, path }: ApiCall): Promise<Response> {
  const page = await store.attributeValues(projectId, path.key, namesOf(params));
  return json({ key: path.key, values: page.values, ...coverageJson(page) });
}
