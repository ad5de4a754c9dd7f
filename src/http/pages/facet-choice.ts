/** Which attributes are worth a facet: frequent ones that part spans into groups. Pure. */
import type { AttributeKey, FacetsPage } from '../../store/span-store.ts';

/** What people choose by, before what is only frequent. OpenTelemetry's names. */
const PREFERRED = [
  'span.http.route',
  'span.http.response.status_code',
  'span.http.request.method',
  'span.error.type',
  'resource.deployment.environment.name',
  'resource.service.version',
  'span.rpc.method',
  'span.db.system.name',
  'span.db.operation.name',
  'span.messaging.destination.name',
  'span.gen_ai.request.model',
  'span.gen_ai.operation.name',
  'resource.k8s.namespace.name',
  'resource.cloud.region',
  'span.server.address',
  'resource.host.name',
];

/** Names of what differs in nearly every span, or is no choice: ids, texts, stack traces, figures. */
const UNTELLING =
  /(?:^|[._])(?:id|ids|uuid|guid|pid|stacktrace|message|query|text|statement|full|path|body|content|timestamp|time|ms|bytes|size|count|port|tokens)$|^resource\.(?:telemetry|process)\.|^span\.thread\.|[._-]id\b/;

/** Fields to count, as TraceQL writes them: the preferred among the keys first, then by how many spans have them. */
export function candidates(
  keys: readonly AttributeKey[],
  known: ReadonlySet<string>,
  limit: number,
): string[] {
  const rank = (field: string): number => {
    const at = PREFERRED.indexOf(field);
    return at === -1 ? PREFERRED.length : at;
  };
  return keys
    .map(({ scope, key, count }) => ({ field: `${scope}.${key}`, count }))
    .filter(({ field }) => !known.has(field) && isPlain(field) && !UNTELLING.test(field))
    .toSorted((a, b) => rank(a.field) - rank(b.field) || b.count - a.count || (a.field < b.field ? -1 : 1))
    .slice(0, limit)
    .map(({ field }) => field);
}

/** Longer or stranger names stand in the list to pick from; nobody reads them at a glance. */
function isPlain(field: string): boolean {
  return field.length <= 80 && /^[\w.\-/]+$/.test(field);
}

/** True of a field that parts the spans: more than one group, and not nearly as many groups as spans. */
export function isTelling(facet: FacetsPage['facets'][number], count: number): boolean {
  const { distinct, missing } = facet;
  if (distinct === 0) return false;
  const groups = distinct + (missing > 0 ? 1 : 0);
  return groups > 1 && (distinct <= 12 || distinct * 4 <= count - missing);
}
