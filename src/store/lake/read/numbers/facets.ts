/** Top values of several fields, in one pass over the matching spans. */
import { doubleText } from '../../../../span/value.ts';
import type { Static } from '../../../../traceql/ast.ts';
import { QuestionError } from '../../../span-store.ts';
import type { Coverage, FacetsPage, FacetsQuestion, ValueCount } from '../../../span-store.ts';
import { FacetsScan, MAX_FACET_VALUES, columnsOfFacet } from './facets-job.ts';
import type { FacetAsk, FacetCounts } from './facets-job.ts';
import { scanMatching } from './metrics-source.ts';
import { askedField } from './names.ts';
import type { Session } from '../session.ts';
import type { TraceIndexes } from '../search/trace-indexes.ts';
import { countedType } from './values.ts';

/** Each field of a page is one; all are counted in one pass, and kept in memory together. */
const MAX_FACETS = 32;

/** Throws QuestionError for too many fields. A field whose values nobody chooses from is missing in every span. */
export async function facets(
  session: Session,
  indexes: TraceIndexes,
  { query, range, fields, limit }: FacetsQuestion,
): Promise<Omit<FacetsPage, keyof Coverage>> {
  if (fields.length > MAX_FACETS) {
    throw new QuestionError('invalid_argument', `${fields.length} fields are more than ${MAX_FACETS}`);
  }
  const asked = fields.map((text) => askedField(text));
  const known: FacetAsk[] = asked.flatMap((each) =>
    each ? [{ field: each.field, rootsOnly: each.only !== null }] : [],
  );
  const scan = new FacetsScan(known);
  await scanMatching<'facets'>(
    { session, indexes, range, query },
    {
      reads: (available) => [...new Set(known.flatMap((facet) => columnsOfFacet(facet, available)))],
      begin: (block) => scan.begin(block),
      job: (work) => ({ kind: 'facets', ...work, facets: known }),
      merge: (part) => scan.merge(part),
    },
  );
  const { rows, facets: counted } = scan;
  if (counted.some(({ codes }) => codes.full)) {
    session.limit(`only ${MAX_FACET_VALUES} distinct values of a field are counted`);
  }
  const left = [...counted];
  const answers: FacetsPage['facets'][number][] = [];
  for (const [i, each] of asked.entries()) {
    const facet = each && left.shift();
    const top = facet ? topOf(facet, limit) : { values: [], distinct: 0, missing: rows };
    answers.push({ field: fields[i], ...top });
    await session.breathe();
  }
  return { count: rows, facets: answers };
}

/** Most frequent first, by value where counts are equal. Sorts little more than it gives. */
function topOf(
  { values, counts }: FacetCounts,
  limit: number,
): Pick<FacetsPage['facets'][number], 'values' | 'distinct' | 'missing'> {
  const codes = counts.subarray(0, values.length).map((count, code) => (code === 0 ? 0 : count));
  const least = largest(codes, limit);
  const found: ValueCount[] = [];
  let distinct = 0;
  values.forEach((value, code) => {
    if (codes[code] === 0 || value.type === 'opaque') return;
    distinct++;
    const counted = codes[code] >= least ? countedValue(value) : undefined;
    if (counted) found.push({ ...counted, count: codes[code] });
  });
  found.sort((a, b) => b.count - a.count || (a.value < b.value ? -1 : a.value > b.value ? 1 : 0));
  return { values: found.slice(0, limit), distinct, missing: counts[0] };
}

/** The least of the `limit` largest numbers, and of one more for what is counted and not shown. */
export function largest(numbers: Float64Array, limit: number): number {
  const sorted = numbers.slice().sort();
  return sorted[Math.max(0, sorted.length - limit - 1)] ?? 0;
}

/** Undefined for what can't be chosen: bytes, arrays, lists. */
export function countedValue(value: Static): Pick<ValueCount, 'type' | 'value'> | undefined {
  if (value.type === 'nil' || value.type === 'opaque') return undefined;
  const text = value.type === 'float' ? doubleText(value.value) : String(value.value);
  return { type: countedType(value.type), value: text };
}
