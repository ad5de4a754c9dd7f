/** A job for each share of a plan's row groups, the answers merged as they come. */
import type { FileEntry } from '../../files/file-entry.ts';
import type { Job, JobValues } from './jobs.ts';
import { splitByRows } from '../plan/plan.ts';
import type { FilePlan } from '../plan/plan.ts';
import { inLanes } from '../session.ts';
import type { Session } from '../session.ts';

/** `ask`: the job for some row groups of a file. Files that can't be read are left out and named (session.ts). */
export async function scanFiles<K extends Job['kind']>(
  session: Session,
  plans: readonly FilePlan[],
  ask: (file: FileEntry, rowGroups: readonly number[]) => Omit<Extract<Job, { kind: K }>, 'path'>,
  merge: (value: JobValues[K], file: FileEntry) => void | Promise<void>,
): Promise<void> {
  const units = plans.flatMap(({ file, rowGroups }) =>
    splitByRows(rowGroups, (index) => file.rowGroups[index].rows).map((part) => ({ file, rowGroups: part })),
  );
  await inLanes(
    session.deps.pool.lanes,
    () => units.shift(),
    async ({ file, rowGroups }) => {
      try {
        const value = await session.job<K>(file, ask(file, rowGroups));
        if (value !== undefined) await merge(value, file);
      } catch (error) {
        // The other lanes end with the job that they have in hand.
        units.length = 0;
        throw error;
      }
    },
  );
}
