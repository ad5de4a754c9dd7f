/** What every visit passes: the page in the browser, then the gateway. */
import { double } from './attributes.ts';
import { cacheGet, http, step } from './calls.ts';
import type { HttpRequest } from './calls.ts';
import { Failure } from './failure.ts';
import { INTERNAL } from './recorder.ts';
import type { ActiveSpan, TraceRecorder } from './recorder.ts';
import { scopeOf } from './services.ts';
import type { ServiceName } from './services.ts';
import type { Visit } from './shop.ts';

const USER_AGENTS = [
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 Version/18.6 Mobile/15E148 Safari/604.1',
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:144.0) Gecko/20100101 Firefox/144.0',
] as const;

/** The root of every visit: what the visitor did in the browser. */
export function page(
  trace: TraceRecorder,
  visit: Visit,
  name: string,
  path: string,
  body: (page: ActiveSpan) => void,
): void {
  const storefront = visit.shop.instance('storefront');
  const attributes = {
    'url.full': `https://shop.example${path}`,
    'url.path': path,
    'user_agent.original': trace.random.pick(USER_AGENTS),
    'user.id': visit.userId,
    'session.id': visit.sessionId,
    'browser.viewport.width': trace.random.pick([390, 1280, 1440, 1920]),
  };
  trace.root(storefront, { name, kind: INTERNAL, scope: scopeOf(storefront, 'app'), attributes }, (span) => {
    span.work(2);
    body(span);
    span.event('web_vital', {
      'web_vital.name': 'INP',
      'web_vital.value': double(span.random.between(8, 180)),
    });
    span.work(3);
  });
}

/** Browser to gateway to a service, as every request of the shop goes. */
export function viaGateway(
  span: ActiveSpan,
  visit: Visit,
  target: ServiceName,
  request: HttpRequest,
  body: (server: ActiveSpan) => void,
): void {
  const who = { 'user.id': visit.userId, 'session.id': visit.sessionId };
  const outer = { ...request, route: `/api${request.route}`, path: `/api${request.path}`, attributes: who };
  http(span, visit.shop.instance('gateway'), outer, (gateway) => {
    step(gateway, 'authenticate', { 'enduser.role': 'customer' }, (auth) => {
      auth.work(0.4);
      cacheGet(auth, `session:${visit.sessionId}`, 0.97);
    });
    if (gateway.random.chance(0.004)) {
      throw new Failure('RateLimitExceeded', `more than 20 requests a second from ${visit.userId}`, 429, [
        ['gateway.(*Limiter).Allow', 'gateway/limiter.go', 61],
        ['gateway.(*Proxy).ServeHTTP', 'gateway/proxy.go', 112],
      ]);
    }
    http(
      gateway,
      visit.shop.instance(target),
      { ...request, attributes: { ...who, ...request.attributes } },
      body,
    );
  });
}
