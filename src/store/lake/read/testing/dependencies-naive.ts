/** Test support: the service graph by its definition, span by span. */
import type { Span } from '../../../../span/span.ts';
import type { Dependency, TimeRange } from '../../../span-store.ts';

const MARGIN = 60_000_000_000n;

interface Call {
  readonly client: string;
  readonly server: string;
  readonly connectionType: Dependency['connectionType'];
  readonly isError: boolean;
  readonly durationNano: bigint;
}

/** Of spans of which none came twice. */
export function naiveDependencies(spans: readonly Span[], range: TimeRange): Dependency[] {
  const isWithin = ({ startTimeUnixNano: start }: Span, margin: bigint) =>
    start >= range.startUnixNano - margin && start < range.endUnixNano + margin;
  const near = spans.filter((span) => span.serviceName !== '' && isWithin(span, MARGIN));
  const calls: Call[] = [];
  const answered = new Set<Span>();
  for (const child of near) {
    const parent = near.find(
      (other) => other !== child && other.traceId === child.traceId && other.spanId === child.parentSpanId,
    );
    if (parent === undefined || parent.serviceName === child.serviceName) continue;
    answered.add(parent);
    if (!isWithin(child, 0n)) continue;
    const sides = isCaller(parent) ? [parent, child] : [child];
    calls.push({
      client: parent.serviceName,
      server: child.serviceName,
      connectionType: [parent.kind, child.kind].some((kind) => kind > 3) ? 'messaging_system' : '',
      isError: sides.some(({ statusCode }) => statusCode === 2),
      durationNano: sides[0].durationNano,
    });
  }
  for (const span of near) {
    const peer = peerOf(span);
    if (answered.has(span) || !isCaller(span) || !isWithin(span, 0n) || peer === undefined) continue;
    const { serviceName: client, durationNano } = span;
    calls.push({
      client,
      server: peer[1],
      connectionType: peer[0],
      isError: span.statusCode === 2,
      durationNano,
    });
  }
  return summed(calls);
}

function isCaller({ kind }: Span): boolean {
  return kind === 3 || kind === 4;
}

function peerOf({ attributes }: Span): [Dependency['connectionType'], string] | undefined {
  const text = (key: string) => {
    const value = attributes.find((attribute) => attribute.key === key)?.value;
    return value?.type === 'string' ? value.value : '';
  };
  const word = (key: string) => (/^\d+$/.test(text(key)) ? '' : text(key));
  const database = word('db.namespace') || word('db.name') || text('db.system.name') || text('db.system');
  if (database) return ['database', database];
  const queue = text('messaging.destination.name') || text('messaging.system');
  if (queue) return ['messaging_system', queue];
  const node = text('peer.service') || text('server.address') || text('net.peer.name');
  return node ? ['virtual_node', node] : undefined;
}

function summed(calls: readonly Call[]): Dependency[] {
  const groups = Map.groupBy(calls, ({ client, server, connectionType }) =>
    JSON.stringify([client, server, connectionType]),
  );
  const found = [...groups.values()].map((group): Dependency => {
    const [{ client, server, connectionType }] = group;
    const sorted = group.map(({ durationNano }) => durationNano).sort((a, b) => Number(a - b));
    const at = (q: number) => {
      const value = sorted[Math.ceil(q * sorted.length) - 1];
      return value < 0n ? (sorted.at(-1)! < 0n ? sorted.at(-1)! : 0n) : value;
    };
    return {
      client,
      server,
      connectionType,
      calls: group.length,
      errors: group.filter(({ isError }) => isError).length,
      p50Nano: at(0.5),
      p95Nano: at(0.95),
      p99Nano: at(0.99),
    };
  });
  const order = ({ client, server, connectionType }: Dependency) => `${client}\n${server}\n${connectionType}`;
  return found.sort((a, b) => b.calls - a.calls || (order(a) < order(b) ? -1 : 1));
}
