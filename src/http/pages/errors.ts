/** `/errors` and `/errors/{group}`: scans, keeps them for some moments, renders. */
import { Html } from '@elysiajs/html';
import { QuestionError } from '../../store/span-store.ts';
import type { TimeRange } from '../../store/span-store.ts';
import type { ErrorGroup } from '../../trace/error-groups.ts';
import { patternRegex } from '../../trace/exceptions.ts';
import type { FieldExpression } from '../../traceql/ast.ts';
import { and, comparison, field, intrinsic, or, queryOf } from '../../traceql/build.ts';
import { parseQuery } from '../../traceql/parse.ts';
import { printQuery } from '../../traceql/print.ts';
import { ErrorPageView, ErrorLater } from '../../../views/errors/error.tsx';
import { ErrorsFragment, ErrorsPage } from '../../../views/errors/errors.tsx';
import { errorHref, errorsHref, readErrorsState } from '../../../views/errors/errors-state.ts';
import type { ErrorScan, ErrorsState, LaterParts } from '../../../views/errors/errors-state.ts';
import { closedRange, endedRange, roundStep } from '../api/step.ts';
import type { PageContext, PagesDeps } from './context.ts';
import { errorPage } from './error-page.ts';
import { scanErrors } from './error-scan.ts';
import { rangeOf } from './range.ts';
import { html, shellOf, wantsFragment } from './respond.ts';

/** To sort, to filter and to open a group asks for the same groups again. */
const KEPT_MS = 15_000;
const KEPT_SCANS = 4;

/** Fields and values of a comparison that a page shows. */
const FIELDS = 24;
const VALUES = 4;
/** Operations that a group's spans are compared within. */
const PLACES = 4;

export class ErrorPages {
  readonly #kept = new Map<string, { scan: ErrorScan; timer: ReturnType<typeof setTimeout> }>();

  async list(deps: PagesDeps, context: PageContext, request: Request): Promise<Response> {
    const state = readErrorsState(new URL(request.url).searchParams);
    const shell = shellOf(request, context);
    const now = deps.now();
    const range = readableRange(state, now);
    const scan =
      typeof range === 'string' ? undefined : await this.#scan(deps, context, request, state, range);
    const props = { shell, state, now, scan, problem: typeof range === 'string' ? range : '' };
    if (!wantsFragment(request)) return html(Html.createElement(ErrorsPage, props));
    const headers = { 'HX-Push-Url': errorsHref(state) };
    return html(Html.createElement(ErrorsFragment, props), { headers });
  }

  async group(deps: PagesDeps, context: PageContext, request: Request, id: string): Promise<Response> {
    if (!/^[0-9a-f]{16}$/.test(id)) {
      return errorPage(request, {
        status: 400,
        title: 'Not an error group',
        message: 'Its name has 16 hexadecimal digits.',
      });
    }
    const params = new URL(request.url).searchParams;
    const state = readErrorsState(params);
    const now = deps.now();
    const range = readableRange(state, now);
    if (typeof range === 'string') {
      return errorPage(request, { status: 400, title: 'Not a time range', message: range });
    }
    const scan = await this.#scan(deps, context, request, state, range);
    const group = scan.groups.find((one) => one.id === id);
    const part = params.get('part') ?? '';
    const query = group === undefined ? '' : printQuery(queryOf(conditionOf(group)));
    const later =
      group === undefined || part === ''
        ? undefined
        : await laterOf(deps, context, request, { group, range, now });
    const props = { shell: shellOf(request, context), state, now, id, scan, group, query, later };
    if (wantsFragment(request) && part !== '' && later !== undefined && group !== undefined) {
      return html(Html.createElement(ErrorLater, { state, group, later, query }));
    }
    const status = group === undefined ? 404 : 200;
    return html(Html.createElement(ErrorPageView, { ...props, href: errorHref(id, state) }), { status });
  }

  /** Of all services; where those are too many to read, of the one that is asked for alone. */
  async #scan(
    deps: PagesDeps,
    { projectId }: PageContext,
    request: Request,
    { range: fields, service }: ErrorsState,
    range: TimeRange,
  ): Promise<ErrorScan> {
    const asked = { projectId, range, now: deps.now(), signal: request.signal };
    const kept = async (name: string, condition: FieldExpression | null): Promise<ErrorScan> => {
      const key = JSON.stringify([projectId, fields, name]);
      const known = this.#kept.get(key);
      if (known !== undefined) return known.scan;
      const scan = await scanErrors(deps.store, { ...asked, condition });
      this.#keep(key, scan);
      return scan;
    };
    const all = await kept('', null);
    if (service === '' || !all.isCut) return all;
    return kept(service, comparison(field('resource', 'service.name'), '=', service));
  }

  #keep(key: string, scan: ErrorScan): void {
    this.#drop(key);
    const timer = setTimeout(() => this.#drop(key), KEPT_MS).unref();
    this.#kept.set(key, { scan, timer });
    for (const oldest of [...this.#kept.keys()].slice(0, -KEPT_SCANS)) this.#drop(oldest);
  }

  #drop(key: string): void {
    clearTimeout(this.#kept.get(key)?.timer);
    this.#kept.delete(key);
  }
}

/** Or why it can't be read. */
function readableRange({ range }: ErrorsState, now: bigint): TimeRange | string {
  try {
    return rangeOf(range, now);
  } catch (error) {
    if (error instanceof QuestionError) return error.message;
    throw error;
  }
}

/** The spans of a group as TraceQL can tell them: by type and message, not by the stack's top frame. */
function conditionOf(group: ErrorGroup): FieldExpression | null {
  const sample = group.samples[0];
  switch (group.kind) {
    case 'exception':
      return and(
        group.type === '' ? null : comparison(field('event', 'exception.type'), '=', group.type),
        textCondition(field('event', 'exception.message'), group),
        comparison(intrinsic('event:name'), '=', 'exception'),
      );
    case 'status':
      return and(
        comparison(intrinsic('span:status'), '=', { type: 'status', value: 'error' }),
        comparison(field('resource', 'service.name'), '=', sample.serviceName),
        comparison(intrinsic('span:name'), '=', sample.operation),
        textCondition(intrinsic('span:statusMessage'), group),
      );
  }
}

/** Equal where nothing was replaced and nothing cut. */
function textCondition(left: FieldExpression, { pattern, samples }: ErrorGroup): FieldExpression | null {
  if (pattern === '') return null;
  const same = samples.every(({ message }) => message === pattern);
  return same && pattern.length < 200
    ? comparison(left, '=', pattern)
    : comparison(left, '=~', patternRegex(pattern));
}

/** The operations in which it begins: what else they did tells most about why these failed. */
function placesOf({ operations }: ErrorGroup): FieldExpression | null {
  return or(
    ...operations
      .slice(0, PLACES)
      .map(({ serviceName, name }) =>
        and(
          serviceName === '' ? null : comparison(field('resource', 'service.name'), '=', serviceName),
          comparison(intrinsic('span:name'), '=', name),
        ),
      ),
  );
}

/** What takes a scan of its own: all spans of the group over time, and what they have that others have not. */
async function laterOf(
  { store }: PagesDeps,
  { projectId }: PageContext,
  { signal }: Request,
  { group, range, now }: { group: ErrorGroup; range: TimeRange; now: bigint },
): Promise<LaterParts> {
  const condition = conditionOf(group);
  const closed = await closedRange(store, projectId, range, { unixNano: now, signal });
  const query = parseQuery(
    `${printQuery(queryOf(condition))} | count_over_time() by (resource.service.name)`,
  );
  const [chart, compared] = await Promise.all([
    store.metrics(projectId, {
      query,
      range: endedRange(range, now),
      stepNano: roundStep(closed),
      maxSeries: 12,
      exemplars: 0,
      signal,
    }),
    store.comparison(projectId, {
      query: queryOf(placesOf(group)),
      selection: condition,
      range,
      limit: FIELDS,
      values: VALUES,
      signal,
    }),
  ]);
  return { chart, asked: closed, comparison: compared };
}
