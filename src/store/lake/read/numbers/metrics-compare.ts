/** `compare({...})`: how often each attribute's values occur in a selection and outside of it, over time. */
import { analyse } from '../../../../traceql/analyse.ts';
import type { MetricsAggregate, SpansetExpression } from '../../../../traceql/ast.ts';
import { printExpression } from '../../../../traceql/print.ts';
import { QuestionError } from '../../../span-store.ts';
import { ComparisonScan, MAX_FIELDS, columnsOfComparison } from './comparison-scan.ts';
import type { ComparedField, ComparisonAsk } from './comparison-scan.ts';
import { valueAt } from './group-codes.ts';
import type { MetricsAsking } from './metrics.ts';
import { matchingRows } from './metrics-source.ts';
import { total } from './metrics-stages.ts';
import type { Label, Series } from './metrics-stages.ts';

type CompareAggregate = Extract<MetricsAggregate, { readonly kind: 'compare' }>;

const SIDES = ['baseline', 'selection'] as const;

/** Labels as Tempo gives them: `__meta_type` and the attribute with its value, nil for the sum of all its values. */
export async function compareSeries(
  asking: MetricsAsking,
  source: SpansetExpression,
  aggregate: CompareAggregate,
): Promise<Series[]> {
  const { selection, startUnixNano, endUnixNano, topN, position } = aggregate;
  const { needsTrace, scan: condition } = analyse(selection.condition);
  if (needsTrace) {
    const reason =
      "compare() tells spans apart one by one: its selection can't ask for parents, roots, or the trace";
    throw new QuestionError('unsupported_query', reason, position);
  }
  const range = {
    startUnixNano: startUnixNano ?? asking.range.startUnixNano,
    endUnixNano: endUnixNano ?? asking.range.endUnixNano,
  };
  const ask: ComparisonAsk = { selection: { condition, range }, buckets: asking.buckets };
  const scan = new ComparisonScan(ask);
  await matchingRows<'comparison'>(asking, source, null, {
    reads: (available) => columnsOfComparison(ask, available),
    begin: (block) => scan.begin(block),
    job: (work) => ({ kind: 'comparison', ...work, ask }),
    merge: (part) => scan.merge(part),
  });
  const part = scan.part();
  if (part.tooManyFields) asking.session.limit(`only ${MAX_FIELDS} attribute keys are compared`);
  return part.fields.flatMap((field) => seriesOfField(field, asking.buckets.count, topN));
}

function seriesOfField(compared: ComparedField, buckets: number, topN: number): Series[] {
  const key = printExpression(compared.field);
  const found = SIDES.flatMap((name, side) => {
    const samples = samplesOf(compared, side, buckets);
    if (samples.size === 0) return [];
    const meta: Label = { key: '__meta_type', value: { type: 'string', value: name } };
    const values = [...samples].map(([code, counts]) => ({
      labels: [meta, { key, value: valueAt(compared.values, code) }],
      samples: counts,
      examples: [],
    }));
    values.sort((a, b) => total(b.samples) - total(a.samples));
    const sums = new Float64Array(buckets);
    for (const counts of samples.values()) counts.forEach((count, i) => (sums[i] += count));
    const totalLabels: Label[] = [
      { key: '__meta_type', value: { type: 'string', value: `${name}_total` } },
      { key, value: { type: 'nil' } },
    ];
    return [...values.slice(0, topN), { labels: totalLabels, samples: sums, examples: [] }];
  });
  const isCut = SIDES.some((_, side) => samplesOf(compared, side, buckets).size > topN);
  return isCut || compared.others[0] + compared.others[1] > 0 ? [...found, tooMany(key, buckets)] : found;
}

/** By code. */
function samplesOf(
  { keys, buckets: at, counts }: ComparedField,
  side: number,
  buckets: number,
): Map<number, Float64Array> {
  const samples = new Map<number, Float64Array>();
  for (let i = 0; i < keys.length; i++) {
    if ((keys[i] & 1) !== side) continue;
    const code = keys[i] >>> 1;
    let sums = samples.get(code);
    if (!sums) samples.set(code, (sums = new Float64Array(buckets)));
    sums[at[i]] += counts[i];
  }
  return samples;
}

function tooMany(key: string, buckets: number): Series {
  return {
    labels: [
      { key: '__meta_error', value: { type: 'string', value: '__too_many_values__' } },
      { key, value: { type: 'nil' } },
    ],
    samples: new Float64Array(buckets),
    examples: [],
  };
}
