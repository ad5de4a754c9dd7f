/** Calls between services, and to what sends no spans: what each end is, and the traces behind an edge. Pure. */
import type { Dependency } from '../../src/store/span-store.ts';
import type { FieldExpression } from '../../src/traceql/ast.ts';
import { and, comparison, field, intrinsic, or } from '../../src/traceql/build.ts';
import { printExpression } from '../../src/traceql/print.ts';
import { missing } from '../shared/query-links.ts';

/** `database`, `queue` and `external` send no spans: they are known by what their clients say. */
export type EndKind = 'service' | 'database' | 'queue' | 'external';

export interface End {
  readonly kind: EndKind;
  readonly name: string;
}

export interface Call extends Dependency {
  readonly from: End;
  readonly to: End;
}

/** `services`: those that send spans. A database may have the name of one. */
export function callsOf(dependencies: readonly Dependency[], services: ReadonlySet<string>): Call[] {
  return dependencies
    .map((one) => ({
      ...one,
      from: { kind: 'service' as const, name: one.client },
      to: { kind: serverKind(one, services), name: one.server },
    }))
    .toSorted(byCalls);
}

/** The busiest first; the same order on every load. */
function byCalls(a: Call, b: Call): number {
  if (a.calls !== b.calls) return b.calls - a.calls;
  const [keyA, keyB] = [callKey(a), callKey(b)];
  return keyA < keyB ? -1 : keyA > keyB ? 1 : 0;
}

function serverKind({ connectionType, server }: Dependency, services: ReadonlySet<string>): EndKind {
  switch (connectionType) {
    case '':
      return 'service';
    case 'database':
      return 'database';
    case 'messaging_system':
      return services.has(server) ? 'service' : 'queue';
    case 'virtual_node':
      return 'external';
  }
}

export function endKey({ kind, name }: End): string {
  return `${kind}\0${name}`;
}

export function callKey({ from, to, connectionType }: Call): string {
  return `${endKey(from)}\0${endKey(to)}\0${connectionType}`;
}

/** How the call is made, in a word. */
export function callWord({ to, connectionType }: Call): string {
  if (to.kind === 'service') return connectionType === 'messaging_system' ? 'message' : 'request';
  return END_WORDS[to.kind];
}

export const END_WORDS: Readonly<Record<EndKind, string>> = {
  service: 'service',
  database: 'database',
  queue: 'queue',
  external: 'external',
};

export interface CallFilter {
  readonly errorsOnly?: boolean;
  /** Nanoseconds. */
  readonly minDuration?: bigint;
}

/** A longer address fails in too many proxies. */
const MAX_QUERY_LENGTH = 1500;

/** The traces behind a figure of a call; '' when it would be too long for an address. */
export function callHref(call: Call, filter: CallFilter, params: Readonly<Record<string, string>>): string {
  const q = callQuery(call, filter);
  if (q.length > MAX_QUERY_LENGTH) return '';
  const all = new URLSearchParams({ q, ...params });
  if (filter.minDuration !== undefined) all.set('order', 'slowest');
  return `/search?${all}`;
}

const ERROR = comparison(intrinsic('span:status'), '=', { type: 'status', value: 'error' });

export function callQuery(call: Call, { errorsOnly, minDuration }: CallFilter = {}): string {
  const slow =
    minDuration === undefined
      ? null
      : comparison(intrinsic('span:duration'), '>=', { type: 'duration', value: minDuration });
  const client = and(ofService(call.client), slow);
  if (call.to.kind !== 'service') {
    return selector(and(client, peer(call), errorsOnly ? ERROR : null));
  }
  const server = ofService(call.server);
  if (!errorsOnly) return `${selector(client)} > ${selector(server)}`;
  // Either end may be the one that saw it fail.
  const seenByClient = `(${selector(and(client, ERROR))} > ${selector(server)})`;
  return `${seenByClient} || (${selector(client)} > ${selector(and(server, ERROR))})`;
}

function selector(condition: FieldExpression | null): string {
  return condition === null ? '{}' : `{ ${printExpression(condition)} }`;
}

function ofService(name: string): FieldExpression {
  const service = field('resource', 'service.name');
  return name === '' ? missing(service) : comparison(service, '=', name);
}

/** By the attributes that name it; clients of today and before. */
function peer({ to, server }: Call): FieldExpression | null {
  const named = (...keys: readonly string[]): FieldExpression | null =>
    or(...keys.map((key) => comparison(field('span', key), '=', server)));
  switch (to.kind) {
    case 'service':
      return null;
    case 'database':
      return named('db.namespace', 'db.name', 'db.system.name', 'db.system');
    case 'queue':
      return named('messaging.destination.name', 'messaging.system');
    case 'external':
      return named('peer.service', 'server.address', 'net.peer.name');
  }
}
