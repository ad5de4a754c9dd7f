/** Counts by start and duration, for a picture. */
import { QuestionError } from '../../../span-store.ts';
import type { Coverage, HeatmapPage, HeatmapQuestion } from '../../../span-store.ts';
import { HEATMAP_COLUMNS, HeatmapScan, lowerEnd } from './heatmap-job.ts';
import { rangeWithSpans } from './metrics-buckets.ts';
import { scanMatching } from './metrics-source.ts';
import { roundBuckets } from './series-time.ts';
import type { Session } from '../session.ts';
import type { TraceIndexes } from '../search/trace-indexes.ts';

/** More columns than the widest screen has pixels. */
const MAX_COLUMNS = 4_000;

/** Throws QuestionError for a number of columns that is none. */
export async function heatmap(
  session: Session,
  indexes: TraceIndexes,
  { query, range, columns }: HeatmapQuestion,
): Promise<Omit<HeatmapPage, keyof Coverage>> {
  if (!Number.isInteger(columns) || columns < 2 || columns > MAX_COLUMNS) {
    throw new QuestionError('invalid_argument', `${columns} columns are not between 2 and ${MAX_COLUMNS}`);
  }
  const covered = rangeWithSpans(session, range);
  if (!covered) {
    const none = new Float64Array(0);
    return {
      startUnixNano: range.startUnixNano,
      stepNano: 0n,
      columns: 0,
      durationsNano: [],
      counts: none,
      errors: none,
    };
  }
  const buckets = roundBuckets(covered, columns);
  const scan = new HeatmapScan(buckets);
  await scanMatching<'heatmap'>(
    { session, indexes, range: covered, query },
    {
      reads: () => HEATMAP_COLUMNS,
      begin: (block) => scan.begin(block),
      job: (work) => ({ kind: 'heatmap', ...work, buckets }),
      merge: (part) => scan.merge(part),
    },
  );
  const { firstRow, counts, errors } = scan.part();
  const rows = counts.length / buckets.count;
  return {
    startUnixNano: buckets.originUnixNano,
    stepNano: buckets.stepNano,
    columns: buckets.count,
    durationsNano: Array.from({ length: rows }, (_, row) => lowerEnd(firstRow + row)),
    counts,
    errors,
  };
}
