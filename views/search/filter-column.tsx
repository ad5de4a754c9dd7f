/** Beside the results: what the query asks, one condition a line, the facets, and fields to type into. */
import { Html } from '@elysiajs/html';
import { attr } from '../format.ts';
import { Icon } from '../icons.tsx';
import { cut } from './facets.tsx';
import type { Condition } from './facets-links.ts';
import { Hidden } from './hidden-state.tsx';
import { Later } from './later.tsx';
import type { FilterFields } from './query-filters.ts';
import { partHref, searchHref } from './search-state.ts';
import type { SearchState } from './search-state.ts';

export interface FilterColumnProps {
  readonly state: SearchState;
  readonly filters: FilterFields;
  readonly conditions: readonly Condition[];
  /** True where spans can be counted: not for a query that was refused, nor for one that draws figures. */
  readonly counted: boolean;
  /** They are in use, or what was typed was not understood. */
  readonly fieldsOpen: boolean;
}

export function FilterColumn(props: FilterColumnProps): JSX.Element {
  const { state, conditions, filters } = props;
  return (
    <aside class="filters" aria-label="Filters">
      <h2 class="hidden-visually">Filters</h2>
      <Conditions state={state} conditions={conditions} whole={filters.whole} />
      {props.counted ? (
        <Later
          id="facets"
          href={partHref('/search/facets', state)}
          wait="Counting values …"
          link="Count the values of these spans"
        />
      ) : (
        ''
      )}
      <details class="typed-filters" open={props.fieldsOpen}>
        <summary>Type a filter</summary>
        <TypedFilters {...props} />
      </details>
      <details class="typed-filters custom-range" open={state.since === ''}>
        <summary>Time range by clock (UTC)</summary>
        <ClockRange state={state} />
      </details>
    </aside>
  );
}

/** Each with a link that drops it: the query bar says the same as one text. */
function Conditions(props: {
  state: SearchState;
  conditions: readonly Condition[];
  whole: string;
}): JSX.Element {
  const { state, conditions, whole } = props;
  if (whole !== '') {
    return (
      <p class="rest">
        <span class="none">of</span> <code safe>{cut(whole)}</code>
      </p>
    );
  }
  if (conditions.length === 0) return <></>;
  return (
    <div class="conditions" hx-boost:inherited="true">
      <ul aria-label="Conditions">
        {conditions.map(({ text, without }) => (
          <li>
            <code title={attr(cut(text))} safe>
              {cut(text)}
            </code>
            <a
              class="quiet"
              href={attr(searchHref(state, { q: without }))}
              aria-label={attr(`Drop ${cut(text)}`)}
              title="Drop this condition"
            >
              <Icon name="close" />
            </a>
          </li>
        ))}
      </ul>
      {conditions.length > 1 ? <a href={attr(searchHref(state, { q: '' }))}>Drop all</a> : ''}
    </div>
  );
}

const STATUSES = ['error', 'ok', 'unset'];
const KINDS = ['server', 'client', 'producer', 'consumer', 'internal', 'unspecified'];

/** The same query as fields: to type a name that the facets do not show, and without scripts. */
function TypedFilters({ state, filters }: FilterColumnProps): JSX.Element {
  return (
    <form
      class="typed-form"
      action="/search"
      method="get"
      aria-label="Typed filters"
      hx-get="/search"
      hx-trigger="change, submit"
      hx-push-url="true"
    >
      <input type="hidden" name="filters" value="1" />
      <input type="hidden" name="rest" value={attr(filters.rest)} />
      <Hidden state={{ ...state, q: filters.whole, cursor: '' }} />
      <NameField name="service" label="Service" value={filters.service} />
      <NameField name="operation" label="Operation" value={filters.operation} />
      <div class="pair">
        <SelectField name="status" label="Status" value={filters.status} options={STATUSES} />
        <SelectField name="kind" label="Kind" value={filters.kind} options={KINDS} />
      </div>
      <div class="pair">
        <TextField name="minDuration" label="Min duration" value={filters.minDuration} placeholder="100ms" />
        <TextField name="maxDuration" label="Max duration" value={filters.maxDuration} placeholder="2s" />
      </div>
      <fieldset>
        <legend>Attributes</legend>
        {[...filters.attributes, { key: '', value: '' }].map(({ key, value }, i) => (
          <input
            name="attr"
            type="text"
            value={attr(key === '' ? '' : `${key}=${value}`)}
            placeholder="http.route=/cart"
            aria-label={`Attribute ${i + 1}, key=value`}
            autocomplete="off"
            spellcheck="false"
          />
        ))}
      </fieldset>
      <button class="button is-quiet">Apply</button>
    </form>
  );
}

function ClockRange({ state }: { state: SearchState }): JSX.Element {
  return (
    <form
      class="typed-form"
      action="/search"
      method="get"
      aria-label="Time range by clock, UTC"
      hx-get="/search"
      hx-push-url="true"
    >
      <Hidden state={{ ...state, since: '', start: '', end: '', cursor: '' }} />
      <TextField name="start" label="From" value={state.start} placeholder="2026-01-31 12:00" />
      <TextField name="end" label="To" value={state.end} placeholder="now" />
      <button class="button is-quiet">Show this time</button>
    </form>
  );
}

interface TextFieldProps {
  readonly name: string;
  readonly label: string;
  readonly value: string;
  readonly placeholder?: string;
}

export function TextField({ name, label, value, placeholder }: TextFieldProps): JSX.Element {
  return (
    <label class="field">
      <span safe>{label}</span>
      <input
        name={name}
        type="text"
        value={attr(value)}
        placeholder={placeholder}
        autocomplete="off"
        autocapitalize="off"
        spellcheck="false"
      />
    </label>
  );
}

/**
 * Offers the names of the range, asked for when the field gets the focus: a search costs one search.
 * The lists stand outside of the region, which may be swapped while they are on their way.
 */
function NameField({ name, label, value }: { name: string; label: string; value: string }): JSX.Element {
  return (
    <label class="field">
      <span safe>{label}</span>
      <input
        name={name}
        type="text"
        value={attr(value)}
        list={`names-${name}`}
        autocomplete="off"
        autocapitalize="off"
        spellcheck="false"
        hx-get={`/search/names?of=${name}`}
        hx-trigger="focus"
        hx-include="closest form"
        hx-target={`#names-${name}`}
        hx-swap="innerHTML"
        hx-indicator={`#names-${name}`}
      />
    </label>
  );
}

/** The insides of a field’s datalist. */
export function NameOptions({ values }: { values: readonly string[] }): JSX.Element {
  return (
    <>
      {values.map((value) => (
        <option value={attr(value)}></option>
      ))}
    </>
  );
}

interface SelectFieldProps {
  readonly name: string;
  readonly label: string;
  readonly value: string;
  readonly options: readonly string[];
}

function SelectField({ name, label, value, options }: SelectFieldProps): JSX.Element {
  return (
    <label class="field">
      <span safe>{label}</span>
      <select name={name}>
        <option value="">any</option>
        {options.map((option) => (
          <option value={option} selected={option === value} safe>
            {option}
          </option>
        ))}
      </select>
    </label>
  );
}
