/** Links of a span to others, and of others to it. */
import { Html } from '@elysiajs/html';
import type { Span, SpanLink } from '../../src/span/span.ts';
import type { Coverage } from '../../src/store/span-store.ts';
import { attr, formatCount, formatTime, plural } from '../format.ts';
import { Icon } from '../icons.tsx';
import { CopyButton } from '../layout.tsx';
import { AttributesTable } from '../shared/attributes.tsx';
import { CoverageLine, ServiceName, SpanName } from '../shared/parts.tsx';

const LINKS_SHOWN = 100;

export function Links({ links }: { links: readonly SpanLink[] }): JSX.Element {
  return (
    <>
      {links.slice(0, LINKS_SHOWN).map((link) => (
        <LinkView link={link} />
      ))}
      {links.length > LINKS_SHOWN ? (
        <p class="note" safe>{`The first ${LINKS_SHOWN} of ${formatCount(links.length)} links`}</p>
      ) : (
        ''
      )}
    </>
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
      {link.traceState === '' ? (
        ''
      ) : (
        <p class="named">
          <span class="none">Trace state</span>
          <bdi class="data" safe>
            {link.traceState}
          </bdi>
        </p>
      )}
      {link.attributes.length + link.droppedAttributesCount === 0 ? (
        ''
      ) : (
        <AttributesTable
          label="Attributes of the link"
          scope="link"
          attributes={link.attributes}
          droppedCount={link.droppedAttributesCount}
        />
      )}
    </section>
  );
}

/** Hours in which links back are looked for: a queue delivers after its producer, a retry refers to what was. */
export const LINKED_HOURS_BEFORE = 1;
export const LINKED_HOURS_AFTER = 24;

/** Filled when the panel is in the page; without scripts it is a link to the search. */
export function LinkedFromLater({ span }: { span: Span }): JSX.Element {
  const { traceId, spanId } = span;
  const q = `{ link:traceID = "${traceId}" && link:spanID = "${spanId}" }`;
  return (
    <div
      class="linked-from"
      hx-get={`/traces/${traceId}/links?span=${spanId}`}
      hx-trigger="load"
      hx-target="this"
      hx-swap="innerHTML"
    >
      <a href={attr(`/search?${new URLSearchParams({ q, view: 'spans' })}`)}>Find spans that link here</a>
    </div>
  );
}

export interface LinkedFromProps {
  readonly spans: readonly Span[];
  readonly more: boolean;
  readonly coverage: Coverage;
}

export function LinkedFrom({ spans, more, coverage }: LinkedFromProps): JSX.Element {
  const around = `from ${LINKED_HOURS_BEFORE} h before to ${LINKED_HOURS_AFTER} h after this trace`;
  return (
    <>
      <p class="note" safe>
        {spans.length === 0
          ? `No span links here, ${around}.`
          : `${more ? 'The newest ' : ''}${plural(spans.length, 'span')} ${spans.length === 1 ? 'links' : 'link'} here, ${around}:`}
      </p>
      <ul class="linked">
        {spans.map((span) => (
          <li>
            <a href={attr(`/traces/${span.traceId}?span=${span.spanId}`)}>
              <ServiceName name={span.serviceName} /> <SpanName name={span.name} />
            </a>{' '}
            <time class="none num" safe>
              {formatTime(span.startTimeUnixNano)}
            </time>
          </li>
        ))}
      </ul>
      {coverage.complete === true ? '' : <CoverageLine coverage={coverage} />}
    </>
  );
}
