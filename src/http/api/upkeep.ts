/** The API's routes about what is kept: health, retention, pins, deletion, audit. */
import type { AuditEntry, RetentionPolicy, StoreHealth } from '../../store/store-upkeep.ts';
import { ageText, parseAge } from '../../store/retention-rules.ts';
import { readSmallBody } from '../body.ts';
import { nowUnixNano } from '../deps.ts';
import { HttpError } from '../errors.ts';
import { FILTER_PARAMS, invalid, limitOf, queryOf, RANGE_PARAMS, rangeOf } from './params.ts';
import { json, traceIdOf } from './route.ts';
import type { ApiCall, ApiRoute } from './route.ts';

/** Fifty rules of a thousand characters. */
const MAX_JSON_BYTES = 64 * 1024;

export const UPKEEP_ROUTES: readonly ApiRoute[] = [
  { method: 'GET', scope: 'read', path: '/storage', params: [], answer: storage },
  { method: 'POST', scope: 'admin', path: '/storage/compact', params: [], answer: compact },
  { method: 'GET', scope: 'read', path: '/retention', params: [], answer: retention },
  { method: 'PUT', scope: 'admin', path: '/retention', params: [], answer: setRetention },
  { method: 'GET', scope: 'read', path: '/pins', params: [], answer: pins },
  { method: 'PUT', scope: 'admin', path: '/traces/{traceId}/pin', params: ['note'], answer: pin },
  { method: 'DELETE', scope: 'admin', path: '/traces/{traceId}/pin', params: [], answer: unpin },
  { method: 'DELETE', scope: 'admin', path: '/traces/{traceId}', params: [], answer: deleteTrace },
  {
    method: 'DELETE',
    scope: 'admin',
    path: '/spans',
    params: [...FILTER_PARAMS, ...RANGE_PARAMS],
    answer: deleteSpans,
  },
  { method: 'GET', scope: 'read', path: '/audit', params: ['limit'], answer: audit },
];

async function storage({ store, projectId }: ApiCall): Promise<Response> {
  const { oldestUnixNano, newestUnixNano, ...usage } = store.usage(projectId);
  return json({
    ...healthJson(store.health(), projectId),
    project: {
      ...usage,
      ...(oldestUnixNano === undefined ? {} : { oldestUnixNano: String(oldestUnixNano) }),
      ...(newestUnixNano === undefined ? {} : { newestUnixNano: String(newestUnixNano) }),
    },
  });
}

/** Names of files tell projects: of the damaged ones a reader sees its own. */
function healthJson({ daysLeft, quarantined, ...health }: StoreHealth, projectId: string): object {
  const own = quarantined.filter(({ path }) => path.includes(`/project=${projectId}/`));
  return {
    ...health,
    quarantinedFiles: quarantined.length,
    quarantined: own,
    ...(daysLeft === undefined ? {} : { daysLeft }),
  };
}

async function compact(call: ApiCall): Promise<Response> {
  await call.store.compact();
  return storage(call);
}

function policyJson({ rules, maxBytes }: RetentionPolicy) {
  return {
    rules: rules.map(({ query, maxAgeMs }) => ({ query, maxAge: ageText(maxAgeMs) })),
    maxBytes: maxBytes ?? null,
  };
}

async function retention({ store, projectId }: ApiCall): Promise<Response> {
  return json(policyJson(store.retention(projectId)));
}

async function setRetention(call: ApiCall): Promise<Response> {
  const body = await jsonBody(call.request);
  call.store.setRetention(call.projectId, policyOf(body, call.store.retention(call.projectId)));
  return retention(call);
}

/** A field that is left out stays as it was: who bounds the size does not mean to drop the rules. */
function policyOf(body: unknown, before: RetentionPolicy): RetentionPolicy {
  const kept = policyJson(before);
  const { rules = kept.rules, maxBytes = kept.maxBytes, ...unknown } = objectOf(body, 'the body');
  const [surplus] = Object.keys(unknown);
  if (surplus !== undefined)
    throw invalid(`unknown field ${JSON.stringify(surplus)}; known: rules, maxBytes`);
  if (!Array.isArray(rules)) throw invalid('rules is a list of {"query","maxAge"}');
  if (maxBytes !== null && !(Number.isSafeInteger(maxBytes) && Number(maxBytes) > 0)) {
    throw invalid('maxBytes is a number of bytes from 1, or null for no bound');
  }
  return { rules: rules.map(ruleOf), maxBytes: maxBytes === null ? undefined : Number(maxBytes) };
}

function ruleOf(rule: unknown): RetentionPolicy['rules'][number] {
  const { query, maxAge } = objectOf(rule, 'a rule');
  if (typeof query !== 'string' || typeof maxAge !== 'string') {
    throw invalid('a rule is {"query":"{ status = error }","maxAge":"30d"}');
  }
  const maxAgeMs = parseAge(maxAge);
  if (maxAgeMs === undefined)
    throw invalid(`maxAge is an age such as 30d or 36h, not ${JSON.stringify(maxAge)}`);
  return { query, maxAgeMs };
}

async function jsonBody(request: Request): Promise<unknown> {
  const text = new TextDecoder().decode(await readSmallBody(request, MAX_JSON_BYTES));
  try {
    return JSON.parse(text);
  } catch {
    throw invalid('the body is no JSON');
  }
}

function objectOf(value: unknown, what: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw invalid(`${what} is no JSON object`);
}

async function pins({ store, projectId }: ApiCall): Promise<Response> {
  return json({ pins: store.pinnedTraces(projectId) });
}

async function pin({ store, projectId, actor, path, params }: ApiCall): Promise<Response> {
  const traceId = traceIdOf(path.traceId);
  const { spans } = await store.trace(projectId, traceId);
  if (spans.length === 0) throw new HttpError(404, 'not_found', `no trace ${traceId}`);
  const before = store.pinnedTraces(projectId).find((pinned) => pinned.traceId === traceId);
  store.pinTrace(projectId, traceId, params.get('note') ?? before?.note ?? '', actor);
  return json({ traceId, pinned: true });
}

async function unpin({ store, projectId, actor, path }: ApiCall): Promise<Response> {
  const traceId = traceIdOf(path.traceId);
  store.unpinTrace(projectId, traceId, actor);
  return json({ traceId, pinned: false });
}

async function deleteTrace({ store, projectId, actor, path }: ApiCall): Promise<Response> {
  return json(await store.deleteTrace(projectId, traceIdOf(path.traceId), actor));
}

/** What to delete must be said: a script whose variable was empty must not delete everything. */
async function deleteSpans({ store, projectId, actor, params }: ApiCall): Promise<Response> {
  if (!FILTER_PARAMS.some((name) => (params.get(name) ?? '').trim() !== '')) {
    throw invalid('say what to delete, as q={resource.service.name="x"}; q={} is everything');
  }
  const range = rangeOf(params, nowUnixNano());
  return json(await store.deleteSpans(projectId, queryOf(params), range, actor));
}

const AUDIT_LIMIT = 100;

async function audit({ store, projectId, params }: ApiCall): Promise<Response> {
  const entries = store.audit(projectId, limitOf(params, AUDIT_LIMIT));
  return json({ entries: entries.map(auditJson) });
}

function auditJson({ at, projectId: _projectId, ...entry }: AuditEntry): object {
  return { ...entry, at: new Date(at).toISOString() };
}
