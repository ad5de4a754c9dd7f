/** `/start`: how to send spans here; and a test trace from this server to itself. */
import { Html } from '@elysiajs/html';
import { MATCH_ALL } from '../../traceql/build.ts';
import { StartPage, Waiting } from '../../../views/start.tsx';
import type { FirstSpan, StartProps } from '../../../views/start.tsx';
import type { PageContext, PagesDeps } from './context.ts';
import { errorPage } from './error-page.ts';
import { rangeOf } from './range.ts';
import { html, seeOther, shellOf, wantsFragment } from './respond.ts';
import { testTraceBody } from './test-trace.ts';

export async function startPage(deps: PagesDeps, context: PageContext, request: Request): Promise<Response> {
  const params = new URL(request.url).searchParams;
  const first = await newestSpan(deps, context.projectId);
  const refused = deps.refusals?.(context.projectId) ?? [];
  const sent = sentOf(params.get('sent'));
  if (wantsFragment(request)) return html(Html.createElement(Waiting, { first, refused, sent }));
  const { baseUrl, grpcUrl, ingestTokenRequired, mayWrite } = context;
  const target = { baseUrl, grpcUrl, tokenRequired: ingestTokenRequired };
  const language = params.get('lang') ?? '';
  const shell = shellOf(request, context);
  return html(Html.createElement(StartPage, { shell, target, language, first, refused, mayWrite, sent }));
}

function sentOf(text: string | null): StartProps['sent'] {
  return text === 'test' || text === 'demo' ? text : '';
}

async function newestSpan(deps: PagesDeps, projectId: string): Promise<FirstSpan | undefined> {
  if (deps.store.isEmpty(projectId)) return undefined;
  const range = rangeOf({ since: 'all', start: '', end: '' }, deps.now());
  const page = await deps.store.searchSpans(projectId, {
    query: MATCH_ALL,
    range,
    order: 'newest',
    limit: 1,
  });
  return page.spans[0];
}

/** Takes the way of any other span: OTLP JSON into the store. */
export async function testTrace(deps: PagesDeps, context: PageContext, request: Request): Promise<Response> {
  if (!context.mayWrite) {
    const message = 'Sending a test trace is not open to this token.';
    return errorPage(request, { status: 403, title: 'Not allowed', message });
  }
  const { traceId, body } = testTraceBody(deps.now());
  await deps.store.append(context.projectId, {
    format: 'json',
    body,
    received: { encoding: 'identity', bytes: body },
  });
  return seeOther(`/traces/${traceId}`);
}
