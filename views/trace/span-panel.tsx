/** Everything that is known of one span, beside the waterfall. */
import { Html } from '@elysiajs/html';
import type { Children } from '@kitajs/html';
import type { Span, SpanEvent, SpanLink } from '../../src/span/span.ts';
import { isError } from '../../src/trace/tree.ts';
import { AttributesTable } from '../shared/attributes.tsx';
import { attr, formatCount, formatDuration, formatTime, kindName, statusName } from '../format.ts';
import { Icon } from '../icons.tsx';
import { CopyButton } from '../layout.tsx';
import { kindHref, statusHref } from '../shared/query-links.ts';
import { ServiceName, SpanName } from '../shared/parts.tsx';
import { traceHref } from './trace-state.ts';
import type { TraceState } from './trace-state.ts';

export interface SpanPanelProps {
  readonly state: TraceState;
  /** The spans with the id that the address names: two where client and server share one. */
  readonly spans: readonly Span[];
  readonly traceStartUnixNano: bigint;
}

export function SpanPanel({ state, spans, traceStartUnixNano }: SpanPanelProps): JSX.Element {
  if (state.span === '') return <aside id="span-panel" class="span-panel" aria-label="Span"></aside>;
  const close = attr(traceHref(state, { span: '' }));
  return (
    <aside id="span-panel" class="span-panel is-open" aria-label="Span">
      <a
        class="quiet panel-close"
        href={close}
        hx-get={close}
        hx-target="#span-panel"
        hx-push-url="true"
        aria-label="Close the span"
        title="Close (Esc)"
        data-close
      >
        <Icon name="close" />
      </a>
      {spans.length === 0 ? (
        <p class="note" safe>{`No span ${state.span} in this trace.`}</p>
      ) : (
        spans.map((span) => <SpanDetails span={span} state={state} traceStartUnixNano={traceStartUnixNano} />)
      )}
    </aside>
  );
}

interface DetailsProps {
  readonly span: Span;
  readonly state: TraceState;
  readonly traceStartUnixNano: bigint;
}

function SpanDetails({ span, state, traceStartUnixNano }: DetailsProps): JSX.Element {
  return (
    <article>
      <header class="panel-head">
        <ServiceName name={span.serviceName} />
        <h2>
          <SpanName name={span.name} />
        </h2>
      </header>
      <Status span={span} />
      <Facts span={span} state={state} traceStartUnixNano={traceStartUnixNano} />
      <Section title="Attributes" count={span.attributes.length} open>
        <AttributesTable
          label="Attributes of the span"
          scope="span"
          attributes={span.attributes}
          droppedCount={span.droppedAttributesCount}
        />
      </Section>
      {span.events.length + span.droppedEventsCount > 0 ? <Events span={span} /> : ''}
      {span.links.length + span.droppedLinksCount > 0 ? <Links span={span} /> : ''}
      <Section title="Resource" count={span.resource.attributes.length} open>
        <AttributesTable
          label="Attributes of the resource"
          scope="resource"
          attributes={span.resource.attributes}
          droppedCount={span.resource.droppedAttributesCount}
        />
        <Named name="Schema" value={span.resource.schemaUrl} />
      </Section>
      <ScopeSection span={span} />
    </article>
  );
}

function Status({ span }: { span: Span }): JSX.Element {
  if (!isError(span)) {
    if (span.statusMessage === '') return <></>;
    return (
      <p class="note data" safe>
        {span.statusMessage}
      </p>
    );
  }
  return (
    <p class="status-error">
      <Icon name="error" />
      {span.statusMessage === '' ? (
        'Error, without a message'
      ) : (
        <bdi class="data" safe>
          {span.statusMessage}
        </bdi>
      )}
    </p>
  );
}

function Facts({ span, state, traceStartUnixNano }: DetailsProps): JSX.Element {
  const offset = span.startTimeUnixNano - traceStartUnixNano;
  const parent = span.parentSpanId;
  return (
    <dl class="facts">
      <Fact term="Duration">
        <span class="num" safe>
          {formatDuration(span.durationNano)}
        </span>
        {span.durationNano < 0n ? (
          <span class="warning">ends before it starts: the sender’s clock moved</span>
        ) : (
          ''
        )}
      </Fact>
      <Fact term="Start">
        <span class="num" safe>
          {formatTime(span.startTimeUnixNano, 9)}
        </span>
        <span class="none" safe>{`${formatDuration(offset)} into the trace`}</span>
      </Fact>
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
      <Fact term="Span id">
        <code safe>{span.spanId}</code>
        <CopyButton text={span.spanId} label="Copy the span id" />
      </Fact>
      {parent === '' ? (
        ''
      ) : (
        <Fact term="Parent id">
          <a href={attr(traceHref(state, { span: parent }))}>
            <code safe>{parent}</code>
          </a>
        </Fact>
      )}
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

function Fact({ term, children }: { term: string; children?: Children }): JSX.Element {
  return (
    <div>
      <dt safe>{term}</dt>
      <dd>{children}</dd>
    </div>
  );
}

interface SectionProps {
  readonly title: string;
  readonly count: number;
  readonly open?: boolean;
  readonly children?: Children;
}

function Section({ title, count, open, children }: SectionProps): JSX.Element {
  return (
    <details class="section" open={open}>
      <summary>
        <h3>
          <span safe>{title}</span>
          <span class="count num" safe>
            {formatCount(count)}
          </span>
        </h3>
      </summary>
      {children}
    </details>
  );
}

function Events({ span }: { span: Span }): JSX.Element {
  return (
    <Section title="Events" count={span.events.length} open>
      {span.events.map((event) => (
        <EventView event={event} span={span} />
      ))}
      <Dropped count={span.droppedEventsCount} what="events" />
    </Section>
  );
}

function EventView({ event, span }: { event: SpanEvent; span: Span }): JSX.Element {
  const offset = formatDuration(event.timeUnixNano - span.startTimeUnixNano);
  return (
    <section class={event.name === 'exception' ? 'event is-exception' : 'event'}>
      <h4>
        <SpanName name={event.name} />
        <time class="num" title={formatTime(event.timeUnixNano, 9)} safe>
          {offset}
        </time>
      </h4>
      <AttributesTable
        label="Attributes of the event"
        scope="event"
        attributes={event.attributes}
        droppedCount={event.droppedAttributesCount}
      />
    </section>
  );
}

function Links({ span }: { span: Span }): JSX.Element {
  return (
    <Section title="Links" count={span.links.length} open>
      {span.links.map((link) => (
        <LinkView link={link} />
      ))}
      <Dropped count={span.droppedLinksCount} what="links" />
    </Section>
  );
}

function LinkView({ link }: { link: SpanLink }): JSX.Element {
  return (
    <section class="event">
      <h4>
        <Icon name="link" />
        <a href={attr(`/traces/${link.traceId}?span=${link.spanId}`)}>
          <code safe>{`${link.traceId.slice(0, 8)}… / ${link.spanId}`}</code>
        </a>
        <CopyButton text={link.traceId} label="Copy the trace id of the link" />
      </h4>
      <Named name="Trace state" value={link.traceState} />
      <AttributesTable
        label="Attributes of the link"
        scope="link"
        attributes={link.attributes}
        droppedCount={link.droppedAttributesCount}
      />
    </section>
  );
}

function Dropped({ count, what }: { count: number; what: string }): JSX.Element {
  if (count === 0) return <></>;
  return <p class="note" safe>{`${formatCount(count)} more ${what} dropped by the sender`}</p>;
}

function ScopeSection({ span }: { span: Span }): JSX.Element {
  const { scope } = span;
  return (
    <Section title="Instrumentation scope" count={scope.attributes.length}>
      <Named name="Name" value={scope.name} />
      <Named name="Version" value={scope.version} />
      <AttributesTable
        label="Attributes of the scope"
        scope="instrumentation"
        attributes={scope.attributes}
        droppedCount={scope.droppedAttributesCount}
      />
      <Named name="Schema" value={scope.schemaUrl} />
    </Section>
  );
}

function Named({ name, value }: { name: string; value: string }): JSX.Element {
  if (value === '') return <></>;
  return (
    <p class="named">
      <span class="none" safe>
        {name}
      </span>
      <bdi class="data" safe>
        {value}
      </bdi>
    </p>
  );
}
