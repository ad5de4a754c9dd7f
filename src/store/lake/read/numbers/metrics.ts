/** Numbers over time: metrics queries over buffers and files. */
import type {
  FieldExpression,
  Literal,
  MetricsExpression,
  MetricsQuery,
  SpansetExpression,
} from '../../../../traceql/ast.ts';
import { isMetrics } from '../../../../traceql/query.ts';
import { QuestionError } from '../../../span-store.ts';
import type { Coverage, MetricsPage, MetricsQuestion } from '../../../span-store.ts';
import { bucketsOf, rangeWithSpans } from './metrics-buckets.ts';
import { compareSeries } from './metrics-compare.ts';
import { exemplarsOf } from './metrics-exemplars.ts';
import { askOf, fieldsOfAggregate, seriesOf } from './metrics-series.ts';
import type { CountingAggregate } from './metrics-series.ts';
import { scanRows, scannable } from './metrics-source.ts';
import type { Asked } from './metrics-source.ts';
import { countSpansets } from './metrics-spansets.ts';
import { applyStages, bySum, calculate } from './metrics-stages.ts';
import type { Operand, Series } from './metrics-stages.ts';
import { MAX_GROUPS, columnsOfSeries } from './series-scan.ts';
import { SeriesTable } from './series-table.ts';
import type { Buckets } from './series-time.ts';
import type { Session } from '../session.ts';
import type { TraceIndexes } from '../search/trace-indexes.ts';

/** What all parts of one question share. */
export interface MetricsAsking extends Asked {
  readonly buckets: Buckets;
  readonly exemplars: number;
}

/** Throws QuestionError for a query that measures nothing, a step too short, or too many series to count. */
export async function metrics(
  session: Session,
  indexes: TraceIndexes,
  question: MetricsQuestion,
): Promise<Omit<MetricsPage, keyof Coverage>> {
  const { query, stepNano, maxSeries, exemplars } = question;
  const { expression } = query;
  if (!isMetrics(expression)) {
    throw new QuestionError(
      'unsupported_query',
      'the query selects spans and measures nothing: add what to measure, as in "| rate()", or ask a search',
      query.text.length,
    );
  }
  const range = rangeWithSpans(session, question.range);
  if (!range) {
    const { startUnixNano } = question.range;
    return { startUnixNano, stepNano: stepNano ?? 0n, buckets: 0, series: [] };
  }
  const buckets = bucketsOf(range, stepNano);
  const found = bySum(await seriesOfExpression({ session, indexes, range, buckets, exemplars }, expression));
  if (found.length > maxSeries) {
    session.limit(`only the ${maxSeries} series with the largest sums of ${found.length} are answered`);
  }
  const answered = found.slice(0, maxSeries);
  const shown = await exemplarsOf(session, buckets, answered, exemplars);
  return {
    startUnixNano: buckets.originUnixNano,
    stepNano: buckets.stepNano,
    buckets: buckets.count,
    series: answered.map(({ labels, samples }, i) => ({ labels, samples, exemplars: shown[i] })),
  };
}

async function seriesOfExpression(
  asking: MetricsAsking,
  expression: MetricsExpression,
): Promise<readonly Series[]> {
  if (expression.kind === 'metrics') return seriesOfQuery(asking, expression);
  const left = await operand(asking, expression.left);
  const right = await operand(asking, expression.right);
  return applyStages(calculate(expression.operator, left, right), expression.stages);
}

async function operand(asking: MetricsAsking, expression: MetricsExpression | Literal): Promise<Operand> {
  if (expression.kind !== 'literal') return seriesOfExpression(asking, expression);
  const { value } = expression;
  if (value.type === 'int' || value.type === 'float') return Number(value.value);
  if (value.type === 'duration') return Number(value.value) / 1e9;
  throw new QuestionError(
    'invalid_query',
    `a ${value.type} can't be calculated with series`,
    expression.position,
  );
}

async function seriesOfQuery(asking: MetricsAsking, query: MetricsQuery): Promise<readonly Series[]> {
  const { source, aggregate, stages } = query;
  if (aggregate.kind === 'compare') {
    return applyStages(await compareSeries(asking, source, aggregate), stages);
  }
  const table = await counted(asking, source, aggregate);
  if (table.isFull) {
    throw new QuestionError(
      'invalid_argument',
      'there are more series and points than can be kept in memory: ask for a longer step, a shorter range, or fewer groups',
      aggregate.position,
    );
  }
  const { series, all } = await seriesOf(table, aggregate, () => asking.session.breathe());
  if (table.isCut) asking.session.limit(`only ${MAX_GROUPS} groups are told apart, the first that were met`);
  else if (series.length < all) {
    asking.session.limit(`only ${series.length} series of ${all} are made, those of the most spans`);
  }
  return applyStages(series, stages);
}

async function counted(
  asking: MetricsAsking,
  source: SpansetExpression,
  aggregate: CountingAggregate,
): Promise<SeriesTable> {
  const table = new SeriesTable(askOf(aggregate, asking.buckets, asking.exemplars));
  const scanned = scannable(source, fieldsOfAggregate(aggregate));
  if (scanned) await countRows(asking, scanned.condition, table);
  else await countSpansets(asking, source, table);
  return table;
}

async function countRows(
  asking: MetricsAsking,
  condition: FieldExpression | null,
  table: SeriesTable,
): Promise<void> {
  const { ask, scan } = table;
  await scanRows<'series'>(asking, condition, {
    reads: (available) => columnsOfSeries(ask, available),
    begin: (block) => scan.begin(block, 0),
    buffered: (buffer) => table.takeExamples((_, row) => ({ kind: 'buffer', buffer, row })),
    job: (work) => ({ kind: 'series', ...work, ask }),
    merge: (part, file) => table.merge(part, file),
  });
}
