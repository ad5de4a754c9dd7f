/** What a reader worker does for a comparison. */
import { ComparisonScan } from './comparison-scan.ts';
import type { ComparisonAsk, ComparisonPart } from './comparison-scan.ts';
import type { JobRun } from '../workers/job-run.ts';
import type { JobBase } from '../workers/jobs.ts';
import type { Filter } from '../scan/scan.ts';

export interface ComparisonJob extends JobBase {
  readonly kind: 'comparison';
  readonly rowGroups: readonly number[];
  readonly filter: Filter;
  readonly ask: ComparisonAsk;
  /** Of the columns, those that are compared. */
  readonly reads: readonly string[];
}

export async function run(job: ComparisonJob, jobRun: JobRun): Promise<ComparisonPart> {
  const scan = new ComparisonScan(job.ask);
  for (const rowGroup of job.rowGroups) {
    await jobRun.scan(rowGroup, job.filter, job.reads, (block) => scan.begin(block));
  }
  return scan.part();
}
