/** The query bar: TraceQL with completion, as many lines as it takes, and what is wrong with it. */
import { Html } from '@elysiajs/html';
import { attr } from '../format.ts';
import { Icon } from '../icons.tsx';
import { Hidden } from './hidden-state.tsx';
import type { SearchOutcome } from './search.tsx';
import type { SearchState } from './search-state.ts';

export interface QueryBarProps {
  readonly state: SearchState;
  readonly refused?: Extract<SearchOutcome, { kind: 'refused' }>;
  /** `/search`, or a page that shows the same query otherwise. */
  readonly action?: string;
  /** On the button. */
  readonly verb?: string;
  /** The answer is a page of its own, not a part of this one. */
  readonly isPage?: boolean;
}

const PLACEHOLDER = '{ resource.service.name = "checkout" && duration > 500ms }   or a trace id';

/**
 * A text area, since queries get long: it grows with its text. In the browser views/client/completion.js makes it
 * a combobox whose Enter searches; the attributes for that are its own, so that nobody is told of a list that
 * never opens.
 */
export function QueryBar({
  state,
  refused,
  action = '/search',
  verb = 'Search',
  isPage = false,
}: QueryBarProps): JSX.Element {
  return (
    <form
      class="query-bar"
      role="search"
      action={action}
      method="get"
      hx-get={isPage ? undefined : action}
      hx-push-url={isPage ? undefined : 'true'}
      data-complete="/search/complete"
    >
      <label class="hidden-visually" for="q">
        TraceQL query or trace id
      </label>
      <div class="query-input">
        <Icon name="search" />
        <textarea
          id="q"
          name="q"
          rows={attr(String(linesOf(state.q)))}
          placeholder={attr(PLACEHOLDER)}
          autocapitalize="off"
          spellcheck="false"
          aria-invalid={refused ? 'true' : undefined}
          aria-describedby={refused ? 'query-error' : undefined}
          safe
        >
          {firstLine(state.q)}
        </textarea>
        <div id="completions" class="completions" hidden></div>
      </div>
      <Hidden state={{ ...state, q: '', cursor: '' }} />
      <button class="button" safe>
        {verb}
      </button>
      {refused ? <QueryError outcome={refused} /> : ''}
    </form>
  );
}

const MOST_LINES = 8;

/** For browsers that do not size a field by its content. */
function linesOf(q: string): number {
  return Math.min(q.split('\n').length, MOST_LINES);
}

/** HTML drops a line break right behind the tag. */
function firstLine(q: string): string {
  return q.startsWith('\n') ? `\n${q}` : q;
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
