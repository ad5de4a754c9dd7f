/** Counts, errors and quantiles by service or operation, over buffers and files. */
import type { OperationStats, TimeRange } from '../../span-store.ts';
import { GroupScan, Groups, OPERATION_GROUP_COLUMNS, SERVICE_GROUP_COLUMNS } from './groups.ts';
import type { GroupFigures, GroupService } from './groups.ts';
import { planScan, splitByRows } from './plan.ts';
import { inLanes } from './session.ts';
import type { Session } from './session.ts';

export async function groupStats(
  session: Session,
  range: TimeRange,
  service: GroupService,
): Promise<OperationStats[]> {
  const groups = new Groups();
  const columns = service === undefined ? SERVICE_GROUP_COLUMNS : OPERATION_GROUP_COLUMNS;
  for (const buffer of session.buffers) {
    const { minStart, maxStart } = buffer.columns;
    if (maxStart < range.startUnixNano || minStart >= range.endUnixNano) continue;
    await session.eachSlice(buffer, columns, (block) => {
      const scan = new GroupScan(block, range, service, groups);
      return (from, to) => scan.scan(from, to);
    });
  }
  const plan = planScan(session.files, range, null);
  session.countPruned(plan);
  const files = plan.scan.filter(
    ({ file }) =>
      service === undefined || !file.servicesWhole || file.services.some(({ name }) => name === service),
  );
  const units = files.flatMap(({ file, rowGroups }) =>
    splitByRows(rowGroups, (index) => file.rowGroups[index].rows).map((part) => ({ file, rowGroups: part })),
  );
  const filter = { condition: null, range };
  await inLanes(
    session.concurrency,
    () => units.shift(),
    async ({ file, rowGroups }) => {
      const figures = await session.job<'groups'>(file, {
        kind: 'groups',
        columns,
        rowGroups,
        filter,
        service,
      });
      if (figures) groups.merge(figures);
    },
  );
  return groups
    .all()
    .map((figures) => statsOf(figures, service))
    .sort(byCount);
}

function statsOf({ name, kind, errorCount, histogram }: GroupFigures, service: GroupService): OperationStats {
  return {
    serviceName: service ?? name,
    name: service === undefined ? '' : name,
    kind,
    count: histogram.count,
    errorCount,
    p50Nano: histogram.quantileNano(0.5),
    p95Nano: histogram.quantileNano(0.95),
    p99Nano: histogram.quantileNano(0.99),
    maxNano: histogram.maxNano,
  };
}

/** Most frequent first; by name where counts are equal, so that an answer does not depend on chance. */
function byCount(a: OperationStats, b: OperationStats): number {
  return (
    b.count - a.count || compare(a.serviceName, b.serviceName) || compare(a.name, b.name) || a.kind - b.kind
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
