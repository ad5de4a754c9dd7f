/** `compare({...})`: how often each attribute's values occur in a selection and outside of it, over time. */
import { analyse } from '../../../../traceql/analyse.ts';
import type { MetricsAggregate, SpansetExpression, Static } from '../../../../traceql/ast.ts';
import { printExpression } from '../../../../traceql/print.ts';
import { QuestionError } from '../../../span-store.ts';
import { MAX_COMPARED_CELLS } from './comparison-fields.ts';
import { ComparisonScan, MAX_FIELDS, columnsOfComparison } from './comparison-scan.ts';
import type { ComparedField } from './comparison-fields.ts';
import type { ComparisonAsk } from './comparison-scan.ts';
import type { SeriesCandidates } from './metrics-choice.ts';
import type { MetricsAsking } from './metrics.ts';
import { matchingRows } from './metrics-source.ts';
import type { Label, Series } from './metrics-stages.ts';

type CompareAggregate = Extract<MetricsAggregate, { readonly kind: 'compare' }>;

/** So many are looked at in about a millisecond. */
const CELLS_A_STEP = 16_384;

const SIDES = ['baseline', 'selection'] as const;

/** Labels as Tempo gives them: `__meta_type` and the attribute with its value, nil for the sum of all its values. */
export async function compareCandidates(
  asking: MetricsAsking,
  source: SpansetExpression,
  aggregate: CompareAggregate,
): Promise<SeriesCandidates> {
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
  if (scan.tooManyFields) asking.session.limit(`only ${MAX_FIELDS} attribute keys are compared`);
  if (scan.tooManyCells) {
    asking.session.limit(`only ${MAX_COMPARED_CELLS} values and points of time are compared`);
  }
  return asking.session.inSlices(candidatesOf(scan, asking.buckets.count, topN));
}

/** One series: of a value, of the sum of all, or none but a word that there are more. */
interface Candidate {
  readonly field: ComparedField;
  readonly kind: 'value' | 'total' | 'more';
  readonly side: number;
  readonly code: number;
  readonly sum: number;
}

function* candidatesOf(
  scan: ComparisonScan,
  buckets: number,
  topN: number,
): Generator<void, SeriesCandidates> {
  const found: Candidate[] = [];
  for (const field of scan.fields()) {
    yield* addCandidates(field, topN, found);
    yield;
  }
  const sums = Float64Array.from(found, ({ sum }) => sum);
  return {
    sums,
    sizes: sums,
    labels: (candidate) => labelsOf(found[candidate]),
    *make(chosen) {
      const made: Series[] = [];
      const byField = new Map<ComparedField, Map<string, Float64Array>>();
      for (const candidate of chosen) {
        const { field, kind, side, code } = found[candidate];
        const samples = new Float64Array(buckets);
        const own = byField.get(field) ?? new Map<string, Float64Array>();
        byField.set(field, own.set(`${kind} ${side} ${code}`, samples));
        if (made.push({ labels: labelsOf(found[candidate]), samples, examples: [] }) % 256 === 0) yield;
      }
      for (const [field, samplesOf] of byField) yield* fill(field, samplesOf);
      return made;
    },
  };
}

function* addCandidates(field: ComparedField, topN: number, found: Candidate[]): Generator<void> {
  const { keys, counts, values, others } = field;
  const byKey = new Float64Array(values.length * 2);
  for (let i = 0; i < keys.length; i++) {
    byKey[keys[i]] += counts[i];
    if (i % CELLS_A_STEP === CELLS_A_STEP - 1) yield;
  }
  let isCut = others[0] + others[1] > 0;
  for (const side of SIDES.keys()) {
    const codes = Array.from(values.keys()).filter((code) => byKey[code * 2 + side] > 0);
    if (codes.length === 0) continue;
    isCut ||= codes.length > topN;
    codes.sort((a, b) => byKey[b * 2 + side] - byKey[a * 2 + side]);
    const sum = codes.reduce((all, code) => all + byKey[code * 2 + side], 0);
    for (const code of codes.slice(0, topN)) {
      found.push({ field, kind: 'value', side, code, sum: byKey[code * 2 + side] });
    }
    found.push({ field, kind: 'total', side, code: 0, sum });
    yield;
  }
  if (isCut) found.push({ field, kind: 'more', side: 0, code: 0, sum: 0 });
}

/** Yields about every millisecond. */
function* fill(
  { keys, buckets, counts, values }: ComparedField,
  samplesOf: ReadonlyMap<string, Float64Array>,
): Generator<void> {
  const ofKey = Array.from({ length: values.length * 2 }, (_, key) =>
    samplesOf.get(`value ${key & 1} ${key >>> 1}`),
  );
  const totals = SIDES.map((_, side) => samplesOf.get(`total ${side} 0`));
  for (let i = 0; i < keys.length; i++) {
    if (i % CELLS_A_STEP === CELLS_A_STEP - 1) yield;
    const samples = ofKey[keys[i]];
    if (samples) samples[buckets[i]] += counts[i];
    const sums = totals[keys[i] & 1];
    if (sums) sums[buckets[i]] += counts[i];
  }
  yield;
}

function labelsOf({ field, kind, side, code }: Candidate): Label[] {
  const key = printExpression(field.field);
  const text = (value: string): Static => ({ type: 'string', value });
  switch (kind) {
    case 'value':
      return [
        { key: '__meta_type', value: text(SIDES[side]) },
        { key, value: field.values[code] },
      ];
    case 'total':
      return [
        { key: '__meta_type', value: text(`${SIDES[side]}_total`) },
        { key, value: { type: 'nil' } },
      ];
    case 'more':
      return [
        { key: '__meta_error', value: text('__too_many_values__') },
        { key, value: { type: 'nil' } },
      ];
  }
}
