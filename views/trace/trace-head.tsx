/** The head of a trace: root, figures, services, and what can be done with it. */
import { Html } from '@elysiajs/html';
import type { TraceTree } from '../../src/trace/tree.ts';
import { attr, formatCount, formatDuration } from '../format.ts';
import { Icon } from '../icons.tsx';
import { CopyButton } from '../layout.tsx';
import { Ago, ErrorCount, FullTime, ServiceName, SpanName } from '../shared/parts.tsx';
import type { TraceState } from './trace-state.ts';

/** Whether retention leaves the trace alone, and whether this person may change that. */
export interface Keeping {
  readonly pinned: boolean;
  readonly mayChange: boolean;
}

export interface TraceHeadProps {
  readonly tree: TraceTree;
  readonly state: TraceState;
  readonly now: bigint;
  readonly keeping: Keeping;
  /** This server as the browser reaches it. */
  readonly baseUrl: string;
}

export function TraceHead({ tree, state, now, keeping, baseUrl }: TraceHeadProps): JSX.Element {
  const root = tree.roots[0]?.span;
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
          <button
            type="button"
            class="quiet needs-script"
            data-copy={attr(`${baseUrl}/traces/${state.traceId}`)}
            title="Copy a link to this trace"
          >
            <Icon name="link" />
            Copy link
          </button>
          <a
            class="quiet"
            href={`/api/v1/traces/${state.traceId}?format=otlp`}
            download={`${state.traceId}.json`}
          >
            <Icon name="download" />
            OTLP JSON
          </a>
          <CompareForm traceId={state.traceId} />
          <KeepingButtons traceId={state.traceId} keeping={keeping} />
        </div>
      </div>
      <Figures tree={tree} now={now} />
      <Legend tree={tree} />
    </header>
  );
}

/** With a trace that somebody has the id of, or with one that is like it. */
function CompareForm({ traceId }: { traceId: string }): JSX.Element {
  return (
    <details class="compare-with">
      <summary class="quiet" title="Compare with another trace">
        <Icon name="compare" />
        Compare
      </summary>
      <form method="get" action="/compare">
        <input type="hidden" name="a" value={traceId} />
        <label for="compare-b">Compare with trace</label>
        <input
          id="compare-b"
          name="b"
          type="text"
          required
          placeholder="32 hexadecimal digits"
          spellcheck="false"
          autocomplete="off"
        />
        <p class="ways">
          <button class="button">Compare</button>
          <a href={`/compare?a=${traceId}`}>Suggest similar ones</a>
        </p>
      </form>
    </details>
  );
}

function Figures({ tree, now }: { tree: TraceTree; now: bigint }): JSX.Element {
  return (
    <dl class="figures">
      <div>
        <dt>Start</dt>
        <dd>
          <FullTime unixNano={tree.startUnixNano} />
        </dd>
        <dd class="none">
          <Ago unixNano={tree.startUnixNano} now={now} />
        </dd>
      </div>
      <Figure term="Duration" value={formatDuration(tree.endUnixNano - tree.startUnixNano)} />
      <Figure term="Spans" value={formatCount(tree.nodes.length)} />
      <div>
        <dt>Errors</dt>
        <dd class="num">
          <ErrorCount count={tree.errorCount} />
        </dd>
      </div>
      <Figure term="Services" value={formatCount(servicesOf(tree).size)} />
      <Figure term="Depth" value={formatCount(tree.depth)} />
    </dl>
  );
}

function Figure({ term, value }: { term: string; value: string }): JSX.Element {
  return (
    <div>
      <dt safe>{term}</dt>
      <dd class="num" safe>
        {value}
      </dd>
    </div>
  );
}

const MAX_LEGEND = 30;

function Legend({ tree }: { tree: TraceTree }): JSX.Element {
  const services = servicesOf(tree);
  return (
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
  );
}

function servicesOf(tree: TraceTree): Map<string, number> {
  const services = new Map<string, number>();
  for (const { span } of tree.nodes)
    services.set(span.serviceName, (services.get(span.serviceName) ?? 0) + 1);
  return services;
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
