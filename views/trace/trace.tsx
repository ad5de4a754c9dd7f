/** One trace: its header, what is wrong with it, one of its views, and the open span. */
import { Html } from '@elysiajs/html';
import type { Children } from '@kitajs/html';
import type { LinkTemplate } from '../../src/trace/link-templates.ts';
import type { TraceTree } from '../../src/trace/tree.ts';
import { Layout } from '../layout.tsx';
import type { Shell } from '../layout.tsx';
import { CoverageLine } from '../shared/parts.tsx';
import { SpanPanel } from './span-panel.tsx';
import { TraceHead } from './trace-head.tsx';
import type { Keeping } from './trace-head.tsx';
import { Notices } from './trace-notices.tsx';
import type { TraceCauses } from './trace-notices.tsx';
import type { TraceState } from './trace-state.ts';
import { ViewNav } from './view-nav.tsx';

export interface TracePageProps {
  readonly shell: Shell;
  readonly now: bigint;
  readonly state: TraceState;
  readonly tree: TraceTree;
  readonly causes: TraceCauses;
  readonly keeping: Keeping;
  readonly baseUrl: string;
  readonly templates?: readonly LinkTemplate[];
  /** The view. */
  readonly children?: Children;
}

export function TracePage(props: TracePageProps): JSX.Element {
  const { tree, state, now, causes } = props;
  const root = tree.roots[0];
  const title = root ? `${root.span.serviceName} ${root.span.name}` : state.traceId;
  return (
    <Layout shell={props.shell} title={title} current="search">
      <TraceHead tree={tree} state={state} now={now} keeping={props.keeping} baseUrl={props.baseUrl} />
      <Notices tree={tree} state={state} now={now} causes={causes} />
      <ViewNav state={state} />
      <div id="trace-body" class="trace-body">
        {props.children}
        <SelectedSpan tree={tree} state={state} templates={props.templates} />
      </div>
      <CoverageLine coverage={causes.coverage} />
    </Layout>
  );
}

export interface SelectedProps {
  readonly tree: TraceTree;
  readonly state: TraceState;
  readonly templates?: readonly LinkTemplate[];
}

/** The panel alone is what a click on a row asks for. */
export function SelectedSpan({ tree, state, templates }: SelectedProps): JSX.Element {
  const nodes = state.span === '' ? [] : tree.nodes.filter((node) => node.span.spanId === state.span);
  return <SpanPanel state={state} nodes={nodes} tree={tree} templates={templates} />;
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
          <a href="/import">Import it from a file</a>
          {storeIsEmpty ? <a href="/start">Send the first span</a> : ''}
        </p>
      </div>
    </Layout>
  );
}
