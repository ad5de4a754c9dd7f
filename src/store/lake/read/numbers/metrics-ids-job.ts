/** The ids of rows: what a reader worker does for the exemplars of a metrics question. */
import type { Block } from '../../../../span/vector.ts';
import { columnOf } from '../scan/cells.ts';
import type { JobRun } from '../workers/job-run.ts';
import type { JobBase, RowPick } from '../workers/jobs.ts';

/** The ids of rows, in the order of the picks and their rows: 24 bytes each, trace id first. */
export interface IdsJob extends JobBase {
  readonly kind: 'ids';
  readonly picks: readonly RowPick[];
}

export const ID_COLUMNS: readonly string[] = ['trace_id', 'span_id'];

export const TRACE_BYTES = 16;
export const SPAN_BYTES = 8;
export const ID_BYTES_EACH = TRACE_BYTES + SPAN_BYTES;

export async function run(job: IdsJob, jobRun: JobRun): Promise<Uint8Array> {
  const ids = new Uint8Array(job.picks.reduce((sum, { rows }) => sum + rows.length, 0) * ID_BYTES_EACH);
  let at = 0;
  const add = (block: Block, rows: Uint32Array): void => {
    const traceIds = columnOf(block, 'trace_id', 'fixed').bytes;
    const spanIds = columnOf(block, 'span_id', 'fixed').bytes;
    for (const row of rows) {
      ids.set(traceIds.subarray(row * TRACE_BYTES, (row + 1) * TRACE_BYTES), at);
      ids.set(spanIds.subarray(row * SPAN_BYTES, (row + 1) * SPAN_BYTES), at + TRACE_BYTES);
      at += ID_BYTES_EACH;
    }
  };
  for (const pick of job.picks) {
    const points = jobRun.points(pick);
    if (points)
      add(
        points,
        Uint32Array.from({ length: points.rows }, (_, row) => row),
      );
    else await jobRun.eachPick(pick, add);
  }
  return ids;
}
