/** Nothing was found: what to try next, with real counts once they are there. */
import { Html } from '@elysiajs/html';
import { attr, formatTime, plural } from '../format.ts';
import { Later } from './later.tsx';
import { partHref, rangeText, searchHref, widerRange } from './search-state.ts';
import type { Range, SearchState } from './search-state.ts';

/** At once, without a further question to the store. */
export function Nothing({ state, what }: { state: SearchState; what: string }): JSX.Element {
  const wider = widerRange(state);
  return (
    <div class="nothing">
      <p class="nothing-title">Nothing here</p>
      <p safe>
        {state.q === ''
          ? `No ${what} started in ${rangeText(state)}.`
          : `No ${what} in ${rangeText(state)} matches this query.`}
      </p>
      <Later
        id="next-steps"
        href={partHref('/search/next-steps', state)}
        wait="Looking where there is something …"
        link="Look where there is something"
      >
        <p class="ways">
          {wider ? <WiderLink state={state} range={wider} text={`Look in ${wider.text}`} /> : ''}
          <Otherwise state={state} />
        </p>
      </Later>
    </div>
  );
}

function WiderLink(props: { state: SearchState; range: Range; text: string }): JSX.Element {
  const { state, range, text } = props;
  return (
    <a class="button" href={attr(searchHref(state, { since: range.id, start: '', end: '' }))} safe>
      {text}
    </a>
  );
}

function Otherwise({ state }: { state: SearchState }): JSX.Element {
  if (state.q === '') return <a href="/start">How to send spans</a>;
  return <a href={attr(searchHref(state, { q: '' }))}>Drop the query</a>;
}

export interface NextStepsProps {
  readonly state: SearchState;
  /** The same query in wider ranges, narrow to wide, as far as one was found that has spans. */
  readonly wider: readonly { readonly range: Range; readonly spans: number }[];
  /** The query with one condition less, in the same range. */
  readonly dropped: readonly { readonly condition: string; readonly q: string; readonly spans: number }[];
  /** Starts of the first and last span of the project; undefined when there are none. */
  readonly stored: { readonly firstUnixNano: bigint; readonly lastUnixNano: bigint } | undefined;
  /** Why a count may be too small; '' when it is not. */
  readonly incomplete: string;
}

export function NextSteps(props: NextStepsProps): JSX.Element {
  const { state, wider, dropped, stored, incomplete } = props;
  if (stored === undefined) {
    return (
      <p>
        This project has no spans at all yet. <a href="/start">How to send spans</a>
      </p>
    );
  }
  return (
    <>
      <p class="ways">
        {wider.map(({ range, spans }) =>
          spans === 0 ? (
            <span safe>{`Nothing in ${range.text} either.`}</span>
          ) : (
            <WiderLink state={state} range={range} text={`${plural(spans, 'span')} in ${range.text}`} />
          ),
        )}
        <Otherwise state={state} />
      </p>
      <ul class="next-steps" hx-boost:inherited="true">
        {dropped.map(({ condition, q, spans }) => (
          <li>
            {spans === 0 ? (
              <span>
                Without <code safe>{condition}</code>: still none
              </span>
            ) : (
              <a href={attr(searchHref(state, { q }))}>
                Without <code safe>{condition}</code>: <span safe>{plural(spans, 'span')}</span>
              </a>
            )}
          </li>
        ))}
      </ul>
      <p class="note" safe>
        {`Stored spans started from ${formatTime(stored.firstUnixNano, 0)} to ${formatTime(stored.lastUnixNano, 0)}.`}
      </p>
      {incomplete === '' ? '' : <p class="warning" safe>{`Counts are incomplete: ${incomplete}`}</p>}
    </>
  );
}
