/** `/traces/{id}/links?span=`: the spans that link to one, as a part of its panel. */
import { Html } from '@elysiajs/html';
import { parseQuery } from '../../traceql/parse.ts';
import { LINKED_HOURS_AFTER, LINKED_HOURS_BEFORE, LinkedFrom } from '../../../views/trace/span-links.tsx';
import type { PageContext, PagesDeps } from './context.ts';
import { errorPage } from './error-page.ts';
import { html, seeOther, wantsFragment } from './respond.ts';
import type { TraceTrees } from './trace-trees.ts';

const SHOWN = 20;
const HOUR = 3_600_000_000_000n;

export async function linkedFragment(
  deps: PagesDeps,
  trees: TraceTrees,
  context: PageContext,
  request: Request,
  traceId: string,
): Promise<Response> {
  const span = new URL(request.url).searchParams.get('span') ?? '';
  if (!/^[0-9a-f]{16}$/.test(span)) {
    const message = 'A span id has 16 hexadecimal digits.';
    return errorPage(request, { status: 400, title: 'Not a span id', message });
  }
  if (!wantsFragment(request)) return seeOther(`/traces/${traceId}?span=${span}`);
  const { signal } = request;
  const { tree } = await trees.shown(context.projectId, traceId, span, signal);
  const before = tree.startUnixNano - BigInt(LINKED_HOURS_BEFORE) * HOUR;
  const page = await deps.store.searchSpans(context.projectId, {
    query: parseQuery(`{ link:traceID = "${traceId}" && link:spanID = "${span}" }`),
    range: {
      startUnixNano: before < 0n ? 0n : before,
      endUnixNano: tree.endUnixNano + BigInt(LINKED_HOURS_AFTER) * HOUR,
    },
    order: 'newest',
    limit: SHOWN,
    signal,
  });
  const spans = page.spans;
  return html(Html.createElement(LinkedFrom, { spans, more: page.nextCursor !== undefined, coverage: page }));
}
