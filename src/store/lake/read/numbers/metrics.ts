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
import { largestSums, mostSpans } from './metrics-choice.ts';
import type { SeriesCandidates } from './metrics-choice.ts';
import { compareCandidates } from './metrics-compare.ts';
import { exemplarsOf } from './metrics-exemplars.ts';
import { askOf, candidatesOf, fieldsOfAggregate } from './metrics-series.ts';
import type { CountingAggregate } from './metrics-series.ts';
import { countRollups, isOfRollups } from './metrics-rollups.ts';
import { scanRows, scannable } from './metrics-source.ts';
import type { Asked, RowWork } from './metrics-source.ts';
import { countSpansets } from './metrics-spansets.ts';
import { applyStages, bySum, calculate } from './metrics-stages.ts';
import type { Operand, Series } from './metrics-stages.ts';
import { MAX_GROUPS, columnsOfSeries } from './series-scan.ts';
import { SeriesTable } from './series-table.ts';
import type { Buckets } from './series-time.ts';
import type { Session } from '../session.ts';
import type { TraceIndexes } from '../search/trace-indexes.ts';

/**
 * Samples of all series that are made: 32 MB, and some 80 MB of JSON. 363 series of 11,000 points are more than
 * a screen shows of either.
 */
const MAX_SAMPLES = 4_000_000;

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
  const asking = { session, indexes, range, buckets, exemplars };
  const most = Math.max(1, Math.min(maxSeries, Math.floor(MAX_SAMPLES / buckets.count)));
  const { answered, all } = await answeredOf(asking, expression, most);
  if (all > answered.length) {
    session.limit(`only the ${answered.length} series with the largest sums of ${all} are answered`);
  }
  const shown = await exemplarsOf(session, buckets, answered, exemplars);
  return {
    startUnixNano: buckets.originUnixNano,
    stepNano: buckets.stepNano,
    buckets: buckets.count,
    series: answered.map(({ labels, samples }, i) => ({ labels, samples, exemplars: shown[i] })),
  };
}

/** The series of the largest sums, largest first; of all only where what follows looks at all. */
async function answeredOf(
  asking: MetricsAsking,
  expression: MetricsExpression,
  most: number,
): Promise<{ readonly answered: readonly Series[]; readonly all: number }> {
  const { session } = asking;
  if (expression.kind === 'metrics' && expression.stages.length === 0) {
    const candidates = await candidatesOfQuery(asking, expression);
    const chosen = await session.inSlices(largestSums(candidates, most));
    return { answered: await session.inSlices(candidates.make(chosen)), all: candidates.sums.length };
  }
  const found = await session.inSlices(bySum(await seriesOfExpression(asking, expression)));
  return { answered: found.slice(0, most), all: found.length };
}

async function seriesOfExpression(
  asking: MetricsAsking,
  expression: MetricsExpression,
): Promise<readonly Series[]> {
  const { session } = asking;
  if (expression.kind === 'metrics') {
    const series = await seriesOfQuery(asking, expression);
    return session.inSlices(applyStages(series, expression.stages));
  }
  const left = await operand(asking, expression.left);
  const right = await operand(asking, expression.right);
  const calculated = await session.inSlices(calculate(expression.operator, left, right));
  return session.inSlices(applyStages(calculated, expression.stages));
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

/** All of them, as far as there is room. */
async function seriesOfQuery(asking: MetricsAsking, query: MetricsQuery): Promise<readonly Series[]> {
  const { session, buckets } = asking;
  const candidates = await candidatesOfQuery(asking, query);
  const all = candidates.sums.length;
  const chosen = mostSpans(candidates, Math.max(1, Math.floor(MAX_SAMPLES / buckets.count)));
  if (chosen.length < all) {
    session.limit(`only ${chosen.length} series of ${all} are made, those of the most spans`);
  }
  return session.inSlices(candidates.make(chosen));
}

async function candidatesOfQuery(asking: MetricsAsking, query: MetricsQuery): Promise<SeriesCandidates> {
  const { source, aggregate } = query;
  if (aggregate.kind === 'compare') return compareCandidates(asking, source, aggregate);
  const table = await counted(asking, source, aggregate);
  expectRoom(table, aggregate);
  if (table.isCut) asking.session.limit(`only ${MAX_GROUPS} groups are told apart, the first that were met`);
  return asking.session.inSlices(candidatesOf(table, aggregate));
}

async function counted(
  asking: MetricsAsking,
  source: SpansetExpression,
  aggregate: CountingAggregate,
): Promise<SeriesTable> {
  const table = new SeriesTable(askOf(aggregate, asking.buckets, asking.exemplars));
  const scanned = scannable(source, fieldsOfAggregate(aggregate));
  if (scanned) await countRows(asking, scanned.condition, table, aggregate);
  else await countSpansets(asking, source, table);
  return table;
}

function expectRoom({ isFull }: SeriesTable, { position }: CountingAggregate): void {
  if (!isFull) return;
  throw new QuestionError(
    'invalid_argument',
    'there are more series and points than can be kept in memory: ask for a longer step, a shorter range, or fewer groups',
    position,
  );
}

async function countRows(
  asking: MetricsAsking,
  condition: FieldExpression | null,
  table: SeriesTable,
  aggregate: CountingAggregate,
): Promise<void> {
  const { ask, scan } = table;
  const known: RowWork<'series'>['known'] = (plans, { range }) =>
    countRollups(asking.session, plans, condition, range, scan);
  await scanRows<'series'>(asking, condition, {
    ...(isOfRollups(scan, condition) && { known }),
    reads: (available) => columnsOfSeries(ask, available),
    begin: (block) => scan.begin(block, 0),
    buffered: (buffer) => table.takeExamples((_, row) => ({ kind: 'buffer', buffer, row })),
    job: (work) => ({ kind: 'series', ...work, ask }),
    *merge(part, file) {
      yield* table.merge(part, file);
      // What is refused in the end need not be scanned to its end.
      expectRoom(table, aggregate);
    },
  });
}
