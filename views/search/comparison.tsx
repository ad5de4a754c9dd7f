/** What tells a selection from the rest: shares of each value in both, those that differ most first. */
import { Html } from '@elysiajs/html';
import type { ComparisonPage } from '../../src/store/span-store.ts';
import { fieldFromText } from '../../src/traceql/build.ts';
import { attr, formatCount, formatPercent, formatTime, plural } from '../format.ts';
import { parseTime } from '../../src/span/time.ts';
import { Icon } from '../icons.tsx';
import { cut, ValueText } from './facets.tsx';
import { valueCondition } from './facets-links.ts';
import type { QueryEdits } from './facets-links.ts';
import { searchHref } from './search-state.ts';
import type { SearchState } from './search-state.ts';
import { NO_SELECTION } from './selection.ts';
import type { Selection } from './selection.ts';

export interface ComparisonProps {
  readonly state: SearchState;
  readonly edits: QueryEdits;
  readonly page: ComparisonPage;
}

type Field = ComparisonPage['fields'][number];

const FIELDS = 12;
const VALUES = 4;
/** Names of fields that say the same. */
const ALIKE = 4;
/** Shares that are less apart than this are the same to anybody who looks. */
const LEAST_APART = 0.02;

export function Comparison(props: ComparisonProps): JSX.Element {
  const { page, state } = props;
  const telling = together(page.fields.flatMap((field) => tellingPart(field, page)));
  return (
    <section class="comparison" aria-labelledby="comparison-title">
      <div class="comparison-head">
        <h2 id="comparison-title">The selection and the rest</h2>
        <a href={attr(searchHref(state, { selection: NO_SELECTION }))}>
          <Icon name="close" /> Drop the selection
        </a>
      </div>
      <p class="comparison-key">
        <span class="key-selected">
          <Swatch name="selected" />
          <span safe>{`Selection, ${selectionText(state.selection)}: ${plural(page.selected, 'span')}`}</span>
        </span>
        <span>
          <Swatch name="rest" />
          <span safe>{`The rest of the search: ${plural(page.baseline, 'span')}`}</span>
        </span>
      </p>
      {page.complete === true ? (
        ''
      ) : (
        <p class="warning">
          <Icon name="info" />
          <span safe>{`Incomplete: ${page.complete.reason}`}</span>
        </p>
      )}
      {page.selected === 0 || page.baseline === 0 ? (
        <p>
          {page.selected === 0
            ? 'No span of this search lies in the selection.'
            : 'Every span of this search lies in the selection: there is no rest to compare with.'}
        </p>
      ) : telling.length === 0 ? (
        <p>Nothing tells them apart: every attribute has nearly the same shares in both.</p>
      ) : (
        <>
          <p class="comparison-words" safe>
            {inWords(telling, page)}
          </p>
          <div class="comparison-fields">
            {telling.slice(0, FIELDS).map((field) => (
              <FieldBars {...props} field={field} />
            ))}
          </div>
          <p class="note">
            The differing share is half the sum of the differences between the shares of all values: 0 % where
            both are alike, 100 % where they have no value in common.
          </p>
        </>
      )}
    </section>
  );
}

/** The values whose shares are apart. A field of which none is says only that its values are rare. */
function tellingPart(field: Field, page: ComparisonPage): Field[] {
  const values = field.values.filter((value) => Math.abs(apart(value, page)) >= LEAST_APART);
  return values.length === 0 ? [] : [{ ...field, values }];
}

interface Telling extends Field {
  /** Fields that part the spans in just the same way. */
  readonly alike: readonly string[];
}

/** Of fields that say the same (a pod, its container, its id) one is shown and the others are named. */
function together(fields: readonly Field[]): Telling[] {
  const groups = Map.groupBy(fields, ({ difference, values }) =>
    [
      difference.toFixed(9),
      ...values.map(({ selected, baseline }) => `${selected}:${baseline}`).sort(),
    ].join(),
  );
  return [...groups.values()].map((group) => {
    const shown = group.find(({ field }) => !/(?:id|uid)$/.test(field)) ?? group[0];
    return { ...shown, alike: group.filter((one) => one !== shown).map(({ field }) => field) };
  });
}

type Value = Field['values'][number];

function apart({ selected, baseline }: Value, page: ComparisonPage): number {
  return share(selected, page.selected) - share(baseline, page.baseline);
}

function share(count: number, of: number): number {
  return of === 0 ? 0 : count / of;
}

/** What is more frequent in the selection says more than what is rarer there. */
function inWords(fields: readonly Telling[], page: ComparisonPage): string {
  const all = fields.flatMap(({ field, values }) => values.map((value) => ({ field, value })));
  const { field, value } = all.reduce((best, one) =>
    apart(one.value, page) > apart(best.value, page) ? one : best,
  );
  const text = value.value === '' ? 'the empty text' : cut(value.value);
  const [mine, others] = [share(value.selected, page.selected), share(value.baseline, page.baseline)];
  return `${cut(field)} is ${text} in ${formatPercent(mine)} of the selection and in ${formatPercent(others)} of the rest.`;
}

/** The part in words, in UTC. */
function selectionText({ from, to, min, max }: Selection): string {
  const time = (text: string): string => {
    const nano = parseTime(text);
    return nano === null ? text : formatTime(nano, 0);
  };
  const parts = [
    from === '' ? '' : `from ${time(from)}`,
    to === '' ? '' : `to ${time(to)}`,
    min === '' ? '' : `lasting ${min} or more`,
    max === '' ? '' : `lasting less than ${max}`,
  ];
  return parts.filter((part) => part !== '').join(', ');
}

function Swatch({ name }: { name: 'selected' | 'rest' }): JSX.Element {
  return (
    <svg width="14" height="10" aria-hidden="true">
      <rect class={`bar-${name}`} width="14" height="10" rx="2" />
    </svg>
  );
}

function FieldBars({ field, page, edits, state }: ComparisonProps & { field: Telling }): JSX.Element {
  const asked = fieldFromText(field.field);
  return (
    <table class="comparison-field">
      <caption>
        <h3>
          <bdi class="data" safe>
            {cut(field.field)}
          </bdi>
        </h3>{' '}
        <span class="note num" safe>
          {`differs by ${formatPercent(field.difference)}`}
        </span>
        {field.alike.length === 0 ? (
          ''
        ) : (
          <span class="note comparison-alike" safe>
            {`Just so: ${field.alike.slice(0, ALIKE).map(cut).join(', ')}${field.alike.length > ALIKE ? ` and ${field.alike.length - ALIKE} more` : ''}`}
          </span>
        )}
      </caption>
      <thead class="hidden-visually">
        <tr>
          <th scope="col">Value</th>
          <th scope="col">Selection</th>
          <th scope="col">Rest</th>
        </tr>
      </thead>
      <tbody>
        {field.values.slice(0, VALUES).map((value) => {
          const condition = valueCondition(asked, value);
          const q = condition ? edits.with(condition) : '';
          return (
            <tr>
              <th scope="row">
                {q === '' ? (
                  <ValueText field={field.field} value={value} />
                ) : (
                  <a
                    href={attr(searchHref(state, { q, selection: NO_SELECTION }))}
                    title="Filter for this value"
                  >
                    <ValueText field={field.field} value={value} />
                  </a>
                )}
              </th>
              <Bar name="selected" count={value.selected} of={page.selected} />
              <Bar name="rest" count={value.baseline} of={page.baseline} />
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

function Bar({ name, count, of }: { name: 'selected' | 'rest'; count: number; of: number }): JSX.Element {
  const part = share(count, of);
  return (
    <td class={`comparison-bar is-${name}`} title={plural(count, 'span')}>
      <svg width="100%" height="8" aria-hidden="true">
        <rect class="track" width="100%" height="8" rx="2" />
        <rect class={`bar-${name}`} width={`${(part * 100).toFixed(2)}%`} height="8" rx="2" />
      </svg>
      <span class="num" safe>
        {`${formatPercent(part)} (${formatCount(count)})`}
      </span>
    </td>
  );
}
