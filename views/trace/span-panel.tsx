/** Everything that is known of one span, beside the view that it was chosen in. */
import { Html } from '@elysiajs/html';
import type { Children } from '@kitajs/html';
import type { Span } from '../../src/span/span.ts';
import { fillTemplates } from '../../src/trace/link-templates.ts';
import type { LinkTemplate } from '../../src/trace/link-templates.ts';
import { conversationOf } from '../../src/trace/conversation.ts';
import { isError } from '../../src/trace/tree.ts';
import type { TraceNode, TraceTree } from '../../src/trace/tree.ts';
import { attr, formatCount } from '../format.ts';
import { Icon } from '../icons.tsx';
import { AttributesTable } from '../shared/attributes.tsx';
import { ServiceName, SpanName } from '../shared/parts.tsx';
import { Chat } from './span-chat.tsx';
import { Events, Exceptions } from './span-events.tsx';
import { Facts } from './span-facts.tsx';
import { LinkedFromLater, Links } from './span-links.tsx';
import { traceHref } from './trace-state.ts';
import type { TraceState } from './trace-state.ts';

export interface SpanPanelProps {
  readonly state: TraceState;
  readonly tree: TraceTree;
  /** Those with the id that the address names: two where client and server share one. */
  readonly nodes: readonly TraceNode[];
  /** To logs and dashboards elsewhere. */
  readonly templates?: readonly LinkTemplate[];
}

export function SpanPanel({ state, tree, nodes, templates = [] }: SpanPanelProps): JSX.Element {
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
      {nodes.length === 0 ? (
        <p class="note" safe>{`No span ${state.span} in this trace.`}</p>
      ) : (
        nodes.map((node, place) => (
          <SpanDetails node={node} tree={tree} state={state} place={place} templates={templates} />
        ))
      )}
    </aside>
  );
}

interface DetailsProps {
  readonly node: TraceNode;
  readonly tree: TraceTree;
  readonly state: TraceState;
  readonly place: number;
  readonly templates: readonly LinkTemplate[];
}

function SpanDetails({ node, tree, state, place, templates }: DetailsProps): JSX.Element {
  const { span } = node;
  const conversation = conversationOf(span);
  return (
    <article>
      <header class="panel-head">
        <ServiceName name={span.serviceName} />
        <h2>
          <SpanName name={span.name} />
        </h2>
      </header>
      <Status span={span} />
      <Exceptions span={span} />
      <Facts node={node} tree={tree} state={state} />
      <Elsewhere span={span} templates={templates} />
      {conversation ? (
        <Section title="Gen-AI" count={conversation.messages.length}>
          <Chat conversation={conversation} />
        </Section>
      ) : (
        ''
      )}
      <AttributeSections span={span} place={place} />
      <Section title="Events" count={span.events.length} dropped={span.droppedEventsCount}>
        <Events span={span} />
      </Section>
      <Section title="Links" count={span.links.length} dropped={span.droppedLinksCount} always>
        <Links links={span.links} />
        <LinkedFromLater span={span} />
      </Section>
    </article>
  );
}

function Elsewhere({ span, templates }: { span: Span; templates: readonly LinkTemplate[] }): JSX.Element {
  const links = fillTemplates(templates, span);
  if (links.length === 0) return <></>;
  return (
    <ul class="elsewhere" aria-label="Elsewhere">
      {links.map(({ name, href }) => (
        <li>
          <a href={attr(href)} rel="noreferrer">
            <Icon name="external" /> <bdi safe>{name}</bdi>
          </a>
        </li>
      ))}
    </ul>
  );
}

/** One search over all three groups. */
function AttributeSections({ span, place }: { span: Span; place: number }): JSX.Element {
  const { resource, scope } = span;
  const id = `find-attribute-${place}`;
  return (
    <div class="attribute-groups" data-filter-scope>
      <div class="find-attribute needs-script">
        <label class="hidden-visually" for={id}>
          Find in the attributes
        </label>
        <input id={id} type="text" placeholder="Find in the attributes" data-filter spellcheck="false" />
        <span class="note num" data-filter-count role="status"></span>
      </div>
      <Section title="Attributes" count={span.attributes.length} always>
        <AttributesTable
          label="Attributes of the span"
          scope="span"
          attributes={span.attributes}
          droppedCount={span.droppedAttributesCount}
        />
      </Section>
      <Section title="Resource" count={resource.attributes.length} always>
        <AttributesTable
          label="Attributes of the resource"
          scope="resource"
          attributes={resource.attributes}
          droppedCount={resource.droppedAttributesCount}
        />
        <Named name="Schema" value={resource.schemaUrl} />
      </Section>
      <Section title="Instrumentation scope" count={scope.attributes.length} isOpen={false} always>
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
    </div>
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

interface SectionProps {
  readonly title: string;
  readonly count: number;
  readonly dropped?: number;
  readonly isOpen?: boolean;
  /** Shown without anything in it too. */
  readonly always?: boolean;
  readonly children?: Children;
}

function Section({
  title,
  count,
  dropped = 0,
  isOpen = true,
  always = false,
  children,
}: SectionProps): JSX.Element {
  if (count + dropped === 0 && !always) return <></>;
  return (
    <details class="section" open={isOpen}>
      <summary>
        <h3>
          <span safe>{title}</span>
          <span class="count num" safe>
            {formatCount(count)}
          </span>
        </h3>
      </summary>
      {children}
      {dropped > 0 ? <p class="note" safe>{`${formatCount(dropped)} more dropped by the sender`}</p> : ''}
    </details>
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
