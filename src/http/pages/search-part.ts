/** Parts of the search page with addresses of their own: the same search read from the address, another question. */
import { Html } from '@elysiajs/html';
import { QuestionError } from '../../store/span-store.ts';
import type { TimeRange } from '../../store/span-store.ts';
import type { Query } from '../../traceql/ast.ts';
import { PartPage, PartProblem } from '../../../views/search/part-page.tsx';
import type { SearchState } from '../../../views/search/search-state.ts';
import type { PageContext, PagesDeps } from './context.ts';
import { rangeOf } from './range.ts';
import { html, shellOf, wantsFragment } from './respond.ts';
import { askedQuery } from './search.ts';

export interface PartAsked {
  readonly deps: PagesDeps;
  readonly projectId: string;
  readonly signal: AbortSignal;
  readonly state: SearchState;
  readonly query: Query;
  readonly range: TimeRange;
  /** From when the range counts back. */
  readonly at: bigint;
}

type Render = (asked: PartAsked) => Promise<JSX.Element>;

/** A fragment for htmx, else a page with the part alone. What can't be answered is said in the part's place. */
export function searchPart(title: string, render: Render) {
  return async (deps: PagesDeps, context: PageContext, request: Request): Promise<Response> => {
    const { state, query, refused } = askedQuery(new URL(request.url).searchParams);
    const at = state.at === '' ? deps.now() : BigInt(state.at);
    const { signal } = request;
    const { projectId } = context;
    const part = refused
      ? problem(refused.message)
      : await answered(render, { deps, projectId, signal, state, query, at });
    if (wantsFragment(request)) return html(part);
    return html(Html.createElement(PartPage, { shell: shellOf(request, context), title, state }, part));
  };
}

async function answered(render: Render, asked: Omit<PartAsked, 'range'>): Promise<JSX.Element> {
  try {
    return await render({ ...asked, range: rangeOf(asked.state, asked.at) });
  } catch (error) {
    if (error instanceof QuestionError) return problem(error.message);
    throw error;
  }
}

function problem(message: string): JSX.Element {
  return Html.createElement(PartProblem, { message });
}
