/** One trace: its header, what is wrong with it, the waterfall and the open span. */
import { Html } from '@elysiajs/html';
import type { Coverage } from '../../src/store/span-store.ts';
import type { TraceTree } from '../../src/trace/tree.ts';
import type { Waterfall } from '../../src/trace/waterfall.ts';
import { formatAgo, formatCount, formatDuration, formatTime, plural } from '../format.ts';
import { Icon } from '../icons.tsx';
import { CopyButton, Layout } from '../layout.tsx';
import type { Shell } from '../layout.tsx';
import { CoverageLine, ErrorCount, ServiceName, SpanName } from '../shared/parts.tsx';
import { SpanPanel } from './span-panel.tsx';
import type { TraceState } from './trace-state.ts';
import { WaterfallView } from './waterfall.tsx';

export interface TracePageProps {
  readonly shell: Shell;
  readonly now: bigint;
  readonly state: TraceState;
  readonly tree: TraceTree;
  readonly waterfall: Waterfall;
  readonly coverage: Coverage;
  readonly keeping: Keeping;
}

/** Whether retention leaves the trace alone, and whether this person may change that. */
export interface Keeping {
  readonly pinned: boolean;
  readonly mayChange: boolean;
}

export function TracePage(props: TracePageProps): JSX.Element {
  const { tree, state, waterfall } = props;
  const root = tree.roots[0];
  const title = root ? `${root.span.serviceName} ${root.span.name}` : state.traceId;
  return (
    <Layout shell={props.shell} title={title} current="search">
      <TraceHead tree={tree} state={state} now={props.now} keeping={props.keeping} />
      <Notices tree={tree} coverage={props.coverage} />
      <div class="trace-body">
        <WaterfallView tree={tree} waterfall={waterfall} state={state} />
        <SelectedSpan tree={tree} state={state} />
      </div>
      <CoverageLine coverage={props.coverage} />
    </Layout>
  );
}

/** The panel alone is what a click on a row asks for. */
export function SelectedSpan({ tree, state }: { tree: TraceTree; state: TraceState }): JSX.Element {
  const spans =
    state.span === '' ? [] : tree.nodes.map((node) => node.span).filter((span) => span.spanId === state.span);
  return <SpanPanel state={state} spans={spans} traceStartUnixNano={tree.startUnixNano} />;
}

interface TraceHeadProps {
  readonly tree: TraceTree;
  readonly state: TraceState;
  readonly now: bigint;
  readonly keeping: Keeping;
}

function TraceHead({ tree, state, now, keeping }: TraceHeadProps): JSX.Element {
  const root = tree.roots[0]?.span;
  const services = servicesOf(tree);
  return (
    <header class="trace-head">
      <div class="trace-title">
        <h1>
          {root ? <ServiceName name={root.serviceName} /> : ''}
          {root ? <SpanName name={root.name} /> : ''}
        </h1>
        <div class="trace-id">
          <span class="none">Trace</span>
          <code safe>{state.traceId}</code>
          <CopyButton text={state.traceId} label="Copy the trace id" />
          <a
            class="quiet"
            href={`/api/v1/traces/${state.traceId}?format=otlp`}
            download={`${state.traceId}.json`}
          >
            <Icon name="download" />
            OTLP JSON
          </a>
          <KeepingButtons traceId={state.traceId} keeping={keeping} />
        </div>
      </div>
      <dl class="figures">
        <Figure
          term="Start"
          value={formatTime(tree.startUnixNano)}
          note={formatAgo(tree.startUnixNano, now)}
        />
        <Figure term="Duration" value={formatDuration(tree.endUnixNano - tree.startUnixNano)} />
        <Figure term="Spans" value={formatCount(tree.nodes.length)} />
        <div>
          <dt>Errors</dt>
          <dd class="num">
            <ErrorCount count={tree.errorCount} />
          </dd>
        </div>
        <Figure term="Services" value={formatCount(services.size)} />
        <Figure term="Depth" value={formatCount(tree.depth)} />
      </dl>
      <ul class="legend" aria-label="Services by spans">
        {[...services]
          .sort((a, b) => b[1] - a[1])
          .slice(0, MAX_LEGEND)
          .map(([name, count]) => (
            <li>
              <ServiceName name={name} />
              <span class="none num" safe>
                {formatCount(count)}
              </span>
            </li>
          ))}
        {services.size > MAX_LEGEND ? (
          <li class="none">{`and ${services.size - MAX_LEGEND} more` as 'safe'}</li>
        ) : (
          ''
        )}
      </ul>
    </header>
  );
}

/** Forms, so that they work without JavaScript; deleting takes a second click. */
function KeepingButtons({ traceId, keeping }: { traceId: string; keeping: Keeping }): JSX.Element {
  const { pinned, mayChange } = keeping;
  if (!mayChange) return pinned ? <span class="badge">Pinned</span> : <></>;
  return (
    <>
      <form method="post" action={`/traces/${traceId}/${pinned ? 'unpin' : 'pin'}`}>
        <button
          class={pinned ? 'quiet is-done' : 'quiet'}
          aria-pressed={pinned ? 'true' : 'false'}
          title={
            pinned ? 'Retention may remove it again' : 'Retention leaves a pinned trace, whatever its age'
          }
        >
          <Icon name="pin" />
          {pinned ? 'Pinned' : 'Pin'}
        </button>
      </form>
      <details class="delete">
        <summary class="quiet" title="Delete this trace">
          <Icon name="delete" />
          Delete
        </summary>
        <form method="post" action={`/traces/${traceId}/delete`}>
          <p>Its spans go from the files. There is no way back.</p>
          <button class="button is-danger">Delete this trace</button>
        </form>
      </details>
    </>
  );
}

const MAX_LEGEND = 30;

function Figure({ term, value, note }: { term: string; value: string; note?: string }): JSX.Element {
  return (
    <div>
      <dt safe>{term}</dt>
      <dd class="num" safe>
        {value}
      </dd>
      {note ? (
        <dd class="none" safe>
          {note}
        </dd>
      ) : (
        ''
      )}
    </div>
  );
}

function servicesOf(tree: TraceTree): Map<string, number> {
  const services = new Map<string, number>();
  for (const { span } of tree.nodes)
    services.set(span.serviceName, (services.get(span.serviceName) ?? 0) + 1);
  return services;
}

/** What a reader should know before trusting the picture. */
function Notices({ tree, coverage }: { tree: TraceTree; coverage: Coverage }): JSX.Element {
  const notices = [];
  if (coverage.complete !== true)
    notices.push(`Part of the store could not be read: ${coverage.complete.reason}.`);
  if (tree.orphanCount > 0) {
    const rootless = tree.roots.every((root) => root.rootReason !== 'root');
    notices.push(
      `This trace is incomplete: the parent of ${plural(tree.orphanCount, 'span')} has not arrived` +
        `${rootless ? ', nor has a root span' : ''}. It may still be on its way, it was not sampled, or a service sends elsewhere.`,
    );
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
      {notices.map((notice) => (
        <p class="notice">
          <Icon name="info" />
          <span safe>{notice}</span>
        </p>
      ))}
    </>
  );
}

export interface UnknownTraceProps {
  readonly shell: Shell;
  readonly traceId: string;
  readonly storeIsEmpty: boolean;
}

export function UnknownTracePage({ shell, traceId, storeIsEmpty }: UnknownTraceProps): JSX.Element {
  return (
    <Layout shell={shell} title="Trace not found" current="search">
      <div class="message-page">
        <h1>No such trace</h1>
        <p>
          No span of trace <code safe>{traceId}</code> is stored in this project.
        </p>
        <ul>
          <li>
            A span is found as soon as its request was answered: the sender may still hold it in its batch.
          </li>
          <li>The trace may not have been sampled, or it was sent to another project or server.</li>
          <li>The id may have been cut: a trace id has 32 hexadecimal digits.</li>
        </ul>
        <p class="ways">
          <a class="button" href={`/traces/${traceId}`}>
            Look again
          </a>
          <a href="/search">Search all traces</a>
          {storeIsEmpty ? <a href="/start">Send the first span</a> : ''}
        </p>
      </div>
    </Layout>
  );
}
