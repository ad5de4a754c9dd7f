/** Series of the matching rows of some row groups: what a reader worker does for a metrics question. */
import type { JobRun } from '../workers/job-run.ts';
import type { JobBase } from '../workers/jobs.ts';
import type { Filter } from '../scan/scan.ts';
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
    await jobRun.scan(rowGroup, job.filter, job.reads, (block) => scan.begin(block, rowGroup));
  }
  return scan.part();
}
