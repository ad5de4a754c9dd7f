/** The spans of a trace as OTLP JSON, laid out, a few at a time; all of them as a download. */
import { Html } from '@elysiajs/html';
import type { TraceTree } from '../../src/trace/tree.ts';
import { Icon } from '../icons.tsx';
import { CopyButton } from '../layout.tsx';
import type { TraceState } from './trace-state.ts';
import { RowsNav } from './view-nav.tsx';
import type { ViewState } from './view-state.ts';

export const JSON_SPANS = 25;

export interface JsonViewProps {
  readonly state: TraceState;
  readonly view: ViewState;
  readonly tree: TraceTree;
  readonly shown: number;
  /** Laid out; cut where one span is longer than anybody reads. */
  readonly text: string;
  readonly cut: boolean;
}

export function JsonView({ state, view, tree, shown, text, cut }: JsonViewProps): JSX.Element {
  const path = `/api/v1/traces/${state.traceId}`;
  return (
    <section id="trace-view" class="trace-view" aria-label="JSON">
      <div class="view-bar">
        <a href={`${path}?format=otlp`} download={`${state.traceId}.json`}>
          <Icon name="download" /> All as OTLP JSON
        </a>
        <a href={path}>As the API answers it</a>
        <CopyButton text={text} label="Copy what is shown" />
      </div>
      <RowsNav state={state} view={view} shown={shown} total={tree.nodes.length} size={JSON_SPANS} />
      {cut ? <p class="note">Cut here: the download has all of it.</p> : ''}
      <pre class="json-text data" tabindex="0" aria-label="Spans as OTLP JSON" safe>
        {text}
      </pre>
      <RowsNav state={state} view={view} shown={shown} total={tree.nodes.length} size={JSON_SPANS} />
    </section>
  );
}
