/** The pages' routes: ask the store, render. Page or fragment is decided here, looks in views/. */
import { Elysia } from 'elysia';
import { aiPage } from './ai.ts';
import { completeFragment } from './complete.ts';
import type { PageContext, PagesDeps } from './context.ts';
import { errorPage, loginPage } from './error-page.ts';
import { ErrorPages } from './errors.ts';
import { ingestPage } from './ingest.ts';
import { mapPage } from './map.ts';
import { namesFragment } from './names.ts';
import { nextStepsPart } from './next-steps.ts';
import { deleteSearch, renameSearch, savedPage, saveSearch } from './saved-searches.ts';
import { searchPage } from './search.ts';
import { comparisonPart } from './search-comparison.ts';
import { facetsPart } from './search-facets.ts';
import { heatmapPart, selectionRedirect } from './search-heatmap.ts';
import { servicePage } from './service.ts';
import { servicesPage } from './services.ts';
import {
  addLink,
  deleteTrace,
  pinTrace,
  removeLink,
  saveRetention,
  settingsPage,
  unpinTrace,
} from './settings.ts';
import { tailEvents, tailPage } from './tail.ts';
import { ingestToken, startPage, testTrace } from './start.ts';
import { importPage, importTraces } from './import.ts';
import { comparePage } from './compare.ts';
import { linkedFragment } from './linked.ts';
import { tracePage } from './trace.ts';
import { TraceTrees } from './trace-trees.ts';
import { createProject, createToken, revokeToken, rotateToken } from './tokens.ts';

type Answer = Response | Promise<Response>;
type Page = (deps: PagesDeps, context: PageContext, request: Request) => Answer;

export function pages(deps: PagesDeps) {
  const trees = new TraceTrees(deps.store);
  const errors = new ErrorPages();
  const as =
    (page: Page) =>
    ({ request }: { request: Request }): Answer => {
      const context = deps.context(request);
      return context instanceof Response ? context : page(deps, context, request);
    };
  const withId =
    (page: (...args: [...Parameters<Page>, id: string]) => Answer) =>
    ({ request, params }: { request: Request; params: { id: string } }): Answer =>
      as((some, context, asked) => page(some, context, asked, params.id))({ request });
  const onTrace =
    (change: (...args: [...Parameters<Page>, traceId: string]) => Answer) =>
    ({ request, params }: { request: Request; params: { id: string } }): Answer => {
      if (!/^[0-9a-f]{32}$/.test(params.id)) {
        return errorPage(request, {
          status: 400,
          title: 'Not a trace id',
          message: 'It has 32 hexadecimal digits.',
        });
      }
      return as((some, context, asked) => change(some, context, asked, params.id))({ request });
    };
  return new Elysia({ name: 'pages' })
    .get('/', as(home))
    .get(
      '/start',
      as((some, context, request) => startPage(some, context, request)),
    )
    .post('/start/test-trace', as(testTrace))
    .post('/start/token', as(ingestToken))
    .get('/search', as(searchPage))
    .get('/search/complete', as(completeFragment))
    .get('/search/tail', as(tailPage))
    .get('/search/tail/events', as(tailEvents))
    .get(
      '/search/saved',
      as((some, context, request) => savedPage(some, context, request)),
    )
    .post('/search/saved', as(saveSearch))
    .post('/search/saved/:id/rename', withId(renameSearch))
    .post('/search/saved/:id/delete', withId(deleteSearch))
    .get('/search/names', as(namesFragment))
    .get('/search/facets', as(facetsPart))
    .get('/search/heatmap', as(heatmapPart))
    .get('/search/selection', as(selectionRedirect))
    .get('/search/comparison', as(comparisonPart))
    .get('/search/next-steps', as(nextStepsPart))
    .get('/traces/:id', ({ request, params }) =>
      as((some, context) => tracePage(some, trees, context, request, params.id))({ request }),
    )
    .get('/map', as(mapPage))
    .get('/services', as(servicesPage))
    .get('/services/:name', ({ request, params }) =>
      as((some, context) => servicePage(some, context, request, params.name))({ request }),
    )
    .get(
      '/errors',
      as((some, context, request) => errors.list(some, context, request)),
    )
    .get('/errors/:id', ({ request, params }) =>
      as((some, context) => errors.group(some, context, request, params.id))({ request }),
    )
    .get('/ai', as(aiPage))
    .get('/ingest', as(ingestPage))
    .get(
      '/settings',
      as((some, context, request) => settingsPage(some, context, request)),
    )
    .post('/settings/retention', as(saveRetention))
    .post('/settings/links', as(addLink))
    .post('/settings/links/:id/remove', withId(removeLink))
    .post('/settings/tokens', as(createToken))
    .post('/settings/tokens/:id/rotate', withId(rotateToken))
    .post('/settings/tokens/:id/revoke', withId(revokeToken))
    .post('/settings/projects', as(createProject))
    .get(
      '/services.css',
      as((some, context, request) => some.serviceColours.answer(context.projectId, request)),
    )
    .post('/traces/:id/pin', onTrace(pinTrace))
    .post('/traces/:id/unpin', onTrace(unpinTrace))
    .post('/traces/:id/delete', onTrace(deleteTrace))
    .get('/traces/:id/links', ({ request, params }) =>
      onTrace((some, context, asked, id) => linkedFragment(some, trees, context, asked, id))({
        request,
        params,
      }),
    )
    .get(
      '/compare',
      as((some, context, request) => comparePage(some, trees, context, request)),
    )
    .get('/import', as(importPage))
    .post('/import', as(importTraces))
    .get('/login', ({ request }) => loginPage(request));
}

/** First start while nothing was ever stored, then search. */
function home(deps: PagesDeps, context: PageContext, request: Request): Answer {
  return deps.store.isEmpty(context.projectId)
    ? startPage(deps, context, request)
    : searchPage(deps, context, request);
}
