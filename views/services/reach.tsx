/** What the figures of a page cover: a note where the stored spans don't reach as far back as was asked. */
import { Html } from '@elysiajs/html';
import { formatAgo, formatTime } from '../format.ts';
import { Icon } from '../icons.tsx';

export interface Reach {
  /** Of the oldest stored span; undefined when there is an older one than anything the page shows. */
  readonly oldestUnixNano: bigint | undefined;
  readonly startUnixNano: bigint;
  /** What the figures are compared with; '' without. */
  readonly before: string;
  /** There are spans in that period, and enough of it is stored. */
  readonly hasBefore: boolean;
  readonly now: bigint;
}

export function ReachNote({ reach }: { reach: Reach }): JSX.Element {
  const text = reachText(reach);
  if (text === '') return <></>;
  return (
    <p class="note reach">
      <Icon name="info" />
      <span safe>{text}</span>
    </p>
  );
}

export function reachText({ oldestUnixNano, startUnixNano, before, hasBefore, now }: Reach): string {
  if (before === '') return '';
  if (oldestUnixNano !== undefined && oldestUnixNano > startUnixNano) {
    const from = `${formatTime(oldestUnixNano, 0)} (${formatAgo(oldestUnixNano, now)})`;
    return `The oldest stored span is of ${from}: rates are over the whole range, and nothing is compared.`;
  }
  if (!hasBefore && oldestUnixNano !== undefined && oldestUnixNano < startUnixNano) {
    return `Of ${before} only the time from ${formatTime(oldestUnixNano, 0)} is stored, less than half: nothing is compared.`;
  }
  if (!hasBefore) return `No spans in ${before}: nothing to compare with.`;
  if (oldestUnixNano !== undefined) {
    return `Changes are against ${before}, of which only the time from ${formatTime(oldestUnixNano, 0)} is stored.`;
  }
  return `Changes are against ${before}.`;
}
