/** The pages' routes: ask the store, render. Page or fragment is decided here, looks in views/. */
import { Elysia } from 'elysia';
import type { PageContext, PagesDeps } from './context.ts';
import { errorPage, loginPage } from './error-page.ts';
import { ingestPage } from './ingest.ts';
import { namesFragment } from './names.ts';
import { searchPage } from './search.ts';
import { servicesPage } from './services.ts';
import { deleteTrace, pinTrace, saveRetention, settingsPage, unpinTrace } from './settings.ts';
import { startPage, testTrace } from './start.ts';
import { tracePage } from './trace.ts';
import { TraceTrees } from './trace-trees.ts';

type Answer = Response | Promise<Response>;
type Page = (deps: PagesDeps, context: PageContext, request: Request) => Answer;

export function pages(deps: PagesDeps) {
  const trees = new TraceTrees(deps.store);
  const as =
    (page: Page) =>
    ({ request }: { request: Request }): Answer => {
      const context = deps.context(request);
      return context instanceof Response ? context : page(deps, context, request);
    };
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
    .get('/start', as(startPage))
    .post('/start/test-trace', as(testTrace))
    .get('/search', as(searchPage))
    .get('/search/names', as(namesFragment))
    .get('/traces/:id', ({ request, params }) =>
      as((some, context) => tracePage(some, trees, context, request, params.id))({ request }),
    )
    .get(
      '/services',
      as((some, context, request) => servicesPage(some, context, request, undefined)),
    )
    .get('/services/:name', ({ request, params }) =>
      as((some, context) => servicesPage(some, context, request, params.name))({ request }),
    )
    .get('/ingest', as(ingestPage))
    .get('/settings', as(settingsPage))
    .post('/settings/retention', as(saveRetention))
    .post('/traces/:id/pin', onTrace(pinTrace))
    .post('/traces/:id/unpin', onTrace(unpinTrace))
    .post('/traces/:id/delete', onTrace(deleteTrace))
    .get('/login', ({ request }) => loginPage(request));
}

/** First start while nothing was ever stored, then search. */
function home(deps: PagesDeps, context: PageContext, request: Request): Answer {
  return deps.store.isEmpty(context.projectId)
    ? startPage(deps, context, request)
    : searchPage(deps, context, request);
}
