/** `/search/saved`: the searches that a project keeps. Plain forms, answered by a redirect. */
import { Html } from '@elysiajs/html';
import { readSearchState, searchHref } from '../../../views/search/search-state.ts';
import { SavedPage } from '../../../views/search/saved.tsx';
import { QuestionError } from '../../store/span-store.ts';
import { readSmallBody } from '../body.ts';
import type { PageContext, PagesDeps } from './context.ts';
import { errorPage } from './error-page.ts';
import { html, seeOther, shellOf } from './respond.ts';

/** A name and an address, percent-encoded. */
const MAX_FORM_BYTES = 64 * 1024;

export function savedPage(
  deps: PagesDeps,
  context: PageContext,
  request: Request,
  problem = '',
): Promise<Response> {
  return html(
    Html.createElement(SavedPage, {
      shell: shellOf(request, context),
      saved: deps.savedSearches?.list(context.projectId) ?? [],
      mayChange: context.mayChange,
      problem,
    }),
    { status: problem === '' ? 200 : 400 },
  );
}

export function saveSearch(deps: PagesDeps, context: PageContext, request: Request): Promise<Response> {
  return change(deps, context, request, (form) => {
    const params = new URLSearchParams((form.get('url') ?? '').split('?').slice(1).join('?'));
    // Written anew, so that what is kept is an address of this program's and of nothing else.
    const url = searchHref(readSearchState(params));
    deps.savedSearches?.save(context.projectId, form.get('name') ?? '', url);
    return url;
  });
}

export function renameSearch(
  deps: PagesDeps,
  context: PageContext,
  request: Request,
  id: string,
): Promise<Response> {
  return change(deps, context, request, (form) => {
    deps.savedSearches?.rename(context.projectId, id, form.get('name') ?? '');
    return '/search/saved';
  });
}

export function deleteSearch(
  deps: PagesDeps,
  context: PageContext,
  request: Request,
  id: string,
): Promise<Response> {
  return change(deps, context, request, () => {
    deps.savedSearches?.delete(context.projectId, id);
    return '/search/saved';
  });
}

/** `work` answers where to go from there. */
async function change(
  deps: PagesDeps,
  context: PageContext,
  request: Request,
  work: (form: URLSearchParams) => string,
): Promise<Response> {
  if (!context.mayChange) {
    const message = 'This token may only read. Sign in with an admin token to save searches.';
    return errorPage(request, { status: 403, title: 'Not allowed', message });
  }
  const body = await readSmallBody(request, MAX_FORM_BYTES);
  try {
    return seeOther(work(new URLSearchParams(new TextDecoder().decode(body))));
  } catch (error) {
    if (error instanceof QuestionError) return savedPage(deps, context, request, error.message);
    throw error;
  }
}
