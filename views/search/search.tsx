/** Search: the query bar and the filters, which show the same query, and what was found. */
import { Html } from '@elysiajs/html';
import type { Children } from '@kitajs/html';
import type { SpanPage, TracePage } from '../../src/store/span-store.ts';
import type { SavedSearch } from '../../src/store/saved-searches.ts';
import { Layout } from '../layout.tsx';
import type { Shell } from '../layout.tsx';
import type { Condition } from './facets-links.ts';
import { FilterColumn } from './filter-column.tsx';
import type { FilterFields } from './query-filters.ts';
import type { MetricsOutcome } from './metrics.tsx';
import { QueryBar } from './query-bar.tsx';
import { hasSpans } from './has-spans.ts';
import { PartProblem } from './part-page.tsx';
import { SearchResults } from './search-results.tsx';
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
  /** Of a query that is one selector. */
  readonly conditions: readonly Condition[];
  /** The query came from the fields: they stay open. */
  readonly typed?: boolean;
  readonly outcome: SearchOutcome;
  readonly saved?: readonly SavedSearch[];
  readonly mayChange?: boolean;
}

export function SearchPage(props: SearchProps): JSX.Element {
  return (
    <Page {...props}>
      <SearchRegion {...props} />
    </Page>
  );
}

/** All that can be shown before the store has answered. */
export type SearchFrameProps = Omit<SearchProps, 'outcome'> & {
  /** The results will be spans or traces, not figures. */
  readonly counted: boolean;
};

/** Where the results go into a frame. Text from outside can't look like it: its `<` is escaped. */
export const RESULTS_GAP = '<!--results-->';

/** The page up to its results, and from there on; the words that wait hide when something stands behind them. */
export function SearchFrame(props: SearchFrameProps): JSX.Element {
  return (
    <Page {...props}>
      <Region {...props} refused={undefined} fieldsOpen={props.typed === true}>
        <p class="searching note">Searching …</p>
        {RESULTS_GAP}
      </Region>
    </Page>
  );
}

/** What fills the gap. The bar is out already, so what refuses the query is said here. */
export function LateResults(props: SearchProps): JSX.Element {
  if (props.outcome.kind !== 'refused') return <SearchResults {...props} />;
  return (
    <div class="results">
      <PartProblem message={props.outcome.message} />
    </div>
  );
}

function Page(props: Pick<SearchProps, 'shell' | 'state'> & { children?: Children }): JSX.Element {
  return (
    <Layout shell={props.shell} title={props.state.q === '' ? 'Search' : props.state.q} current="search">
      {props.children}
      <datalist id="names-service"></datalist>
      <datalist id="names-operation"></datalist>
    </Layout>
  );
}

/** Everything that a search changes, in one piece: bar, filters and results never disagree. */
export function SearchRegion(props: SearchProps): JSX.Element {
  const { outcome } = props;
  const refused = outcome.kind === 'refused' ? outcome : undefined;
  return (
    <Region
      {...props}
      refused={refused}
      counted={hasSpans(outcome)}
      fieldsOpen={refused !== undefined || props.typed === true}
    >
      <SearchResults {...props} />
    </Region>
  );
}

interface RegionProps extends SearchFrameProps {
  readonly refused: Extract<SearchOutcome, { kind: 'refused' }> | undefined;
  readonly fieldsOpen: boolean;
  readonly children?: Children;
}

function Region(props: RegionProps): JSX.Element {
  return (
    <div
      id="search"
      class="search"
      hx-target:inherited="#search"
      hx-swap:inherited="outerMorph"
      hx-indicator:inherited="#search"
    >
      <h1 class="hidden-visually">Search traces</h1>
      <QueryBar state={props.state} refused={props.refused} />
      <div class="search-body">
        <input type="checkbox" id="show-filters" class="filters-switch" />
        <label for="show-filters" class="filters-label">
          Filters
        </label>
        <FilterColumn
          state={props.state}
          filters={props.filters}
          conditions={props.conditions}
          counted={props.counted}
          fieldsOpen={props.fieldsOpen}
        />
        {props.children}
      </div>
    </div>
  );
}
