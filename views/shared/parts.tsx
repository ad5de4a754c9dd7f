/** Small parts that several pages show: a service's name, a time, an error count, what a search covered. */
import { Html } from '@elysiajs/html';
import type { Coverage } from '../../src/store/span-store.ts';
import {
  attr,
  formatAgo,
  formatBytes,
  formatClock,
  formatCount,
  formatDate,
  formatMilliseconds,
  formatTime,
  plural,
  serviceClass,
} from '../format.ts';
import * as time from '../../src/span/time.ts';
import { Icon } from '../icons.tsx';

/** A service with its colour. Spans without `service.name` say so. */
export function ServiceName({ name }: { name: string }): JSX.Element {
  return (
    <span class={`service ${serviceClass(name)}`}>
      <i class="dot" aria-hidden="true"></i>
      {name === '' ? (
        <em class="missing">no service.name</em>
      ) : (
        <bdi class="data" safe>
          {name}
        </bdi>
      )}
    </span>
  );
}

/** A span's name; an empty one is legal. */
export function SpanName({ name }: { name: string }): JSX.Element {
  if (name === '') return <em class="missing">unnamed</em>;
  return (
    <bdi class="data span-name" safe>
      {name}
    </bdi>
  );
}

/** The zone that the times around are in; the browser names its own where that was chosen. */
export function Zone(): JSX.Element {
  return <span data-zone="">UTC</span>;
}

/** Date and time of day; the column's heading or the header says the zone, the title says all of it. */
export function StartTime({ unixNano, now }: { unixNano: bigint; now: bigint }): JSX.Element {
  const sameDay = formatDate(unixNano) === formatDate(now);
  return (
    <time
      datetime={time.formatTime(unixNano)}
      title={`${formatTime(unixNano, 9)}, ${formatAgo(unixNano, now)}`}
      data-today={sameDay ? '' : undefined}
      safe
    >
      {sameDay ? formatClock(unixNano) : `${formatDate(unixNano)} ${formatClock(unixNano, 0)}`}
    </time>
  );
}

/** A moment in full, with its zone: `2026-11-23 03:47:09.123 UTC`. */
export function FullTime(props: { unixNano: bigint; digits?: 0 | 3 | 6 | 9 }): JSX.Element {
  return (
    <time class="num" datetime={time.formatTime(props.unixNano)} safe>
      {formatTime(props.unixNano, props.digits ?? 3)}
    </time>
  );
}

/** `3 min ago`, with the moment in the title. */
export function Ago({ unixNano, now }: { unixNano: bigint; now: bigint }): JSX.Element {
  return (
    <time datetime={time.formatTime(unixNano)} title={formatTime(unixNano, 0)} safe>
      {formatAgo(unixNano, now)}
    </time>
  );
}

/** Icon and text, never colour alone. */
export function ErrorCount({ count }: { count: number }): JSX.Element {
  if (count === 0) return <span class="none">0</span>;
  return (
    <span class="error" title={plural(count, 'error')}>
      <Icon name="error" />
      <span safe>{formatCount(count)}</span>
      <span class="hidden-visually">errors</span>
    </span>
  );
}

/** How far an answer goes: complete or not, how much was read, how long it took. */
export function CoverageLine({ coverage }: { coverage: Coverage }): JSX.Element {
  const { scanned, complete, tookMs } = coverage;
  const pruned =
    scanned.prunedFiles + scanned.prunedRowGroups > 0 ? `, ${prunedText(coverage)} skipped unread` : '';
  const place =
    scanned.files === 0
      ? 'in memory scanned'
      : `in ${plural(scanned.files, 'file')} and memory scanned (${formatBytes(scanned.bytes)})`;
  const read = `${plural(scanned.rows, 'row')} ${place}${pruned}`;
  return (
    <p class="coverage">
      {complete === true ? (
        <span title="Every span in this range was considered">Complete</span>
      ) : (
        <span class="warning">
          <Icon name="info" />
          <span safe>{`Incomplete: ${complete.reason}`}</span>
        </span>
      )}
      <span safe>{read}</span>
      <span safe>{formatMilliseconds(tookMs)}</span>
    </p>
  );
}

function prunedText({ scanned }: Coverage): string {
  const parts = [];
  if (scanned.prunedFiles > 0) parts.push(plural(scanned.prunedFiles, 'file'));
  if (scanned.prunedRowGroups > 0) parts.push(plural(scanned.prunedRowGroups, 'row group'));
  return parts.join(' and ');
}

/** A choice among a few values that a URL names, as links: works without JavaScript. */
export function LinkChoice(props: {
  label: string;
  choices: readonly { readonly text: string; readonly href: string; readonly current: boolean }[];
}): JSX.Element {
  return (
    <div class="choice" role="group" aria-label={attr(props.label)}>
      {props.choices.map(({ text, href, current }) => (
        <a href={attr(href)} aria-current={current ? 'true' : undefined} safe>
          {text}
        </a>
      ))}
    </div>
  );
}
