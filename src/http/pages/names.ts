/** `/search/names`: what the service and operation fields offer, asked for when one of them gets the focus. */
import { Html } from '@elysiajs/html';
import { QuestionError } from '../../store/span-store.ts';
import type { Query } from '../../traceql/ast.ts';
import { comparison, field, MATCH_ALL, queryOf } from '../../traceql/build.ts';
import { NameOptions } from '../../../views/search/filter-column.tsx';
import { readSearchState } from '../../../views/search/search-state.ts';
import type { PageContext, PagesDeps } from './context.ts';
import { rangeOf } from './range.ts';
import { html } from './respond.ts';

const MAX_OPTIONS = 200;

export async function namesFragment(
  deps: PagesDeps,
  context: PageContext,
  request: Request,
): Promise<Response> {
  const params = new URL(request.url).searchParams;
  const ofOperations = params.get('of') === 'operation';
  const service = ofOperations ? (params.get('service') ?? '') : '';
  const of = ofOperations ? 'name' : 'resource.service.name';
  const values = await namesOf(deps, context, of, request, ofService(service));
  return html(Html.createElement(NameOptions, { values }));
}

async function namesOf(
  deps: PagesDeps,
  context: PageContext,
  of: string,
  request: Request,
  query: Query,
): Promise<string[]> {
  try {
    const range = rangeOf(readSearchState(new URL(request.url).searchParams), deps.now());
    const question = { query, range, prefix: '', limit: MAX_OPTIONS, signal: request.signal };
    const page = await deps.store.attributeValues(context.projectId, of, question);
    return page.values.map(({ value }) => value);
  } catch (error) {
    // The range is half typed: the search itself says so.
    if (error instanceof QuestionError) return [];
    throw error;
  }
}

function ofService(service: string): Query {
  return service === '' ? MATCH_ALL : queryOf(comparison(field('resource', 'service.name'), '=', service));
}
