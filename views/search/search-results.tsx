/** What a search found, as traces or as spans, and where to go from here. */
import { Html } from '@elysiajs/html';
import type { Span } from '../../src/span/span.ts';
import type { SpanPage, TracePage } from '../../src/store/span-store.ts';
import { attr, plural } from '../format.ts';
import { Icon } from '../icons.tsx';
import { ColumnPicker } from './column-picker.tsx';
import { FoundHead } from './found.tsx';
import { MetricsResults } from './metrics.tsx';
import { Nothing } from './nothing.tsx';
import { HeatmapPlace } from './search-heatmap.tsx';
import { hasSpans } from './has-spans.ts';
import type { SearchProps } from './search.tsx';
import { RANGES, rangeText, searchHref } from './search-state.ts';
import type { SearchState } from './search-state.ts';
import { SavedMenu } from './saved.tsx';
import { SpanTable } from './span-table.tsx';
import { tailHref } from './tail.tsx';
import { TraceTable } from './trace-table.tsx';
import { LinkChoice } from '../shared/parts.tsx';

export function SearchResults(props: SearchProps): JSX.Element {
  const { state, outcome } = props;
  return (
    <section id="results" class="results" aria-label="Results">
      <Toolbar {...props} />
      {hasSpans(outcome) ? <HeatmapPlace state={state} /> : ''}
      {outcome.kind === 'refused' ? (
        ''
      ) : outcome.kind === 'metrics' ? (
        <MetricsResults state={state} outcome={outcome} />
      ) : (
        <Found state={state} now={props.now} outcome={outcome} />
      )}
    </section>
  );
}

/** A metrics query shows neither traces nor spans, and has no order. */
function Toolbar({ state, outcome, saved = [], mayChange = false }: SearchProps): JSX.Element {
  return (
    <div class="toolbar" hx-boost:inherited="true">
      {outcome.kind === 'metrics' ? '' : <RowChoices state={state} />}
      <LinkChoice
        label="Time range"
        choices={RANGES.map(({ id, label }) => ({
          text: label,
          href: searchHref(state, { since: id, start: '', end: '' }),
          current: state.since === id,
        }))}
      />
      {outcome.kind === 'traces' || outcome.kind === 'spans' ? (
        <ColumnPicker state={state} spans={spansOf(outcome)} />
      ) : (
        ''
      )}
      <SavedMenu saved={saved} state={state} mayChange={mayChange} />
      {outcome.kind === 'traces' || outcome.kind === 'spans' ? (
        <a class="live-link" href={attr(tailHref(state))} hx-boost="false">
          <Icon name="play" />
          Live tail
        </a>
      ) : (
        ''
      )}
    </div>
  );
}

function spansOf(outcome: FoundProps['outcome']): readonly Span[] {
  switch (outcome.kind) {
    case 'traces':
      return outcome.page.traces.flatMap(({ matched }) => matched);
    case 'spans':
      return outcome.page.spans;
  }
}

function RowChoices({ state }: { state: SearchState }): JSX.Element {
  return (
    <>
      <LinkChoice
        label="Show"
        choices={[
          { text: 'Traces', href: searchHref(state, { view: 'traces' }), current: state.view === 'traces' },
          { text: 'Spans', href: searchHref(state, { view: 'spans' }), current: state.view === 'spans' },
        ]}
      />
      <LinkChoice
        label="Order"
        choices={(['newest', 'oldest', 'slowest'] as const).map((order) => ({
          text: order[0].toUpperCase() + order.slice(1),
          href: searchHref(state, { order }),
          current: state.order === order,
        }))}
      />
    </>
  );
}

interface FoundProps {
  readonly state: SearchState;
  readonly now: bigint;
  readonly outcome: { kind: 'traces'; page: TracePage } | { kind: 'spans'; page: SpanPage };
}

function Found({ state, now, outcome }: FoundProps): JSX.Element {
  const count = outcome.kind === 'traces' ? outcome.page.traces.length : outcome.page.spans.length;
  const what = outcome.kind === 'traces' ? 'trace' : 'span';
  const more = outcome.page.nextCursor !== undefined;
  return (
    <>
      <FoundHead
        text={
          count === 0
            ? `No ${what}s ${more ? 'found so far ' : ''}in ${rangeText(state)}`
            : `${more ? 'First ' : ''}${plural(count, what)} in ${rangeText(state)}, ${state.order} first`
        }
        state={state}
        coverage={outcome.page}
      />
      {count === 0 && more ? (
        ''
      ) : count === 0 ? (
        <Nothing state={state} what={what} />
      ) : outcome.kind === 'traces' ? (
        <TraceTable traces={outcome.page.traces} state={state} now={now} />
      ) : (
        <SpanTable spans={outcome.page.spans} state={state} now={now} />
      )}
      <Paging
        state={state}
        nextCursor={outcome.page.nextCursor}
        next={outcome.page.complete === true ? 'Next page' : 'Go on searching'}
      />
    </>
  );
}

function Paging(props: { state: SearchState; nextCursor: string | undefined; next: string }): JSX.Element {
  const { state, nextCursor, next } = props;
  if (nextCursor === undefined && state.cursor === '') return <></>;
  return (
    <nav class="paging" aria-label="Pages of results">
      {state.cursor === '' ? '' : <a href={attr(searchHref(state, {}))}>First page</a>}
      {nextCursor === undefined ? (
        <span class="none">End of the results</span>
      ) : (
        <a class="button is-quiet" href={attr(searchHref(state, { cursor: nextCursor }))} safe>
          {next}
        </a>
      )}
    </nav>
  );
}
