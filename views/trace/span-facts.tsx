/** The figures of a span: when, how long, how much of it itself, whose child. */
import { Html } from '@elysiajs/html';
import type { Children } from '@kitajs/html';
import { selfNano } from '../../src/trace/self-time.ts';
import type { TraceNode, TraceTree } from '../../src/trace/tree.ts';
import { attr, formatCount, formatDuration, formatPercent, kindName, statusName } from '../format.ts';
import { CopyButton } from '../layout.tsx';
import { kindHref, statusHref } from '../shared/query-links.ts';
import { FullTime, SpanName } from '../shared/parts.tsx';
import { traceHref } from './trace-state.ts';
import type { TraceState } from './trace-state.ts';

export interface FactsProps {
  readonly node: TraceNode;
  readonly tree: TraceTree;
  readonly state: TraceState;
}

export function Facts({ node, tree, state }: FactsProps): JSX.Element {
  const { span } = node;
  return (
    <dl class="facts">
      <Times node={node} tree={tree} />
      <Fact term="Kind">
        <a href={attr(kindHref(kindName(span.kind)))} safe>
          {kindName(span.kind)}
        </a>
      </Fact>
      <Fact term="Status">
        <a href={attr(statusHref(statusName(span.statusCode)))} safe>
          {statusName(span.statusCode)}
        </a>
      </Fact>
      <Parent node={node} state={state} />
      {node.children.length > 0 ? (
        <Fact term="Children">
          <span class="num" safe>
            {formatCount(node.children.length)}
          </span>
          {node.descendants > node.children.length ? (
            <span class="none num" safe>{`${formatCount(node.descendants)} spans below`}</span>
          ) : (
            ''
          )}
        </Fact>
      ) : (
        ''
      )}
      <Fact term="Span id">
        <code safe>{span.spanId}</code>
        <CopyButton text={span.spanId} label="Copy the span id" />
      </Fact>
      {span.traceState === '' ? (
        ''
      ) : (
        <Fact term="Trace state">
          <code class="data" safe>
            {span.traceState}
          </code>
        </Fact>
      )}
      {span.flags === 0 ? (
        ''
      ) : (
        <Fact term="Flags">
          <code safe>{`0x${span.flags.toString(16)}`}</code>
        </Fact>
      )}
    </dl>
  );
}

function Times({ node, tree }: { node: TraceNode; tree: TraceTree }): JSX.Element {
  const { span } = node;
  const whole = tree.endUnixNano - tree.startUnixNano;
  const self = selfNano(node);
  return (
    <>
      <Fact term="Duration">
        <span class="num" safe>
          {formatDuration(span.durationNano)}
        </span>
        {span.durationNano < 0n ? (
          <span class="warning">ends before it starts: the sender’s clock moved</span>
        ) : (
          <Share part={span.durationNano} whole={whole} of="of the trace" />
        )}
      </Fact>
      <Fact term="Self time">
        <span class="num" safe>
          {formatDuration(self)}
        </span>
        {node.children.length > 0 ? (
          <Share part={self} whole={span.durationNano} of="of the span" />
        ) : (
          <span class="none">no children</span>
        )}
      </Fact>
      <Fact term="Start">
        <FullTime unixNano={span.startTimeUnixNano} digits={9} />
        <span class="none num" safe>
          {`${formatDuration(span.startTimeUnixNano - tree.startUnixNano)} into the trace`}
        </span>
      </Fact>
    </>
  );
}

function Share({ part, whole, of }: { part: bigint; whole: bigint; of: string }): JSX.Element {
  if (whole <= 0n) return <></>;
  return <span class="none num" safe>{`${formatPercent(Number(part) / Number(whole))} ${of}`}</span>;
}

function Parent({ node, state }: { node: TraceNode; state: TraceState }): JSX.Element {
  const id = node.span.parentSpanId;
  if (node.parent === null) {
    if (id === '') return <></>;
    return (
      <Fact term="Parent id">
        <code safe>{id}</code>
        <span class="warning">
          {node.rootReason === 'cycle' ? 'in a ring of parents' : 'has not arrived'}
        </span>
      </Fact>
    );
  }
  const { span } = node.parent;
  const href = attr(traceHref(state, { span: span.spanId }));
  return (
    <Fact term="Parent">
      <a href={href} hx-get={href} hx-target="#span-panel" hx-push-url="true">
        <SpanName name={span.name} />
      </a>
      <code class="none" safe>
        {span.spanId}
      </code>
    </Fact>
  );
}

function Fact({ term, children }: { term: string; children?: Children }): JSX.Element {
  return (
    <div>
      <dt safe>{term}</dt>
      <dd>{children}</dd>
    </div>
  );
}
