/** Which time a page is about: the usual ranges as links, and any other by a form. */
import { Html } from '@elysiajs/html';
import { attr } from '../format.ts';
import { Icon } from '../icons.tsx';
import { RANGES } from '../search/search-state.ts';
import { LinkChoice } from './parts.tsx';
import type { RangeFields } from './range-fields.ts';

export interface TimeRangeProps {
  readonly range: RangeFields;
  /** The page's address with another range. */
  readonly hrefOf: (range: RangeFields) => string;
  /** Why what was typed is no range; '' when it is one. */
  readonly problem: string;
  /** It comes beside what htmx asked for, and takes the place of the one that is shown. */
  readonly beside?: boolean;
}

export function TimeRange({ range, hrefOf, problem, beside }: TimeRangeProps): JSX.Element {
  const custom = range.since === '';
  // A form drops the query of its address: what else stands in it goes along as fields.
  const [path, query = ''] = hrefOf({ since: '', start: '', end: '' }).split('?');
  return (
    <div id="time-range" class="time-range" hx-swap-oob={beside ? 'outerHTML' : undefined}>
      <LinkChoice
        label="Time range"
        choices={RANGES.map(({ id, label }) => ({
          text: label,
          href: hrefOf({ since: id, start: '', end: '' }),
          current: range.since === id,
        }))}
      />
      <details class="time-range-custom" open={custom || problem !== ''}>
        <summary>Custom</summary>
        <form action={attr(path)} method="get" aria-label="Time range by clock, UTC">
          {[...new URLSearchParams(query)].map(([name, value]) => (
            <input type="hidden" name={attr(name)} value={attr(value)} />
          ))}
          <ClockField name="start" label="From (UTC)" value={range.start} placeholder="2026-01-31 12:00" />
          <ClockField name="end" label="To (UTC)" value={range.end} placeholder="now" />
          <button class="button is-quiet">Apply</button>
        </form>
      </details>
      {problem === '' ? (
        ''
      ) : (
        <p class="status-error" role="alert">
          <Icon name="error" />
          <span safe>{problem}</span>
        </p>
      )}
    </div>
  );
}

function ClockField(props: {
  name: 'start' | 'end';
  label: string;
  value: string;
  placeholder: string;
}): JSX.Element {
  return (
    <label>
      <span safe>{props.label}</span>
      <input
        name={props.name}
        type="text"
        value={attr(props.value)}
        placeholder={props.placeholder}
        autocomplete="off"
        autocapitalize="off"
        spellcheck="false"
      />
    </label>
  );
}
