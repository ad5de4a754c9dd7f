/** What went wrong, as the asker wants it: a google.rpc.Status for senders, JSON for scripts, a page for people. */
import type { Log } from '../log.ts';
import { AccessError } from './access.ts';
import { HttpError, jsonProblem, problemOf } from './errors.ts';
import { errorPage } from './pages/error-page.ts';
import { isReceiver, refuseExport, wrongExportPath } from './receiver.ts';
import type { RouteTable } from './route-table.ts';

export class Failures {
  readonly #log: Log;
  readonly #routes: () => RouteTable;

  readonly #wrongPath: (reason: string) => void;

  constructor(log: Log, routes: () => RouteTable, wrongPath: (reason: string) => void) {
    this.#log = log;
    this.#routes = routes;
    this.#wrongPath = wrongPath;
  }

  /** `code`: Elysia's name of what happened before a handler ran. */
  async answer(code: unknown, error: unknown, request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (code === 'NOT_FOUND') return this.#unknown(request, pathname);
    if (code === 'PARSE' || code === 'VALIDATION') {
      return this.#told(new HttpError(400, 'invalid_argument', 'the request does not read well'), request);
    }
    // Of an export that came the long way: its sender reads the answer.
    if (error instanceof AccessError && request.method === 'POST' && isReceiver(pathname))
      return refuseExport(request, error);
    return this.#told(error, request);
  }

  #unknown(request: Request, pathname: string): Response | Promise<Response> {
    const allowed = this.#routes().methods(pathname);
    const allow = [...allowed, 'OPTIONS'].join(', ');
    if (allowed.length > 0 && request.method === 'OPTIONS') {
      return new Response(null, { status: 204, headers: { allow } });
    }
    const meant = request.method === 'POST' ? wrongExportPath(pathname) : undefined;
    if (meant !== undefined) {
      this.#wrongPath(`404: ${meant}`);
      return refuseExport(request, new HttpError(404, 'not_found', meant));
    }
    const error =
      allowed.length > 0
        ? new HttpError(405, 'method_not_allowed', `${pathname} takes ${allowed.join(', ')}`, { allow })
        : new HttpError(404, 'not_found', `there is nothing at ${pathname.slice(0, 200)}`);
    return isReceiver(pathname) ? refuseExport(request, error) : this.#told(error, request);
  }

  #told(error: unknown, request: Request): Response | Promise<Response> {
    const { pathname, search } = new URL(request.url);
    const problem = problemOf(error, this.#log, `${request.method} ${pathname}`);
    const wantsPage = isRead(request) && !/^\/(api|openapi|healthz|readyz|metrics)\b/.test(pathname);
    if (!wantsPage) return jsonProblem(problem);
    if (problem.status === 401) {
      const location = `/login?next=${encodeURIComponent(pathname + search)}`;
      // htmx would follow a redirect itself and put the sign-in form into the part that it asked for.
      return fromHtmx(request)
        ? new Response(null, {
            status: 401,
            headers: { 'hx-redirect': location, 'cache-control': 'no-store' },
          })
        : new Response(null, { status: 303, headers: { location, 'cache-control': 'no-store' } });
    }
    const { status } = problem;
    const title = status === 404 ? 'Nothing here' : status < 500 ? 'That does not work' : 'Something broke';
    return errorPage(request, { status, title, message: sentence(problem.message) });
  }
}

function isRead(request: Request): boolean {
  return request.method === 'GET' || request.method === 'HEAD';
}

function fromHtmx(request: Request): boolean {
  return request.headers.get('hx-request') === 'true';
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
