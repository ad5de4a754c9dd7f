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

/** `token`: made just now, to be filled in. */
export async function startPage(
  deps: PagesDeps,
  context: PageContext,
  request: Request,
  token?: string,
): Promise<Response> {
  const params = new URL(request.url).searchParams;
  const first = await newestSpan(deps, context.projectId);
  const refused = deps.refusals?.(context.projectId) ?? [];
  const sent = sentOf(params.get('sent'));
  if (wantsFragment(request)) return html(Html.createElement(Waiting, { first, refused, sent }));
  const { projectId, baseUrl, grpcUrl, ingestTokenRequired, mayWrite, mayChange } = context;
  return html(
    Html.createElement(StartPage, {
      shell: shellOf(request, context),
      target: { baseUrl, grpcUrl, tokenRequired: ingestTokenRequired, token },
      language: params.get('lang') ?? '',
      first,
      refused,
      mayWrite,
      mayTest: mayTest(context),
      mayMakeToken: mayChange && ingestTokenRequired,
      projectId,
      sent,
    }),
  );
}

/** Who may change what is kept may also add three spans to it. */
function mayTest({ mayWrite, mayChange }: PageContext): boolean {
  return mayWrite || mayChange;
}

/** An ingest token, shown once in the lines that a sender needs. */
export async function ingestToken(
  deps: PagesDeps,
  context: PageContext,
  request: Request,
): Promise<Response> {
  // The first token closes the server: that is done where it is explained.
  if (!context.mayChange || !context.ingestTokenRequired) {
    const message = 'Making a token is open to admin tokens alone.';
    return errorPage(request, { status: 403, title: 'Not allowed', message });
  }
  const { token } = deps.projects.createToken(context.projectId, 'ingest', 'first sender', context);
  return startPage(deps, context, request, token);
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
  if (!mayTest(context)) {
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
