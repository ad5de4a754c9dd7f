/** Series of the matching rows of some row groups: what a reader worker does for a metrics question. */
import type { JobRun } from '../workers/job-run.ts';
import type { JobBase } from '../workers/jobs.ts';
import type { ColumnSource } from '../scan/column-source.ts';
import type { Filter } from '../scan/scan.ts';
import { keptSeries } from './series-kept.ts';
import { SeriesScan } from './series-scan.ts';
import type { SeriesAsk, SeriesPart } from './series-scan.ts';

export interface SeriesJob extends JobBase {
  readonly kind: 'series';
  readonly rowGroups: readonly number[];
  readonly filter: Filter;
  readonly ask: SeriesAsk;
  /** Of the columns, those that the series are made of. */
  readonly reads: readonly string[];
}

export async function run(job: SeriesJob, jobRun: JobRun): Promise<SeriesPart> {
  const scan = new SeriesScan(job.ask);
  for (const rowGroup of job.rowGroups) {
    let use: ReturnType<typeof keptSeries>;
    await jobRun.visit(rowGroup, job.filter, job.reads, 'ascending', (source, selected, from, to) => {
      use ??= keptSeries(scan, source, rowGroup) ?? byVectors(scan, source, job.reads, rowGroup);
      use(selected, from, to);
    });
  }
  return scan.part();
}

function byVectors(
  scan: SeriesScan,
  source: ColumnSource,
  reads: readonly string[],
  rowGroup: number,
): (selected: Uint8Array, from: number, to: number) => void {
  let add: ReturnType<SeriesScan['begin']> | undefined;
  return (selected, from, to) => {
    source.load(reads, from, to);
    add ??= scan.begin(source.block(reads), rowGroup);
    add(selected, from, to);
  };
}
