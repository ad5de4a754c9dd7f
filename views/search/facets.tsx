/** Values of the spans that match, counted, each a link that filters for it: loaded after the search answered. */
import { Html } from '@elysiajs/html';
import type { Children } from '@kitajs/html';
import type { AttributeKey, FacetsPage, ValueCount } from '../../src/store/span-store.ts';
import type { AttributeField, FieldExpression, IntrinsicField } from '../../src/traceql/ast.ts';
import { fieldFromText } from '../../src/traceql/build.ts';
import { attr, formatCount, formatDuration, formatPercent, plural } from '../format.ts';
import { Icon } from '../icons.tsx';
import { ServiceName, SpanName } from '../shared/parts.tsx';
import { durationBuckets } from './facets-duration.ts';
import type { DurationBucket } from './facets-duration.ts';
import { durationBounds, valueCondition } from './facets-links.ts';
import type { QueryEdits } from './facets-links.ts';
import { Hidden } from './hidden-state.tsx';
import { searchHref } from './search-state.ts';
import type { SearchState } from './search-state.ts';

export type Facet = FacetsPage['facets'][number];

export interface FacetsProps {
  readonly state: SearchState;
  readonly edits: QueryEdits;
  /** What is counted: `page.facets` has those that are shown. */
  readonly page: FacetsPage;
  /** Attributes that could be counted too. */
  readonly keys: readonly AttributeKey[];
}

/** At once; up to the other figure behind a click. */
const SHOWN = 6;
const MORE_SHOWN = 24;

const LABELS: ReadonlyMap<string, string> = new Map([
  ['resource.service.name', 'Service'],
  ['name', 'Operation'],
  ['status', 'Status'],
  ['kind', 'Kind'],
  ['duration', 'Duration'],
]);

export function Facets(props: FacetsProps): JSX.Element {
  const { page, state } = props;
  return (
    <div class="facets" hx-boost:inherited="true">
      <p class="facets-count" role="status">
        <b class="num" safe>
          {formatCount(page.count)}
        </b>
        <span safe>{` ${page.count === 1 ? 'span matches' : 'spans match'}`}</span>
        {page.complete === true ? (
          ''
        ) : (
          <span class="warning" safe>{` as far as counted: ${page.complete.reason}`}</span>
        )}
      </p>
      {page.count === 0
        ? ''
        : page.facets.map((facet) =>
            facet.field === 'duration' ? (
              <Durations {...props} facet={facet} />
            ) : (
              <OneFacet {...props} facet={facet} pinned={state.facets.includes(facet.field)} />
            ),
          )}
      {page.count === 0 ? '' : <KeyPicker state={state} keys={props.keys} />}
    </div>
  );
}

function OneFacet(props: FacetsProps & { facet: Facet; pinned: boolean }): JSX.Element {
  const { facet, pinned, page, state } = props;
  const field = fieldFromText(facet.field);
  const first = facet.values.slice(0, SHOWN);
  const more = facet.values.slice(SHOWN, MORE_SHOWN);
  const unshown = facet.distinct - first.length - more.length;
  const row = (value: ValueCount): JSX.Element => <Value {...props} field={field} value={value} />;
  return (
    <FacetFrame label={facet.field} distinct={facet.distinct}>
      <ul>{first.map(row)}</ul>
      {more.length === 0 ? (
        ''
      ) : (
        <details class="facet-more">
          <summary safe>{`${formatCount(more.length)} more`}</summary>
          <ul>{more.map(row)}</ul>
        </details>
      )}
      {unshown > 0 ? <p class="note" safe>{`and ${plural(unshown, 'rarer value')}`}</p> : ''}
      {facet.missing > 0 ? (
        <p class="note" safe>{`${formatPercent(facet.missing / page.count)} of the spans have none`}</p>
      ) : (
        ''
      )}
      {pinned ? (
        <a
          class="note"
          href={attr(searchHref(state, { facets: state.facets.filter((one) => one !== facet.field) }))}
        >
          Stop counting this
        </a>
      ) : (
        ''
      )}
    </FacetFrame>
  );
}

function FacetFrame(props: { label: string; distinct: number; children?: Children }): JSX.Element {
  const label = LABELS.get(props.label);
  return (
    <details class="facet" open>
      <summary>
        <h3>
          {label === undefined ? (
            <bdi class="data facet-key" safe>
              {props.label}
            </bdi>
          ) : (
            <span safe>{label}</span>
          )}
        </h3>
        {props.distinct > SHOWN ? (
          <span class="note num" safe>
            {plural(props.distinct, 'value')}
          </span>
        ) : (
          ''
        )}
      </summary>
      {props.children}
    </details>
  );
}

function Value(
  props: FacetsProps & { facet: Facet; field: AttributeField | IntrinsicField; value: ValueCount },
): JSX.Element {
  const { facet, field, value, edits, state, page } = props;
  const is = valueCondition(field, value);
  const isNot = valueCondition(field, value, '!=');
  return (
    <Row
      state={state}
      chosen={is && edits.without(is)}
      pick={is ? edits.with(is) : ''}
      drop={isNot ? edits.with(isNot) : ''}
      text={value.value === '' ? 'the empty text' : value.value}
      count={value.count}
      of={page.count}
    >
      <ValueText field={facet.field} value={value} />
    </Row>
  );
}

/** As the results show it: services with their colour, errors with their icon. */
export function ValueText({
  field,
  value,
}: {
  field: string;
  value: Pick<ValueCount, 'value'>;
}): JSX.Element {
  const text = value.value;
  if (field === 'resource.service.name') return <ServiceName name={text} />;
  if (field === 'name' || field === 'span:name') return <SpanName name={text} />;
  if ((field === 'status' || field === 'span:status') && text === 'error') {
    return (
      <span class="error">
        <Icon name="error" />
        error
      </span>
    );
  }
  if (text === '') return <em class="missing">empty text</em>;
  return (
    <bdi class="data" safe>
      {cut(text)}
    </bdi>
  );
}

/** A text may be a megabyte long; the filter has all of it, or there is none. */
const TEXT_SHOWN = 200;

export function cut(text: string): string {
  return text.length > TEXT_SHOWN ? `${text.slice(0, TEXT_SHOWN)}…` : text;
}

function Durations({ state, edits, page, facet }: FacetsProps & { facet: Facet }): JSX.Element {
  const buckets = durationBuckets(facet.values);
  if (buckets.length === 0) return <></>;
  return (
    <FacetFrame label={facet.field} distinct={0}>
      <ul>
        {buckets.map((bucket) => {
          const bounds: FieldExpression[] = durationBounds(bucket.leastNano, bucket.belowNano);
          return (
            <Row
              state={state}
              chosen={edits.without(...bounds)}
              pick={edits.withDuration(bucket.leastNano, bucket.belowNano)}
              drop=""
              text={bucketText(bucket)}
              count={bucket.count}
              of={page.count}
            >
              <span class="num" safe>
                {bucketText(bucket)}
              </span>
            </Row>
          );
        })}
      </ul>
    </FacetFrame>
  );
}

function bucketText({ leastNano, belowNano }: DurationBucket): string {
  if (leastNano === undefined) return belowNano === undefined ? 'any' : `below ${formatDuration(belowNano)}`;
  if (belowNano === undefined) return `from ${formatDuration(leastNano)}`;
  return `${formatDuration(leastNano)} – ${formatDuration(belowNano)}`;
}

interface RowProps {
  readonly state: SearchState;
  /** The query without this value, where it is chosen. */
  readonly chosen: string | undefined;
  /** Queries; '' for none. */
  readonly pick: string;
  readonly drop: string;
  readonly text: string;
  readonly count: number;
  readonly of: number;
  readonly children?: Children;
}

function Row(props: RowProps): JSX.Element {
  const { state, chosen, pick, drop, count, of } = props;
  const share = count / of;
  const text = cut(props.text);
  const title = `${plural(count, 'span')}, ${formatPercent(share)}`;
  return (
    <li class={chosen === undefined ? undefined : 'is-chosen'}>
      <FacetLink
        href={
          chosen !== undefined
            ? searchHref(state, { q: chosen })
            : pick === ''
              ? ''
              : searchHref(state, { q: pick })
        }
        title={chosen === undefined ? title : `${title}. Click to drop this filter`}
        chosen={chosen !== undefined}
      >
        {chosen === undefined ? '' : <Icon name="check" />}
        <span class="facet-value">{props.children}</span>
        <span class="facet-figure num" safe>
          {formatCount(count)}
        </span>
        <svg class="facet-bar" width="100%" height="3" aria-hidden="true">
          <rect class="track" width="100%" height="3" rx="1.5" />
          <rect class="fill" width={`${Math.max(share * 100, 0.8).toFixed(2)}%`} height="3" rx="1.5" />
        </svg>
      </FacetLink>
      {chosen !== undefined ? (
        <a
          class="quiet facet-not"
          href={attr(searchHref(state, { q: chosen }))}
          aria-label={attr(`Drop the filter ${text}`)}
          title="Drop this filter"
        >
          <Icon name="close" />
        </a>
      ) : drop === '' ? (
        ''
      ) : (
        <a
          class="quiet facet-not"
          href={attr(searchHref(state, { q: drop }))}
          aria-label={attr(`Filter out ${text}`)}
          title="Filter out"
        >
          ≠
        </a>
      )}
    </li>
  );
}

/** A value that no address can name stays a text. */
function FacetLink(props: {
  href: string;
  title: string;
  chosen: boolean;
  children?: Children;
}): JSX.Element {
  if (props.href === '') {
    return (
      <span class="facet-pick" title={attr(props.title)}>
        {props.children}
      </span>
    );
  }
  return (
    <a
      class="facet-pick"
      href={attr(props.href)}
      title={attr(props.title)}
      aria-current={props.chosen ? 'true' : undefined}
    >
      {props.children}
    </a>
  );
}

/** Any other attribute, by its name. */
function KeyPicker({ state, keys }: { state: SearchState; keys: readonly AttributeKey[] }): JSX.Element {
  return (
    <form
      class="facet-keys"
      action="/search"
      method="get"
      hx-get="/search"
      hx-push-url="true"
      aria-label="Count another attribute"
    >
      <Hidden state={{ ...state, cursor: '' }} />
      <label class="field">
        <span>Count another attribute</span>
        <input
          name="facet"
          type="text"
          list="facet-keys"
          placeholder="span.http.route"
          autocomplete="off"
          autocapitalize="off"
          spellcheck="false"
        />
      </label>
      <button class="button is-quiet">Count</button>
      <datalist id="facet-keys">
        {keys.map(({ scope, key, count }) => (
          <option value={attr(`${scope}.${key}`)} label={attr(plural(count, 'span'))}></option>
        ))}
      </datalist>
    </form>
  );
}
