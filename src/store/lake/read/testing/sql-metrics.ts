/** Test support: TraceQL's metrics queries as SQL over the table of `sql-table.ts`. */
import type { MetricsAggregate, MetricsQuery, Static } from '../../../../traceql/ast.ts';
import type { MetricsPage, TimeRange } from '../../../span-store.ts';
import { NotInSqlError, SPANS_WITH_PARENTS, valuesSql } from './sql-conditions.ts';
import { labelSql, numberSql, spansetRelation } from './sql-spansets.ts';
import { plainRows } from './sql-table.ts';

/** What DuckDB says of the numbers of one series and bucket. */
export interface SqlCell {
  readonly labels: string;
  /** Whole steps since the epoch; 0 where all is one bucket. */
  readonly bucket: bigint;
  readonly rows: number;
  /** In order. */
  readonly numbers: readonly number[];
}

/** Cells that have spans, or, where a field is measured, numbers. Throws NotInSqlError. */
export async function sqlCells(
  { source, aggregate, stages }: MetricsQuery,
  range: TimeRange,
  stepNano: bigint | undefined,
): Promise<SqlCell[]> {
  if (stages.length > 0) throw new NotInSqlError('a second stage');
  const operand = operandOf(aggregate);
  const { tables, name } = spansetRelation(source, range);
  const values = byOf(aggregate).map((field, i) => `(${valuesSql(field)})[1] AS v${i}`);
  const labels = values.map((_, i) => labelSql(`v${i}`, 'two'));
  if (operand) values.push(`(${valuesSql(operand)})[1] AS measured`);
  const bucket = stepNano === undefined ? '0' : `s.start // ${stepNano}::HUGEINT`;
  const rows = await plainRows(`${tables}
    SELECT labels, bucket, count(*) AS n, list(x::VARCHAR ORDER BY x) AS numbers FROM (
      SELECT concat_ws(chr(10), ${["''", ...labels].join(', ')}) AS labels, bucket,
        ${operand ? numberSql('measured') : '0::DOUBLE'} AS x
      FROM (SELECT ${[`(${bucket})::VARCHAR AS bucket`, ...values].join(', ')}
        FROM (SELECT DISTINCT rid FROM ${name}) r JOIN (${SPANS_WITH_PARENTS}) ON s.rid = r.rid))
    WHERE x IS NOT NULL AND NOT isnan(x) GROUP BY ALL`);
  return rows.map((row) => ({
    labels: String(row.labels),
    bucket: BigInt(String(row.bucket)),
    rows: Number(row.n),
    numbers: (row.numbers as string[]).map(Number),
  }));
}

function byOf(aggregate: MetricsAggregate) {
  if (aggregate.kind === 'compare') throw new NotInSqlError('compare()');
  return aggregate.by;
}

function operandOf(aggregate: MetricsAggregate) {
  switch (aggregate.kind) {
    case 'rate':
    case 'count_over_time':
      return undefined;
    case 'compare':
      throw new NotInSqlError(aggregate.kind);
    case 'histogram_over_time':
    case 'sum_over_time':
    case 'avg_over_time':
    case 'min_over_time':
    case 'max_over_time':
    case 'quantile_over_time':
      return aggregate.operand;
  }
}

/** As `labelSql` writes it. */
function labelText(value: Static): string {
  switch (value.type) {
    case 'string':
      return `s ${value.value}`;
    case 'int':
    case 'duration':
      return `${value.type === 'int' ? 'i' : 'n'} ${value.value}`;
    case 'float':
      return `d ${doubleText(value.value)}`;
    case 'bool':
      return `b ${value.value ? 1 : 0}`;
    case 'status':
    case 'kind':
      return `${value.type === 'kind' ? 'k' : 't'} ${value.value}`;
    case 'nil':
    case 'opaque':
      return value.type;
  }
}

/** As DuckDB writes it. */
function doubleText(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (Object.is(value, -0)) return '-0.0';
  return Number.isInteger(value) ? `${value}.0` : String(value);
}

/** Samples by labels, bucket of time, and quantile or bucket of a histogram. */
export type Samples = ReadonlyMap<string, { readonly value: number; readonly tolerance: number }>;

function sampleKey(labels: string, bucket: bigint, variant: string): string {
  return `${labels}\n@${bucket} ${variant}`;
}

/** What a store answered; without what stands for no span. */
export function samplesOf(page: MetricsPage, { aggregate }: MetricsQuery, oneBucket: boolean): Samples {
  const samples = new Map<string, { value: number; tolerance: number }>();
  const counts = ['rate', 'count_over_time', 'histogram_over_time'].includes(aggregate.kind);
  const first = oneBucket ? 0n : page.startUnixNano / page.stepNano;
  for (const { labels, samples: values } of page.series) {
    const groups = labels.slice(0, byOf(aggregate).length).map(({ value }) => labelText(value));
    const added = labels.find(({ key }) => key === 'p' || key === '__bucket')?.value;
    const variant = added?.type === 'float' ? String(added.value) : '';
    for (const [i, value] of values.entries()) {
      if (Number.isNaN(value) || (counts && value === 0)) continue;
      samples.set(sampleKey(['', ...groups].join('\n'), first + BigInt(i), variant), { value, tolerance: 0 });
    }
  }
  return samples;
}

/** The samples that the cells make, each with how far off an estimate or another order of adding may be. */
export function samplesOfCells(
  cells: readonly SqlCell[],
  { aggregate }: MetricsQuery,
  stepNano: bigint,
): Samples {
  const samples = new Map<string, { value: number; tolerance: number }>();
  const operand = operandOf(aggregate);
  const isDuration = operand?.kind === 'intrinsic' && operand.name === 'span:duration';
  const unit = isDuration ? 1e9 : 1;
  for (const { labels, bucket, rows, numbers } of cells) {
    const add = (value: number, tolerance: number, variant = ''): unknown =>
      samples.set(sampleKey(labels, bucket, variant), { value: value / unit, tolerance: tolerance / unit });
    const sum = numbers.reduce((total, each) => total + each, 0);
    const rounding = numbers.reduce((total, each) => total + Math.abs(each), 0) * 1e-12;
    switch (aggregate.kind) {
      case 'rate':
        add(rows / (Number(stepNano) / 1e9), rows * 1e-6);
        break;
      case 'count_over_time':
        add(rows, 0);
        break;
      case 'sum_over_time':
        add(sum, rounding);
        break;
      case 'avg_over_time':
        add(sum / rows, rounding);
        break;
      case 'min_over_time':
        add(numbers[0], 0);
        break;
      case 'max_over_time':
        add(numbers[rows - 1], 0);
        break;
      case 'quantile_over_time':
        for (const share of aggregate.quantiles) {
          const value = numbers[Math.max(1, Math.ceil(share * rows)) - 1];
          add(value, Math.abs(value) * 0.01, String(share));
        }
        break;
      case 'histogram_over_time':
        for (const power of new Set(numbers.map(leastPower))) {
          const within = numbers.filter((number) => leastPower(number) === power).length;
          samples.set(sampleKey(labels, bucket, String(power / unit)), { value: within, tolerance: 0 });
        }
        break;
      case 'compare':
        throw new NotInSqlError(aggregate.kind);
    }
  }
  return samples;
}

/** The least power of two that is not below; 0 for what is not above 0. */
function leastPower(number: number): number {
  if (number <= 0) return 0;
  let power = 1;
  while (power < number) power *= 2;
  while (power / 2 >= number) power /= 2;
  return power;
}

/** '' when they agree. */
export function differenceOf(ours: Samples, theirs: Samples): string {
  for (const key of new Set([...ours.keys(), ...theirs.keys()])) {
    const [our, their] = [ours.get(key), theirs.get(key)];
    if (our === undefined || their === undefined || Math.abs(our.value - their.value) > their.tolerance) {
      return `${JSON.stringify(key)}: ours ${our?.value}, DuckDB's ${their?.value}`;
    }
  }
  return '';
}
