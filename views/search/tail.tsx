/** Live tail: spans of a query as they come, newest on top. */
import { Html } from '@elysiajs/html';
import type { Span } from '../../src/span/span.ts';
import { SHOWN_TAIL_ROWS } from '../../src/limits.ts';
import { attr, formatClock, formatCount, plural } from '../format.ts';
import { Icon } from '../icons.tsx';
import { Layout } from '../layout.tsx';
import type { Shell } from '../layout.tsx';
import { Zone } from '../shared/parts.tsx';
import { QueryBar } from './query-bar.tsx';
import { ColumnHeads } from './row-parts.tsx';
import type { SearchOutcome } from './search.tsx';
import { searchFields, searchHref } from './search-state.ts';
import type { SearchState } from './search-state.ts';
import { SpanRows } from './span-table.tsx';

export function tailHref(state: SearchState, more: Readonly<Record<string, string>> = {}): string {
  return below('/search/tail', state, more);
}

function below(path: string, state: SearchState, more: Readonly<Record<string, string>> = {}): string {
  const kept = searchFields(state).filter(([name]) => name === 'q' || name === 'cols');
  const text = new URLSearchParams([...kept, ...Object.entries(more)]).toString();
  return text === '' ? path : `${path}?${text}`;
}

export interface TailPageProps {
  readonly shell: Shell;
  readonly state: SearchState;
  readonly now: bigint;
  readonly spans: readonly Span[];
  readonly paused: boolean;
  readonly refused?: Extract<SearchOutcome, { kind: 'refused' }>;
}

const REFRESH_SECONDS = 5;

export function TailPage(props: TailPageProps): JSX.Element {
  const { shell, state, now, spans, paused, refused } = props;
  const own: SearchState = {
    ...state,
    view: 'traces',
    order: 'newest',
    since: '',
    start: '',
    end: '',
    explain: false,
  };
  return (
    <Layout
      shell={shell}
      title={state.q === '' ? 'Live tail' : `Live: ${state.q}`}
      current="search"
      refreshSeconds={paused ? undefined : REFRESH_SECONDS}
    >
      <div class="tail" hx-boost:inherited="false">
        <div class="page-head">
          <div>
            <p class="crumb">
              <a href={attr(searchHref({ ...own, since: '15m', view: 'spans' }))}>Search</a>
            </p>
            <h1>Live tail</h1>
          </div>
        </div>
        <QueryBar state={own} refused={refused} action="/search/tail" verb="Watch" isPage={true} />
        {refused ? '' : <TailControl state={state} paused={paused} />}
        <table class="list spans tail-rows" data-result-rows="" data-most-rows={String(SHOWN_TAIL_ROWS)}>
          <caption class="hidden-visually">Spans as they come, the newest first</caption>
          <thead>
            <tr>
              <th scope="col">Span</th>
              <th scope="col" class="col-duration">
                Duration
              </th>
              <th scope="col">Kind</th>
              <th scope="col">Status</th>
              <ColumnHeads state={state} />
              <th scope="col" class="num">
                Start (<Zone />)
              </th>
            </tr>
          </thead>
          <tbody id="tail-rows">
            <SpanRows spans={spans} state={state} now={now} longest={BAR_NANO} />
          </tbody>
        </table>
        <p class="note">
          {`Shows spans within a minute of their start, at most ${SHOWN_TAIL_ROWS} rows. A bar that is full is a second or more.`}
        </p>
        <noscript>
          <p class="note">{`Without scripts this page loads again every ${REFRESH_SECONDS} seconds.`}</p>
        </noscript>
      </div>
    </Layout>
  );
}

/** Rows come at different times: their bars need one measure. */
const BAR_NANO = 1_000_000_000n;

/**
 * The connection lives as long as this element: to pause is to swap it for one without. What is shown stays, and is
 * replaced by the latest when it goes on.
 */
export function TailControl({ state, paused }: { state: SearchState; paused: boolean }): JSX.Element {
  const to = paused ? tailHref(state) : tailHref(state, { paused: '1' });
  return (
    <div
      id="tail-control"
      class="tail-control"
      data-paused={paused ? 'true' : undefined}
      hx-sse:connect={paused ? undefined : attr(below('/search/tail/events', state))}
      hx-sse:close={paused ? undefined : 'end'}
      hx-target={paused ? undefined : '#tail-status'}
      hx-swap={paused ? undefined : 'innerHTML'}
    >
      <a
        id="tail-switch"
        class="button is-quiet"
        href={attr(to)}
        hx-get={attr(to)}
        hx-target="#tail-control"
        hx-swap="outerHTML"
        hx-replace-url="true"
      >
        <Icon name={paused ? 'play' : 'pause'} />
        {paused ? 'Resume' : 'Pause'}
      </a>
      <p id="tail-status" class="tail-status" role="status">
        {paused ? 'Paused. What comes meanwhile is kept, and found by a search.' : 'Watching for new spans…'}
      </p>
    </div>
  );
}

export interface TailEventProps {
  readonly state: SearchState;
  readonly now: bigint;
  readonly spans: readonly Span[];
  /** These replace what stood there. */
  readonly first: boolean;
  /** Since the tail began. */
  readonly shown: number;
  /** Spans that came too and are not shown; `more`: there may be still more of them. */
  readonly missed: number;
  readonly more: boolean;
}

export function TailEvent(props: TailEventProps): JSX.Element {
  const { state, now, spans, first, missed, more } = props;
  return (
    <>
      <tag of="hx-partial" hx-target="#tail-rows" hx-swap={first ? 'innerHTML' : 'afterbegin'}>
        <SpanRows spans={spans} state={state} now={now} longest={BAR_NANO} />
      </tag>
      <tag of="hx-partial" hx-target="#tail-status" hx-swap="innerHTML">
        <span class="live-dot" aria-hidden="true"></span>
        <span safe>{statusText(props)}</span>
        {missed > 0 ? (
          <span class="warning">
            <Icon name="info" />
            <span
              safe
            >{`${more ? 'At least ' : ''}${formatCount(missed)} more in the last second than shown`}</span>
          </span>
        ) : (
          ''
        )}
      </tag>
    </>
  );
}

function statusText({ now, shown, first, spans }: TailEventProps): string {
  const since = `${formatClock(now, 0)} UTC`;
  if (first && spans.length === 0) return 'Watching. No span of the last 5 minutes matches.';
  return `Watching. ${plural(shown, 'span')} shown, the last at ${since}`;
}

const ENDS = {
  time: 'Ended after 30 minutes, so that a forgotten tab asks for nothing.',
  server: 'Ended: the server is stopping.',
  failed: 'Ended: the last question failed.',
  full: 'Not begun: as many live tails are open as this server allows. Close one, or search.',
  revoked: 'Ended: this sign-in is no longer valid.',
  left: 'Ended.',
} as const;

export function TailEnded({ state, why }: { state: SearchState; why: keyof typeof ENDS }): JSX.Element {
  return (
    <tag of="hx-partial" hx-target="#tail-status" hx-swap="innerHTML">
      <span class="warning">
        <Icon name="info" />
        <span>{ENDS[why]}</span>
      </span>
      <a href={attr(tailHref(state))}>Watch again</a>
    </tag>
  );
}
