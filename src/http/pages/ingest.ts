/** `/ingest`: how ingest fares, page or the part that refreshes. */
import { Html } from '@elysiajs/html';
import { IngestList, IngestPage } from '../../../views/ingest.tsx';
import type { PageContext, PagesDeps } from './context.ts';
import { html, shellOf, wantsFragment } from './respond.ts';

export function ingestPage(deps: PagesDeps, context: PageContext, request: Request): Promise<Response> {
  const report = deps.ingest(context);
  const props = { report, now: deps.now(), chosen: new URL(request.url).searchParams.get('token') ?? '' };
  if (wantsFragment(request)) return html(Html.createElement(IngestList, props));
  return html(Html.createElement(IngestPage, { ...props, shell: shellOf(request, context) }));
}
