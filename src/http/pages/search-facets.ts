/** `/search/facets`: values of the spans that match, of the usual fields and of attributes that tell spans apart. */
import { Html } from '@elysiajs/html';
import type { AttributeKey, FacetsPage } from '../../store/span-store.ts';
import { Facets } from '../../../views/search/facets.tsx';
import { QueryEdits } from '../../../views/search/facets-links.ts';
import { candidates, isTelling } from './facet-choice.ts';
import { searchPart } from './search-part.ts';
import type { PartAsked } from './search-part.ts';

const USUAL = ['resource.service.name', 'name', 'status', 'kind', 'duration'];
/** All powers of two of a duration; of other fields the column shows fewer, and says how many there are. */
const VALUES = 64;
/** Attributes that are counted to see whether they tell spans apart, and those of them that are shown. */
const COUNTED = 12;
const SHOWN = 6;
/** Of the query's own attributes. All in all a store counts 32 fields at once. */
const IN_QUERY = 5;
/** Names to pick from. */
const KEYS = 500;

export const facetsPart = searchPart('Values of these spans', async (asked) => {
  const { state, query } = asked;
  const keys = await attributeKeys(asked);
  const edits = new QueryEdits(query);
  const kept = new Set([...USUAL, ...state.facets, ...inQuery(edits, keys)]);
  const guessed = candidates(keys, kept, COUNTED);
  const page = await asked.deps.store.facets(asked.projectId, {
    query,
    range: asked.range,
    fields: [...kept, ...guessed],
    limit: VALUES,
    signal: asked.signal,
  });
  return Html.createElement(Facets, {
    state,
    edits,
    page: { ...page, facets: chosen(page, kept) },
    keys,
  });
});

async function attributeKeys({ deps, projectId, query, range, signal }: PartAsked): Promise<AttributeKey[]> {
  const page = await deps.store.attributeKeys(projectId, { query, range, prefix: '', limit: KEYS, signal });
  return page.keys.filter(({ scope }) => scope === 'span' || scope === 'resource');
}

/** Where something is chosen already: it must be seen, and be there to be dropped. */
function inQuery(edits: QueryEdits, keys: readonly AttributeKey[]): string[] {
  const known = keys.map(({ scope, key }) => `${scope}.${key}`);
  return edits.attributes
    .flatMap((field) => (field.startsWith('.') ? known.filter((one) => one.endsWith(field)) : [field]))
    .filter((field) => known.includes(field))
    .slice(0, IN_QUERY);
}

/** The usual ones, those that were asked for, and the best of the others. */
function chosen({ facets, count }: FacetsPage, kept: ReadonlySet<string>): FacetsPage['facets'] {
  const others = facets.filter((facet) => !kept.has(facet.field) && isTelling(facet, count));
  return [...facets.filter(({ field }) => kept.has(field)), ...others.slice(0, SHOWN)];
}
