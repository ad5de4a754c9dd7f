/** Which attributes tell the spans of a selection from the others of a query. */
import { analyse } from '../../../../traceql/analyse.ts';
import { printExpression } from '../../../../traceql/print.ts';
import { QuestionError } from '../../../span-store.ts';
import type { ComparisonPage, ComparisonQuestion, Coverage } from '../../../span-store.ts';
import { ComparisonScan, MAX_FIELDS, columnsOfComparison } from './comparison-scan.ts';
import type { ComparedField } from './comparison-fields.ts';
import type { ComparisonAsk } from './comparison-scan.ts';
import { countedValue, largest } from './facets.ts';
import { scanMatching } from './metrics-source.ts';
import type { Session } from '../session.ts';
import type { TraceIndexes } from '../search/trace-indexes.ts';

type FieldAnswer = ComparisonPage['fields'][number];

/** Throws QuestionError for a selection that a span alone can't decide. */
export async function comparison(
  session: Session,
  indexes: TraceIndexes,
  { query, selection, selectionRange, range, limit, values }: ComparisonQuestion,
): Promise<Omit<ComparisonPage, keyof Coverage>> {
  const { needsTrace, scan: condition } = analyse(selection);
  if (needsTrace) {
    throw new QuestionError(
      'unsupported_query',
      "a selection is compared span by span: it can't ask for parents, roots, or the trace",
    );
  }
  const buckets = {
    originUnixNano: range.startUnixNano,
    stepNano: range.endUnixNano - range.startUnixNano,
    count: 1,
  };
  const ask: ComparisonAsk = { selection: { condition, range: selectionRange ?? range }, buckets };
  const scan = new ComparisonScan(ask);
  await scanMatching<'comparison'>(
    { session, indexes, range, query },
    {
      reads: (available) => columnsOfComparison(ask, available),
      begin: (block) => scan.begin(block),
      job: (work) => ({ kind: 'comparison', ...work, ask }),
      merge: (part) => scan.merge(part),
    },
  );
  if (scan.tooManyFields) session.limit(`only ${MAX_FIELDS} attribute keys are compared`);
  return comparisonOf(session, scan, limit, values);
}

async function comparisonOf(
  session: Session,
  scan: ComparisonScan,
  limit: number,
  values: number,
): Promise<Omit<ComparisonPage, keyof Coverage>> {
  const [baseline, selected] = scan.totals.map(([count]) => count);
  const fields: CountedField[] = [];
  for (const field of scan.fields()) {
    if (field.counts.length > 0 || field.others[0] + field.others[1] > 0)
      fields.push(countedField(field, selected, baseline));
    await session.breathe();
  }
  fields.sort((a, b) => b.difference - a.difference || (a.field < b.field ? -1 : 1));
  const answers: FieldAnswer[] = [];
  for (const field of fields.slice(0, limit)) {
    answers.push({ field: field.field, difference: field.difference, values: valuesOf(field, values) });
    await session.breathe();
  }
  return { selected, baseline, fields: answers };
}

interface CountedField {
  readonly field: string;
  readonly difference: number;
  readonly compared: ComparedField;
  /** `code * 2 + side`. */
  readonly byValue: Float64Array;
  /** By code: how far the shares are apart. */
  readonly apart: Float64Array;
}

/** The missing value is one that can differ, too; so are those beyond the ones that are told apart, together. */
function countedField(compared: ComparedField, selected: number, baseline: number): CountedField {
  const { field, values, keys, counts, others } = compared;
  const byValue = new Float64Array(values.length * 2);
  for (let i = 0; i < keys.length; i++) byValue[keys[i]] += counts[i];
  const present = [others[0], others[1]];
  for (let i = 2; i < byValue.length; i++) present[i & 1] += byValue[i];
  const share = (count: number, of: number) => (of === 0 ? 0 : count / of);
  const distance = (b: number, s: number) => Math.abs(share(s, selected) - share(b, baseline));
  let sum = distance(others[0], others[1]) + distance(baseline - present[0], selected - present[1]);
  const apart = new Float64Array(values.length);
  for (let code = 1; code < apart.length; code++) {
    apart[code] = distance(byValue[code * 2], byValue[code * 2 + 1]);
    sum += apart[code];
  }
  const difference = selected === 0 || baseline === 0 ? 0 : Math.min(1, sum / 2);
  return { field: printExpression(field), difference, compared, byValue, apart };
}

/** Those that differ most first. */
function valuesOf({ compared, byValue, apart }: CountedField, limit: number): FieldAnswer['values'] {
  const least = largest(apart, limit);
  const found: { readonly answer: FieldAnswer['values'][number]; readonly apart: number }[] = [];
  for (let code = 1; code < apart.length; code++) {
    if (apart[code] < least) continue;
    const counted = countedValue(compared.values[code]);
    if (!counted) continue;
    const [baseline, selected] = [byValue[code * 2], byValue[code * 2 + 1]];
    if (baseline + selected > 0)
      found.push({ answer: { ...counted, selected, baseline }, apart: apart[code] });
  }
  found.sort((a, b) => b.apart - a.apart || (a.answer.value < b.answer.value ? -1 : 1));
  return found.slice(0, limit).map(({ answer }) => answer);
}
