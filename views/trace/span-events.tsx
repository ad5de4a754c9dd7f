/** A span's events: exceptions first, then all of them along its time. */
import { Html } from '@elysiajs/html';
import type { Span, SpanEvent } from '../../src/span/span.ts';
import { valueText } from '../../src/span/value.ts';
import { formatCount, formatDuration, formatTime, plural } from '../format.ts';
import { Icon } from '../icons.tsx';
import { CopyButton } from '../layout.tsx';
import { AttributesTable } from '../shared/attributes.tsx';
import { PlainText, StackTrace } from '../shared/attribute-value.tsx';
import { SpanName } from '../shared/parts.tsx';

/** A span with 10,000 events would be a page of megabytes. */
const EVENTS_SHOWN = 100;
const MAX_MARKS = 200;

export function exceptionsOf(span: Span): SpanEvent[] {
  return span.events.filter((event) => event.name === 'exception');
}

/** Type, message and stack of what went wrong, above everything else. */
export function Exceptions({ span }: { span: Span }): JSX.Element {
  const exceptions = exceptionsOf(span);
  return (
    <>
      {exceptions.slice(0, EXCEPTIONS_SHOWN).map((event) => (
        <Exception event={event} />
      ))}
      {exceptions.length > EXCEPTIONS_SHOWN ? (
        <p class="note" safe>
          {`${plural(exceptions.length - EXCEPTIONS_SHOWN, 'more exception')} among the events below`}
        </p>
      ) : (
        ''
      )}
    </>
  );
}

const EXCEPTIONS_SHOWN = 3;

function Exception({ event }: { event: SpanEvent }): JSX.Element {
  const type = textOf(event, 'exception.type');
  const message = textOf(event, 'exception.message');
  const stack = textOf(event, 'exception.stacktrace');
  return (
    <section class="exception" aria-label="Exception">
      <h3>
        <Icon name="error" />
        <bdi class="data" safe>
          {type === '' ? 'Exception' : type}
        </bdi>
      </h3>
      {message === '' ? '' : <PlainText text={message} />}
      {stack === '' ? (
        ''
      ) : (
        <details open>
          <summary class="note">Stack trace</summary>
          <CopyButton text={stack} label="Copy the stack trace" />
          <StackTrace text={stack.slice(0, MAX_STACK_CHARS)} />
        </details>
      )}
    </section>
  );
}

const MAX_STACK_CHARS = 65_536;

function textOf(event: SpanEvent, key: string): string {
  const found = event.attributes.find((attribute) => attribute.key === key);
  return found ? valueText(found.value) : '';
}

export function Events({ span }: { span: Span }): JSX.Element {
  const events = span.events.toSorted((a, b) =>
    a.timeUnixNano < b.timeUnixNano ? -1 : a.timeUnixNano > b.timeUnixNano ? 1 : 0,
  );
  return (
    <>
      <TimeLine span={span} events={events} />
      <ol class="events">
        {events.slice(0, EVENTS_SHOWN).map((event) => (
          <EventView event={event} span={span} />
        ))}
      </ol>
      {events.length > EVENTS_SHOWN ? (
        <p class="note" safe>
          {`The first ${EVENTS_SHOWN} of ${formatCount(events.length)} events; the download has all.`}
        </p>
      ) : (
        ''
      )}
    </>
  );
}

/** Where the events lie between the span's start and end. */
function TimeLine({ span, events }: { span: Span; events: readonly SpanEvent[] }): JSX.Element {
  if (span.durationNano <= 0n || events.length === 0) return <></>;
  const place = (event: SpanEvent): string => {
    const share = Number(event.timeUnixNano - span.startTimeUnixNano) / Number(span.durationNano);
    return `${(Math.min(1, Math.max(0, share)) * 100).toFixed(2)}%`;
  };
  return (
    <svg class="event-line" width="100%" height="16" aria-hidden="true">
      <rect y="6" width="100%" height="4" rx="2" />
      {events.slice(0, MAX_MARKS).map((event) => (
        <circle
          class={event.name === 'exception' ? 'is-exception' : undefined}
          cx={place(event)}
          cy="8"
          r="4"
        />
      ))}
    </svg>
  );
}

function EventView({ event, span }: { event: SpanEvent; span: Span }): JSX.Element {
  const offset = event.timeUnixNano - span.startTimeUnixNano;
  const outside = offset < 0n || offset > span.durationNano;
  // The stack stands above, with its exception.
  const isAbove = exceptionsOf(span).slice(0, EXCEPTIONS_SHOWN).includes(event);
  const attributes = isAbove
    ? event.attributes.filter(({ key }) => key !== 'exception.stacktrace')
    : event.attributes;
  return (
    <li class={event.name === 'exception' ? 'event is-exception' : 'event'}>
      <h4>
        <SpanName name={event.name} />
        <time class="num" title={formatTime(event.timeUnixNano, 9)} safe>
          {`${offset < 0n ? '' : '+'}${formatDuration(offset)}`}
        </time>
        {outside ? <span class="warning">outside of the span’s time</span> : ''}
      </h4>
      {attributes.length + event.droppedAttributesCount === 0 ? (
        ''
      ) : (
        <AttributesTable
          label="Attributes of the event"
          scope="event"
          attributes={attributes}
          droppedCount={event.droppedAttributesCount}
        />
      )}
    </li>
  );
}
