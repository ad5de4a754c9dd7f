/** The list below the query bar: what can stand at the caret. */
import { Html } from '@elysiajs/html';
import { attr, formatCount } from '../format.ts';

export interface Suggestion {
  readonly label: string;
  /** What is put in place of the word. */
  readonly insert: string;
  /** A word or two on what it is. */
  readonly detail: string;
  /** Spans that have it, where that is known. */
  readonly count?: number;
}

export interface SuggestionsProps {
  readonly from: number;
  readonly to: number;
  /** What the list holds, and what it does not. */
  readonly heading: string;
  readonly suggestions: readonly Suggestion[];
}

/** A longer one is shown by its beginning; all of it is put in. */
const SHOWN_CHARS = 160;

/** The insides of `#completions`; empty where there is nothing to offer. */
export function Suggestions({ from, to, heading, suggestions }: SuggestionsProps): JSX.Element {
  if (suggestions.length === 0) return <></>;
  return (
    <>
      <p class="completions-head note" id="completions-head" safe>
        {heading}
      </p>
      <ul
        role="listbox"
        id="completion-list"
        aria-labelledby="completions-head"
        data-from={String(from)}
        data-to={String(to)}
      >
        {suggestions.map(({ label, insert, detail, count }, i) => (
          <li role="option" id={`completion-${i}`} aria-selected="false" data-insert={attr(insert)}>
            <bdi class="data" safe>
              {label.length > SHOWN_CHARS ? `${label.slice(0, SHOWN_CHARS)}…` : label}
            </bdi>
            {detail === '' ? (
              ''
            ) : (
              <span class="detail" safe>
                {detail}
              </span>
            )}
            {count === undefined ? (
              ''
            ) : (
              <span class="num count" safe>
                {formatCount(count)}
              </span>
            )}
          </li>
        ))}
      </ul>
    </>
  );
}
