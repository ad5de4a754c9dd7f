/** What a reader should know of a trace before trusting the picture, and why it is so. */
import { Html } from '@elysiajs/html';
import type { Coverage } from '../../src/store/span-store.ts';
import type { AuditEntry } from '../../src/store/store-upkeep.ts';
import { spanEnd } from '../../src/trace/tree.ts';
import type { TraceNode, TraceTree } from '../../src/trace/tree.ts';
import { attr, formatAgo, formatTime, plural } from '../format.ts';
import { Icon } from '../icons.tsx';
import { ServiceName, SpanName } from '../shared/parts.tsx';
import { traceHref } from './trace-state.ts';
import type { TraceState } from './trace-state.ts';

export interface TraceCauses {
  readonly coverage: Coverage;
  /** Removals in the project since the trace began, newest first. */
  readonly removals: readonly AuditEntry[];
  /** Damaged files of the store, which no answer uses. */
  readonly quarantined: number;
}

interface NoticesProps {
  readonly tree: TraceTree;
  readonly state: TraceState;
  readonly now: bigint;
  readonly causes: TraceCauses;
}

export function Notices({ tree, state, now, causes }: NoticesProps): JSX.Element {
  const { coverage } = causes;
  const notices = [];
  if (coverage.complete !== true) {
    const { reason, skipped } = coverage.complete;
    const files = skipped.length > 0 ? ` ${plural(skipped.length, 'file')} left out.` : '';
    notices.push(`Part of the store could not be read: ${reason}.${files}`);
  }
  if (tree.cycleCount > 0) {
    notices.push(
      `${plural(tree.cycleCount, 'ring')} of spans that are each other’s ancestors; cut at the earliest.`,
    );
  }
  if (tree.duplicateCount > 0) {
    notices.push(`${plural(tree.duplicateCount, 'span')} delivered more than once; shown once.`);
  }
  return (
    <>
      {tree.orphanCount > 0 ? <Incomplete tree={tree} state={state} now={now} causes={causes} /> : ''}
      {notices.map((notice) => (
        <p class="notice">
          <Icon name="info" />
          <span safe>{notice}</span>
        </p>
      ))}
    </>
  );
}

/** Exporters send within seconds and try again for minutes. */
const MAY_COME_NANO = 120_000_000_000n;
const SERVICES_SHOWN = 5;

function Incomplete({ tree, state, now, causes }: NoticesProps): JSX.Element {
  const orphans = tree.roots.filter((root) => root.rootReason === 'orphan');
  const parents = new Set(orphans.map(({ span }) => span.parentSpanId));
  const newest = orphans.reduce((last, { span }) => (spanEnd(span) > last ? spanEnd(span) : last), 0n);
  const rootless = tree.roots.every((root) => root.rootReason !== 'root');
  return (
    <details class="notice incomplete">
      <summary>
        <Icon name="info" />
        <span safe>
          {`This trace is incomplete: the parent of ${plural(orphans.length, 'span')} has not arrived${rootless ? ', nor has a root span' : ''}. ${likelyCause(newest, now, causes)}`}
        </span>
      </summary>
      <p safe>{`${plural(parents.size, 'parent')} missing. Without a parent, by service:`}</p>
      <ul>
        {byService(orphans)
          .slice(0, SERVICES_SHOWN)
          .map(([service, members]) => (
            <li>
              <ServiceName name={service} /> <OrphanLink members={members} state={state} />
            </li>
          ))}
      </ul>
      <ul class="causes">
        {otherCauses(causes).map((cause) => (
          <li safe>{cause}</li>
        ))}
      </ul>
    </details>
  );
}

function OrphanLink({ members, state }: { members: readonly TraceNode[]; state: TraceState }): JSX.Element {
  const [{ span }] = members;
  const href = attr(traceHref(state, { span: span.spanId }));
  return (
    <>
      <a href={href}>
        <SpanName name={span.name} />
      </a>
      {members.length > 1 ? <span class="none">{` and ${members.length - 1} more` as 'safe'}</span> : ''}
    </>
  );
}

function byService(orphans: readonly TraceNode[]): [string, TraceNode[]][] {
  const services = new Map<string, TraceNode[]>();
  for (const node of orphans) {
    const members = services.get(node.span.serviceName);
    if (members) members.push(node);
    else services.set(node.span.serviceName, [node]);
  }
  return [...services].sort((a, b) => b[1].length - a[1].length);
}

function likelyCause(newest: bigint, now: bigint, causes: TraceCauses): string {
  if (causes.coverage.complete !== true) return 'Not all of the store could be read.';
  const ago = `The newest of them ended ${formatAgo(newest, now)}`;
  if (newest + MAY_COME_NANO > now) return `${ago}: the rest may still be on its way.`;
  return `${ago}: the rest was lost, not sampled, or its service sends elsewhere.`;
}

function otherCauses({ removals, quarantined }: TraceCauses): string[] {
  const causes = removals.map(
    ({ at, action, spans }) =>
      `Since it began, ${plural(spans, 'span')} of this project were removed (${action}, ${formatTime(BigInt(at) * 1_000_000n, 0)}).`,
  );
  if (quarantined > 0) {
    causes.push(
      `${plural(quarantined, 'damaged file')} of the store set aside: some of its spans may be there.`,
    );
  }
  return causes;
}
