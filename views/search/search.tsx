/** Search: the query bar and the filters, which show the same query, and what was found. */
import { Html } from '@elysiajs/html';
import type { SpanPage, TracePage } from '../../src/store/span-store.ts';
import { attr } from '../format.ts';
import { Icon } from '../icons.tsx';
import { Layout } from '../layout.tsx';
import type { Shell } from '../layout.tsx';
import type { FilterFields } from './query-filters.ts';
import type { MetricsOutcome } from './metrics.tsx';
import { SearchResults } from './search-results.tsx';
import { searchFields } from './search-state.ts';
import type { SearchState } from './search-state.ts';

export type SearchOutcome =
  | { readonly kind: 'traces'; readonly page: TracePage }
  | { readonly kind: 'spans'; readonly page: SpanPage }
  | MetricsOutcome
  | { readonly kind: 'refused'; readonly message: string; readonly text: string; readonly position?: number };

export interface SearchProps {
  readonly shell: Shell;
  readonly now: bigint;
  readonly state: SearchState;
  readonly filters: FilterFields;
  readonly outcome: SearchOutcome;
}

export function SearchPage(props: SearchProps): JSX.Element {
  return (
    <Layout shell={props.shell} title={props.state.q === '' ? 'Search' : props.state.q} current="search">
      <SearchRegion {...props} />
      <datalist id="names-service"></datalist>
      <datalist id="names-operation"></datalist>
    </Layout>
  );
}

/** Everything that a search changes, in one piece: bar, filters and results never disagree. */
export function SearchRegion(props: SearchProps): JSX.Element {
  return (
    <div
      id="search"
      class="search"
      hx-target:inherited="#search"
      hx-swap:inherited="outerMorph"
      hx-indicator:inherited="#search"
    >
      <h1 class="hidden-visually">Search traces</h1>
      <QueryBar state={props.state} outcome={props.outcome} />
      <div class="search-body">
        <input type="checkbox" id="show-filters" class="filters-switch" />
        <label for="show-filters" class="filters-label">
          Filters
        </label>
        <Filters {...props} />
        <SearchResults {...props} />
      </div>
    </div>
  );
}

function QueryBar({ state, outcome }: { state: SearchState; outcome: SearchOutcome }): JSX.Element {
  const refused = outcome.kind === 'refused';
  return (
    <form class="query-bar" role="search" action="/search" method="get" hx-get="/search" hx-push-url="true">
      <label class="hidden-visually" for="q">
        TraceQL query or trace id
      </label>
      <div class="query-input">
        <Icon name="search" />
        <input
          id="q"
          name="q"
          type="text"
          value={attr(state.q)}
          placeholder={attr('{ resource.service.name = "checkout" && duration > 500ms }   or a trace id')}
          autocomplete="off"
          autocapitalize="off"
          spellcheck="false"
          aria-invalid={refused ? 'true' : undefined}
          aria-describedby={refused ? 'query-error' : undefined}
        />
      </div>
      <Hidden state={{ ...state, q: '', cursor: '' }} />
      <button class="button">Search</button>
      {refused ? <QueryError outcome={outcome} /> : ''}
    </form>
  );
}

/** The rest of the address, so that one form does not lose what the other shows. */
function Hidden({ state }: { state: SearchState }): JSX.Element {
  return (
    <>
      {searchFields(state).map(([name, value]) => (
        <input type="hidden" name={name} value={attr(value)} />
      ))}
    </>
  );
}

/** The message with the query and a caret below the place that is to blame. */
function QueryError({ outcome }: { outcome: Extract<SearchOutcome, { kind: 'refused' }> }): JSX.Element {
  const { message, text, position } = outcome;
  return (
    <div id="query-error" class="query-error" role="alert">
      <p class="status-error">
        <Icon name="error" />
        <span safe>{message}</span>
      </p>
      {position === undefined ? '' : <pre safe>{caretText(text, position)}</pre>}
    </div>
  );
}

/** Two lines: the text around the position, and `^` below it. */
export function caretText(text: string, position: number): string {
  const from = Math.max(0, position - 70);
  const line = text.slice(from, position + 50).replaceAll(/\s/g, ' ');
  return `${line}\n${' '.repeat(Math.max(0, position - from))}^`;
}

function Filters({ state, filters }: SearchProps): JSX.Element {
  return (
    <form
      class="filters"
      action="/search"
      method="get"
      aria-label="Filters"
      hx-get="/search"
      hx-trigger="change, submit"
      hx-push-url="true"
    >
      <input type="hidden" name="filters" value="1" />
      <input type="hidden" name="rest" value={attr(filters.rest)} />
      <Hidden state={{ ...state, q: filters.whole, cursor: '', start: '', end: '' }} />
      <NameField name="service" label="Service" value={filters.service} />
      <NameField name="operation" label="Operation" value={filters.operation} />
      <div class="pair">
        <SelectField name="status" label="Status" value={filters.status} options={['error', 'ok', 'unset']} />
        <SelectField
          name="kind"
          label="Kind"
          value={filters.kind}
          options={['server', 'client', 'producer', 'consumer', 'internal', 'unspecified']}
        />
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
      <details class="custom-range" open={state.since === ''}>
        <summary>Time range by clock (UTC)</summary>
        <TextField name="start" label="From" value={state.start} placeholder="2026-01-31 12:00" />
        <TextField name="end" label="To" value={state.end} placeholder="now" />
      </details>
      {filters.rest === '' ? '' : <FurtherQuery word="and" query={filters.rest} />}
      {filters.whole === '' ? '' : <FurtherQuery word="of" query={filters.whole} />}
      <div class="filters-end">
        <button class="button is-quiet">Apply</button>
        <a href="/search">Clear</a>
      </div>
    </form>
  );
}

/** What the form has no field for. */
function FurtherQuery({ word, query }: { word: string; query: string }): JSX.Element {
  return (
    <p class="rest">
      <span class="none" safe>
        {word}
      </span>{' '}
      <code safe>{query}</code>
    </p>
  );
}

interface TextFieldProps {
  readonly name: string;
  readonly label: string;
  readonly value: string;
  readonly placeholder?: string;
}

function TextField({ name, label, value, placeholder }: TextFieldProps): JSX.Element {
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
