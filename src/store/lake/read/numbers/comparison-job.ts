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
    let use: ReturnType<ComparisonScan['beginSource']> | undefined;
    await jobRun.visit(rowGroup, job.filter, job.reads, 'ascending', (source, selected, from, to) => {
      use ??= scan.beginSource(source, job.reads);
      use(selected, from, to);
    });
    scan.end();
  }
  return scan.part();
}
