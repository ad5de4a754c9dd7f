/** Test support: metrics over plain spans, the slow and obvious way. */
import type { Span } from '../../../../span/span.ts';
import type { MetricsAggregate, Static } from '../../../../traceql/ast.ts';
import { evaluate } from '../../../../traceql/evaluate.ts';
import type { FieldSource } from '../../../../traceql/evaluate.ts';
import { printExpression } from '../../../../traceql/print.ts';
import { staticKey } from '../numbers/group-codes.ts';
import { isDuration, numberOf } from '../numbers/series-values.ts';

type Counting = Exclude<MetricsAggregate, { readonly kind: 'compare' }>;

export interface NaiveSeries {
  readonly labels: string;
  readonly samples: readonly number[];
}

export interface NaiveBuckets {
  readonly originUnixNano: bigint;
  readonly stepNano: bigint;
  readonly count: number;
}

/** `rows`: the spans that count, with the fields of each. */
export function naiveSeries(
  rows: readonly { readonly span: Span; readonly fields: FieldSource }[],
  aggregate: Counting,
  buckets: NaiveBuckets,
): NaiveSeries[] {
  const groups = new Map<string, number[][]>();
  const group = (labels: string): number[][] => {
    let found = groups.get(labels);
    if (!found) groups.set(labels, (found = Array.from({ length: buckets.count }, () => [])));
    return found;
  };
  const spans = aggregate.kind === 'rate' || aggregate.kind === 'count_over_time';
  if (spans && aggregate.by.length === 0) group('');
  for (const { span, fields } of rows) {
    const number = 'operand' in aggregate ? numberOf(evaluate(aggregate.operand, fields)) : 1;
    if (Number.isNaN(number)) continue;
    const labels = aggregate.by.map((field) => label(printExpression(field), evaluate(field, fields)));
    if (aggregate.kind === 'histogram_over_time') {
      const power = number > 0 ? leastPower(number) : 0;
      labels.push(label('__bucket', { type: 'float', value: power / unit(aggregate) }));
    }
    const bucket = Number((span.startTimeUnixNano - buckets.originUnixNano) / buckets.stepNano);
    group(labels.join(' '))[bucket].push(number);
  }
  return [...groups].flatMap(([labels, cells]) =>
    variants(aggregate).map(({ suffix, of }) => ({
      labels: [labels, suffix].filter((part) => part !== '').join(' '),
      samples: cells.map((numbers) => of(numbers, Number(buckets.stepNano) / 1e9)),
    })),
  );
}

/** By doubling, since logarithms round. */
function leastPower(number: number): number {
  let power = 1;
  while (power < number) power *= 2;
  while (power / 2 >= number) power /= 2;
  return power;
}

export function label(key: string, value: Static): string {
  return `${key}=${staticKey(value)}`;
}

function unit(aggregate: Counting): number {
  return 'operand' in aggregate && isDuration(aggregate.operand) ? 1e9 : 1;
}

function variants(
  aggregate: Counting,
): { suffix: string; of: (numbers: readonly number[], stepSeconds: number) => number }[] {
  const some = (of: (numbers: readonly number[]) => number) => [
    {
      suffix: '',
      of: (numbers: readonly number[]) => (numbers.length === 0 ? NaN : of(numbers) / unit(aggregate)),
    },
  ];
  const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0);
  switch (aggregate.kind) {
    case 'rate':
      return [{ suffix: '', of: (numbers, seconds) => numbers.length / seconds }];
    case 'count_over_time':
    case 'histogram_over_time':
      return [{ suffix: '', of: (numbers) => numbers.length }];
    case 'sum_over_time':
      return some(sum);
    case 'avg_over_time':
      return some((numbers) => sum(numbers) / numbers.length);
    case 'min_over_time':
      return some((numbers) => Math.min(...numbers));
    case 'max_over_time':
      return some((numbers) => Math.max(...numbers));
    case 'quantile_over_time':
      return aggregate.quantiles.map((q) => ({
        suffix: label('p', { type: 'float', value: q }),
        of: (numbers) => {
          if (numbers.length === 0) return NaN;
          const sorted = [...numbers].sort((a, b) => a - b);
          return sorted[Math.max(1, Math.ceil(q * numbers.length)) - 1] / unit(aggregate);
        },
      }));
  }
}
