/** The API's routes that answer figures: metrics over time, heatmap, facets, comparison, dependencies. */
import type { FieldExpression } from '../../traceql/ast.ts';
import { TraceqlError } from '../../traceql/error.ts';
import { parseQuery } from '../../traceql/parse.ts';
import { expectCondition } from '../../traceql/query.ts';
import { nowUnixNano } from '../deps.ts';
import {
  comparisonJson,
  dependencyJson,
  facetsJson,
  heatmapResponse,
  metricsResponse,
} from './figures-json.ts';
import {
  ASKING_PARAMS,
  askingOf,
  booleanOf,
  countOf,
  durationOf,
  FILTER_PARAMS,
  invalid,
  metricsQueryOf,
  quoted,
  RANGE_PARAMS,
  rangeOf,
  spansQueryOf,
} from './params.ts';
import { json, question } from './route.ts';
import type { ApiCall, ApiRoute } from './route.ts';
import { coverageJson } from './span-json.ts';
import { closedRange, endedRange, roundStep } from './step.ts';

/** Series of one answer: more than that nobody reads, and 1,000 of 100 samples are about 1 MB. */
export const SERIES = { least: 1, most: 1000, fallback: 100 };
/** Of each series. Left out unless asked for: a script that draws a line needs none. */
const EXEMPLARS = { least: 0, most: 100, fallback: 0 };
const COLUMNS = { least: 1, most: 1000, fallback: 100 };
/** Values of a field. */
const VALUES = { least: 1, most: 1000, fallback: 10 };
/** Fields of a comparison, those that differ most first. */
const COMPARED_FIELDS = { least: 1, most: 1000, fallback: 20 };
/** Of one request: all are counted in one pass, each with a table of its values. */
const MAX_FACETS = 20;

const SELECTED_SPANS = [...FILTER_PARAMS, ...RANGE_PARAMS, ...ASKING_PARAMS];

export const FIGURE_ROUTES: readonly ApiRoute[] = [
  question('/metrics', [...SELECTED_SPANS, 'step', 'instant', 'limit', 'exemplars'], metrics),
  question('/heatmap', [...SELECTED_SPANS, 'columns'], heatmap),
  question('/facets', [...SELECTED_SPANS, 'field', 'limit'], facets),
  question('/comparison', [...SELECTED_SPANS, 'selection', 'limit', 'values'], comparison),
  question('/dependencies', [...RANGE_PARAMS, ...ASKING_PARAMS], dependencies),
];

async function metrics(call: ApiCall): Promise<Response> {
  const { store, projectId, params, request } = call;
  const query = metricsQueryOf(params);
  const now = nowUnixNano();
  const range = rangeOf(params, now);
  const stepNano = await stepOf(call);
  const page = await store.metrics(projectId, {
    query,
    range: stepNano === undefined ? range : endedRange(range, now),
    stepNano,
    maxSeries: countOf(params, 'limit', SERIES),
    exemplars: countOf(params, 'exemplars', EXEMPLARS),
    ...askingOf(params, request.signal),
  });
  return metricsResponse(page, coverageJson(page));
}

/** Undefined: one bucket. */
async function stepOf({ store, projectId, params, request }: ApiCall): Promise<bigint | undefined> {
  const step = durationOf(params, 'step');
  const instant = booleanOf(params, 'instant');
  if (step !== undefined && instant) throw invalid('give either step or instant=true, not both');
  if (step !== undefined && step <= 0n) throw invalid('step is a duration above 0, such as 15s or 1m');
  if (step !== undefined || instant) return step;
  const now = { unixNano: nowUnixNano(), signal: request.signal };
  return roundStep(await closedRange(store, projectId, rangeOf(params, now.unixNano), now));
}

async function heatmap({ store, projectId, params, request }: ApiCall): Promise<Response> {
  const page = await store.heatmap(projectId, {
    query: spansQueryOf(params),
    range: rangeOf(params, nowUnixNano()),
    columns: countOf(params, 'columns', COLUMNS),
    ...askingOf(params, request.signal),
  });
  return heatmapResponse(page, coverageJson(page));
}

async function facets({ store, projectId, params, request }: ApiCall): Promise<Response> {
  const fields = params.getAll('field');
  if (fields.length === 0) throw invalid('field is missing: field=resource.service.name, and it may repeat');
  if (fields.length > MAX_FACETS) throw invalid(`at most ${MAX_FACETS} fields, not ${fields.length}`);
  const blank = fields.find((field) => field.trim() === '');
  if (blank !== undefined) throw invalid(`field is one as TraceQL writes it, not ${quoted(blank)}`);
  const page = await store.facets(projectId, {
    query: spansQueryOf(params),
    range: rangeOf(params, nowUnixNano()),
    fields,
    limit: countOf(params, 'limit', VALUES),
    ...askingOf(params, request.signal),
  });
  return json({ ...facetsJson(page), ...coverageJson(page) });
}

async function comparison({ store, projectId, params, request }: ApiCall): Promise<Response> {
  const page = await store.comparison(projectId, {
    query: spansQueryOf(params),
    selection: selectionOf(params),
    range: rangeOf(params, nowUnixNano()),
    limit: countOf(params, 'limit', COMPARED_FIELDS),
    values: countOf(params, 'values', VALUES),
    ...askingOf(params, request.signal),
  });
  return json({ ...comparisonJson(page), ...coverageJson(page) });
}

/** Positions of errors count into `q`, so that one in the selection is told in words alone. */
function selectionOf(params: URLSearchParams): FieldExpression {
  const text = params.get('selection') ?? '';
  if (text.trim() === '') throw invalid('selection is missing: one selector, as selection={status = error}');
  try {
    const condition = expectCondition(parseQuery(text), 'which the spans of the query are parted by');
    if (condition !== null) return condition;
  } catch (error) {
    throw error instanceof TraceqlError ? invalid(`selection: ${error.message}`) : error;
  }
  throw invalid('selection is every span: nothing is left to compare it with');
}

async function dependencies({ store, projectId, params, request }: ApiCall): Promise<Response> {
  const page = await store.dependencies(projectId, {
    range: rangeOf(params, nowUnixNano()),
    ...askingOf(params, request.signal),
  });
  return json({ dependencies: page.dependencies.map(dependencyJson), ...coverageJson(page) });
}
