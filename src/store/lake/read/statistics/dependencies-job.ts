/** What reader workers do for the service graph. */
import type { TimeRange } from '../../../span-store.ts';
import type { Block } from '../../../../span/vector.ts';
import { CALL_COLUMNS, CallBlock, CallNames, CallRowsBuilder } from './dependencies-rows.ts';
import type { CallRows } from './dependencies-rows.ts';
import { RunJoin } from './dependencies-runs.ts';
import type { CallPart } from './dependencies-runs.ts';
import { narrowToTimes } from '../scan/int64-kernel.ts';
import type { JobRun } from '../workers/job-run.ts';
import type { JobBase, RowPick } from '../workers/jobs.ts';
import type { Filter } from '../scan/scan.ts';

/** Calls within the traces of some row groups. `filter`: the spans that may be a parent or child. */
export interface CallsJob extends JobBase {
  readonly kind: 'calls';
  readonly rowGroups: readonly number[];
  readonly filter: Filter;
  readonly range: TimeRange;
}

/** Rows as calls; those that do not start `within` are left out. */
export interface CallRowsJob extends JobBase {
  readonly kind: 'call rows';
  readonly picks: readonly RowPick[];
  readonly within: TimeRange;
  readonly range: TimeRange;
}

export async function runCalls(job: CallsJob, run: JobRun): Promise<CallPart> {
  const join = new RunJoin(job.range);
  const columns = job.columns ?? CALL_COLUMNS;
  for (const rowGroup of job.rowGroups) await run.scan(rowGroup, job.filter, columns, join.begin);
  return join.part();
}

export async function runCallRows(job: CallRowsJob, run: JobRun): Promise<CallRows> {
  const found = new CallRowsBuilder(new CallNames());
  const add = (block: Block, rows: Uint32Array) => {
    const calls = new CallBlock(block, found.callNames);
    const selected = new Uint8Array(block.rows).fill(1);
    const { startUnixNano, endUnixNano } = job.within;
    narrowToTimes(calls.starts, startUnixNano, endUnixNano, selected, 0, block.rows);
    calls.mark(job.range, 0, block.rows);
    for (const row of rows) if (selected[row] === 1) found.push(calls, row);
  };
  for (const pick of job.picks) {
    const points = run.points(pick);
    if (points === undefined) await run.eachPick(pick, add);
    else
      add(
        points,
        Uint32Array.from({ length: points.rows }, (_, row) => row),
      );
  }
  return found.take();
}
