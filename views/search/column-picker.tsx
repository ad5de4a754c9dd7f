/** Which columns the results show: a form in a `details`, so that it works without JavaScript. */
import { Html } from '@elysiajs/html';
import type { Span } from '../../src/span/span.ts';
import { attr, formatCount } from '../format.ts';
import { Icon } from '../icons.tsx';
import { columnChoices, MAX_COLUMNS } from './columns.ts';
import { Hidden } from './hidden-state.tsx';
import type { SearchState } from './search-state.ts';

const CHOICES = 24;

export function ColumnPicker(props: { state: SearchState; spans: readonly Span[] }): JSX.Element {
  const { state, spans } = props;
  const choices = columnChoices(spans, CHOICES).filter(({ field }) => !state.cols.includes(field));
  return (
    <details class="picker" id="columns" name="search-tools">
      <summary class="button is-quiet">
        <Icon name="menu" />
        <span safe>{state.cols.length === 0 ? 'Columns' : `Columns (${state.cols.length})`}</span>
      </summary>
      <form
        class="picker-body"
        action="/search"
        method="get"
        aria-label="Columns"
        hx-get="/search"
        hx-push-url="true"
      >
        <Hidden state={{ ...state, cols: [], cursor: '' }} />
        <fieldset class="picker-list">
          <legend>Attributes of the spans on this page</legend>
          {state.cols.map((field) => (
            <Choice field={field} checked={true} />
          ))}
          {choices.map(({ field, count }) => (
            <Choice field={field} count={count} />
          ))}
        </fieldset>
        <label class="field">
          <span>Another field</span>
          <input
            name="col"
            type="text"
            placeholder="span.http.route"
            autocomplete="off"
            autocapitalize="off"
            spellcheck="false"
          />
        </label>
        <div class="picker-end">
          <button class="button">Show columns</button>
          <span class="note">At most {MAX_COLUMNS}</span>
        </div>
      </form>
    </details>
  );
}

function Choice(props: { field: string; count?: number; checked?: boolean }): JSX.Element {
  const { field, count, checked } = props;
  return (
    <label class="check">
      <input type="checkbox" name="col" value={attr(field)} checked={checked} />
      <bdi class="data" safe>
        {field}
      </bdi>
      {count === undefined ? (
        ''
      ) : (
        <span class="num none" title={`In ${formatCount(count)} of the spans on this page`} safe>
          {formatCount(count)}
        </span>
      )}
    </label>
  );
}
