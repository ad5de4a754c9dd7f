/** What the list and the page of an error share. */
import { Html } from '@elysiajs/html';
import type { Children } from '@kitajs/html';
import type { ErrorGroup } from '../../src/trace/error-groups.ts';
import { Icon } from '../icons.tsx';

/** A list shows the beginning; the group's own page has all. */
const SHOWN_CHARS = 240;

/** Type, message without what differs each time, and place. */
/** `children` stand behind the type. */
export function ErrorTitle({ group, children }: { group: ErrorGroup; children?: Children }): JSX.Element {
  const { type, pattern, frame } = group;
  return (
    <span class="error-title">
      <span class="error error-type">
        <Icon name="error" />
        <bdi class="data" safe>
          {typeText(group)}
        </bdi>
        {children}
      </span>
      {type === '' || pattern === '' ? (
        ''
      ) : (
        <bdi class="data error-message" safe>
          {cut(pattern)}
        </bdi>
      )}
      {frame !== '' ? (
        <code class="data error-frame" safe>
          {`at ${frame}`}
        </code>
      ) : group.kind === 'status' ? (
        <code class="data error-frame" safe>
          {`in ${cut(group.operations[0]?.name || 'unnamed')}, no exception recorded`}
        </code>
      ) : (
        ''
      )}
    </span>
  );
}

/** What it is called where one text has to do. */
export function typeText({ type, pattern }: ErrorGroup): string {
  return cut(type || pattern || 'Failed without a message');
}

function cut(text: string): string {
  return text.length > SHOWN_CHARS ? `${text.slice(0, SHOWN_CHARS)}…` : text;
}
